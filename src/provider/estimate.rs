//! What questions about articles are expected to cost, before any of them is asked. Money in [`NanoUsd`].

use std::fmt;
use std::sync::Arc;

use crate::model::{Article, NanoUsd, Timestamp};

/// What one article is expected to cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// What is held for it: one question at its worst, and its research where that is enabled.
    pub worst: NanoUsd,
    /// What half of all articles stay below.
    pub typical: NanoUsd,
}

/// Says what an article is expected to cost at a time; nothing where its model has no price then.
#[derive(Clone)]
pub struct Estimator(Arc<Estimate>);

type Estimate = dyn Fn(&Article, Timestamp) -> Option<Expected> + Send + Sync;

impl fmt::Debug for Estimator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Estimator")
    }
}

impl Estimator {
    /// One that goes by `estimate`.
    #[must_use]
    pub fn new(estimate: impl Fn(&Article, Timestamp) -> Option<Expected> + Send + Sync + 'static) -> Self {
        Self(Arc::new(estimate))
    }

    /// What `article` is expected to cost at `now`.
    #[must_use]
    pub fn of(&self, article: &Article, now: Timestamp) -> Option<Expected> {
        (self.0)(article, now)
    }
}
