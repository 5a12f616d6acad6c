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
            // A partition that moved away stays in the statistics, as it stood then.
            let ours = known.partitions.values().filter(|partition| partition.desired && partition.ls_offset >= 0);
            for partition in ours {
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

#[cfg(test)]
mod tests {
    use rdkafka::statistics::{Partition, Topic};

    use super::*;
    use crate::observe;

    /// A partition with `behind` records that were not landed, as librdkafka shows it.
    fn partition(number: i32, desired: bool, behind: i64) -> (i32, Partition) {
        let known = Partition {
            partition: number,
            desired,
            committed_offset: 10,
            next_offset: 10,
            ls_offset: 10 + behind,
            ..Partition::default()
        };
        (number, known)
    }

    #[test]
    fn a_partition_that_moved_away_is_not_behind() {
        let topics = ["lag.moved".to_owned()];
        let lag = Lag::new(&topics, Clock::manual(Timestamp(0)).0, observe::hop("lag", &topics));
        let shown = |partitions: Vec<(i32, Partition)>| {
            let topic = Topic { partitions: partitions.into_iter().collect(), ..Topic::default() };
            let topics = [("lag.moved".to_owned(), topic)].into_iter().collect();
            lag.report(&Statistics { topics, ..Statistics::default() });
            let sample = "signalmill_consumer_lag_records{hop=\"lag\",topic=\"lag.moved\"} ";
            observe::render().lines().find_map(|line| line.strip_prefix(sample).map(str::to_owned)).unwrap()
        };
        assert_eq!(shown(vec![partition(0, true, 5), partition(1, true, 7)]), "12");
        assert_eq!(shown(vec![partition(0, true, 4), partition(1, false, 7)]), "4");
        assert_eq!(shown(vec![partition(0, false, 4), partition(1, false, 7)]), "0");
    }
}
