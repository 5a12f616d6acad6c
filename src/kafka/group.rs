//! The membership in a consumer group, as the thread that polls and the one that commits share it.

use std::sync::{Arc, MutexGuard, Weak};

use anyhow::Context as _;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerGroupMetadata};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList, TopicPartitionListElem};
use tokio::sync::watch;

use super::assignment::Assignment;
use super::client::{self, REQUEST_TIMEOUT};
use super::lag::Lag;
use super::poll::Watcher;
use crate::flow::record::Budget;
use crate::flow::{Offsets, Position};

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
    /// The partitions of `topic` (with its prefix) that this worker owns, each with the epoch of its assignment.
    #[must_use]
    pub fn owned(&self, topic: &str) -> Vec<(i32, u64)> {
        self.held.assignment.of(topic)
    }

    /// Changes whenever partitions come or go.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.held.assignment.changes()
    }

    /// Where the group stands in a partition: its committed offset, or the oldest record where there is none. Blocks.
    ///
    /// # Errors
    /// When Kafka does not say, or the consumer has left its group.
    pub fn stands_at(&self, topic: &str, partition: i32) -> anyhow::Result<i64> {
        let consumer = self.consumer.upgrade().context("the consumer has left its group")?;
        let mut asked = TopicPartitionList::new();
        asked.add_partition(topic, partition);
        let committed = client::committed(&consumer, &asked).context("asking for the committed offset")?;
        match committed.elements().first().map(TopicPartitionListElem::offset) {
            Some(Offset::Offset(offset)) => Ok(offset),
            _ => Ok(consumer
                .fetch_watermarks(topic, partition, REQUEST_TIMEOUT)
                .context("asking for the oldest offset")?
                .0),
        }
    }

    /// Keeps partitions from moving away while it is held.
    pub(super) fn committing(&self) -> MutexGuard<'_, ()> {
        self.held.assignment.committing()
    }

    /// Offsets were committed: the hop is no longer behind by them.
    pub(super) fn landed(&self, offsets: &Offsets) {
        self.held.assignment.landed(offsets);
        self.held.lag.landed(offsets);
    }

    /// The first of these positions that another worker owns by now.
    pub(super) fn lost<'a>(&self, positions: impl Iterator<Item = &'a Position>) -> Option<&'a Position> {
        self.held.assignment.lost(positions)
    }

    /// Where the group stands in a partition, as far as this worker knows: at `position` or behind it.
    pub(super) fn reached(&self, position: &Position) -> i64 {
        self.held.assignment.reached(position)
    }

    /// What fences a member that was replaced; `None` once the consumer has left.
    pub(super) fn metadata(&self) -> Option<ConsumerGroupMetadata> {
        self.consumer.upgrade()?.group_metadata()
    }
}
