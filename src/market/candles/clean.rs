//! From rows to candles: every bar is good, repaired or rejected, by these rules and no others.
//!
//! * A time that cannot be read, or lies before 1980 or more than a day after `now`: rejected.
//! * A price that is not finite and above 0, or a volume that is not finite or below 0: rejected. Where no bar of a file
//!   has a volume, it is 0.
//! * A high below its low: exchanged, if that makes the bar whole.
//! * An open or a close outside of high and low by at most [`TOLERANCE`], as rounding leaves it: the high or the low is
//!   moved to cover it. By more: rejected.
//! * The same open time again: the last one of the file counts.
//! * A bar that opens no more than half an interval after the one before it: rejected, since it is of another interval.
//!   Not a whole one: months differ, and days where clocks change.
//! * A bar that is not closed at `now` is dropped, as nothing may be judged by a part of a bar.
//! * More than [`REJECTED_SHARE_MAX`] of the bars rejected: the file is.
//!
//! Bars without a move are kept. The order of bars and repetitions of them change nothing.

use std::time::Duration;

use crate::model::{Candle, Interval, Timestamp};

use super::broken::{Broken, Reason};
use super::moment;
use super::order::Order;
use super::role::{CLOSE, HIGH, LOW, OPEN, VOLUME};
use super::rows::{Bars, Row};
use super::spacing::{Claim, Spacing, spacing};

/// Closed bars that a series has at least: the indicators need them to warm up.
pub const BARS_MIN: usize = 50;
/// A file that loses a larger share of its bars is not believed in the rest.
pub const REJECTED_SHARE_MAX: f64 = 0.1;
/// How far outside of high and low an open or a close may lie, relative to them.
const TOLERANCE: f64 = 1e-4;
/// How far ahead of `now` a bar may open: clocks and time zones differ.
const AHEAD_MAX: Duration = Duration::from_hours(24);

/// What cleaning did, in bars.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// In the file, in the list that was read.
    pub rows: usize,
    /// With the open time of another.
    pub duplicates: usize,
    /// Changed by a rule.
    pub repaired: usize,
    /// Taken out by a rule.
    pub rejected: usize,
    /// Not closed yet.
    pub unfinished: usize,
    /// In other lists of the file, which were not read.
    pub elsewhere: usize,
}

/// Bars that are missing between two others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// When the last bar before it opened.
    pub from: Timestamp,
    /// When the first bar behind it opened.
    pub to: Timestamp,
    /// Bars that would fit between.
    pub missing: u32,
}

pub(super) struct Clean {
    pub candles: Vec<Candle>,
    pub spacing: Spacing,
    pub counts: Counts,
}

/// Cleans a list of rows.
pub(super) fn clean(bars: &Bars<'_>, order: Order, claims: &[Option<Claim>], now: Timestamp) -> Result<Clean, Broken> {
    let mut tally = Tally::new(bars);
    let mut candles = tally.candles(&bars.rows, order, now);
    tally.counts.duplicates = sort(&mut candles);
    tally.enough(candles.len())?;
    let spacing = spacing(&candles, claims)?;
    tally.space(&mut candles, spacing.interval);
    let open = |candle: &&Candle| candle.open_time.plus(spacing.interval.duration()) > now;
    tally.counts.unfinished = candles.iter().rev().take_while(open).count();
    candles.truncate(candles.len() - tally.counts.unfinished);
    tally.enough(candles.len())?;
    Ok(Clean { candles, spacing, counts: tally.counts })
}

/// The gaps of a clean series.
pub(super) fn gaps(candles: &[Candle], interval: Interval) -> Vec<Gap> {
    let millis = i64::from(interval.seconds()) * 1000;
    let gap = |pair: &[Candle]| {
        let (from, to) = (pair[0].open_time, pair[1].open_time);
        // Nearest, as months and days differ.
        let missing = (to.0 - from.0 + millis / 2) / millis - 1;
        (missing > 0).then(|| Gap { from, to, missing: u32::try_from(missing).unwrap_or(u32::MAX) })
    };
    candles.windows(2).filter_map(gap).collect()
}

/// Sorts by open time; of equal ones the last is kept. How many were left out.
pub(super) fn sort(candles: &mut Vec<Candle>) -> usize {
    // Answers of some venues come newest first.
    if candles.windows(2).all(|pair| pair[0].open_time > pair[1].open_time) {
        candles.reverse();
    }
    if !candles.windows(2).all(|pair| pair[0].open_time < pair[1].open_time) {
        candles.sort_by_key(|candle| candle.open_time);
    }
    let before = candles.len();
    candles.dedup_by(|next, kept| {
        let is_same = next.open_time == kept.open_time;
        if is_same {
            *kept = *next;
        }
        is_same
    });
    before - candles.len()
}

struct Tally {
    counts: Counts,
    has_volume: bool,
    /// Number of the first bar that was rejected for itself, and why.
    first: Option<(usize, &'static str)>,
}

enum Verdict {
    Good(Candle),
    Repaired(Candle),
    Rejected(&'static str),
}

impl Tally {
    fn new(bars: &Bars<'_>) -> Self {
        let counts = Counts { rows: bars.rows.len() + bars.odd, rejected: bars.odd, ..Counts::default() };
        Self { counts, has_volume: false, first: None }
    }

    fn candles(&mut self, rows: &[Row], order: Order, now: Timestamp) -> Vec<Candle> {
        let places = order.places();
        let latest = now.plus(AHEAD_MAX).0;
        self.has_volume = rows.iter().any(|row| row.fields[places[VOLUME]].is_finite());
        let mut candles = Vec::with_capacity(rows.len());
        for (row, number) in rows.iter().zip(1..) {
            let verdict = if row.time != moment::NONE && row.time <= latest {
                self.judge(row, places)
            } else {
                Verdict::Rejected("its time cannot be read, or lies before 1980 or more than a day ahead")
            };
            match verdict {
                Verdict::Good(candle) => candles.push(candle),
                Verdict::Repaired(candle) => {
                    self.counts.repaired += 1;
                    candles.push(candle);
                }
                Verdict::Rejected(why) => {
                    self.counts.rejected += 1;
                    self.first.get_or_insert((number, why));
                }
            }
        }
        candles
    }

    fn judge(&self, row: &Row, places: [usize; VOLUME + 1]) -> Verdict {
        let [open, high, low, close] = [OPEN, HIGH, LOW, CLOSE].map(|part| row.fields[places[part]]);
        let volume = if self.has_volume { row.fields[places[VOLUME]] } else { 0.0 };
        if ![open, high, low, close].iter().all(|price| price.is_finite() && *price > 0.0) {
            return Verdict::Rejected("a price of it is no finite number above 0");
        }
        if !volume.is_finite() || volume < 0.0 {
            return Verdict::Rejected("its volume is no finite number from 0 on");
        }
        let candle = Candle { open_time: Timestamp(row.time), open, high, low, close, volume };
        let (top, bottom) = (open.max(close), open.min(close));
        if high >= top && low <= bottom {
            Verdict::Good(candle)
        } else if high < low && low >= top && high <= bottom {
            Verdict::Repaired(Candle { high: low, low: high, ..candle })
        } else if high >= low && top <= high * (1.0 + TOLERANCE) && bottom >= low * (1.0 - TOLERANCE) {
            Verdict::Repaired(Candle { high: high.max(top), low: low.min(bottom), ..candle })
        } else {
            Verdict::Rejected("its open or close lies outside of its high and low")
        }
    }

    /// Takes out bars that are too near to the one before.
    fn space(&mut self, candles: &mut Vec<Candle>, interval: Interval) {
        let half = i64::from(interval.seconds()) * 500;
        let before = candles.len();
        candles.dedup_by(|next, kept| next.open_time.0 - kept.open_time.0 <= half);
        self.counts.rejected += before - candles.len();
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of at most a million bars")]
    fn enough(&self, left: usize) -> Result<(), Broken> {
        let Counts { rows, rejected, .. } = self.counts;
        if rejected as f64 > rows as f64 * REJECTED_SHARE_MAX && rejected > 0 {
            let first = match self.first {
                Some((number, why)) => format!("of bar {number}, {why}"),
                None => "they are no bars, or of another interval".to_owned(),
            };
            let error = format!("{rejected} of {rows} bars are not usable ({first}): fetch the file again");
            return Err(Broken::new(Reason::Inconsistent, error));
        }
        if left < BARS_MIN {
            let error =
                format!("{left} closed bars after cleaning, at least {BARS_MIN} are needed: fetch more history");
            return Err(Broken::new(Reason::TooFewBars, error));
        }
        Ok(())
    }
}
