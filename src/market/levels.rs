//! Support and resistance: prices at which the market turned more than once, as they stand at the last bar.
//!
//! A level is a cluster of turns. Highs and lows count alike: what was resistance is support once the price is above it
//! (Murphy, *Technical Analysis of the Financial Markets*, 1999, chapter 4, "role reversal"). Clusters are taken
//! densest first rather than cut from a grid, so that no level is split by a border.

use crate::model::{Candle, Level, Point, Side};

use super::grade::grade;
use super::line::bars;
use super::swings::Swing;

/// Levels at most; farther ones are left out.
pub const LEVELS_MAX: usize = 8;
/// The latest turns that are looked at.
const TURNS_MAX: usize = 120;
/// From the lowest to the highest turn of a level, in average true ranges.
const SPREAD_MAX_ATRS: f64 = 0.75;
/// Turns of a level at least.
const TOUCHES_MIN: usize = 2;
/// So many turns are as good as more.
const TOUCHES_FULL: usize = 6;
/// A level that was last touched so many bars ago is no longer recent at all.
const RECENT_BARS: usize = 250;

/// The levels around the last close, nearest first; at most [`LEVELS_MAX`].
///
/// `swings` are those of [`turns`](super::swings::turns): between two touches the price then went away and came back.
/// `atr` is that of the last bar; no levels where it is not above 0. Swings that are not confirmed by the last bar are
/// ignored.
///
/// Among the latest 120 turns, the range of 0.75 ATR with the most turns is a level (of equals the tightest, then
/// the newest), then the next of what remains, while there are ranges with two turns. Its price is their mean; it is
/// support at or below the last close, resistance above. With `n` turns, `spread` from the lowest to the highest and
/// `age` bars since the newest,
///
/// ```text
/// confidence = 0.5 * (n - 1) / 5  +  0.25 * (1 - age / 250)  +  0.25 * (1 - spread / (0.75 atr))
/// ```
///
/// with each term cut to its range.
#[must_use]
pub fn find(candles: &[Candle], swings: &[Swing], atr: f64) -> Vec<Level> {
    let Some(last) = candles.last().filter(|_| atr > 0.0) else {
        return Vec::new();
    };
    let known = swings.iter().rev().filter(|swing| swing.confirmed < candles.len());
    let mut turns: Vec<&Swing> = known.take(TURNS_MAX).collect();
    turns.sort_by(|a, b| a.point.price.total_cmp(&b.point.price).then(a.index.cmp(&b.index)));
    let mut levels = Vec::new();
    while let Some(cluster) = densest(&turns, SPREAD_MAX_ATRS * atr) {
        let mut members: Vec<&Swing> = turns.drain(cluster).collect();
        members.sort_by_key(|turn| turn.index);
        levels.push(level(&members, candles.len() - 1, last.close, atr));
    }
    let distance = |level: &Level| (level.price - last.close).abs();
    levels.sort_by(|a, b| distance(a).total_cmp(&distance(b)).then(a.price.total_cmp(&b.price)));
    levels.truncate(LEVELS_MAX);
    levels
}

/// Of turns by price, the densest range.
fn densest(turns: &[&Swing], spread_max: f64) -> Option<std::ops::Range<usize>> {
    let price = |at: usize| turns[at].point.price;
    let mut best: Option<(usize, f64, usize, std::ops::Range<usize>)> = None;
    let mut end = 0;
    for start in 0..turns.len() {
        while end < turns.len() && price(end) - price(start) <= spread_max {
            end += 1;
        }
        let (count, spread) = (end - start, price(end - 1) - price(start));
        let is_better = best.as_ref().is_none_or(|(most, tightest, newest, _)| {
            count > *most
                || (count == *most
                    && (spread < *tightest || (spread <= *tightest && newest_of(&turns[start..end]) > *newest)))
        });
        if count >= TOUCHES_MIN && is_better {
            best = Some((count, spread, newest_of(&turns[start..end]), start..end));
        }
    }
    best.map(|(.., range)| range)
}

fn newest_of(turns: &[&Swing]) -> usize {
    turns.iter().map(|turn| turn.index).max().unwrap_or(0)
}

/// The level of turns that are sorted by bar.
fn level(turns: &[&Swing], now: usize, close: f64, atr: f64) -> Level {
    let points: Vec<Point> = turns.iter().map(|turn| turn.point).collect();
    let prices = || points.iter().map(|point| point.price);
    let price = prices().sum::<f64>() / bars(points.len());
    let spread = prices().fold(f64::NEG_INFINITY, f64::max) - prices().fold(f64::INFINITY, f64::min);
    let touches = grade(bars(points.len()), 1.0, bars(TOUCHES_FULL));
    let recency = grade(bars(now - newest_of(turns)), bars(RECENT_BARS), 0.0);
    let tightness = grade(spread, SPREAD_MAX_ATRS * atr, 0.0);
    Level {
        side: if price > close { Side::Resistance } else { Side::Support },
        price,
        points,
        confidence: 0.5 * touches + 0.25 * recency + 0.25 * tightness,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::drawn;
    use crate::market::swings::{self, REACH, TURN_ATRS};

    fn turns(candles: &[Candle]) -> Vec<Swing> {
        swings::turns(candles, REACH, TURN_ATRS, &drawn::atr(candles))
    }

    #[test]
    fn a_price_where_the_market_turned_twice_is_a_level() {
        // Turned at 120 three times from below and at 110 once from above; the lows differ by more than a level is
        // wide.
        let corners = [
            (0, 90.0),
            (20, 120.0),
            (30, 104.0),
            (45, 120.2),
            (55, 110.0),
            (65, 119.9),
            (80, 98.0),
            (90, 112.0),
            (91, 112.5),
        ];
        let candles = drawn::path(&corners, 0.5);
        let atr = drawn::atr(&candles).pop().flatten().unwrap();
        let levels = find(&candles, &turns(&candles), atr);
        assert_eq!(levels.len(), 1, "{levels:?}");
        let level = &levels[0];
        assert_eq!((level.side, level.points.len()), (Side::Resistance, 3));
        assert!((level.price - 120.533).abs() < 0.001, "{level:?}");
        assert!(level.points.is_sorted_by_key(|point| point.time));
        // 0.5 * 2/5 + 0.25 * (1 - 26/250) + 0.25 * (1 - 0.3 / (0.75 atr))
        let expected = 0.2 + 0.224 + 0.25 * (1.0 - 0.3 / (0.75 * atr));
        assert!((level.confidence - expected).abs() < 1e-9, "{} is not {expected}", level.confidence);
        // From above, the same is support.
        let above = [&corners[..], &[(110, 140.0)]].concat();
        let candles = drawn::path(&above, 0.5);
        let found = find(&candles, &turns(&candles), atr);
        assert_eq!(found[0].side, Side::Support, "{found:?}");
        for nothing in [0.0, -1.0, f64::NAN] {
            assert_eq!(find(&candles, &turns(&candles), nothing), []);
        }
        assert_eq!(find(&[], &[], 1.0), []);
    }

    #[test]
    fn levels_are_few_near_and_those_of_their_bar() {
        for (name, candles) in drawn::charts() {
            let (atr, all) = (drawn::atr(&candles), turns(&candles));
            for now in (50..candles.len()).step_by(31) {
                let (past, atr) = (&candles[..=now], atr[now].unwrap());
                let levels = find(past, &all, atr);
                assert_eq!(levels, find(past, &turns(past), atr), "{name}, bar {now}");
                assert!(levels.len() <= LEVELS_MAX);
                let close = past[now].close;
                assert!(levels.is_sorted_by_key(|level| (level.price - close).abs()));
                for level in &levels {
                    assert!(level.points.len() >= TOUCHES_MIN && (0.0..=1.0).contains(&level.confidence), "{level:?}");
                    assert_eq!(level.side == Side::Resistance, level.price > close);
                }
            }
        }
    }
}
