//! Sends the files of a scan and follows what becomes of them, in one loop of one thread: reading, parsing and scoring are
//! other threads' work, and what is left here needs no locks.
//!
//! What comes back is read as committed, from where the topics ended before the first file was sent. Only signals and
//! dead letters whose origin may be a file of this scan are decoded.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use tokio::runtime::Handle;

use super::tally::{Fate, Place, Tally};
use crate::cli::commands::post::Post;
use crate::cli::commands::{progress, reading};
use crate::cli::market::{Content, Next, Readers};
use crate::cli::output::Progress;
use crate::flow::Record;
use crate::kafka::{DLQ_SUFFIX, MARKET_BATCHES, MARKET_CONTEXTS, MARKET_FILES, SIGNALS, Tail};
use crate::model::{MarketBatch, Signal};
use crate::pipeline::Surroundings;
use crate::wire::Codec;
use crate::wire::headers::{DeadLetter, Origin, Tags};

/// How long nothing may come of the files that are under way.
const QUIET_MAX: Duration = Duration::from_mins(1);
/// How long a look waits while there is something to send, and when there is not.
const LOOK_SENDING: Duration = Duration::from_millis(1);
const LOOK: Duration = Duration::from_millis(20);
/// Pieces that are sent, and records that are looked at, before the other is done again.
const PIECES_MAX: usize = 16;
const RECORDS_MAX: usize = 256;
/// Records that have been sent and have not arrived: enough to keep a broker a tenth of a second away busy. What is read
/// ahead of it would only fill the producer's queue.
const TRAVELLING_MAX: usize = 128;
/// The stage whose dead letters say nothing of a signal: a row that ClickHouse refuses.
const SINK: &str = "sink";

/// A scan on its way.
pub(super) struct Follow {
    files: Topic,
    tail: Tail,
    post: Post,
    readers: Option<Readers>,
    signals: Codec<Signal>,
    batches: Codec<MarketBatch>,
    runtime: Handle,
    tally: Tally,
}

/// Names, with the prefix.
struct Topic {
    files: String,
    signals: String,
    batches_dlq: String,
}

impl Follow {
    /// Begins to read the files below `root`, and to listen.
    pub(super) fn start(
        surroundings: &Surroundings,
        runtime: Handle,
        root: &std::path::Path,
        files: Arc<[PathBuf]>,
    ) -> anyhow::Result<Self> {
        let config = &surroundings.config;
        let topic = |name: &str| format!("{}{name}", config.kafka.topic_prefix);
        let dlq = |name: &str| format!("{}{DLQ_SUFFIX}", topic(name));
        let topics = [topic(SIGNALS), dlq(MARKET_FILES), dlq(MARKET_BATCHES), dlq(MARKET_CONTEXTS)];
        let tail = Tail::from_ends(&config.kafka, &topics)?;
        let [signals, _, batches_dlq, _] = topics;
        let bytes_max = config.limits.record_bytes_max.in_memory();
        Ok(Self {
            files: Topic { files: topic(MARKET_FILES), signals, batches_dlq },
            tail,
            post: Post::new(&config.kafka, surroundings.clock.clone())?,
            readers: Some(Readers::start(root, Arc::clone(&files), bytes_max, surroundings.clock.clone())?),
            signals: reading(surroundings.registry.clone())?,
            batches: reading(surroundings.registry.clone())?,
            runtime,
            tally: Tally::new(config.market.strategies.clone(), files),
        })
    }

    /// Goes on until every file has ended, or `given_up` says that nobody waits for it any more.
    pub(super) fn run(mut self, given_up: &AtomicBool) -> anyhow::Result<Tally> {
        let mut bar = progress("files scanned", u64::try_from(self.tally.len()).ok());
        let mut moved = Instant::now();
        while !self.tally.is_complete() {
            if given_up.load(Ordering::Acquire) {
                let (ended, all) = (self.tally.ended(), self.tally.len());
                bail!("stopped before the feed was complete: {ended} of {all} files have ended; no feed was written");
            }
            let sent = self.send()?;
            let before = self.tally.ended();
            let seen = self.look(if self.readers.is_some() { LOOK_SENDING } else { LOOK })?;
            shown(&mut bar, self.tally.ended() - before);
            if sent || seen {
                moved = Instant::now();
            } else if moved.elapsed() > QUIET_MAX {
                bar.finish();
                return Err(self.stuck());
            }
        }
        bar.finish();
        Ok(self.tally)
    }

    /// Sends what has been read; says whether anything was.
    fn send(&mut self) -> anyhow::Result<bool> {
        let mut sent = false;
        for _ in 0..PIECES_MAX {
            let Some(readers) = self.readers.as_mut().filter(|_| self.tally.travelling() < TRAVELLING_MAX) else {
                break;
            };
            let piece = match readers.poll()? {
                Next::Piece(piece) => piece,
                Next::Wait => break,
                Next::End => {
                    self.readers = None;
                    break;
                }
            };
            sent = true;
            self.post.send(self.tally.next_number(), &piece)?;
            match piece.content {
                Content::Whole(_) => self.tally.sent(piece.file, true),
                Content::Part(_, last) => self.tally.sent(piece.file, last),
                Content::Skipped(skipped) => self.tally.skipped(piece.file, skipped.reason, skipped.error),
            }
        }
        for arrival in self.post.arrivals()? {
            sent = true;
            self.tally.arrived(arrival).context("reading a signal")?;
        }
        Ok(sent)
    }

    /// Looks at what has become of files; says whether anything has.
    fn look(&mut self, patience: Duration) -> anyhow::Result<bool> {
        if self.tally.is_full() {
            std::thread::sleep(patience);
            return Ok(false);
        }
        let (mut seen, mut patience) = (false, patience);
        for _ in 0..RECORDS_MAX {
            let Some(record) = self.tail.next(patience)? else { break };
            patience = Duration::ZERO;
            for (place, fate) in self.fates(&record)? {
                seen |= self.tally.became(place, fate).context("reading a signal")?;
            }
        }
        Ok(seen)
    }

    /// What a record says of files of ours.
    fn fates(&self, record: &Record) -> anyhow::Result<Vec<(Place, Fate)>> {
        let Some(value) = &record.value else { return Ok(Vec::new()) };
        if *record.topic == *self.files.signals {
            let Some(place) = self.place(Tags::read(&record.headers).origin) else { return Ok(Vec::new()) };
            let signal = self.runtime.block_on(self.signals.read(value)).context("reading a signal")?;
            return Ok(vec![(place, Fate::Signal(Box::new(signal)))]);
        }
        let Some(letter) = DeadLetter::read(&record.headers).filter(|letter| letter.stage != SINK) else {
            return Ok(Vec::new());
        };
        let fate = || Fate::Letter(letter.reason.clone(), letter.error.clone());
        let origins = if letter.origin.topic == self.files.files {
            vec![Some(letter.origin.clone())]
        } else if *record.topic == *self.files.batches_dlq {
            // All series of the batch; one that cannot be read names the first of them.
            match self.runtime.block_on(self.batches.read(value)) {
                Ok(batch) => batch.series.iter().map(|charted| charted.origin.parse().ok()).collect(),
                Err(_) => vec![Tags::read(&record.headers).origin],
            }
        } else {
            vec![Tags::read(&record.headers).origin]
        };
        Ok(origins.into_iter().filter_map(|origin| self.place(origin)).map(|place| (place, fate())).collect())
    }

    /// The place of a file that is, or may be, one of this scan.
    fn place(&self, origin: Option<Origin>) -> Option<Place> {
        let origin = origin.filter(|origin| origin.topic == self.files.files)?;
        let place = (origin.partition, origin.offset);
        self.tally.wants(place).then_some(place)
    }

    fn stuck(&self) -> anyhow::Error {
        let (ended, all) = (self.tally.ended(), self.tally.len());
        let first = self.tally.first_open().map(|path| path.display().to_string()).unwrap_or_default();
        anyhow::anyhow!(
            "nothing has come of the files for {QUIET_MAX:?}: {ended} of {all} have ended, {first} has not. Run again with \
             --log info to see which stage waits; another worker may own its partitions"
        )
    }
}

fn shown(bar: &mut Progress, ended: usize) {
    if ended > 0 {
        bar.add(u64::try_from(ended).unwrap_or(u64::MAX));
    }
}
