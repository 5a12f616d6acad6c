//! What was read from Kafka and has not been handed to the hop.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rdkafka::topic_partition_list::TopicPartitionList;

use crate::flow::Record;

/// Records delivered as one batch: enough to spread a batch's cost, few enough to keep all cores busy.
const RECORDS_MAX: usize = 128;
/// Bytes delivered as one batch.
const BYTES_MAX: usize = 1 << 20;

/// Records that are delivered together. Only the polling thread has it in hand.
#[derive(Debug, Default)]
pub(super) struct Chunk(Mutex<Gathered>);

#[derive(Debug, Default)]
struct Gathered {
    records: Vec<Arc<Record>>,
    bytes: usize,
}

impl Chunk {
    /// Adds a record of so many bytes; says whether there is enough to deliver.
    pub(super) fn push(&self, record: Arc<Record>, bytes: usize) -> bool {
        let mut gathered = self.lock();
        gathered.bytes += bytes;
        gathered.records.push(record);
        gathered.records.len() >= RECORDS_MAX || gathered.bytes >= BYTES_MAX
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().records.is_empty()
    }

    /// All of it; nothing is left.
    pub(super) fn take(&self) -> Vec<Arc<Record>> {
        mem::take(&mut *self.lock()).records
    }

    /// Drops what is of partitions that move away: their next owner reads it.
    pub(super) fn forget(&self, partitions: &TopicPartitionList) {
        self.lock().records.retain(|record| partitions.find_partition(&record.topic, record.partition).is_none());
    }

    fn lock(&self) -> MutexGuard<'_, Gathered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
