//! A chart as a family reads it: upright, or with negated prices, so that a top and a bottom are one rule. All prices
//! in and out of a [`View`] are those of its side, except those of points.

use crate::market::line::Line;
use crate::market::swings::{Kind, Swing};
use crate::model::{Candle, Direction, Point};

/// A chart, seen from one side.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) candles: &'a [Candle],
    pub(super) atr: &'a [Option<f64>],
    /// Alternating.
    pub(super) turns: &'a [Swing],
    /// Completions before this bar are not asked for.
    pub(super) since: usize,
    pub(super) is_mirrored: bool,
}

/// A close beyond a line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Break {
    pub(super) bar: usize,
    /// How far, in average true ranges at that bar.
    pub(super) atrs: f64,
}

impl View<'_> {
    pub(super) fn high(&self, bar: usize) -> f64 {
        if self.is_mirrored { -self.candles[bar].low } else { self.candles[bar].high }
    }

    pub(super) fn low(&self, bar: usize) -> f64 {
        if self.is_mirrored { -self.candles[bar].high } else { self.candles[bar].low }
    }

    pub(super) fn close(&self, bar: usize) -> f64 {
        if self.is_mirrored { -self.candles[bar].close } else { self.candles[bar].close }
    }

    /// The average true range at a bar, where there is one above 0.
    pub(super) fn atr(&self, bar: usize) -> Option<f64> {
        self.atr.get(bar).copied().flatten().filter(|atr| *atr > 0.0)
    }

    pub(super) fn price(&self, swing: &Swing) -> f64 {
        if self.is_mirrored { -swing.point.price } else { swing.point.price }
    }

    pub(super) fn is_high(&self, swing: &Swing) -> bool {
        (swing.kind == Kind::High) != self.is_mirrored
    }

    /// The low of a bar, as a point of the chart.
    pub(super) fn low_point(&self, bar: usize) -> Point {
        let candle = &self.candles[bar];
        Point { time: candle.open_time, price: if self.is_mirrored { candle.high } else { candle.low } }
    }

    /// Falling prices of this side.
    pub(super) fn down(&self) -> Direction {
        if self.is_mirrored { Direction::Bullish } else { Direction::Bearish }
    }

    /// Rising prices of this side.
    pub(super) fn up(&self) -> Direction {
        if self.is_mirrored { Direction::Bearish } else { Direction::Bullish }
    }

    /// The first close below `line` from bar `from` on, until `until`; `None` where a close is above `ceiling` before.
    pub(super) fn breaks_below(&self, line: &Line, ceiling: f64, from: usize, until: usize) -> Option<Break> {
        if until < self.since {
            return None;
        }
        for bar in from..=until.min(self.candles.len().checked_sub(1)?) {
            let below = line.at(bar) - self.close(bar);
            if below > 0.0 {
                return Some(Break { bar, atrs: below / self.atr(bar)? });
            } else if self.close(bar) > ceiling {
                return None;
            }
        }
        None
    }
}
