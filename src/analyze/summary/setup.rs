//! Puts the writer of summaries together from the configuration.

use std::sync::Arc;

use anyhow::Context as _;

use super::keeper::Keeper;
use super::{OPERATIONS, Writer, question};
use crate::clickhouse::Store;
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::kafka::{Group, Transactions};
use crate::model::{LedgerEntry, NanoUsd, Timestamp};
use crate::provider::adapter::{self, Http, Llm};
use crate::provider::book::Limits;
use crate::provider::journal::Journal;
use crate::provider::ledger::{self, Ledger};
use crate::provider::price::Catalog;
use crate::provider::purchase::{self, Buyer};
use crate::wire::Codec;

/// What is given from outside.
#[derive(Debug)]
pub struct Setup {
    /// The configuration.
    pub config: Arc<Config>,
    /// Where time comes from.
    pub clock: Clock,
    /// Where paid answers are looked up.
    pub store: Store,
    /// The hop's consumer group.
    pub group: Group,
    /// The hop's transactions.
    pub transactions: Transactions,
    /// The topics, with their prefix.
    pub topics: Topics,
    /// Partitions of `analysis.jobs`: each has an equal share of the budget.
    pub partitions: usize,
    /// Reads and writes the ledger.
    pub ledger: Codec<LedgerEntry>,
}

/// Topics, with their prefix.
#[derive(Debug, Clone)]
pub struct Topics {
    /// `analysis.jobs`.
    pub jobs: String,
    /// `analysis.ledger`.
    pub ledger: String,
    /// The consumer group of the sink.
    pub sink_group: String,
}

/// What runs.
#[derive(Debug)]
pub struct Parts {
    /// Writes summaries; to be finished when the hop stops.
    pub writer: Writer,
    /// Runs beside the chain ([`Ledger::beside`]).
    pub keeper: Keeper,
    /// The books.
    pub ledger: Ledger,
}

impl Setup {
    /// Puts everything together; `None` where no model is configured and [`Writer::template`] is all there is.
    ///
    /// # Errors
    /// What a person has to mend: a key that is missing, a price file that cannot be read.
    pub fn build(self) -> anyhow::Result<Option<Parts>> {
        let Self { config, clock, store, group, transactions, topics, partitions, ledger } = self;
        let http = Http::new()?;
        let Some(llm) = Llm::new(&patient_enough(&config), &http).context("summaries of analyses")? else {
            return Ok(None);
        };
        let share = share(config.analysis.daily_usd, partitions);
        let settings = ledger::Settings {
            kafka: config.kafka.clone(),
            topic: topics.ledger,
            owner_topic: topics.jobs.clone(),
            sink_group: topics.sink_group,
            // A session is a day.
            limits: Limits { session: share, daily: Some(share), monthly: None },
        };
        let ledger = Ledger::new(settings, group.clone(), transactions, ledger, clock.clone());
        let parts = purchase::Parts {
            llm,
            operations: OPERATIONS,
            schema_name: question::SCHEMA_NAME,
            schema: question::schema(),
            ledger: ledger.clone(),
            journal: Journal::new(store, clock.clone()),
            catalog: Arc::new(Catalog::configured(&config.llm)?),
            clock: clock.clone(),
        };
        let buyer = Buyer::new(parts, &config);
        let writer = Writer::paid(buyer, ledger.clone(), clock.clone());
        let keeper = Keeper::new(topics.jobs, group, ledger.clone(), clock);
        Ok(Some(Parts { writer, keeper, ledger }))
    }
}

/// Whether the configured model can be asked at all: key, address, price. So it is where none is configured.
///
/// # Errors
/// What a person has to mend.
pub fn check(config: &Config, now: Timestamp) -> anyhow::Result<()> {
    purchase::check(&config.llm, [], now).context("summaries of analyses")
}

/// The provider, for somebody who waits for an answer.
fn patient_enough(config: &Config) -> config::Llm {
    let timeout = config.llm.timeout.unwrap_or(adapter::TIMEOUT).min(config.analysis.summary_timeout);
    config::Llm { timeout: Some(timeout), ..config.llm.clone() }
}

/// An equal share of a limit for each partition, so that all of them together are within it.
pub(super) fn share(limit: NanoUsd, partitions: usize) -> NanoUsd {
    NanoUsd(limit.0 / u64::try_from(partitions).unwrap_or(u64::MAX).max(1))
}
