//! All four histories of an instrument, and what they say as of a moment.
//!
//! Only buckets that had ended by that moment count, so that a context never knows what came later. A value is `None`
//! where nothing was measured: its history is not known, has nothing within [`AGE_MAX`], or does not reach back a day
//! where a day is needed. Liquidations are 0 where a whole day is covered and nothing was liquidated.
//!
//! * `open_interest_usd`: the last value of the newest bucket
//! * `open_interest_change`: that over the value 24 hours before, less one
//! * `funding_rate`, `long_short_ratio`: of the newest bucket
//! * `liquidations_*_usd`: the sum over the 24 hours that end with what is covered

use std::time::Duration;

use super::track::{Asked, State, Track};
use super::{Bucket, History, INTERVAL, Values, bucket_start};
use crate::model::{MarketContext, OiStatus, Timestamp};

/// Over which changes and sums are taken.
pub const DAY: Duration = Duration::from_hours(24);
/// Older values tell about another day.
pub const AGE_MAX: Duration = DAY;
/// How much older than a day the value may be that a change is taken from, where buckets are missing.
const CHANGE_SLACK: Duration = Duration::from_hours(1);

/// Whose context it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject<'a> {
    /// Of the series.
    pub exchange: &'a str,
    /// Of the series.
    pub symbol: &'a str,
    /// How the series was resolved.
    pub status: OiStatus,
    /// The venue that is asked; empty for none.
    pub venue: &'a str,
    /// `live`, or the replay's id.
    pub run_id: &'a str,
}

/// What is known of an instrument.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Known {
    tracks: [Track; History::ALL.len()],
}

impl Known {
    /// As it was kept, in the order of [`History::ALL`].
    #[must_use]
    pub fn restore(tracks: [Track; History::ALL.len()]) -> Self {
        Self { tracks }
    }

    /// One of the histories.
    #[must_use]
    pub fn track(&self, history: History) -> &Track {
        &self.tracks[history as usize]
    }

    /// Takes what was answered about this instrument; `None`: it was left out of the answer. Gives the closed buckets
    /// that are new, to be kept for good.
    pub fn absorb(&mut self, history: History, asked: &Asked, buckets: Option<&[Bucket]>) -> Vec<Bucket> {
        let track = &mut self.tracks[history as usize];
        let fresh = if let Some(buckets) = buckets {
            track.answered(history, asked, buckets)
        } else {
            track.omitted(history, asked);
            Vec::new()
        };
        let is_known = |track: &Track| matches!(track.state(), State::Known { .. });
        let (dense, sparse) = self.tracks.split_at_mut(History::Liquidations as usize);
        if dense.iter().any(is_known) {
            sparse.iter_mut().for_each(Track::nothing_happened);
        }
        fresh
    }

    /// What is to be asked, in the order of [`History::ALL`]. Open interest comes first: until it is known, the others
    /// wait, and who is not known there is not asked for elsewhere.
    #[must_use]
    pub fn states(&self, has_long_short_ratio: bool) -> [State; History::ALL.len()] {
        let mut states = History::ALL.map(|history| self.track(history).state());
        match states[History::OpenInterest as usize] {
            State::Known { .. } => {}
            State::Absent { .. } => states[1..].fill(State::Closed),
            State::Unknown | State::Closed => {
                for state in states[1..].iter_mut().filter(|state| **state == State::Unknown) {
                    *state = State::Closed;
                }
            }
        }
        if !has_long_short_ratio {
            states[History::LongShortRatio as usize] = State::Closed;
        }
        states
    }

    /// What it says as of a moment.
    #[must_use]
    pub fn context(&self, subject: &Subject<'_>, as_of: Timestamp) -> MarketContext {
        let newest = |history| self.newest(history, as_of);
        let [interest, funding, ratio] =
            [History::OpenInterest, History::FundingRate, History::LongShortRatio].map(newest);
        let liquidated = self.liquidated(as_of);
        let ends = [interest, funding, ratio].map(|found| found.map(|(_, end)| end));
        let asked_at = self.tracks.iter().filter_map(Track::asked_at).max();
        let told_until = ends.into_iter().chain([liquidated.map(|(_, end)| end)]).flatten().max();
        let value = |found: Option<(f64, Timestamp)>| found.map(|(value, _)| value);
        MarketContext {
            exchange: subject.exchange.to_owned(),
            symbol: subject.symbol.to_owned(),
            oi_status: if told_until.is_some() { subject.status } else { OiStatus::Neutral },
            venue: subject.venue.to_owned(),
            open_interest_usd: value(interest),
            open_interest_change: interest.and_then(|(value, end)| self.change(value, end)),
            funding_rate: value(funding),
            long_short_ratio: value(ratio),
            liquidations_long_usd: liquidated.map(|([long, _], _)| long),
            liquidations_short_usd: liquidated.map(|([_, short], _)| short),
            as_of: told_until,
            fetched_at: asked_at,
            run_id: subject.run_id.to_owned(),
        }
    }

    /// The value of the newest bucket that had ended by `as_of`, and when it ended.
    fn newest(&self, history: History, as_of: Timestamp) -> Option<(f64, Timestamp)> {
        let buckets = self.track(history).buckets();
        let bucket = buckets.partition_point(|bucket| end(bucket) <= as_of).checked_sub(1).map(|at| buckets[at])?;
        let is_fresh = as_of.since(end(&bucket)) <= AGE_MAX;
        bucket.values.last().filter(|_| is_fresh).map(|value| (value, end(&bucket)))
    }

    /// The relative change of open interest within the day that ends so.
    fn change(&self, value: f64, day_end: Timestamp) -> Option<f64> {
        let (before, ended) = self.newest(History::OpenInterest, before(day_end, DAY))?;
        let is_near = ended >= before_slack(day_end) && before > 0.0;
        Some(value / before - 1.0).filter(|change| is_near && change.is_finite())
    }

    /// Longs and shorts of a day that is covered as a whole, and when it ended.
    fn liquidated(&self, as_of: Timestamp) -> Option<([f64; 2], Timestamp)> {
        let track = self.track(History::Liquidations);
        let covered = track.covered()?;
        let until = covered.until.min(bucket_start(as_of, INTERVAL));
        let from = before(until, DAY);
        if covered.from > from || as_of.since(until) > AGE_MAX {
            return None;
        }
        let day = track.buckets().iter().filter(|bucket| (from..until).contains(&bucket.start));
        let sum = day.fold([0.0, 0.0], |[longs, shorts], bucket| match bucket.values {
            Values::Liquidated { long, short } => [longs + long, shorts + short],
            Values::Course { .. } | Values::Ratio { .. } => [longs, shorts],
        });
        sum.iter().all(|side| side.is_finite()).then_some((sum, until))
    }
}

fn end(bucket: &Bucket) -> Timestamp {
    bucket.start.plus(INTERVAL.duration())
}

fn before(moment: Timestamp, span: Duration) -> Timestamp {
    Timestamp(moment.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
}

fn before_slack(day_end: Timestamp) -> Timestamp {
    before(day_end, DAY + CHANGE_SLACK)
}
