//! From the start of the process to its first work, Kafka up and topics there:
//! `cargo bench --bench startup -- [--rounds N] [--json]`.
//!
//! * `new group`: the first start ever
//! * `again`: the group has existed before, and its last worker left in order
//! * `named`: with `kafka.worker_id`, which makes a worker a static member of its groups
//!
//! Seconds until `/metrics` counts the first record decoded, and until the first signal is there for a reader of
//! committed records; the latter includes a window that closes by count.

mod articles;
mod options;
mod report;
mod tail;
mod topics;
mod worker;

use std::path::Path;
use std::time::Duration;

use signalmill::config;
use signalmill::embedded::kafka as broker;
use signalmill::kafka::SIGNALS;

use options::Options;
use report::Report;
use tail::Tail;
use worker::Worker;

/// Enough for every start to find records waiting.
const ARTICLES: u64 = 400;
const BYTES: usize = 4_400;
const PATIENCE: Duration = Duration::from_mins(1);

fn main() -> anyhow::Result<()> {
    let options = Options::of_process();
    let rounds = options.number("--rounds", 3)?;
    let folder = tempfile::tempdir()?;
    let kafka = broker::Kafka::start(&broker::Settings::in_folder(folder.path().join("kafka")))?;
    let mut report = Report::new("startup", options.json());
    for (name, worker_id) in [("", None), ("named, ", Some("bench"))] {
        for round in 1..=rounds {
            let prefix = format!("s{round}-{}", worker_id.unwrap_or("free"));
            let settings = config::Kafka {
                worker_id: worker_id.map(str::to_owned),
                ..topics::settings(&kafka.brokers(), &format!("{prefix}-"))
            };
            for start in ["new group", "again"] {
                topics::fill(&settings, ARTICLES, BYTES)?;
                let (decoded, signal) = start_once(folder.path(), &settings)?;
                report.row(format!("{name}{start}, round {round}"), vec![("decoded s", decoded), ("signal s", signal)]);
            }
        }
    }
    report.print();
    Ok(())
}

fn start_once(folder: &Path, kafka: &config::Kafka) -> anyhow::Result<(f64, f64)> {
    let tail = Tail::of(kafka, SIGNALS)?;
    let worker_id = kafka.worker_id.as_ref().map(|id| format!("worker_id = \"{id}\"\n")).unwrap_or_default();
    let config =
        format!("[kafka]\nbrokers = \"{}\"\ntopic_prefix = \"{}\"\n{worker_id}", kafka.brokers, kafka.topic_prefix);
    let worker = Worker::start(&worker::Settings { folder, stages: "window,enrich,score", config })?;
    let decoded = worker.wait_for("window/decode", 1.0, PATIENCE)?;
    let (first, _) = tail.wait_for(ARTICLES, PATIENCE)?;
    let since = |moment: std::time::Instant| (moment - worker.started).as_secs_f64();
    let figures = (since(decoded), since(first));
    worker.stop()?;
    Ok(figures)
}
