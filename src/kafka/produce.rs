//! Sending to input topics: idempotent, counted, and bounded by librdkafka's own queue.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, Message as _, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext};

use super::client::{self, Calm};
use crate::config;
use crate::model::Timestamp;
use crate::wire::headers::Headers;

/// How long a record may wait for its broker.
const DELIVERY_MAX: Duration = Duration::from_secs(30);
/// How long a full queue is waited for at a time.
const QUEUE_FULL_WAIT: Duration = Duration::from_millis(10);

/// Counts what was delivered and keeps the first failure.
#[derive(Debug, Default)]
struct Deliveries {
    delivered: AtomicU64,
    arrivals: Mutex<Vec<Arrival>>,
    failed: Mutex<Option<String>>,
}

/// A record whose place somebody wants to know.
#[derive(Debug, Clone, Copy)]
pub struct Numbered<'a> {
    /// What [`Arrival::number`] will say; `None`: nobody wants to know where it stands.
    pub number: Option<u32>,
    /// Its key, if it has one.
    pub key: Option<&'a [u8]>,
    /// Its value.
    pub value: &'a [u8],
    /// Its headers.
    pub headers: &'a Headers,
    /// Its time; `None` is now.
    pub at: Option<Timestamp>,
}

/// Where a record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// As it was sent.
    pub number: u32,
    /// The partition.
    pub partition: i32,
    /// The offset in the partition.
    pub offset: i64,
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        Calm.log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        Calm.error(error, reason);
    }
}

impl ProducerContext for Deliveries {
    /// The number of the record and 1; 0 where nobody wants to know.
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, number: usize) {
        match result {
            Ok(message) => {
                self.delivered.fetch_add(1, Ordering::Relaxed);
                if let Some(number) = number.checked_sub(1).and_then(|number| u32::try_from(number).ok()) {
                    let arrival = Arrival { number, partition: message.partition(), offset: message.offset() };
                    self.arrivals.lock().unwrap_or_else(PoisonError::into_inner).push(arrival);
                }
            }
            Err((error, message)) => {
                let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
                failed.get_or_insert_with(|| format!("writing to {}: {error}", message.topic()));
            }
        }
    }
}

/// Sends records and knows when they have arrived.
pub struct Producer {
    producer: BaseProducer<Deliveries>,
}

impl fmt::Debug for Producer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Producer")
    }
}

impl Producer {
    /// A producer for these brokers.
    ///
    /// # Errors
    /// When librdkafka refuses the configuration.
    pub fn new(kafka: &config::Kafka) -> anyhow::Result<Self> {
        let mut client = client::base(kafka, "signalmill-ingest");
        client
            .set("enable.idempotence", "true")
            .set("compression.type", "lz4")
            .set("linger.ms", "5")
            .set("message.timeout.ms", DELIVERY_MAX.as_millis().to_string())
            .set("queue.buffering.max.kbytes", "65536");
        let producer = client.create_with_context(Deliveries::default()).context("creating the producer")?;
        Ok(Self { producer })
    }

    /// Queues one record; blocks while the queue is full.
    ///
    /// # Errors
    /// When an earlier record could not be delivered, or this one cannot be.
    pub fn send(&self, topic: &str, key: Option<&[u8]>, value: &[u8]) -> anyhow::Result<()> {
        let mut record = BaseRecord::with_opaque_to(topic, 0).payload(value);
        record.key = key;
        self.queue(topic, record)
    }

    /// The same with `headers`.
    ///
    /// # Errors
    /// As [`Producer::send`].
    pub fn send_with(&self, topic: &str, key: &[u8], value: &[u8], headers: &Headers) -> anyhow::Result<()> {
        self.queue(topic, BaseRecord::with_opaque_to(topic, 0).key(key).payload(value).headers(owned(headers)))
    }

    /// The same with a number, under which [`Producer::arrivals`] will say where it stands.
    ///
    /// # Errors
    /// As [`Producer::send`].
    pub fn send_numbered(&self, topic: &str, numbered: &Numbered<'_>) -> anyhow::Result<()> {
        let Numbered { number, key, value, headers, at } = *numbered;
        let opaque = number.and_then(|number| usize::try_from(number).ok()?.checked_add(1)).unwrap_or(0);
        let mut record = BaseRecord::with_opaque_to(topic, opaque).payload(value).headers(owned(headers));
        record.key = key;
        record.timestamp = at.map(|at| at.0);
        self.queue(topic, record)
    }

    /// Where the numbered records stand that have arrived since it was asked last. Does not wait.
    ///
    /// # Errors
    /// When a record could not be delivered.
    pub fn arrivals(&self) -> anyhow::Result<Vec<Arrival>> {
        self.producer.poll(Duration::ZERO);
        self.check()?;
        Ok(std::mem::take(&mut *self.producer.context().arrivals.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    fn queue(&self, topic: &str, mut record: BaseRecord<'_, [u8], [u8], usize>) -> anyhow::Result<()> {
        let deadline = Instant::now() + DELIVERY_MAX;
        loop {
            match self.producer.send(record) {
                Ok(()) => break,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back))
                    if Instant::now() < deadline =>
                {
                    self.producer.poll(QUEUE_FULL_WAIT);
                    record = back;
                }
                Err((error, _)) => return Err(error).with_context(|| format!("writing to {topic}")),
            }
        }
        self.producer.poll(Duration::ZERO);
        self.check()
    }

    /// Waits until everything has arrived; says how many records have.
    ///
    /// # Errors
    /// When a record could not be delivered.
    pub fn finish(self) -> anyhow::Result<u64> {
        self.flush()
    }

    /// The same for what was queued so far.
    ///
    /// # Errors
    /// As [`Producer::finish`].
    pub fn flush(&self) -> anyhow::Result<u64> {
        let deadline = Instant::now() + DELIVERY_MAX;
        while self.producer.in_flight_count() > 0 && Instant::now() < deadline {
            self.producer.poll(QUEUE_FULL_WAIT);
        }
        self.check()?;
        if self.producer.in_flight_count() > 0 {
            bail!("{} records were not delivered within {DELIVERY_MAX:?}", self.producer.in_flight_count());
        }
        Ok(self.producer.context().delivered.load(Ordering::Relaxed))
    }

    fn check(&self) -> anyhow::Result<()> {
        let failed = self.producer.context().failed.lock().unwrap_or_else(PoisonError::into_inner);
        match &*failed {
            Some(error) => bail!("{error}"),
            None => Ok(()),
        }
    }
}

fn owned(headers: &Headers) -> OwnedHeaders {
    headers.iter().fold(OwnedHeaders::new_with_capacity(headers.len()), |owned, (name, value)| {
        owned.insert(Header { key: name, value: Some(value.as_ref()) })
    })
}
