//! The score hop: knowledge becomes signals, by pure functions.

pub(crate) mod market;
mod news;

use std::sync::Arc;

use crate::clock::Clock;
use crate::flow::{Stage, Verdict, compute};
use crate::model::{Analysis, Signal};

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
