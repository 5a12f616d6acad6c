//! Writing: output and offsets in one transaction, on a thread of its own because librdkafka's calls block.
//!
//! # Why the group's metadata fences, and not one producer a partition
//! The offsets of a transaction carry the member's generation, and the coordinator refuses them from a member that
//! has been replaced (KIP-447). So one producer serves all partitions of a hop, and a worker that was thrown out of
//! its group can neither commit nor make its output visible.
//!
//! # Why we drain before we commit
//! The crate's `commit_transaction` flushes in steps of 100 ms, whether or not everything was delivered long ago:
//! nine transactions a second. Draining first leaves it nothing to wait for. The drain sleeps between polls that do
//! not wait: the crate cuts a poll's remaining time to whole milliseconds, so that the last one of every poll, and all
//! of a shorter one, is spent spinning.

use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use tokio::sync::{mpsc, oneshot};
use tracing::{debug, warn};

use super::client::{self, Calm, REQUEST_TIMEOUT};
use super::group::Group;
use crate::config;
use crate::flow::{Offsets, Outgoing};
use crate::observe::HopMetrics;

/// How long a full librdkafka queue is waited for at a time.
const QUEUE_FULL_WAIT: Duration = Duration::from_millis(5);
/// How long the drain waits between two looks.
const DRAIN_STEP: Duration = Duration::from_micros(500);
/// Attempts at a step of a transaction that says it may be tried again.
const STEP_ATTEMPTS_MAX: usize = 5;

/// What stands in for `kafka.worker_id` where it is not set. Nobody else may have it, because the newer holder of an id
/// fences the older; but a hop that starts again in this process must, so that its own unfinished transaction is
/// aborted at once and holds back nobody's reading.
static PROCESS: LazyLock<String> = LazyLock::new(|| format!("{:032x}", rand::random::<u128>()));

/// Commits transactions for one hop.
#[derive(Debug)]
pub struct Transactions {
    jobs: mpsc::Sender<Job>,
}

#[derive(Debug)]
struct Job {
    records: Vec<Outgoing>,
    offsets: Offsets,
    answer: oneshot::Sender<anyhow::Result<()>>,
}

impl Transactions {
    /// A producer whose transactions carry the offsets of `group`.
    ///
    /// # Errors
    /// When the coordinator cannot be reached.
    pub async fn begin(
        kafka: &config::Kafka,
        hop: &'static str,
        group: Group,
        metrics: HopMetrics,
    ) -> anyhow::Result<Self> {
        let name = format!("{}signalmill-{}", kafka.topic_prefix, hop.replace('/', "-"));
        let worker = kafka.worker_id.as_ref().unwrap_or(&PROCESS);
        let mut client = client::base(kafka, &name);
        let timeout = kafka.transaction_timeout.as_millis();
        client
            .set("transactional.id", format!("{name}-{worker}"))
            .set("transaction.timeout.ms", timeout.to_string())
            .set("message.timeout.ms", timeout.to_string())
            .set("compression.type", "lz4")
            .set("linger.ms", "1")
            .set("queue.buffering.max.kbytes", "131072");
        let (jobs, inbox) = mpsc::channel(1);
        let producer: BaseProducer<Calm> =
            tokio::task::spawn_blocking(move || -> anyhow::Result<BaseProducer<Calm>> {
                let producer: BaseProducer<Calm> =
                    client.create_with_context(Calm).context("creating the transactional producer")?;
                producer.init_transactions(REQUEST_TIMEOUT).context("initialising transactions")?;
                Ok(producer)
            })
            .await
            .context("the producer's start panicked")??;
        let writer = Writer { hop, producer, group, metrics };
        thread::Builder::new()
            .name(format!("land {hop}"))
            .spawn(move || writer.run(inbox))
            .context("starting the landing thread")?;
        Ok(Self { jobs })
    }

    /// Makes records and offsets durable together.
    ///
    /// # Errors
    /// When nothing of them is durable; the hop must start again from the last commit.
    pub async fn commit(&self, records: Vec<Outgoing>, offsets: Offsets) -> anyhow::Result<()> {
        let (answer, done) = oneshot::channel();
        let job = Job { records, offsets, answer };
        self.jobs.send(job).await.map_err(|_| anyhow!("the landing thread has ended"))?;
        done.await.context("the landing thread has ended")?
    }
}

struct Writer {
    hop: &'static str,
    producer: BaseProducer<Calm>,
    group: Group,
    metrics: HopMetrics,
}

impl Writer {
    fn run(self, mut inbox: mpsc::Receiver<Job>) {
        while let Some(Job { records, offsets, answer }) = inbox.blocking_recv() {
            let started = Instant::now();
            let done = self.transact(&records, &offsets);
            self.metrics.transaction(done.is_ok(), started.elapsed());
            if done.is_ok() {
                self.group.landed(&offsets);
            } else if let Err(error) = self.producer.abort_transaction(REQUEST_TIMEOUT) {
                // The hop starts again with a new producer; the broker aborts what is left at its own timeout.
                debug!(hop = self.hop, %error, "abort failed");
            }
            // Nobody waits for the answer where the hop was stopped meanwhile.
            let _ = answer.send(done);
        }
    }

    fn transact(&self, records: &[Outgoing], offsets: &Offsets) -> anyhow::Result<()> {
        self.check_ownership(offsets)?;
        self.step("beginning a transaction", || self.producer.begin_transaction())?;
        for record in records {
            self.send(record)?;
        }
        let mut positions = TopicPartitionList::new();
        for position in offsets.positions() {
            positions
                .add_partition_offset(&position.topic, position.partition, Offset::Offset(position.next))
                .context("naming an offset")?;
        }
        if positions.count() > 0 {
            self.step("adding offsets to the transaction", || {
                // Asked for at every attempt: after a rebalance an older generation would be refused. There is none once
                // the consumer has left its group.
                let metadata = self.group.metadata().ok_or(KafkaError::Canceled)?;
                self.producer.send_offsets_to_transaction(&positions, &metadata, REQUEST_TIMEOUT)
            })?;
        }
        let deadline = Instant::now() + REQUEST_TIMEOUT;
        while self.producer.in_flight_count() > 0 && Instant::now() < deadline {
            self.producer.poll(Duration::ZERO);
            thread::sleep(DRAIN_STEP);
        }
        // Between reading and here the partitions may have moved; after this the coordinator's fence decides.
        self.check_ownership(offsets)?;
        self.step("committing the transaction", || self.producer.commit_transaction(REQUEST_TIMEOUT))
    }

    fn check_ownership(&self, offsets: &Offsets) -> anyhow::Result<()> {
        if let Some((topic, partition)) = self.group.lost(offsets) {
            bail!("{topic}/{partition} belongs to another worker by now");
        }
        Ok(())
    }

    fn send(&self, record: &Outgoing) -> anyhow::Result<()> {
        let mut headers = OwnedHeaders::new_with_capacity(record.headers.len());
        for (key, value) in &record.headers {
            headers = headers.insert(Header { key, value: Some(value.as_ref()) });
        }
        let mut message: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(&record.topic).headers(headers);
        message.key = record.key.as_deref();
        message.payload = record.value.as_deref();
        let deadline = Instant::now() + REQUEST_TIMEOUT;
        loop {
            match self.producer.send(message) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back))
                    if Instant::now() < deadline =>
                {
                    self.producer.poll(QUEUE_FULL_WAIT);
                    message = back;
                }
                Err((error, _)) => return Err(error).with_context(|| format!("writing to {}", record.topic)),
            }
        }
    }

    fn step(&self, what: &'static str, act: impl Fn() -> Result<(), KafkaError>) -> anyhow::Result<()> {
        for attempt in 1.. {
            match act() {
                Ok(()) => break,
                Err(KafkaError::Transaction(error)) if error.is_retriable() && attempt < STEP_ATTEMPTS_MAX => {
                    warn!(hop = self.hop, attempt, %error, "{what} failed, trying again");
                }
                Err(error) => return Err(error).context(what),
            }
        }
        Ok(())
    }
}
