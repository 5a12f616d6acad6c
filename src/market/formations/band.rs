//! Two lines that hold the price between them: what triangles, wedges and channels have in common.
//!
//! Of consecutive turns, the upper line is the line of least squares of the highs, the lower one that of the lows, with
//! two of each at least. With the bars `s` of the first turn and `e` of the last, the widths `w(bar) = upper(bar) -
//! lower(bar)`, and `atr` that at `e`, they are a band where
//!
//! ```text
//! 15 <= e - s in bars <= 150
//! w(s) >= 3 atr,  w(e) > 0
//! |turn - its line| <= 0.4 atr                                      every turn touches
//! lower(b) - 0.5 atr <= close[b] <= upper(b) + 0.5 atr              every bar b from s to e lies within
//! ```

use super::LENGTH_MAX;
use super::view::{Break, View};
use crate::market::grade::grade;
use crate::market::line::{Line, bars};
use crate::market::swings::{Kind, Swing};
use crate::model::{Direction, Point};

/// Turns of a band that is left: five touches at least (Bulkowski, of triangles), and what is as good as more.
pub(super) const TURNS_MIN: usize = 5;
pub(super) const TURNS_MAX: usize = 8;
/// In bars.
const LENGTH_MIN: usize = 15;
/// In average true ranges.
const WIDTH_MIN_ATRS: f64 = 3.0;
const TOUCH_ATRS: f64 = 0.4;
const OUTSIDE_ATRS: f64 = 0.5;

/// Two lines, and the turns that they are drawn from.
pub(super) struct Band<'a> {
    pub(super) turns: &'a [Swing],
    upper: Line,
    lower: Line,
    start: f64,
    end: f64,
    /// The farthest turn from its line, in average true ranges.
    off: f64,
    atr: f64,
}

impl<'a> Band<'a> {
    /// The band of some turns. Whether the closes between lie within is for [`Band::holds`], which takes longer.
    pub(super) fn over(view: &View<'_>, turns: &'a [Swing]) -> Option<Self> {
        let (first, last) = (turns.first()?, turns.last()?);
        if !(LENGTH_MIN..=LENGTH_MAX).contains(&(last.index - first.index)) {
            return None;
        }
        let atr = view.atr(last.index)?;
        let side = |kind| {
            let of_kind = turns.iter().filter(move |turn| turn.kind == kind);
            of_kind.map(|turn| (turn.index, turn.point.price))
        };
        let (upper, lower) = (Line::fit(side(Kind::High))?, Line::fit(side(Kind::Low))?);
        let width = |bar| upper.at(bar) - lower.at(bar);
        let (start, end) = (width(first.index), width(last.index));
        if start < WIDTH_MIN_ATRS * atr || end <= 0.0 {
            return None;
        }
        let off = |line: Line, kind| side(kind).map(move |(bar, price)| (price - line.at(bar)).abs());
        let off = off(upper, Kind::High).chain(off(lower, Kind::Low)).fold(0.0, f64::max) / atr;
        (off <= TOUCH_ATRS).then_some(Self { turns, upper, lower, start, end, off, atr })
    }

    /// The width at the end over that at the start.
    pub(super) fn closing(&self) -> f64 {
        self.end / self.start
    }

    /// How far the upper and the lower line rise from the first turn to the last, in widths at the start.
    pub(super) fn rises(&self) -> (f64, f64) {
        let share = self.length() / self.start;
        (self.upper.slope() * share, self.lower.slope() * share)
    }

    /// How near the turns are to their lines: 1 on them.
    pub(super) fn fit(&self) -> f64 {
        grade(self.off, TOUCH_ATRS, 0.0)
    }

    /// Whether every close from the first turn until `until` lies within.
    pub(super) fn holds(&self, view: &View<'_>, until: usize) -> bool {
        let outside = OUTSIDE_ATRS * self.atr;
        (self.turns[0].index..=until).all(|bar| {
            let close = view.close(bar);
            close <= self.upper.at(bar) + outside && close >= self.lower.at(bar) - outside
        })
    }

    /// The first close outside and its way, from the bar on that confirms the last turn, before the lines meet and
    /// within half as many bars after the last turn as the band has. `None` where the closes before it do not lie within.
    pub(super) fn left(&self, view: &View<'_>) -> Option<(Break, Direction)> {
        let last = self.turns.last()?;
        let until = last.index + (last.index - self.turns[0].index) / 2;
        if until < view.since || !self.holds(view, last.index) {
            return None;
        }
        for bar in last.confirmed..=until.min(view.candles.len().checked_sub(1)?) {
            let (upper, lower, close) = (self.upper.at(bar), self.lower.at(bar), view.close(bar));
            if upper <= lower {
                return None;
            }
            let (beyond, direction) =
                if close > upper { (close - upper, Direction::Bullish) } else { (lower - close, Direction::Bearish) };
            if beyond > 0.0 {
                return Some((Break { bar, atrs: beyond / view.atr(bar)? }, direction));
            }
        }
        None
    }

    pub(super) fn points(&self) -> Vec<Point> {
        self.turns.iter().map(|turn| turn.point).collect()
    }

    fn length(&self) -> f64 {
        bars(self.turns[self.turns.len() - 1].index - self.turns[0].index)
    }
}

/// Every run of 5 to 8 consecutive turns that is a band.
pub(super) fn each<'a>(view: &View<'a>) -> impl Iterator<Item = Band<'a>> {
    let runs = (TURNS_MIN..=TURNS_MAX).flat_map(|count| view.turns.windows(count));
    runs.filter_map(|turns| Band::over(view, turns))
}
