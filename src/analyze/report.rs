//! How a worker is, said in `analysis.workers`: at its start, now and then, and at its end.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::{MissedTickBehavior, interval};
use tracing::warn;

use super::tally::Done;
use super::worker::Worker;
use crate::config;
use crate::flow::Offsets;
use crate::kafka;
use crate::model::{BreakerState, Timestamp, WorkerReport};
use crate::observe::Component;
use crate::provider::gate::State;

/// How long the last report may take.
const LAST_WORD_MAX: Duration = Duration::from_secs(4);

/// A service that was not there is asked again after this time.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Reports on one worker.
#[derive(Debug)]
pub struct Reporter {
    pub(super) worker: Arc<Worker>,
    pub(super) kafka: config::Kafka,
    pub(super) settings: config::Analysis,
    pub(super) health: Component,
    pub(super) started_at: Timestamp,
    /// What stood in the way when services were asked last.
    pub(super) trouble: Mutex<Option<String>>,
}

impl Reporter {
    /// Reports for as long as it is awaited.
    pub(super) async fn run(&self) -> anyhow::Error {
        let mut publishing = interval(self.settings.metrics_publish_interval);
        publishing.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut breaker = self.worker.loader.gate.watch();
        let clock = &self.worker.clock;
        let mut check_at = clock.now().plus(self.settings.health_check_interval);
        loop {
            let said = tokio::select! {
                _ = publishing.tick() => self.publish(false).await,
                () = clock.sleep_until(check_at) => {
                    let is_well = self.check().await;
                    let next = if is_well { self.settings.health_check_interval } else { LOOK_AGAIN };
                    check_at = clock.now().plus(next);
                    Ok(())
                }
                changed = breaker.changed() => match changed {
                    Ok(()) => {
                        self.show();
                        self.publish(false).await
                    }
                    Err(gone) => Err(gone.into()),
                },
            };
            if let Err(error) = said {
                return error;
            }
        }
    }

    /// Says the last word. A worker that cannot is missed by its silence.
    pub(super) async fn stopped(&self) {
        let said = tokio::time::timeout(LAST_WORD_MAX, self.publish(true)).await;
        if let Ok(Err(error)) = said {
            warn!(error = format!("{error:#}"), "the last report of a worker was not written");
        }
    }

    /// Asks both services; says whether they are there.
    async fn check(&self) -> bool {
        let (clickhouse, kafka) = tokio::join!(self.worker.loader.store.ping(), kafka::ensure(&self.kafka, &[], false));
        let trouble = match (clickhouse, kafka) {
            (Err(failure), _) => Some(format!("clickhouse: {failure}")),
            (_, Err(error)) => Some(format!("kafka: {error:#}")),
            (Ok(()), Ok(_)) => None,
        };
        let is_well = trouble.is_none();
        *self.trouble.lock() = trouble;
        self.show();
        is_well
    }

    fn show(&self) {
        let state = self.worker.loader.gate.state();
        let trouble = self.trouble.lock().clone();
        match (state.is_out(), trouble) {
            (true, _) => self.health.waiting(format!("clickhouse: {state}")),
            (false, Some(trouble)) => self.health.waiting(trouble),
            (false, None) => self.health.ready(),
        }
    }

    async fn publish(&self, stopped: bool) -> anyhow::Result<()> {
        let Worker { loader, tally, records, transactions, settings, clock, .. } = &*self.worker;
        let Done { jobs, errors, worked } = tally.done();
        let state = loader.gate.state();
        let report = WorkerReport {
            worker_id: settings.worker_id.clone(),
            started_at: self.started_at,
            at: clock.now(),
            analyses_processed: jobs,
            errors_total: errors,
            processing_seconds_total: worked.as_secs_f64(),
            healthy: !state.is_out() && self.trouble.lock().is_none(),
            breaker: match state {
                State::Closed | State::Paused { .. } => BreakerState::Closed,
                State::HalfOpen => BreakerState::HalfOpen,
                State::Open { .. } | State::Stopped { .. } => BreakerState::Open,
            },
            stopped,
        };
        transactions.commit(vec![records.report(&report)?], Offsets::default()).await
    }
}
