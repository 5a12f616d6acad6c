//! What a price did after a moment, without looking ahead.
//!
//! Invariant: once an outcome is [`Outcome::Finished`], bars that come later never change it. An exit bar is believed only
//! where no other bar can still end between it and the end of the horizon.

use std::time::Duration;

use crate::model::{Interval, Timestamp};

/// Intervals that the entry may open after the signal: one bar may be missing, as a quiet market trades nothing.
const ENTRY_INTERVALS_MAX: i64 = 2;
/// Intervals that the exit may end before the horizon does: one, and one bar may be missing.
const EXIT_INTERVALS_MAX: i64 = 2;

/// What is needed of a bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bar {
    /// When it began.
    pub open_time: Timestamp,
    /// The first price.
    pub open: f64,
    /// The last price.
    pub close: f64,
}

/// What became of a signal within a horizon.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome {
    /// The relative change of the price from entry to exit.
    Finished(f64),
    /// The horizon is not over, or its last bars are still to come.
    Pending,
    /// The horizon is over and there is no price for it.
    Missing,
}

impl Outcome {
    /// This outcome, or that of a coarser series where this one has none.
    #[must_use]
    pub fn or(self, coarser: Self) -> Self {
        match (self, coarser) {
            (Self::Finished(_), _) | (Self::Pending, Self::Missing) => self,
            _ => coarser,
        }
    }
}

/// How long after a horizon's end bars may still come: their files are read when somebody sends them.
fn grace(interval: Interval) -> i64 {
    EXIT_INTERVALS_MAX * millis(interval.duration())
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// The forward return within `horizon` of what became available at `available_at`, on ascending `bars` of one series of
/// `interval`, as of `now`. A series that is coarser than the horizon has no outcome.
#[must_use]
pub fn outcome(
    bars: &[Bar],
    interval: Interval,
    available_at: Timestamp,
    horizon: Duration,
    now: Timestamp,
) -> Outcome {
    let (step, horizon) = (millis(interval.duration()), millis(horizon));
    if step > horizon {
        return Outcome::Missing;
    }
    let first = bars.partition_point(|bar| bar.open_time < available_at);
    let latest_entry = available_at.0.saturating_add(step.saturating_mul(ENTRY_INTERVALS_MAX));
    let Some(entry) = bars.get(first).filter(|bar| bar.open_time.0 <= latest_entry) else {
        // A later bar shows that none comes in between.
        let waits =
            first == bars.len() && now.0 <= latest_entry.saturating_add(horizon).saturating_add(grace(interval));
        return if waits { Outcome::Pending } else { Outcome::Missing };
    };
    let due = entry.open_time.0.saturating_add(horizon);
    if now.0 < due {
        return Outcome::Pending;
    }
    let behind = bars.partition_point(|bar| bar.open_time.0.saturating_add(step) <= due);
    // The entry itself ends by then, as no series is coarser than the horizon.
    let exit = bars[first..behind].last().unwrap_or(entry);
    let ends = exit.open_time.0.saturating_add(step);
    let is_last = ends > due.saturating_sub(step) || behind < bars.len();
    if !is_last {
        return if now.0 <= due.saturating_add(grace(interval)) { Outcome::Pending } else { Outcome::Missing };
    }
    let change = exit.close / entry.open - 1.0;
    let is_near = ends > due.saturating_sub(step.saturating_mul(EXIT_INTERVALS_MAX));
    if is_near && change.is_finite() { Outcome::Finished(change) } else { Outcome::Missing }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: i64 = 60_000;
    const HOUR: i64 = 60 * MINUTE;

    fn quarter() -> Interval {
        Interval::QUARTER_HOUR
    }

    /// Quarter-hour bars from 0 on, which open at 100, 101, … and close half a point higher.
    fn bars(count: i64) -> Vec<Bar> {
        let bar = |index: i32| {
            let open = 100.0 + f64::from(index);
            Bar { open_time: Timestamp(i64::from(index) * 15 * MINUTE), open, close: open + 0.5 }
        };
        (0..i32::try_from(count).unwrap()).map(bar).collect()
    }

    fn hours(count: u64) -> Duration {
        Duration::from_hours(count)
    }

    const LATE: Timestamp = Timestamp(1_000 * HOUR);

    #[test]
    fn the_first_bar_after_the_signal_is_the_entry_and_the_last_that_ends_in_time_the_exit() {
        // Known at the very open of bar 4: it opens at 104, and an hour later bar 7 has closed at 107.5.
        assert_eq!(
            outcome(&bars(20), quarter(), Timestamp(HOUR), hours(1), LATE),
            Outcome::Finished(107.5 / 104.0 - 1.0)
        );
        // A millisecond later that bar has already begun.
        let later = outcome(&bars(20), quarter(), Timestamp(HOUR + 1), hours(1), LATE);
        assert_eq!(later, Outcome::Finished(108.5 / 105.0 - 1.0));
    }

    #[test]
    fn what_is_not_over_is_pending_and_what_never_came_is_missing() {
        let at = Timestamp(HOUR);
        assert_eq!(outcome(&bars(20), quarter(), at, hours(1), Timestamp(2 * HOUR - 1)), Outcome::Pending);
        // Over, and its bars are still to come for a while.
        assert_eq!(outcome(&bars(6), quarter(), at, hours(1), Timestamp(2 * HOUR + 1)), Outcome::Pending);
        assert_eq!(outcome(&bars(6), quarter(), at, hours(1), LATE), Outcome::Missing);
        assert_eq!(outcome(&bars(4), quarter(), at, hours(1), Timestamp(HOUR + 1)), Outcome::Pending);
        assert_eq!(outcome(&bars(4), quarter(), at, hours(1), LATE), Outcome::Missing);
        assert_eq!(outcome(&[], quarter(), at, hours(1), LATE), Outcome::Missing);
        assert_eq!(outcome(&bars(20), quarter(), at, Duration::from_mins(10), LATE), Outcome::Missing, "too coarse");
    }

    #[test]
    fn one_missing_bar_is_passed_over_and_more_are_a_hole() {
        let without = |gone: std::ops::Range<i64>| -> Vec<Bar> {
            bars(20).into_iter().filter(|bar| !gone.contains(&(bar.open_time.0 / (15 * MINUTE)))).collect()
        };
        let judged = |bars: &[Bar]| outcome(bars, quarter(), Timestamp(HOUR), hours(1), LATE);
        assert_eq!(judged(&without(4..5)), Outcome::Finished(108.5 / 105.0 - 1.0));
        assert_eq!(judged(&without(4..8)), Outcome::Missing, "no entry");
        assert_eq!(judged(&without(7..8)), Outcome::Finished(106.5 / 104.0 - 1.0));
        assert_eq!(judged(&without(5..8)), Outcome::Missing, "no exit");
        // At the end of the data nobody knows yet whether bar 7 is missing.
        assert_eq!(judged(&bars(7)), Outcome::Missing);
    }

    #[test]
    fn a_coarser_series_helps_out() {
        use Outcome::{Finished, Missing, Pending};
        for (one, other, together) in [
            (Finished(0.1), Finished(0.2), Finished(0.1)),
            (Missing, Finished(0.2), Finished(0.2)),
            (Pending, Finished(0.2), Finished(0.2)),
            (Pending, Missing, Pending),
            (Missing, Pending, Pending),
            (Missing, Missing, Missing),
        ] {
            assert_eq!(one.or(other), together);
        }
    }

    proptest! {
        /// Neither later bars nor a later look change what is finished; nor do bars before the signal.
        #[test]
        fn no_later_bar_changes_an_outcome(
            gone in prop::collection::vec(prop::bool::weighted(0.1), 60),
            seen in 1_usize..60, at in 0..(14 * HOUR), now in 0..(20 * HOUR), long in 1_u64..6,
        ) {
            let all: Vec<Bar> = bars(60).into_iter().zip(gone).filter(|(_, gone)| !gone).map(|(bar, _)| bar).collect();
            let early = &all[..seen.min(all.len())];
            let (at, now) = (Timestamp(at), Timestamp(now));
            let first = outcome(early, quarter(), at, hours(long), now);
            if let Outcome::Finished(change) = first {
                prop_assert!(now.0 >= at.0 + i64::try_from(long).unwrap() * HOUR);
                prop_assert_eq!(outcome(&all, quarter(), at, hours(long), now), Outcome::Finished(change));
                prop_assert_eq!(outcome(&all, quarter(), at, hours(long), LATE), Outcome::Finished(change));
                let after: Vec<Bar> = all.iter().copied().filter(|bar| bar.open_time >= at).collect();
                prop_assert_eq!(outcome(&after, quarter(), at, hours(long), LATE), Outcome::Finished(change));
            }
        }
    }
}
