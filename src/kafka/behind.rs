//! Whether a hop has landed what stands in its topics by now: for those who wait for it without being it.

use std::collections::HashMap;
use std::fmt;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::client::{self, Calm, REQUEST_TIMEOUT};
use crate::config;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The ends of some topics at one moment, and the group that is to reach them. All of it blocks.
pub struct Behind {
    consumer: BaseConsumer<Calm>,
    topics: Vec<Topic>,
}

struct Topic {
    name: String,
    partitions: Vec<Range>,
}

struct Range {
    partition: i32,
    /// The oldest offset.
    low: i64,
    /// Behind the last offset that counts.
    end: i64,
    /// Where a record stands that counts, by what was looked at so far.
    record: Option<i64>,
}

impl fmt::Debug for Behind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Behind({} topics)", self.topics.len())
    }
}

impl Behind {
    /// Where the partitions of `topics` (with their prefixes) end now, for `group`, the hop's, as
    /// [`group_name`](super::group_name) says.
    ///
    /// # Errors
    /// When librdkafka refuses the configuration, or Kafka does not answer.
    pub fn of(kafka: &config::Kafka, group: &str, topics: &[String]) -> anyhow::Result<Self> {
        let mut client = client::base(kafka, group);
        client
            .set("group.id", group)
            .set("isolation.level", "read_committed")
            // Only looked at: where the group stands is not for us to say.
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .set("auto.offset.reset", "earliest")
            .set("fetch.wait.max.ms", "10")
            .set("queued.min.messages", "1");
        let consumer = client.create_with_context(Calm).context("creating a consumer")?;
        let topics = topics.iter().map(|name| Topic::ends(&consumer, name)).collect::<anyhow::Result<_>>()?;
        Ok(Self { consumer, topics })
    }

    /// Returns once nothing is left. `patient` is told how many offsets are, now and then, and says whether to go on
    /// waiting.
    ///
    /// # Errors
    /// What `patient` says, or when Kafka does not answer.
    pub fn until_landed(mut self, mut patient: impl FnMut(u64) -> anyhow::Result<()>) -> anyhow::Result<()> {
        loop {
            match self.left()? {
                0 => return Ok(()),
                left => patient(left)?,
            }
            thread::sleep(LOOK_EVERY);
        }
    }

    /// Offsets between where the group stands and the ends.
    fn left(&mut self) -> anyhow::Result<u64> {
        let mut left = 0;
        for topic in &mut self.topics {
            left += topic.left(&self.consumer)?;
        }
        Ok(left)
    }
}

impl Topic {
    /// Where its partitions begin and end now, as far as it is decided.
    fn ends(consumer: &BaseConsumer<Calm>, name: &str) -> anyhow::Result<Self> {
        let range = |partition| {
            let (low, end) = consumer
                .fetch_watermarks(name, partition, REQUEST_TIMEOUT)
                .with_context(|| format!("asking for the ends of {name}/{partition}"))?;
            Ok(Range { partition, low, end, record: None })
        };
        let partitions = client::partitions(consumer, name)?.map(range).collect::<anyhow::Result<_>>()?;
        Ok(Self { name: name.to_owned(), partitions })
    }

    fn left(&mut self, consumer: &BaseConsumer<Calm>) -> anyhow::Result<u64> {
        let mut asked = TopicPartitionList::new();
        for range in &self.partitions {
            asked.add_partition(&self.name, range.partition);
        }
        let committed = client::committed(consumer, &asked).context("asking for offsets")?;
        let (mut left, mut unsure) = (0, HashMap::new());
        for range in &self.partitions {
            let at = match committed.find_partition(&self.name, range.partition).map(|found| found.offset()) {
                Some(Offset::Offset(offset)) => offset.max(range.low),
                _ => range.low,
            };
            let offsets = u64::try_from(range.end - at).unwrap_or(0);
            if offsets > 0 && range.record.is_none_or(|record| record < at) {
                unsure.insert(range.partition, at);
            } else {
                left += offsets;
            }
        }
        if unsure.is_empty() {
            return Ok(left);
        }
        let records = self.first_records(consumer, &unsure)?;
        for range in &mut self.partitions {
            let Some(at) = unsure.get(&range.partition) else { continue };
            match records.get(&range.partition).filter(|record| **record < range.end) {
                Some(record) => {
                    range.record = Some(*record);
                    left += u64::try_from(range.end - at).unwrap_or(0);
                }
                None => range.end = *at,
            }
        }
        Ok(left)
    }

    /// Where the first record stands from these offsets on, by partition; nothing of a partition that holds only what
    /// nobody is ever given: the marks of transactions, and what transactions took back.
    fn first_records(
        &self,
        consumer: &BaseConsumer<Calm>,
        from: &HashMap<i32, i64>,
    ) -> anyhow::Result<HashMap<i32, i64>> {
        let topic = &self.name;
        let mut assignment = TopicPartitionList::new();
        for (partition, at) in from {
            assignment
                .add_partition_offset(topic, *partition, Offset::Offset(*at))
                .with_context(|| format!("naming {topic}/{partition}"))?;
        }
        consumer.assign(&assignment).with_context(|| format!("looking at {topic}"))?;
        let (mut open, mut records) = (from.clone(), HashMap::new());
        let asked_at = Instant::now();
        while !open.is_empty() {
            match consumer.poll(LOOK_EVERY) {
                // Only the first of each partition counts.
                Some(Ok(message)) if open.remove(&message.partition()).is_some() => {
                    records.insert(message.partition(), message.offset());
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    open.remove(&partition);
                }
                // What passes is tried again by librdkafka.
                Some(Err(error)) if asked_at.elapsed() > REQUEST_TIMEOUT => {
                    return Err(error).with_context(|| format!("reading {topic}"));
                }
                None if asked_at.elapsed() > REQUEST_TIMEOUT => {
                    bail!("reading {topic}: nothing came for {REQUEST_TIMEOUT:?}")
                }
                _ => {}
            }
        }
        consumer.unassign().with_context(|| format!("looking at {topic}"))?;
        Ok(records)
    }
}
