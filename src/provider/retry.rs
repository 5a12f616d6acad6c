//! When a failed call is tried again.
//!
//! Pure. An attempt counts where it says something about the question: what fails because the service is away, refuses
//! everybody or wants less at a time is asked again without end, as the [gate](super::gate) holds everything back until
//! then, and nothing is given up for an outage. A wait is never shorter than the service itself asks for.
//!
//! Source of the waits: Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog (2015), "full jitter": a random
//! wait below a ceiling that doubles (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>). Ours
//! also has a floor.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng as _};

use crate::config::Retry;

use super::call::CallError;

/// The shortest wait between two attempts, and the longest that is not asked for by the service.
const WAIT_MIN: Duration = Duration::from_millis(200);
const WAIT_MAX: Duration = Duration::from_secs(30);
/// What failed for good is tried once more after this time, then after double the time each time.
const RECOVERY_MIN: Duration = Duration::from_mins(1);
const RECOVERY_MAX: Duration = Duration::from_hours(1);
/// A recovery comes up to this share of its wait earlier, so that what failed together does not come back together.
const RECOVERY_SPREAD: f64 = 0.25;

/// How often, and how soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Attempts that count, the first included.
    pub attempts_max: u32,
    /// The shortest wait.
    pub wait_min: Duration,
    /// The longest wait, unless the service asks for a longer one.
    pub wait_max: Duration,
}

/// What to do about a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Ask again after this wait. The attempt counts.
    Again(Duration),
    /// Ask again after this wait and when the gate opens. The attempt does not count.
    Resume(Duration),
    /// Do not ask again.
    GiveUp,
}

impl Policy {
    /// As configured.
    #[must_use]
    pub fn new(config: &Retry) -> Self {
        Self { attempts_max: config.attempts_max, wait_min: WAIT_MIN, wait_max: WAIT_MAX }
    }

    /// What to do after attempt number `attempt` (from 1, counting those that count) brought `error`. `is_out` is what
    /// [`State::is_out`](super::gate::State::is_out) says now. To ask again after [`CallError::Lost`] is to pay again:
    /// the caller holds the money for it anew, and its limit on what a record may cost ends what this policy does not.
    pub fn next(&self, attempt: u32, error: &CallError, is_out: bool, rng: &mut impl Rng) -> Decision {
        match error {
            CallError::Permanent { .. } => Decision::GiveUp,
            CallError::Denied { .. } | CallError::Exhausted { .. } => Decision::Resume(Duration::ZERO),
            CallError::Limited { retry_after, .. } => Decision::Resume(self.wait(1, *retry_after, rng)),
            CallError::Transient { retry_after, .. } => self.count(attempt, *retry_after, is_out, rng),
            CallError::Lost { .. } => self.count(attempt, None, is_out, rng),
        }
    }

    fn count(&self, attempt: u32, asked: Option<Duration>, is_out: bool, rng: &mut impl Rng) -> Decision {
        if is_out {
            return Decision::Resume(asked.unwrap_or_default());
        }
        if attempt >= self.attempts_max {
            return Decision::GiveUp;
        }
        Decision::Again(self.wait(attempt, asked, rng))
    }

    fn wait(&self, attempt: u32, asked: Option<Duration>, rng: &mut impl Rng) -> Duration {
        let doubled = self.wait_min.saturating_mul(1_u32.checked_shl(attempt).unwrap_or(u32::MAX));
        let ceiling = doubled.min(self.wait_max).max(self.wait_min);
        rng.random_range(self.wait_min..=ceiling).max(asked.unwrap_or_default())
    }
}

/// How long after its failure number `attempt` (from 1) what failed for good is tried again by itself. The same `seed`
/// and attempt give the same time, so that a restart does not shift it.
#[must_use]
pub fn recovery(attempt: u32, seed: u64) -> Duration {
    let doubled = RECOVERY_MIN.saturating_mul(1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX));
    let spread: f64 = StdRng::seed_from_u64(seed.wrapping_add(u64::from(attempt))).random();
    doubled.min(RECOVERY_MAX).mul_f64(1.0 - RECOVERY_SPREAD * spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: Policy =
        Policy { attempts_max: 3, wait_min: Duration::from_millis(200), wait_max: Duration::from_secs(1) };

    #[test]
    fn every_error_has_its_decision() {
        let error = String::new;
        let asked = Some(Duration::from_secs(7));
        let transient = CallError::Transient { retry_after: None, error: error() };
        let busy = CallError::Transient { retry_after: asked, error: error() };
        let limited = CallError::Limited { retry_after: None, error: error() };
        let paced = CallError::Limited { retry_after: asked, error: error() };
        let lost = CallError::Lost { error: error() };
        let permanent = CallError::Permanent { error: error() };
        let exhausted = CallError::Exhausted { retry_after: asked, error: error() };
        let denied = CallError::Denied { error: error() };
        let (again, resume) = (Decision::Again, Decision::Resume);
        let ms = Duration::from_millis;
        let give_up = (Decision::GiveUp, Decision::GiveUp);
        // Attempt, error, whether the service is out, and the least and the most that is decided.
        for (attempt, error, is_out, (least, most)) in [
            (1, &transient, false, (again(ms(200)), again(ms(400)))),
            (2, &transient, false, (again(ms(200)), again(ms(800)))),
            (3, &transient, false, give_up),
            (3, &transient, true, (resume(ms(0)), resume(ms(0)))),
            (1, &busy, false, (again(ms(7000)), again(ms(7000)))),
            (9, &busy, true, (resume(ms(7000)), resume(ms(7000)))),
            (1, &lost, false, (again(ms(200)), again(ms(400)))),
            (3, &lost, false, give_up),
            (3, &lost, true, (resume(ms(0)), resume(ms(0)))),
            (9, &limited, false, (resume(ms(200)), resume(ms(400)))),
            (9, &paced, false, (resume(ms(7000)), resume(ms(7000)))),
            (1, &permanent, false, give_up),
            (1, &permanent, true, give_up),
            (9, &exhausted, true, (resume(ms(0)), resume(ms(0)))),
            (9, &denied, true, (resume(ms(0)), resume(ms(0)))),
        ] {
            for seed in 0..50 {
                let decision = POLICY.next(attempt, error, is_out, &mut StdRng::seed_from_u64(seed));
                let fits = match (decision, least, most) {
                    (Decision::Again(wait), Decision::Again(least), Decision::Again(most))
                    | (Decision::Resume(wait), Decision::Resume(least), Decision::Resume(most)) => {
                        (least..=most).contains(&wait)
                    }
                    (decision, least, _) => decision == least,
                };
                assert!(fits, "attempt {attempt}, {error:?}, out: {is_out}: {decision:?}");
            }
        }
    }

    #[test]
    fn waits_spread_over_all_that_is_allowed_and_never_pass_it() {
        let policy = Policy { attempts_max: u32::MAX, ..POLICY };
        let error = CallError::Lost { error: String::new() };
        let mut rng = StdRng::seed_from_u64(7);
        let waits: Vec<Duration> = (1..=1000)
            .map(|attempt| match policy.next(attempt, &error, false, &mut rng) {
                Decision::Again(wait) => wait,
                other => panic!("{other:?}"),
            })
            .collect();
        assert!(waits.iter().all(|wait| (policy.wait_min..=policy.wait_max).contains(wait)));
        assert!(waits.iter().any(|wait| *wait < Duration::from_millis(300)));
        assert!(waits.iter().any(|wait| *wait > Duration::from_millis(900)));
    }

    #[test]
    fn recoveries_double_up_to_an_hour_and_follow_the_seed() {
        for (attempt, minutes) in [(0, 1), (1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (40, 60), (u32::MAX, 60)] {
            let most = Duration::from_mins(minutes);
            for seed in [0, 1, 42, u64::MAX] {
                let wait = recovery(attempt, seed);
                assert!(wait <= most && wait >= most.mul_f64(0.75), "attempt {attempt}: {wait:?}");
                assert_eq!(wait, recovery(attempt, seed));
            }
        }
        assert_ne!(recovery(3, 1), recovery(3, 2));
    }
}
