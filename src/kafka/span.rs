//! Reading a span of a partition, from one offset to another, without a group: no live reader is disturbed, and nothing
//! that is written meanwhile is seen.
//!
//! # Why in segments
//! A span is delivered as segments of so many offsets, whose borders depend on nothing but where the span begins. Whoever
//! works on it lands a segment whole and starts the next one afresh. So it goes on after a crash where a segment begins,
//! and what comes of a segment is the same however often it was begun.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message as _;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use tokio::sync::mpsc;

use super::client::{self, Calm, REQUEST_TIMEOUT};
use super::message;
use crate::config;
use crate::flow::record::{Budget, Limits};
use crate::flow::{Barrier, Batch, Delivery, Record};
use crate::model::{CloseReason, Timestamp};

/// How long a poll waits.
const POLL: Duration = Duration::from_millis(100);
/// Records that are delivered together.
const CHUNK_RECORDS: usize = 4_000;
/// Deliveries of a segment that may wait.
const DELIVERIES_MAX: usize = 4;
/// How long a broker that is away is waited for.
const AWAY_MAX: Duration = Duration::from_mins(1);

/// As the reading of history is called: what was sent again to one hop alone is not for it, as it has read the record where
/// it came first.
const HOP: &str = "replay";

/// A part of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The partition.
    pub partition: i32,
    /// From the first offset to the one behind the last.
    pub offsets: Range<i64>,
}

/// A part of a span that is worked on as a whole.
#[derive(Debug)]
pub struct Segment {
    /// The offset behind it.
    pub end: i64,
    /// Its committed records, and a barrier behind them.
    pub deliveries: mpsc::Receiver<Delivery<Arc<Record>>>,
    /// How many of them were delivered.
    pub records: Arc<AtomicU64>,
}

/// How a span is read.
#[derive(Debug, Clone)]
pub struct SpanReading {
    /// The topic, with its prefix.
    pub topic: Arc<str>,
    /// Where the first segment of the span began, also where this reading begins later.
    pub origin: i64,
    /// Offsets of a segment.
    pub segment: i64,
    /// What may have been read and not have landed.
    pub limits: Limits,
}

/// Reads `span` on a thread of its own until it ends or nobody listens.
///
/// # Errors
/// When librdkafka refuses the configuration.
pub fn read_span(
    kafka: &config::Kafka,
    reading: SpanReading,
    span: Span,
) -> anyhow::Result<mpsc::Receiver<anyhow::Result<Segment>>> {
    let mut client = client::base(kafka, "signalmill-replay");
    client
        .set("group.id", client::group_name(kafka, "replay"))
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("isolation.level", "read_committed")
        .set("fetch.wait.max.ms", "10")
        .set("queued.max.messages.kbytes", "16384")
        .set("auto.offset.reset", "earliest");
    let consumer: BaseConsumer<Calm> = client.create_with_context(Calm).context("creating a consumer")?;
    let (sender, segments) = mpsc::channel(1);
    let reader = Reader { consumer, budget: Budget::new(reading.limits), reading, span };
    thread::Builder::new()
        .name("replay".to_owned())
        .spawn(move || {
            if let Err(error) = reader.run(&sender) {
                // Nobody may be listening any more.
                let _ = sender.blocking_send(Err(error));
            }
        })
        .context("starting the reading thread")?;
    Ok(segments)
}

struct Reader {
    consumer: BaseConsumer<Calm>,
    budget: Arc<Budget>,
    reading: SpanReading,
    span: Span,
}

/// The segment that is being filled.
struct Open {
    end: i64,
    sender: mpsc::Sender<Delivery<Arc<Record>>>,
    chunk: Vec<Arc<Record>>,
    records: Arc<AtomicU64>,
}

impl Open {
    /// Hands on what was gathered; says whether somebody takes it.
    fn flush(&mut self) -> bool {
        let chunk = std::mem::take(&mut self.chunk);
        self.records.fetch_add(chunk.len() as u64, Ordering::Relaxed);
        chunk.is_empty() || self.sender.blocking_send(Delivery::Batch(Batch::of_records(HOP, chunk))).is_ok()
    }

    /// Closes whatever windows are open.
    fn close(mut self) -> bool {
        let (barrier, _) = Barrier::new(CloseReason::Shutdown);
        self.flush() && self.sender.blocking_send(Delivery::Barrier(barrier)).is_ok()
    }
}

impl Reader {
    fn run(&self, segments: &mpsc::Sender<anyhow::Result<Segment>>) -> anyhow::Result<()> {
        let Range { start, end } = self.span.offsets;
        if start >= end {
            return Ok(());
        }
        let mut assignment = TopicPartitionList::new();
        assignment
            .add_partition_offset(&self.reading.topic, self.span.partition, Offset::Offset(start))
            .context("naming a partition")?;
        self.consumer.assign(&assignment).context("assigning the partition")?;
        let Some(mut open) = self.open(start, segments) else { return Ok(()) };
        while let Some(record) = self.next(&mut open)? {
            while record.offset >= open.end {
                let next = open.end;
                if !open.close() {
                    return Ok(());
                }
                let Some(fresh) = self.open(next, segments) else { return Ok(()) };
                open = fresh;
            }
            open.chunk.push(Arc::new(record));
            if open.chunk.len() >= CHUNK_RECORDS && !open.flush() {
                return Ok(());
            }
        }
        // Offsets without a record, such as the marks of transactions, may follow: what is left of the span is empty.
        loop {
            let next = open.end;
            if !open.close() || next >= end {
                return Ok(());
            }
            let Some(fresh) = self.open(next, segments) else { return Ok(()) };
            open = fresh;
        }
    }

    /// Begins the segment that `offset` lies in; `None` where nobody wants it.
    fn open(&self, offset: i64, segments: &mpsc::Sender<anyhow::Result<Segment>>) -> Option<Open> {
        let SpanReading { origin, segment, .. } = self.reading;
        let end = (origin + ((offset - origin) / segment + 1) * segment).min(self.span.offsets.end);
        let (sender, deliveries) = mpsc::channel(DELIVERIES_MAX);
        let records = Arc::<AtomicU64>::default();
        segments.blocking_send(Ok(Segment { end, deliveries, records: Arc::clone(&records) })).ok()?;
        Some(Open { end, sender, chunk: Vec::with_capacity(CHUNK_RECORDS), records })
    }

    /// The next record of the span; `None` behind the last one, or where nobody listens.
    fn next(&self, open: &mut Open) -> anyhow::Result<Option<Record>> {
        let asked_at = Instant::now();
        loop {
            while !self.budget.wait_for_room(POLL) {
                // What is gathered may be all that fills the budget.
                if !open.flush() || open.sender.is_closed() {
                    return Ok(None);
                }
            }
            match self.consumer.poll(POLL) {
                Some(Ok(message)) if message.offset() >= self.span.offsets.end => return Ok(None),
                Some(Ok(message)) => {
                    let hold = |bytes| Some(self.budget.take(bytes));
                    return Ok(Some(message::record(&message, &self.reading.topic, 0, hold)));
                }
                Some(Err(KafkaError::PartitionEOF(_))) => return Ok(None),
                None
                | Some(Err(KafkaError::MessageConsumption(
                    RDKafkaErrorCode::BrokerTransportFailure | RDKafkaErrorCode::AllBrokersDown,
                ))) => {
                    if open.sender.is_closed() {
                        return Ok(None);
                    }
                    if asked_at.elapsed() > AWAY_MAX {
                        bail!("{}/{}: nothing came for {AWAY_MAX:?}", self.reading.topic, self.span.partition);
                    }
                }
                Some(Err(error)) => return Err(error).with_context(|| format!("reading {}", self.reading.topic)),
            }
        }
    }
}

/// A topic, as somebody sees it who is in no group. All of it blocks.
pub struct Look {
    consumer: BaseConsumer<Calm>,
    topic: String,
    group: String,
}

impl std::fmt::Debug for Look {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Look({})", self.topic)
    }
}

impl Look {
    /// Looks at `topic` (with its prefix); how far somebody is who has no members is kept under `group`.
    ///
    /// # Errors
    /// When librdkafka refuses the configuration.
    pub fn open(kafka: &config::Kafka, topic: &str, group: &str) -> anyhow::Result<Self> {
        let mut client = client::base(kafka, group);
        client.set("group.id", group).set("enable.auto.commit", "false").set("isolation.level", "read_committed");
        let consumer = client.create_with_context(Calm).context("creating a consumer")?;
        Ok(Self { consumer, topic: topic.to_owned(), group: group.to_owned() })
    }

    /// From the oldest record of each partition to its end, as far as it is decided.
    ///
    /// # Errors
    /// When Kafka does not answer, or has no such topic.
    pub fn whole(&self) -> anyhow::Result<Vec<Span>> {
        let partitions = client::partitions(&self.consumer, &self.topic)?;
        if partitions.is_empty() {
            bail!("there is no topic {}", self.topic);
        }
        let span = |partition| {
            let ends = self.consumer.fetch_watermarks(&self.topic, partition, REQUEST_TIMEOUT);
            let (low, high) = ends.with_context(|| format!("asking for the ends of {}/{partition}", self.topic))?;
            Ok(Span { partition, offsets: low..high })
        };
        partitions.map(span).collect()
    }

    /// For each of these partitions the offset of the first record at or after `time`; `None` where there is none.
    ///
    /// # Errors
    /// When Kafka does not answer.
    pub fn at(&self, spans: &[Span], time: Timestamp) -> anyhow::Result<Vec<Option<i64>>> {
        let mut asked = TopicPartitionList::new();
        for Span { partition, .. } in spans {
            let at = Offset::Offset(time.0.max(0));
            asked.add_partition_offset(&self.topic, *partition, at).context("naming a partition")?;
        }
        let found = self.consumer.offsets_for_times(asked, REQUEST_TIMEOUT);
        let found = found.with_context(|| format!("asking {} for the records of a time", self.topic))?;
        let of = |span: &Span| match found.find_partition(&self.topic, span.partition).map(|found| found.offset()) {
            Some(Offset::Offset(offset)) => Some(offset),
            _ => None,
        };
        Ok(spans.iter().map(of).collect())
    }

    /// How far the group is in each of these partitions, and what it noted there; `None` where it has not begun.
    ///
    /// # Errors
    /// When Kafka does not answer.
    pub fn reached(&self, spans: &[Span]) -> anyhow::Result<Vec<Option<(i64, String)>>> {
        let mut asked = TopicPartitionList::new();
        for Span { partition, .. } in spans {
            asked.add_partition(&self.topic, *partition);
        }
        let found = client::committed(&self.consumer, &asked);
        let found = found.with_context(|| format!("asking how far {} is in {}", self.group, self.topic))?;
        let of = |span: &Span| {
            let found = found.find_partition(&self.topic, span.partition)?;
            match found.offset() {
                Offset::Offset(offset) => Some((offset, found.metadata().to_owned())),
                _ => None,
            }
        };
        Ok(spans.iter().map(of).collect())
    }

    /// Everything before `offset` of a partition is done; `note` is kept with that.
    ///
    /// # Errors
    /// When Kafka does not take it.
    pub fn reach(&self, partition: i32, offset: i64, note: &str) -> anyhow::Result<()> {
        let mut done = TopicPartitionList::new();
        done.add_partition_offset(&self.topic, partition, Offset::Offset(offset)).context("naming a partition")?;
        if let Some(mut element) = done.find_partition(&self.topic, partition) {
            element.set_metadata(note);
        }
        let committed = client::coordinated(|| self.consumer.commit(&done, CommitMode::Sync));
        committed.with_context(|| format!("keeping how far {} is in {}/{partition}", self.group, self.topic))
    }
}
