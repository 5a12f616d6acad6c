//! The master feed over HTTP, asked for at a steady rate: `cargo bench --bench api -- [--files N] [--bars N] [--rate N]
//! [--seconds N] [--json]`.
//!
//! A folder of candle files is scanned first, so that the feed holds what a real one does: three signals a file. Then each
//! row asks `rate` times a second for `seconds`:
//! * `whole` and `brief`: all signals, with and without what their scores rest on; packed by gzip, or plain
//! * `unchanged`: by whoever has it already (304)
//! * `filtered`: the bullish ones from a score on
//! * `changing`: all of them, packed, while a signal changes every second
//! * `beside jobs`: the same while 20 analyses a second are asked for; left out where none are taken
//!
//! A request is sent when its time has come, whether or not those before it were answered; its latency counts from that
//! time to the last byte. The program that asks runs on the same machine.

#[expect(dead_code, reason = "the tests of the readers ask more of it")]
mod market_files;
mod options;
mod report;
#[expect(dead_code, reason = "other benchmarks ask more of it")]
mod worker;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use signalmill::clickhouse::{Settings, Store};
use signalmill::clock::Clock;
use signalmill::config;
use signalmill::embedded::Services;
use signalmill::kafka;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Mutex, mpsc};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};

use options::Options;
use report::Report;
use worker::Worker;

const SEED: u64 = 11;
/// Connections that are kept open.
const CONNECTIONS: usize = 32;
const PATIENCE: Duration = Duration::from_mins(1);
/// Analyses a second.
const JOBS: u64 = 20;
/// Requests of a row that are not counted.
const WARM: Duration = Duration::from_secs(1);

struct Bench {
    api: SocketAddr,
    store: Store,
    rate: u64,
    seconds: u64,
}

/// One way of asking.
#[derive(Clone)]
struct Ask {
    method: &'static str,
    path: String,
    headers: String,
    body: &'static str,
}

struct Answer {
    status: u16,
    etag: Option<String>,
    bytes: usize,
}

fn main() -> anyhow::Result<()> {
    let options = Options::of_process();
    let (files, bars) = (options.number("--files", 1_100)?, options.number("--bars", 200)?);
    let (rate, seconds) = (options.number("--rate", 200)?, options.number("--seconds", 8)?);
    let folder = tempfile::tempdir()?;
    market_files::write(&folder.path().join("market"), usize::try_from(files)?, usize::try_from(bars)?, 0, SEED)?;
    let services = Services::start(folder.path(), env!("CARGO_BIN_EXE_signalmill").as_ref())?;
    let api = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
    let config = format!(
        "[kafka]\nbrokers = \"{}\"\n[clickhouse]\nurl = \"{}\"\n[api]\nlisten = \"{api}\"\n",
        services.kafka.brokers(),
        services.clickhouse.url()
    );
    let settings = Settings { url: services.clickhouse.url(), ..Settings::default() };
    let bench = Bench { api, store: Store::new(settings, Clock::system())?, rate, seconds };
    let mut report = Report::new("api", options.json());
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let kafka = config::Kafka { brokers: services.kafka.brokers(), ..config::Kafka::default() };
        kafka::ensure(&kafka, kafka::TOPICS, true).await?;
        std::fs::write(folder.path().join("scan.toml"), &config)?;
        for command in [&["migrate"][..], &["scan", "market", "--out", "feed.json"]] {
            let mut program = Command::new(env!("CARGO_BIN_EXE_signalmill"));
            program.current_dir(folder.path()).args(["--config", "scan.toml", "--log", "warn"]).args(command);
            let status = program.stdout(Stdio::null()).stderr(Stdio::null()).status()?;
            ensure!(status.success(), "{command:?}: {status}");
        }
        let stages = "analyze,serve";
        let all = worker::Settings { folder: folder.path(), stages, config: config.clone() };
        let _worker = Worker::start(&all)?;
        bench.rows(&mut report).await
    })?;
    report.print();
    Ok(())
}

impl Bench {
    async fn rows(&self, report: &mut Report) -> anyhow::Result<()> {
        self.until_served().await?;
        let ask = |path: &str, headers: &str| Ask {
            method: "GET",
            path: path.to_owned(),
            headers: headers.to_owned(),
            body: "",
        };
        let (gzip, brief) = ("Accept-Encoding: gzip\r\n", "/api/results?observability=false");
        let tag = self.once(&ask(brief, gzip)).await?.etag.context("no ETag")?;
        let unchanged = ask(brief, &format!("If-None-Match: {tag}\r\n"));
        for (what, asked) in [
            ("whole, gzip", ask("/api/results", gzip)),
            ("whole, plain", ask("/api/results", "")),
            ("brief, gzip", ask(brief, gzip)),
            ("brief, plain", ask(brief, "")),
            ("unchanged", unchanged),
            ("filtered", ask("/api/results?observability=false&direction=bullish&min_score=60", "")),
        ] {
            report.row(what, self.run(&asked).await?);
        }
        let whole = ask("/api/results", gzip);
        tokio::select! {
            figures = self.run(&whole) => report.row("changing, whole, gzip", figures?),
            failed = self.change() => failed?,
        }
        self.beside_jobs(&whole, report).await
    }

    /// Changes one signal a second, until it fails.
    async fn change(&self) -> anyhow::Result<()> {
        let mut tick = interval(Duration::from_secs(1));
        loop {
            tick.tick().await;
            let changed = "INSERT INTO signals SELECT * REPLACE (score + 0.001 AS score, version + 1 AS version) \
                           FROM signals FINAL WHERE kind = 'market' ORDER BY signal_id LIMIT 1";
            self.store.ask(changed).await?;
        }
    }

    /// Asks for these analyses over and over, until it fails.
    async fn queue(&self, jobs: &[Ask]) -> anyhow::Result<()> {
        let mut tick = interval(Duration::from_secs(1) / u32::try_from(JOBS).unwrap_or(1));
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        for job in jobs.iter().cycle() {
            tick.tick().await;
            self.once(job).await?;
        }
        Ok(())
    }

    /// While analyses are asked for, which take the same processors.
    async fn beside_jobs(&self, whole: &Ask, report: &mut Report) -> anyhow::Result<()> {
        let series = self.store.ask("SELECT DISTINCT symbol, interval FROM candles ORDER BY symbol LIMIT 200").await?;
        let job = |line: &str| {
            let (symbol, interval) = line.split_once('\t').unwrap_or((line, ""));
            let symbol: String = form_urlencoded::byte_serialize(symbol.as_bytes()).collect();
            let headers = "Content-Type: application/json\r\n".to_owned();
            Ask { method: "POST", path: format!("/analyze/{symbol}/{interval}"), headers, body: "{}" }
        };
        let jobs: Vec<Ask> = series.lines().map(job).collect();
        if self.once(&jobs[0]).await?.status != 202 {
            eprintln!("no analyses are taken: nothing is measured beside them");
            return Ok(());
        }
        tokio::select! {
            figures = self.run(whole) => report.row("beside jobs, whole, gzip", figures?),
            failed = self.queue(&jobs) => failed?,
        }
        Ok(())
    }

    /// Until the feed is there.
    async fn until_served(&self) -> anyhow::Result<()> {
        let ask = Ask { method: "GET", path: "/api/results".to_owned(), headers: String::new(), body: "" };
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.once(&ask).await {
                Ok(Answer { status: 200, bytes, .. }) if bytes > 1_000 => return Ok(()),
                _ if Instant::now() > deadline => bail!("the feed was not served within {PATIENCE:?}"),
                _ => sleep(Duration::from_millis(50)).await,
            }
        }
    }

    async fn once(&self, ask: &Ask) -> anyhow::Result<Answer> {
        let mut stream = TcpStream::connect(self.api).await?;
        exchange(&mut stream, self.api, ask).await
    }

    /// Asks at the rate; says what came of it.
    async fn run(&self, ask: &Ask) -> anyhow::Result<Vec<(&'static str, f64)>> {
        let (done, mut answers) = mpsc::channel(1_024);
        let idle = Arc::new(Mutex::new(Vec::new()));
        for _ in 0..CONNECTIONS {
            idle.lock().await.push(TcpStream::connect(self.api).await?);
        }
        let began = Instant::now();
        let gap = Duration::from_secs(1) / u32::try_from(self.rate)?;
        let total = u32::try_from(self.rate * self.seconds)?;
        let (api, ask) = (self.api, ask.clone());
        let sending = tokio::spawn(async move {
            for number in 0..total {
                let due = began + gap * number;
                sleep_until(due).await;
                let (ask, done, idle) = (ask.clone(), done.clone(), Arc::clone(&idle));
                tokio::spawn(async move {
                    let kept = idle.lock().await.pop();
                    let answered = async {
                        let mut stream = match kept {
                            Some(stream) => stream,
                            None => TcpStream::connect(api).await?,
                        };
                        let answer = exchange(&mut stream, api, &ask).await?;
                        idle.lock().await.push(stream);
                        anyhow::Ok((due, due.elapsed(), answer))
                    };
                    let _ = done.send(answered.await).await;
                });
            }
        });
        let (mut waits, mut bytes, mut count) = (Vec::new(), 0, 0_u32);
        while let Some(answered) = answers.recv().await {
            let (due, wait, answer) = answered?;
            ensure!(matches!(answer.status, 200 | 304), "status {}", answer.status);
            count += 1;
            bytes = answer.bytes;
            if due.duration_since(began) >= WARM {
                waits.push(wait.as_secs_f64() * 1e3);
            }
        }
        let took = began.elapsed().as_secs_f64();
        sending.await?;
        waits.sort_by(f64::total_cmp);
        let at = |share: usize| waits.get((waits.len() * share / 1_000).min(waits.len().saturating_sub(1)));
        let at = |share| at(share).copied().unwrap_or(f64::NAN);
        #[expect(clippy::cast_precision_loss, reason = "bodies are far below 2⁵³ bytes")]
        let kib = bytes as f64 / 1024.0;
        Ok(vec![
            ("requests/s", f64::from(count) / took),
            ("p50 ms", at(500)),
            ("p99 ms", at(990)),
            ("most ms", at(1_000)),
            ("body KiB", kib),
        ])
    }
}

/// One request and its whole answer.
async fn exchange(stream: &mut TcpStream, host: SocketAddr, ask: &Ask) -> anyhow::Result<Answer> {
    let Ask { method, path, headers, body } = ask;
    let length = body.len();
    let request =
        format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n{headers}\r\n{body}");
    stream.write_all(request.as_bytes()).await?;
    let mut read = Vec::with_capacity(64 << 10);
    let head_end = loop {
        ensure!(stream.read_buf(&mut read).await? > 0, "the connection was closed");
        if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let head = String::from_utf8_lossy(&read[..head_end]).into_owned();
    let status: u16 = head.split(' ').nth(1).context("no HTTP")?.parse()?;
    let field = |name: &str| {
        let named = |line: &&str| line.split_once(':').is_some_and(|(key, _)| key.eq_ignore_ascii_case(name));
        let line = head.lines().find(named)?;
        line.split_once(':').map(|(_, value)| value.trim().to_owned())
    };
    let length: usize = match field("content-length") {
        Some(length) => length.parse()?,
        None if status == 304 => 0,
        None => bail!("no length in {head}"),
    };
    let whole = head_end + length;
    let mut rest = whole.saturating_sub(read.len());
    let mut piece = vec![0; 256 << 10];
    while rest > 0 {
        let count = stream.read(&mut piece).await?;
        ensure!(count > 0, "the connection was closed");
        rest = rest.saturating_sub(count);
    }
    Ok(Answer { status, etag: field("etag"), bytes: length })
}
