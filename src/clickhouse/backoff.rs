//! How long to wait before the same bytes are sent again: exponential, with full jitter between a floor and a ceiling.
//!
//! The randomness comes from a seed (law 9). Waits are between `floor` and `ceiling`, however many there were.

use std::time::Duration;

/// Bounds of the waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) floor: Duration,
    pub(super) ceiling: Duration,
}

/// A server that is busy, restarting or away.
pub(super) const PASSING: Bounds = Bounds { floor: Duration::from_millis(100), ceiling: Duration::from_secs(10) };
/// Somebody must act: no need to hurry, but resume soon after they did.
pub(super) const LASTING: Bounds = Bounds { floor: Duration::from_secs(2), ceiling: Duration::from_secs(30) };

/// The waits of one insert.
#[derive(Debug)]
pub(super) struct Backoff {
    failures: u32,
    random: u64,
}

impl Backoff {
    pub(super) fn new(seed: u64) -> Self {
        Self { failures: 0, random: seed }
    }

    /// The wait after one more failure.
    pub(super) fn next(&mut self, bounds: Bounds) -> Duration {
        let doubled = bounds.floor.saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX));
        self.failures = self.failures.saturating_add(1);
        let span = doubled.min(bounds.ceiling).saturating_sub(bounds.floor);
        let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        bounds.floor + Duration::from_millis(self.draw() % (millis + 1))
    }

    /// `SplitMix64` (Steele, Lea, Flood 2014): plenty for spreading waits.
    fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_within_their_bounds_and_follow_the_seed() {
        let waits = |seed: u64| {
            let mut backoff = Backoff::new(seed);
            (0..100).map(|_| backoff.next(PASSING)).collect::<Vec<_>>()
        };
        let first = waits(7);
        assert_eq!(first[0], PASSING.floor);
        assert!(first.iter().all(|wait| (PASSING.floor..=PASSING.ceiling).contains(wait)));
        assert!(first[10..].iter().any(|wait| *wait > Duration::from_secs(5)));
        assert_eq!(first, waits(7));
        assert_ne!(first, waits(8));
    }
}
