//! Whether a service is asked at all.
//!
//! A pure state machine: it is told the time and what became of each call. Closed, it counts failures in a row; at
//! [`Settings::failures`] it opens, and asks again after [`Settings::open`]: first with one call, then with two, then it
//! is closed. A call that fails in between opens it again. Two things stop a service at once: a refusal that only a
//! person can mend ([`CallError::Denied`]) is tried again with one call a minute, and used-up credit
//! ([`CallError::Exhausted`]) when the service said that it would be there again.
//!
//! What a call brings that was sent before the last change is passed over, as it tells of the time before; only a denial
//! always counts. A refused rate is the limit's business and no failure. An answer that is an error of the question
//! ([`CallError::Permanent`]) shows that the service is there.
//!
//! Sources: Nygard, *Release It!* (2007), "Circuit Breaker"; the growing number of calls while half-open is
//! resilience4j's `permittedNumberOfCallsInHalfOpenState`, made to end where [`super::limit`] begins.

#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::model::Timestamp;
use crate::provider::call::CallError;

use super::{State, Turn, Verdict};

/// A denied service is asked again after this time.
const DENIED_PAUSE: Duration = Duration::from_mins(1);
/// Used-up credit is looked for again after this time, where the service does not say when.
const EXHAUSTED_PAUSE: Duration = Duration::from_mins(15);
/// However long the service says: quotas are renewed daily at the latest, and credit is bought at any time.
const EXHAUSTED_PAUSE_MAX: Duration = Duration::from_hours(24);
/// So many calls at a time try a service that was away; when all of them were answered, it is back.
const PROBES_MAX: usize = 2;

/// What opens a breaker, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Failures in a row; at least 1.
    pub failures: u32,
    /// From the last of them until the first call that tries again.
    pub open: Duration,
}

/// A call that was let through.
#[derive(Debug)]
pub(super) struct Pass(u64);

/// The breaker of one service.
#[derive(Debug)]
pub(super) struct Breaker {
    settings: Settings,
    position: Position,
    /// Calls let through, ever.
    passed: u64,
    /// Those with a lower number were let through before the last change.
    since: u64,
}

#[derive(Debug)]
enum Position {
    Closed {
        /// Failures in a row.
        failures: u32,
    },
    Off {
        until: Timestamp,
        outage: Outage,
    },
    Probing {
        outage: Outage,
        /// Calls of this round: how many there may be, are under way, and were answered.
        width: usize,
        out: usize,
        answered: usize,
    },
}

#[derive(Debug, Clone)]
struct Outage {
    why: String,
    denied: bool,
}

impl Breaker {
    /// A breaker of a service that is there.
    pub(super) fn new(settings: Settings) -> Self {
        Self { settings, position: Position::Closed { failures: 0 }, passed: 0, since: 0 }
    }

    /// How the service is.
    pub(super) fn state(&self) -> State {
        match &self.position {
            Position::Closed { .. } => State::Closed,
            // Said until a call was answered: what a person has to mend is not to vanish from sight once a minute.
            Position::Off { outage: Outage { why, denied: true }, .. }
            | Position::Probing { outage: Outage { why, denied: true }, width: 1, .. } => {
                State::Stopped { why: why.clone() }
            }
            Position::Off { until, outage } => State::Open { until: *until, why: outage.why.clone() },
            Position::Probing { .. } => State::HalfOpen,
        }
    }

    /// Whether one more call may be let through.
    pub(super) fn turn(&self, now: Timestamp) -> Turn {
        match &self.position {
            Position::Off { until, .. } if now < *until => Turn::At(*until),
            Position::Probing { width, out, answered, .. } if out + answered >= *width => Turn::Later,
            _ => Turn::Now,
        }
    }

    /// Lets a call through. Only where it is its [`Turn`].
    pub(super) fn pass(&mut self) -> Pass {
        if let Position::Off { outage, .. } = &self.position {
            let outage = outage.clone();
            self.turn_to(Position::Probing { outage, width: 1, out: 0, answered: 0 });
        }
        if let Position::Probing { out, .. } = &mut self.position {
            *out += 1;
        }
        self.passed += 1;
        Pass(self.passed - 1)
    }

    /// A call ended and says nothing about the service: it was given up, or refused for its rate.
    pub(super) fn ended(&mut self, pass: &Pass) {
        if let (true, Position::Probing { out, .. }) = (pass.0 >= self.since, &mut self.position) {
            *out -= 1;
        }
    }

    /// What became of a call. True where the service is asked no more because of it.
    pub(super) fn heard(&mut self, pass: &Pass, verdict: Verdict<'_>, now: Timestamp) -> bool {
        let denied = matches!(self.position, Position::Off { outage: Outage { denied: true, .. }, .. });
        if let (Err(CallError::Denied { error }), false) = (verdict, denied) {
            return self.switch_off(now.plus(DENIED_PAUSE), error, true);
        }
        if pass.0 < self.since {
            return false;
        }
        match verdict {
            Ok(()) | Err(CallError::Permanent { .. }) => self.answered(),
            Err(CallError::Transient { error, .. } | CallError::Lost { error }) => return self.failed(error, now),
            Err(CallError::Exhausted { retry_after, error }) => {
                let pause = retry_after.unwrap_or(EXHAUSTED_PAUSE).min(EXHAUSTED_PAUSE_MAX);
                return self.switch_off(now.plus(pause), error, false);
            }
            Err(CallError::Limited { .. } | CallError::Denied { .. }) => self.ended(pass),
        }
        false
    }

    fn answered(&mut self) {
        match &mut self.position {
            Position::Closed { failures } => *failures = 0,
            Position::Off { .. } => {}
            Position::Probing { width, out, answered, .. } => {
                *out -= 1;
                *answered += 1;
                if answered == width {
                    (*width, *answered) = (*width * 2, 0);
                }
                if *width > PROBES_MAX {
                    self.turn_to(Position::Closed { failures: 0 });
                }
            }
        }
    }

    fn failed(&mut self, error: &str, now: Timestamp) -> bool {
        if let Position::Closed { failures } = &mut self.position {
            *failures += 1;
            if *failures < self.settings.failures {
                return false;
            }
        }
        self.switch_off(now.plus(self.settings.open), error, false)
    }

    fn switch_off(&mut self, until: Timestamp, error: &str, denied: bool) -> bool {
        self.turn_to(Position::Off { until, outage: Outage { why: error.to_owned(), denied } });
        true
    }

    fn turn_to(&mut self, position: Position) {
        self.position = position;
        self.since = self.passed;
    }
}
