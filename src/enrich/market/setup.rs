//! Puts the hop together from the configuration.

use std::sync::Arc;

use super::desk::{Desk, Settings};
use super::records::Records;
use super::{Asker, Known};
use crate::clickhouse::Store;
use crate::clock::Clock;
use crate::config::Config;
use crate::kafka::{Group, Transactions};
use crate::market::contexts::INTERVAL;
use crate::market::plan::{Rules, WEIGHTS};
use crate::model::{ChartInContext, Learned, Pending};
use crate::observe::Component;
use crate::provider::adapter::{Coinalyze, Http};
use crate::provider::gate::{self, Gate};
use crate::provider::retry::Policy;
use crate::wire::Codec;

/// What the service is asked for, as metrics name it.
const OPERATIONS: &[&str] = &["future_markets", "open_interest", "funding_rate", "long_short_ratio", "liquidations"];
/// Requests of one key that are under way: at a unit each, as many as keep a quota used though answers take ten seconds.
pub(super) const UNDER_WAY_MAX: usize = 8;

/// What is given from outside.
#[derive(Debug)]
pub struct Setup {
    /// The configuration.
    pub config: Arc<Config>,
    /// Where time comes from.
    pub clock: Clock,
    /// Where what was learned is looked up.
    pub store: Store,
    /// The hop's consumer group.
    pub group: Group,
    /// What is shown of the hop.
    pub health: Component,
    /// The hop's transactions.
    pub transactions: Transactions,
    /// The topics, with their prefix.
    pub topics: Topics,
    /// Writes contexts.
    pub contexts: Codec<ChartInContext>,
    /// Reads and writes what waits.
    pub pending: Codec<Pending>,
    /// Reads and writes what was learned.
    pub learned: Codec<Learned>,
}

/// Topics, with their prefix.
#[derive(Debug, Clone)]
pub struct Topics {
    /// `market.batches`.
    pub batches: String,
    /// `market.contexts`.
    pub contexts: String,
    /// `market.pending`.
    pub pending: String,
    /// `market.series`.
    pub series: String,
    /// The consumer group of the sink.
    pub sink_group: String,
}

/// What runs.
#[derive(Debug)]
pub struct Parts {
    /// The stage of the chain.
    pub stage: Known,
    /// Who asks.
    pub asker: Asker,
    /// To be closed when the hop stops.
    pub desk: Desk,
}

impl Setup {
    /// Puts everything together.
    ///
    /// # Errors
    /// What a person has to mend: keys that are missing.
    pub fn build(self) -> anyhow::Result<Parts> {
        let Config { coinalyze, retry, breaker, kafka, .. } = &*self.config;
        let clients = Coinalyze::new(coinalyze, &Http::new()?)?;
        let records = Records {
            contexts: (self.topics.contexts.as_str().into(), self.contexts),
            pending: (self.topics.pending.as_str().into(), self.pending),
            learned: (self.topics.series.as_str().into(), self.learned),
        };
        let settings = Settings {
            kafka: kafka.clone(),
            topics: self.topics,
            rules: Rules {
                interval: INTERVAL,
                data_ttl: coinalyze.data_ttl,
                symbols_ttl: coinalyze.symbols_ttl,
                symbols_max: coinalyze.symbols_per_request,
                weights: WEIGHTS,
            },
            policy: Policy::new(retry),
            quota: (coinalyze.units_per_minute, coinalyze.quota_window),
            keys: clients.len(),
        };
        let desk = Desk::new(settings, self.group, self.transactions, self.store, records, self.clock.clone());
        let gate = |client: &Coinalyze| {
            let settings = gate::Settings {
                provider: client.name(),
                operations: OPERATIONS,
                concurrency_max: UNDER_WAY_MAX,
                breaker: breaker.into(),
                seed: rand::random(),
            };
            Gate::new(&settings, self.clock.clone())
        };
        let doors = clients.into_iter().map(|client| (gate(&client), client)).collect();
        let asker = Asker::new(desk.clone(), doors, self.health, self.clock.clone());
        Ok(Parts { stage: Known { desk: desk.clone(), clock: self.clock }, asker, desk })
    }
}

/// Whether the service can be asked at all, where it is to be.
///
/// # Errors
/// What a person has to mend.
pub fn check(config: &Config) -> anyhow::Result<()> {
    if config.coinalyze.enabled {
        Coinalyze::new(&config.coinalyze, &Http::new()?)?;
    }
    Ok(())
}
