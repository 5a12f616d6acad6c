//! `scan DIR`: a folder of candle files to a master feed at once, and then to rows as any other files.
//!
//! ```text
//! files ──► read ──► what is known of their markets ──► score ──► the feed          in this process, no topic between
//!   └─────► market.files ──► … ──► ClickHouse                                       by whoever runs the stages
//! ```
//! # Why the files are read twice
//! Every stage between a file and its signals is a pure function of the file and of what is stored, and signals have
//! deterministic identities: made here or behind the topics, they are the same. So nobody waits for brokers, groups and
//! tables to see the feed. What makes the rows (history, dead letters, questions to the service of derivatives) are the
//! stages of live traffic; this process runs those that nobody else runs, for as long as the scan lasts, since two
//! changes of a group's members, one when the scan comes and one when it goes, would take longer than the work. What
//! is learned of an instrument later reaches `signals_v` only, whence `export master-feed` takes it.
//!
//! Two files of one series are both good, and the feed has the signals of the later one.

mod feed;
mod rows;
mod tally;

use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, bail};
use serde::Serialize;
use tokio::sync::watch;

use self::tally::Counts;
use super::{check_providers, stop_signal, surroundings};
use crate::cli::Usage;
use crate::cli::args::Scan;
use crate::cli::market::{Folder, Skipped, list};
use crate::cli::output::{self, Table};
use crate::config::Config;
use crate::kafka;

pub(super) async fn run(args: Scan, mut config: Config, as_json: bool) -> anyhow::Result<()> {
    let began = Instant::now();
    let mut stop = stop_signal()?;
    check(&args.out)?;
    config.market.strategies.clone_from(&args.strategy.0);
    // The scan tells itself which files are broken, however many there are.
    config.dead_letters.consecutive_max = 0;
    config.dead_letters.ratio_max = 1.0;
    let dir = args.dir.clone();
    let listed = tokio::task::spawn_blocking(move || list(&dir)).await.context("looking through it panicked")?;
    let Folder { files, skipped } = listed?;
    if files.is_empty() && skipped.is_empty() {
        bail!("no files to scan: the feed is left as it is");
    }
    let files: Arc<[_]> = files.into();
    let surroundings = surroundings(config)?;
    if !args.local {
        check_providers(&rows::hops(), &surroundings.config, &surroundings.clock)?;
        surroundings.store.migrate().await?;
    }
    let counts = tokio::select! {
        counts = feed::make(&args, &surroundings, Arc::clone(&files), skipped) => counts?,
        () = stopped(&mut stop) => bail!("stopped before the feed was complete: no feed was written"),
    };
    let scanned = Scanned { counts, seconds: began.elapsed().as_secs_f64() };
    show(&scanned, &args.out, as_json)?;
    if !args.local {
        kafka::ensure(&surroundings.config.kafka, kafka::TOPICS, true).await?;
        rows::make(&args.dir, surroundings, files, &mut stop).await?;
    }
    let broken = scanned.counts.broken.len();
    if args.strict && broken > 0 {
        bail!("{broken} files are broken (--strict)");
    }
    Ok(())
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
