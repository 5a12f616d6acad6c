//! Analyses on demand over HTTP: `cargo bench --bench analysis_api -- [--jobs N] [--streams N] [--json]`.
//!
//! * Jobs, one at a time on an idle system: from the request (`GET /analyze-stream/…`) to the `completed` event, 1,000
//!   candles each. The summary is the template's.
//! * Streams, spread over [`FOLLOWED`] jobs that wait: memory of the API process before and with all of them open, and the
//!   delay from the moment at which an event is handed to Kafka's client to that at which each stream has read it. The
//!   streams are read by this process, on the same processors.

mod articles;
mod options;
mod process;
mod report;
mod topics;
#[expect(dead_code, reason = "other benchmarks ask more of it")]
mod worker;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use signalmill::clickhouse::{self, Store};
use signalmill::clock::Clock;
use signalmill::config;
use signalmill::embedded::Services;
use signalmill::kafka::ANALYSIS_EVENTS;
use signalmill::model::{JobEvent, JobStatus, NanoUsd, Timestamp};
use signalmill::wire::{ALLOCATION_BYTES_MAX, Codec};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use options::Options;
use process::Usage;
use report::Report;
use worker::Worker;

const SETTLES_WITHIN: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_mins(1);
/// Jobs that streams follow.
const FOLLOWED: u64 = 100;
/// Events of each of them.
const ROUNDS: u64 = 10;
/// From one round to the next.
const ROUND: Duration = Duration::from_secs(1);
/// Connections that are opened at a time.
const OPENED_AT_ONCE: u64 = 200;

fn main() -> anyhow::Result<()> {
    let options = Options::of_process();
    let (jobs, streams) = (options.number("--jobs", 300)?, options.number("--streams", 5_000)?);
    open_files(streams + 1_000)?;
    let folder = tempfile::tempdir()?;
    let services = Services::start(folder.path(), env!("CARGO_BIN_EXE_signalmill").as_ref())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut report = Report::new("analysis_api", options.json());
    let site = |name: &str| Site { services: &services, folder: folder.path(), name: name.to_owned() };
    if jobs > 0 {
        report.row(format!("{jobs} jobs of 1,000 candles, ms"), one_by_one(&site("jobs"), &runtime, jobs)?);
    }
    report.print();
    if streams > 0 {
        let mut report = Report::new("analysis_api", options.json());
        report.row(format!("{streams} streams, ms"), followed(&site("streams"), &runtime, streams)?);
        report.print();
    }
    Ok(())
}

struct Site<'a> {
    services: &'a Services,
    folder: &'a Path,
    name: String,
}

impl Site<'_> {
    fn start(&self, stages: &str) -> anyhow::Result<(Worker, SocketAddr)> {
        let api = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let folder = self.folder.join(&self.name);
        std::fs::create_dir_all(&folder)?;
        let config = format!(
            "[kafka]\nbrokers = \"{}\"\ntopic_prefix = \"{}.\"\n[clickhouse]\nurl = \"{}\"\ndatabase = \"{}\"\n\
             [api]\nlisten = \"{api}\"\nrequests_per_second = 100000\n",
            self.services.kafka.brokers(),
            self.name,
            self.services.clickhouse.url(),
            self.name
        );
        Ok((Worker::start(&worker::Settings { folder: &folder, stages, config })?, api))
    }

    fn store(&self) -> anyhow::Result<Store> {
        let settings = clickhouse::Settings {
            url: self.services.clickhouse.url(),
            database: self.name.clone(),
            ..Default::default()
        };
        Ok(Store::new(settings, Clock::system())?)
    }
}

fn one_by_one(
    site: &Site<'_>,
    runtime: &tokio::runtime::Runtime,
    jobs: u64,
) -> anyhow::Result<Vec<(&'static str, f64)>> {
    topics::fill(&topics::settings(&site.services.kafka.brokers(), "jobs."), 0, 0)?;
    let store = site.store()?;
    runtime.block_on(store.migrate())?;
    runtime.block_on(store.ask(
        "INSERT INTO candles SELECT 'binance', 'BTCUSDT', '1h', toStartOfHour(now64(3, 'UTC')) - toIntervalHour(number + 1), \
         100 + 10 * sin(number / 9), 112 + 10 * sin(number / 9) + number % 5, 88 + 10 * sin(number / 9) - number % 3, \
         101 + 10 * sin(number / 9), 5 + number % 7, 'bench', 1 FROM numbers(1200)",
    ))?;
    let (worker, api) = site.start("analyze,sink,serve")?;
    let mut times = Vec::new();
    runtime.block_on(async {
        until_there(api).await?;
        for number in 0..jobs + 5 {
            tokio::time::sleep(Duration::from_millis(50 + number % 7 * 23)).await;
            let began = Instant::now();
            let last = tokio::time::timeout(PATIENCE, last_event(api)).await.context("a job took too long")??;
            ensure!(last.contains("\"status\":\"completed\""), "{last}");
            // The first ones wait for groups to form and for caches.
            if number >= 5 {
                times.push(began.elapsed().as_secs_f64() * 1e3);
            }
        }
        anyhow::Ok(())
    })?;
    worker.stop()?;
    Ok(spread(times))
}

async fn until_there(api: SocketAddr) -> anyhow::Result<()> {
    let began = Instant::now();
    while TcpStream::connect(api).await.is_err() {
        ensure!(began.elapsed() < PATIENCE, "the API does not listen");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Until topics and tables are there.
    while !answer(api, "GET", "/analysis/queue/stats").await?.contains("\"pending_jobs\"") {
        ensure!(began.elapsed() < PATIENCE, "the API does not answer");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

async fn answer(api: SocketAddr, method: &str, path: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(api).await?;
    let body = if method == "POST" { "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}" } else { "\r\n" };
    let request = format!("{method} {path} HTTP/1.1\r\nHost: {api}\r\nConnection: close\r\n{body}");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

async fn last_event(api: SocketAddr) -> anyhow::Result<String> {
    let answer = answer(api, "GET", "/analyze-stream/BTCUSDT/1h").await?;
    Ok(answer.lines().rfind(|line| line.starts_with("data: ")).unwrap_or(&answer).to_owned())
}

fn followed(
    site: &Site<'_>,
    runtime: &tokio::runtime::Runtime,
    streams: u64,
) -> anyhow::Result<Vec<(&'static str, f64)>> {
    let kafka = topics::settings(&site.services.kafka.brokers(), "streams.");
    topics::fill(&kafka, 0, 0)?;
    let (worker, api) = site.start("serve")?;
    let (told, mut heard) = mpsc::channel::<f64>(usize::try_from(streams * ROUNDS)?);
    let open = Arc::new(AtomicU64::new(0));
    let began = Instant::now();
    let (ids, before) = runtime.block_on(async {
        until_there(api).await?;
        let mut ids = Vec::new();
        for _ in 0..FOLLOWED {
            let answer = answer(api, "POST", "/analyze/BTCUSDT/1h").await?;
            let id = answer.split_once("\"analysis_id\":\"").and_then(|(_, rest)| rest.split('"').next());
            ids.push(id.with_context(|| answer.clone())?.to_owned());
        }
        let before = Usage::of(worker.pid())?;
        open_all(api, &ids, streams, began, &told, &open).await?;
        anyhow::Ok((ids, before))
    })?;
    let opened = began.elapsed();
    // What opening them took beside the streams themselves is given back by then: they are measured idle.
    std::thread::sleep(SETTLES_WITHIN);
    let idle = Usage::of(worker.pid())?;
    send_rounds(&kafka, &ids, began)?;
    let mut times = Vec::new();
    runtime.block_on(async {
        while times.len() < usize::try_from(streams * ROUNDS)? {
            let next = tokio::time::timeout(Duration::from_secs(10), heard.recv()).await;
            let delivered = times.len();
            let next = next.with_context(|| format!("only {delivered} events were delivered"))?;
            times.push(next.context("no streams")?);
        }
        anyhow::Ok(())
    })?;
    let after = Usage::of(worker.pid())?;
    let mut figures = spread(times);
    figures.extend([
        ("opened in s", opened.as_secs_f64()),
        ("MiB before", before.resident_mib),
        ("MiB more, idle", idle.resident_mib - before.resident_mib),
        ("MiB more, after", after.resident_mib - before.resident_mib),
        ("peak MiB", after.peak_mib),
        ("CPU s", after.cpu_s - before.cpu_s),
    ]);
    worker.stop()?;
    Ok(figures)
}

/// Opens all streams; returns once each has heard of its job.
async fn open_all(
    api: SocketAddr,
    ids: &[String],
    streams: u64,
    began: Instant,
    told: &mpsc::Sender<f64>,
    open: &Arc<AtomicU64>,
) -> anyhow::Result<()> {
    for number in 0..streams {
        let id = ids[usize::try_from(number % FOLLOWED)?].clone();
        tokio::spawn(listen(api, id, began, told.clone(), Arc::clone(open)));
        while number + 1 - open.load(Ordering::Relaxed).min(number + 1) > OPENED_AT_ONCE {
            ensure!(began.elapsed() < PATIENCE, "streams do not open");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    while open.load(Ordering::Relaxed) < streams {
        ensure!(began.elapsed() < PATIENCE, "{} of {streams} streams are open", open.load(Ordering::Relaxed));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

/// Sends an event of each job, round after round.
fn send_rounds(kafka: &config::Kafka, ids: &[String], began: Instant) -> anyhow::Result<()> {
    let topic = format!("{}{ANALYSIS_EVENTS}", kafka.topic_prefix);
    let producer: BaseProducer =
        ClientConfig::new().set("bootstrap.servers", &kafka.brokers).set("linger.ms", "0").create()?;
    let codec = Codec::<JobEvent>::new(ALLOCATION_BYTES_MAX)?;
    for round in 0..ROUNDS {
        let due = Instant::now() + ROUND;
        for id in ids {
            let mut value = Vec::new();
            codec.encode(&event(id, round, began), &mut value)?;
            producer.send(BaseRecord::to(&topic).key(id).payload(&value)).map_err(|(error, _)| error)?;
            producer.poll(Duration::ZERO);
        }
        producer.flush(ROUND)?;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    Ok(())
}

/// Reads a stream until it ends, and tells the delay of every event that says when it was sent.
async fn listen(
    api: SocketAddr,
    id: String,
    began: Instant,
    told: mpsc::Sender<f64>,
    open: Arc<AtomicU64>,
) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(api).await?;
    let request = format!("GET /analysis/stream/{id} HTTP/1.1\r\nHost: {api}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut lines = BufReader::with_capacity(1024, stream).lines();
    while let Some(line) = lines.next_line().await? {
        let Some(data) = line.strip_prefix("data: ") else { continue };
        match data.split_once("\"message\":\"sent ") {
            None => {
                open.fetch_add(1, Ordering::Relaxed);
            }
            Some((_, rest)) => {
                let sent: f64 = rest.split('"').next().unwrap_or_default().parse()?;
                told.send(began.elapsed().as_secs_f64() * 1e3 - sent).await?;
            }
        }
    }
    Ok(())
}

fn event(id: &str, round: u64, began: Instant) -> JobEvent {
    JobEvent {
        analysis_id: id.to_owned(),
        user_id: "local".to_owned(),
        symbol: "BTCUSDT".to_owned(),
        exchange: "binance".to_owned(),
        interval: "1h".to_owned(),
        timeframe: String::new(),
        status: JobStatus::Processing,
        progress: i32::try_from(round).unwrap_or(0),
        step: None,
        message: format!("sent {}", began.elapsed().as_secs_f64() * 1e3),
        attempt: 1,
        error: String::new(),
        summary: String::new(),
        summary_by: String::new(),
        data: String::new(),
        charts: None,
        cost: NanoUsd::ZERO,
        created_at: Timestamp(1),
        at: Timestamp(1),
        worker: "bench".to_owned(),
        origin: String::new(),
    }
}

/// As many files as there are to be connections.
fn open_files(wanted: u64) -> anyhow::Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_some_and(|current| current < wanted) {
        setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum })
            .context("raising the limit of open files")?;
    }
    Ok(())
}

fn spread(mut times: Vec<f64>) -> Vec<(&'static str, f64)> {
    times.sort_by(f64::total_cmp);
    let at = |percent: usize| times.get((times.len() * percent / 100).min(times.len().saturating_sub(1)));
    [("p50", 50), ("p95", 95), ("p99", 99), ("max", 100)]
        .map(|(name, percent)| (name, at(percent).copied().unwrap_or(f64::NAN)))
        .to_vec()
}
