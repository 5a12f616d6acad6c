//! What a run would do and cost, before anything of it is done.
//!
//! Everything is read, and every question is looked up, so that the number of calls is known and not estimated. What they
//! cost is expected by what the known answers cost: of the same prompt, in the same range. The worst case is the sum of
//! what would be held; no run spends more.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use serde::{Serialize, Serializer};
use tokio::sync::watch;

use super::chain::Chain;
use super::order::Order;
use super::purchase::shared;
use super::range;
use super::reading::{self, Rest};
use crate::enrich::paid::{Calibration, Costs};
use crate::enrich::recall::Recalled;
use crate::flow::{Landed, Offsets, Reject, Sink, Together};
use crate::kafka::{Look, Segment, group_name};
use crate::model::{Analysis, Article, NanoUsd};
use crate::pipeline::Surroundings;

/// Known answers that the expectation is made by: more make it no better.
const KNOWN_MAX: u64 = 5_000;
/// How long a call takes where none is known.
const CALL_USUAL: Duration = Duration::from_secs(2);
/// Readings that land together.
const TOGETHER_MAX: usize = 10_000;

/// What a run would do.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// The run.
    pub run_id: String,
    /// Records that are read.
    pub records: u64,
    /// Articles whose question was answered before.
    pub journal_hits: u64,
    /// Questions that would be bought.
    pub calls: u64,
    /// What half of all such runs cost at most, in dollars.
    #[serde(serialize_with = "dollars")]
    pub usd_p50: NanoUsd,
    /// What 19 of 20 do.
    #[serde(serialize_with = "dollars")]
    pub usd_p95: NanoUsd,
    /// What none exceeds in which each question is asked once. An answer that is lost, or has to be repaired, is paid for
    /// beside it; what holds in any case is `--max-usd`.
    #[serde(serialize_with = "dollars")]
    pub usd_worst: NanoUsd,
    /// How long the calls take with the run's share of them under way.
    pub minutes: f64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn dollars<S: Serializer>(amount: &NanoUsd, to: S) -> Result<S::Ok, S::Error> {
    crate::clickhouse::dollars(&amount.decimal(), to)
}

/// What was found.
#[derive(Debug, Default)]
struct Found {
    hits: u64,
    known: Calibration,
    /// The bound of the tokens of each question that would be bought.
    bounds: Vec<u64>,
}

/// Looks through what `order` would read.
///
/// # Errors
/// When Kafka or ClickHouse does not answer, a price is missing, or it was stopped.
pub async fn plan(
    surroundings: &Surroundings,
    order: &Order,
    share: f64,
    progress: &(dyn Fn(u64, u64) + Sync),
    stop: watch::Receiver<bool>,
) -> anyhow::Result<Plan> {
    let topic = surroundings.topic(order.topic.as_str());
    let kafka = &surroundings.config.kafka;
    let look = Look::open(kafka, &topic, &group_name(kafka, "replay-plan"))?;
    let spans = range::ordered(Arc::new(look), order).await?;
    let total = range::total(&spans);
    let rests: Vec<Rest> = spans.into_iter().map(|span| Rest { origin: span.offsets.start, span }).collect();
    let chain = Chain {
        surroundings: surroundings.clone(),
        run_id: order.run_id.clone(),
        topic: order.topic,
        began: surroundings.clock.now(),
        buys: true,
    };
    let found = Arc::<Mutex<Found>>::default();
    let records = Mutex::new(0);
    let land = async |mut segment: Segment| {
        if !order.topic.asks() {
            while segment.deliveries.recv().await.is_some() {}
            return Ok(());
        }
        let together = Together { tick: Duration::ZERO, entries_max: TOGETHER_MAX };
        chain.recalled(segment.deliveries).await?.land(Tally(Arc::clone(&found)), together).await
    };
    let done = async |_, _, count: u64| {
        let mut records = records.lock().unwrap_or_else(PoisonError::into_inner);
        *records += count;
        progress(*records, total);
        Ok(())
    };
    let whole = reading::read(&surroundings.config, (order.topic, &topic), rests, &stop, land, done).await?;
    anyhow::ensure!(whole, "stopped");
    let records = records.into_inner().unwrap_or_else(PoisonError::into_inner);
    let found = std::mem::take(&mut *found.lock().unwrap_or_else(PoisonError::into_inner));
    priced(surroundings, order, share, records, &found).await
}

/// What was found, and what it would cost.
async fn priced(
    surroundings: &Surroundings,
    order: &Order,
    share: f64,
    records: u64,
    found: &Found,
) -> anyhow::Result<Plan> {
    let Surroundings { config, store, clock, .. } = surroundings;
    let Found { hits, known, bounds } = found;
    let now = clock.now();
    let (mut typical, mut worst) = (NanoUsd::ZERO, NanoUsd::ZERO);
    if let Some(costs) = Costs::new(config)? {
        for bound in bounds {
            let expected = costs.of(*bound, known, now).context("what has no price today cannot be bought")?;
            typical = typical.saturating_add(expected.typical);
            worst = worst.saturating_add(expected.worst);
        }
    }
    let calls = bounds.len() as u64;
    let call = store.reading_ms().await?.map_or(CALL_USUAL.as_secs_f64(), |millis| millis / 1e3);
    let side_by_side = shared(config.llm.concurrency_max, share);
    Ok(Plan {
        run_id: order.run_id.clone(),
        records,
        journal_hits: *hits,
        calls,
        usd_p50: typical,
        usd_p95: grown(typical, known.surplus(calls)).min(worst),
        usd_worst: worst,
        minutes: minutes(calls, call, side_by_side),
    })
}

#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn minutes(calls: u64, seconds: f64, side_by_side: usize) -> f64 {
    calls as f64 * seconds / side_by_side as f64 / 60.0
}

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate")]
fn grown(amount: NanoUsd, share: f64) -> NanoUsd {
    NanoUsd((amount.0 as f64 * (1.0 + share)) as u64)
}

/// Counts what would be done.
struct Tally(Arc<Mutex<Found>>);

impl Sink<Recalled> for Tally {
    async fn write(&mut self, kept: Vec<Landed<Recalled>>, _rejected: Vec<Reject>) -> anyhow::Result<usize> {
        let found = Arc::clone(&self.0);
        // The bound of a question is found by reading it.
        crate::flow::compute(move || {
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            for Landed { value: Recalled { batch, analyses, missing, researched }, .. } in kept {
                found.hits += analyses.len() as u64;
                let bounds = missing.iter().map(|article| Calibration::bound_of(&article.title, &article.text));
                found.bounds.extend(bounds);
                let worth = analyses.iter().zip(&batch.articles).take_while(|_| found.known.answers < KNOWN_MAX);
                let known: Vec<(&Analysis, &Article)> = worth.collect();
                for (index, (analysis, article)) in known.into_iter().enumerate() {
                    let bound = Calibration::bound_of(&article.title, &article.text);
                    found.known.add(bound, [analysis.input_tokens, analysis.output_tokens], index < researched);
                }
            }
            0
        })
        .await
    }

    async fn commit(&mut self, _offsets: Offsets) -> anyhow::Result<()> {
        Ok(())
    }
}
