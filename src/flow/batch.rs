//! A batch: items on their way, what became of each, and the records that are owed for them.
//!
//! # Why
//! Law 1 says that an offset is committed only when what became of its record is durable. Here that is a type: the
//! only way to an [`Offsets`] is [`Batch::land`], which hands every item and every reject to the sink first, and
//! works the offsets out from the records of *all* entries, dropped and rejected ones too. A stage never sees an
//! offset, so it cannot lose one.

use std::sync::Arc;

use super::record::{Origins, Record};
use super::sink::Sink;
use crate::wire::headers;

/// Why a record cannot be processed: what a dead letter says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The closed word of `dead_letters_total{reason}`, such as `malformed`.
    pub code: &'static str,
    /// What happened, for a person. Never holds a secret or the payload.
    pub error: String,
    /// The stage that refused.
    pub stage: &'static str,
}

/// One thing of a batch.
#[derive(Debug)]
pub(super) enum State<T> {
    Kept(T),
    Dropped,
    Rejected(Reason),
}

/// One thing of a batch with the records that it was made from.
#[derive(Debug)]
pub(super) struct Entry<T> {
    pub(super) state: State<T>,
    pub(super) from: Origins,
}

/// Items in the order of their records.
#[derive(Debug)]
pub struct Batch<T> {
    pub(super) entries: Vec<Entry<T>>,
}

/// An item that reached the end of its hop.
#[derive(Debug)]
pub struct Landed<T> {
    /// The item.
    pub value: T,
    /// The records that it was made from.
    pub from: Origins,
}

/// A record that goes to the dead letters.
#[derive(Debug)]
pub struct Reject {
    /// The record, as it was.
    pub record: Arc<Record>,
    /// Why.
    pub reason: Reason,
}

impl Batch<Arc<Record>> {
    /// Records fresh from the source of `hop`. A dead letter that was sent again for another hop is passed over.
    #[must_use]
    pub fn of_records(hop: &str, records: Vec<Arc<Record>>) -> Self {
        let entry = |record: Arc<Record>| {
            let from = Origins::from_elem(Arc::clone(&record), 1);
            let passed_over = headers::is_for_another(&record.headers, hop);
            Entry { from, state: if passed_over { State::Dropped } else { State::Kept(record) } }
        };
        Self { entries: records.into_iter().map(entry).collect() }
    }
}

impl<T> Batch<T> {
    pub(super) fn empty() -> Self {
        Self { entries: Vec::new() }
    }

    /// How many records and items there are to account for.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is nothing to account for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// This batch and then `next`, to be landed in one go.
    pub(super) fn append(&mut self, mut next: Self) {
        self.entries.append(&mut next.entries);
    }

    /// The same entries, each a batch of its own.
    pub(super) fn apart(self) -> impl Iterator<Item = Self> {
        self.entries.into_iter().map(|entry| Self { entries: vec![entry] })
    }

    /// How each entry ended, in their order: the code of a reject or `None`, and how many records it was made from.
    pub(super) fn ends(&self) -> impl Iterator<Item = (Option<&'static str>, usize)> {
        self.entries.iter().map(|entry| {
            let code = match &entry.state {
                State::Rejected(reason) => Some(reason.code),
                State::Kept(_) | State::Dropped => None,
            };
            (code, entry.from.len())
        })
    }

    /// How many entries are kept.
    pub(super) fn kept(&self) -> usize {
        self.entries.iter().filter(|entry| matches!(entry.state, State::Kept(_))).count()
    }

    /// What is wrong with an entry, and where it stands; `None` where nothing is.
    pub(super) fn story(&self, place: usize) -> Option<String> {
        let Entry { state: State::Rejected(Reason { code, error, .. }), from } = self.entries.get(place)? else {
            return None;
        };
        Some(format!("{} is {code}: {error}", from.first()?.origin()))
    }

    /// Only the first so many entries. Nothing becomes of the others, and their offsets are not among those that are
    /// done: all of them come behind.
    pub(super) fn truncate(&mut self, entries: usize) {
        self.entries.truncate(entries);
    }

    /// Writes what became of every entry, and only then names the offsets that are done; says too how many of the items
    /// the sink refused.
    ///
    /// # Errors
    /// What the sink says: then nothing of the batch may be committed.
    pub async fn land<S: Sink<T>>(self, sink: &mut S) -> anyhow::Result<(Offsets, usize)> {
        let offsets = Offsets::of(&self.entries);
        let mut kept = Vec::with_capacity(self.entries.len());
        let mut rejected = Vec::new();
        for Entry { state, from } in self.entries {
            match state {
                State::Kept(value) => kept.push(Landed { value, from }),
                State::Dropped => {}
                State::Rejected(reason) => {
                    rejected.extend(from.into_iter().map(|record| Reject { record, reason: reason.clone() }));
                }
            }
        }
        let refused = sink.write(kept, rejected).await?;
        Ok((offsets, refused))
    }
}

/// The next offset to read of one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
    /// The assignment under which it was read.
    pub epoch: u64,
    /// One more than the last offset that is done.
    pub next: i64,
}

/// Proof that everything before these positions is durable, or becomes so in the transaction that commits them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offsets {
    positions: Vec<Position>,
}

impl Offsets {
    /// The offsets of several landings, committed in one go.
    pub fn together<'a>(landings: impl Iterator<Item = &'a Self>) -> Self {
        let mut together = Self::default();
        for position in landings.flat_map(|offsets| &offsets.positions) {
            together.reach(&position.topic, position.partition, position.epoch, position.next);
        }
        together
    }

    /// One position a partition.
    #[must_use]
    pub fn positions(&self) -> &[Position] {
        &self.positions
    }

    fn of<T>(entries: &[Entry<T>]) -> Self {
        let mut offsets = Self::default();
        for record in entries.iter().flat_map(|entry| &entry.from) {
            offsets.reach(&record.topic, record.partition, record.epoch, record.offset + 1);
        }
        offsets
    }

    fn reach(&mut self, topic: &Arc<str>, partition: i32, epoch: u64, next: i64) {
        // A batch spans a handful of partitions, and mostly the last one again: a scan from the end beats a map.
        let known = self.positions.iter_mut().rev().find(|known| known.partition == partition && known.topic == *topic);
        match known {
            Some(known) => {
                known.next = known.next.max(next);
                // What was read under an assignment that has ended makes the whole stale: it is refused and read again.
                known.epoch = known.epoch.min(epoch);
            }
            None => self.positions.push(Position { topic: Arc::clone(topic), partition, epoch, next }),
        }
    }
}
