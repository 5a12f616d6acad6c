//! Produce to row visible in `signals_v`, idle system, `batch_age_max` 200 ms:
//! `cargo bench --bench latency -- [--articles N] [--json]`.
//!
//! One article at a time, at random moments of the window's and the sink's ticks. Milliseconds from handing the record
//! to the producer to the first answer of ClickHouse that has the row; it is asked every [`LOOK_EVERY`].

mod articles;
mod options;
mod process;
mod report;
mod topics;
mod worker;

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use rand::Rng as _;
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord};
use signalmill::clickhouse::{self, Store};
use signalmill::clock::Clock;
use signalmill::embedded::Services;
use signalmill::kafka::ARTICLES_RAW;

use options::Options;
use process::Usage;
use report::Report;
use worker::Worker;

const LOOK_EVERY: Duration = Duration::from_millis(5);
/// The longest pause before an article.
const PAUSE_MS_MAX: u64 = 500;
const PATIENCE: Duration = Duration::from_mins(1);
const BYTES: usize = 4_400;

fn main() -> anyhow::Result<()> {
    let options = Options::of_process();
    let count = options.number("--articles", 300)?;
    let folder = tempfile::tempdir()?;
    let services = Services::start(folder.path(), env!("CARGO_BIN_EXE_signalmill").as_ref())?;
    let kafka = topics::settings(&services.kafka.brokers(), "");
    topics::fill(&kafka, 0, BYTES)?;
    let database = "bench".to_owned();
    let config = format!(
        "[kafka]\nbrokers = \"{}\"\n[clickhouse]\nurl = \"{}\"\ndatabase = \"{database}\"\n\
         [articles]\nbatch_age_max = \"200ms\"\n[sink]\nbatch_age_max = \"200ms\"\n",
        kafka.brokers,
        services.clickhouse.url()
    );
    let worker =
        Worker::start(&worker::Settings { folder: folder.path(), stages: "window,enrich,score,sink", config })?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let settings = clickhouse::Settings { url: services.clickhouse.url(), database, ..Default::default() };
    let store = Store::new(settings, Clock::system())?;
    runtime.block_on(store.migrate())?;
    let producer: BaseProducer =
        ClientConfig::new().set("bootstrap.servers", &kafka.brokers).set("linger.ms", "0").create()?;
    let mut times = Vec::new();
    // The first one waits for groups to form.
    runtime.block_on(one(&producer, &store, 0))?;
    let formed = worker.wait_for("score/articles", 1.0, PATIENCE)?;
    let before = Usage::of(worker.pid())?;
    for number in 1..=count {
        std::thread::sleep(Duration::from_millis(rand::rng().random_range(0..PAUSE_MS_MAX)));
        times.push(runtime.block_on(one(&producer, &store, number))?);
    }
    let (after, seconds) = (Usage::of(worker.pid())?, formed.elapsed().as_secs_f64());
    let mut report = Report::new("latency", options.json());
    let mut figures = spread(times);
    figures.extend([
        ("CPU %", (after.cpu_s - before.cpu_s) / seconds * 100.0),
        ("peak MiB", after.peak_mib),
        ("last MiB", after.resident_mib),
        ("groups form s", (formed - worker.started).as_secs_f64()),
    ]);
    report.row(format!("{count} articles, ms"), figures);
    report.print();
    worker.stop()
}

/// Milliseconds until article `number` is visible.
async fn one(producer: &BaseProducer, store: &Store, number: u64) -> anyhow::Result<f64> {
    let json = articles::json(number, BYTES)?;
    let id = format!("news-{number}");
    let sent = Instant::now();
    producer
        .send(BaseRecord::to(ARTICLES_RAW).key(&id).payload(&json))
        .map_err(|(error, _)| error)
        .context("sending an article")?;
    let question = format!("SELECT count() FROM signals_v WHERE source_id = '{id}'");
    loop {
        producer.poll(Duration::ZERO);
        if store.ask(&question).await? == "1" {
            break;
        }
        ensure!(sent.elapsed() < PATIENCE, "article {number} is not visible after {PATIENCE:?}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(sent.elapsed().as_secs_f64() * 1e3)
}

fn spread(mut times: Vec<f64>) -> Vec<(&'static str, f64)> {
    times.sort_by(f64::total_cmp);
    let at = |percent: usize| times.get((times.len() * percent / 100).min(times.len().saturating_sub(1)));
    [("p50", 50), ("p90", 90), ("p99", 99), ("max", 100)]
        .map(|(name, percent)| (name, at(percent).copied().unwrap_or(f64::NAN)))
        .to_vec()
}
