//! A series as one chart: every part of the market science at its last bar, put together for whoever scores or draws it.
//!
//! It is made from the last [`BARS_MAX`] bars: recursive indicators have long forgotten what came before (an exponential
//! mean over 50 bars keeps less than 10⁻¹⁶ of it), and a turn of two thousand bars ago says nothing about today.

use super::{candlesticks, formations, indicators, levels, swings, trendlines, volume};
use crate::model::{Candle, Chart, Pattern, Series};

/// Bars that a chart looks at.
pub const BARS_MAX: usize = 2_000;
/// Formations that were completed so many bars ago are still of the present.
const FORMATION_BARS: usize = 50;
/// Candlestick patterns speak of the next few bars.
const CANDLESTICK_BARS: usize = 5;
/// Patterns that a chart tells of, the newest.
const PATTERNS_MAX: usize = 24;
/// Bars of the volume profile, and its bins.
const PROFILE_BARS: usize = 500;
const PROFILE_BINS: usize = 50;

/// What the chart of `series` shows at its last bar; `None` for a series without bars.
#[must_use]
pub fn read(series: &Series) -> Option<Chart> {
    let candles = last(&series.candles, BARS_MAX);
    let newest = *candles.last()?;
    let columns = indicators::of(candles);
    let atr = columns.atr14();
    let swings = swings::find(candles, swings::REACH);
    let (levels, trendlines) = match atr.last().copied().flatten() {
        Some(last) => {
            let turns = swings::turns(candles, swings::REACH, swings::TURN_ATRS, &atr);
            (levels::find(candles, &turns, last), trendlines::find(candles, &turns, last))
        }
        None => (Vec::new(), Vec::new()),
    };
    let mut patterns = patterns(candles, &swings, &atr, FORMATION_BARS, CANDLESTICK_BARS);
    patterns.truncate(PATTERNS_MAX);
    Some(Chart {
        bars: i32::try_from(candles.len()).unwrap_or(i32::MAX),
        last: newest,
        closed_at: newest.open_time.plus(series.interval.duration()),
        indicators: columns.last(),
        before: columns.before(),
        volume_ratio: volume::ratio(candles),
        volume_peak: volume::profile(last(candles, PROFILE_BARS), PROFILE_BINS).map(|profile| profile.peak),
        levels,
        trendlines,
        patterns,
    })
}

/// Every pattern of a series, the newest first: what `signalmill patterns` prints.
#[must_use]
pub fn every_pattern(series: &Series) -> Vec<Pattern> {
    let candles = &series.candles;
    let atr = indicators::of(candles).atr14();
    patterns(candles, &swings::find(candles, swings::REACH), &atr, candles.len(), candles.len())
}

/// Those that were completed within so many of the last bars.
fn patterns(
    candles: &[Candle],
    swings: &[swings::Swing],
    atr: &[Option<f64>],
    formation_bars: usize,
    candlestick_bars: usize,
) -> Vec<Pattern> {
    let mut patterns = formations::find(candles, swings, atr, candles.len().saturating_sub(formation_bars));
    patterns.extend(candlesticks::find(candles, candlestick_bars));
    // Formations stand before candlestick patterns of the same bar, as the sort is stable.
    patterns.sort_by_key(|pattern| std::cmp::Reverse(pattern.confirmed_at));
    patterns
}

fn last<T>(all: &[T], count: usize) -> &[T] {
    &all[all.len().saturating_sub(count)..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::samples;
    use crate::model::{EXCHANGE_UNKNOWN, Interval};

    fn series(candles: Vec<Candle>) -> Series {
        let interval = Interval::parse("1d").unwrap();
        Series { exchange: EXCHANGE_UNKNOWN.to_owned(), symbol: "SPY".to_owned(), interval, candles }
    }

    #[test]
    fn a_real_chart_shows_something_of_everything() {
        let Some((candles, _)) = samples::golden("spy_d") else { return };
        let spy = series(candles);
        let chart = read(&spy).unwrap();
        assert_eq!(usize::try_from(chart.bars), Ok(BARS_MAX));
        assert!(chart.indicators.rsi14.is_some() && chart.before.sma200.is_some() && chart.volume_peak.is_some());
        assert!(!chart.levels.is_empty() && !chart.trendlines.is_empty() && !chart.patterns.is_empty(), "{chart:?}");
        assert!(chart.patterns.windows(2).all(|two| two[0].confirmed_at >= two[1].confirmed_at));
        let all = every_pattern(&spy);
        assert!(all.len() > 1_000 && chart.patterns.iter().all(|pattern| all.contains(pattern)));
    }

    #[test]
    fn odd_charts_are_read_without_a_number_that_is_none() {
        for (name, candles) in samples::odd() {
            let Some(chart) = read(&series(candles)) else { continue };
            let json = serde_json::to_string(&chart.indicators).unwrap();
            assert!(!json.contains("NaN") && !json.contains("inf"), "{name}: {json}");
        }
        assert_eq!(read(&series(Vec::new())), None);
    }
}
