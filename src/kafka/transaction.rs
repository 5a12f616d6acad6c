//! Writing: output and offsets in one transaction, on a thread of its own because librdkafka's calls block.
//!
//! # Why the group's metadata fences, and not one producer a partition
//! The offsets of a transaction carry the member's generation, and the coordinator refuses them from a member that
//! has been replaced (KIP-447). So one producer serves all partitions of a hop, and a worker that was thrown out of
//! its group can neither commit nor make its output visible. A transaction without new offsets, such as one that only
//! holds money, names where its partition stands already ([`Place::queue`]): it is fenced all the same. Its records
//! are in the log before its offsets are sent, so that whoever owns the partition next finds them before the end of the
//! log, or never.
//!
//! # Why jobs are gathered
//! A transaction costs a broker the same whatever is in it. What was queued while one was on its way goes into the next
//! together, in its order (group commit). A failed transaction ends the thread: nothing that was queued behind it may
//! be committed without it. Only what moves no offset and is of a partition that has moved away is refused by itself: all
//! that may rest on it is of that partition, and refused as well.
//!
//! # Why a transaction waits for the markers of the one before
//! A commit returns before the broker has written its markers. Until then it refuses the producer's next transaction
//! (`CONCURRENT_TRANSACTIONS`), and librdkafka asks again only after 20 ms (`rdkafka_txnmgr.c`, when partitions are added).
//! A few milliseconds of waiting, in which more jobs gather, are shorter.
//!
//! # Why we drain before we commit
//! The crate's `commit_transaction` flushes in steps of 100 ms, whether or not everything was delivered long ago:
//! nine transactions a second. Draining first leaves it nothing to wait for. The drain sleeps between polls that do
//! not wait: the crate cuts a poll's remaining time to whole milliseconds, so that the last one of every poll, and all
//! of a shorter one, is spent spinning.

use std::slice;
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
use crate::flow::{Offsets, Outgoing, Position};
use crate::observe::HopMetrics;

/// How long a full librdkafka queue is waited for at a time.
const QUEUE_FULL_WAIT: Duration = Duration::from_millis(5);
/// How long the drain waits between two looks.
const DRAIN_STEP: Duration = Duration::from_micros(500);
/// How long the broker is given to mark the partitions of a transaction as committed, before the next begins.
const MARKERS_WAIT: Duration = Duration::from_millis(5);
/// Attempts at a step of a transaction that says it may be tried again.
const STEP_ATTEMPTS_MAX: usize = 5;
/// Attempts at a whole transaction that had to be aborted while its partitions stayed ours: a rebalance elsewhere in the
/// group moves the generation on.
const ATTEMPTS_MAX: usize = 5;
/// What is said to those who come too late.
const ENDED: &str = "the landing thread has ended";
/// Jobs that may wait for the next transaction.
const JOBS_WAITING_MAX: usize = 4096;
/// Records after which a transaction takes no further job in.
const RECORDS_TOGETHER_MAX: usize = 10_000;

/// What stands in for `kafka.worker_id` where it is not set. Nobody else may have it, because the newer holder of an id
/// fences the older; but a hop that starts again in this process must, so that its own unfinished transaction is
/// aborted at once and holds back nobody's reading.
static PROCESS: LazyLock<String> = LazyLock::new(|| format!("{:032x}", rand::random::<u128>()));

/// What this worker is called: as configured, or by a name that no other process has.
#[must_use]
pub fn worker_id(kafka: &config::Kafka) -> &str {
    kafka.worker_id.as_deref().unwrap_or(&PROCESS)
}

/// Commits transactions for one hop. Clones share its thread.
#[derive(Debug, Clone)]
pub struct Transactions {
    jobs: mpsc::Sender<Job>,
}

#[derive(Debug)]
struct Job {
    records: Vec<Outgoing>,
    offsets: Offsets,
    fence: Option<Position>,
    answer: oneshot::Sender<anyhow::Result<()>>,
}

/// Resolves when what was queued is durable, or never will be.
#[derive(Debug)]
#[must_use = "whether it was committed is only known from here"]
pub struct Committing(oneshot::Receiver<anyhow::Result<()>>);

impl Committing {
    /// Waits for the transaction.
    ///
    /// # Errors
    /// When nothing of it is durable; the hop must start again from the last commit.
    pub async fn done(self) -> anyhow::Result<()> {
        self.0.await.context(ENDED)?
    }
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
        let name = client::group_name(kafka, hop);
        let worker = worker_id(kafka);
        let mut client = client::base(kafka, &name);
        let timeout = kafka.transaction_timeout.as_millis();
        client
            .set("transactional.id", format!("{name}-{worker}"))
            .set("transaction.timeout.ms", timeout.to_string())
            .set("message.timeout.ms", timeout.to_string())
            .set("compression.type", "lz4")
            .set("linger.ms", "1")
            .set("queue.buffering.max.kbytes", "131072");
        let (jobs, inbox) = mpsc::channel(JOBS_WAITING_MAX);
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
        let (job, committing) = Job::new(records, offsets, None);
        self.jobs.send(job).await.map_err(|_| anyhow!(ENDED))?;
        committing.done().await
    }

    /// Waits for a place in the queue. What is put into it is committed behind everything that was queued before and
    /// ahead of everything that is queued later, which somebody who holds a lock can rely on.
    ///
    /// # Errors
    /// When the hop must start again.
    pub async fn place(&self) -> anyhow::Result<Place<'_>> {
        self.jobs.reserve().await.map(Place).map_err(|_| anyhow!(ENDED))
    }
}

/// A place in the queue of the next transactions.
#[derive(Debug)]
pub struct Place<'a>(mpsc::Permit<'a, Job>);

impl Place<'_> {
    /// Queues records. They are committed only while the partition of `fence` is owned under its epoch; its offset says
    /// where the group stands there at least.
    pub fn queue(self, records: Vec<Outgoing>, fence: Position) -> Committing {
        let (job, committing) = Job::new(records, Offsets::default(), Some(fence));
        self.0.send(job);
        committing
    }
}

impl Job {
    fn new(records: Vec<Outgoing>, offsets: Offsets, fence: Option<Position>) -> (Self, Committing) {
        let (answer, done) = oneshot::channel();
        (Self { records, offsets, fence, answer }, Committing(done))
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
        let mut free_at = Instant::now();
        while let Some(first) = inbox.blocking_recv() {
            thread::sleep(free_at.saturating_duration_since(Instant::now()));
            // Between the look at what is owned and the end of the commit no partition moves away.
            let committing = self.group.committing();
            let jobs = self.without_lost(gather(first, &mut inbox));
            if jobs.is_empty() {
                continue;
            }
            let started = Instant::now();
            let done = self.transact(&jobs);
            drop(committing);
            free_at = Instant::now() + MARKERS_WAIT;
            self.metrics.transaction(done.is_ok(), started.elapsed());
            let failed = done.as_ref().err().map(|error| format!("{error:#}"));
            for job in jobs {
                // Nobody waits for the answer where the hop was stopped meanwhile.
                let _ = job.answer.send(failed.as_ref().map_or(Ok(()), |error| Err(anyhow!("{error}"))));
            }
            if failed.is_some() {
                return;
            }
        }
    }

    /// Refuses the jobs that move no offset and whose partition another worker owns by now.
    fn without_lost(&self, jobs: Vec<Job>) -> Vec<Job> {
        let mut kept = Vec::with_capacity(jobs.len());
        for job in jobs {
            match self.check_ownership(slice::from_ref(&job)) {
                Err(error) if job.offsets.positions().is_empty() => {
                    debug!(
                        hop = self.hop,
                        error = format!("{error:#}"),
                        "what was queued for a lost partition is refused"
                    );
                    let _ = job.answer.send(Err(error));
                }
                _ => kept.push(job),
            }
        }
        kept
    }

    fn transact(&self, jobs: &[Job]) -> anyhow::Result<()> {
        let offsets = Offsets::together(jobs.iter().map(|job| &job.offsets));
        for attempt in 1.. {
            let Err(error) = self.attempt(jobs, &offsets) else { break };
            let again = attempt < ATTEMPTS_MAX && may_be_repeated(&error) && self.check_ownership(jobs).is_ok();
            let aborted = self.producer.abort_transaction(REQUEST_TIMEOUT);
            if let Err(error) = &aborted {
                // The hop starts again with a new producer; the broker aborts what is left at its own timeout.
                debug!(hop = self.hop, %error, "abort failed");
            }
            if !again || aborted.is_err() {
                return Err(error);
            }
            debug!(hop = self.hop, attempt, error = format!("{error:#}"), "transaction aborted, trying again");
        }
        self.group.landed(&offsets);
        Ok(())
    }

    fn attempt(&self, jobs: &[Job], offsets: &Offsets) -> anyhow::Result<()> {
        self.check_ownership(jobs)?;
        self.step("beginning a transaction", || self.producer.begin_transaction())?;
        for record in jobs.iter().flat_map(|job| &job.records) {
            self.send(record)?;
        }
        if jobs.iter().any(|job| job.fence.is_some()) {
            self.drain();
        }
        let positions = self.positions(jobs, offsets)?;
        if positions.count() > 0 {
            self.step("adding offsets to the transaction", || {
                // Asked for at every attempt: after a rebalance an older generation would be refused. There is none once
                // the consumer has left its group.
                let metadata = self.group.metadata().ok_or(KafkaError::Canceled)?;
                self.producer.send_offsets_to_transaction(&positions, &metadata, REQUEST_TIMEOUT)
            })?;
        }
        self.drain();
        self.step("committing the transaction", || self.producer.commit_transaction(REQUEST_TIMEOUT))
    }

    fn drain(&self) {
        let deadline = Instant::now() + REQUEST_TIMEOUT;
        while self.producer.in_flight_count() > 0 && Instant::now() < deadline {
            self.producer.poll(Duration::ZERO);
            thread::sleep(DRAIN_STEP);
        }
    }

    /// The new offsets, and for every fence without one the offset at which its partition stands.
    fn positions(&self, jobs: &[Job], offsets: &Offsets) -> anyhow::Result<TopicPartitionList> {
        let mut positions = TopicPartitionList::new();
        let mut add = |topic: &str, partition, next| {
            positions.add_partition_offset(topic, partition, Offset::Offset(next)).context("naming an offset")
        };
        let is_of = |position: &Position, fence: &Position| {
            (&position.topic, position.partition) == (&fence.topic, fence.partition)
        };
        for position in offsets.positions() {
            add(&position.topic, position.partition, position.next)?;
        }
        let mut fences: Vec<&Position> = jobs.iter().filter_map(|job| job.fence.as_ref()).collect();
        fences.sort_by(|left, right| (&left.topic, left.partition).cmp(&(&right.topic, right.partition)));
        fences.dedup_by(|left, right| is_of(left, right));
        for fence in fences {
            if !offsets.positions().iter().any(|position| is_of(position, fence)) {
                add(&fence.topic, fence.partition, self.group.reached(fence))?;
            }
        }
        Ok(positions)
    }

    fn check_ownership(&self, jobs: &[Job]) -> anyhow::Result<()> {
        let needed = jobs.iter().flat_map(|job| job.offsets.positions().iter().chain(&job.fence));
        if let Some(Position { topic, partition, .. }) = self.group.lost(needed) {
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
        message.partition = record.partition;
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

/// The first job and those that wait behind it, up to [`RECORDS_TOGETHER_MAX`] records.
fn gather(first: Job, inbox: &mut mpsc::Receiver<Job>) -> Vec<Job> {
    let mut records = first.records.len();
    let mut jobs = vec![first];
    while records < RECORDS_TOGETHER_MAX {
        let Ok(job) = inbox.try_recv() else { break };
        records += job.records.len();
        jobs.push(job);
    }
    jobs
}

/// Whether a new transaction with the same records may succeed where this one did not.
fn may_be_repeated(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref::<KafkaError>(), Some(KafkaError::Transaction(error)) if error.txn_requires_abort())
}
