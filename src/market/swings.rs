//! Swing points: bars where the price turned. Everything else in this module stands on them.
//!
//! [`find`] gives every local extreme, [`turns`] the alternating highs and lows of real moves. Both are append-only:
//! what they give for the bars up to `i` is what they give for more bars, restricted to `confirmed <= i`.
//!
//! Sources: fractals are those of Bill Williams, *Trading Chaos* (1995), who has a reach of two bars. That formations
//! are sequences of alternating extremes is from Lo, Mamaysky & Wang, "Foundations of Technical Analysis", *Journal of
//! Finance* 55 (2000), section II. Where they smooth prices by a kernel, which looks ahead within its window, ours asks
//! for a move of a number of average true ranges, as the zigzag of Merrill, *Filtered Waves* (1977), asks for one of a
//! number of percent.

use crate::model::{Candle, Point};

/// Bars on either side of a swing. Williams has two; one more halves the number of swings that are noise.
pub const REACH: usize = 3;
/// How far the price must move back from an extreme, in average true ranges, to have turned there. Half of all fractals
/// are turns of this size.
pub const TURN_ATRS: f64 = 2.5;

/// Which extreme.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Of the highs.
    High,
    /// Of the lows.
    Low,
}

impl Kind {
    /// The other one.
    #[must_use]
    pub fn opposite(self) -> Self {
        match self {
            Self::High => Self::Low,
            Self::Low => Self::High,
        }
    }

    /// The extreme of a candle that can be a swing, and the other one; both negated for lows, so that more is more
    /// extreme.
    fn ends(self, candle: &Candle) -> (f64, f64) {
        match self {
            Self::High => (candle.high, candle.low),
            Self::Low => (-candle.low, -candle.high),
        }
    }
}

/// A bar where the price turned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Swing {
    /// The bar, counted from 0.
    pub index: usize,
    /// Which extreme.
    pub kind: Kind,
    /// Its time and its high or low.
    pub point: Point,
    /// The bar at whose close it is known.
    pub confirmed: usize,
}

/// All fractals, by bar; where a bar is both, its high comes first.
///
/// Bar `i` is a swing high where its high is above each of the `reach` highs before it and no high of the bars after it
/// is above it until `reach` bars in a row are below: with `last` the last bar of that height, `confirmed` is `last +
/// reach`. Without ties that is Williams' rule, confirmed `reach` bars later. Of bars of equal height within reach of
/// each other (a plateau) the first is the swing, and the only one; a plateau that is left upwards is none, nor is one
/// that begins with the series. Lows are the same of negated prices. A `reach` of 0 counts as 1.
#[must_use]
pub fn find(candles: &[Candle], reach: usize) -> Vec<Swing> {
    let reach = reach.max(1);
    let mut swings = Vec::with_capacity(candles.len() / reach);
    for (index, candle) in candles.iter().enumerate().skip(reach) {
        for (kind, price) in [(Kind::High, candle.high), (Kind::Low, candle.low)] {
            if let Some(confirmed) = confirmation(candles, index, kind, reach) {
                let point = Point { time: candle.open_time, price };
                swings.push(Swing { index, kind, point, confirmed });
            }
        }
    }
    swings
}

fn confirmation(candles: &[Candle], index: usize, kind: Kind, reach: usize) -> Option<usize> {
    let height = |candle: &Candle| kind.ends(candle).0;
    let top = height(&candles[index]);
    if candles[index - reach..index].iter().any(|candle| height(candle) >= top) {
        return None;
    }
    let mut last = index;
    for (bar, candle) in candles.iter().enumerate().skip(index + 1) {
        if height(candle) > top {
            return None;
        } else if height(candle) >= top {
            last = bar;
        } else if bar - last == reach {
            return Some(bar);
        }
    }
    None
}

/// The turns of the price: high, low, high, low, each the extreme of all bars between its neighbours, and each followed
/// by a move of `atrs` average true ranges at least ([`TURN_ATRS`], or more for fewer and larger ones).
///
/// `atr` has one value a bar, `None` where there is none. After a low at bar `l`, the next high is the bar `h > l` with
///
/// ```text
/// high[h] = max(high[l+1..=c])                              the first of equals
/// high[h] - min(low[h+1..=c]) >= atrs * atr[c],  atr[c] > 0
/// c >= h + reach
/// ```
///
/// for the first bar `c` where all three hold, and `c` is when it is `confirmed`. After a high, the next low is the
/// same of negated prices. Which of the two comes first of all is whichever is confirmed first, the earlier bar where
/// both are at once. It is at least `reach` bars after the first `atr`, before which nothing is looked at. A `reach` of
/// 0 counts as 1.
///
/// Nearly every turn is a fractal of the same reach. One that is not lies so close after the turn before that the bars
/// of that earlier move stand above it.
#[must_use]
pub fn turns(candles: &[Candle], reach: usize, atrs: f64, atr: &[Option<f64>]) -> Vec<Swing> {
    let reach = reach.max(1);
    let first = atr.iter().position(Option::is_some).unwrap_or(candles.len());
    let mut turns: Vec<Swing> = Vec::with_capacity(candles.len() / reach);
    let mut legs = vec![Leg::new(Kind::High, first, reach), Leg::new(Kind::Low, first, reach)];
    for (now, atr) in atr.iter().enumerate().take(candles.len()).skip(first) {
        for leg in &mut legs {
            leg.extend(candles, now);
        }
        let Some(atr) = atr.filter(|atr| *atr > 0.0) else {
            continue;
        };
        let turned = |leg: &&Leg| leg.extreme >= leg.earliest && now >= leg.extreme + reach && leg.back >= atrs * atr;
        while let Some(leg) = legs.iter().filter(turned).min_by_key(|leg| leg.extreme) {
            turns.push(leg.turn(candles, now));
            let mut next = Leg::new(leg.kind.opposite(), leg.extreme + 1, 0);
            for bar in next.extreme..=now {
                next.extend(candles, bar);
            }
            legs.clear();
            legs.push(next);
        }
    }
    turns
}

/// The way to the next turn of a kind.
struct Leg {
    kind: Kind,
    /// An earlier bar is no turn: it may be the slope of one that is not seen.
    earliest: usize,
    /// The bar of the extreme so far, and its height.
    extreme: usize,
    top: f64,
    /// How far the price went back since.
    back: f64,
}

impl Leg {
    fn new(kind: Kind, first: usize, margin: usize) -> Self {
        Self { kind, earliest: first + margin, extreme: first, top: f64::NEG_INFINITY, back: 0.0 }
    }

    fn extend(&mut self, candles: &[Candle], bar: usize) {
        let (ahead, behind) = self.kind.ends(&candles[bar]);
        if ahead > self.top {
            (self.extreme, self.top, self.back) = (bar, ahead, 0.0);
        } else {
            self.back = self.back.max(self.top - behind);
        }
    }

    fn turn(&self, candles: &[Candle], confirmed: usize) -> Swing {
        let candle = &candles[self.extreme];
        let price = match self.kind {
            Kind::High => candle.high,
            Kind::Low => candle.low,
        };
        Swing { index: self.extreme, kind: self.kind, point: Point { time: candle.open_time, price }, confirmed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::drawn;

    /// Swings of bars with these highs, as (bar, confirmed); the lows fall all the way.
    fn highs(highs: &[f64], reach: usize) -> Vec<(usize, usize)> {
        let candles: Vec<Candle> =
            highs.iter().enumerate().map(|(bar, high)| drawn::candle(bar, *high, -1.0)).collect();
        find(&candles, reach).iter().map(|swing| (swing.index, swing.confirmed)).collect()
    }

    #[test]
    fn a_fractal_is_above_its_neighbours_and_a_plateau_is_one_swing() {
        for (prices, reach, expected) in [
            (&[1.0, 2.0, 3.0, 2.0, 1.0][..], 2, &[(2, 4)][..]),
            (&[1.0, 2.0, 3.0, 2.0], 2, &[]),
            (&[2.0, 3.0, 2.0, 1.0], 2, &[]),
            (&[1.0, 3.0, 1.0, 2.0, 1.0], 0, &[(1, 2), (3, 4)]),
            // Plateaus: left downwards, left upwards, and two equal tops within reach of each other.
            (&[1.0, 2.0, 3.0, 3.0, 3.0, 2.0, 1.0], 2, &[(2, 6)]),
            (&[1.0, 2.0, 3.0, 3.0, 3.0, 4.0, 1.0], 2, &[]),
            (&[1.0, 2.0, 3.0, 2.0, 3.0, 2.0, 1.0], 2, &[(2, 6)]),
            (&[1.0, 2.0, 3.0, 2.0, 2.0, 3.0, 1.0, 1.0], 2, &[(2, 4), (5, 7)]),
            (&[3.0, 3.0, 3.0, 2.0, 1.0], 2, &[]),
            (&[3.0; 9], 2, &[]),
            (&[], 2, &[]),
        ] {
            assert_eq!(highs(prices, reach), expected, "{prices:?} within {reach}");
        }
    }

    #[test]
    fn turns_alternate_and_leave_out_what_was_no_real_move() {
        // A dip of 1 between two rises is no turn where a turn needs 1.5.
        let candles = drawn::path(&[(0, 10.0), (20, 20.0), (25, 19.0), (35, 24.0), (50, 10.0), (60, 20.0)], 0.1);
        let swings = find(&candles, REACH);
        let turns = turns(&candles, REACH, TURN_ATRS, &vec![Some(1.0); candles.len()]);
        let brief = |swings: &[Swing]| swings.iter().map(|swing| (swing.index, swing.kind)).collect::<Vec<_>>();
        assert_eq!(brief(&swings), [(20, Kind::High), (25, Kind::Low), (35, Kind::High), (50, Kind::Low)]);
        assert_eq!(brief(&turns), [(35, Kind::High), (50, Kind::Low)]);
        assert_eq!((turns[0].confirmed, turns[0].point.price), (38, 24.1));
        for nothing in [None, Some(0.0), Some(f64::NAN)] {
            assert_eq!(super::turns(&candles, REACH, TURN_ATRS, &vec![nothing; candles.len()]), []);
        }
        assert_eq!(super::turns(&candles, REACH, TURN_ATRS, &[]), []);
    }

    #[test]
    fn later_bars_change_no_swing() {
        for (name, candles) in drawn::charts() {
            let atr = drawn::atr(&candles);
            let swings = find(&candles, REACH);
            let turns = turns(&candles, REACH, TURN_ATRS, &atr);
            assert!(
                turns.windows(2).all(|pair| pair[0].kind != pair[1].kind && pair[0].index < pair[1].index),
                "{name}"
            );
            assert!(turns.windows(2).all(|pair| pair[0].confirmed <= pair[1].confirmed), "{name}");
            for bars in (0..candles.len()).step_by(7) {
                let known =
                    |all: &[Swing]| all.iter().filter(|swing| swing.confirmed < bars).copied().collect::<Vec<_>>();
                let before = find(&candles[..bars], REACH);
                assert_eq!(before, known(&swings), "{name}, {bars} bars");
                assert_eq!(
                    super::turns(&candles[..bars], REACH, TURN_ATRS, &atr[..bars]),
                    known(&turns),
                    "{name}, {bars} bars"
                );
            }
        }
    }
}
