//! `export master-feed`: the newest signals of all markets, from ClickHouse, as `scan` writes them. Rows are written as
//! they come: memory is that of a few rows, whatever their number.

use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;
use tokio::sync::mpsc::{self, Receiver};

use super::store;
use crate::cli::args::MasterFeed;
use crate::cli::output;
use crate::clickhouse::{MarketSignal, Store};
use crate::clock::Clock;
use crate::config::Config;
use crate::market::feed::{self, FeedSignal};
use crate::model::{Direction, Timestamp};

/// Rows between the question and the file.
const ROWS_WAITING_MAX: usize = 256;

/// What came of it.
#[derive(Debug, Serialize)]
struct Exported {
    file: String,
    signals: u64,
}

pub(super) async fn master_feed(args: MasterFeed, config: Config, as_json: bool) -> anyhow::Result<()> {
    let clock = Clock::system();
    let store = store(&config, &clock)?;
    let (rows, waiting) = mpsc::channel(ROWS_WAITING_MAX);
    let asking = tokio::spawn(ask(store, rows));
    let (now, out) = (clock.now(), args.out.clone());
    let written = tokio::task::spawn_blocking(move || write(&out, now, waiting)).await.context("writing panicked")?;
    let signals = written.with_context(|| format!("writing {}", args.out.display()))?;
    asking.await.context("asking panicked")?;
    if is_stdout(&args.out) {
        return Ok(());
    }
    let exported = Exported { file: args.out.display().to_string(), signals };
    let out = &mut io::stdout().lock();
    if as_json {
        return Ok(output::write_json(out, &exported)?);
    }
    Ok(writeln!(out, "{signals} signals written to {}", exported.file)?)
}

fn is_stdout(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Passes rows on until there is none any more, or nobody takes them.
async fn ask(store: Store, rows: mpsc::Sender<io::Result<FeedSignal>>) {
    let mut signals = match store.market_signals() {
        Ok(signals) => signals,
        Err(failure) => {
            let _ = rows.send(Err(io::Error::other(failure))).await;
            return;
        }
    };
    loop {
        let row = match signals.next().await {
            Ok(Some(row)) => signal(row),
            Ok(None) => return,
            Err(failure) => Err(io::Error::other(failure)),
        };
        let is_last = row.is_err();
        if rows.send(row).await.is_err() || is_last {
            return;
        }
    }
}

/// Writes the rows that come; says how many.
fn write(path: &Path, now: Timestamp, mut rows: Receiver<io::Result<FeedSignal>>) -> io::Result<u64> {
    let mut count = 0;
    let signals = std::iter::from_fn(|| rows.blocking_recv()).inspect(|row| count += u64::from(row.is_ok()));
    if is_stdout(path) {
        let mut out = BufWriter::new(io::stdout().lock());
        feed::stream(&mut out, now, signals)?;
        out.write_all(b"\n")?;
        out.flush()?;
    } else {
        feed::stream_atomically(path, now, signals)?;
    }
    Ok(count)
}

/// A row as a feed has it.
fn signal(row: MarketSignal) -> io::Result<FeedSignal> {
    Ok(FeedSignal {
        symbol: row.subject,
        exchange: row.exchange,
        interval: row.interval,
        strategy: row.strategy,
        score: row.score,
        direction: Direction::parse(&row.direction).unwrap_or(Direction::Neutral),
        confidence: row.confidence,
        strength: row.strength,
        components: row.components,
        oi_metadata: feed::oi_metadata(&row.oi_metadata)?,
        observability: feed::observability(row.observability)?,
        event_time: Timestamp(row.event_ms),
    })
}
