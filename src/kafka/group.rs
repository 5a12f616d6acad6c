//! The membership in a consumer group, as the thread that polls and the one that commits share it.

use std::sync::{Arc, Weak};

use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerGroupMetadata};

use super::assignment::Assignment;
use super::lag::Lag;
use super::poll::Watcher;
use crate::flow::Offsets;
use crate::flow::record::Budget;

/// The membership in a consumer group, for those who commit. It does not keep the consumer alive: the polling thread
/// alone does, so that the group is left when that thread ends, and not a moment later.
#[derive(Debug, Clone)]
pub struct Group {
    pub(super) consumer: Weak<BaseConsumer<Watcher>>,
    pub(super) held: Arc<Held>,
}

/// What the polling thread and the one that commits share.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) assignment: Assignment,
    pub(super) budget: Arc<Budget>,
    pub(super) lag: Lag,
}

impl Group {
    /// Offsets were committed: the hop is no longer behind by them.
    pub(super) fn landed(&self, offsets: &Offsets) {
        self.held.lag.landed(offsets);
    }

    /// The first partition of `offsets` that another worker owns by now.
    pub(super) fn lost(&self, offsets: &Offsets) -> Option<(Arc<str>, i32)> {
        self.held.assignment.lost(offsets)
    }

    /// What fences a member that was replaced; `None` once the consumer has left.
    pub(super) fn metadata(&self) -> Option<ConsumerGroupMetadata> {
        self.consumer.upgrade()?.group_metadata()
    }
}
