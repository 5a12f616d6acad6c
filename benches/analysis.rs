//! Analyses on demand, 1,000 candles each with charts and the template's summary, by one worker process:
//! `cargo bench --bench analysis -- [--jobs N] [--single N] [--json]`.
//!
//! * `jobs/s`: a backlog of jobs over 20 series, from the first final event to the last; the sink runs in the same process,
//!   the services and this program beside it
//! * `single`: one job at a time at random moments on an idle system, in milliseconds from handing the record to the
//!   producer to its final event in `analysis.events`, and to its completed row with charts in ClickHouse

mod options;
#[expect(dead_code, reason = "other benchmarks ask more of it")]
mod process;
mod report;
#[expect(dead_code, reason = "other benchmarks ask more of it")]
mod worker;

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use rand::Rng as _;
use signalmill::clickhouse::{self, Store};
use signalmill::clock::Clock;
use signalmill::config;
use signalmill::embedded::Services;
use signalmill::kafka::{self, ANALYSIS_EVENTS, ANALYSIS_JOBS, Producer, Start, Tail};
use signalmill::model::{JobEvent, JobStatus};
use signalmill::wire::{ALLOCATION_BYTES_MAX, Codec};
use tokio::runtime::Runtime;

use options::Options;
use process::Usage;
use report::Report;
use worker::Worker;

const SERIES: u64 = 20;
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// The longest pause before a single job.
const PAUSE_MS_MAX: u64 = 500;
const PATIENCE: Duration = Duration::from_mins(2);

struct Bench {
    store: Store,
    runtime: Runtime,
    codec: Codec<JobEvent>,
    tail: Tail,
    /// One for all: a new one needs half a second for its number.
    producer: Producer,
}

fn main() -> anyhow::Result<()> {
    let options = Options::of_process();
    let (jobs, singles) = (options.number("--jobs", 1_000)?, options.number("--single", 100)?);
    let folder = tempfile::tempdir()?;
    let services = Services::start(folder.path(), env!("CARGO_BIN_EXE_signalmill").as_ref())?;
    let kafka = config::Kafka { brokers: services.kafka.brokers(), ..config::Kafka::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(kafka::ensure(&kafka, kafka::TOPICS, true))?;
    let database = "bench".to_owned();
    let url = services.clickhouse.url();
    let config =
        format!("[kafka]\nbrokers = \"{}\"\n[clickhouse]\nurl = \"{url}\"\ndatabase = \"{database}\"\n", kafka.brokers);
    let settings = clickhouse::Settings { url, database, ..Default::default() };
    let store = Store::new(settings, Clock::system())?;
    runtime.block_on(async {
        store.migrate().await?;
        store.ask(&candles()).await?;
        anyhow::Ok(())
    })?;
    let worker = Worker::start(&worker::Settings { folder: folder.path(), stages: "analyze,sink", config })?;
    let tail = Tail::open(&kafka, ANALYSIS_EVENTS, Start::Earliest)?;
    let producer = Producer::new(&kafka)?;
    let bench = Bench { store, runtime, codec: Codec::new(ALLOCATION_BYTES_MAX)?, tail, producer };
    // The first ones wait for groups to form, and warm everything up.
    bench.produce("warm", SERIES)?;
    bench.ended(SERIES)?;

    let mut report = Report::new("analysis", options.json());
    let before = Usage::of(worker.pid())?;
    let (seconds, began) = bench.backlog(jobs)?;
    let after = Usage::of(worker.pid())?;
    #[expect(clippy::cast_precision_loss, reason = "counts of a benchmark")]
    let rate = jobs as f64 / seconds;
    let cpu = (after.cpu_s - before.cpu_s) / began.elapsed().as_secs_f64() * 100.0;
    report.row(format!("{jobs} jobs"), vec![("jobs/s", rate), ("CPU %", cpu), ("peak MiB", after.peak_mib)]);
    let (mut events, mut rows) = (Vec::new(), Vec::new());
    for number in 0..singles {
        std::thread::sleep(Duration::from_millis(rand::rng().random_range(0..PAUSE_MS_MAX)));
        let (event, row) = bench.single(number)?;
        events.push(event);
        rows.push(row);
    }
    report.row(format!("{singles} single, event, ms"), spread(events));
    report.row(format!("{singles} single, row, ms"), spread(rows));
    report.print();
    worker.stop()
}

/// 1,000 hourly bars of each series, up to the present.
fn candles() -> String {
    format!(
        "INSERT INTO candles SELECT 'binance', concat('COIN', toString(number % {SERIES}), 'USDT'), '1h', \
         toStartOfHour(now()) - INTERVAL 1 + intDiv(number, {SERIES}) HOUR, \
         p, p * 1.01, p * 0.99, p * (1 + 0.005 * sin(number)), 5 + number % 7, 'bench', 1 \
         FROM (SELECT number, 100 + 20 * sin(number / 900) + 5 * sin(number / 130) AS p FROM numbers({}))",
        SERIES * 1_000
    )
}

impl Bench {
    fn produce(&self, name: &str, count: u64) -> anyhow::Result<()> {
        for number in 0..count {
            let id = format!("{name}-{number}");
            let symbol = number % SERIES;
            let json = format!(r#"{{"analysis_id":"{id}","symbol":"COIN{symbol}USDT","interval":"1h"}}"#);
            self.producer.send(ANALYSIS_JOBS, Some(id.as_bytes()), json.as_bytes())?;
        }
        self.producer.flush()?;
        Ok(())
    }

    /// Waits for so many final events; says when the first and the last were there.
    fn ended(&self, count: u64) -> anyhow::Result<(Instant, Instant)> {
        let deadline = Instant::now() + PATIENCE;
        let (mut seen, mut first) = (0, None);
        while seen < count {
            ensure!(Instant::now() < deadline, "{seen} of {count} jobs ended within {PATIENCE:?}");
            let Some(record) = self.tail.next(LOOK_EVERY)? else { continue };
            let event = self.codec.decode(&record.value.context("an event without a value")?)?;
            if event.status.is_final() {
                ensure!(event.status == JobStatus::Completed, "{}: {}", event.analysis_id, event.error);
                seen += 1;
                first.get_or_insert_with(Instant::now);
            }
        }
        let last = Instant::now();
        Ok((first.unwrap_or(last), last))
    }

    /// Seconds from the first of many jobs that ended to the last one, and when they were sent.
    fn backlog(&self, count: u64) -> anyhow::Result<(f64, Instant)> {
        let began = Instant::now();
        self.produce("many", count)?;
        let (first, last) = self.ended(count)?;
        Ok(((last - first).as_secs_f64(), began))
    }

    /// Milliseconds until a job's final event, and until its row.
    fn single(&self, number: u64) -> anyhow::Result<(f64, f64)> {
        let sent = Instant::now();
        self.produce(&format!("single-{number}"), 1)?;
        self.ended(1)?;
        let event = sent.elapsed();
        let question = format!(
            "SELECT (SELECT count() FROM analysis_jobs_v WHERE analysis_id = 'single-{number}-0' AND status = 'completed') \
             + (SELECT count() FROM analysis_charts_v WHERE analysis_id = 'single-{number}-0' AND png_light != '')"
        );
        while self.runtime.block_on(self.store.ask(&question))? != "2" {
            ensure!(sent.elapsed() < PATIENCE, "job {number} has no row after {PATIENCE:?}");
            std::thread::sleep(LOOK_EVERY);
        }
        Ok((event.as_secs_f64() * 1e3, sent.elapsed().as_secs_f64() * 1e3))
    }
}

fn spread(mut times: Vec<f64>) -> Vec<(&'static str, f64)> {
    times.sort_by(f64::total_cmp);
    let at = |percent: usize| times.get((times.len() * percent / 100).min(times.len().saturating_sub(1)));
    [("p50", 50), ("p95", 95), ("max", 100)]
        .map(|(name, percent)| (name, at(percent).copied().unwrap_or(f64::NAN)))
        .to_vec()
}
