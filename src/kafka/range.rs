//! Reading a partition back: from some offset to its end, as it is decided now. What a hop that keeps no state on disk
//! remembers is read this way when a partition comes to it.
//!
//! The end is that of the log when the reading begins, and a transaction that is open before it is waited for: what an
//! earlier owner of the partition has begun is then either seen or aborted.

use std::ops::{ControlFlow, Range};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::client::{self, Calm, REQUEST_TIMEOUT};
use crate::config;
use crate::wire::headers::RETRIES;

/// How long an open transaction is waited for, beyond the time after which the broker ends it.
const UNDECIDED_PATIENCE: Duration = Duration::from_secs(20);
/// How often the end of what is decided is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// How long a poll waits.
const POLL: Duration = Duration::from_millis(100);

/// A partition that can be read back. All of it blocks.
pub struct Partition {
    /// Sees the end of the log, open transactions included.
    everything: BaseConsumer<Calm>,
    /// Sees what is committed.
    committed: BaseConsumer<Calm>,
    topic: String,
    number: i32,
    undecided_patience: Duration,
}

/// A record as it stands in a partition.
#[derive(Debug, Clone, Copy)]
pub struct Stored<'a> {
    /// Where.
    pub offset: i64,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value; `None`: a tombstone.
    pub value: Option<&'a [u8]>,
    /// Whether it is a dead letter that was sent again: the record itself stands before it.
    pub sent_again: bool,
}

impl<'a> Stored<'a> {
    fn of(message: &'a BorrowedMessage<'_>) -> Self {
        let mut headers = message.headers().into_iter().flat_map(|headers| headers.iter());
        Self {
            offset: message.offset(),
            key: message.key(),
            value: message.payload(),
            sent_again: headers.any(|header| header.key == RETRIES),
        }
    }
}

impl std::fmt::Debug for Partition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Partition({}/{})", self.topic, self.number)
    }
}

impl Partition {
    /// Partition `number` of `topic` (with its prefix).
    ///
    /// # Errors
    /// When librdkafka refuses the configuration.
    pub fn open(kafka: &config::Kafka, topic: &str, number: i32) -> anyhow::Result<Self> {
        let reader = |isolation: &str| -> anyhow::Result<BaseConsumer<Calm>> {
            let mut client = client::base(kafka, "signalmill-range");
            client
                .set("group.id", client::group_name(kafka, "range"))
                .set("enable.auto.commit", "false")
                .set("enable.partition.eof", "true")
                .set("isolation.level", isolation)
                .set("fetch.wait.max.ms", "10")
                .set("auto.offset.reset", "earliest");
            client.create_with_context(Calm).context("creating a consumer")
        };
        Ok(Self {
            everything: reader("read_uncommitted")?,
            committed: reader("read_committed")?,
            topic: topic.to_owned(),
            number,
            undecided_patience: kafka.transaction_timeout + UNDECIDED_PATIENCE,
        })
    }

    /// The offsets from the oldest record to the end of the log, once everything before the end is decided.
    ///
    /// # Errors
    /// When Kafka does not answer, or a transaction stays open.
    pub fn decided(&self) -> anyhow::Result<Range<i64>> {
        let (low, end) = self.watermarks(&self.everything)?;
        let deadline = Instant::now() + self.undecided_patience;
        while self.watermarks(&self.committed)?.1 < end {
            if Instant::now() > deadline {
                bail!("{}/{}: a transaction before offset {end} is still open", self.topic, self.number);
            }
            thread::sleep(LOOK_EVERY);
        }
        Ok(low..end)
    }

    /// Shows `visit` every committed record from offset `from` on, up to the end or until it has seen enough. Call
    /// [`decided`](Self::decided) first: the end is at least the one that it said.
    ///
    /// # Errors
    /// When the partition cannot be read, or what `visit` says.
    pub fn read(
        &self,
        from: i64,
        mut visit: impl FnMut(Stored<'_>) -> anyhow::Result<ControlFlow<()>>,
    ) -> anyhow::Result<()> {
        let mut assignment = TopicPartitionList::new();
        assignment
            .add_partition_offset(&self.topic, self.number, Offset::Offset(from))
            .context("naming a partition")?;
        self.committed.assign(&assignment).context("assigning the partition")?;
        let mut heard = Instant::now();
        loop {
            match self.committed.poll(POLL) {
                Some(Ok(message)) => {
                    heard = Instant::now();
                    if visit(Stored::of(&message))?.is_break() {
                        return Ok(());
                    }
                }
                Some(Err(KafkaError::PartitionEOF(_))) => return Ok(()),
                None
                | Some(Err(KafkaError::MessageConsumption(
                    RDKafkaErrorCode::BrokerTransportFailure | RDKafkaErrorCode::AllBrokersDown,
                ))) if heard.elapsed() < REQUEST_TIMEOUT => {}
                Some(Err(error)) => return Err(error).with_context(|| format!("reading {}", self.topic)),
                None => bail!("{}/{}: nothing came for {REQUEST_TIMEOUT:?}", self.topic, self.number),
            }
        }
    }

    /// The value of the record at `offset`; `None` where there is none any more.
    ///
    /// # Errors
    /// When the partition cannot be read.
    pub fn get(&self, offset: i64) -> anyhow::Result<Option<Vec<u8>>> {
        let mut found = None;
        self.read(offset, |stored| {
            found = stored.value.filter(|_| stored.offset == offset).map(<[u8]>::to_vec);
            Ok(ControlFlow::Break(()))
        })?;
        // Or what stands behind it would be fetched, too.
        self.committed.unassign().with_context(|| format!("letting go of {}/{}", self.topic, self.number))?;
        Ok(found)
    }

    fn watermarks(&self, consumer: &BaseConsumer<Calm>) -> anyhow::Result<(i64, i64)> {
        consumer
            .fetch_watermarks(&self.topic, self.number, REQUEST_TIMEOUT)
            .with_context(|| format!("asking for the ends of {}/{}", self.topic, self.number))
    }
}

/// What the consumer group of a hop has committed in a partition; `None` where it has not committed anything. Blocks.
///
/// # Errors
/// When Kafka does not answer.
pub fn committed_by(kafka: &config::Kafka, group: &str, topic: &str, partition: i32) -> anyhow::Result<Option<i64>> {
    let consumer: BaseConsumer<Calm> =
        client::base(kafka, group).set("group.id", group).create_with_context(Calm).context("creating a consumer")?;
    let mut asked = TopicPartitionList::new();
    asked.add_partition(topic, partition);
    let committed =
        client::committed(&consumer, &asked).with_context(|| format!("asking how far {group} has read {topic}"))?;
    Ok(committed.elements().first().and_then(|element| match element.offset() {
        Offset::Offset(offset) => Some(offset),
        _ => None,
    }))
}
