//! Flags and pennants: a sharp move (the pole), a short rest that gives little of it back, and the move goes on.
//!
//! With a swing high `T` (the tip), the lowest low `B` of the 15 bars before it (the base; the latest of equals), the
//! pole `p = T - B`, and the rest `T+1 ..= j-1` of `n` bars up to the bar `j`:
//!
//! ```text
//! p >= 7 atr[B]                                        a sharp move, for what was usual before it
//! high[b] <= T                                         for every bar b of it
//! (close[T] - close[B]) / sum |close[b] - close[b-1]| >= 0.6     a straight one (Kaufman's efficiency ratio,
//!                                                      *Smarter Trading*, 1995)
//! 5 <= n <= 20                                         a short rest (Bulkowski: flags are shorter than three weeks)
//! T - min(low) <= 0.5 p                                that gives back half of it at most
//! high[b] <= T                                         and goes no higher, for every bar b of it
//! upper: the line through the highest high of each half of the rest, moved up until no high is above it
//! lower: the same of negated prices
//! w(T+1) <= 0.5 p                                      w(bar) = upper(bar) - lower(bar)
//! flag:     2/3 <= w(j-1) / w(T+1) <= 3/2,  upper and lower together do not rise
//! pennant:  w(j-1) / w(T+1) < 2/3,  upper falls, lower rises
//! complete: the first bar j, from the one on that confirms T, with a close above upper(j) where all of it holds
//! ```
//!
//! Those of falling prices are the same of negated prices. It rests on `B`, `T` and the lowest low of the rest. A rest
//! is too short for turns of its own, hence the lines through the extremes of its halves (the bar in the middle belongs
//! to the second, and of equals the first counts).
//!
//! `confidence` is the mean of: the pole `p / atr[B]` from 7 to 14; its straightness from 0.6 to 1; what is given back
//! `(T - min(low)) / p` from 0.5 to 0.2; the close above `upper` from 0 to 1 `atr`.

use super::Formation;
use super::view::View;
use crate::market::grade::{grade, mean};
use crate::market::line::Line;
use crate::market::swings::Swing;

/// In bars.
const POLE_BARS_MAX: usize = 15;
const REST_BARS_MIN: usize = 5;
const REST_BARS_MAX: usize = 20;
/// In average true ranges.
const POLE_MIN_ATRS: f64 = 7.0;
const POLE_FULL_ATRS: f64 = 14.0;
/// The way from end to end over the way that was gone.
const STRAIGHT_MIN: f64 = 0.6;
/// Shares of the pole.
const BACK_MAX: f64 = 0.5;
const BACK_FULL: f64 = 0.2;
const WIDTH_MAX: f64 = 0.5;
/// The width at the end over that at the start; for flags also the reverse.
const PARALLEL_MIN: f64 = 2.0 / 3.0;

pub(super) fn find(view: &View<'_>, swings: &[Swing], found: &mut Vec<Formation>) {
    let known = swings.iter().filter(|swing| swing.confirmed < view.candles.len());
    let tips = known.filter(|swing| view.is_high(swing) && swing.index + REST_BARS_MAX + 1 >= view.since);
    found.extend(tips.filter_map(|tip| Pole::to(view, tip)?.rest(view)));
}

/// A sharp move.
struct Pole<'a> {
    base: usize,
    tip: &'a Swing,
    height: f64,
    /// In average true ranges at the base.
    atrs: f64,
    straight: f64,
}

impl<'a> Pole<'a> {
    fn to(view: &View<'_>, tip: &'a Swing) -> Option<Self> {
        let before = tip.index.saturating_sub(POLE_BARS_MAX)..tip.index;
        // The latest of equals.
        let base = before.rev().min_by(|a, b| view.low(*a).total_cmp(&view.low(*b)))?;
        let height = view.price(tip) - view.low(base);
        let atrs = height / view.atr(base)?;
        let is_higher = |bar: usize| view.high(bar) > view.price(tip);
        if atrs < POLE_MIN_ATRS || (base..tip.index).any(is_higher) {
            return None;
        }
        let gone: f64 = (base + 1..=tip.index).map(|bar| (view.close(bar) - view.close(bar - 1)).abs()).sum();
        let straight = (view.close(tip.index) - view.close(base)) / gone;
        (straight >= STRAIGHT_MIN).then_some(Self { base, tip, height, atrs, straight })
    }

    /// The rest after it, where the move went on.
    fn rest(&self, view: &View<'_>) -> Option<Formation> {
        let (tip, top) = (self.tip.index, self.tip.index + 1);
        let mut lowest = top;
        for end in top..(top + REST_BARS_MAX + 1).min(view.candles.len()) {
            // Here the rest is `top..end`, and `lowest` is in it.
            let is_known = end >= self.tip.confirmed && end - top >= REST_BARS_MIN;
            if is_known && let Some((name, atrs)) = self.left(view, top..end) {
                return Some(self.formation(view, name, lowest, end, atrs));
            }
            if view.low(end) < view.low(lowest) {
                lowest = end;
            }
            let back = view.high(tip) - view.low(lowest);
            if back > BACK_MAX * self.height || view.high(end) > view.high(tip) {
                return None;
            }
        }
        None
    }

    /// The name of the rest if the close after it lies above it, and by how many average true ranges.
    fn left(&self, view: &View<'_>, rest: std::ops::Range<usize>) -> Option<(&'static str, f64)> {
        let end = rest.end;
        let upper = cover(rest.clone(), |bar| view.high(bar))?;
        let above = view.close(end) - upper.at(end);
        if above <= 0.0 {
            return None;
        }
        // The lower line is the upper one of negated lows.
        let lower = cover(rest.clone(), |bar| -view.low(bar))?;
        let lower_slope = -lower.slope();
        let width = |bar| upper.at(bar) + lower.at(bar);
        let closing = width(end - 1) / width(rest.start);
        if width(rest.start) > WIDTH_MAX * self.height {
            return None;
        }
        let is_pennant = closing < PARALLEL_MIN && upper.slope() < 0.0 && lower_slope > 0.0;
        let is_flag = (PARALLEL_MIN..=1.0 / PARALLEL_MIN).contains(&closing) && upper.slope() + lower_slope <= 0.0;
        let name = match (is_flag, is_pennant, view.is_mirrored) {
            (true, _, false) => "bull_flag",
            (true, _, true) => "bear_flag",
            (_, true, false) => "bull_pennant",
            (_, true, true) => "bear_pennant",
            _ => return None,
        };
        Some((name, above / view.atr(end)?))
    }

    fn formation(&self, view: &View<'_>, name: &'static str, lowest: usize, completed: usize, atrs: f64) -> Formation {
        let back = (view.price(self.tip) - view.low(lowest)) / self.height;
        let confidence = mean([
            grade(self.atrs, POLE_MIN_ATRS, POLE_FULL_ATRS),
            grade(self.straight, STRAIGHT_MIN, 1.0),
            grade(back, BACK_MAX, BACK_FULL),
            grade(atrs, 0.0, 1.0),
        ]);
        let points = vec![view.low_point(self.base), self.tip.point, view.low_point(lowest)];
        Formation { name, direction: view.up(), confidence, points, completed }
    }
}

/// The line through the highest of each half of some bars, moved up until none is above it.
fn cover(bars: std::ops::Range<usize>, height: impl Fn(usize) -> f64) -> Option<Line> {
    let middle = usize::midpoint(bars.start, bars.end);
    let highest = |half: std::ops::Range<usize>| {
        // The first of equals.
        let bar = half.rev().max_by(|a, b| height(*a).total_cmp(&height(*b)))?;
        Some((bar, height(bar)))
    };
    let line = Line::between(highest(bars.start..middle)?, highest(middle..bars.end)?)?;
    Some(line.moved(bars.map(|bar| height(bar) - line.at(bar)).fold(0.0, f64::max)))
}
