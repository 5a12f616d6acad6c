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

/// Charts in their context, each with its signals.
pub type Scores = Vec<(ChartInContext, Vec<Signal>)>;

/// The same for lists of charts, which stay beside their signals.
#[derive(Debug)]
pub struct ScoreCharts(ScoreMarket);

impl ScoreCharts {
    /// As [`ScoreMarket::new`].
    #[must_use]
    pub fn new(strategies: Vec<Strategy>, clock: Clock) -> Self {
        Self(ScoreMarket::new(strategies, clock))
    }
}

impl Stage for ScoreCharts {
    type In = Vec<ChartInContext>;
    type Out = Scores;

    fn name(&self) -> &'static str {
        self.0.name()
    }

    async fn apply(self: Arc<Self>, lists: Vec<Vec<ChartInContext>>) -> anyhow::Result<Vec<Verdict<Scores>>> {
        compute(move || {
            let scored = |chart: ChartInContext| Ok((chart.clone(), self.0.signals(chart)?));
            let judged = |charts: Vec<ChartInContext>| {
                let all: serde_json::Result<Scores> = charts.into_iter().map(scored).collect();
                all.map_or_else(unwritable, Verdict::Keep)
            };
            lists.into_iter().map(judged).collect()
        })
        .await
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is given what failed")]
fn unwritable<T>(error: serde_json::Error) -> Verdict<T> {
    Verdict::Reject("unwritable", error.to_string())
}

impl Stage for ScoreMarket {
    type In = ChartInContext;
    type Out = Vec<Signal>;

    fn name(&self) -> &'static str {
        "score/market"
    }

    async fn apply(self: Arc<Self>, charts: Vec<ChartInContext>) -> anyhow::Result<Vec<Verdict<Vec<Signal>>>> {
        compute(move || {
            charts.into_iter().map(|chart| self.signals(chart).map_or_else(unwritable, Verdict::Keep)).collect()
        })
        .await
    }
}
