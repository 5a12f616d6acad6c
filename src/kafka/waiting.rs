//! How much waits for a hop, and since when: asked of the brokers, by somebody who is no member of its group.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::client::{self, Calm, REQUEST_TIMEOUT};
use crate::config;
use crate::model::Timestamp;

/// How long the oldest waiting records of a topic are looked for.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a poll waits.
const POLL: Duration = Duration::from_millis(100);

/// What waits in one topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// With its prefix.
    pub topic: String,
    /// Records that the group has not committed.
    pub records: u64,
    /// When the oldest of them was written; `None` where none waits, or it was not found in time.
    pub oldest: Option<Timestamp>,
}

/// What waits for `group` in `topics` (with their prefixes), in their order. Blocks.
///
/// # Errors
/// Kafka does not answer.
pub fn waiting(kafka: &config::Kafka, group: &str, topics: &[String]) -> anyhow::Result<Vec<Waiting>> {
    let mut client = client::base(kafka, "signalmill-status");
    client
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("isolation.level", "read_committed")
        .set("enable.partition.eof", "true")
        .set("fetch.wait.max.ms", "10")
        .set("fetch.message.max.bytes", "65536")
        .set("queued.max.messages.kbytes", "1024");
    let consumer: BaseConsumer<Calm> = client.create_with_context(Calm).context("creating a consumer")?;
    let mut partitions = Partitions::default();
    for (at, topic) in topics.iter().enumerate() {
        let known = client::partitions(&consumer, topic)?;
        partitions.0.extend(known.map(|partition| ((topic.clone(), partition), Partition::of(at))));
    }
    partitions.measure(&consumer)?;
    for topic in topics {
        partitions.look(&consumer, topic)?;
    }
    let of = |(at, topic): (usize, &String)| {
        let mine = || partitions.0.values().filter(move |partition| partition.at == at);
        let records = mine().map(|partition| partition.records).sum();
        Waiting { topic: topic.clone(), records, oldest: mine().filter_map(|partition| partition.oldest).min() }
    };
    Ok(topics.iter().enumerate().map(of).collect())
}

#[derive(Default)]
struct Partitions(HashMap<(String, i32), Partition>);

struct Partition {
    /// Which of the topics.
    at: usize,
    /// What the group reads next.
    next: i64,
    records: u64,
    oldest: Option<Timestamp>,
}

impl Partition {
    fn of(at: usize) -> Self {
        Self { at, next: 0, records: 0, oldest: None }
    }
}

impl Partitions {
    /// Offsets between what is committed and the end.
    fn measure(&mut self, consumer: &BaseConsumer<Calm>) -> anyhow::Result<()> {
        let mut asked = TopicPartitionList::new();
        for (topic, number) in self.0.keys() {
            asked.add_partition(topic, *number);
        }
        let committed = client::committed(consumer, &asked).context("asking for offsets")?;
        for ((topic, number), partition) in &mut self.0 {
            let (low, high) = consumer
                .fetch_watermarks(topic, *number, REQUEST_TIMEOUT)
                .with_context(|| format!("asking for the ends of {topic}/{number}"))?;
            partition.next = match committed.find_partition(topic, *number).map(|element| element.offset()) {
                Some(Offset::Offset(offset)) => offset.max(low),
                _ => low,
            };
            partition.records = u64::try_from(high - partition.next).unwrap_or(0);
        }
        Ok(())
    }

    /// Looks for the first record of each partition of a topic in which something waits. Where there is none, what waits is
    /// the mark of a transaction, which nobody is ever given.
    fn look(&mut self, consumer: &BaseConsumer<Calm>, topic: &str) -> anyhow::Result<()> {
        let mut assignment = TopicPartitionList::new();
        let mut left = HashSet::new();
        for ((of, number), partition) in &self.0 {
            if of == topic && partition.records > 0 {
                let next = Offset::Offset(partition.next);
                assignment.add_partition_offset(topic, *number, next).context("naming a partition")?;
                left.insert(*number);
            }
        }
        if left.is_empty() {
            return Ok(());
        }
        consumer.assign(&assignment).context("assigning the partitions")?;
        let began = Instant::now();
        while !left.is_empty() && began.elapsed() < PATIENCE {
            let (number, oldest) = match consumer.poll(POLL) {
                Some(Ok(message)) => (message.partition(), Some(message.timestamp().to_millis().map(Timestamp))),
                Some(Err(KafkaError::PartitionEOF(number))) => (number, None),
                Some(Err(_)) | None => continue,
            };
            if !left.remove(&number) {
                continue;
            }
            if let Some(partition) = self.0.get_mut(&(topic.to_owned(), number)) {
                match oldest {
                    Some(oldest) => partition.oldest = oldest,
                    None => partition.records = 0,
                }
            }
        }
        Ok(())
    }
}
