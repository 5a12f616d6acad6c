//! Every secret that the contract names, marked, through everything the program writes: nowhere is one of them.
//!
//! What is done: articles and a chart are analysed for money, researched, and a chart is asked about by HTTP; then the
//! same with services that refuse and repeat what they were sent; then commands with settings that are wrong. What is
//! looked through: logs at `debug` and outputs of commands, metrics, answers of the API, every topic with its headers,
//! every table, and the files that were written.

mod parrot;

use std::fs;
use std::path::Path;
use std::time::Duration;

use rand::Rng as _;
use serde_json::json;
use signalmill::embedded::providers::knobs::Latency;
use signalmill::embedded::providers::{Settings, StandIns};
use signalmill::kafka::TOPICS;

use self::parrot::Parrot;
use crate::audit::now_ms;
use crate::mill::{Mill, Worker, get};
use crate::stack::{Raw, Stack, until};

const PATIENCE: Duration = Duration::from_mins(2);
/// Names of secrets, as the contract has them; a token of the API and a key of Coinalyze come in two.
const NAMES: [&str; 9] = [
    "GEMINI_API_KEY",
    "OPENAI_API_KEY",
    "TAVILY_API_KEY",
    "COINALYZE_API_KEYS",
    "COINALYZE_API_KEYS-2",
    "CLICKHOUSE_PASSWORD",
    "KAFKA_PASSWORD",
    "SIGNALMILL_API_TOKENS",
    "SIGNALMILL_API_TOKENS-2",
];
/// Bars of a chart.
const BARS: i64 = 80;
/// A word that looks like a key and is none: it goes where its record goes.
const NO_SECRET: &str = "sk-live-4b1d-this-is-an-article";

/// The secrets, unlike anything else, and whatever was seen outside of Kafka and ClickHouse.
struct Watch {
    secrets: Vec<(&'static str, String)>,
    seen: Vec<(String, Vec<u8>)>,
}

impl Watch {
    fn new() -> Self {
        let mut random = rand::rng();
        let marked = |name| (name, format!("marked-{:032x}", random.random::<u128>()));
        Self { secrets: NAMES.map(marked).to_vec(), seen: Vec::new() }
    }

    fn secret(&self, name: &str) -> &str {
        &self.secrets.iter().find(|(known, _)| *known == name).unwrap().1
    }

    fn see(&mut self, place: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.seen.push((place.into(), bytes.into()));
    }

    /// Every place where a secret stands.
    fn leaks(&self) -> Vec<String> {
        let found = |(place, bytes): &(String, Vec<u8>)| {
            let holds = |secret: &str| bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            let named = self.secrets.iter().filter(|(_, secret)| holds(secret));
            named.map(|(name, _)| format!("{name} in {place}")).collect::<Vec<_>>()
        };
        self.seen.iter().flat_map(found).collect()
    }

    /// All that is in Kafka, ClickHouse and the folder.
    fn look_through(&mut self, mill: &Mill) {
        for topic in TOPICS {
            for seen in mill.read(topic.name) {
                let place = format!("{}/{}/{}", topic.name, seen.partition, seen.offset);
                let headers =
                    seen.headers.iter().flat_map(|(name, value)| [name.as_bytes(), value.as_slice()].concat());
                let parts = [seen.key.unwrap_or_default(), seen.value.unwrap_or_default(), headers.collect()];
                self.see(place, parts.join(&b'\n'));
            }
        }
        let tables = mill.ask(
            "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree' ORDER BY name",
        );
        assert!(tables.lines().count() > 15, "{tables}");
        for table in tables.lines() {
            self.see(format!("table {table}"), mill.ask(&format!("SELECT formatRow('JSONEachRow', *) FROM {table}")));
        }
        self.see_files(mill.folder());
    }

    fn see_files(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.see_files(&path);
            } else {
                self.see(path.display().to_string(), fs::read(&path).unwrap());
            }
        }
    }

    /// How often a word was seen, and where.
    fn places_of(&self, word: &str) -> Vec<&str> {
        let holds = |bytes: &[u8]| bytes.windows(word.len()).any(|window| window == word.as_bytes());
        self.seen.iter().filter(|(_, bytes)| holds(bytes)).map(|(place, _)| place.as_str()).collect()
    }
}

/// An installation with every secret set, whose services are at these addresses.
fn mill(watch: &Watch, gemini: &str, tavily: &str, coinalyze: &str) -> Mill {
    let pair = |name: &str| (watch.secret(name).to_owned(), watch.secret(&format!("{name}-2")).to_owned());
    let (alice, bob) = pair("SIGNALMILL_API_TOKENS");
    let (first, second) = pair("COINALYZE_API_KEYS");
    let mut mill = Mill::on(Stack::shared(), "secrets")
        .set("llm.provider", "gemini")
        .set("llm.base_url", gemini)
        .set("tavily.enabled", "true")
        .set("tavily.min_strength", "0")
        .set("tavily.base_url", tavily)
        .set("coinalyze.enabled", "true")
        .set("coinalyze.base_url", coinalyze)
        .set("analysis.daily_usd", "1")
        .set("retry.attempts_max", "1")
        .set("breaker.open", "1s")
        .variable("RUST_LOG", "debug")
        .variable("COINALYZE_API_KEYS", &format!("{first},{second}"))
        .variable("SIGNALMILL_API_TOKENS", &format!("{alice}=alice:admin,{bob}=bob"));
    for name in ["GEMINI_API_KEY", "OPENAI_API_KEY", "TAVILY_API_KEY", "CLICKHOUSE_PASSWORD", "KAFKA_PASSWORD"] {
        mill = mill.variable(name, watch.secret(name));
    }
    mill
}

fn chart(symbol: &str) -> Raw {
    let last = now_ms() / 900_000 * 900_000 - 900_000;
    let bar = |bar: i64| {
        let price = 100.0 + f64::from(i32::try_from(bar % 17).unwrap());
        json!([last - (BARS - 1 - bar) * 900_000, price, price + 1.0, price - 1.0, price + 0.5, 10.0])
    };
    let candles: Vec<_> = (0..BARS).map(bar).collect();
    let file = json!({ "symbol": symbol, "exchange": "binance", "interval": "15m", "candles": candles });
    Raw { value: Some(file.to_string().into_bytes()), ..Raw::default() }
}

fn raw(text: String) -> Raw {
    Raw { value: Some(text.into_bytes()), ..Raw::default() }
}

/// Waits until the newest outcomes of `count` articles are these.
fn until_articles(mill: &Mill, analyzed: usize, failed: usize) {
    let sql = "SELECT sum(articles_analyzed), sum(articles_failed) FROM batch_processing_sessions_v";
    mill.until_answer(sql, &format!("{analyzed}\t{failed}"), PATIENCE);
}

/// Asks the API as it is asked, by those who may and those who may not, and keeps what it says.
fn ask(watch: &mut Watch, mill: &Mill, worker: &mut Worker) {
    let api = worker.api();
    let alice = watch.secret("SIGNALMILL_API_TOKENS").to_owned();
    let wrong = watch.secret("GEMINI_API_KEY").to_owned();
    let status = "SELECT count() FROM analysis_jobs_v WHERE status IN ('completed', 'failed')";
    let jobs = mill.ask(status).parse::<u64>().unwrap();
    let client = crate::analysis_api::client::Client::new(&api).with_token(&alice);
    let started = client.post("/analyze/BTCUSDT/15m", &json!({ "exchange": "binance" }));
    assert!(started.status < 300, "{}", started.text());
    watch.see("analyze", started.bytes);
    mill.until_answer(status, &(jobs + 1).to_string(), PATIENCE);
    for path in [
        "/health",
        "/live",
        "/ready",
        "/metrics",
        "/admin/status",
        "/api/articles/analysis-ready",
        "/api/publishers",
        "/api/sessions",
        "/api/signals",
        "/api/results",
        "/api/instruments",
        "/analysis/queue/stats",
        "/analysis/workers",
        "/openapi.json",
        "/",
        "/api/articles/nobody",
        "/api/signals?limit=0",
        "/api/candles?symbol=BTCUSDT&exchange=binance&interval=15m",
    ] {
        for header in [
            format!("Authorization: Bearer {alice}\r\n"),
            format!("Authorization: Bearer {wrong}\r\n"),
            format!("Authorization: {alice}\r\n"),
            String::new(),
        ] {
            let (status, head, body) = get(&api, path, &header).unwrap();
            watch.see(format!("{path} ({status})"), format!("{head}\n{body}"));
        }
    }
    // Somebody puts it where it does not belong: into an address, which must not be logged whole.
    let (status, head, body) = get(&api, &format!("/api/signals?token={alice}&limit=0"), "").unwrap();
    watch.see(format!("a token in an address ({status})"), format!("{head}\n{body}"));
    let (_, metrics) = worker.page("/metrics").unwrap();
    watch.see("/metrics of the worker", metrics);
}

#[test]
fn no_secret_is_written_anywhere() {
    let mut watch = Watch::new();
    let stand_ins = StandIns::start(Settings::default()).unwrap();
    stand_ins.set_all(|knobs| knobs.latency = Latency::fixed(Duration::from_millis(5)));
    let (gemini, tavily) = (stand_ins.gemini_url(), stand_ins.tavily_url());

    // Everything is well.
    let plain = mill(&watch, &gemini, &tavily, &stand_ins.coinalyze_url());
    let mut worker = plain.start_ready();
    plain.feed(6, Duration::ZERO).join().unwrap();
    plain.produce("articles.raw", &[raw(format!(r#"{{"id":"x","title":"{NO_SECRET}","body":7}}"#))]);
    plain.produce("market.files", &[chart("BTCUSDT")]);
    until_articles(&plain, 6, 0);
    plain.until_answer("SELECT count() FROM dead_letters", "1", PATIENCE);
    plain.until_answer("SELECT count() > 0 FROM market_contexts", "1", PATIENCE);
    ask(&mut watch, &plain, &mut worker);
    assert!(worker.stop().0.success());
    watch.look_through(&plain);

    // A model that refuses and repeats the key: the article fails, and its story is kept.
    let refuses = Parrot::start(400);
    let mut failing = mill(&watch, &refuses.url(), &tavily, &stand_ins.coinalyze_url());
    let mut worker = failing.start_ready();
    failing.feed_range(6..9, Duration::ZERO).join().unwrap();
    until_articles(&failing, 6, 3);
    ask(&mut watch, &failing, &mut worker);
    assert!(worker.stop().0.success());
    watch.look_through(&failing);
    assert!(refuses.heard(watch.secret("GEMINI_API_KEY")), "the key was sent");

    // Research and Coinalyze refuse; the model is OpenAI's, which is wrong half of the time.
    let denies = Parrot::start(401);
    failing = mill(&watch, &stand_ins.openai_url(), &denies.url(), &denies.url()).set("llm.provider", "openai");
    let mut worker = failing.start_ready();
    failing.feed_range(9..12, Duration::ZERO).join().unwrap();
    failing.produce("market.files", &[chart("ETHUSDT")]);
    let all = ["TAVILY_API_KEY", "COINALYZE_API_KEYS", "COINALYZE_API_KEYS-2"];
    until("the others are asked", PATIENCE, || {
        let unheard: Vec<&str> = all.into_iter().filter(|name| !denies.heard(watch.secret(name))).collect();
        // With one chart, one key is enough.
        if unheard.len() <= 1 && !unheard.contains(&"TAVILY_API_KEY") { Ok(()) } else { Err(format!("{unheard:?}")) }
    });
    ask(&mut watch, &failing, &mut worker);
    assert!(worker.stop().0.success());
    watch.look_through(&failing);

    commands(&mut watch, &stand_ins, &failing);
    let logs = watch.seen.iter().filter(|(place, _)| Path::new(place).extension().is_some_and(|end| end == "log"));
    let debug = logs.clone().filter(|(_, log)| String::from_utf8_lossy(log).contains("DEBUG")).count();
    assert!(debug >= 3, "logs tell all they can: {debug} of {}", logs.count());
    let carried = watch.places_of(NO_SECRET);
    assert!(
        carried.iter().any(|place| place.starts_with("articles.raw.dlq")),
        "what is no secret is seen: {carried:?}"
    );
    assert!(carried.contains(&"table dead_letters"), "{carried:?}");
    let leaks = watch.leaks();
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
}

/// Commands whose settings are wrong, in every way that brings a secret near to what is said.
fn commands(watch: &mut Watch, stand_ins: &StandIns, mill_of_all: &Mill) {
    let away = Parrot::start(500);
    let again = || mill(watch, &stand_ins.gemini_url(), &stand_ins.tavily_url(), &stand_ins.coinalyze_url());
    let host = away.url().replace("http://", "");
    let password = watch.secret("CLICKHOUSE_PASSWORD");
    let key = watch.secret("OPENAI_API_KEY");
    let file = mill_of_all.file(
        "wrong.toml",
        &format!(
            "[clickhouse]\npassword = \"{password}\"\n[llm]\nopenai_api_key = \"{key}\"\nkey = \"{key}\"\n\"{key}"
        ),
    );
    let file = file.display().to_string();
    let wrong: Vec<(&str, Mill, Vec<&str>)> = vec![
        ("a server that repeats", again().set("clickhouse.url", &away.url()), vec!["check"]),
        (
            "a password in an address",
            again().set("clickhouse.url", &format!("http://u:{password}@{host}")),
            vec!["check"],
        ),
        ("a password where none belongs", again().set("clickhouse.password", password), vec!["check"]),
        ("a key of a wrong name", again().variable("SIGNALMILL__LLM__API_KEY", key), vec!["check"]),
        ("tokens that are none", again().variable("SIGNALMILL_API_TOKENS", key), vec!["check"]),
        ("a file of secrets", again(), vec!["check", "--config", &file]),
        (
            "a login that nobody knows",
            again().set("kafka.security.protocol", "sasl_plaintext").set("kafka.security.username", "u"),
            vec!["check"],
        ),
        ("what is configured", again(), vec!["reference", "config"]),
        ("what is there", again(), vec!["sessions", "show", "--json"]),
    ];
    let said: Vec<(String, Vec<u8>)> = wrong
        .iter()
        .map(|(what, mill, args)| {
            let output = mill.command(args, "");
            let fails = !what.starts_with("what is");
            let said = [output.stdout, output.stderr].concat();
            assert_eq!(!output.status.success(), fails, "{what}: {}", String::from_utf8_lossy(&said));
            ((*what).to_owned(), said)
        })
        .collect();
    assert!(away.heard(password), "the password was sent");
    let secrets_in_file = [password.to_owned(), key.to_owned()];
    for (what, said) in said {
        watch.see(what, said);
    }
    // The file is ours, and holds what it holds.
    assert!(secrets_in_file.iter().all(|secret| fs::read_to_string(&file).unwrap().contains(secret.as_str())));
}
