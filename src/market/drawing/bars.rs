//! The bars of a picture: which they are, where they stand, and their indicators.

use super::scene::{Area, Block, Spot, pixel};
use crate::market::indicators;
pub(super) use crate::market::line::bars as number;
use crate::model::{Candle, Indicators, Timestamp};

/// A price beyond this, up or down, is no price of any market. It also keeps every step of the reckoning finite.
pub(super) const PRICE_MAX: f64 = 1e18;
/// From one bar to the next at most, in pixels: one bar alone does not fill a picture.
const SLOT_MAX: f64 = 24.0;
/// From the last bar to the edge.
const ROOM: f64 = 10.0;
/// Narrower bars have no body to see.
const SLOT_BODIED: f64 = 3.0;

/// The last `count` of the candles that hold prices, with the ends of each in order and a volume of 0 where there is
/// none.
pub(super) fn sound(candles: &[Candle], count: usize) -> Vec<Candle> {
    let is_price = |price: f64| price.abs() <= PRICE_MAX;
    let last = &candles[candles.len().saturating_sub(count)..];
    let held = last.iter().filter(|bar| [bar.open, bar.high, bar.low, bar.close].into_iter().all(is_price));
    held.map(|bar| Candle {
        high: bar.high.max(bar.open).max(bar.close).max(bar.low),
        low: bar.low.min(bar.open).min(bar.close).min(bar.high),
        volume: if is_price(bar.volume) { bar.volume.max(0.0) } else { 0.0 },
        ..*bar
    })
    .collect()
}

/// Bars by their numbers among all of them; those from `first` on are shown.
pub(super) struct Bars<'a> {
    pub all: &'a [Candle],
    pub first: usize,
    pub indicators: Vec<Indicators>,
    slot: f64,
    area: Area,
}

impl<'a> Bars<'a> {
    pub fn new(all: &'a [Candle], shown_max: usize, area: &Area) -> Self {
        let columns = indicators::of(all);
        let first = all.len().saturating_sub(shown_max);
        let slot = ((area.width() - 2.0 * ROOM) / number(all.len() - first).max(1.0)).min(SLOT_MAX);
        let indicators = (0..all.len()).map(|bar| columns.at(bar)).collect();
        Self { all, first, indicators, slot, area: *area }
    }

    pub fn shown(&self) -> &'a [Candle] {
        &self.all[self.first..]
    }

    /// The middle of a bar; of one before the first that is shown, where it would be.
    pub fn x(&self, bar: usize) -> f64 {
        let x = self.area.right - ROOM - (number(self.all.len()) - number(bar) - 0.5) * self.slot;
        // Wide bars stand on whole pixels, so that their wicks are one sharp pixel.
        if self.slot >= SLOT_BODIED { x.floor() + 0.5 } else { x }
    }

    /// From one bar to the next, in pixels.
    pub fn slot(&self) -> f64 {
        self.slot
    }

    /// Whether bodies are wider than wicks.
    pub fn is_bodied(&self) -> bool {
        self.slot >= SLOT_BODIED
    }

    /// The bar of a time, where there is one.
    pub fn at(&self, time: Timestamp) -> Option<usize> {
        self.all.binary_search_by_key(&time, |candle| candle.open_time).ok()
    }

    /// What a bar covers between two heights: its body where `is_wick` is false.
    pub fn block(&self, bar: usize, from: f64, to: f64, is_wick: bool) -> Block {
        let body = pixel((self.slot * 0.35).floor()) * 2 + 1;
        let width = if is_wick || self.slot < SLOT_BODIED { 1 } else { body };
        let (top, bottom) = (pixel(from.min(to)), pixel(from.max(to)));
        Block { x: pixel(self.x(bar).floor()) - width / 2, y: top, width, height: (bottom - top).max(1) }
    }

    /// Blocks of the bars that are shown, those that rose or stayed apart from those that fell.
    pub fn split(&self, mut block: impl FnMut(usize, &Candle) -> Option<Block>) -> [Vec<Block>; 2] {
        let (mut up, mut down) = (Vec::with_capacity(self.shown().len()), Vec::new());
        for (bar, candle) in (self.first..).zip(self.shown()) {
            let side = if candle.close >= candle.open { &mut up } else { &mut down };
            side.extend(block(bar, candle));
        }
        [up, down]
    }

    /// The line of a value over the bars that are shown, in parts where it is missing or outside the pane.
    pub fn line(
        &self,
        pane: &Area,
        y: impl Fn(f64) -> f64,
        value: impl Fn(&Indicators) -> Option<f64>,
    ) -> Vec<Vec<Spot>> {
        let known = |value: f64| value.abs() <= PRICE_MAX;
        let shown = (self.first..).zip(&self.indicators[self.first..]);
        let spots = shown.map(|(bar, at)| value(at).filter(|v| known(*v)).map(|v| Spot { x: self.x(bar), y: y(v) }));
        joined(pane, spots)
    }
}

/// Lines through places, in parts where one is missing or outside the pane.
pub(super) fn joined(pane: &Area, spots: impl Iterator<Item = Option<Spot>>) -> Vec<Vec<Spot>> {
    let mut lines: Vec<Vec<Spot>> = Vec::new();
    let mut before: Option<Spot> = None;
    for spot in spots {
        if let (Some(from), Some(to)) = (before, spot)
            && let Some((from, to)) = pane.clip(from, to)
        {
            match lines.last_mut().filter(|line| line.last() == Some(&from)) {
                Some(line) => line.push(to),
                None => lines.push(vec![from, to]),
            }
        }
        before = spot;
    }
    lines
}
