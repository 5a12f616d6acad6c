//! A record as a source delivers it, and the budget that its bytes are held against until it has landed.
//!
//! Why the hold sits on the record: whoever still needs the bytes (an open window, a slow call, a dead letter) keeps
//! the record, and the last one to let go frees the budget. Nobody has to count.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use smallvec::SmallVec;

use crate::model::Timestamp;
use crate::wire::headers::{Headers, Origin};

/// One record of a topic, whole.
#[derive(Debug)]
pub struct Record {
    /// The topic's name, with its prefix.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
    /// The offset in the partition.
    pub offset: i64,
    /// The assignment under which the record was read: work of an earlier one is never committed.
    pub epoch: u64,
    /// The time that Kafka stamped on it.
    pub timestamp: Timestamp,
    /// Its key, if it has one.
    pub key: Option<Bytes>,
    /// Its value; `None` is a tombstone.
    pub value: Option<Bytes>,
    /// Its headers, in order.
    pub headers: Headers,
    /// Frees the budget when the record is dropped.
    pub hold: Option<Hold>,
}

impl Record {
    /// Where it stands.
    #[must_use]
    pub fn origin(&self) -> Origin {
        Origin { topic: self.topic.to_string(), partition: self.partition, offset: self.offset }
    }
}

/// The records that an item was made from: one for most, many behind a window.
pub type Origins = SmallVec<[Arc<Record>; 1]>;

/// How much a hop may have taken in without having landed it.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of keys, values and headers.
    pub bytes_max: usize,
    /// Records.
    pub records_max: usize,
}

/// What is held of the [`Limits`]. The source looks before it reads; a record that is already read always gets in.
#[derive(Debug)]
pub struct Budget {
    limits: Limits,
    held: Mutex<Held>,
    freed: Condvar,
}

#[derive(Debug, Default, Clone, Copy)]
struct Held {
    bytes: usize,
    records: usize,
    waiting: bool,
}

impl Budget {
    /// An unused budget.
    #[must_use]
    pub fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self { limits, held: Mutex::default(), freed: Condvar::new() })
    }

    /// Takes one record of `bytes` in.
    #[must_use]
    pub fn take(self: &Arc<Self>, bytes: usize) -> Hold {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.bytes += bytes;
        held.records += 1;
        Hold { budget: Arc::clone(self), bytes }
    }

    /// Bytes held now.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).bytes
    }

    /// Whether one more record may be read.
    #[must_use]
    pub fn has_room(&self) -> bool {
        !self.is_full(*self.held.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Blocks until there is room, at most for `patience`; says whether there is.
    #[must_use]
    pub fn wait_for_room(&self, patience: Duration) -> bool {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut held, _) = self
            .freed
            .wait_timeout_while(held, patience, |held| {
                held.waiting = self.is_full(*held);
                held.waiting
            })
            .unwrap_or_else(PoisonError::into_inner);
        held.waiting = false;
        !self.is_full(*held)
    }

    /// Whether at most half of the budget is held: the mark at which a paused source goes on.
    #[must_use]
    pub fn is_half_free(&self) -> bool {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.bytes <= self.limits.bytes_max / 2 && held.records <= self.limits.records_max / 2
    }

    fn is_full(&self, held: Held) -> bool {
        held.bytes >= self.limits.bytes_max || held.records >= self.limits.records_max
    }
}

/// One record's share of a [`Budget`].
#[derive(Debug)]
pub struct Hold {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut held = self.budget.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.bytes -= self.bytes;
        held.records -= 1;
        if held.waiting && !self.budget.is_full(*held) {
            self.budget.freed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_budget_has_room_again_once_a_hold_is_dropped() {
        let budget = Budget::new(Limits { bytes_max: 10, records_max: 2 });
        let first = budget.take(9);
        assert!(budget.wait_for_room(Duration::ZERO));
        let second = budget.take(9);
        assert!(!budget.has_room() && !budget.wait_for_room(Duration::ZERO));
        let waiter = std::thread::spawn({
            let budget = Arc::clone(&budget);
            move || budget.wait_for_room(Duration::from_secs(30))
        });
        drop(first);
        assert!(waiter.join().unwrap());
        assert!(!budget.is_half_free());
        drop(second);
        assert!(budget.is_half_free());
        assert_eq!(budget.bytes(), 0);
    }
}
