//! The gate in front of a service: how many calls may be under way, and whether any.
//!
//! Every call to a paid or limited service passes one: [`Gate::enter`] waits until [`limit`] has a place and [`breaker`]
//! lets calls through, [`Permit::done`] tells both what became of the call. Callers enter in the order in which they
//! came; how many wait is bounded by who calls. There is one gate for each service and key, shared by its clones.
//!
//! An outage is no error of the caller: `enter` waits for as long as it lasts, so that a hop stands still instead of
//! giving its records up, and goes on by itself. [`Gate::watch`] says so to whoever shows it.
//!
//! # Why
//! Only the caller at the head of the queue watches the clock and the places; the others wait for its turn to end (a fair
//! mutex), so that a thousand waiting calls cost one timer. A call is admitted in the last step before `enter` returns:
//! a caller that gives up while it waits has taken nothing that it would have to give back.

mod breaker;
mod limit;
#[cfg(test)]
mod simulation;
mod state;
#[cfg(test)]
mod tests;
mod trend;

use std::sync::Arc;

use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::sync::{Notify, watch};
use tracing::{error, info, warn};

use crate::clock::Clock;
use crate::config::{Breaker as BreakerConfig, Config};
use crate::model::Timestamp;
use crate::observe::{self, Breaker as Shown, ProviderMetrics};

pub use self::breaker::Settings as BreakerSettings;
use self::breaker::{Breaker, Pass};
use self::limit::{Limit, QUOTA_WAIT_MIN, Ticket};
pub use self::state::State;
use super::call::{CallError, Called};

/// What became of a call, as the gate needs it: see [`Called::verdict`].
pub type Verdict<'a> = Result<(), &'a CallError>;

impl<T> Called<T> {
    /// Whether there is an answer, and why not.
    ///
    /// # Errors
    /// That of the call.
    pub fn verdict(&self) -> Verdict<'_> {
        self.result.as_ref().map(|_answer| ())
    }
}

/// Whether one more call may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Now,
    /// Not before.
    At(Timestamp),
    /// When a call that is under way has ended.
    Later,
}

/// What a gate is made from.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The service, as metrics and logs name it.
    pub provider: &'static str,
    /// What it is asked for, as metrics name it.
    pub operations: &'static [&'static str],
    /// The most calls in flight; at least 1.
    pub concurrency_max: usize,
    /// When nothing is asked any more.
    pub breaker: BreakerSettings,
    /// Of the random part of pauses.
    pub seed: u64,
}

impl Settings {
    /// As configured, for a model or what is asked beside it.
    #[must_use]
    pub fn configured(config: &Config, provider: &'static str, operations: &'static [&'static str]) -> Self {
        Self {
            provider,
            operations,
            concurrency_max: config.llm.concurrency_max,
            breaker: (&config.breaker).into(),
            seed: rand::random(),
        }
    }
}

impl From<&BreakerConfig> for BreakerSettings {
    fn from(config: &BreakerConfig) -> Self {
        Self { failures: config.failures, open: config.open }
    }
}

/// The gate of one service and key. Clones share it.
#[derive(Debug, Clone)]
pub struct Gate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    provider: &'static str,
    clock: Clock,
    metrics: ProviderMetrics,
    /// Held by the caller whose turn is next.
    head: tokio::sync::Mutex<()>,
    /// Wakes the head: a call has ended.
    ended: Notify,
    parts: Mutex<Parts>,
    state: watch::Sender<State>,
}

#[derive(Debug)]
struct Parts {
    limit: Limit,
    breaker: Breaker,
    rng: StdRng,
    /// Why the service asked for its last long wait.
    asked: String,
    /// Calls in flight and places, as the metrics have them.
    counted: (usize, usize),
}

impl Gate {
    /// A gate of a service that nothing is known about.
    #[must_use]
    pub fn new(settings: &Settings, clock: Clock) -> Self {
        let metrics = observe::provider(settings.provider, settings.operations);
        let limit = Limit::new(settings.concurrency_max);
        metrics.limit(0, limit.places());
        let parts = Parts {
            counted: (0, limit.places()),
            asked: String::new(),
            limit,
            breaker: Breaker::new(settings.breaker),
            rng: StdRng::seed_from_u64(settings.seed),
        };
        Self(Arc::new(Inner {
            provider: settings.provider,
            clock,
            metrics,
            head: tokio::sync::Mutex::default(),
            ended: Notify::new(),
            parts: Mutex::new(parts),
            state: watch::Sender::new(State::Closed),
        }))
    }

    /// Waits until a call may go, in the order of arrival and without end: a service that is away is waited for. Dropping
    /// the future gives the place in the queue up and nothing else. `operation` is the call's name in metrics.
    pub async fn enter(&self, operation: &'static str) -> Permit {
        let _head = self.0.head.lock().await;
        loop {
            match self.admit(operation) {
                Ok(permit) => return permit,
                // What ends between `admit` and here is kept by the notification.
                Err(None) => self.0.ended.notified().await,
                Err(Some(moment)) => tokio::select! {
                    () = self.0.ended.notified() => {}
                    () = self.0.clock.sleep_until(moment) => {}
                },
            }
        }
    }

    /// How the service is.
    #[must_use]
    pub fn state(&self) -> State {
        self.0.state.borrow().clone()
    }

    /// Whether a call could go before `moment`, as far as is known now: the service is not away until then, and nobody
    /// else is finding out whether it is back.
    #[must_use]
    pub fn may_open_by(&self, moment: Timestamp) -> bool {
        let (parts, now) = (self.0.parts.lock(), self.0.clock.now());
        let opens = |turn| !matches!(turn, Turn::At(opening) if opening >= moment);
        let breaker = parts.breaker.turn(now);
        opens(breaker) && breaker != Turn::Later && opens(parts.limit.turn(now))
    }

    /// Says when [`Gate::state`] changes.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<State> {
        self.0.state.subscribe()
    }

    /// A permit, or the moment before which there is none.
    fn admit(&self, operation: &'static str) -> Result<Permit, Option<Timestamp>> {
        let mut parts = self.0.parts.lock();
        let now = self.0.clock.now();
        let wait = match (parts.breaker.turn(now), parts.limit.turn(now)) {
            (Turn::Now, Turn::Now) => {
                parts.asked.clear();
                let inside = Some((parts.breaker.pass(), parts.limit.send(now)));
                self.0.show(&mut parts, now);
                return Ok(Permit { gate: self.clone(), operation, inside });
            }
            (Turn::At(one), Turn::At(other)) => Some(one.max(other)),
            (Turn::At(moment), Turn::Now) | (Turn::Now, Turn::At(moment)) => Some(moment),
            (Turn::Later, _) | (_, Turn::Later) => None,
        };
        Err(wait)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.metrics.limit(self.parts.get_mut().counted.1, 0);
    }
}

impl Inner {
    /// Metrics, state and log after a change of the parts, whose lock is held so that changes are told in their order.
    fn show(&self, parts: &mut Parts, now: Timestamp) {
        let (in_flight, places) = (parts.limit.in_flight(), parts.limit.places());
        self.metrics.in_flight(parts.counted.0, in_flight);
        self.metrics.limit(parts.counted.1, places);
        parts.counted = (in_flight, places);
        let state = match (parts.breaker.state(), parts.limit.paused_until(now)) {
            (State::Closed, Some(until)) if !parts.asked.is_empty() => {
                State::Paused { until, why: parts.asked.clone() }
            }
            (state, _) => state,
        };
        let provider = self.provider;
        self.state.send_if_modified(|shown| {
            if *shown == state {
                return false;
            }
            self.metrics.breaker(match &state {
                State::Closed | State::Paused { .. } => Shown::Closed,
                State::HalfOpen => Shown::HalfOpen,
                State::Open { .. } | State::Stopped { .. } => Shown::Open,
            });
            match (&state, &*shown) {
                // Said once, not once a minute or once a call.
                (State::Stopped { .. }, State::Stopped { .. })
                | (State::Paused { .. }, State::Paused { .. })
                | (State::Closed, State::Paused { .. })
                | (State::HalfOpen, _) => {}
                (State::Stopped { why }, _) => error!(provider, error = why, "provider refuses us and is stopped"),
                (State::Open { until, why }, _) => {
                    warn!(provider, %until, error = why, "provider is out, its calls wait");
                }
                (State::Paused { until, why }, _) => warn!(provider, %until, error = why, "provider asks to wait"),
                (State::Closed, _) => info!(provider, "provider is back"),
            }
            *shown = state;
            true
        });
    }
}

/// The right to make one call. Dropped without [`Permit::done`], the call counts as cancelled.
#[derive(Debug)]
#[must_use = "the call counts as cancelled when its permit is dropped"]
pub struct Permit {
    gate: Gate,
    operation: &'static str,
    inside: Option<(Pass, Ticket)>,
}

impl Permit {
    /// What became of the call. Makes place for the next.
    pub fn done(mut self, verdict: Verdict<'_>) {
        self.end(Some(verdict));
    }

    fn end(&mut self, verdict: Option<Verdict<'_>>) {
        let Some((pass, ticket)) = self.inside.take() else { return };
        let gate = &*self.gate.0;
        let mut parts = gate.parts.lock();
        let now = gate.clock.now();
        let spread = parts.rng.random();
        match verdict {
            Some(Ok(())) => parts.limit.answered(&ticket, true, now),
            // An answer about the question, and often one that comes sooner than others.
            Some(Err(CallError::Permanent { .. })) => parts.limit.answered(&ticket, false, now),
            Some(Err(CallError::Limited { retry_after, error } | CallError::Transient { retry_after, error })) => {
                parts.limit.refused(&ticket, *retry_after, spread, now);
                if retry_after.is_some_and(|asked| asked >= QUOTA_WAIT_MIN) {
                    parts.asked.clone_from(error);
                }
            }
            Some(Err(CallError::Exhausted { .. } | CallError::Denied { .. } | CallError::Lost { .. })) | None => {
                parts.limit.ended();
            }
        }
        match verdict {
            None => parts.breaker.ended(&pass),
            Some(verdict) => {
                if parts.breaker.heard(&pass, verdict, now) {
                    parts.limit.restart();
                }
            }
        }
        gate.show(&mut parts, now);
        drop(parts);
        gate.ended.notify_one();
        let outcome = match verdict {
            Some(Ok(())) => "ok",
            Some(Err(error)) => error.as_str(),
            None => "cancelled",
        };
        gate.metrics.requested(self.operation, outcome, ticket.age(now));
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.end(None);
    }
}
