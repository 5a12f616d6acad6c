//! A folder of candle files to a master feed, by `signalmill scan` as a user runs it:
//! `cargo bench --bench scan -- [--files N] [--bars N] [--broken N] [--rounds N] [--contexts 0] [--reference 0] [--json]`.
//!
//! * `first`: into topics and tables that are there and empty
//! * `again`: the same folder again, other members of the groups having left in order
//! * `beside run`: while a `signalmill run` with the market's stages does the work
//! * `nothing stored`: the service of derivatives is asked (a stand-in, 40 units a minute), and nothing is known yet
//! * `contexts stored`: all that it knows of these instruments was learned before, and is fresh
//! * `pandas`: what a scanner with pandas does to the same files for the same kinds of results, nothing stored
//!   (`benches/reference_scan.py`, one process); `pandas, lean` looks for no formations and no candlestick patterns. Left
//!   out where there is no python3 with pandas, numpy and TA-Lib (`PYTHON` names another one)
//!
//! `seconds` is what the scan itself says: from its start to the moment at which the feed is written, joining the groups
//! included where nobody runs the stages already. `in context` are the series of which something is known. `to the end` is the process from start to exit: until all rows stand in
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
use signalmill::embedded::providers::{Settings, StandIns, units::Units};
use signalmill::kafka;

use options::Options;
use process::Usage;
use report::Report;
use worker::Worker;

const SEED: u64 = 11;
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// What the service gives a key in a minute, and what a stand-in gives that everything is learned from.
const UNITS: u32 = 40;
const LEARNING_UNITS: u32 = 100_000;
/// So long nothing was asked when everything is learned.
const LEARNED_AFTER: Duration = Duration::from_secs(3);
const KEYS: [(&str, &str); 1] = [("COINALYZE_API_KEYS", "of-the-bench")];
/// Until a worker that shares the work has joined its groups, or has learned everything.
const PATIENCE: Duration = Duration::from_mins(1);

struct Bench {
    folder: tempfile::TempDir,
    services: Services,
    files: u64,
    good: u64,
    bytes: u64,
}

struct Figures {
    in_context: f64,
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
        bench.prepare(&name, "")?;
        for what in ["first", "again"] {
            report.row(format!("{what}, round {round}"), bench.row(&bench.scan(&name)?));
        }
        let _worker = bench.worker(&name, "")?;
        report.row(format!("beside run, round {round}"), bench.row(&bench.scan(&name)?));
    }
    if options.number("--contexts", 1)? > 0 {
        bench.contexts(&mut report)?;
    }
    if options.number("--reference", 1)? > 0 {
        for (what, flags) in [("pandas, one process", &[][..]), ("pandas, lean", &["--lean"][..])] {
            if let Some(seconds) = bench.reference(flags)? {
                let none = f64::NAN;
                let figures = Figures { seconds, whole: seconds, peak_mib: none, cpu_s: none, in_context: none };
                report.row(what, bench.row(&figures));
            }
        }
    }
    report.print();
    Ok(())
}

impl Bench {
    fn config(&self, name: &str, more: &str) -> String {
        format!(
            "[kafka]\nbrokers = \"{}\"\ntopic_prefix = \"{name}-\"\n[clickhouse]\nurl = \"{}\"\ndatabase = \"{name}\"\n{more}",
            self.services.kafka.brokers(),
            self.services.clickhouse.url()
        )
    }

    /// What scans go by from now on.
    fn configure(&self, name: &str, more: &str) -> anyhow::Result<()> {
        Ok(std::fs::write(self.folder.path().join("scan.toml"), self.config(name, more))?)
    }

    /// Topics and tables.
    fn prepare(&self, name: &str, more: &str) -> anyhow::Result<()> {
        let kafka = config::Kafka {
            brokers: self.services.kafka.brokers(),
            topic_prefix: format!("{name}-"),
            ..config::Kafka::default()
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(kafka::ensure(&kafka, kafka::TOPICS, true))?;
        self.configure(name, more)?;
        let status = self.program().arg("migrate").stdout(Stdio::null()).status()?;
        ensure!(status.success(), "migrate: {status}");
        Ok(())
    }

    fn program(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_signalmill"));
        command.current_dir(self.folder.path()).args(["--config", "scan.toml", "--log", "warn"]).envs(KEYS);
        command
    }

    fn worker(&self, name: &str, more: &str) -> anyhow::Result<Worker> {
        let folder = self.folder.path().join(name);
        std::fs::create_dir_all(&folder)?;
        let stages = "window/market,enrich/market,score/market,sink";
        let settings = worker::Settings { folder: &folder, stages, config: self.config(name, more) };
        let worker = Worker::start_with(&settings, &KEYS)?;
        until_ready(&worker)?;
        Ok(worker)
    }

    /// Scans with a service of derivatives to ask, before and after everything was learned from it.
    fn contexts(&self, report: &mut Report) -> anyhow::Result<()> {
        let name = "contexts";
        let (slow, fast) = (stand_in(UNITS)?, stand_in(LEARNING_UNITS)?);
        self.prepare(name, &asked(&slow, UNITS))?;
        report.row("nothing stored", self.row(&self.scan(name)?));
        let fast_config = asked(&fast, LEARNING_UNITS);
        let worker = self.worker(name, &fast_config)?;
        until_learned(&fast)?;
        worker.stop()?;
        self.configure(name, &fast_config)?;
        let spent = total(&fast);
        report.row("contexts stored", self.row(&self.scan(name)?));
        let _worker = self.worker(name, &fast_config)?;
        report.row("contexts stored, beside run", self.row(&self.scan(name)?));
        let (first, again) = (total(&slow), total(&fast) - spent);
        eprintln!("units: {first} until the first scan ended, {spent} to learn the rest, {again} for two more scans");
        Ok(())
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
        let number = |name: &str| scanned[name].as_f64().with_context(|| format!("no {name}"));
        let in_context = number("resolved")? + number("aggregated")?;
        Ok(Figures { seconds: number("seconds")?, whole, peak_mib, cpu_s, in_context })
    }

    #[expect(clippy::cast_precision_loss, reason = "counts and bytes here are far below 2⁵³")]
    fn row(&self, figures: &Figures) -> Vec<(&'static str, f64)> {
        let Figures { seconds, whole, peak_mib, cpu_s, in_context } = *figures;
        vec![
            ("seconds", seconds),
            ("to the end", whole),
            ("files/s", self.files as f64 / seconds),
            ("MB/s", self.bytes as f64 / 1e6 / seconds),
            ("peak MiB", peak_mib),
            ("CPU s", cpu_s),
            ("in context", in_context),
        ]
    }

    /// Seconds of the reference, where it can run.
    fn reference(&self, flags: &[&str]) -> anyhow::Result<Option<f64>> {
        let python = config::Environment::process().get("PYTHON").unwrap_or("python3").to_owned();
        let can = Command::new(&python).args(["-c", "import numpy, pandas, talib"]).stderr(Stdio::null()).status();
        if !can.is_ok_and(|status| status.success()) {
            eprintln!("no reference: there is no {python} with pandas, numpy and TA-Lib");
            return Ok(None);
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/reference_scan.py");
        let mut command = Command::new(python);
        command
            .arg(script)
            .args(flags)
            .arg(self.folder.path().join("market"))
            .arg(self.folder.path().join("pandas.json"));
        let output = command.stderr(Stdio::null()).output()?;
        ensure!(output.status.success(), "the reference: {}", output.status);
        let said: Value = serde_json::from_slice(&output.stdout)?;
        eprintln!("the reference {flags:?} read {} of {} good files", said["good"], self.good);
        Ok(said["seconds"].as_f64())
    }
}

/// A service of derivatives that gives so many units a minute.
fn stand_in(units_max: u32) -> anyhow::Result<StandIns> {
    StandIns::start(Settings { units_max, ..Settings::default() })
}

/// Lines of a configuration by which it is asked.
fn asked(stand_ins: &StandIns, units: u32) -> String {
    let url = stand_ins.coinalyze_url();
    format!("[coinalyze]\nenabled = true\nbase_url = \"{url}\"\nunits_per_minute = {units}\n")
}

/// Units that were spent.
fn total(stand_ins: &StandIns) -> u64 {
    stand_ins.bill().units.values().map(Units::total).sum()
}

/// Waits until nothing more is asked.
fn until_learned(stand_ins: &StandIns) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    let (mut spent, mut since) = (0, Instant::now());
    while Instant::now() < deadline {
        let now = total(stand_ins);
        if now != spent {
            (spent, since) = (now, Instant::now());
        } else if spent > 0 && since.elapsed() > LEARNED_AFTER {
            return Ok(());
        }
        std::thread::sleep(LOOK_EVERY);
    }
    bail!("still asking after {PATIENCE:?}: {spent} units")
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
