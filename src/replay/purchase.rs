//! Buying what a run misses: the paid hop, in topics of the run.
//!
//! Account, session and ledger are the run's own, so that its limit is kept as any limit is, through any crash, and no live
//! budget moves. The provider is shared with live traffic: the run has a share of the calls that may be under way.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::sync::watch;

use super::order::Order;
use super::{patience, told};
use crate::config::{Config, Provider};
use crate::kafka::{self, ARTICLES_ANALYSES, ARTICLES_BATCHES, Behind, DLQ_SUFFIX, SIGNALS, SPEND_LEDGER, group_name};
use crate::model::{Cadence, NanoUsd};
use crate::observe::{Health, Kind, State};
use crate::pipeline::{self, Line, Surroundings};
use crate::supervise;

/// Of the hops those that a run needs.
const STAGES: &[&str] = &["enrich/articles", "score/articles", "sink"];
/// Between two looks whether everything has landed.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long nothing moves once all money is used up: far longer than a waiting article takes to its first hold.
const QUIET: Duration = Duration::from_secs(5);
/// One worker buys for one account: more partitions would stay empty.
const PARTITIONS: i32 = 1;

/// What the hops of a run are given: topics, account and limits of its own, and a share of the calls.
pub(super) fn surroundings(live: &Surroundings, order: &Order, share: f64) -> Surroundings {
    let mut config = Config::clone(&live.config);
    config.kafka.topic_prefix = prefix(live, order);
    config.kafka.partitions = PARTITIONS;
    config.budget.account = order.account();
    // No other session comes after it that would pay for what waits.
    config.articles.session = Cadence::Named(order.account());
    config.budget.session_usd = order.max.unwrap_or(NanoUsd::ZERO);
    config.budget.daily_usd = None;
    config.budget.monthly_usd = None;
    config.llm.concurrency_max = shared(config.llm.concurrency_max, share);
    // Its topics are nobody else's, and go with it: no subject of a registry is made for them.
    Surroundings { config: Arc::new(config), registry: None, ..live.clone() }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a small count"
)]
pub(super) fn shared(calls: usize, share: f64) -> usize {
    ((calls as f64 * share.clamp(0.0, 1.0)) as usize).max(1)
}

fn prefix(live: &Surroundings, order: &Order) -> String {
    format!("{}replay.{}.", live.config.kafka.topic_prefix, order.run_id)
}

/// The hops that buy for an order; none where it buys nothing.
#[must_use]
pub fn hops(order: &Order) -> Vec<Line> {
    if order.max.is_none() || !order.topic.asks() {
        return Vec::new();
    }
    pipeline::hops(|name| STAGES.contains(&name))
}

/// Buys whatever waits in the topics of the run, until each article has its reading, waits for more money, or has failed.
///
/// # Errors
/// When it was stopped, or a hop waits longer for a service than anybody wants to.
pub(super) async fn buy(
    live: &Surroundings,
    order: &Order,
    share: f64,
    stop: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    if live.config.llm.provider == Provider::Lexicon {
        return Ok(());
    }
    let own = surroundings(live, order, share);
    kafka::ensure(&own.config.kafka, kafka::TOPICS, true).await?;
    let (end, told_to_end) = watch::channel(false);
    let health = Health::new(own.clock.clone());
    let hops: Vec<(Line, _)> =
        hops(order).into_iter().map(|hop| (hop, health.component(Kind::Hop, hop.name))).collect();
    let mut hops = tokio::spawn(supervise::run(own.clone(), hops, told_to_end));
    let ended = tokio::select! {
        ended = async {
            joined(&health).await;
            ended_all(&own, order).await
        } => ended,
        () = told(&stop) => Err(anyhow::anyhow!(
            "stopped; what was bought is kept: the same command with --run-id {} goes on", order.run_id
        )),
        waits_for = patience::exhausted(&health, &own.clock) => Err(anyhow::anyhow!(
            "{waits_for}; what was bought is kept: once that is over, the same command with --run-id {} goes on",
            order.run_id
        )),
        died = &mut hops => return died.context("the hops of the run died")?,
    };
    let _ = end.send(true);
    hops.await.context("the hops of the run died")??;
    ended
}

/// Deletes the topics of a run that is over.
pub(super) async fn forget(live: &Surroundings, order: &Order) -> anyhow::Result<()> {
    let own = surroundings(live, order, 1.0);
    kafka::delete(&own.config.kafka, kafka::TOPICS).await
}

/// Returns once every hop has joined its group and has read its state back: until then nothing moves, however much money
/// there is.
async fn joined(health: &Health) {
    while health.reports().iter().any(|report| report.state != State::Ready) {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Returns once every article has its reading or has failed, or none of those that wait has moved for [`QUIET`]: the money
/// is used up.
async fn ended_all(own: &Surroundings, order: &Order) -> anyhow::Result<()> {
    let (mut before, mut moved_at) = (None, Instant::now());
    loop {
        landed(own).await?;
        let session = own.store.session(&order.account()).await?;
        if session.as_ref().is_none_or(|session| session.articles_deferred == 0 && session.reserved_usd == 0) {
            // What the last articles came to may have been written after it was looked how far the hops are.
            return landed(own).await;
        }
        let is_calling = session.as_ref().is_some_and(|session| session.reserved_usd > 0);
        if session != before || is_calling {
            (before, moved_at) = (session, Instant::now());
        } else if moved_at.elapsed() > QUIET {
            return Ok(());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Returns once every hop has landed all that the one before it wrote.
async fn landed(own: &Surroundings) -> anyhow::Result<()> {
    let topic = |name: &str| own.topic(name);
    let failed = format!("{ARTICLES_BATCHES}{DLQ_SUFFIX}");
    let ways = [
        ("enrich/articles", vec![topic(ARTICLES_BATCHES)]),
        ("score/articles", vec![topic(ARTICLES_ANALYSES)]),
        ("sink", [ARTICLES_BATCHES, ARTICLES_ANALYSES, SIGNALS, SPEND_LEDGER, &failed].map(topic).to_vec()),
    ];
    for (hop, topics) in ways {
        let kafka = own.config.kafka.clone();
        // In this order: what a hop is to reach has ended before it is looked at.
        let wait = move || Behind::of(&kafka, &group_name(&kafka, hop), &topics)?.until_landed(|_| Ok(()));
        tokio::task::spawn_blocking(wait).await.context("waiting for rows panicked")??;
    }
    Ok(())
}
