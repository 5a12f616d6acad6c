//! Whether a hop has landed what stands in its topics by now: for those who wait for it without being it.

use std::fmt;
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::client::{self, Calm, REQUEST_TIMEOUT};
use crate::config;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The ends of some topics at one moment, and the group that is to reach them. All of it blocks.
pub struct Behind {
    consumer: BaseConsumer<Calm>,
    ends: Vec<Range>,
}

struct Range {
    topic: String,
    partition: i32,
    /// The oldest offset.
    low: i64,
    /// Where the group stands once it has landed what counts.
    end: i64,
}

impl fmt::Debug for Behind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Behind({} partitions)", self.ends.len())
    }
}

impl Behind {
    /// Of `group`, the hop's, as [`group_name`](super::group_name) says; no topic is looked at yet.
    ///
    /// # Errors
    /// When librdkafka refuses the configuration.
    pub fn of(kafka: &config::Kafka, group: &str) -> anyhow::Result<Self> {
        let mut client = client::base(kafka, group);
        client.set("group.id", group).set("isolation.level", "read_committed");
        let consumer = client.create_with_context(Calm).context("creating a consumer")?;
        Ok(Self { consumer, ends: Vec::new() })
    }

    /// Notes where the partitions of `topics` (with their prefixes) end now, which hops write. The mark of the last
    /// transaction, which nobody is ever given and so nobody commits, does not count.
    ///
    /// # Errors
    /// When Kafka does not answer.
    pub fn written_by_hops(self, topics: &[String]) -> anyhow::Result<Self> {
        self.up_to(topics, 1)
    }

    /// The same for topics into which records are put without transactions.
    ///
    /// # Errors
    /// When Kafka does not answer.
    pub fn put_in(self, topics: &[String]) -> anyhow::Result<Self> {
        self.up_to(topics, 0)
    }

    fn up_to(mut self, topics: &[String], marks: i64) -> anyhow::Result<Self> {
        for topic in topics {
            let metadata =
                self.consumer.fetch_metadata(Some(topic), REQUEST_TIMEOUT).context("asking for partitions")?;
            let count = metadata.topics().first().map_or(0, |topic| topic.partitions().len());
            for partition in 0..i32::try_from(count).unwrap_or(i32::MAX) {
                let (low, high) = self
                    .consumer
                    .fetch_watermarks(topic, partition, REQUEST_TIMEOUT)
                    .with_context(|| format!("asking for the ends of {topic}/{partition}"))?;
                self.ends.push(Range { topic: topic.clone(), partition, low, end: high - marks });
            }
        }
        Ok(self)
    }

    /// Returns once nothing is left. `patient` is told how much is, now and then, and says whether to go on waiting.
    ///
    /// # Errors
    /// What `patient` says, or when Kafka does not answer.
    pub fn until_landed(&self, mut patient: impl FnMut(u64) -> anyhow::Result<()>) -> anyhow::Result<()> {
        loop {
            match self.left()? {
                0 => return Ok(()),
                left => patient(left)?,
            }
            thread::sleep(LOOK_EVERY);
        }
    }

    /// Offsets between where the group stands and the ends.
    fn left(&self) -> anyhow::Result<u64> {
        let mut asked = TopicPartitionList::new();
        for Range { topic, partition, .. } in &self.ends {
            asked.add_partition(topic, *partition);
        }
        let committed = client::committed(&self.consumer, &asked).context("asking for offsets")?;
        let left = self.ends.iter().map(|Range { topic, partition, low, end }| {
            let at = match committed.find_partition(topic, *partition).map(|element| element.offset()) {
                Some(Offset::Offset(offset)) => offset,
                _ => *low,
            };
            u64::try_from(end - at).unwrap_or(0)
        });
        Ok(left.sum())
    }
}
