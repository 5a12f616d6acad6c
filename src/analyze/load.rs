//! The candles of a job: those that it brings, or those that are stored.
//!
//! ClickHouse stands behind a [gate](crate::provider::gate) as a paid service does: while it is away its questions wait,
//! and the gate tells when it is back.

use std::time::Duration;

use rand::Rng as _;

use crate::clickhouse::{Decision, Failure, Store, Wanted};
use crate::clock::Clock;
use crate::market::scope::Scope;
use crate::model::Series;
use crate::provider::call::CallError;
use crate::provider::gate::Gate;

use super::case::Case;
use super::door::Door;

/// What is asked for, as metrics name it.
pub(super) const OPERATION: &str = "candles";
/// How long a question waits that the server did not answer, before it queues again.
const WAIT_MS: std::ops::RangeInclusive<u64> = 200..=1_000;

/// Why a job has no candles.
#[derive(Debug)]
pub(super) enum NoCandles {
    /// There are none, or too few, or it asks for none: a sentence.
    Hopeless(String),
    /// The question was refused: it may pass next time.
    Broken(String),
}

/// Loads candles.
#[derive(Debug)]
pub(super) struct Loader {
    pub(super) store: Store,
    pub(super) gate: Gate,
    pub(super) door: Door,
    pub(super) clock: Clock,
}

impl Loader {
    /// The candles of a job, as its [`Scope`] has them.
    ///
    /// # Errors
    /// When the hop is stopping.
    pub(super) async fn load(&self, case: &Case) -> anyhow::Result<Result<Series, NoCandles>> {
        let job = &case.job;
        let scope = match Scope::of(job) {
            Ok(scope) => scope,
            Err(error) => return Ok(Err(NoCandles::Hopeless(error))),
        };
        let series = if job.candles.is_empty() {
            match self.stored(case, scope).await? {
                Ok(Some(series)) => series,
                Ok(None) => return Ok(Err(NoCandles::Hopeless(scope.nothing(job)))),
                Err(failure) => return Ok(Err(NoCandles::Broken(failure.to_string()))),
            }
        } else {
            let candles = job.candles.clone();
            Series { exchange: job.exchange.clone(), symbol: job.symbol.clone(), interval: scope.interval, candles }
        };
        Ok(scope.cut(series, self.clock.now()).map_err(NoCandles::Hopeless))
    }

    /// Asks until there is an answer: `Err` where the question itself is refused.
    async fn stored(&self, case: &Case, scope: Scope) -> anyhow::Result<Result<Option<Series>, Failure>> {
        let exchange = case.job.exchange.trim().to_lowercase();
        let (Scope { interval, back }, bars_max) = (scope, scope.bars_max());
        let wanted = Wanted { exchange: &exchange, symbol: case.job.symbol.trim(), interval, back, bars_max };
        loop {
            let permit = self.door.wait(self.gate.enter(OPERATION)).await?;
            let failure = match case.works(self.store.newest_candles(wanted)).await {
                Ok(found) => {
                    permit.done(Ok(()));
                    return Ok(Ok(found));
                }
                Err(failure) => failure,
            };
            let error = failure.to_string();
            if failure.decision == Decision::Poison {
                permit.done(Err(&CallError::Permanent { error }));
                return Ok(Err(failure));
            }
            permit.done(Err(&CallError::Transient { retry_after: None, error: format!("ClickHouse: {error}") }));
            let wait = Duration::from_millis(rand::rng().random_range(WAIT_MS));
            self.door.wait(self.clock.sleep_until(self.clock.now().plus(wait))).await?;
        }
    }
}
