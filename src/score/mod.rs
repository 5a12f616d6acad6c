//! The score hop: knowledge becomes signals, by pure functions.

mod market;
mod news;

use std::sync::Arc;

use crate::clock::Clock;
use crate::flow::{Stage, Verdict, compute};
use crate::model::{Analysis, ChartInContext, Signal, Strategy};

use self::market::{Parameters, signals};
pub(crate) use news::signal;

/// Scores analyses of articles.
#[derive(Debug)]
pub struct Score {
    clock: Clock,
}

impl Score {
    /// A stage that stamps signals by `clock`.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { clock }
    }
}

impl Stage for Score {
    type In = Analysis;
    type Out = Signal;

    fn name(&self) -> &'static str {
        "score/articles"
    }

    async fn apply(self: Arc<Self>, analyses: Vec<Analysis>) -> anyhow::Result<Vec<Verdict<Signal>>> {
        compute(move || {
            let now = self.clock.now();
            analyses
                .into_iter()
                .map(|analysis| signal(analysis, now).map_or(Verdict::Drop("unanalysed"), Verdict::Keep))
                .collect()
        })
        .await
    }
}

/// Scores charts in their context.
#[derive(Debug)]
pub struct ScoreMarket {
    strategies: Vec<Strategy>,
    parameters: Parameters,
    clock: Clock,
}

impl ScoreMarket {
    /// A stage that scores by `strategies`, and stamps signals by `clock`.
    #[must_use]
    pub fn new(strategies: Vec<Strategy>, clock: Clock) -> Self {
        Self { strategies, parameters: Parameters::default(), clock }
    }

    /// The signals of a chart, one a strategy.
    ///
    /// # Errors
    /// What a score rests on cannot be written as JSON.
    pub(crate) fn signals(&self, chart: ChartInContext) -> serde_json::Result<Vec<Signal>> {
        signals(chart, &self.strategies, &self.parameters, self.clock.now())
    }
}

impl Stage for ScoreMarket {
    type In = ChartInContext;
    type Out = Vec<Signal>;

    fn name(&self) -> &'static str {
        "score/market"
    }

    async fn apply(self: Arc<Self>, charts: Vec<ChartInContext>) -> anyhow::Result<Vec<Verdict<Vec<Signal>>>> {
        compute(move || {
            let judged = |chart| {
                self.signals(chart).map_or_else(|error| Verdict::Reject("unwritable", error.to_string()), Verdict::Keep)
            };
            charts.into_iter().map(judged).collect()
        })
        .await
    }
}
