//! Articles a second from `articles.raw` to `signals`, against a bare loop on the same topic in the same round:
//! `cargo bench --bench throughput -- [--articles N] [--bytes N] [--rounds N] [--json]`.
//!
//! * `bare`: [`bare`], at least once, one process
//! * `hops`: `signalmill run --stages window,enrich,score`, exactly once over three topics
//! * `hops + sink`: all stages, until every row is visible in `signals_v`
//!
//! Time and CPU begin with the first record processed: joining a group takes seconds of waiting that say nothing about
//! speed. The columns `with start` count from the start of the process. Only ratios inside one round mean something on
//! a machine that does other things too; with several rounds, the medians of the ratios come last, and odd and even
//! rounds take bare and hops in turns.

mod articles;
mod bare;
mod child;
mod options;
mod process;
mod report;
mod tail;
mod topics;
mod worker;

use std::path::Path;
use std::time::{Duration, Instant};

use signalmill::clickhouse::{self, Store};
use signalmill::clock::Clock;
use signalmill::config;
use signalmill::embedded::clickhouse::ClickHouse;
use signalmill::embedded::{clickhouse as engine, kafka as broker};
use signalmill::kafka::SIGNALS;

use options::Options;
use process::Usage;
use report::Report;
use tail::Tail;
use worker::Worker;

/// The longest that one measurement may take.
const PATIENCE: Duration = Duration::from_mins(15);
const LOOK_EVERY: Duration = Duration::from_millis(50);

struct Figures {
    seconds: f64,
    seconds_with_start: f64,
    cpu_s: f64,
    cpu_s_with_start: f64,
    peak_mib: f64,
    last_mib: f64,
}

impl Figures {
    fn row(&self, count: f64, bare: Option<&Self>) -> Vec<(&'static str, f64)> {
        let against = |figure: fn(&Self) -> f64| bare.map_or(f64::NAN, |bare| figure(self) / figure(bare));
        let own = [
            count / self.seconds,
            count / self.seconds_with_start,
            self.cpu_s,
            self.cpu_s_with_start,
            self.peak_mib,
            self.last_mib,
        ];
        columns(own, 1.0 / against(|figures| figures.seconds), against(|figures| figures.cpu_s))
    }
}

fn columns(own: [f64; 6], speed: f64, cpu: f64) -> Vec<(&'static str, f64)> {
    let names = ["articles/s", "with start", "CPU s", "CPU with start", "peak MiB", "last MiB"];
    names.into_iter().zip(own).chain([("x speed", speed), ("x CPU", cpu)]).collect()
}

fn main() -> anyhow::Result<()> {
    if bare::run_if_asked()? {
        return Ok(());
    }
    let options = Options::of_process();
    let count = options.number("--articles", 100_000)?;
    let bytes = usize::try_from(options.number("--bytes", 4_400)?)?;
    let rounds = options.number("--rounds", 1)?;
    let with_sink = options.number("--sink", 1)? > 0;
    let folder = tempfile::tempdir()?;
    let mut report = Report::new("throughput", options.json());
    let kafka = broker::Kafka::start(&broker::Settings::in_folder(folder.path().join("kafka")))?;
    let mut ratios: [Vec<f64>; 4] = Default::default();
    for round in 1..=rounds {
        let [bare, hops, sunk] = measure(folder.path(), &kafka.brokers(), round, (count, bytes), with_sink)?;
        let count = f64::from(u32::try_from(count)?);
        let mut row = |what: &str, figures: &Option<Figures>, against| {
            if let Some(figures) = figures {
                report.row(format!("{what}, round {round}"), figures.row(count, against));
            }
        };
        row("bare", &bare, None);
        row("hops", &hops, bare.as_ref());
        row("hops + sink", &sunk, bare.as_ref());
        let Some(bare) = bare else { continue };
        for (place, figures) in [(0, hops), (2, sunk)] {
            let Some(figures) = figures else { continue };
            ratios[place].push(bare.seconds / figures.seconds);
            ratios[place + 1].push(figures.cpu_s / bare.cpu_s);
        }
    }
    let [speed, cpu, sunk_speed, sunk_cpu] = ratios.map(median);
    for (what, speed, cpu) in [("hops, median", speed, cpu), ("hops + sink, median", sunk_speed, sunk_cpu)] {
        report.row(what, columns([f64::NAN; 6], speed, cpu));
    }
    report.print();
    Ok(())
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

fn measure(
    folder: &Path,
    brokers: &str,
    round: u64,
    (count, bytes): (u64, usize),
    with_sink: bool,
) -> anyhow::Result<[Option<Figures>; 3]> {
    let kafka = topics::settings(brokers, &format!("r{round}-"));
    topics::fill(&kafka, count, bytes)?;
    let (bare, hops) = if round % 2 == 1 {
        let bare = bare_loop(&kafka, count)?;
        (bare, hops(folder, &kafka, count)?)
    } else {
        let hops = hops(folder, &kafka, count)?;
        (bare_loop(&kafka, count)?, hops)
    };
    let sunk = with_sink.then(|| {
        let kafka = topics::settings(brokers, &format!("r{round}-sink-"));
        topics::fill(&kafka, count, bytes)?;
        hops_and_sink(folder, &kafka, round, count)
    });
    Ok([Some(bare), Some(hops), sunk.transpose()?])
}

fn bare_loop(kafka: &config::Kafka, count: u64) -> anyhow::Result<Figures> {
    let tail = Tail::of(kafka, SIGNALS)?;
    let started = Instant::now();
    let bare = bare::start(kafka, count)?;
    let (first, before) = (Instant::now(), Usage::of(bare.pid())?);
    let (_, last) = tail.wait_for(count, PATIENCE)?;
    Ok(figures(started, first, last, before, Usage::of(bare.pid())?))
}

fn hops(folder: &Path, kafka: &config::Kafka, count: u64) -> anyhow::Result<Figures> {
    let tail = Tail::of(kafka, SIGNALS)?;
    let config = format!("[kafka]\nbrokers = \"{}\"\ntopic_prefix = \"{}\"\n", kafka.brokers, kafka.topic_prefix);
    let settings = worker::Settings { folder, stages: "window,enrich,score", config };
    let worker = Worker::start(&settings)?;
    let first = worker.wait_for("window/decode", 1.0, PATIENCE)?;
    let before = Usage::of(worker.pid())?;
    let (_, last) = tail.wait_for(count, PATIENCE)?;
    let after = Usage::of(worker.pid())?;
    let figures = figures(worker.started, first, last, before, after);
    worker.stop()?;
    Ok(figures)
}

fn hops_and_sink(folder: &Path, kafka: &config::Kafka, round: u64, count: u64) -> anyhow::Result<Figures> {
    let database = format!("bench_{round}");
    let settings = engine::Settings {
        program: Some(env!("CARGO_BIN_EXE_signalmill").into()),
        ..engine::Settings::in_folder(folder.join(&database))
    };
    let engine = ClickHouse::start(&settings)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let settings = clickhouse::Settings { url: engine.url(), database: database.clone(), ..Default::default() };
    let store = Store::new(settings, Clock::system())?;
    runtime.block_on(store.migrate())?;
    let config = format!(
        "[kafka]\nbrokers = \"{}\"\ntopic_prefix = \"{}\"\n[clickhouse]\nurl = \"{}\"\ndatabase = \"{database}\"\n",
        kafka.brokers,
        kafka.topic_prefix,
        engine.url()
    );
    let worker = Worker::start(&worker::Settings { folder, stages: "window,enrich,score,sink", config })?;
    let first = worker.wait_for("window/decode", 1.0, PATIENCE)?;
    let before = Usage::of(worker.pid())?;
    // Counting in the view merges all rows: it would slow the engine down if it were asked all the time.
    while worker.passed("score/articles") < f64::from(u32::try_from(count)?) {
        std::thread::sleep(LOOK_EVERY * 4);
    }
    loop {
        let visible = runtime.block_on(store.ask("SELECT count() FROM signals_v"))?;
        if visible.parse::<u64>()? >= count {
            break;
        }
        anyhow::ensure!(first.elapsed() < PATIENCE, "{visible} of {count} rows are visible after {PATIENCE:?}");
        std::thread::sleep(LOOK_EVERY);
    }
    let last = Instant::now();
    let figures = figures(worker.started, first, last, before, Usage::of(worker.pid())?);
    worker.stop()?;
    Ok(figures)
}

fn figures(started: Instant, first: Instant, last: Instant, before: Usage, after: Usage) -> Figures {
    Figures {
        seconds: (last - first).as_secs_f64(),
        seconds_with_start: (last - started).as_secs_f64(),
        cpu_s: after.cpu_s - before.cpu_s,
        cpu_s_with_start: after.cpu_s,
        peak_mib: after.peak_mib,
        last_mib: after.resident_mib,
    }
}
