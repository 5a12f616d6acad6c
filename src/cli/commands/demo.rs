//! `demo`: everything on this machine, from nothing to scored signals, with the samples that come with the program.
//!
//! Progress is told on standard error, the result on standard output.

mod result;

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::result::{Addresses, Ingested, invite, show, show_json};
use super::run::operate;
use super::{progress, stop_signal, surroundings};
use crate::cli::args;
use crate::cli::feed::{self, Entry};
use crate::config::{self, Config, HttpUrl};
use crate::embedded::{Services, clickhouse, kafka as broker, port};
use crate::kafka::{self, ARTICLES_RAW, Producer};
use crate::observe;
use crate::pipeline::HOPS;

const SAMPLES: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/local/samples/articles.jsonl"));
/// Signals that the result shows.
const STRONGEST_SHOWN: u64 = 10;
/// How often the result is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long the samples may take.
const PATIENCE: Duration = Duration::from_mins(2);
/// A window does not wait long when somebody watches.
const BATCH_AGE_MAX: Duration = Duration::from_millis(500);
/// Ports that the services get where they are free, so that the commands of the README work as they are printed.
const KAFKA_PORT: u16 = 9092;
const CLICKHOUSE_PORT: u16 = 8123;

pub(super) async fn run(args: args::Demo, config: Config, as_json: bool) -> anyhow::Result<()> {
    let mut stop = stop_signal()?;
    let data = tempfile::Builder::new().prefix("signalmill-demo-").tempdir().context("making a folder for the data")?;
    say("starting Kafka and the ClickHouse engine (the first time they are fetched, which takes a minute)")?;
    let began = Instant::now();
    let services = tokio::select! {
        services = start_services(&data) => services?,
        // What was started ends with this process.
        () = stopped(&mut stop) => bail!("stopped before the services were up"),
    };
    say(&format!("both are up after {:.1} s", began.elapsed().as_secs_f64()))?;
    let config = on(&services, config)?;
    let listener = match TcpListener::bind(config.metrics.listen).await {
        Ok(listener) => listener,
        Err(_) => TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.context("listening for metrics")?,
    };
    let addresses = Addresses::new(&services, listener.local_addr().context("asking for our own address")?);
    let surroundings = surroundings(config)?;
    let (store, kafka) = (surroundings.store.clone(), surroundings.config.kafka.clone());
    kafka::ensure(&kafka, kafka::TOPICS, true).await?;
    let ingested = tokio::task::spawn_blocking(move || ingest(&kafka)).await.context("ingesting panicked")??;
    let (end, ended) = watch::channel(false);
    let began = Instant::now();
    let mut pipeline = tokio::spawn(operate(surroundings, HOPS.to_vec(), true, listener, ended));
    tokio::select! {
        finished = finish(ingested.sent) => finished?,
        () = stopped(&mut stop) => return conclude(pipeline, &end, services).await.and(Err(interrupted())),
        died = &mut pipeline => return died.context("the pipeline died")?.and(Err(anyhow!("the pipeline ended early"))),
    }
    say(&format!(
        "all of them have gone through window, enrich, score and sink after {:.1} s",
        began.elapsed().as_secs_f64()
    ))?;
    let summary = store.summary(STRONGEST_SHOWN).await?;
    if as_json {
        show_json(&mut io::stdout(), &ingested, &summary, &addresses)?;
    } else {
        show(&mut io::stdout(), &ingested, &summary)?;
    }
    if !args.once {
        if !as_json {
            invite(&mut io::stdout(), &addresses)?;
        }
        stopped(&mut stop).await;
    }
    conclude(pipeline, &end, services).await
}

/// The configuration, with these services instead of those that it names: they have no users and no encryption.
fn on(services: &Services, config: Config) -> anyhow::Result<Config> {
    let url = HttpUrl::parse(&services.clickhouse.url()).context("the engine's address is no URL")?;
    let articles = config::Articles { batch_age_max: BATCH_AGE_MAX, ..config.articles };
    Ok(Config {
        kafka: config::Kafka { brokers: services.kafka.brokers(), ..config::Kafka::default() },
        clickhouse: config::ClickHouse { url, ..config::ClickHouse::default() },
        schema_registry: config::SchemaRegistry::default(),
        articles,
        ..config
    })
}

fn interrupted() -> anyhow::Error {
    anyhow!("stopped before the samples had come through")
}

/// Stops everything in order.
async fn conclude(
    pipeline: JoinHandle<anyhow::Result<()>>,
    end: &watch::Sender<bool>,
    mut services: Services,
) -> anyhow::Result<()> {
    say("stopping")?;
    let _ = end.send(true);
    pipeline.await.context("the pipeline died")??;
    tokio::task::spawn_blocking(move || services.stop()).await.context("stopping panicked")?
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await.map(|_| ());
}

fn say(text: &str) -> io::Result<()> {
    writeln!(io::stderr(), "{text}")
}

async fn start_services(data: &TempDir) -> anyhow::Result<Services> {
    let root: &Path = data.path();
    let free = |service: &str, port| match port::check_free(port) {
        Ok(()) => Some(port),
        Err(error) => {
            let _ = say(&format!("{service} gets another port: {error:#}"));
            None
        }
    };
    let kafka = broker::Settings { port: free("Kafka", KAFKA_PORT), ..broker::Settings::in_folder(root.join("kafka")) };
    let engine = clickhouse::Settings {
        port: free("ClickHouse", CLICKHOUSE_PORT),
        ..clickhouse::Settings::in_folder(root.join("clickhouse"))
    };
    tokio::task::spawn_blocking(move || Services::start_with(&kafka, &engine)).await.context("starting panicked")?
}

fn ingest(kafka: &config::Kafka) -> anyhow::Result<Ingested> {
    let producer = Producer::new(kafka)?;
    let topic = format!("{}{ARTICLES_RAW}", kafka.topic_prefix);
    let mut bar = progress("sample articles sent", None);
    let mut bad = Vec::new();
    for entry in feed::read(SAMPLES).context("reading the samples")? {
        match entry.context("reading the samples")? {
            Entry::Article { json, id, .. } => producer.send(&topic, Some(id.as_bytes()), &json)?,
            Entry::Bad { line, why } => {
                // Sent all the same: what the pipeline makes of such a record is part of the show.
                bad.push(format!("line {line}: {why}"));
                let text = SAMPLES.split(|byte| *byte == b'\n').nth(usize::try_from(line).unwrap_or(1) - 1);
                producer.send(&topic, None, text.unwrap_or_default())?;
            }
        }
        bar.add(1);
    }
    bar.finish();
    Ok(Ingested { sent: producer.finish()?, bad })
}

/// Returns when every record has become a row of the kind that it becomes.
async fn finish(sent: u64) -> anyhow::Result<()> {
    let look = async {
        loop {
            let seen = Seen::now();
            if seen.is_all_of(sent) {
                break;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    if tokio::time::timeout(PATIENCE, look).await.is_err() {
        bail!("the samples did not come through within {PATIENCE:?}: run again with --log info to see why");
    }
    Ok(())
}

/// Progress by our own metrics.
struct Seen {
    decoded: f64,
    rejected: f64,
    admitted: f64,
    screened: f64,
    articles: f64,
    signals: f64,
    dead_letters: f64,
}

impl Seen {
    fn now() -> Self {
        let text = observe::render();
        let sum = |name: &str, labels: &[&str]| -> f64 {
            text.lines()
                .filter(|line| line.starts_with(name) && labels.iter().all(|label| line.contains(label)))
                .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
                .sum()
        };
        let stage = |stage: &str, outcome: &str| {
            sum("signalmill_records_total{", &[&format!("stage=\"{stage}\""), &format!("outcome=\"{outcome}\"")])
        };
        let rows = |table: &str| sum("signalmill_sink_rows_total{", &[&format!("table=\"{table}\"")]);
        Self {
            decoded: stage("window/decode", "ok"),
            rejected: stage("window/decode", "rejected"),
            admitted: stage("window/articles", "ok"),
            screened: stage("window/articles", "short") + stage("window/articles", "language"),
            articles: rows("articles"),
            signals: rows("signals"),
            dead_letters: rows("dead_letters"),
        }
    }

    #[expect(clippy::cast_precision_loss, clippy::float_cmp, reason = "counts below 2^53 are exact as floats")]
    fn is_all_of(&self, sent: u64) -> bool {
        self.decoded + self.rejected == sent as f64
            && self.dead_letters >= self.rejected
            && self.articles >= self.admitted + self.screened
            && self.signals >= self.admitted
    }
}
