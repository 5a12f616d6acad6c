//! Every key: its type, its default, what it takes and what it means, each said once and here.
//!
//! The macro [`settings`](super::visit) makes of each block a plain struct, its `Default` and its part of the table
//! from which files are read and the reference is printed. There is no second list that could disagree.
//! Durations are written `5s`, sizes `8 MiB`, money in dollars; sizes are of uncompressed bytes.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::model::{Cadence, NanoUsd, Strategy};

use super::choice::{
    Action, HttpUrl, Mechanism, Protocol, Provider, Rung, filled, host_ports, identifier, language, name, origin,
    prefix,
};
use super::leaf::{each, text, within};
use super::secret::{Secret, Token};
use super::units::Bytes;
use super::visit::settings;

const NAME: &str = "letters, digits, . _ -, at most 64";
const IDENTIFIER: &str = "letters, digits, _, not first a digit, at most 64";

settings! {
    /// All of it, one field a section.
    pub struct Config {
        /// The brokers and what is common to all topics.
        section kafka: Kafka;
        /// Where schemas are registered.
        section schema_registry: SchemaRegistry;
        /// Where rows go.
        section clickhouse: ClickHouse;
        /// Who analyses articles.
        section llm: Llm;
        /// Research that validates signals.
        section tavily: Tavily;
        /// Derivatives data of markets.
        section coinalyze: Coinalyze;
        /// Which articles are analysed, and in which batches.
        section articles: Articles;
        /// What may be spent.
        section budget: Budget;
        /// What a record may be.
        section limits: Limits;
        /// When a hop stops instead of making dead letters of most of what it reads.
        section dead_letters: DeadLetters;
        /// Market files.
        section market: Market;
        /// Failed calls.
        section retry: Retry;
        /// Failing providers.
        section breaker: Breaker;
        /// Analyses on demand.
        section analysis: Analysis;
        /// Batches of rows.
        section sink: Sink;
        /// What a hop holds, and how often it commits.
        section flow: Flow;
        /// The HTTP API.
        section api: Api;
        /// Metrics and health.
        section metrics: Metrics;
    }

    /// The brokers and what is common to all topics.
    pub struct Kafka {
        /// Brokers to ask first: `host:port`, comma-separated.
        key brokers: String = "127.0.0.1:9092".to_owned(), text("host:port, comma-separated", host_ports);
        /// Put before the name of every topic and group, so that several installations share a cluster.
        key topic_prefix: String = String::new(), text("letters, digits, . _ -, at most 64, or empty", prefix);
        /// Partitions of a topic when it is created.
        key partitions: i32 = 4, within(1..=1000);
        /// Copies of a topic when it is created.
        key replication: i32 = 1, within(1..=15);
        /// A stable name of this worker, unlike every other's: after a restart it has its partitions back at once, and
        /// its own open transactions are ended at once. Unset: a new name each start.
        key worker_id: Option<String> = None, text(NAME, name);
        /// How long the broker lets a transaction of a dead worker stand open.
        key transaction_timeout: Duration = Duration::from_secs(10),
            within(Duration::from_secs(1)..=Duration::from_mins(15));
        /// How long the broker waits for a silent worker before it gives its partitions to others.
        key session_timeout: Duration = Duration::from_secs(6),
            within(Duration::from_secs(1)..=Duration::from_mins(30));
        /// Encryption and login.
        section security: Security;
    }

    /// Encryption and login at the brokers.
    pub struct Security {
        /// How bytes travel to the brokers.
        key protocol: Protocol = Protocol::default();
        /// How the login proves itself; needed by the `sasl_` protocols.
        key mechanism: Mechanism = Mechanism::default();
        /// User of the login.
        key username: Option<String> = None, text("a name", filled);
        /// Password of the login.
        secret password: Option<Secret>, "KAFKA_PASSWORD";
        /// Certificates of the authorities to trust, PEM. Unset: the system's.
        key ca_file: Option<PathBuf> = None;
        /// Our own certificate, PEM, where brokers ask for one.
        key cert_file: Option<PathBuf> = None;
        /// The key of our own certificate, PEM.
        key key_file: Option<PathBuf> = None;
    }

    /// Where schemas are registered.
    pub struct SchemaRegistry {
        /// A Confluent schema registry. Set: Confluent framing; unset: Avro single-object encoding.
        key url: Option<HttpUrl> = None;
        /// User, where it asks for one.
        key user: Option<String> = None, text("a name", filled);
        /// Password of the user.
        secret password: Option<Secret>, "SCHEMA_REGISTRY_PASSWORD";
    }

    /// Where rows go.
    pub struct ClickHouse {
        /// Its HTTP interface.
        key url: HttpUrl = HttpUrl::literal("http://127.0.0.1:8123");
        /// The database of all tables.
        key database: String = "signalmill".to_owned(), text(IDENTIFIER, identifier);
        /// Who inserts.
        key user: String = "default".to_owned(), text("a name", filled);
        /// Password of the user.
        secret password: Option<Secret>, "CLICKHOUSE_PASSWORD";
        /// Name of the cluster. Set: `ReplicatedMergeTree`, and tables are made `ON CLUSTER`, of one shard; unset: one server.
        key cluster: Option<String> = None, text(IDENTIFIER, identifier);
    }

    /// Who analyses articles.
    pub struct Llm {
        /// `lexicon` is built in and free; `gemini`; `openai`, or whatever speaks its protocol.
        key provider: Provider = Provider::default();
        /// Base URL with the version path; unset: the provider's own.
        key base_url: Option<HttpUrl> = None;
        /// Model; unset: the provider's usual one. It must have a price.
        key model: Option<String> = None, text("a name", filled);
        /// Longest answer in tokens; unset: 1024.
        key max_output_tokens: Option<u32> = None, within(16..=1_000_000);
        /// Longest wait for an answer; unset: 5 minutes.
        key timeout: Option<Duration> = None, within(Duration::from_millis(100)..=Duration::from_hours(1));
        /// Prices in place of the built-in ones, in the form of `schemas/prices.toml`; what is not named there is not
        /// bought.
        key prices_file: Option<PathBuf> = None;
        /// Whether the provider's own count of tokens is asked for before each question, where it is free (Gemini): holds are
        /// then as small as they can be, for another round trip.
        key count_ahead: bool = false;
        /// Ceiling of the adaptive limit of calls in flight.
        key concurrency_max: usize = 64, within(1..=100_000);
        /// Key of Gemini.
        secret gemini_api_key: Option<Secret>, "GEMINI_API_KEY";
        /// Key of OpenAI, or of what speaks its protocol.
        secret openai_api_key: Option<Secret>, "OPENAI_API_KEY";
    }

    /// Research that validates signals.
    pub struct Tavily {
        /// Whether strong readings of a paid model are validated by research.
        key enabled: bool = false;
        /// Base URL.
        key base_url: HttpUrl = HttpUrl::literal("https://api.tavily.com");
        /// Only readings at least this strong are validated.
        key min_strength: f64 = 0.6, within(0.0..=1.0);
        /// Key of Tavily; without one its keyless mode is used.
        secret api_key: Option<Secret>, "TAVILY_API_KEY";
    }

    /// Derivatives data of markets.
    pub struct Coinalyze {
        /// Whether it is asked what derivatives markets say about each instrument.
        key enabled: bool = false;
        /// Base URL with the version path.
        key base_url: HttpUrl = HttpUrl::literal("https://api.coinalyze.net/v1");
        /// Quota of one key in a sliding minute; a unit is a symbol of an endpoint.
        key units_per_minute: u32 = 40, within(1..=100_000);
        /// How long that minute is: for services that count in another one.
        key quota_window: Duration = Duration::from_mins(1), within(Duration::from_millis(100)..=Duration::from_hours(1));
        /// Symbols in a request.
        key symbols_per_request: usize = 20, within(1..=20);
        /// How long a context is fresh.
        key data_ttl: Duration = Duration::from_mins(15), within(Duration::from_secs(1)..=Duration::from_hours(240));
        /// How long the list of markets is fresh.
        key symbols_ttl: Duration = Duration::from_hours(24),
            within(Duration::from_secs(1)..=Duration::from_hours(720));
        /// Keys, comma-separated, each with a quota of its own.
        secret api_keys: Vec<Secret>, "COINALYZE_API_KEYS";
    }

    /// Which articles are analysed, and in which batches.
    pub struct Articles {
        /// Characters of clean text below which an article is screened as `short`.
        key min_chars: usize = 1000, within(0..=1_000_000);
        /// Characters of clean text from which an article is worth an analysis of its own:
        /// the API shows no shorter one as ready, and starts no session of it, unless it is asked to.
        key ready_chars: usize = 2000, within(0..=1_000_000);
        /// Languages (ISO 639-1) that are analysed; others are screened as `language`. Empty: all.
        key languages: Vec<String> = Vec::new(), each("codes of two letters such as \"en\"", language);
        /// Articles in a batch.
        key batch_size: usize = 10, within(1..=1000);
        /// How long the first article of a batch waits for the others.
        key batch_age_max: Duration = Duration::from_secs(5),
            within(Duration::from_millis(1)..=Duration::from_hours(1));
        /// Bytes of text in a batch; a single article may be larger.
        key batch_bytes_max: Bytes = Bytes::mebi(4), within(Bytes(1024)..=Bytes::mebi(16));
        /// Publishers that come first inside a window, the most important first.
        key publishers_first: Vec<String> = ["NewsBTC", "CoinDesk", "CryptoPotato"].map(str::to_owned).to_vec(),
            each("names", filled);
        /// `hourly` (id `2026-11-22T04`), `daily` (id `2026-11-22`, UTC), or a fixed name used
        /// as the id. One session is one budget.
        key session: Cadence = Cadence::Daily;
    }

    /// What may be spent. All limits are hard.
    pub struct Budget {
        /// Batches are keyed by it; its limits have one owner.
        key account: String = "articles".to_owned(), text(NAME, name);
        /// Limit of a session.
        key session_usd: NanoUsd = NanoUsd(300_000_000);
        /// What one article may cost at most, all its attempts and its research together; unset: as its session has.
        key article_usd: Option<NanoUsd> = None;
        /// Limit of a day, UTC.
        key daily_usd: Option<NanoUsd> = None;
        /// Limit of a month, UTC.
        key monthly_usd: Option<NanoUsd> = None;
        /// Share of a limit from which on a warning is logged.
        key alert_at: f64 = 0.8, within(0.0..=1.0);
        /// What is done at which share of the session's budget.
        key ladder: Vec<Rung> = vec![Rung { at: 1.0, action: Action::Defer }];
    }

    /// What a record may be.
    pub struct Limits {
        /// A larger record of an input topic becomes a dead letter (`too_large`).
        key record_bytes_max: Bytes = Bytes::mebi(8), within(Bytes(1024)..=Bytes::mebi(32));
    }

    /// When a hop stops instead of making dead letters of most of what it reads.
    pub struct DeadLetters {
        /// Dead letters in a row; one more stops the hop before it is committed. 0: no limit. Files that were understood and
        /// hold too little (`empty`, `too_few_bars`, `inconsistent`) do not count.
        key consecutive_max: usize = 500, within(0..=1_000_000_000);
        /// Share of dead letters among the last `dead_letters.window` records above which the hop stops; 1: no limit.
        key ratio_max: f64 = 0.5, within(0.0..=1.0);
        /// Records that the share is taken of.
        key window: usize = 1000, within(100..=1_000_000);
        /// How long a stopped hop waits before it tries the same records again.
        key pause: Duration = Duration::from_mins(1), within(Duration::from_millis(100)..=Duration::from_hours(24));
    }

    /// Market files.
    pub struct Market {
        /// Series in a batch.
        key batch_size: usize = 20, within(1..=1000);
        /// How long the first series of a batch waits for the others.
        key batch_age_max: Duration = Duration::from_millis(200),
            within(Duration::from_millis(1)..=Duration::from_hours(1));
        /// Bytes of candles in a batch; a single series may be larger.
        key batch_bytes_max: Bytes = Bytes::mebi(4), within(Bytes(1024)..=Bytes::mebi(16));
        /// How series are scored: one signal for each.
        key strategies: Vec<Strategy> = Strategy::ALL.to_vec();
    }

    /// Failed calls.
    pub struct Retry {
        /// Attempts at one question before it is put aside for a while, the first included.
        key attempts_max: u32 = 3, within(1..=100);
    }

    /// Failing providers.
    pub struct Breaker {
        /// Failures in a row that open it.
        key failures: u32 = 5, within(1..=10_000);
        /// How long it stays open before a call is tried.
        key open: Duration = Duration::from_mins(1), within(Duration::from_secs(1)..=Duration::from_hours(24));
    }

    /// Analyses on demand.
    pub struct Analysis {
        /// Jobs that a worker is at, at a time.
        key batch_size: usize = 5, within(1..=1000);
        /// Jobs that may wait; more are refused (429).
        key jobs_waiting_max: usize = 10_000, within(1..=100_000_000);
        /// Candles up to which an analysis is made within the request.
        key immediate_candles_max: usize = 1000, within(1..=1_000_000);
        /// How long one attempt at a job may take.
        key timeout: Duration = Duration::from_mins(1), within(Duration::from_secs(1)..=Duration::from_hours(1));
        /// Attempts at a job before it is given up and becomes a dead letter, the first included.
        key attempts_max: u32 = 4, within(1..=100);
        /// What the summaries of a day (UTC) may cost together, where `llm.provider` is one that costs. Each partition of
        /// `analysis.jobs` has an equal share of it.
        key daily_usd: NanoUsd = NanoUsd(300_000_000);
        /// How long a provider may take for a summary, or `llm.timeout` where that is shorter; after that the summary is
        /// made by the built-in template.
        key summary_timeout: Duration = Duration::from_secs(20),
            within(Duration::from_millis(100)..=Duration::from_mins(10));
        /// How often a worker looks whether ClickHouse and Kafka are there.
        key health_check_interval: Duration = Duration::from_secs(30),
            within(Duration::from_secs(1)..=Duration::from_hours(24));
        /// How often a worker says how it is and what it has done.
        key metrics_publish_interval: Duration = Duration::from_mins(1),
            within(Duration::from_secs(1)..=Duration::from_hours(24));
    }

    /// Batches of rows, inserted at whichever of these comes first. `flow.in_flight_bytes_max` bounds their bytes.
    pub struct Sink {
        /// Records whose rows are inserted together.
        key batch_rows_max: usize = 10_000, within(1..=1_000_000);
        /// Time that the first row waits.
        key batch_age_max: Duration = Duration::from_millis(200),
            within(Duration::from_millis(1)..=Duration::from_mins(10));
    }

    /// What a hop holds, and how often it commits.
    pub struct Flow {
        /// Bytes of records that a hop holds before it pauses its source.
        key in_flight_bytes_max: Bytes = Bytes::mebi(16), within(Bytes::mebi(1)..=Bytes::mebi(16_384));
        /// Records that a hop holds before it pauses its source.
        key in_flight_records_max: usize = 10_000, within(1..=10_000_000);
        /// Time between two transactions of a hop while there is something to commit.
        key tick: Duration = Duration::from_millis(20), within(Duration::from_millis(1)..=Duration::from_secs(10));
        /// Time that a hop has to finish what it holds when it stops or loses a partition.
        key drain: Duration = Duration::from_secs(7), within(Duration::from_millis(100)..=Duration::from_mins(5));
    }

    /// The HTTP API.
    pub struct Api {
        /// Where it listens; without tokens on loopback only.
        key listen: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 8080));
        /// Longest wait for an answer; streams of events have none.
        key timeout: Duration = Duration::from_secs(30), within(Duration::from_millis(100)..=Duration::from_mins(10));
        /// Requests that are answered at one time; more are refused (503).
        key requests_max: usize = 512, within(1..=100_000);
        /// Streams of events that are open at one time; more are refused (503).
        key streams_max: usize = 10_000, within(1..=1_000_000);
        /// Requests a second of one user, or of one address where nobody says who it is: twice as many at once; more are
        /// refused (429).
        key requests_per_second: u32 = 1000, within(1..=1_000_000);
        /// Origins whose pages may ask from a browser, such as `https://desk.example.com`. The API's own page always may.
        key cors_origins: Vec<String> = Vec::new(), each("origins such as \"https://desk.example.com\"", origin);
        /// Who may call: `token=user` or `token=user:admin`, comma-separated.
        secret tokens: Vec<Token>, "SIGNALMILL_API_TOKENS";
    }

    /// Metrics and health.
    pub struct Metrics {
        /// Where `/metrics`, `/live`, `/ready` and `/health` are served.
        key listen: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 9464));
    }
}
