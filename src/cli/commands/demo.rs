//! `demo`: everything on this machine, from nothing to scored signals, with the samples that come with the program.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::run::operate;
use super::{progress, stop_signal, surroundings};
use crate::cli::args;
use crate::cli::feed::{self, Entry};
use crate::cli::output::{Table, harmless};
use crate::clickhouse::Summary;
use crate::config::{Config, HttpUrl};
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

pub(super) async fn run(args: args::Demo, mut config: Config) -> anyhow::Result<()> {
    let mut stop = stop_signal()?;
    let data = tempfile::Builder::new().prefix("signalmill-demo-").tempdir().context("making a folder for the data")?;
    say("starting Kafka and the ClickHouse engine (the first time they are fetched, which takes a minute)")?;
    let mut services = start_services(&data).await?;
    config.kafka.brokers = services.kafka.brokers();
    config.clickhouse.url = HttpUrl::parse(&services.clickhouse.url()).context("the engine's address is no URL")?;
    config.articles.batch_age_max = BATCH_AGE_MAX;
    let listener = match TcpListener::bind(config.metrics.listen).await {
        Ok(listener) => listener,
        Err(_) => TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.context("listening for metrics")?,
    };
    let metrics = listener.local_addr().context("asking for our own address")?;
    let surroundings = surroundings(config)?;
    let (store, kafka) = (surroundings.store.clone(), surroundings.config.kafka.clone());
    kafka::ensure(&kafka, kafka::TOPICS, true).await?;
    let ingested = tokio::task::spawn_blocking(move || ingest(&kafka)).await.context("ingesting panicked")??;
    let (end, ended) = watch::channel(false);
    let pipeline = tokio::spawn(operate(surroundings, HOPS.to_vec(), true, listener, ended));
    let finished = tokio::select! {
        finished = finish(ingested.sent) => finished,
        () = stopped(&mut stop) => Ok(()),
    };
    if finished.is_ok() && !*stop.borrow() {
        show(&ingested, &store.summary(STRONGEST_SHOWN).await?)?;
        if !args.once {
            invite(&services, metrics)?;
            stopped(&mut stop).await;
        }
    }
    let _ = end.send(true);
    pipeline.await.context("the pipeline died")??;
    tokio::task::spawn_blocking(move || services.stop()).await.context("stopping panicked")??;
    finished
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await.map(|_| ());
}

fn say(text: &str) -> io::Result<()> {
    writeln!(io::stderr(), "{text}")
}

async fn start_services(data: &TempDir) -> anyhow::Result<Services> {
    let root: &Path = data.path();
    let free = |port| port::check_free(port).is_ok().then_some(port);
    let kafka = broker::Settings { port: free(KAFKA_PORT), ..broker::Settings::in_folder(root.join("kafka")) };
    let engine = clickhouse::Settings {
        port: free(CLICKHOUSE_PORT),
        ..clickhouse::Settings::in_folder(root.join("clickhouse"))
    };
    tokio::task::spawn_blocking(move || Services::start_with(&kafka, &engine)).await.context("starting panicked")?
}

struct Ingested {
    sent: u64,
    bad: Vec<String>,
}

fn ingest(kafka: &crate::config::Kafka) -> anyhow::Result<Ingested> {
    let producer = Producer::new(kafka)?;
    let topic = format!("{}{ARTICLES_RAW}", kafka.topic_prefix);
    let mut bar = progress("articles", None);
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
        bail!("the samples did not come through within {PATIENCE:?}: see the log above");
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

fn show(ingested: &Ingested, summary: &Summary) -> anyhow::Result<()> {
    let out = &mut io::stdout().lock();
    let mut counts = Table::new(&["", "count"]);
    let mut count = |what: &str, count: u64| counts.row([what.to_owned(), count.to_string()]);
    count("records sent", ingested.sent);
    count("articles seen", summary.articles);
    for screened in &summary.screened {
        count(&format!("  screened out: {}", screened.screen), screened.articles);
    }
    count("  repeating another", summary.duplicates);
    count("articles analysed", summary.analyzed);
    count("batches", summary.batches);
    count("dead letters", summary.dead_letters);
    writeln!(out)?;
    counts.write(out)?;
    writeln!(out, "cost: ${} (analyzer: lexicon, built in)", summary.cost)?;
    for bad in &ingested.bad {
        writeln!(out, "not an article, sent on purpose: {bad}")?;
    }
    writeln!(out, "\nstrongest signals")?;
    let mut strongest = Table::new(&["score", "direction", "confidence", "subject", "headline"]);
    for signal in &summary.strongest {
        strongest.row([
            format!("{:.1}", signal.signal.score),
            signal.signal.direction.clone(),
            format!("{:.2}", signal.signal.confidence),
            harmless(&signal.signal.subject).into_owned(),
            harmless(&signal.title).into_owned(),
        ]);
    }
    strongest.write(out)?;
    Ok(())
}

fn invite(services: &Services, metrics: SocketAddr) -> io::Result<()> {
    let out = &mut io::stdout().lock();
    let (kafka, clickhouse) = (services.kafka.brokers(), services.clickhouse.url());
    writeln!(out, "\neverything stays up until Ctrl-C:")?;
    writeln!(out, "  Kafka       {kafka}")?;
    writeln!(out, "  ClickHouse  {clickhouse}")?;
    writeln!(out, "  metrics     http://{metrics}/metrics")?;
    writeln!(out, "  health      http://{metrics}/health")?;
    writeln!(out, "look:  curl '{clickhouse}/?database=signalmill&default_format=PrettyCompact' \\")?;
    writeln!(out, "         --data 'SELECT subject, direction, score FROM signals_v ORDER BY score DESC LIMIT 5'")?;
    out.flush()
}
