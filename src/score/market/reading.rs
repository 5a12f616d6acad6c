//! Readings of a chart that the strategies share. All of them are odd or even under a mirrored chart, and finite for
//! any finite input. Distances are in average true ranges, ages in bars, views within −1…1.

use crate::model::{Chart, Direction, Pattern};

use super::Parameters;

/// A pattern over at most so many bars is one of candles, not of turning points: none of TA-Lib's 61 spans more than 5.
const CANDLE_BARS_MAX: f64 = 5.0;

/// 0 at `from` and below, 1 at `to` and beyond, straight between. A step at `from` where `to` is not beyond it.
pub(super) fn ramp(value: f64, from: f64, to: f64) -> f64 {
    if to > from {
        let share = (value - from) / (to - from);
        // The difference of two infinite distances is no evidence.
        if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) }
    } else if value > from {
        1.0
    } else {
        0.0
    }
}

/// The ramp of the size, with the sign of the value.
pub(super) fn signed_ramp(value: f64, from: f64, to: f64) -> f64 {
    if value < 0.0 { -ramp(-value, from, to) } else { ramp(value, from, to) }
}

/// The mean of what is known; `None` where nothing is.
pub(super) fn mean<const N: usize>(views: [Option<f64>; N]) -> Option<f64> {
    let (sum, known) = views.iter().flatten().fold((0.0, 0.0), |(sum, known), view| (sum + view, known + 1.0));
    (known > 0.0).then(|| sum / known)
}

/// `part` in units of `whole`; 0 where there is no such unit, as in a flat market.
pub(super) fn quotient(part: f64, whole: f64) -> f64 {
    let quotient = if whole > 0.0 { part / whole } else { 0.0 };
    if quotient.is_nan() { 0.0 } else { quotient }
}

/// The body of the last bar as a share of its range: −1 where it fell from its high to its low, 1 where it rose.
pub(super) fn body(chart: &Chart) -> f64 {
    let last = &chart.last;
    quotient(last.close - last.open, last.high - last.low).clamp(-1.0, 1.0)
}

/// Lower shadow minus upper shadow as a share of the range: 1 where falling prices were bought back to the top.
pub(super) fn rejection(chart: &Chart) -> f64 {
    let last = &chart.last;
    let lower = last.open.min(last.close) - last.low;
    let upper = last.high - last.open.max(last.close);
    quotient(lower - upper, last.high - last.low).clamp(-1.0, 1.0)
}

/// What the patterns of the last `bars` bars say together: each counts its confidence, less with every bar since it was
/// complete, less where it is one of candles, and as much as `fit` says of it. `None` for a chart without bars.
pub(super) fn patterns(
    chart: &Chart,
    bars: f64,
    parameters: &Parameters,
    fit: impl Fn(&Pattern) -> f64,
) -> Option<f64> {
    let count = |pattern: &Pattern| {
        let sign = match pattern.direction {
            Direction::Bullish => 1.0,
            Direction::Bearish => -1.0,
            Direction::Neutral => 0.0,
        };
        let freshness = 1.0 - ramp(age_bars(chart, pattern.confirmed_at.0), 0.0, bars);
        let kind = if is_of_candles(chart, pattern) { parameters.candle_weight } else { 1.0 };
        sign * pattern.confidence.clamp(0.0, 1.0) * freshness * kind * fit(pattern)
    };
    (chart.bars > 0).then(|| chart.patterns.iter().map(count).sum::<f64>().clamp(-1.0, 1.0))
}

/// Whole bars from the opening at `time` to that of the last bar.
fn age_bars(chart: &Chart, time: i64) -> f64 {
    let age = milliseconds(chart.last.open_time.0.saturating_sub(time)).max(0.0);
    let bar = milliseconds(chart.closed_at.0.saturating_sub(chart.last.open_time.0));
    if bar > 0.0 {
        age / bar
    } else if age > 0.0 {
        f64::INFINITY
    } else {
        0.0
    }
}

/// Whether a pattern is one of a few candles rather than of turning points.
pub(super) fn is_of_candles(chart: &Chart, pattern: &Pattern) -> bool {
    let oldest = pattern.points.first().map_or(pattern.confirmed_at.0, |point| point.time.0);
    let span = age_bars(chart, oldest) - age_bars(chart, pattern.confirmed_at.0);
    span < CANDLE_BARS_MAX
}

#[expect(clippy::cast_precision_loss, reason = "an age in milliseconds is exact for 285,000 years")]
fn milliseconds(age: i64) -> f64 {
    age as f64
}
