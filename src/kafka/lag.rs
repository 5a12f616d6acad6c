//! How far a hop is behind: in records, by what librdkafka knows of the end of a partition, and in seconds, by the
//! time stamped on the last record read while there is more to read.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use rdkafka::statistics::Statistics;
use rdkafka::topic_partition_list::TopicPartitionList;

use crate::clock::Clock;
use crate::flow::{Offsets, Record};
use crate::model::Timestamp;
use crate::observe::HopMetrics;

/// Progress by topic and partition. Written by the polling thread and by the one that commits.
#[derive(Debug)]
pub(super) struct Lag {
    topics: Vec<String>,
    clock: Clock,
    metrics: HopMetrics,
    progress: Mutex<HashMap<(String, i32), Progress>>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Progress {
    read_at: Option<Timestamp>,
    read_next: Option<i64>,
    landed: Option<i64>,
}

impl Lag {
    pub(super) fn new(topics: &[String], clock: Clock, metrics: HopMetrics) -> Self {
        Self { topics: topics.to_vec(), clock, metrics, progress: Mutex::default() }
    }

    /// A record was read.
    pub(super) fn read(&self, record: &Record) {
        self.with(&record.topic, record.partition, |progress| {
            progress.read_at = Some(record.timestamp);
            progress.read_next = Some(record.offset + 1);
        });
    }

    /// Offsets were committed.
    pub(super) fn landed(&self, offsets: &Offsets) {
        for position in offsets.positions() {
            self.with(&position.topic, position.partition, |progress| progress.landed = Some(position.next));
        }
    }

    /// Partitions moved away: their lag is another worker's.
    pub(super) fn forget(&self, partitions: &TopicPartitionList) {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        for element in partitions.elements() {
            progress.remove(&(element.topic().to_owned(), element.partition()));
        }
    }

    /// Takes librdkafka's view of the partitions' ends in and moves the gauges.
    pub(super) fn report(&self, statistics: &Statistics) {
        let now = self.clock.now();
        for topic in &self.topics {
            let Some(known) = statistics.topics.get(topic) else { continue };
            let (mut records, mut seconds) = (0_i64, 0_f64);
            for partition in known.partitions.values().filter(|partition| partition.ls_offset >= 0) {
                let progress = self.with(topic, partition.partition, |progress| *progress);
                let next = progress.landed.unwrap_or(partition.committed_offset.max(partition.app_offset));
                if next < 0 {
                    continue;
                }
                // Behind the last record stands the mark of its transaction, which nobody is ever given: what has been
                // fetched to the end and landed as far as it was read is not behind.
                let fetched = partition.next_offset >= partition.ls_offset && partition.fetchq_cnt == 0;
                let at_end = fetched && progress.read_next.is_none_or(|read| progress.landed == Some(read));
                let behind = if at_end { 0 } else { (partition.ls_offset - next).max(0) };
                records += behind;
                if behind > 0
                    && let Some(read_at) = progress.read_at
                {
                    seconds = seconds.max(now.since(read_at).as_secs_f64());
                }
            }
            self.metrics.lag(topic, records, seconds);
        }
    }

    fn with<R>(&self, topic: &str, partition: i32, change: impl FnOnce(&mut Progress) -> R) -> R {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        // Looked up by a borrowed key it would allocate nothing, which `HashMap` cannot do for pairs: partitions are
        // few, so they are found by scanning.
        let known = progress.iter_mut().find(|((name, number), _)| *number == partition && name == topic);
        if let Some((_, known)) = known {
            return change(known);
        }
        change(progress.entry((topic.to_owned(), partition)).or_default())
    }
}
