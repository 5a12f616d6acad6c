//! `scan DIR`: a folder of candle files to signals and a master feed, through the same topics and tables as everything
//! else.
//!
//! The files go into `market.files`. Of the market's stages this process runs those that nobody else runs, for as long as
//! the scan lasts: a worker that is there already does the work, as two changes of its group's members, one when the scan
//! comes and one when it goes, would take longer than the scan. The feed is written when every file has its signals or
//! its dead letter. A sink of its own starts only then: rows take as much of the machine as everything before them, and
//! the feed needs none. What is learned of an instrument later reaches `signals_v` only, whence
//! `export master-feed` takes it.
//!
//! Two files of one series are both good, and the feed has the newer version: that of the record with the later time.

mod follow;
mod tally;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};
use futures_util::future::try_join_all;
use serde::Serialize;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::follow::Follow;
use self::tally::{Counts, Kept, Tally};
use super::{local, stop_signal, surroundings};
use crate::cli::Usage;
use crate::cli::args::Scan;
use crate::cli::market::{Folder, Skipped, list};
use crate::cli::output::{self, Table};
use crate::config::{Bytes, Config};
use crate::embedded::{clickhouse, kafka as broker};
use crate::kafka::{self, Behind, DLQ_SUFFIX, MARKET_BATCHES, MARKET_CONTEXTS, MARKET_FILES, SIGNALS};
use crate::market::feed;
use crate::observe::{Component, Health, Kind};
use crate::pipeline::{HOPS, Line, Surroundings};
use crate::supervise;

/// The stages that a scan runs: those that the feed needs, and the one that waits until it is written.
const STAGES: &[&str] = &["window/market", "enrich/market", "score/market"];
const LAST_STAGE: &str = "sink";
/// Bytes of records in flight in a stage (`flow.in_flight_bytes_max`) at most: all stages share this process with whoever
/// reads the files and keeps the signals, and more makes nothing faster.
const IN_FLIGHT_MAX: Bytes = Bytes::mebi(8);
/// How long the rows of a scan may take to their tables without one of them getting there.
const ROWS_QUIET_MAX: Duration = Duration::from_secs(10);
/// Between two looks how many are left.
const ROWS_LOOK_EVERY: Duration = Duration::from_millis(50);
/// Between two looks whether somebody else runs a stage.
const MEMBERS_LOOK_EVERY: Duration = Duration::from_secs(1);

pub(super) async fn run(args: Scan, mut config: Config, as_json: bool) -> anyhow::Result<()> {
    let mut stop = stop_signal()?;
    check(&args.out)?;
    config.market.strategies.clone_from(&args.strategy.0);
    config.flow.in_flight_bytes_max = config.flow.in_flight_bytes_max.min(IN_FLIGHT_MAX);
    // The scan tells itself which files are broken, however many there are.
    config.dead_letters.consecutive_max = 0;
    config.dead_letters.ratio_max = 1.0;
    if !args.local {
        return scan(&args, config, as_json, stop).await;
    }
    let data = tempfile::Builder::new().prefix("signalmill-scan-").tempdir().context("making a folder for the data")?;
    writeln!(io::stderr(), "starting Kafka and the ClickHouse engine (the first time they are fetched)")?;
    let kafka = broker::Settings::in_folder(data.path().join("kafka"));
    let engine = clickhouse::Settings::in_folder(data.path().join("clickhouse"));
    let services = tokio::select! {
        services = local::start(kafka, engine) => services?,
        // What was started ends with this process.
        () = stopped(&mut stop) => bail!("stopped before the services were up"),
    };
    let scanned = match local::on(&services, config) {
        Ok(config) => scan(&args, config, as_json, stop).await,
        Err(error) => Err(error),
    };
    let ended = local::stop(services).await;
    scanned.and(ended)
}

/// Whether the feed can be written at all: not found out after all the work.
fn check(out: &Path) -> Result<(), Usage> {
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if out.is_dir() || !folder.is_dir() {
        return Err(Usage(format!("--out {}: it must be a file in a folder that exists", out.display())));
    }
    Ok(())
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await.map(|_| ());
}

/// What came of it, as JSON has it.
#[derive(Debug, Serialize)]
struct Scanned {
    #[serde(flatten)]
    counts: Counts,
    /// Until the feed was written.
    seconds: f64,
}

async fn scan(args: &Scan, config: Config, as_json: bool, mut stop: watch::Receiver<bool>) -> anyhow::Result<()> {
    let began = Instant::now();
    let surroundings = surroundings(config)?;
    let folder = tokio::select! {
        prepared = prepare(&surroundings, &args.dir) => prepared?,
        () = stopped(&mut stop) => bail!("stopped before anything was sent"),
    };
    let (end, ended) = watch::channel(false);
    let (write_rows, told_to_write) = watch::channel(false);
    let mut stages = tokio::spawn(stages(surroundings.clone(), told_to_write, ended));
    let scanned = tokio::select! {
        scanned = feed(args, &surroundings, folder, began, &mut stop) => scanned,
        died = &mut stages => return Err(lost(died)),
    };
    let rows = match &scanned {
        Ok(scanned) => {
            show(scanned, &args.out, as_json)?;
            if args.local {
                // Its tables end with the scan, and nobody could read them.
                Ok(())
            } else {
                write_rows.send_replace(true);
                rows(&surroundings, &mut stop).await
            }
        }
        Err(_) => Ok(()),
    };
    let _ = end.send(true);
    stages.await.context("the stages died")??;
    let Scanned { counts, .. } = scanned?;
    rows?;
    if args.strict && !counts.broken.is_empty() {
        bail!("{} files are broken (--strict)", counts.broken.len());
    }
    Ok(())
}

fn lost(died: Result<anyhow::Result<()>, tokio::task::JoinError>) -> anyhow::Error {
    match died {
        Ok(Ok(())) => anyhow!("the stages ended early"),
        Ok(Err(error)) => error,
        Err(died) => anyhow!(died).context("the stages died"),
    }
}

/// Topics and tables as they should be, and what there is to scan.
async fn prepare(surroundings: &Surroundings, dir: &Path) -> anyhow::Result<Folder> {
    let dir = dir.to_owned();
    let listed =
        async { tokio::task::spawn_blocking(move || list(&dir)).await.context("looking through it panicked")? };
    let topics = kafka::ensure(&surroundings.config.kafka, kafka::TOPICS, true);
    let tables = async { Ok(surroundings.store.migrate().await?) };
    let (folder, _, _) = tokio::try_join!(listed, topics, tables)?;
    if folder.files.is_empty() && folder.skipped.is_empty() {
        bail!("no files to scan: the feed is left as it is");
    }
    Ok(folder)
}

/// Runs the market's stages that nobody else runs, until `ended`; the last one not before it is told to.
async fn stages(
    surroundings: Surroundings,
    mut told_to_write: watch::Receiver<bool>,
    ended: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    let health = Health::new(surroundings.clock.clone());
    let running = |hop: &Line| {
        let health = health.component(Kind::Hop, hop.name);
        alone(surroundings.clone(), *hop, health, ended.clone())
    };
    let chosen = try_join_all(HOPS.iter().filter(|hop| STAGES.contains(&hop.name)).map(running));
    let last = HOPS.iter().filter(|hop| hop.name == LAST_STAGE).map(running);
    let mut ended = ended.clone();
    let last = async {
        tokio::select! {
            () = stopped(&mut told_to_write) => try_join_all(last).await,
            () = stopped(&mut ended) => Ok(Vec::new()),
        }
    };
    tokio::try_join!(chosen, last).map(|_| ())
}

/// Runs a stage once nobody else does.
async fn alone(
    surroundings: Surroundings,
    hop: Line,
    health: Component,
    mut ended: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    while kafka::has_members(&surroundings.config.kafka, hop.name).await? {
        tokio::select! {
            () = tokio::time::sleep(MEMBERS_LOOK_EVERY) => {}
            () = stopped(&mut ended) => return Ok(()),
        }
    }
    supervise::run(surroundings, vec![(hop, health)], ended).await
}

/// Sends the files, waits for what becomes of them and writes the feed.
async fn feed(
    args: &Scan,
    surroundings: &Surroundings,
    folder: Folder,
    began: Instant,
    stop: &mut watch::Receiver<bool>,
) -> anyhow::Result<Scanned> {
    let Folder { files, skipped } = folder;
    let files: Arc<[PathBuf]> = files.into();
    let given_up = Arc::new(AtomicBool::new(false));
    let (root, out) = (args.dir.clone(), args.out.clone());
    let (theirs, surroundings) = (Arc::clone(&given_up), surroundings.clone());
    let runtime = Handle::current();
    let mut work: JoinHandle<anyhow::Result<Counts>> = tokio::task::spawn_blocking(move || {
        let tally = Follow::start(&surroundings, runtime, &root, files)?.run(&theirs)?;
        write(tally, skipped, &surroundings, &out)
    });
    let counts = tokio::select! {
        counts = &mut work => counts,
        () = stopped(stop) => {
            given_up.store(true, Ordering::Release);
            work.await
        }
    };
    let counts = counts.context("following the files panicked")??;
    Ok(Scanned { counts, seconds: began.elapsed().as_secs_f64() })
}

fn write(tally: Tally, unread: Vec<Skipped>, surroundings: &Surroundings, out: &Path) -> anyhow::Result<Counts> {
    let (counts, mut signals) = tally.into_counts(unread);
    signals.sort_by(|a, b| a.signal.order(&b.signal));
    let signals = signals.into_iter().map(Kept::whole);
    feed::stream_atomically(out, surroundings.clock.now(), signals)
        .with_context(|| format!("writing {}", out.display()))?;
    Ok(counts)
}

/// Waits until the rows of the scan stand in their tables, whoever writes them.
async fn rows(surroundings: &Surroundings, stop: &mut watch::Receiver<bool>) -> anyhow::Result<()> {
    let kafka = surroundings.config.kafka.clone();
    let waiting = tokio::task::spawn_blocking(move || -> anyhow::Result<u64> {
        let topic = |name: &str| format!("{}{name}", kafka.topic_prefix);
        let letters = topic(&format!("{MARKET_FILES}{DLQ_SUFFIX}"));
        let topics = [topic(MARKET_BATCHES), topic(MARKET_CONTEXTS), topic(SIGNALS), letters];
        let behind = Behind::now(&kafka, &kafka::group_name(&kafka, "sink"), &topics)?;
        let (mut least, mut moved) = (u64::MAX, Instant::now());
        loop {
            let left = behind.left()?;
            if left < least {
                (least, moved) = (left, Instant::now());
            }
            if left == 0 || moved.elapsed() > ROWS_QUIET_MAX {
                return Ok(left);
            }
            std::thread::sleep(ROWS_LOOK_EVERY);
        }
    });
    tokio::select! {
        left = waiting => match left.context("waiting for rows panicked")?? {
            0 => Ok(()),
            left => Ok(writeln!(io::stderr(), "{left} records have no rows yet: a worker that runs the sink writes them")?),
        },
        () = stopped(stop) => Ok(()),
    }
}

fn show(scanned: &Scanned, feed: &Path, as_json: bool) -> io::Result<()> {
    let out = &mut io::stdout().lock();
    if as_json {
        return output::write_json(out, scanned);
    }
    let Scanned { counts, seconds } = scanned;
    let Counts { files, good, broken, series, signals, resolved, aggregated, neutral } = counts;
    writeln!(out, "{good} of {files} files are good, {} are broken", broken.len())?;
    writeln!(out, "{series} series: {resolved} resolved, {aggregated} aggregated, {neutral} neutral")?;
    writeln!(out, "{signals} signals in {} after {seconds:.1} s", feed.display())?;
    if !broken.is_empty() {
        writeln!(out)?;
        let mut table = Table::new(&["broken file", "reason", "error"]).open_ended();
        for Skipped { file, reason, error } in broken {
            table.row([file.clone(), reason.clone(), error.clone()]);
        }
        table.write(out)?;
    }
    Ok(())
}
