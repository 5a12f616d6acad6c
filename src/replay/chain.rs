//! The chain of a segment, for each topic: the stages of the hops, without the topics between them.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::account;
use super::order::Topic;
use super::settle::{Settle, Turn, adopted, adopted_batch, adopted_chart};
use crate::clock::Clock;
use crate::config::Config;
use crate::enrich::market::AsOf;
use crate::enrich::recall::{Recall, Recalled};
use crate::flow::{Decode, Delivery, Hop, Record};
use crate::model::{
    Analysis, ArticleBatch, Cadence, ChartInContext, ChartedSeries, MarketBatch, RawArticle, Series, Timestamp,
};
use crate::pipeline::Surroundings;
use crate::score::{ScoreCharts, Scores, signal};
use crate::sink::{Fact, Replayed};
use crate::window::{ArticleWindow, Clean, CleanSettings, ReadMarket, WindowSettings};
use crate::wire::ALLOCATION_BYTES_MAX;

/// As hops are called in errors and spans.
const NAME: &str = "replay";

/// What every segment of a run has in common.
#[derive(Debug, Clone)]
pub(super) struct Chain {
    pub(super) surroundings: Surroundings,
    pub(super) run_id: String,
    pub(super) topic: Topic,
    /// When the run began: where the clock of its windows stands.
    pub(super) began: Timestamp,
    /// Whether what is missing will be bought.
    pub(super) buys: bool,
}

type Deliveries = mpsc::Receiver<Delivery<Arc<Record>>>;

impl Chain {
    /// A hop that begins with these deliveries. Its clock stands still: windows close by what is in them.
    fn from(&self, deliveries: Deliveries) -> Hop<Arc<Record>> {
        Hop::from(NAME, deliveries, Clock::manual(self.began).0)
    }

    /// Articles, and what was known of them.
    ///
    /// # Errors
    /// When the schema registry does not answer.
    pub(super) async fn recalled(&self, deliveries: Deliveries) -> anyhow::Result<Hop<Recalled>> {
        let Surroundings { config, store, clock, .. } = &self.surroundings;
        let recall = Recall::new(config, store.clone(), clock.clone(), self.buys);
        let run_id = self.run_id.clone();
        if self.topic == Topic::ArticlesBatches {
            let read = self.surroundings.codec::<ArticleBatch>(ALLOCATION_BYTES_MAX).await?;
            let hop = self.from(deliveries).stage(Decode::new("enrich/decode", read, |batch, _| batch));
            return Ok(hop.stage(Turn::new("enrich/adopt", move |batch| adopted_batch(batch, &run_id))).stage(recall));
        }
        let Config { articles, limits, .. } = &**config;
        let read = self.surroundings.codec::<RawArticle>(limits.record_bytes_max.in_memory()).await?;
        let screens = CleanSettings { chars_min: articles.min_chars, languages: articles.languages.clone() };
        let account = account(&run_id);
        let gather = WindowSettings {
            run_id,
            session: Cadence::Named(account.clone()),
            account,
            articles_max: articles.batch_size,
            bytes_max: articles.batch_bytes_max.in_memory(),
            age_max: articles.batch_age_max,
            publishers_first: articles.publishers_first.clone(),
        };
        Ok(self
            .from(deliveries)
            .stage(Decode::new("window/decode", read, |raw, record: &Arc<Record>| (raw, Arc::clone(record))))
            .stage(Clean::new(screens))
            .window(ArticleWindow::new(gather))
            .stage(recall))
    }

    /// What becomes of articles.
    ///
    /// # Errors
    /// As [`Self::recalled`].
    pub(super) async fn articles(&self, deliveries: Deliveries, settle: Settle) -> anyhow::Result<Hop<Replayed>> {
        Ok(self.recalled(deliveries).await?.stage(settle))
    }

    /// What becomes of readings that are scored again.
    ///
    /// # Errors
    /// As [`Self::recalled`].
    pub(super) async fn analyses(&self, deliveries: Deliveries) -> anyhow::Result<Hop<Replayed>> {
        let read = self.surroundings.codec::<Analysis>(ALLOCATION_BYTES_MAX).await?;
        let (run_id, clock) = (self.run_id.clone(), self.surroundings.clock.clone());
        let scored = move |analysis| {
            let signal = signal(adopted(analysis, &run_id), clock.now());
            Replayed { facts: signal.map(|signal| Fact::Signal(Box::new(signal))).into_iter().collect(), to_buy: None }
        };
        let hop = self.from(deliveries).stage(Decode::new("score/decode", read, |analysis, _| analysis));
        Ok(hop.stage(Turn::new("score/articles", scored)))
    }

    /// What becomes of charts, whichever topic they are in.
    ///
    /// # Errors
    /// As [`Self::recalled`].
    pub(super) async fn charts(&self, deliveries: Deliveries) -> anyhow::Result<Hop<Replayed>> {
        let Surroundings { config, store, .. } = &self.surroundings;
        let hop = self.from(deliveries);
        let charts: Hop<Vec<ChartInContext>> = match self.topic {
            Topic::MarketFiles => {
                let bytes_max = config.limits.record_bytes_max.in_memory();
                let read = self.surroundings.codec::<Series>(bytes_max).await?;
                let alone: fn(ChartedSeries) -> Vec<ChartedSeries> = |charted| vec![charted];
                hop.stage(ReadMarket::new(read, bytes_max)).stage(AsOf::new(Some(store.clone()), &self.run_id, alone))
            }
            Topic::MarketBatches => {
                let read = self.surroundings.codec::<MarketBatch>(ALLOCATION_BYTES_MAX).await?;
                let all: fn(MarketBatch) -> Vec<ChartedSeries> = |batch| batch.series;
                hop.stage(Decode::new("enrich/decode", read, |batch, _| batch)).stage(AsOf::new(
                    Some(store.clone()),
                    &self.run_id,
                    all,
                ))
            }
            _ => {
                let read = self.surroundings.codec::<ChartInContext>(ALLOCATION_BYTES_MAX).await?;
                let run_id = self.run_id.clone();
                hop.stage(Decode::new("score/decode", read, |chart, _| chart))
                    .stage(Turn::new("score/adopt", move |chart| vec![adopted_chart(chart, &run_id)]))
            }
        };
        let score = ScoreCharts::new(config.market.strategies.clone(), self.surroundings.clock.clone());
        Ok(charts.stage(score).stage(Turn::new("score/kept", kept)))
    }
}

/// The rows of charts: their signals, and what was known of their markets.
fn kept(scores: Scores) -> Replayed {
    let mut facts = Vec::with_capacity(scores.len() * 4);
    for (chart, signals) in scores {
        facts.extend(signals.into_iter().map(|signal| Fact::Signal(Box::new(signal))));
        facts.push(Fact::Context(Box::new(chart)));
    }
    Replayed { facts, to_buy: None }
}
