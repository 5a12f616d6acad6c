//! Puts the paid chain together from the configuration.

use std::sync::Arc;

use anyhow::Context as _;
use parking_lot::Mutex;

use super::article::{self, Analyst};
use super::outcome::Records;
use super::purchase::{Buyer, OPERATIONS, Researcher, SEARCHES};
use super::{Paid, Resumer};
use crate::clickhouse::Store;
use crate::clock::Clock;
use crate::config::{Action, Config, Provider};
use crate::enrich::content;
use crate::enrich::lexicon::Lexicon;
use crate::enrich::worth::Research;
use crate::kafka::{Group, Transactions};
use crate::model::{Analysis, ArticleBatch, Deferral, LedgerEntry, Timestamp};
use crate::observe::{self, Component};
use crate::provider::adapter::{Http, Llm, Tavily};
use crate::provider::book::Limits;
use crate::provider::door::Door;
use crate::provider::gate::{self, Gate};
use crate::provider::journal::Journal;
use crate::provider::ledger::{self, Ledger};
use crate::provider::price::Catalog;
use crate::provider::purchase;
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
    /// What is shown of the hop.
    pub health: Component,
    /// The hop's transactions.
    pub transactions: Transactions,
    /// The topics, with their prefix.
    pub topics: Topics,
    /// Writes readings.
    pub analyses: Codec<Analysis>,
    /// Writes batches that failed.
    pub batches: Codec<ArticleBatch>,
    /// Writes articles that wait.
    pub deferred: Codec<Deferral>,
    /// Reads them.
    pub waiting: Codec<Deferral>,
    /// Reads and writes the ledger.
    pub ledger: Codec<LedgerEntry>,
}

/// Topics, with their prefix.
#[derive(Debug, Clone)]
pub struct Topics {
    /// `articles.batches`.
    pub batches: String,
    /// `articles.batches.dlq`.
    pub failed: String,
    /// `articles.analyses`.
    pub analyses: String,
    /// `articles.deferred`.
    pub deferred: String,
    /// `spend.ledger`.
    pub ledger: String,
    /// The consumer group of the sink.
    pub sink_group: String,
}

/// What runs.
#[derive(Debug)]
pub struct Parts {
    /// The stage of the chain.
    pub stage: Paid,
    /// What takes up again what waits.
    pub resumer: Resumer,
    /// To be closed when the hop stops.
    pub ledger: Ledger,
}

impl Setup {
    /// Puts everything together.
    ///
    /// # Errors
    /// What a person has to mend: a key that is missing, a price file that cannot be read.
    pub fn build(self) -> anyhow::Result<Parts> {
        let config = Arc::clone(&self.config);
        let http = Http::new()?;
        let llm = Llm::new(&config.llm, &http)?.context("llm.provider is lexicon, which is not paid")?;
        let clock = self.clock.clone();
        let ledger = Ledger::new(
            ledger::Settings {
                kafka: config.kafka.clone(),
                topic: self.topics.ledger.clone(),
                owner_topic: self.topics.batches.clone(),
                sink_group: self.topics.sink_group.clone(),
                limits: Limits {
                    session: config.budget.session_usd,
                    daily: config.budget.daily_usd,
                    monthly: config.budget.monthly_usd,
                },
            },
            self.group.clone(),
            self.transactions.clone(),
            self.ledger,
            clock.clone(),
        );
        let buyer = buyer(&config, llm, &http, &ledger, Journal::new(self.store, clock.clone()), &clock)?;
        let analyst = Arc::new(Analyst {
            settings: article::Settings {
                ladder: config.budget.ladder.clone(),
                research: Research { enabled: config.tavily.enabled, strength_min: config.tavily.min_strength },
                attempts_max: config.retry.attempts_max,
                cost_max: config.budget.article_usd,
            },
            buyer,
            lexicon: Lexicon::new(),
            pace: Mutex::default(),
            clock: clock.clone(),
        });
        let records = Arc::new(Records {
            analyses: (self.topics.analyses.as_str().into(), self.analyses),
            deferred: (self.topics.deferred.as_str().into(), self.deferred),
            failed: (self.topics.failed.as_str().into(), self.batches),
            clock: clock.clone(),
        });
        let stage = Paid {
            ledger: ledger.clone(),
            analyst: Arc::clone(&analyst),
            records: Arc::clone(&records),
            clock: clock.clone(),
        };
        let resumer = Resumer {
            config,
            topics: self.topics,
            group: self.group,
            ledger: ledger.clone(),
            analyst,
            records,
            codec: self.waiting,
            health: self.health,
            clock,
        };
        Ok(Parts { stage, resumer, ledger })
    }
}

fn buyer(
    config: &Config,
    llm: Llm,
    http: &Http,
    ledger: &Ledger,
    journal: Journal,
    clock: &Clock,
) -> anyhow::Result<Buyer> {
    let catalog = Arc::new(Catalog::configured(&config.llm)?);
    let research = if config.tavily.enabled {
        let tavily = Tavily::new(&config.tavily, http)?;
        let gate = Gate::new(&gate::Settings::configured(config, tavily.name(), SEARCHES), clock.clone());
        Some(Researcher {
            tavily,
            door: Door::new(ledger.clone(), gate, config.llm.concurrency_max, clock.clone()),
            journal: journal.clone(),
            catalog: Arc::clone(&catalog),
            hits: observe::journal(),
            clock: clock.clone(),
        })
    } else {
        None
    };
    let parts = purchase::Parts {
        llm,
        operations: OPERATIONS,
        schema_name: content::SCHEMA_NAME,
        schema: content::schema(),
        ledger: ledger.clone(),
        journal,
        catalog,
        clock: clock.clone(),
    };
    Ok(Buyer { model: purchase::Buyer::new(parts, config), research })
}

/// Whether the configured providers can be asked at all: keys, addresses, prices.
///
/// # Errors
/// What a person has to mend.
pub fn check(config: &Config, now: Timestamp) -> anyhow::Result<()> {
    if config.llm.provider == Provider::Lexicon {
        return Ok(());
    }
    if config.tavily.enabled {
        Tavily::new(&config.tavily, &Http::new()?)?;
    }
    let cheaper = config.budget.ladder.iter().filter_map(|rung| match &rung.action {
        Action::CheaperModel { model } => Some(model.as_str()),
        _ => None,
    });
    purchase::check(&config.llm, cheaper, now)
}
