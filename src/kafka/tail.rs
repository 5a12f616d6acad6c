//! Looking at a topic without a group: nothing is committed and nobody is disturbed.

use std::fmt;
use std::time::Duration;

use anyhow::Context as _;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message as _;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::client::{self, Calm};
use super::message;
use crate::config;
use crate::flow::Record;

/// Where to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// With the oldest record.
    Earliest,
    /// With the next one.
    Latest,
    /// With this offset in every partition.
    Offset(i64),
}

/// A reader of one topic's committed records.
pub struct Tail {
    consumer: BaseConsumer<Calm>,
}

impl fmt::Debug for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tail")
    }
}

impl Tail {
    /// Reads `topic` (with its prefix).
    ///
    /// # Errors
    /// When the cluster cannot be reached, or has no such topic.
    pub fn open(kafka: &config::Kafka, topic: &str, start: Start) -> anyhow::Result<Self> {
        Self::of(kafka, topic, None, start)
    }

    /// Reads one partition of `topic` (with its prefix).
    ///
    /// # Errors
    /// When the cluster cannot be reached, or has no such topic.
    pub fn open_partition(kafka: &config::Kafka, topic: &str, partition: i32, start: Start) -> anyhow::Result<Self> {
        Self::of(kafka, topic, Some(partition), start)
    }

    fn of(kafka: &config::Kafka, topic: &str, only: Option<i32>, start: Start) -> anyhow::Result<Self> {
        let consumer: BaseConsumer<Calm> = client(kafka).create_with_context(Calm).context("creating the consumer")?;
        let offset = match start {
            Start::Earliest => Offset::Beginning,
            Start::Latest => Offset::End,
            Start::Offset(offset) => Offset::Offset(offset),
        };
        let mut assignment = TopicPartitionList::new();
        let all = client::partitions_there(kafka, &consumer, topic)?;
        for partition in all.filter(|partition| only.is_none_or(|only| only == *partition)) {
            assignment.add_partition_offset(topic, partition, offset).context("naming a partition")?;
        }
        consumer.assign(&assignment).context("assigning the partitions")?;
        Ok(Self { consumer })
    }

    /// The next record, or `None` where none comes within `patience`.
    ///
    /// # Errors
    /// When the topic cannot be read.
    pub fn next(&self, patience: Duration) -> anyhow::Result<Option<Record>> {
        let message = match self.consumer.poll(patience) {
            Some(Ok(message)) => message,
            None
            | Some(Err(KafkaError::MessageConsumption(
                RDKafkaErrorCode::BrokerTransportFailure | RDKafkaErrorCode::AllBrokersDown,
            ))) => return Ok(None),
            Some(Err(error)) => return Err(error).context("reading"),
        };
        Ok(Some(message::record(&message, &message.topic().into(), 0, |_| None)))
    }
}

fn client(kafka: &config::Kafka) -> ClientConfig {
    let mut client = client::base(kafka, "signalmill-tap");
    client
        .set("group.id", client::group_name(kafka, "tap"))
        .set("enable.auto.commit", "false")
        .set("isolation.level", "read_committed")
        .set("auto.offset.reset", "earliest");
    client
}
