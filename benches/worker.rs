//! `signalmill run` as a child process with a configuration of its own, and what its `/metrics` say.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

/// How long a scrape may take.
const SCRAPE_MAX: Duration = Duration::from_secs(2);
/// How long an ordered stop may take.
const STOP_MAX: Duration = Duration::from_secs(15);
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// What a worker runs with.
pub struct Settings<'a> {
    /// For its configuration and its log.
    pub folder: &'a Path,
    /// As `--stages` takes it.
    pub stages: &'a str,
    /// Its configuration; `metrics.listen` is added.
    pub config: String,
}

/// A running worker; killed when dropped.
pub struct Worker {
    process: Child,
    /// Where it serves metrics and health.
    pub metrics: SocketAddr,
    /// When the process was started.
    pub started: Instant,
}

impl Worker {
    /// Starts one.
    ///
    /// # Errors
    /// When the process cannot be started.
    pub fn start(settings: &Settings<'_>) -> anyhow::Result<Self> {
        Self::start_with(settings, &[])
    }

    /// The same with these environment variables.
    ///
    /// # Errors
    /// As [`Worker::start`].
    pub fn start_with(settings: &Settings<'_>, variables: &[(&str, &str)]) -> anyhow::Result<Self> {
        let Settings { folder, stages, config } = settings;
        // Free now, and with no other taker in between but by an unlucky chance.
        let metrics = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let file = folder.join("signalmill.toml");
        fs::write(&file, format!("{config}\n[metrics]\nlisten = \"{metrics}\"\n"))?;
        let log = File::options().create(true).append(true).open(folder.join("worker.log"))?;
        let started = Instant::now();
        let process = Command::new(env!("CARGO_BIN_EXE_signalmill"))
            .arg("run")
            .args(["--stages", stages, "--log", "info", "--config"])
            .arg(&file)
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .context("starting signalmill")?;
        Ok(Self { process, metrics, started })
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Records that `stage` let pass so far; 0 while the worker does not answer yet.
    pub fn passed(&self, stage: &str) -> f64 {
        let text = self.scrape().unwrap_or_default();
        let labels = [format!("stage=\"{stage}\""), "outcome=\"ok\"".to_owned()];
        text.lines()
            .filter(|line| line.starts_with("signalmill_records_total{"))
            .filter(|line| labels.iter().all(|label| line.contains(label)))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum()
    }

    /// Waits until `stage` has let at least `records` pass; says when that was seen.
    ///
    /// # Errors
    /// That took longer than `patience`.
    pub fn wait_for(&self, stage: &str, records: f64, patience: Duration) -> anyhow::Result<Instant> {
        let deadline = Instant::now() + patience;
        while self.passed(stage) < records {
            if Instant::now() > deadline {
                bail!("{stage} passed {} of {records} records within {patience:?}", self.passed(stage));
            }
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(Instant::now())
    }

    /// Stops it in order, by SIGTERM.
    ///
    /// # Errors
    /// When it does not end in time.
    pub fn stop(mut self) -> anyhow::Result<()> {
        let pid = i32::try_from(self.pid()).ok().and_then(rustix::process::Pid::from_raw);
        rustix::process::kill_process(pid.context("no process id")?, rustix::process::Signal::TERM)?;
        let deadline = Instant::now() + STOP_MAX;
        while self.process.try_wait()?.is_none() {
            if Instant::now() > deadline {
                bail!("the worker did not stop within {STOP_MAX:?}");
            }
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }

    /// What its `/metrics` say now.
    ///
    /// # Errors
    /// It does not answer.
    pub fn scrape(&self) -> anyhow::Result<String> {
        let mut stream = TcpStream::connect_timeout(&self.metrics, SCRAPE_MAX)?;
        stream.set_read_timeout(Some(SCRAPE_MAX))?;
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(text)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Both fail only where the process has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
