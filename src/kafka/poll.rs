//! Reading: one thread that polls, and what it delivers.
//!
//! # Why a thread of its own and `BaseConsumer`
//! `StreamConsumer` runs the rebalance callback inside its poll on a runtime thread, where it cannot wait for a
//! drain, and its split queues have stalled silently (rust-rdkafka #638, #665, #840, #848). Here the callback runs on
//! a thread that may block: when partitions move away it sends a barrier down the hop and waits until everything
//! before it has landed and is committed, at most for the drain's deadline. Only then does the partition change hands.
//! Heartbeats go on meanwhile; the deadline is far below the time that a group grants its members for a rebalance
//! (`max.poll.interval.ms`, five minutes).
//!
//! # Back-pressure
//! A full hop first makes this thread wait for a moment, which costs nothing. Only when the stall lasts are the
//! partitions paused, because `pause` throws prefetched records away (librdkafka #2703); the thread then goes on
//! polling, so that a slow provider never gets the worker thrown out of its group.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext, Rebalance};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::statistics::Statistics;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tracing::{debug, info, warn};

use super::assignment::{self, Assignment};
use super::chunk::Chunk;
use super::client::{self, Calm};
use super::group::{Group, Held};
use super::lag::Lag;
use super::message;
use super::orphans::Orphans;
use crate::clock::Clock;
use crate::config;
use crate::flow::record::{Budget, Limits};
use crate::flow::{Barrier, Batch, Delivery, Record};
use crate::model::CloseReason;
use crate::observe::{Component, HopMetrics};

/// Batches that may wait for the hop's first stage.
const WAITING_MAX: usize = 4;
/// How long a poll waits for the first record of a batch.
const IDLE_POLL: Duration = Duration::from_millis(50);
/// How long a full hop may stall the thread before its partitions are paused.
const STALL_MAX: Duration = Duration::from_secs(1);
/// Kilobytes that librdkafka prefetches a consumer, beyond our own budget.
const PREFETCH_KBYTES: &str = "4096";
/// Bytes of one partition, compressed, in one answer of a broker: what comes beyond the prefetch is a few of these. A
/// larger record comes whole all the same.
const FETCH_BYTES: &str = "262144";
/// How long librdkafka waits before it fetches again once it has prefetched as much. Its own default of a second leaves a
/// fast hop without records for most of that time.
const PREFETCH_BACKOFF_MS: &str = "10";
/// How often librdkafka reports lag.
const LAG_EVERY_MS: &str = "2000";

/// What a source needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The hop, which is also the end of the group's name.
    pub hop: &'static str,
    /// The topics, with their prefix.
    pub topics: Vec<String>,
    /// How much may be under way.
    pub limits: Limits,
    /// How long a drain may take.
    pub drain: Duration,
}

/// A source that reads until it is stopped.
#[derive(Debug)]
pub struct Source {
    /// What it delivers.
    pub deliveries: mpsc::Receiver<Delivery<Arc<Record>>>,
    /// The thread that reads.
    pub reading: Reading,
}

/// The thread that reads.
#[derive(Debug)]
pub struct Reading {
    /// For those who commit.
    pub group: Group,
    /// Tells the thread to drain and end.
    pub stop: Arc<AtomicBool>,
    /// Closes when the thread has left the group.
    pub ended: oneshot::Receiver<()>,
}

/// Joins the hop's group and begins to read.
///
/// # Errors
/// When librdkafka refuses the configuration.
pub fn subscribe(
    kafka: &config::Kafka,
    settings: Settings,
    clock: Clock,
    metrics: HopMetrics,
    health: Component,
) -> anyhow::Result<Source> {
    let (sender, deliveries) = mpsc::channel(WAITING_MAX);
    let held = Arc::new(Held {
        assignment: Assignment::default(),
        budget: Budget::new(settings.limits),
        lag: Lag::new(&settings.topics, clock, metrics.clone()),
    });
    let watcher = Watcher {
        hop: settings.hop,
        runtime: Handle::current(),
        held: Arc::clone(&held),
        chunk: Chunk::default(),
        sender,
        drain: settings.drain,
        closing: AtomicBool::new(false),
        metrics,
        health,
    };
    let group = client::group_name(kafka, settings.hop);
    let mut client = client::base(kafka, &group);
    client
        .set("group.id", &group)
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "earliest")
        .set("isolation.level", "read_committed")
        .set("partition.assignment.strategy", "cooperative-sticky")
        .set("session.timeout.ms", kafka.session_timeout.as_millis().to_string())
        .set("heartbeat.interval.ms", (kafka.session_timeout.as_millis() / 4).to_string())
        .set("queued.max.messages.kbytes", PREFETCH_KBYTES)
        .set("fetch.queue.backoff.ms", PREFETCH_BACKOFF_MS)
        .set("fetch.message.max.bytes", FETCH_BYTES)
        .set("topic.metadata.refresh.interval.ms", "10000")
        .set("statistics.interval.ms", LAG_EVERY_MS);
    let orphans = kafka.worker_id.as_ref().map(|worker| {
        let member = format!("{group}-{worker}");
        client.set("group.instance.id", &member).set("client.id", &member);
        Orphans::new(group.clone(), member)
    });
    let consumer: BaseConsumer<Watcher> = client.create_with_context(watcher).context("creating the consumer")?;
    let topics: Vec<&str> = settings.topics.iter().map(String::as_str).collect();
    consumer.subscribe(&topics).with_context(|| format!("subscribing to {topics:?}"))?;
    let consumer = Arc::new(consumer);
    let group = Group { consumer: Arc::downgrade(&consumer), held };
    let stop = Arc::new(AtomicBool::new(false));
    let topics = settings.topics.into_iter().map(Into::into).collect();
    let poller = Poller { consumer, topics, stop: Arc::clone(&stop), orphans };
    let (leaving, ended) = oneshot::channel();
    thread::Builder::new()
        .name(format!("poll {}", settings.hop))
        .spawn(move || {
            poller.run();
            drop(leaving);
        })
        .context("starting the polling thread")?;
    Ok(Source { deliveries, reading: Reading { group, stop, ended } })
}

/// What librdkafka calls back into; everything here runs on the polling thread.
#[derive(Debug)]
pub(super) struct Watcher {
    hop: &'static str,
    runtime: Handle,
    held: Arc<Held>,
    chunk: Chunk,
    sender: mpsc::Sender<Delivery<Arc<Record>>>,
    drain: Duration,
    closing: AtomicBool,
    metrics: HopMetrics,
    health: Component,
}

impl ClientContext for Watcher {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        Calm.log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        Calm.error(error, reason);
    }

    fn stats(&self, statistics: Statistics) {
        self.held.lag.report(&statistics);
        self.metrics.in_flight(self.held.budget.bytes() as u64);
    }
}

impl ConsumerContext for Watcher {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(partitions) => {
                self.metrics.rebalanced();
                info!(hop = self.hop, partitions = partitions.count(), "partitions assigned");
                self.held.assignment.assign(assignment::partitions(partitions));
                self.health.ready();
            }
            Rebalance::Revoke(partitions) if partitions.count() > 0 => {
                self.metrics.rebalanced();
                info!(hop = self.hop, partitions = partitions.count(), "partitions revoked");
                // A lost assignment is already somebody else's: there is nothing left to commit.
                let lost = consumer.assignment_lost();
                if lost {
                    self.health.waiting("its partitions were lost, it joins its group again");
                }
                let drains = !lost && !self.closing.load(Ordering::Acquire);
                if drains && !self.drain(CloseReason::Revoked) {
                    warn!(hop = self.hop, "drain took longer than its deadline, work is given up");
                }
                self.chunk.forget(partitions);
                self.held.assignment.revoke(assignment::partitions(partitions));
                self.held.lag.forget(partitions);
            }
            Rebalance::Revoke(_) => {}
            Rebalance::Error(error) => warn!(hop = self.hop, %error, "rebalance failed"),
        }
    }
}

impl Watcher {
    /// Waits until everything read so far has landed and is committed, or the hop has ended; `false` where the deadline
    /// came first.
    fn drain(&self, reason: CloseReason) -> bool {
        let drained = async {
            // Taken with a place in hand: where the deadline comes first, what partitions that stay have in it is delivered
            // later, as the consumer has read past it.
            let place = self.sender.reserve().await.ok()?;
            let records = self.chunk.take();
            if !records.is_empty() {
                place.send(Delivery::Batch(Batch::of_records(self.hop, records)));
            }
            let (barrier, reached) = Barrier::new(reason);
            self.sender.send(Delivery::Barrier(barrier)).await.ok()?;
            reached.await.ok()
        };
        self.runtime.block_on(async { tokio::time::timeout(self.drain, drained).await }).is_ok()
    }

    fn take(&self, message: &BorrowedMessage<'_>, topics: &[Arc<str>]) -> bool {
        let Some(topic) = topics.iter().find(|topic| ***topic == *message.topic()) else { return false };
        let epoch = self.held.assignment.epoch(topic, message.partition());
        let mut bytes = 0;
        let record = Arc::new(message::record(message, topic, epoch, |size| {
            bytes = size;
            Some(self.held.budget.take(size))
        }));
        self.held.lag.read(&record);
        // In a full hop the thread waits for room, which may be made by nothing but what is in the chunk.
        self.chunk.push(record, bytes) || !self.held.budget.has_room()
    }
}

/// What the next step of the thread is.
enum Next {
    Read,
    Full,
    Stop,
}

struct Poller {
    consumer: Arc<BaseConsumer<Watcher>>,
    topics: Vec<Arc<str>>,
    stop: Arc<AtomicBool>,
    /// Only a static member can leave some.
    orphans: Option<Orphans>,
}

impl Poller {
    fn run(mut self) {
        let consumer = Arc::clone(&self.consumer);
        let watcher = consumer.context();
        let mut chunk_is_empty = true;
        loop {
            match self.next() {
                Next::Stop => break,
                Next::Full => self.wait_paused(),
                Next::Read => {}
            }
            self.look_for_orphans();
            let patience = if chunk_is_empty { IDLE_POLL } else { Duration::ZERO };
            let full = match self.consumer.poll(patience) {
                Some(Ok(message)) => {
                    chunk_is_empty = false;
                    watcher.take(&message, &self.topics)
                }
                Some(Err(error)) => {
                    if self.is_fatal(&error) {
                        break;
                    }
                    true
                }
                None => true,
            };
            if full {
                chunk_is_empty = self.deliver();
            }
        }
        watcher.closing.store(true, Ordering::Release);
        if self.stop.load(Ordering::Acquire) && !watcher.drain(CloseReason::Shutdown) {
            warn!(hop = watcher.hop, "drain took longer than its deadline, work is handed back");
        }
        debug!(hop = watcher.hop, "polling ends");
    }

    fn next(&self) -> Next {
        let watcher = self.consumer.context();
        if self.stop.load(Ordering::Acquire) || watcher.sender.is_closed() {
            Next::Stop
        } else if watcher.held.budget.wait_for_room(STALL_MAX) {
            Next::Read
        } else {
            Next::Full
        }
    }

    fn look_for_orphans(&mut self) {
        if let Some(orphans) = &mut self.orphans
            && orphans.call_for_rebalance(&self.consumer, &self.topics)
        {
            self.consumer.unsubscribe();
            let topics: Vec<&str> = self.topics.iter().map(AsRef::as_ref).collect();
            if let Err(error) = self.consumer.subscribe(&topics) {
                warn!(hop = self.consumer.context().hop, %error, "joining the group again failed");
            }
        }
    }

    /// Hands the chunk on where there is room; says whether it is gone.
    fn deliver(&self) -> bool {
        let watcher = self.consumer.context();
        if watcher.chunk.is_empty() {
            return true;
        }
        let reserve = async { tokio::time::timeout(STALL_MAX, watcher.sender.reserve()).await };
        match watcher.runtime.block_on(reserve) {
            Ok(Ok(place)) => {
                place.send(Delivery::Batch(Batch::of_records(watcher.hop, watcher.chunk.take())));
                true
            }
            // The hop is gone: the next step is to stop, and the chunk is read again.
            Ok(Err(_)) => true,
            Err(_) => false,
        }
    }

    /// Keeps the membership alive while the hop is full.
    fn wait_paused(&self) {
        let watcher = self.consumer.context();
        debug!(hop = watcher.hop, "the hop is full, partitions are paused");
        let mut paused = 0;
        while !watcher.held.budget.is_half_free() && !self.stop.load(Ordering::Acquire) && !watcher.sender.is_closed() {
            // What was assigned since is not paused yet, and a pause cannot be queried.
            let now = watcher.held.assignment.len();
            if now != paused {
                self.pause(true);
                paused = now;
            }
            if let Some(Ok(message)) = self.consumer.poll(IDLE_POLL) {
                let _ = watcher.take(&message, &self.topics);
            }
            let _ = self.deliver();
        }
        self.pause(false);
    }

    fn pause(&self, pause: bool) {
        let done = self.consumer.assignment().and_then(|partitions| {
            if pause { self.consumer.pause(&partitions) } else { self.consumer.resume(&partitions) }
        });
        if let Err(error) = done {
            warn!(hop = self.consumer.context().hop, pause, %error, "pausing or resuming failed");
        }
    }

    fn is_fatal(&self, error: &KafkaError) -> bool {
        let hop = self.consumer.context().hop;
        let fatal = self.consumer.client().fatal_error();
        if let Some((code, reason)) = &fatal {
            warn!(hop, %code, reason, "consumer failed for good, the hop starts again");
        } else {
            debug!(hop, %error, "poll failed, librdkafka goes on by itself");
        }
        fatal.is_some()
    }
}
