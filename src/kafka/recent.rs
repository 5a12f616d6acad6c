//! Following several topics as they grow, from some moment on, without a group: nothing is committed and nobody is
//! disturbed. For those who keep in memory what is new, such as the API.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use anyhow::Context as _;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message as _;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::client::{self, Calm, REQUEST_TIMEOUT};
use super::message;
use crate::config;
use crate::flow::Record;
use crate::model::Timestamp;

/// What is fetched ahead, in KiB.
const FETCHED_KBYTES: &str = "8192";

/// A topic to follow, and where that begins.
#[derive(Debug, Clone)]
pub struct Since {
    /// With its prefix.
    pub topic: String,
    /// Begin with the first record of this moment or later; `None`: with the oldest.
    pub since: Option<Timestamp>,
    /// Begin at most so many records before the end of each partition.
    pub records_max: i64,
}

/// What came.
#[derive(Debug)]
pub enum Heard {
    /// A committed record.
    Record(Record),
    /// As far as can be told, everything that was there at the beginning has been read. Said once.
    CaughtUp,
    /// Nothing within the patience.
    Nothing,
}

/// Reads the committed records of some topics. All of it blocks.
pub struct Recent {
    consumer: BaseConsumer<Calm>,
    /// Topics and the partitions that each had.
    partitions: Vec<(String, Range<i32>)>,
    /// Ends that have yet to be reached until all has been read that was there.
    ahead: usize,
}

impl fmt::Debug for Recent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recent({:?})", self.partitions)
    }
}

impl Recent {
    /// Begins to follow `topics`.
    ///
    /// # Errors
    /// When the cluster cannot be reached, or has not all of these topics.
    pub fn open(kafka: &config::Kafka, topics: &[Since]) -> anyhow::Result<Self> {
        let mut client = client::base(kafka, "signalmill-api");
        client
            .set("group.id", client::group_name(kafka, "api"))
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .set("isolation.level", "read_committed")
            .set("auto.offset.reset", "earliest")
            .set("queued.max.messages.kbytes", FETCHED_KBYTES);
        let consumer: BaseConsumer<Calm> = client.create_with_context(Calm).context("creating the consumer")?;
        let mut assignment = TopicPartitionList::new();
        let mut partitions = Vec::with_capacity(topics.len());
        for topic in topics {
            let found = client::partitions_there(kafka, &consumer, &topic.topic)?;
            for (partition, from) in beginnings(&consumer, topic, found.clone())? {
                assignment
                    .add_partition_offset(&topic.topic, partition, Offset::Offset(from))
                    .context("naming a partition")?;
            }
            partitions.push((topic.topic.clone(), found));
        }
        let ahead = assignment.count();
        consumer.assign(&assignment).context("assigning the partitions")?;
        Ok(Self { consumer, partitions, ahead })
    }

    /// What comes next, waiting for it at most for `patience`.
    ///
    /// # Errors
    /// When the topics cannot be read.
    pub fn next(&mut self, patience: Duration) -> anyhow::Result<Heard> {
        match self.consumer.poll(patience) {
            Some(Ok(message)) => Ok(Heard::Record(message::record(&message, &message.topic().into(), 0, |_| None))),
            // A partition says so again after each record that was its last: with a busy one among them this comes early
            // by a little, which costs a wrong "unknown" at the very start and nothing else.
            Some(Err(KafkaError::PartitionEOF(_))) if self.ahead > 0 => {
                self.ahead -= 1;
                Ok(if self.ahead == 0 { Heard::CaughtUp } else { Heard::Nothing })
            }
            None
            | Some(Err(
                KafkaError::PartitionEOF(_)
                | KafkaError::MessageConsumption(
                    RDKafkaErrorCode::BrokerTransportFailure | RDKafkaErrorCode::AllBrokersDown,
                ),
            )) => Ok(Heard::Nothing),
            Some(Err(error)) => Err(error).context("reading"),
        }
    }

    /// Whether the topics still have as many partitions as at the beginning: what is written to new ones is not seen.
    ///
    /// # Errors
    /// When the cluster cannot be reached, or has not all of these topics.
    pub fn is_whole(&self, kafka: &config::Kafka) -> anyhow::Result<bool> {
        for (topic, known) in &self.partitions {
            if client::partitions_there(kafka, &self.consumer, topic)? != *known {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Where to begin in each partition.
fn beginnings(consumer: &BaseConsumer<Calm>, topic: &Since, partitions: Range<i32>) -> anyhow::Result<Vec<(i32, i64)>> {
    let mut times = TopicPartitionList::new();
    for partition in partitions {
        let moment = Offset::Offset(topic.since.map_or(0, |since| since.0));
        times.add_partition_offset(&topic.topic, partition, moment).context("naming a partition")?;
    }
    let found = consumer
        .offsets_for_times(times, REQUEST_TIMEOUT)
        .with_context(|| format!("asking where a moment stands in {}", topic.topic))?;
    let mut beginnings = Vec::with_capacity(found.count());
    for element in found.elements() {
        let (low, end) = consumer
            .fetch_watermarks(&topic.topic, element.partition(), REQUEST_TIMEOUT)
            .with_context(|| format!("asking for the ends of {}/{}", topic.topic, element.partition()))?;
        let since = match (topic.since, element.offset()) {
            (None, _) => low,
            (Some(_), Offset::Offset(offset)) => offset,
            // Nothing of that time or later.
            (Some(_), _) => end,
        };
        beginnings.push((element.partition(), since.max(end - topic.records_max).max(low)));
    }
    Ok(beginnings)
}
