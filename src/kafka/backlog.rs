//! How much of a topic a hop has still to do, and who does it: for those who put work in and must know when to stop.

use std::fmt;

use anyhow::Context as _;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::client::{self, Calm, REQUEST_TIMEOUT};
use crate::config;

/// One topic, and the group of the hop that reads it. All of it blocks.
pub struct Backlog {
    consumer: BaseConsumer<Calm>,
    topic: String,
    group: String,
}

/// What a look at a [`Backlog`] found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Queued {
    /// Records that the topic holds.
    pub records: u64,
    /// Those of them that the hop has not landed.
    pub pending: u64,
    /// Members of the hop's group. One that died counts until its session is over.
    pub consumers: usize,
}

impl fmt::Debug for Backlog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Backlog({} of {})", self.topic, self.group)
    }
}

impl Backlog {
    /// That of `hop`, such as `enrich/articles`, in `topic` (with its prefix).
    ///
    /// # Errors
    /// When librdkafka refuses the configuration.
    pub fn open(kafka: &config::Kafka, hop: &str, topic: &str) -> anyhow::Result<Self> {
        let group = client::group_name(kafka, hop);
        let mut client = client::base(kafka, "signalmill-api");
        client.set("group.id", &group).set("isolation.level", "read_committed");
        let consumer = client.create_with_context(Calm).context("creating a consumer")?;
        Ok(Self { consumer, topic: topic.to_owned(), group })
    }

    /// What is so now.
    ///
    /// # Errors
    /// When Kafka does not answer.
    pub fn look(&self) -> anyhow::Result<Queued> {
        let mut asked = TopicPartitionList::new();
        for partition in client::partitions(&self.consumer, &self.topic)? {
            asked.add_partition(&self.topic, partition);
        }
        let committed = client::committed(&self.consumer, &asked).context("asking for offsets")?;
        let mut queued = Queued::default();
        for element in committed.elements() {
            let (low, high) = self
                .consumer
                .fetch_watermarks(&self.topic, element.partition(), REQUEST_TIMEOUT)
                .with_context(|| format!("asking for the ends of {}/{}", self.topic, element.partition()))?;
            let next = match element.offset() {
                Offset::Offset(offset) => offset.max(low),
                _ => low,
            };
            queued.records += u64::try_from(high - low).unwrap_or(0);
            queued.pending += u64::try_from(high - next).unwrap_or(0);
        }
        let groups = self.consumer.fetch_group_list(Some(&self.group), REQUEST_TIMEOUT);
        let groups = groups.with_context(|| format!("asking for the members of {}", self.group))?;
        queued.consumers = groups.groups().iter().map(|group| group.members().len()).sum();
        Ok(queued)
    }
}
