//! Candlestick patterns: all 61 of TA-Lib, each with a direction, the bars it spans and how far its definition is met.
//!
//! # Why each bar is asked on its own
//! TA-Lib compares a candle with means of up to 10 bars before it, and carries them from bar to bar as running sums.
//! Their rounding depends on where the calculation began, and one bad wick leaves its rounding in them for good. Asked
//! for one bar alone, TA-Lib sums anew: what is found at a bar depends on that bar and the [`REACH`] before it and on
//! nothing else, not on where a file begins or ends. Where sums are exact the answers are the same, and so they are at
//! every bar of both charts that TA-Lib's answers are given for. It is also less work: a long series costs no more than
//! a short one.
//!
//! # Confidence
//! How far the definition is met, not how often it pays: studies of that contradict each other (Caginalp and Laurent,
//! "The predictive power of price patterns", 1998, found that it does; Marshall, Young and Rose, "Candlestick technical
//! trading strategies: can they create value for investors?", 2006, that it does not), and no reliability by name is
//! assumed here. It is the weighted mean ([`Rule`]) of
//! * strength: TA-Lib's answer over 200, its highest: 200 is a pattern confirmed by a later close, 100 one that is
//!   there, 80 one whose bodies share an end;
//! * trend: 1 where the trend before the pattern is the one that its definition asks for, which TA-Lib leaves to its
//!   caller ("significant in a downtrend, which this function does not verify"), and 0 otherwise;
//! * volume: 1 where the last bar traded at least [`Rule::volume_ratio_min`] times the mean of the 20 before, and 0
//!   otherwise. That volume tells something of how far to trust a price: Blume, Easley and O'Hara, "Market statistics
//!   and technical analysis: the role of volume" (1994).
//!
//! A part that is not asked for, or not known (no volume, too few bars), is left out and the weights of the rest count.

mod kind;
mod trend;

#[cfg(test)]
mod tests;

use ta_lib::Core;

use self::kind::{KINDS, Kind, Meaning};
use self::trend::Trend;
use super::prices::Prices;
use super::volume;
use crate::model::{Candle, Direction, Pattern, Point};

/// Bars before a bar that have a say in what is found there: the mean volume is of the most of them.
pub const REACH: usize = volume::RATIO_BARS;
/// TA-Lib's answer for a pattern that a later bar has confirmed.
const CONFIRMED: i32 = 200;
/// Bars after a hikkake that may confirm it.
const CONFIRMED_AFTER_MAX: usize = 3;

/// What confidence is made of. Weights are not negative; their sum need not be 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    /// Weight of TA-Lib's answer.
    pub strength: f64,
    /// Weight of the trend before.
    pub trend: f64,
    /// Weight of the volume.
    pub volume: f64,
    /// The volume that confirms, over the mean of the 20 bars before.
    pub volume_ratio_min: f64,
}

impl Default for Rule {
    /// Half for what TA-Lib saw; of the rest, more for what the definitions name than for what they do not. A choice,
    /// not a measurement.
    fn default() -> Self {
        Self { strength: 0.5, trend: 0.3, volume: 0.2, volume_ratio_min: 1.0 }
    }
}

/// The patterns that were complete at one of the last `within_last` bars: the newest first, at one bar the most certain
/// first. At most 61 a bar. A point is a bar's close.
#[must_use]
pub fn find(candles: &[Candle], within_last: usize) -> Vec<Pattern> {
    find_by(candles, within_last, &Rule::default())
}

/// As [`find`], with confidence by `rule`.
#[must_use]
pub fn find_by(candles: &[Candle], within_last: usize, rule: &Rule) -> Vec<Pattern> {
    let needed = within_last.saturating_add(REACH);
    let tail = &candles[candles.len().saturating_sub(needed)..];
    let chart = Chart { candles: tail, prices: Prices::of(tail), core: Core::new(), rule };
    let mut found = Vec::new();
    for bar in (tail.len().saturating_sub(within_last)..tail.len()).rev() {
        let newer = found.len();
        found.extend(KINDS.iter().filter_map(|kind| chart.pattern(kind, bar)));
        found[newer..].sort_by(|a: &Pattern, b| b.confidence.total_cmp(&a.confidence));
    }
    found
}

struct Chart<'a> {
    candles: &'a [Candle],
    prices: Prices,
    core: Core,
    rule: &'a Rule,
}

impl Chart<'_> {
    fn pattern(&self, kind: &Kind, bar: usize) -> Option<Pattern> {
        let answer = self.answer(kind, bar);
        if answer == 0 {
            return None;
        }
        let span = kind.bars + self.bars_to_confirm(kind, bar, answer);
        let first = (bar + 1).saturating_sub(span);
        let trend = trend::of(&self.prices.close[..first]);
        let direction = direction(kind.meaning, answer, trend);
        let points = self.candles[first..=bar].iter();
        Some(Pattern {
            name: kind.name.to_owned(),
            direction,
            confidence: self.confidence(kind.meaning, answer, direction, trend, bar),
            points: points.map(|candle| Point { time: candle.open_time, price: candle.close }).collect(),
            confirmed_at: self.candles[bar].open_time,
        })
    }

    /// TA-Lib's answer at one bar; 0 where there is no pattern, or too few bars to tell.
    fn answer(&self, kind: &Kind, bar: usize) -> i32 {
        let mut out = [0];
        let range = (kind.detect)(&self.core, bar, bar, &self.prices, &mut out);
        if range.is_ok_and(|range| !range.is_empty()) { out[0] } else { 0 }
    }

    /// Bars from a pattern's own last to the one that confirmed it.
    fn bars_to_confirm(&self, kind: &Kind, bar: usize, answer: i32) -> usize {
        let stands = |back: &usize| bar.checked_sub(*back).is_some_and(|bar| self.answer(kind, bar) == answer / 2);
        let is_confirmed = answer.abs() == CONFIRMED;
        is_confirmed.then(|| (1..=CONFIRMED_AFTER_MAX).find(stands)).flatten().unwrap_or(0)
    }

    fn confidence(&self, meaning: Meaning, answer: i32, direction: Direction, trend: Option<Trend>, bar: usize) -> f64 {
        let Rule { strength, trend: trend_weight, volume: volume_weight, volume_ratio_min } = *self.rule;
        let share = |is_met: bool| f64::from(u8::from(is_met));
        let ratio = volume::ratio(&self.candles[..=bar]);
        let parts = [
            (strength, Some(f64::from(answer.abs()) / f64::from(CONFIRMED))),
            (trend_weight, trend.and_then(|trend| is_asked_for(meaning, direction, trend)).map(share)),
            (volume_weight, ratio.map(|ratio| share(ratio >= volume_ratio_min))),
        ];
        let known = parts.iter().filter_map(|(weight, share)| share.map(|share| (weight, share)));
        let (sum, weights) = known.fold((0.0, 0.0), |(sum, all), (weight, share)| (sum + weight * share, all + weight));
        if weights > 0.0 { (sum / weights).clamp(0.0, 1.0) } else { 0.0 }
    }
}

/// Which way a pattern points.
fn direction(meaning: Meaning, answer: i32, trend: Option<Trend>) -> Direction {
    match (meaning, trend) {
        (Meaning::Turn, Some(Trend::Down)) => Direction::Bullish,
        (Meaning::Turn, Some(Trend::Up)) => Direction::Bearish,
        (Meaning::Turn | Meaning::Indecision, _) => Direction::Neutral,
        _ if answer > 0 => Direction::Bullish,
        _ => Direction::Bearish,
    }
}

/// Whether the trend before is the one that the definition asks for; `None` where it asks for none.
fn is_asked_for(meaning: Meaning, direction: Direction, trend: Trend) -> Option<bool> {
    let (with, against) = match direction {
        Direction::Bullish => (Trend::Up, Trend::Down),
        Direction::Bearish => (Trend::Down, Trend::Up),
        // A turn of nothing.
        Direction::Neutral => return (meaning == Meaning::Turn).then_some(false),
    };
    match meaning {
        Meaning::Reversal | Meaning::Turn => Some(trend == against),
        Meaning::Continuation => Some(trend == with),
        Meaning::Impulse | Meaning::Indecision => None,
    }
}
