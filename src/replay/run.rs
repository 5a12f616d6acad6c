//! A run: from its order to its rows, through any number of interruptions.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde::Serialize;
use tokio::sync::watch;

use super::chain::Chain;
use super::order::{Order, Settings, Topic, Unfit};
use super::reading::{self, Rest};
use super::settle::Settle;
use super::{COMPLETED, INCOMPLETE, KIND_REPLAY, RUNNING, purchase, range};
use crate::clickhouse::RunState;
use crate::flow::{Hop, Together};
use crate::kafka::{self, Behind, Look, Producer, SPEND_LEDGER, Segment, Span};
use crate::model::{NanoUsd, Timestamp};
use crate::observe::{Component, Health, Kind};
use crate::pipeline::Surroundings;
use crate::sink::{DirectSink, Landings, Replayed};
use crate::wire::{ALLOCATION_BYTES_MAX, Codec};

/// How long the sink may take to store the answers that are in the ledger.
const JOURNAL_PATIENCE: Duration = Duration::from_mins(1);
/// From one landing of a segment to the next, unless the segment ends: large inserts are cheap. It is the longest that a
/// partition stands still which holds all that it may.
const LANDING_EVERY: Duration = Duration::from_secs(2);

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The run, as it stands.
    #[serde(flatten)]
    pub run: RunState,
    /// Readings of articles that landed since this process began.
    pub analyses: u64,
    /// Signals, likewise, without those of articles that were bought.
    pub signals: u64,
    /// Articles about which a question was never answered.
    pub missing: u64,
    /// Records that could not be processed; what they were is in the dead letters of live traffic.
    pub rejected: u64,
    /// Since this process began.
    pub seconds: f64,
}

/// Carries an order out, or goes on with it: the same run id is the same run. `progress` is told how many offsets of how
/// many are done. Once `stop` says so, what has landed is kept.
///
/// # Errors
/// [`Unfit`] where the id is that of another order; when Kafka or ClickHouse does not answer; when it was stopped.
pub async fn run(
    surroundings: Surroundings,
    order: Order,
    share: f64,
    progress: &(dyn Fn(u64, u64) + Sync),
    stop: watch::Receiver<bool>,
) -> anyhow::Result<Report> {
    let began = Instant::now();
    surroundings.store.migrate().await?;
    let topic = surroundings.topic(order.topic.as_str());
    if order.topic.asks() {
        journal_is_whole(&surroundings).await?;
    }
    let kafka = &surroundings.config.kafka;
    let group = format!("{}-{}", kafka::group_name(kafka, "replay"), order.run_id);
    let look = Arc::new(Look::open(kafka, &topic, &group)?);
    let (mut state, spans) = begin(&surroundings, &order, &look).await?;
    let health = Health::new(surroundings.clock.clone()).component(Kind::Hop, "replay");
    let landings = Arc::<Landings>::default();
    let running = Running { surroundings, order, look, health, landings: Arc::clone(&landings), share, stop };
    if state.status == RUNNING {
        state.records = running.read(&state, spans, &topic, progress).await?;
    }
    if state.status != COMPLETED {
        running.finish(&mut state).await?;
    }
    let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    Ok(Report {
        run: state,
        analyses: count(&landings.analyses),
        signals: count(&landings.signals),
        missing: count(&landings.missing),
        rejected: count(&landings.rejected),
        seconds: began.elapsed().as_secs_f64(),
    })
}

/// Waits until every answer that is in the ledger now can be looked up: what was paid for a moment ago is not bought again.
async fn journal_is_whole(surroundings: &Surroundings) -> anyhow::Result<()> {
    let kafka = surroundings.config.kafka.clone();
    let topic = surroundings.topic(SPEND_LEDGER);
    let wait = move || -> anyhow::Result<()> {
        let behind = Behind::of(&kafka, &kafka::group_name(&kafka, "sink"), &[topic])?;
        let asked_at = Instant::now();
        behind.until_landed(|_| {
            if asked_at.elapsed() > JOURNAL_PATIENCE {
                bail!(
                    "the sink has not stored all answers of {SPEND_LEDGER} within {JOURNAL_PATIENCE:?}: is it running?"
                );
            }
            Ok(())
        })
    };
    tokio::task::spawn_blocking(wait).await.context("looking at the ledger panicked")?
}

/// The run of this id, begun now where there is none, and what it reads.
async fn begin(surroundings: &Surroundings, order: &Order, look: &Arc<Look>) -> anyhow::Result<(RunState, Vec<Span>)> {
    let Surroundings { store, clock, .. } = surroundings;
    if let Some(state) = store.run(&order.run_id).await? {
        let known: Settings = serde_json::from_str(&state.settings).context("reading the settings of the run")?;
        let asked = order.settings();
        let same_range =
            asked.from.is_none() && asked.to.is_none() || (&asked.from, &asked.to) == (&known.from, &known.to);
        if state.kind != KIND_REPLAY || state.topic != order.topic.as_str() || asked.set != known.set || !same_range {
            let other = format!("{} from {} to {} with {}", state.topic, state.from, state.to, state.settings);
            return Err(Unfit(format!("--run-id {}: this run reads {other}; name another one", order.run_id)).into());
        }
        let spans = range::read(&state.from, &state.to).context("reading the range of the run")?;
        return Ok((state, spans));
    }
    let spans = range::ordered(Arc::clone(look), order).await?;
    let [from, to] = range::write(&spans);
    let now = clock.now();
    let state = RunState {
        run_id: order.run_id.clone(),
        kind: KIND_REPLAY.to_owned(),
        topic: order.topic.as_str().to_owned(),
        from,
        to,
        settings: serde_json::to_string(&order.settings()).context("writing the settings of the run")?,
        status: RUNNING.to_owned(),
        records: 0,
        cost_usd: 0,
        started_at: now.0,
        finished_at: None,
        promoted_at: None,
    };
    store.note_run(&state, now).await?;
    Ok((state, spans))
}

struct Running {
    surroundings: Surroundings,
    order: Order,
    look: Arc<Look>,
    health: Component,
    landings: Arc<Landings>,
    share: f64,
    stop: watch::Receiver<bool>,
}

impl Running {
    /// Reads what is left of the spans; says how many records they had.
    async fn read(
        &self,
        state: &RunState,
        spans: Vec<Span>,
        topic: &str,
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> anyhow::Result<u64> {
        let (look, asked) = (Arc::clone(&self.look), spans.clone());
        let reached = tokio::task::spawn_blocking(move || look.reached(&asked));
        let reached = reached.await.context("asking how far the run is panicked")??;
        let total = range::total(&spans);
        let mut counts = BTreeMap::new();
        let mut rests = Vec::new();
        let mut offsets = 0;
        for (span, reached) in spans.into_iter().zip(reached) {
            let origin = span.offsets.start;
            let (at, note) = reached.unwrap_or_default();
            let at = at.clamp(origin, span.offsets.end.max(origin));
            counts.insert(span.partition, note.parse().unwrap_or(0));
            offsets += range::length(origin, at);
            rests.push(Rest { origin, span: Span { offsets: at..span.offsets.end, ..span } });
        }
        let at: BTreeMap<i32, i64> = rests.iter().map(|rest| (rest.span.partition, rest.span.offsets.start)).collect();
        let done = Mutex::new(Done { counts, at, offsets });
        progress(offsets, total);
        let chain = Chain {
            surroundings: self.surroundings.clone(),
            run_id: self.order.run_id.clone(),
            topic: self.order.topic,
            began: Timestamp(state.started_at),
            buys: self.order.max.is_some(),
        };
        let buys = self.buys().await?;
        let land = async |segment: Segment| self.land(&chain, segment, buys.as_ref()).await;
        let noted = async |partition: i32, end: i64, records: u64| {
            let (count, offsets) = done.lock().unwrap_or_else(PoisonError::into_inner).add(partition, end, records);
            let look = Arc::clone(&self.look);
            let reach = move || look.reach(partition, end, &count.to_string());
            tokio::task::spawn_blocking(reach).await.context("noting how far the run is panicked")??;
            progress(offsets, total);
            Ok(())
        };
        let topic = (self.order.topic, topic);
        if !reading::read(&self.surroundings.config, topic, rests, &self.stop, land, noted).await? {
            bail!("stopped; what has landed is kept: the same command with --run-id {} goes on", self.order.run_id);
        }
        Ok(done.into_inner().unwrap_or_else(PoisonError::into_inner).counts.values().sum())
    }

    /// Where that goes which has to be bought.
    async fn buys(&self) -> anyhow::Result<Option<Buys>> {
        if self.order.max.is_none() || !self.order.topic.asks() {
            return Ok(None);
        }
        let own = purchase::surroundings(&self.surroundings, &self.order, self.share);
        kafka::ensure(&own.config.kafka, kafka::TOPICS, true).await?;
        let topic = own.topic(kafka::ARTICLES_BATCHES);
        Ok(Some(Buys { topic: topic.as_str().into(), producer: Arc::new(Producer::new(&own.config.kafka)?) }))
    }

    async fn land(&self, chain: &Chain, segment: Segment, buys: Option<&Buys>) -> anyhow::Result<()> {
        let Segment { deliveries, .. } = segment;
        let hop: Hop<Replayed> = match self.order.topic {
            Topic::ArticlesRaw | Topic::ArticlesBatches => {
                let buys = match buys {
                    Some(buys) => Some((Arc::clone(&buys.topic), Codec::new(ALLOCATION_BYTES_MAX)?)),
                    None => None,
                };
                let landings = Arc::clone(&self.landings);
                let settle = Settle { buys, landings, clock: self.surroundings.clock.clone() };
                chain.articles(deliveries, settle).await?
            }
            Topic::ArticlesAnalyses => chain.analyses(deliveries).await?,
            Topic::MarketFiles | Topic::MarketBatches | Topic::MarketContexts => chain.charts(deliveries).await?,
        };
        let sink = DirectSink::new(
            self.surroundings.store.clone(),
            self.order.max.unwrap_or(NanoUsd::ZERO),
            self.health.clone(),
            buys.map(|buys| Arc::clone(&buys.producer)),
            Arc::clone(&self.landings),
        );
        let rows = &self.surroundings.config.sink;
        hop.land(sink, Together { tick: LANDING_EVERY, entries_max: rows.batch_rows_max }).await
    }

    /// Buys what is to be bought, and writes down how the run stands then.
    async fn finish(&self, state: &mut RunState) -> anyhow::Result<()> {
        let Surroundings { store, clock, .. } = &self.surroundings;
        let buys = !purchase::hops(&self.order).is_empty();
        if buys {
            purchase::buy(&self.surroundings, &self.order, self.share, self.stop.clone()).await?;
        }
        let session = store.session(&self.order.account()).await?;
        let waiting = session.as_ref().map_or(0, |session| session.articles_deferred);
        state.cost_usd = session.map_or(0, |session| session.spent_usd.saturating_add(session.in_doubt_usd));
        let status = if waiting > 0 && buys { INCOMPLETE } else { COMPLETED };
        status.clone_into(&mut state.status);
        let now = clock.now();
        state.finished_at = Some(now.0);
        store.note_run(state, now).await?;
        if buys && waiting == 0 {
            purchase::forget(&self.surroundings, &self.order).await?;
        }
        Ok(())
    }
}

struct Buys {
    topic: Arc<str>,
    producer: Arc<Producer>,
}

/// How far a run is.
struct Done {
    /// Records of each partition.
    counts: BTreeMap<i32, u64>,
    /// Where each partition is.
    at: BTreeMap<i32, i64>,
    offsets: u64,
}

impl Done {
    /// A segment of `records` that ends at `end` has landed: how many records of its partition have, and how many offsets of
    /// all.
    fn add(&mut self, partition: i32, end: i64, records: u64) -> (u64, u64) {
        let count = self.counts.entry(partition).or_default();
        *count += records;
        let at = self.at.insert(partition, end).unwrap_or(end);
        self.offsets += range::length(at, end);
        (*count, self.offsets)
    }
}
