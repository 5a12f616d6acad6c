//! Resident memory of `signalmill run` with all stages while many records wait:
//! `cargo bench --bench memory -- [--articles N] [--bytes N] [--seconds N] [--json]`.
//!
//! Sampled every [`SAMPLE_EVERY`] from the first record processed, for `--seconds` or until everything is scored. The
//! slope is that of the least-squares line through the samples of the second half: what is still growing when caches
//! and pools are warm.

mod articles;
mod options;
mod process;
mod report;
mod topics;
mod worker;

use std::time::{Duration, Instant};

use signalmill::embedded::Services;

use options::Options;
use process::Usage;
use report::Report;
use worker::Worker;

const SAMPLE_EVERY: Duration = Duration::from_millis(200);
/// Samples between two looks at the progress, which costs the worker a scrape.
const SAMPLES_A_LOOK: usize = 10;
const PATIENCE: Duration = Duration::from_mins(1);

fn main() -> anyhow::Result<()> {
    let options = Options::of_process();
    let count = options.number("--articles", 1_000_000)?;
    let bytes = usize::try_from(options.number("--bytes", 1_200)?)?;
    let span = Duration::from_secs(options.number("--seconds", 60)?);
    let folder = tempfile::tempdir()?;
    let services = Services::start(folder.path(), env!("CARGO_BIN_EXE_signalmill").as_ref())?;
    let kafka = topics::settings(&services.kafka.brokers(), "");
    topics::fill(&kafka, count, bytes)?;
    let config = format!(
        "[kafka]\nbrokers = \"{}\"\n[clickhouse]\nurl = \"{}\"\n[articles]\nmin_chars = 500\n",
        kafka.brokers,
        services.clickhouse.url()
    );
    let worker =
        Worker::start(&worker::Settings { folder: folder.path(), stages: "window,enrich,score,sink", config })?;
    let first = worker.wait_for("window/decode", 1.0, PATIENCE)?;
    let mut samples = Vec::new();
    let mut scored = 0.0;
    while first.elapsed() < span && scored < f64::from(u32::try_from(count)?) {
        samples.push((first.elapsed().as_secs_f64(), Usage::of(worker.pid())?.resident_mib));
        if samples.len().is_multiple_of(SAMPLES_A_LOOK) {
            scored = worker.passed("score/articles");
        }
        std::thread::sleep(SAMPLE_EVERY);
    }
    let usage = Usage::of(worker.pid())?;
    let (decoded, scored) = (worker.passed("window/decode"), worker.passed("score/articles"));
    let ended = Instant::now();
    let half = samples.split_off(samples.len() / 2);
    let mut report = Report::new("memory", options.json());
    report.row(
        format!("{count} records of {bytes} bytes"),
        vec![
            ("peak MiB", usage.peak_mib),
            ("last MiB", usage.resident_mib),
            ("MiB/min", slope(&half) * 60.0),
            ("seconds", (ended - first).as_secs_f64()),
            ("with start", (ended - worker.started).as_secs_f64()),
            ("decoded", decoded),
            ("scored", scored),
            ("CPU s", usage.cpu_s),
        ],
    );
    report.print();
    worker.stop()
}

/// Least squares.
fn slope(samples: &[(f64, f64)]) -> f64 {
    let count = f64::from(u32::try_from(samples.len()).unwrap_or(u32::MAX));
    let mean = |figure: fn(&(f64, f64)) -> f64| samples.iter().map(figure).sum::<f64>() / count;
    let (time, size) = (mean(|sample| sample.0), mean(|sample| sample.1));
    let together: f64 = samples.iter().map(|sample| (sample.0 - time) * (sample.1 - size)).sum();
    let alone: f64 = samples.iter().map(|sample| (sample.0 - time).powi(2)).sum();
    together / alone
}
