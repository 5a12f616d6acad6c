//! From values to heights: the vertical scale of a pane, and its round marks.
//!
//! A scale is never of no height: values that are all the same stand in its middle, with room around them.

use super::figures::magnitude;
use super::scene::Area;

/// Values nearer to one another than this share of their size are the same to the eye.
const FLAT_SHARE: f64 = 1e-9;
/// Room around a price that does not move, as a share of it; and at least.
const FLAT_ROOM: f64 = 0.01;
const ROOM_MIN: f64 = 1e-30;

/// Values from `low` at the bottom to `high` at the top.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    top: f64,
    bottom: f64,
}

impl Scale {
    /// So that `low` and `high` lie so many pixels from the edges of `area`. Both are finite.
    pub fn new(low: f64, high: f64, area: &Area, above: f64, below: f64) -> Self {
        let size = low.abs().max(high.abs());
        let (mut low, mut high) = (low.min(high), low.max(high));
        if high - low <= (size * FLAT_SHARE).max(ROOM_MIN) {
            let room = (size * FLAT_ROOM).max(ROOM_MIN * 10.0);
            (low, high) = (low - room, high + room);
        }
        Self { low, high, top: area.top + above, bottom: area.bottom - below }
    }

    /// The height of a value.
    pub fn y(&self, value: f64) -> f64 {
        self.bottom - (value - self.low) / (self.high - self.low) * (self.bottom - self.top)
    }

    /// The value at a height.
    pub fn value(&self, y: f64) -> f64 {
        self.low + (self.bottom - y) / (self.bottom - self.top) * (self.high - self.low)
    }

    /// The smallest of 1, 2, 2.5 and 5 times a power of ten that sets marks at least `apart` pixels from one another.
    pub fn step(&self, apart: f64) -> f64 {
        let least = (self.high - self.low) / (self.bottom - self.top) * apart;
        let unit = 10_f64.powi(magnitude(least));
        [1.0, 2.0, 2.5, 5.0].into_iter().map(|times| times * unit).find(|step| *step >= least).unwrap_or(10.0 * unit)
    }

    /// The multiples of `step` within an area of at most a few thousand pixels.
    pub fn marks(&self, step: f64, area: &Area) -> Vec<f64> {
        let (first, last) = ((self.value(area.bottom) / step).ceil(), (self.value(area.top) / step).floor());
        let mut marks = Vec::new();
        let mut number = first;
        while number <= last && marks.len() < MARKS_MAX {
            marks.push(number * step);
            // Beyond 2^53 a number and its successor are the same.
            number = (number + 1.0).max(number.next_up());
        }
        marks
    }
}

/// Marks of one pane at most.
const MARKS_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_and_apart() {
        let area = Area { left: 0.0, top: 0.0, right: 100.0, bottom: 400.0 };
        for (low, high) in
            [(16_035.0, 68_120.0), (1e-9, 1.1e-9), (5.0, 5.0), (0.0, 0.0), (-3.0, 2.0), (1e6, 1e6 + 1.0), (-1e18, 1e18)]
        {
            let scale = Scale::new(low, high, &area, 10.0, 10.0);
            let step = scale.step(40.0);
            let marks = scale.marks(step, &area);
            assert!((3..=10).contains(&marks.len()), "{low} to {high}: {marks:?} by {step}");
            let heights: Vec<f64> = marks.iter().map(|mark| scale.y(*mark)).collect();
            assert!(heights.windows(2).all(|two| two[0] - two[1] > 39.9), "{low} to {high}: {heights:?}");
            assert!((scale.y(scale.value(123.0)) - 123.0).abs() < 1e-6);
        }
    }
}
