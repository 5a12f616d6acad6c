//! A folder of candle files to a master feed, by `signalmill scan` as a user runs it:
//! `cargo bench --bench scan -- [--files N] [--bars N] [--broken N] [--rounds N] [--json]`.
//!
//! * `first`: into topics and tables that are there and empty
//! * `again`: the same folder again, other members of the groups having left in order
//! * `beside run`: while a `signalmill run` with the market's stages does the work
//! * `pandas`: what a scanner with pandas does to the same files (`benches/reference_scan.py`, one process); left out where
//!   there is no python3 with pandas and numpy (`PYTHON` names another one)
//!
//! `seconds` is what the scan itself says: from its start to the moment at which the feed is written, joining the groups
//! included where nobody runs the stages already. `to the end` is the process from start to exit: until all rows stand in
//! ClickHouse. Peak memory is the scan's process alone. Services run before it begins.

#[expect(dead_code, reason = "the tests of the readers ask more of it")]
mod market_files;
mod options;
#[expect(dead_code, reason = "other benchmarks ask more of it")]
mod process;
mod report;
#[expect(dead_code, reason = "other benchmarks ask more of it")]
mod worker;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;
use signalmill::config;
use signalmill::embedded::Services;
use signalmill::kafka;

use options::Options;
use process::Usage;
use report::Report;
use worker::Worker;

const SEED: u64 = 11;
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Until a worker that shares the work has joined its groups.
const PATIENCE: Duration = Duration::from_mins(1);

struct Bench {
    folder: tempfile::TempDir,
    services: Services,
    files: u64,
    good: u64,
    bytes: u64,
}

struct Figures {
    seconds: f64,
    whole: f64,
    peak_mib: f64,
    cpu_s: f64,
}

fn main() -> anyhow::Result<()> {
    let options = Options::of_process();
    let (files, bars) = (options.number("--files", 1_100)?, options.number("--bars", 1_000)?);
    let (broken, rounds) = (options.number("--broken", 30)?, options.number("--rounds", 1)?);
    let folder = tempfile::tempdir()?;
    let market = folder.path().join("market");
    let written =
        market_files::write(&market, usize::try_from(files)?, usize::try_from(bars)?, usize::try_from(broken)?, SEED)?;
    let services = Services::start(folder.path(), env!("CARGO_BIN_EXE_signalmill").as_ref())?;
    // The one broken file that is as large as none may be says nothing of speed.
    let bench = Bench { services, files: files + broken, good: files, bytes: written.bytes, folder };
    let mut report = Report::new("scan", options.json());
    for round in 1..=rounds {
        let name = format!("r{round}");
        bench.prepare(&name)?;
        for what in ["first", "again"] {
            report.row(format!("{what}, round {round}"), bench.row(&bench.scan(&name)?));
        }
        let _worker = bench.worker(&name)?;
        report.row(format!("beside run, round {round}"), bench.row(&bench.scan(&name)?));
    }
    if let Some(seconds) = bench.reference()? {
        let figures = Figures { seconds, whole: seconds, peak_mib: f64::NAN, cpu_s: f64::NAN };
        report.row("pandas, one process", bench.row(&figures));
    }
    report.print();
    Ok(())
}

impl Bench {
    fn config(&self, name: &str) -> String {
        format!(
            "[kafka]\nbrokers = \"{}\"\ntopic_prefix = \"{name}-\"\n[clickhouse]\nurl = \"{}\"\ndatabase = \"{name}\"\n",
            self.services.kafka.brokers(),
            self.services.clickhouse.url()
        )
    }

    /// Topics and tables.
    fn prepare(&self, name: &str) -> anyhow::Result<()> {
        let kafka = config::Kafka {
            brokers: self.services.kafka.brokers(),
            topic_prefix: format!("{name}-"),
            ..config::Kafka::default()
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(kafka::ensure(&kafka, kafka::TOPICS, true))?;
        std::fs::write(self.folder.path().join("scan.toml"), self.config(name))?;
        let status = self.program().arg("migrate").stdout(Stdio::null()).status()?;
        ensure!(status.success(), "migrate: {status}");
        Ok(())
    }

    fn program(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_signalmill"));
        command.current_dir(self.folder.path()).args(["--config", "scan.toml", "--log", "warn"]);
        command
    }

    fn worker(&self, name: &str) -> anyhow::Result<Worker> {
        let folder = self.folder.path().join(name);
        std::fs::create_dir_all(&folder)?;
        let stages = "window/market,enrich/market,score/market,sink";
        let worker = Worker::start(&worker::Settings { folder: &folder, stages, config: self.config(name) })?;
        until_ready(&worker)?;
        Ok(worker)
    }

    fn scan(&self, name: &str) -> anyhow::Result<Figures> {
        let mut command = self.program();
        command.args(["scan", "market", "--json", "--out"]).arg(format!("{name}.json"));
        let started = Instant::now();
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let (mut peak_mib, mut cpu_s) = (0.0_f64, 0.0_f64);
        let status = loop {
            // Gone between the two looks: what was seen last counts.
            if let Ok(usage) = Usage::of(process.id()) {
                (peak_mib, cpu_s) = (peak_mib.max(usage.peak_mib), cpu_s.max(usage.cpu_s));
            }
            if let Some(status) = process.try_wait()? {
                break status;
            }
            std::thread::sleep(LOOK_EVERY);
        };
        let whole = started.elapsed().as_secs_f64();
        ensure!(status.success(), "scan: {status}");
        let out = std::io::read_to_string(process.stdout.take().context("no pipe")?)?;
        let scanned: Value = serde_json::from_str(&out)?;
        let counts = ["files", "good", "signals"].map(|name| scanned[name].as_u64());
        let expected = [self.files, self.good, 3 * self.good].map(Some);
        ensure!(counts == expected, "{counts:?} and not {expected:?}: {out}");
        Ok(Figures { seconds: scanned["seconds"].as_f64().context("no seconds")?, whole, peak_mib, cpu_s })
    }

    #[expect(clippy::cast_precision_loss, reason = "counts and bytes here are far below 2⁵³")]
    fn row(&self, figures: &Figures) -> Vec<(&'static str, f64)> {
        let Figures { seconds, whole, peak_mib, cpu_s } = *figures;
        vec![
            ("seconds", seconds),
            ("to the end", whole),
            ("files/s", self.files as f64 / seconds),
            ("MB/s", self.bytes as f64 / 1e6 / seconds),
            ("peak MiB", peak_mib),
            ("CPU s", cpu_s),
        ]
    }

    /// Seconds of the reference, where it can run.
    fn reference(&self) -> anyhow::Result<Option<f64>> {
        let python = config::Environment::process().get("PYTHON").unwrap_or("python3").to_owned();
        let can = Command::new(&python).args(["-c", "import numpy, pandas"]).stderr(Stdio::null()).status();
        if !can.is_ok_and(|status| status.success()) {
            eprintln!("no reference: there is no {python} with pandas and numpy");
            return Ok(None);
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/reference_scan.py");
        let mut command = Command::new(python);
        command.arg(script).arg(self.folder.path().join("market")).arg(self.folder.path().join("pandas.json"));
        let output = command.stderr(Stdio::null()).output()?;
        ensure!(output.status.success(), "the reference: {}", output.status);
        let said: Value = serde_json::from_slice(&output.stdout)?;
        eprintln!("the reference read {} of {} good files", said["good"], self.good);
        Ok(said["seconds"].as_f64())
    }
}

/// Waits until all of a worker's stages have joined their groups.
fn until_ready(worker: &Worker) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        let mut answer = String::new();
        if let Ok(mut stream) = TcpStream::connect(worker.metrics)
            && stream.write_all(b"GET /ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").is_ok()
            && stream.read_to_string(&mut answer).is_ok()
            && answer.starts_with("HTTP/1.1 200")
        {
            return Ok(());
        }
        std::thread::sleep(LOOK_EVERY);
    }
    bail!("the worker was not ready within {PATIENCE:?}")
}
