//! Histories of a market: waves with noise, the same for the same seed, symbol and time, however they are asked for.
//!
//! As with the real service (`wire-formats.md` 1.3) the newest bucket is partial and lags, intraday buckets are kept for
//! so many points, liquidations have a bucket only where there were some, and accounts have none of a minute.

use std::f64::consts::TAU;
use std::ops::RangeInclusive;

use serde_json::{Value, json};

use super::markets::Listed;
use crate::embedded::providers::bill::Question;
use crate::embedded::providers::chance::Chance;

/// Points that are kept of an intraday history, and of a daily one.
const POINTS_MAX: i64 = 1_500;
const DAILY_POINTS_MAX: i64 = 2_500;
const DAY_S: i64 = 86_400;

/// Which history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    OpenInterest,
    FundingRate,
    LongShortRatio,
    Liquidations,
}

/// What is asked about a market, in seconds.
pub(super) struct Window {
    pub kind: Kind,
    pub interval_s: i64,
    pub range: RangeInclusive<i64>,
    pub in_dollars: bool,
    pub now_s: i64,
}

impl Window {
    /// How old the newest data are.
    fn lag_s(&self) -> i64 {
        match self.kind {
            Kind::OpenInterest | Kind::FundingRate => 58,
            Kind::Liquidations => 118,
            Kind::LongShortRatio if self.interval_s <= 900 => 134,
            Kind::LongShortRatio => 17 * 60,
        }
    }
}

/// The points of a market within a window; nothing: the market is left out of the answer.
pub(super) fn points(market: &Listed, window: &Window, seed: u64) -> Vec<Value> {
    let is_missing = window.kind == Kind::LongShortRatio && (!market.has_long_short_ratio || window.interval_s < 300);
    if market.is_delisted || is_missing {
        return Vec::new();
    }
    let told_until = window.now_s - window.lag_s();
    let points = if window.interval_s == DAY_S { DAILY_POINTS_MAX } else { POINTS_MAX };
    let kept_from = told_until - points * window.interval_s;
    let first = (*window.range.start()).clamp(kept_from, told_until + window.interval_s);
    let first = first + (-first).rem_euclid(window.interval_s);
    let last = (*window.range.end()).min(told_until);
    let wave = Wave::of(market, window, seed);
    let starts = (0..).map(|number| first + number * window.interval_s).take_while(|start| *start <= last);
    starts.filter_map(|start| wave.point(start, (start + window.interval_s).min(told_until))).collect()
}

/// How one history of one market moves.
struct Wave {
    kind: Kind,
    seed: u64,
    question: Question,
    level: f64,
    period_s: f64,
    phase: f64,
    /// Of a bucket having liquidations.
    odds: f64,
}

impl Wave {
    fn of(market: &Listed, window: &Window, seed: u64) -> Self {
        let question = Question::of(&format!("{:?}", window.kind), market.symbol.as_bytes());
        let mut chance = Chance::new(seed, question, 0);
        let rank = f64::from(u32::try_from(market.rank).unwrap_or(u32::MAX));
        // Five billion dollars in the first, less in every next one.
        let dollars = 5e9 / (1.0 + rank).powf(1.2) * (0.3 + chance.share());
        let price = 60_000.0 / (1.0 + rank).powi(2);
        let is_coins = !window.in_dollars && !market.is_inverse;
        Self {
            kind: window.kind,
            seed,
            question,
            level: if is_coins { dollars / price } else { dollars },
            period_s: 86_400.0 * (1.0 + 4.0 * chance.share()),
            phase: TAU * chance.share(),
            odds: 0.9 / (1.0 + rank / 40.0),
        }
    }

    /// From -1 to 1, by the time, with a little noise.
    #[expect(clippy::cast_precision_loss, reason = "seconds are far below 2^52")]
    fn at(&self, second: i64) -> f64 {
        let noise = self.chance(second).share() - 0.5;
        0.9 * (TAU * second as f64 / self.period_s + self.phase).sin() + 0.2 * noise
    }

    fn chance(&self, second: i64) -> Chance {
        Chance::new(self.seed, self.question, u32::try_from(second.rem_euclid(i64::from(u32::MAX))).unwrap_or(0))
    }

    fn point(&self, start: i64, end: i64) -> Option<Value> {
        let (open, close) = (self.at(start), self.at(end));
        match self.kind {
            Kind::OpenInterest => Some(course(start, [open, close].map(|wave| self.level * (1.0 + 0.08 * wave)), 3)),
            // Percent: around the usual 0.01.
            Kind::FundingRate => Some(course(start, [open, close].map(|wave| 0.01 + 0.02 * wave), 6)),
            Kind::LongShortRatio => {
                let ratio = round((0.6 * close).exp(), 4);
                let long = round(100.0 * ratio / (1.0 + ratio), 2);
                Some(json!({ "t": start, "r": ratio, "l": long, "s": round(100.0 - long, 2) }))
            }
            Kind::Liquidations => {
                let mut chance = self.chance(start);
                if !chance.happens(self.odds) {
                    return None;
                }
                let amount = self.level / 10_000.0;
                let sides = [chance.share(), chance.share()].map(|share| round(0.01 + amount * share, 3));
                // One side may be empty, never both.
                let [long, short] = match chance.one_of(&[(0.3, true), (0.3, false)]) {
                    Some(true) => [sides[0], 0.0],
                    Some(false) => [0.0, sides[1]],
                    None => sides,
                };
                Some(json!({ "t": start, "l": long, "s": short }))
            }
        }
    }
}

fn course(start: i64, [open, close]: [f64; 2], places: i32) -> Value {
    let spread = 0.1 * (open - close).abs();
    let [o, h, l, c] =
        [open, open.max(close) + spread, open.min(close) - spread, close].map(|value| round(value, places));
    json!({ "t": start, "o": o, "h": h, "l": l, "c": c })
}

fn round(value: f64, places: i32) -> f64 {
    let scale = 10_f64.powi(places);
    (value * scale).round() / scale
}
