//! Records a second of history that is read again, until their rows are visible:
//! `cargo bench --bench replay -- [--articles N] [--copies N] [--json]`.
//!
//! * `journaled`: `replay --topic articles.raw`, every question of which was paid for before
//! * `scored again`: `replay --topic articles.analyses`, so many copies of every reading under other names
//!
//! Both are against the provider's bill: nothing may be bought. Seconds are those of the command's own report, from its
//! first look at the range to its last row. Each begins once the engine has merged what was inserted before.

mod articles;
mod options;
mod report;
mod site;
mod topics;
mod worker;

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use signalmill::kafka::{ARTICLES_ANALYSES, Behind, Producer, SIGNALS, SPEND_LEDGER, Start, Tail as Topic, group_name};
use signalmill::model::Analysis;
use signalmill::wire::{ALLOCATION_BYTES_MAX, Codec};

use options::Options;
use report::Report;
use site::{PLENTY, Plot, Site, float};
use worker::Worker;

/// What the stand-ins take for an answer: the journal is filled as fast as the hop can.
pub const LATENCY: Duration = Duration::from_millis(20);
/// The longest that the journal may take to be filled.
const PATIENCE: Duration = Duration::from_mins(15);
/// Bytes of an article.
const ARTICLE_BYTES: usize = 4_400;
/// How long the end of a topic is waited for.
const END: Duration = Duration::from_secs(2);

fn main() -> anyhow::Result<()> {
    let options = Options::of_process();
    let articles = options.number("--articles", 100_000)?;
    let copies = options.number("--copies", 10)?;
    let mut report = Report::new("replay", options.json());
    let site = Site::start()?;
    let mut plot = site.plot("replay")?;
    topics::fill(&plot.kafka, articles, ARTICLE_BYTES)?;
    let worker = plot.worker("window,enrich,score,sink", PLENTY, 256, "")?;
    let first = filled(&plot, &worker, articles)?;
    let bill = plot.stand_ins.bill().entries.len();
    worker.stop()?;

    let columns = |records: u64, seconds: f64, signals: u64, bought: usize| {
        let bought = f64::from(u32::try_from(bought).unwrap_or(u32::MAX));
        let (records, signals) = (float(records), float(signals));
        vec![
            ("records", records),
            ("seconds", seconds),
            ("records/s", records / seconds),
            ("signals", signals),
            ("calls", bought),
        ]
    };
    report.row("bought, with the start", columns(articles, first.as_secs_f64(), articles, bill));
    let mut measure = |what: &str, topic: &str, records: u64| -> anyhow::Result<()> {
        plot.merged()?;
        let told = replay(&plot, topic, &what.replace(' ', "-"))?;
        let seconds = told["seconds"].as_f64().context("no seconds")?;
        let rows = told["signals"].as_u64().context("no signals")?;
        let bought = plot.stand_ins.bill().entries.len() - bill;
        report.row(what, columns(records, seconds, rows, bought));
        Ok(())
    };
    measure("journaled", "articles.raw", articles)?;
    let read = copied(&plot, copies)?;
    measure("scored again", ARTICLES_ANALYSES, read)?;
    report.print();
    Ok(())
}

/// Waits until every article has its signal, and every answer is stored; says how long the articles took.
fn filled(plot: &Plot, worker: &Worker, articles: u64) -> anyhow::Result<Duration> {
    let read = worker.wait_for("score/articles", float(articles), PATIENCE).with_context(|| plot.log())?;
    let topics = [SPEND_LEDGER, SIGNALS].map(|topic| format!("{}{topic}", plot.kafka.topic_prefix));
    let behind = Behind::of(&plot.kafka, &group_name(&plot.kafka, "sink"), &topics)?;
    behind.until_landed(|left| {
        ensure!(worker.started.elapsed() <= PATIENCE, "{left} without rows after {PATIENCE:?}\n{}", plot.log());
        Ok(())
    })?;
    Ok(read - worker.started)
}

/// Writes `copies - 1` more of every reading in the topic, under other names; says how many there are then.
fn copied(plot: &Plot, copies: u64) -> anyhow::Result<u64> {
    let name = format!("{}{ARTICLES_ANALYSES}", plot.kafka.topic_prefix);
    let topic = Topic::open(&plot.kafka, &name, Start::Earliest)?;
    let codec = Codec::<Analysis>::new(ALLOCATION_BYTES_MAX)?;
    let mut readings = Vec::new();
    while let Some(record) = topic.next(END)? {
        readings.push(
            codec.decode(record.value.as_deref().unwrap_or_default()).map_err(|error| anyhow::anyhow!("{error:?}"))?,
        );
    }
    let producer = Producer::new(&plot.kafka)?;
    let mut value = Vec::new();
    for copy in 1..copies {
        for reading in &readings {
            let reading = Analysis { article_id: format!("{}-{copy}", reading.article_id), ..reading.clone() };
            value.clear();
            codec.encode(&reading, &mut value)?;
            producer.send(&name, Some(reading.article_id.as_bytes()), &value)?;
        }
    }
    producer.finish()?;
    Ok(readings.len() as u64 * copies)
}

/// The report of a replay.
fn replay(plot: &Plot, topic: &str, run_id: &str) -> anyhow::Result<serde_json::Value> {
    let config = plot.run().join("signalmill.toml");
    let output = Command::new(env!("CARGO_BIN_EXE_signalmill"))
        .args(["replay", "--json", "--topic", topic, "--run-id", run_id, "--config"])
        .arg(config)
        .env("OPENAI_API_KEY", "bench")
        .stdin(Stdio::null())
        .output()?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
