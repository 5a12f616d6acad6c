//! Rows straight from what a reading of history became, without a topic in between: their identity makes a repeated insert
//! change no answer, so nothing has to be committed with them.
//!
//! What cannot be processed is counted and nothing else: it was a dead letter when it was live.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;
use tracing::debug;

use super::facts::Fact;
use super::rows::Insert;
use crate::clickhouse::Store;
use crate::flow::{Landed, Offsets, Outgoing, Record, Reject, Sink};
use crate::kafka::Producer;
use crate::model::NanoUsd;
use crate::observe::Component;

/// What a record of history became.
#[derive(Debug, Default)]
pub struct Replayed {
    /// What is known.
    pub facts: Vec<Fact>,
    /// What has to be bought.
    pub to_buy: Option<Outgoing>,
}

/// What has landed.
#[derive(Debug, Default)]
pub struct Landings {
    /// Those that could not be processed.
    pub rejected: AtomicU64,
    /// Readings of articles.
    pub analyses: AtomicU64,
    /// Signals.
    pub signals: AtomicU64,
    /// Articles about which a question was never answered.
    pub missing: AtomicU64,
}

/// The sink.
#[derive(Debug)]
pub struct DirectSink {
    insert: Insert,
    buys: Option<Arc<Producer>>,
    landings: Arc<Landings>,
}

impl DirectSink {
    /// Into `store`, where a session may spend `budget`; what has to be bought is sent by `buys`.
    #[must_use]
    pub fn new(
        store: Store,
        budget: NanoUsd,
        health: Component,
        buys: Option<Arc<Producer>>,
        landings: Arc<Landings>,
    ) -> Self {
        Self { insert: Insert::new(store, budget, health), buys, landings }
    }

    async fn buy(&self, to_buy: Vec<Outgoing>) -> anyhow::Result<()> {
        let Some(producer) = self.buys.clone().filter(|_| !to_buy.is_empty()) else { return Ok(()) };
        let send = move || {
            for Outgoing { topic, key, value, headers, .. } in &to_buy {
                let (key, value) = (key.as_deref().unwrap_or_default(), value.as_deref().unwrap_or_default());
                producer.send_with(topic, key, value, headers)?;
            }
            producer.flush().map(drop)
        };
        tokio::task::spawn_blocking(send).await.context("sending what has to be bought panicked")?
    }
}

impl Sink<Replayed> for DirectSink {
    async fn write(&mut self, kept: Vec<Landed<Replayed>>, mut rejected: Vec<Reject>) -> anyhow::Result<usize> {
        let facts: Vec<(&Fact, &Arc<Record>)> = kept
            .iter()
            .filter_map(|Landed { value, from }| Some((value, from.first()?)))
            .flat_map(|(replayed, record)| replayed.facts.iter().map(move |fact| (fact, record)))
            .collect();
        rejected.extend(Box::pin(self.insert.facts(&facts)).await);
        let count = |is: fn(&Fact) -> bool| facts.iter().filter(|(fact, _)| is(fact)).count() as u64;
        let Landings { rejected: refused, analyses, signals, .. } = &*self.landings;
        let is_reading = |fact: &Fact| matches!(fact, Fact::Analysis(analysis) if analysis.reading.is_some());
        analyses.fetch_add(count(is_reading), Ordering::Relaxed);
        signals.fetch_add(count(|fact| matches!(fact, Fact::Signal(_))), Ordering::Relaxed);
        refused.fetch_add(rejected.len() as u64, Ordering::Relaxed);
        for Reject { record, reason } in &rejected {
            debug!(origin = %record.origin(), reason = reason.code, error = reason.error, "a record was passed over");
        }
        drop(facts);
        self.buy(kept.into_iter().filter_map(|landed| landed.value.to_buy).collect()).await?;
        Ok(0)
    }

    async fn commit(&mut self, _offsets: Offsets) -> anyhow::Result<()> {
        // A segment is committed as a whole, when all of it has landed.
        Ok(())
    }
}
