//! Histories as the service writes them (`wire-formats.md` 1.3): `[{"symbol", "history": [{"t", …}]}]`, `t` in seconds.
//!
//! Tolerant, point by point: one that is no number, not finite, negative where nothing can be, or at no bucket's start is
//! left out, and costs no other point and no other symbol anything. Nothing is invented in its place.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{Bucket, History, Values};
use crate::model::{Interval, Timestamp};

/// Points of a symbol that are read; the service keeps some 2,000.
const POINTS_MAX: usize = 10_000;
/// Percent for a funding interval beyond which no venue goes: a mistake.
const FUNDING_PERCENT_MAX: f64 = 100.0;
/// Seconds of the years 2009 to 2100: what lies outside is in milliseconds, or a mistake.
const SECONDS: std::ops::RangeInclusive<f64> = 1_230_768_000.0..=4_102_444_800.0;

/// What was answered about a symbol.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    /// Of the list of markets.
    pub symbol: String,
    /// Ascending; the newest may be partial.
    pub buckets: Vec<Bucket>,
}

#[derive(Deserialize)]
struct Row<'a> {
    #[serde(borrow)]
    symbol: Cow<'a, str>,
    #[serde(borrow, default)]
    history: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
struct Point {
    t: Number,
    #[serde(default)]
    o: Number,
    #[serde(default)]
    h: Number,
    #[serde(default)]
    l: Number,
    #[serde(default)]
    c: Number,
    #[serde(default)]
    r: Number,
    #[serde(default)]
    s: Number,
}

/// A number, or a text of one; `None` for anything else.
#[derive(Default, Clone, Copy)]
struct Number(Option<f64>);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        let number = value.as_f64().or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()));
        Ok(Self(number.filter(|number| number.is_finite())))
    }
}

/// The symbols that were answered. One that was asked for and is missing here was omitted.
///
/// # Errors
/// It is no list.
pub fn read(history: History, interval: Interval, body: &[u8]) -> Result<Vec<Answered>, serde_json::Error> {
    let rows: Vec<&RawValue> = serde_json::from_slice(body)?;
    let rows = rows.iter().filter_map(|row| serde_json::from_str::<Row<'_>>(row.get()).ok());
    Ok(rows.map(|row| answered(history, interval, &row)).collect())
}

fn answered(history: History, interval: Interval, row: &Row<'_>) -> Answered {
    let points = row.history.iter().flatten().take(POINTS_MAX);
    let buckets: BTreeMap<Timestamp, Values> = points
        .filter_map(|point| serde_json::from_str::<Point>(point.get()).ok())
        .filter_map(|point| Some((start(&point, interval)?, values(history, &point)?)))
        .collect();
    let buckets = buckets.into_iter().map(|(start, values)| Bucket { start, values }).collect();
    Answered { symbol: row.symbol.clone().into_owned(), buckets }
}

#[expect(clippy::cast_possible_truncation, reason = "within the range of SECONDS")]
fn start(point: &Point, interval: Interval) -> Option<Timestamp> {
    let seconds = point.t.0.filter(|seconds| SECONDS.contains(seconds))?;
    let whole = seconds as i64;
    let is_start = seconds.fract() == 0.0 && whole % i64::from(interval.seconds()) == 0;
    is_start.then_some(Timestamp(whole * 1_000))
}

fn values(history: History, point: &Point) -> Option<Values> {
    match history {
        History::OpenInterest | History::FundingRate => {
            let close = point.c.0?;
            let [open, high, low] = [point.o, point.h, point.l].map(|number| number.0.unwrap_or(close));
            let course = [open, high, low, close];
            let is_sane =
                history == History::OpenInterest || course.iter().all(|rate| rate.abs() <= FUNDING_PERCENT_MAX);
            if is_sane { Values::of(history, &course) } else { None }
        }
        History::LongShortRatio => {
            let (long, short) = (point.l.0, point.s.0);
            let ratio = point.r.0.or_else(|| Some(long? / short?).filter(|ratio| ratio.is_finite()))?;
            // The percents follow from the ratio where they are missing.
            let long = long.unwrap_or(100.0 * ratio / (1.0 + ratio));
            Values::of(history, &[ratio, long, short.unwrap_or(100.0 - long)])
        }
        History::Liquidations => {
            // One side alone means that the other had none.
            let is_said = point.l.0.is_some() || point.s.0.is_some();
            let sides = [point.l, point.s].map(|number| number.0.unwrap_or_default());
            if is_said { Values::of(history, &sides) } else { None }
        }
    }
}
