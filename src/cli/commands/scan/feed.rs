//! The feed of a scan: the stages of live traffic from a candle file to its signals, without topics between them.
//!
//! Files are read by threads of their own, and go through the stages in groups, so that what is known of their markets is
//! looked up for many at once. Signals come out in the order of the files.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use parking_lot::Mutex;
use tokio::sync::mpsc;

use super::tally::{Counts, Kept, Tally};
use crate::cli::args::Scan;
use crate::cli::commands::{progress, reading};
use crate::cli::market::{Content, Piece, Readers, Skipped};
use crate::cli::output::Progress;
use crate::clock::Clock;
use crate::enrich::market::AsOf;
use crate::flow::{Batch, Delivery, Hop, Landed, Offsets, Record, Reject, Sink, Together};
use crate::kafka::MARKET_FILES;
use crate::market::feed;
use crate::model::{ChartedSeries, LIVE_RUN, Series, Timestamp};
use crate::pipeline::Surroundings;
use crate::score::{ScoreCharts, Scores};
use crate::window::ReadMarket;
use crate::wire::{ALLOCATION_BYTES_MAX, headers};

/// As the chain is called in errors and spans.
const NAME: &str = "scan";
/// Records and bytes after which a group is full.
const GROUP_RECORDS: usize = 64;
const GROUP_BYTES: usize = 8 << 20;
/// Groups that wait for the first stage.
const GROUPS_WAITING: usize = 1;

/// Reads and scores `files`, and writes the feed. `unread` are further files of the folder.
///
/// # Errors
/// ClickHouse does not answer, or the feed cannot be written.
pub(super) async fn make(
    args: &Scan,
    surroundings: &Surroundings,
    files: Arc<[PathBuf]>,
    unread: Vec<Skipped>,
) -> anyhow::Result<Counts> {
    let Surroundings { config, clock, store, registry, .. } = surroundings;
    let bar = progress("files scanned", u64::try_from(files.len()).ok());
    let tally = Arc::new(Mutex::new((Tally::new(Arc::clone(&files)), bar)));
    let bytes_max = config.limits.record_bytes_max.in_memory();
    let readers = Readers::start(&args.dir, files, bytes_max, clock.clone())?;
    let (sender, deliveries) = mpsc::channel(GROUPS_WAITING);
    let (of_readers, at) = (Arc::clone(&tally), clock.clone());
    let reading_files = tokio::task::spawn_blocking(move || read(readers, &sender, &of_readers, &at));

    // Where nobody is asked of derivatives, and with `--local`, nothing is known.
    let known = (config.coinalyze.enabled && !args.local).then(|| store.clone());
    let alone: fn(ChartedSeries) -> Vec<ChartedSeries> = |charted| vec![charted];
    Hop::from(NAME, deliveries, clock.clone())
        .stage(ReadMarket::new(reading::<Series>(registry.clone(), ALLOCATION_BYTES_MAX)?, bytes_max))
        .stage(AsOf::new(known, LIVE_RUN, alone))
        .stage(ScoreCharts::new(config.market.strategies.clone(), clock.clone()))
        .land(Collect(Arc::clone(&tally)), Together { tick: Duration::ZERO, entries_max: GROUP_RECORDS })
        .await?;
    reading_files.await.context("reading the files panicked")??;
    let (out, now) = (args.out.clone(), clock.now());
    let written = tokio::task::spawn_blocking(move || {
        let (tally, bar) = Arc::into_inner(tally).context("the scan goes on")?.into_inner();
        bar.finish();
        write(tally, unread, &out, now)
    });
    written.await.context("writing the feed panicked")?
}

fn write(tally: Tally, unread: Vec<Skipped>, out: &Path, now: Timestamp) -> anyhow::Result<Counts> {
    let (counts, mut signals) = tally.into_counts(unread);
    signals.sort_by(|a, b| a.signal.order(&b.signal));
    feed::stream_atomically(out, now, signals.into_iter().map(Kept::whole))
        .with_context(|| format!("writing {}", out.display()))?;
    Ok(counts)
}

type Deliveries = mpsc::Sender<Delivery<Arc<Record>>>;

/// Hands files on, in groups, until there are no more or nobody wants them.
fn read(
    mut readers: Readers,
    sender: &Deliveries,
    tally: &Mutex<(Tally, Progress)>,
    clock: &Clock,
) -> anyhow::Result<()> {
    let topic: Arc<str> = MARKET_FILES.into();
    let (mut group, mut bytes) = (Vec::with_capacity(GROUP_RECORDS), 0);
    while let Some(Piece { file, name, content, .. }) = readers.next()? {
        let value = match content {
            Content::Whole(value) | Content::Part(value, _) => value,
            Content::Skipped(Skipped { reason, error, .. }) => {
                tally.lock().0.broken(file, reason, error);
                continue;
            }
        };
        bytes += value.len();
        group.push(Arc::new(Record {
            topic: Arc::clone(&topic),
            partition: 0,
            offset: i64::try_from(file).unwrap_or(i64::MAX),
            epoch: 0,
            timestamp: clock.now(),
            key: None,
            value: Some(value.into()),
            headers: vec![(headers::FILE.into(), name.into())],
            hold: None,
        }));
        if (group.len() >= GROUP_RECORDS || bytes >= GROUP_BYTES) && !deliver(sender, &mut group) {
            return Ok(());
        }
        if group.is_empty() {
            bytes = 0;
        }
    }
    deliver(sender, &mut group);
    Ok(())
}

/// Whether somebody still wants them.
fn deliver(sender: &Deliveries, group: &mut Vec<Arc<Record>>) -> bool {
    sender.blocking_send(Delivery::Batch(Batch::of_records(NAME, std::mem::take(group)))).is_ok()
}

/// Keeps what lands.
struct Collect(Arc<Mutex<(Tally, Progress)>>);

impl Sink<Scores> for Collect {
    async fn write(&mut self, kept: Vec<Landed<Scores>>, rejected: Vec<Reject>) -> anyhow::Result<usize> {
        let (tally, bar) = &mut *self.0.lock();
        bar.add((kept.len() + rejected.len()) as u64);
        for Landed { value, .. } in kept {
            for (_, signals) in value {
                tally.scored(signals)?;
            }
        }
        for Reject { record, reason } in rejected {
            let file = usize::try_from(record.offset).unwrap_or(usize::MAX);
            tally.broken(file, reason.code.to_owned(), reason.error);
        }
        Ok(0)
    }

    async fn commit(&mut self, _offsets: Offsets) -> anyhow::Result<()> {
        Ok(())
    }
}
