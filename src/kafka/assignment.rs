//! Which partitions this worker owns, and since which assignment.
//!
//! Every assignment gets a new epoch. Work that was read under an epoch that has ended belongs to another worker by
//! now: committing it would undo that worker's progress (librdkafka #5604), so it is dropped.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::flow::Offsets;

/// The partitions owned now. Shared by the thread that polls and the one that commits.
#[derive(Debug, Default)]
pub(super) struct Assignment {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last_epoch: u64,
    owned: HashMap<(Arc<str>, i32), u64>,
}

impl Assignment {
    /// Takes partitions over under a new epoch.
    pub(super) fn assign(&self, partitions: impl Iterator<Item = (Arc<str>, i32)>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.last_epoch += 1;
        let epoch = state.last_epoch;
        state.owned.extend(partitions.map(|partition| (partition, epoch)));
    }

    /// Gives partitions up: what is still under way from them is never committed.
    pub(super) fn revoke(&self, partitions: impl Iterator<Item = (Arc<str>, i32)>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for partition in partitions {
            state.owned.remove(&partition);
        }
    }

    /// The epoch under which a partition is owned; 0 where it is not.
    pub(super) fn epoch(&self, topic: &Arc<str>, partition: i32) -> u64 {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.owned.get(&(Arc::clone(topic), partition)).copied().unwrap_or(0)
    }

    /// The first partition of `offsets` that is not owned under the epoch in which it was read.
    pub(super) fn lost(&self, offsets: &Offsets) -> Option<(Arc<str>, i32)> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        offsets
            .positions()
            .iter()
            .map(|position| ((Arc::clone(&position.topic), position.partition), position.epoch))
            .find(|(partition, epoch)| state.owned.get(partition) != Some(epoch))
            .map(|(partition, _)| partition)
    }

    /// How many partitions are owned.
    pub(super) fn len(&self) -> usize {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).owned.len()
    }
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
        let batch = Batch::of_records(vec![Arc::new(record)]);
        let mut sink = memory::MemorySink::new(Arc::default(), None);
        let offsets = batch.land(&mut sink).await.unwrap();
        assert_eq!(assignment.lost(&offsets), None);
        assignment.revoke([(Arc::clone(&topic), 0)].into_iter());
        assert_eq!(assignment.lost(&offsets), Some((Arc::clone(&topic), 0)));
        // The same partition comes back: what was read before is still of the old epoch.
        assignment.assign([(Arc::clone(&topic), 0)].into_iter());
        assert_eq!(assignment.lost(&offsets), Some((topic, 0)));
        assert_eq!(assignment.len(), 2);
    }
}
