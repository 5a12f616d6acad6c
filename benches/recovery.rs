//! How long a worker takes to have the book of a long ledger, after a crash.
//!
//! The ledger is read from the last snapshot, and from where the group of the sink stands, because what ClickHouse does
//! not have yet must be remembered. So there are two cases: the sink is at the end, and it is [`BEHIND`] entries behind.
//! The last worker left no offsets in `articles.batches` behind; its holds are in doubt.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use signalmill::clock::Clock;
use signalmill::config;
use signalmill::kafka::group_name;

use crate::report::Report;
use crate::site::{PLENTY, Plot, Site, float};
use crate::{IN_FLIGHT, PATIENCE, ledger};

/// How far behind the sink is in the second case.
const BEHIND: i64 = 100_000;
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// Writes the ledger once, and starts a worker on it in both cases.
///
/// # Errors
/// What fails, and what takes too long.
pub fn measure(site: &Site, entries: u64, report: &mut Report) -> anyhow::Result<()> {
    let mut plot = site.plot("recovery")?;
    let began = Instant::now();
    let (partition, end) = ledger::write(&plot.kafka, entries, Clock::system().now())?;
    let written_s = began.elapsed().as_secs_f64();
    for (what, stands) in [("sink at the end", end), ("sink 100,000 behind", end - BEHIND.min(end))] {
        commit(&plot.kafka, partition, stands)?;
        let [start_s, read_s, read_back] = start(&mut plot, partition)?;
        report.row(
            what,
            vec![
                ("entries", float(entries)),
                ("written in s", written_s),
                ("from start s", start_s),
                ("reading s", read_s),
                ("since snapshot", read_back),
            ],
        );
    }
    Ok(())
}

/// Seconds from the start of a worker to its book, seconds of reading, and entries since the snapshot.
fn start(plot: &mut Plot, partition: i32) -> anyhow::Result<[f64; 3]> {
    let worker = plot.worker("enrich", PLENTY, IN_FLIGHT, "")?;
    let (words, start_s) = loop {
        let log = plot.log();
        let is_it =
            |line: &&str| line.contains("ledger read back") && line.contains(&format!(" partition={partition} "));
        if let Some(line) = log.lines().find(is_it) {
            break (line.to_owned(), worker.started.elapsed().as_secs_f64());
        }
        ensure!(worker.started.elapsed() < PATIENCE, "no book within {PATIENCE:?}:\n{log}");
        thread::sleep(LOOK_EVERY);
    };
    worker.stop()?;
    let number = |key: &str| -> anyhow::Result<f64> {
        let word = words.split_whitespace().find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
        word.and_then(|word| word.parse().ok()).with_context(|| format!("no {key} in {words}"))
    };
    Ok([start_s, number("took_ms")? / 1e3, number("entries")?])
}

/// Puts the sink's group where it is to stand.
fn commit(kafka: &config::Kafka, partition: i32, offset: i64) -> anyhow::Result<()> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", &kafka.brokers)
        .set("group.id", group_name(kafka, "sink"))
        .create()?;
    let mut stands = TopicPartitionList::new();
    stands.add_partition_offset(&ledger::topic(kafka), partition, Offset::Offset(offset))?;
    consumer.commit(&stands, CommitMode::Sync).context("committing for the sink")
}
