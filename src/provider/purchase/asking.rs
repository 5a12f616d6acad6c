//! What asking has taken so far, and how it ended.

use rand::SeedableRng as _;
use rand::rngs::StdRng;

use crate::model::{NanoUsd, Timestamp};

/// What the work on one thing has taken so far, and what it may take.
#[derive(Debug)]
pub struct Asking {
    /// Attempts, earlier ones included.
    pub attempts: i32,
    /// Of this round.
    pub(super) round: u32,
    /// What it cost this time.
    pub cost: NanoUsd,
    /// What it cost before.
    spent_before: NanoUsd,
    /// What all of it may cost; `None`: as much as its session has.
    cost_max: Option<NanoUsd>,
    /// From this moment on nothing is begun any more; `None`: an outage is waited for.
    pub(super) until: Option<Timestamp>,
    pub(super) rng: StdRng,
}

impl Default for Asking {
    /// For the first time, as often and as long as it takes.
    fn default() -> Self {
        Self {
            attempts: 0,
            round: 0,
            cost: NanoUsd::ZERO,
            spent_before: NanoUsd::ZERO,
            cost_max: None,
            until: None,
            rng: StdRng::seed_from_u64(rand::random()),
        }
    }
}

impl Asking {
    /// Goes on with what took so many attempts and so much money before; all together may cost `cost_max`.
    #[must_use]
    pub fn again(attempts: i32, spent_before: NanoUsd, cost_max: Option<NanoUsd>) -> Self {
        Self { attempts, spent_before, cost_max, ..Self::default() }
    }

    /// For somebody who has something else to go on with: nothing is waited for that takes longer than until then.
    #[must_use]
    pub fn until(moment: Timestamp) -> Self {
        Self { until: Some(moment), ..Self::default() }
    }

    /// Why another call that costs `worst` may not be made.
    #[must_use]
    pub fn too_dear(&self, worst: NanoUsd) -> Option<String> {
        let limit = self.cost_max?;
        let all = self.spent_before.saturating_add(self.cost).saturating_add(worst);
        (all > limit).then(|| format!("it may cost ${limit}, and another call could bring it to ${all}"))
    }

    /// A call cost this.
    pub fn paid(&mut self, cost: NanoUsd) {
        self.cost = self.cost.saturating_add(cost);
    }
}

/// An answer, bought or remembered.
#[derive(Debug)]
pub struct Found<T> {
    /// What was read in it.
    pub value: T,
    /// The model version that answered.
    pub model: String,
    /// The version of the question.
    pub prompt_version: &'static str,
    /// Tokens in and out.
    pub tokens: [i64; 2],
}

/// How asking ended.
#[derive(Debug)]
pub enum Outcome<T> {
    /// With an answer.
    Found(Found<T>),
    /// Without one.
    Failed {
        /// The last error.
        error: String,
        /// Asking again would bring the same.
        for_good: bool,
    },
}
