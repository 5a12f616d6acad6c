//! Puts the hop together from the configuration.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::cancelled::Cancelled;
use super::door::Door;
use super::load::{Loader, OPERATION};
use super::records::Records;
use super::report::Reporter;
use super::seen::Seen;
use super::stage::Analyse;
use super::summary::Writer;
use super::tally::Tally;
use super::worker::{self, Worker};
use crate::clickhouse::Store;
use crate::clock::Clock;
use crate::config::Config;
use crate::kafka::{self, Group, PerAssignment, Transactions};
use crate::model::{Cancellation, JobEvent, WorkerReport};
use crate::observe::Component;
use crate::provider::gate::{self, Gate};
use crate::provider::retry::Policy;
use crate::wire::Codec;

/// As metrics name what stands before ClickHouse.
const GATE: &str = "analysis";
/// The waits between attempts lie between the first and a ceiling that doubles: 1 s, 2 s, 4 s.
const WAIT_MIN: Duration = Duration::from_millis(500);
const WAIT_MAX: Duration = Duration::from_secs(30);
/// Jobs under way for each that may be worked on: the others are done and wait for one before them, or are next.
const IN_LINE_FOR_EACH: usize = 4;
/// The least of them.
const IN_LINE_MIN: usize = 64;

/// How many jobs a worker takes in at a time.
#[must_use]
pub fn in_line(config: &Config) -> usize {
    (IN_LINE_FOR_EACH * config.analysis.batch_size).max(IN_LINE_MIN)
}

/// What is given from outside.
#[derive(Debug)]
pub struct Setup {
    /// The configuration.
    pub config: Arc<Config>,
    /// Where time comes from.
    pub clock: Clock,
    /// Where candles are.
    pub store: Store,
    /// The hop's consumer group.
    pub group: Group,
    /// What is shown of the hop.
    pub health: Component,
    /// The hop's transactions.
    pub transactions: Transactions,
    /// The topics, with their prefix.
    pub topics: Topics,
    /// Writes events.
    pub events: Codec<JobEvent>,
    /// Reads cancellations.
    pub cancellations: Codec<Cancellation>,
    /// Writes reports.
    pub workers: Codec<WorkerReport>,
    /// Says what charts show.
    pub writer: Writer,
}

/// Topics, with their prefix.
#[derive(Debug, Clone)]
pub struct Topics {
    /// `analysis.jobs`.
    pub jobs: String,
    /// `analysis.jobs.dlq`.
    pub failed: String,
    /// `analysis.events`.
    pub events: String,
    /// `analysis.cancellations`.
    pub cancellations: String,
    /// `analysis.workers`.
    pub workers: String,
}

/// What runs.
#[derive(Debug)]
pub struct Parts {
    /// The stage of the chain.
    pub stage: Analyse,
    /// Who reports.
    pub reporter: Reporter,
    /// To be closed when the hop stops.
    pub door: Door,
}

impl Setup {
    /// Puts everything together, and reads who is not wanted any more.
    ///
    /// # Errors
    /// When Kafka does not answer.
    pub async fn build(self) -> anyhow::Result<Parts> {
        let Self { config, clock, topics, .. } = self;
        let Config { analysis, breaker, kafka, .. } = &*config;
        let cancelled = Cancelled::follow(kafka, &topics.cancellations, self.cancellations).await?;
        let gate = gate::Settings {
            provider: GATE,
            operations: &[OPERATION],
            concurrency_max: analysis.batch_size,
            breaker: breaker.into(),
            seed: rand::random(),
        };
        let door = Door::open();
        let started_at = clock.now();
        let loader = Loader {
            store: self.store,
            gate: Gate::new(&gate, clock.clone()),
            door: door.clone(),
            clock: clock.clone(),
        };
        let records = Records {
            events: (topics.events.as_str().into(), self.events),
            workers: (topics.workers.as_str().into(), self.workers),
            failed: topics.failed.as_str().into(),
            clock: clock.clone(),
        };
        let worker = Arc::new(Worker {
            settings: worker::Settings {
                jobs: topics.jobs.as_str().into(),
                worker_id: kafka::worker_id(kafka).to_owned(),
                timeout: analysis.timeout,
                policy: Policy { attempts_max: analysis.attempts_max, wait_min: WAIT_MIN, wait_max: WAIT_MAX },
            },
            group: self.group,
            transactions: self.transactions,
            loader,
            writer: self.writer,
            records,
            cancelled,
            seen: Seen::default(),
            tally: Tally::new(),
            fences: PerAssignment::default(),
            places: Semaphore::new(analysis.batch_size),
            ahead: Semaphore::new(analysis.batch_size),
            door: door.clone(),
            clock,
        });
        let reporter = Reporter {
            worker: Arc::clone(&worker),
            kafka: kafka.clone(),
            settings: analysis.clone(),
            health: self.health,
            started_at,
            trouble: parking_lot::Mutex::default(),
        };
        Ok(Parts { stage: Analyse { worker, in_line: in_line(&config) }, reporter, door })
    }
}
