//! What derivatives markets say about an instrument: four histories, how they are kept, and how they become one
//! [`MarketContext`](crate::model::MarketContext) as of a moment.
//!
//! Amounts are in US dollars (the service converts), funding in percent, ratios in accounts; times are the starts of
//! buckets. What is kept is closed and never asked for again ([`Track`]); what is told is only what was closed by the
//! moment in question ([`Known::context`]).
//!
//! # Why buckets of 15 minutes
//! A request costs the same whatever its window and interval (`wire-formats.md` 1.1). 15 minutes is the lifetime of a
//! context, so that each question brings one new closed bucket, neither none nor several; a day of them is 96 points of
//! the 1,500 that are kept at least; and the ratio of long to short accounts is 2 minutes old with it, but 17 minutes
//! old from 30 minutes up (1.3). A first question asks for [`FIRST_WINDOW`], which holds a change over 24 hours.

mod context;
mod track;
mod wire;

#[cfg(test)]
mod tests;

use std::time::Duration;

pub use self::context::{AGE_MAX, DAY, Known, Subject};
pub use self::track::{Asked, SILENCE_MAX, Span, State, Track, first};
pub use self::wire::{Answered, read};
use crate::model::{Interval, Timestamp};

/// The interval that is asked for.
pub const INTERVAL: Interval = Interval::QUARTER_HOUR;
/// How far back a first question goes: a day, what is not closed yet, and some to spare.
pub const FIRST_WINDOW: Duration = Duration::from_hours(26);

/// One of the four histories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum History {
    /// Open positions, in US dollars.
    OpenInterest,
    /// Percent for each funding interval.
    FundingRate,
    /// Accounts that are long for each that is short.
    LongShortRatio,
    /// What was closed by force, in US dollars.
    Liquidations,
}

impl History {
    /// All of them, in the order in which they are asked for.
    pub const ALL: [Self; 4] = [Self::OpenInterest, Self::FundingRate, Self::LongShortRatio, Self::Liquidations];

    /// As the column `series` shows it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OpenInterest => "open_interest",
            Self::FundingRate => "funding_rate",
            Self::LongShortRatio => "long_short_ratio",
            Self::Liquidations => "liquidations",
        }
    }

    /// The history of a name; `None` for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|history| history.as_str() == text)
    }

    /// The path of its endpoint.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::OpenInterest => "open-interest-history",
            Self::FundingRate => "funding-rate-history",
            Self::LongShortRatio => "long-short-ratio-history",
            Self::Liquidations => "liquidation-history",
        }
    }

    /// Whether the service is to convert it to US dollars.
    #[must_use]
    pub const fn is_amount(self) -> bool {
        matches!(self, Self::OpenInterest | Self::Liquidations)
    }

    /// Whether it has a bucket only where something happened.
    #[must_use]
    pub const fn is_sparse(self) -> bool {
        matches!(self, Self::Liquidations)
    }

    /// How long after its end a bucket may still change: twice the age that was measured of the newest one (1.3), as our
    /// clock and the service's differ.
    #[must_use]
    pub fn settling(self, interval: Interval) -> Duration {
        let measured_s = match self {
            Self::OpenInterest | Self::FundingRate => 58,
            Self::Liquidations => 118,
            Self::LongShortRatio if interval <= Interval::QUARTER_HOUR => 134,
            Self::LongShortRatio => 17 * 60,
        };
        Duration::from_secs(2 * measured_s)
    }
}

/// What a bucket says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Values {
    /// Open interest or funding, from the first to the last within the bucket.
    Course {
        /// The first.
        open: f64,
        /// The highest.
        high: f64,
        /// The lowest.
        low: f64,
        /// The last.
        close: f64,
    },
    /// The accounts.
    Ratio {
        /// Long for each that is short.
        ratio: f64,
        /// Percent that are long.
        long: f64,
        /// Percent that are short.
        short: f64,
    },
    /// The liquidations.
    Liquidated {
        /// Longs.
        long: f64,
        /// Shorts.
        short: f64,
    },
}

impl Values {
    /// As the column `values` keeps them.
    #[must_use]
    pub fn to_vec(self) -> Vec<f64> {
        match self {
            Self::Course { open, high, low, close } => vec![open, high, low, close],
            Self::Ratio { ratio, long, short } => vec![ratio, long, short],
            Self::Liquidated { long, short } => vec![long, short],
        }
    }

    /// What [`Self::to_vec`] gave; `None` for what it did not give of this history.
    #[must_use]
    pub fn of(history: History, values: &[f64]) -> Option<Self> {
        let read = match (history, values) {
            (History::OpenInterest | History::FundingRate, &[open, high, low, close]) => {
                Self::Course { open, high, low, close }
            }
            (History::LongShortRatio, &[ratio, long, short]) => Self::Ratio { ratio, long, short },
            (History::Liquidations, &[long, short]) => Self::Liquidated { long, short },
            _ => return None,
        };
        let is_signed = history == History::FundingRate;
        values.iter().all(|value| value.is_finite() && (is_signed || *value >= 0.0)).then_some(read)
    }

    /// The last of a course, or the ratio; `None` for liquidations, which add up instead.
    pub(super) fn last(self) -> Option<f64> {
        match self {
            Self::Course { close, .. } => Some(close),
            Self::Ratio { ratio, .. } => Some(ratio),
            Self::Liquidated { .. } => None,
        }
    }
}

/// A stretch of a history.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// When it began.
    pub start: Timestamp,
    /// What it says.
    pub values: Values,
}

/// The start of the bucket that a moment lies in.
#[must_use]
pub fn bucket_start(moment: Timestamp, interval: Interval) -> Timestamp {
    Timestamp(moment.0 - moment.0.rem_euclid(i64::from(interval.seconds()) * 1_000))
}

/// As the service calls an interval; `None` where it has none of that length.
#[must_use]
pub fn interval_name(interval: Interval) -> Option<&'static str> {
    const NAMES: [(u32, &str); 10] = [
        (60, "1min"),
        (300, "5min"),
        (900, "15min"),
        (1_800, "30min"),
        (3_600, "1hour"),
        (7_200, "2hour"),
        (14_400, "4hour"),
        (21_600, "6hour"),
        (43_200, "12hour"),
        (86_400, "daily"),
    ];
    NAMES.iter().find(|(seconds, _)| *seconds == interval.seconds()).map(|(_, name)| *name)
}
