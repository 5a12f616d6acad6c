//! Where derivatives data is switched off: every chart goes on at once, and its context says that nothing is known.

use std::sync::Arc;

use super::chart::{in_context, neutral};
use crate::clock::Clock;
use crate::flow::{Stage, Verdict};
use crate::model::{ChartInContext, ChartedSeries, MarketBatch};

/// Where nobody is asked: every context is neutral.
#[derive(Debug)]
pub struct NobodyAsked {
    clock: Clock,
}

impl NobodyAsked {
    /// A stage that stamps contexts by `clock`.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { clock }
    }
}

impl Stage for NobodyAsked {
    type In = MarketBatch;
    type Out = Vec<ChartInContext>;

    fn name(&self) -> &'static str {
        "enrich/market"
    }

    async fn apply(self: Arc<Self>, batches: Vec<MarketBatch>) -> anyhow::Result<Vec<Verdict<Vec<ChartInContext>>>> {
        let now = self.clock.now();
        let of = |batch: MarketBatch| {
            let MarketBatch { run_id, series, .. } = batch;
            let neutral = |charted: ChartedSeries| {
                let context = neutral(&charted.series, &run_id);
                in_context(charted, context, now)
            };
            Verdict::Keep(series.into_iter().map(neutral).collect())
        };
        Ok(batches.into_iter().map(of).collect())
    }
}
