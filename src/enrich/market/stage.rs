//! The stage: every chart goes on at once, with the freshest context that is stored.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::desk::{Desk, Owned, Writing};
use super::state::{News, Series};
use crate::clock::Clock;
use crate::flow::{Outgoing, Record, Stage, Verdict};
use crate::model::{MARKET_ACCOUNT, MarketBatch};

/// Batches that are looked up side by side; what is under way is bounded by the source.
const SIDE_BY_SIDE: usize = 8;

/// A batch, and the partition that it was read from.
#[derive(Debug)]
pub struct Received {
    batch: MarketBatch,
    partition: i32,
    epoch: u64,
}

impl Received {
    /// A batch as it was read from `record`.
    #[must_use]
    pub fn of(mut batch: MarketBatch, record: &Arc<Record>) -> Self {
        // The sink writes the candles; here they would only be carried along.
        for charted in &mut batch.series {
            charted.series.candles = Vec::new();
        }
        Self { batch, partition: record.partition, epoch: record.epoch }
    }
}

/// Charts in, the same in their context out.
#[derive(Debug)]
pub struct Known {
    pub(super) desk: Desk,
    pub(super) clock: Clock,
}

impl Known {
    /// Tells the charts of a batch. What comes to wait is queued ahead of the batch, which is not committed without it.
    async fn tell(&self, owned: &Owned, batch: MarketBatch) -> anyhow::Result<Vec<Outgoing>> {
        let MarketBatch { run_id, account, series, .. } = batch;
        let may_wait = account == MARKET_ACCOUNT;
        let place = owned.place().await?;
        let now = self.clock.now();
        let mut told = Vec::with_capacity(series.len());
        let mut waits = Vec::new();
        let mut state = owned.lock();
        for charted in series {
            let mut news = state.tell(charted, &run_id, may_wait, now);
            told.extend(news.told.take());
            if news.waits.is_some() || news.is_settled {
                waits.push(news);
            }
        }
        let is_asked_for = waits.iter().any(|News { waits, .. }| waits.is_some());
        // Whether it is durable is known when the batch is: both are in the same queue.
        drop(owned.queue(place, &mut state, Writing { news: waits, ..Writing::default() }, now)?);
        drop(state);
        if is_asked_for {
            owned.changed();
        }
        told.iter().map(|chart| Ok(self.desk.records().context(chart)?)).collect()
    }
}

impl Stage for Known {
    type In = Received;
    type Out = Vec<Outgoing>;

    fn name(&self) -> &'static str {
        "enrich/market"
    }

    fn concurrency(&self) -> usize {
        SIDE_BY_SIDE
    }

    async fn apply(self: Arc<Self>, batches: Vec<Received>) -> anyhow::Result<Vec<Verdict<Vec<Outgoing>>>> {
        let mut series: BTreeMap<(i32, u64), BTreeSet<Series>> = BTreeMap::new();
        for Received { batch, partition, epoch } in &batches {
            let of = batch.series.iter().map(|charted| &charted.series);
            let names = of.map(|series| (series.exchange.clone(), series.symbol.clone()));
            series.entry((*partition, *epoch)).or_default().extend(names);
        }
        let mut owners: BTreeMap<(i32, u64), Arc<Owned>> = BTreeMap::new();
        for ((partition, epoch), series) in series {
            let owned = self.desk.of(partition, epoch).await?;
            owned.prepare(&series.into_iter().collect::<Vec<_>>()).await?;
            owners.insert((partition, epoch), owned);
        }
        let mut verdicts = Vec::with_capacity(batches.len());
        for Received { batch, partition, epoch } in batches {
            let owned = &owners[&(partition, epoch)];
            verdicts.push(Verdict::Keep(self.tell(owned, batch).await?));
        }
        Ok(verdicts)
    }
}
