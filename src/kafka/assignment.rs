//! Which partitions this worker owns, and since which assignment.
//!
//! Every assignment gets a new epoch. Work that was read under an epoch that has ended belongs to another worker by
//! now: committing it would undo that worker's progress (librdkafka #5604), so it is dropped.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rdkafka::topic_partition_list::TopicPartitionList;
use tokio::sync::watch;

use crate::flow::{Offsets, Position};

/// The partitions owned now. Shared by the thread that polls and the one that commits.
#[derive(Debug, Default)]
pub(super) struct Assignment {
    state: Mutex<State>,
    /// Held from the last look at what is owned until the commit that relied on it is over. Partitions move away only
    /// in between: a commit that began as the owner's never ends after the next owner has begun.
    committing: Mutex<()>,
    /// Counts assignments and revocations.
    changes: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    last_epoch: u64,
    owned: HashMap<(Arc<str>, i32), Owned>,
}

#[derive(Debug, Clone, Copy)]
struct Owned {
    epoch: u64,
    /// The next offset, as far as this assignment has committed.
    next: Option<i64>,
}

impl Assignment {
    /// Takes partitions over under a new epoch.
    pub(super) fn assign(&self, partitions: impl Iterator<Item = (Arc<str>, i32)>) {
        let mut state = self.state();
        state.last_epoch += 1;
        let epoch = state.last_epoch;
        state.owned.extend(partitions.map(|partition| (partition, Owned { epoch, next: None })));
        drop(state);
        self.changes.send_modify(|changes| *changes += 1);
    }

    /// Gives partitions up, after the commit that is under way: what is still on its way from them is never committed.
    pub(super) fn revoke(&self, partitions: impl Iterator<Item = (Arc<str>, i32)>) {
        let committing = self.committing();
        let mut state = self.state();
        for partition in partitions {
            state.owned.remove(&partition);
        }
        drop(state);
        drop(committing);
        self.changes.send_modify(|changes| *changes += 1);
    }

    /// Keeps partitions from moving away while it is held.
    pub(super) fn committing(&self) -> MutexGuard<'_, ()> {
        self.committing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Is told when the assignment changes.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// The partitions of `topic` and the epochs under which they are owned.
    pub(super) fn of(&self, topic: &str) -> Vec<(i32, u64)> {
        let state = self.state();
        let of_topic = state.owned.iter().filter(|((name, _), _)| **name == *topic);
        of_topic.map(|((_, partition), owned)| (*partition, owned.epoch)).collect()
    }

    /// The epoch under which a partition is owned; 0 where it is not.
    pub(super) fn epoch(&self, topic: &Arc<str>, partition: i32) -> u64 {
        self.state().owned.get(&(Arc::clone(topic), partition)).map_or(0, |owned| owned.epoch)
    }

    /// The first of these positions that is not owned under the epoch in which it was read.
    pub(super) fn lost<'a>(&self, mut positions: impl Iterator<Item = &'a Position>) -> Option<&'a Position> {
        let state = self.state();
        positions.find(|position| {
            let owned = state.owned.get(&(Arc::clone(&position.topic), position.partition));
            owned.is_none_or(|owned| owned.epoch != position.epoch)
        })
    }

    /// Offsets were committed.
    pub(super) fn landed(&self, offsets: &Offsets) {
        let mut state = self.state();
        for position in offsets.positions() {
            if let Some(owned) = state.owned.get_mut(&(Arc::clone(&position.topic), position.partition))
                && owned.epoch == position.epoch
            {
                owned.next = Some(position.next);
            }
        }
    }

    /// Where the group stands in a partition: what this assignment has committed last, or `position` itself before that.
    pub(super) fn reached(&self, position: &Position) -> i64 {
        let state = self.state();
        let owned = state.owned.get(&(Arc::clone(&position.topic), position.partition));
        owned.filter(|owned| owned.epoch == position.epoch).and_then(|owned| owned.next).unwrap_or(position.next)
    }

    /// How many partitions are owned.
    pub(super) fn len(&self) -> usize {
        self.state().owned.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Topic and number of each.
pub(super) fn partitions(partitions: &TopicPartitionList) -> impl Iterator<Item = (Arc<str>, i32)> {
    partitions
        .elements()
        .into_iter()
        .map(|element| (Arc::from(element.topic()), element.partition()))
        .collect::<Vec<_>>()
        .into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{Batch, memory};
    use crate::model::Timestamp;

    #[tokio::test]
    async fn work_of_an_ended_assignment_is_lost() {
        let topic: Arc<str> = "articles.raw".into();
        let assignment = Assignment::default();
        assignment.assign([(Arc::clone(&topic), 0), (Arc::clone(&topic), 1)].into_iter());
        let epoch = assignment.epoch(&topic, 0);
        let mut record = Arc::into_inner(memory::record(&topic, 0, 7, Timestamp(0), b"x")).unwrap();
        record.epoch = epoch;
        let batch = Batch::of_records("test", vec![Arc::new(record)]);
        let mut sink = memory::MemorySink::new(Arc::default(), None);
        let (offsets, _) = batch.land(&mut sink).await.unwrap();
        let lost =
            |assignment: &Assignment| assignment.lost(offsets.positions().iter()).map(|position| position.partition);
        assert_eq!(lost(&assignment), None);
        let before = Position { next: 3, ..offsets.positions()[0].clone() };
        assert_eq!(assignment.reached(&before), 3);
        assignment.landed(&offsets);
        assert_eq!(assignment.reached(&before), 8);
        assignment.revoke([(Arc::clone(&topic), 0)].into_iter());
        assert_eq!(lost(&assignment), Some(0));
        // The same partition comes back: what was read before is still of the old epoch.
        assignment.assign([(Arc::clone(&topic), 0)].into_iter());
        assert_eq!(lost(&assignment), Some(0));
        assert_eq!(assignment.reached(&before), 3, "what was committed under an ended epoch says nothing");
        assert_eq!(assignment.len(), 2);
        assert_eq!(*assignment.changes().borrow(), 3);
    }
}
