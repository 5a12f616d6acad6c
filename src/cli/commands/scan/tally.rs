//! What has become of each file of a scan, and of each series in them. Pure: places and signals in, counts and a feed out.
//!
//! A file is one record, or several where it was cut. A record ends with one signal for each strategy, or with a dead
//! letter; a file ends with its last record. Records are known by their place in `market.files`, which every signal and
//! every dead letter names as its origin.
//!
//! Invariants: files = good + broken when all have ended; a series counts once, however many files and records have it,
//! with its newest version.
//!
//! What a chart shows is by far the most of a signal, and every signal waits here for the last one: it is kept once a
//! chart, compressed.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use lz4_flex::{compress_prepend_size, decompress_size_prepended};

use crate::cli::market::Skipped;
use crate::kafka::Arrival;
use crate::market::feed::{self, FeedSignal};
use crate::model::{OiStatus, Signal, Strategy};

/// What is kept of records whose place is not known yet: their signals can be seen a moment before it is.
const EARLY_MAX: usize = 1_000;

/// Partition and offset in `market.files`.
pub(super) type Place = (i32, i64);

/// The end of a record, or a part of it.
#[derive(Debug)]
pub(super) enum Fate {
    /// What one strategy says.
    Signal(Box<Signal>),
    /// It could not be processed: reason and story.
    Letter(String, String),
}

#[derive(Debug)]
pub(super) struct Tally {
    strategies: Vec<Strategy>,
    names: Arc<[PathBuf]>,
    files: Vec<File>,
    records: Vec<Sent>,
    places: HashMap<Place, u32>,
    early: Vec<(Place, Fate)>,
    /// Records that were sent and have not arrived.
    travelling: usize,
    /// Files that have ended.
    ended: usize,
    series: HashMap<String, Vec<Slot>>,
}

#[derive(Debug, Clone, Default)]
struct File {
    is_read: bool,
    /// Records that have not ended.
    open: usize,
    /// Reason and story.
    broken: Option<(String, String)>,
}

#[derive(Debug)]
struct Sent {
    file: usize,
    /// A bit for each strategy that has not said anything.
    missing: u32,
}

/// What a strategy says of a series.
#[derive(Debug)]
struct Slot {
    strategy: usize,
    version: i64,
    status: OiStatus,
    kept: Kept,
}

/// A signal whose observability stands beside it, compressed.
#[derive(Debug)]
pub(super) struct Kept {
    /// Without what it rests on.
    pub(super) signal: FeedSignal,
    /// What it rests on; signals of one chart share it.
    observability: Arc<[u8]>,
}

impl Kept {
    /// The signal as the feed has it.
    ///
    /// # Errors
    /// None for what was compressed here.
    pub(super) fn whole(self) -> io::Result<FeedSignal> {
        let json = decompress_size_prepended(&self.observability).map_err(io::Error::other)?;
        let json = String::from_utf8(json).map_err(io::Error::other)?;
        Ok(FeedSignal { observability: feed::observability(json)?, ..self.signal })
    }
}

/// The counts of a scan. Statuses count series.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub(super) struct Counts {
    pub(super) files: usize,
    pub(super) good: usize,
    pub(super) broken: Vec<Skipped>,
    pub(super) series: usize,
    pub(super) signals: usize,
    pub(super) resolved: usize,
    pub(super) aggregated: usize,
    pub(super) neutral: usize,
}

impl Tally {
    /// Of these files, none of them read yet.
    pub(super) fn new(strategies: Vec<Strategy>, names: Arc<[PathBuf]>) -> Self {
        let files = vec![File::default(); names.len()];
        Self {
            strategies,
            names,
            files,
            records: Vec::new(),
            places: HashMap::new(),
            early: Vec::new(),
            travelling: 0,
            ended: 0,
            series: HashMap::new(),
        }
    }

    /// The number under which the next record, of this file, is sent.
    pub(super) fn next_number(&self) -> u32 {
        u32::try_from(self.records.len()).unwrap_or(u32::MAX)
    }

    /// The next record was sent; `last`: its file has no other.
    pub(super) fn sent(&mut self, file: usize, last: bool) {
        self.records.push(Sent { file, missing: (1 << self.strategies.len()) - 1 });
        self.travelling += 1;
        self.files[file].open += 1;
        self.files[file].is_read = last;
    }

    /// A file is not sent, or not to its end.
    pub(super) fn skipped(&mut self, file: usize, reason: String, error: String) {
        self.files[file].is_read = true;
        self.files[file].broken.get_or_insert((reason, error));
        self.ended += usize::from(self.files[file].open == 0);
    }

    /// A record stands somewhere.
    pub(super) fn arrived(&mut self, arrival: Arrival) -> serde_json::Result<()> {
        let place = (arrival.partition, arrival.offset);
        self.travelling -= 1;
        self.places.insert(place, arrival.number);
        let early: Vec<_> = self.early.extract_if(.., |(of, _)| *of == place).collect();
        early.into_iter().try_for_each(|(_, fate)| self.apply(arrival.number, fate))
    }

    /// Whether what becomes of this place is of interest: it is a record of ours, or may still turn out to be one.
    pub(super) fn wants(&self, place: Place) -> bool {
        self.places.contains_key(&place) || self.travelling > 0
    }

    /// Whether nothing more should be read before more records have arrived.
    pub(super) fn is_full(&self) -> bool {
        self.early.len() >= EARLY_MAX && self.travelling > 0
    }

    /// Something has become of the record at `place`; says whether it is ours, as far as that is known.
    pub(super) fn became(&mut self, place: Place, fate: Fate) -> serde_json::Result<bool> {
        if let Some(number) = self.places.get(&place) {
            return self.apply(*number, fate).map(|()| true);
        }
        if self.travelling > 0 {
            self.early.push((place, fate));
        }
        Ok(false)
    }

    fn apply(&mut self, number: u32, fate: Fate) -> serde_json::Result<()> {
        let Some(record) = self.records.get_mut(number as usize) else { return Ok(()) };
        let was_open = record.missing != 0;
        let file = record.file;
        match fate {
            Fate::Letter(reason, error) => {
                record.missing = 0;
                self.files[file].broken.get_or_insert((reason, error));
            }
            Fate::Signal(signal) => {
                let named = |strategy: &Strategy| strategy.as_str() == signal.strategy;
                let Some(strategy) = self.strategies.iter().position(named) else { return Ok(()) };
                record.missing &= !(1 << strategy);
                let is_open = record.missing != 0;
                self.scored(strategy, *signal)?;
                if is_open {
                    return Ok(());
                }
            }
        }
        if was_open {
            let file = &mut self.files[file];
            file.open -= 1;
            self.ended += usize::from(file.open == 0 && file.is_read);
        }
        Ok(())
    }

    /// Keeps the newest of a series' signals. Those of one chart share what they observed.
    fn scored(&mut self, strategy: usize, mut signal: Signal) -> serde_json::Result<()> {
        let (source, version, status) = (signal.source_id.clone(), signal.version, signal.oi_status);
        let slots = self.series.entry(source).or_default();
        let place = slots.iter().position(|slot| slot.strategy == strategy);
        if place.is_some_and(|place| slots[place].version > version) {
            return Ok(());
        }
        let observability = compress_prepend_size(std::mem::take(&mut signal.observability).as_bytes());
        let mut seen = slots.iter().map(|slot| &slot.kept.observability);
        let observability =
            seen.find(|seen| ***seen == *observability).map_or_else(|| observability.into(), Arc::clone);
        let kept = Kept { signal: FeedSignal::try_from(signal)?, observability };
        let slot = Slot { strategy, version, status, kept };
        match place {
            Some(place) => slots[place] = slot,
            None => slots.push(slot),
        }
        Ok(())
    }

    /// Records that were sent and have not arrived.
    pub(super) fn travelling(&self) -> usize {
        self.travelling
    }

    /// Files that are waited for.
    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    /// Files that have ended.
    pub(super) fn ended(&self) -> usize {
        self.ended
    }

    /// Whether all have.
    pub(super) fn is_complete(&self) -> bool {
        self.ended == self.files.len()
    }

    /// The first file that has not ended.
    pub(super) fn first_open(&self) -> Option<&PathBuf> {
        self.files.iter().position(|file| !file.is_read || file.open > 0).map(|place| &self.names[place])
    }

    /// The counts, and the signals of the feed. `unread` are further files of the folder.
    pub(super) fn into_counts(self, unread: Vec<Skipped>) -> (Counts, Vec<Kept>) {
        let broken = self.files.into_iter().zip(self.names.iter()).filter_map(|(file, name)| {
            let (reason, error) = file.broken?;
            Some(Skipped { file: name.display().to_string(), reason, error })
        });
        let mut counts = Counts { files: self.names.len() + unread.len(), ..Counts::default() };
        counts.broken = unread.into_iter().chain(broken).collect();
        counts.good = counts.files - counts.broken.len();
        counts.series = self.series.len();
        let mut signals = Vec::with_capacity(counts.series * self.strategies.len());
        for slots in self.series.into_values() {
            match slots.iter().max_by_key(|slot| slot.version).map(|slot| slot.status) {
                Some(OiStatus::Resolved) => counts.resolved += 1,
                Some(OiStatus::Aggregated) => counts.aggregated += 1,
                Some(OiStatus::Neutral | OiStatus::None) | None => counts.neutral += 1,
            }
            signals.extend(slots.into_iter().map(|slot| slot.kept));
        }
        counts.signals = signals.len();
        (counts, signals)
    }
}
