//! Counts the committed records of a topic as they come: the end of a measurement that no part of the program reports.

use std::time::{Duration, Instant};

use anyhow::bail;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use signalmill::config;

const POLL: Duration = Duration::from_millis(100);

/// A reader of one topic from its end, without a group.
pub struct Tail(BaseConsumer);

impl Tail {
    /// Reads what is written to `topic` (without its prefix) from now on.
    ///
    /// # Errors
    /// What librdkafka refuses.
    pub fn of(kafka: &config::Kafka, topic: &str) -> anyhow::Result<Self> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", &kafka.brokers)
            .set("group.id", "bench-tail")
            .set("isolation.level", "read_committed")
            .set("enable.auto.commit", "false")
            .set("queued.max.messages.kbytes", "8192")
            .create()?;
        let topic = format!("{}{topic}", kafka.topic_prefix);
        let mut partitions = TopicPartitionList::new();
        for partition in 0..kafka.partitions {
            // What "the end" is must be known before the first record is written, and not when the fetch begins.
            let (_, end) = consumer.fetch_watermarks(&topic, partition, Duration::from_secs(10))?;
            partitions.add_partition_offset(&topic, partition, Offset::Offset(end))?;
        }
        consumer.assign(&partitions)?;
        Ok(Self(consumer))
    }

    /// Waits for `count` records; says when the first and when the last of them was there.
    ///
    /// # Errors
    /// They do not come within `patience`.
    pub fn wait_for(&self, count: u64, patience: Duration) -> anyhow::Result<(Instant, Instant)> {
        let deadline = Instant::now() + patience;
        let (mut seen, mut first) = (0, None);
        while seen < count {
            if self.0.poll(POLL).is_some_and(|polled| polled.is_ok()) {
                seen += 1;
                first.get_or_insert_with(Instant::now);
            }
            if Instant::now() > deadline {
                bail!("{seen} of {count} records came within {patience:?}");
            }
        }
        let last = Instant::now();
        Ok((first.unwrap_or(last), last))
    }
}
