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

use std::fmt;
use std::time::Duration;

use crate::model::Timestamp;
use crate::provider::call::CallError;

use super::{Turn, Verdict};

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

/// How a service is, for people. No secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It is asked.
    Closed,
    /// A few calls try whether it is back.
    HalfOpen,
    /// It is away, or its credit is used up.
    Open {
        /// When it is tried again.
        until: Timestamp,
        /// What it said last.
        why: String,
    },
    /// It refuses us, and a person has to act. A call a minute tries whether somebody has.
    Stopped {
        /// What it said.
        why: String,
    },
}

impl State {
    /// Whether calls wait for the service to come back. A call that failed in this time failed for the outage, not for
    /// its question.
    #[must_use]
    pub fn is_out(&self) -> bool {
        *self != Self::Closed
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("closed"),
            Self::HalfOpen => f.write_str("half-open"),
            Self::Open { until, why } => write!(f, "open until {until}: {why}"),
            Self::Stopped { why } => write!(f, "stopped: {why}"),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: Settings = Settings { failures: 3, open: Duration::from_mins(1) };

    fn error(word: &str) -> Result<(), CallError> {
        let error = word.to_owned();
        match word {
            "ok" => return Ok(()),
            "limited" => Err(CallError::Limited { retry_after: None, error }),
            "transient" => Err(CallError::Transient { retry_after: None, error }),
            "permanent" => Err(CallError::Permanent { error }),
            "exhausted" => Err(CallError::Exhausted { retry_after: None, error }),
            "exhausted 100" => Err(CallError::Exhausted { retry_after: Some(Duration::from_secs(100)), error }),
            "denied" => Err(CallError::Denied { error }),
            _ => Err(CallError::Lost { error }),
        }
    }

    /// Each step is a second and what one call brought; `-` is a call that was not let through, `wait N` passes seconds.
    fn check(steps: &[(&str, &str)]) {
        let mut breaker = Breaker::new(SETTINGS);
        let mut now = Timestamp(0);
        for (at, (step, expected)) in steps.iter().enumerate() {
            now = now.plus(Duration::from_secs(1));
            if let Some(seconds) = step.strip_prefix("wait ") {
                now = now.plus(Duration::from_secs(seconds.parse::<u64>().unwrap() - 1));
            } else if *step == "-" {
                assert_ne!(breaker.turn(now), Turn::Now, "step {at}: {breaker:?}");
            } else {
                assert_eq!(breaker.turn(now), Turn::Now, "step {at}: {breaker:?}");
                let pass = breaker.pass();
                breaker.heard(&pass, error(step).as_ref().copied(), now);
            }
            let state = breaker.state().to_string();
            assert!(state.starts_with(expected), "step {at} {step}: {state}, expected {expected}");
        }
    }

    #[test]
    fn failures_in_a_row_open_it_and_probes_close_it() {
        check(&[
            ("transient", "closed"),
            ("lost", "closed"),
            ("permanent", "closed"),
            ("transient", "closed"),
            ("lost", "closed"),
            ("limited", "closed"),
            ("transient", "open until 1970-01-01T00:01:07Z: transient"),
            ("-", "open"),
            ("wait 57", "open"),
            ("-", "open"),
            ("lost", "open until 1970-01-01T00:02:07Z: lost"),
            ("-", "open"),
            ("wait 60", "open"),
            ("limited", "half-open"),
            ("ok", "half-open"),
            ("ok", "half-open"),
            ("transient", "open"),
            ("wait 60", "open"),
            ("ok", "half-open"),
            ("permanent", "half-open"),
            ("ok", "closed"),
            ("transient", "closed"),
        ]);
    }

    #[test]
    fn a_denial_stops_it_until_a_probe_is_answered() {
        check(&[
            ("denied", "stopped: denied"),
            ("-", "stopped"),
            ("wait 59", "stopped"),
            ("denied", "stopped"),
            ("-", "stopped"),
            ("wait 60", "stopped"),
            ("limited", "stopped"),
            ("ok", "half-open"),
            ("ok", "half-open"),
            ("ok", "closed"),
        ]);
    }

    #[test]
    fn used_up_credit_pauses_it_for_as_long_as_it_says() {
        check(&[
            ("exhausted", "open until 1970-01-01T00:15:01Z: exhausted"),
            ("wait 898", "open"),
            ("-", "open"),
            ("exhausted 100", "open until 1970-01-01T00:16:41Z: exhausted 100"),
            ("wait 100", "open"),
            ("ok", "half-open"),
        ]);
    }

    #[test]
    fn probes_come_one_at_a_time_then_two_and_a_dropped_one_is_made_up_for() {
        let mut breaker = Breaker::new(SETTINGS);
        let now = Timestamp(0);
        let early = breaker.pass();
        for _ in 0..3 {
            let pass = breaker.pass();
            breaker.heard(&pass, error("transient").as_ref().copied(), now);
        }
        let later = now.plus(SETTINGS.open);
        assert_eq!(breaker.turn(now), Turn::At(later));
        let dropped = breaker.pass();
        assert_eq!(breaker.turn(later), Turn::Later);
        breaker.ended(&dropped);
        let first = breaker.pass();
        assert_eq!(breaker.turn(later), Turn::Later);
        breaker.heard(&early, Ok(()), later);
        assert_eq!(breaker.turn(later), Turn::Later, "a call from before the outage says nothing");
        breaker.heard(&first, Ok(()), later);
        let pair = [breaker.pass(), breaker.pass()];
        assert_eq!(breaker.turn(later), Turn::Later);
        for probe in &pair {
            assert_eq!(breaker.state(), State::HalfOpen);
            breaker.heard(probe, Ok(()), later);
        }
        assert_eq!(breaker.state(), State::Closed);
    }
}
