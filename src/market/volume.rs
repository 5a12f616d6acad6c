//! Volume: how busy the last bar was, and at which prices was traded.
//!
//! # The profile
//! A bar tells how much was traded and between which prices, but not at which: its volume is spread evenly from its low
//! to its high, over bins of equal height. The peak ("point of control") is the bin with the most; among equals the one
//! nearest to the middle of the range, and the lower of two as near. The value area starts there and grows by the two
//! bins above or the two below, whichever hold more (the two above among equals), until it holds 70 % of the volume.
//! Source: Chicago Board of Trade, "A Six-Part Study Guide to Market Profile" (1996); Steidlmayer and Koy, "Markets and
//! Market Logic" (1986). Theirs count half-hours at a price where ours counts volume.
//!
//! Volumes are as the venue gave them. Bars without volume, and bars that are no numbers, count for nothing.

#[cfg(test)]
mod tests;

use crate::model::Candle;

/// Bars before the last whose mean volume it is compared with.
pub const RATIO_BARS: usize = 20;
/// The share of the volume that the value area holds at least.
pub const VALUE_AREA: f64 = 0.7;
/// Bins at most: a finer grid than any chart shows.
pub const BINS_MAX: usize = 1000;
/// Bins by which the value area grows.
const STEP: usize = 2;

/// The last volume over the mean of the 20 before; `None` where there are fewer bars, or those 20 had no volume.
#[must_use]
pub fn ratio(candles: &[Candle]) -> Option<f64> {
    let (last, before) = candles.split_last()?;
    let before = &before[before.len().checked_sub(RATIO_BARS)?..];
    #[expect(clippy::cast_precision_loss, reason = "20 is exact")]
    let mean = before.iter().map(|candle| candle.volume).sum::<f64>() / RATIO_BARS as f64;
    Some(last.volume / mean).filter(|ratio| mean > 0.0 && ratio.is_finite())
}

/// How the volume of a chart lies over its prices.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// The lowest price at which was traded, where the first bin begins.
    pub low: f64,
    /// The highest, where the last bin ends.
    pub high: f64,
    /// Volume of each bin, the lowest first. One bin where there was one price.
    pub bins: Vec<f64>,
    /// The middle of the bin with the most volume.
    pub peak: f64,
    /// Where the value area begins.
    pub value_low: f64,
    /// Where it ends.
    pub value_high: f64,
}

/// The volume profile of all of `candles`, in so many bins (at most [`BINS_MAX`]); `None` for 0 bins, where there is no
/// volume, and where prices or volumes are too large to be added up.
#[must_use]
pub fn profile(candles: &[Candle], bins: usize) -> Option<Profile> {
    let traded = || candles.iter().filter(|candle| is_traded(candle));
    let low = traded().map(|candle| candle.low).fold(f64::INFINITY, f64::min);
    let high = traded().map(|candle| candle.high).fold(f64::NEG_INFINITY, f64::max);
    if bins == 0 || !(high - low).is_finite() {
        return None;
    }
    let grid = Grid::new(low, high, bins.min(BINS_MAX));
    let mut volumes = vec![0.0; grid.bins];
    for candle in traded() {
        grid.spread(candle, &mut volumes);
    }
    let total: f64 = volumes.iter().sum();
    if !total.is_finite() || total <= 0.0 {
        return None;
    }
    let peak = peak(&volumes);
    let (first, last) = value_area(&volumes, peak, VALUE_AREA * total);
    Some(Profile {
        low,
        high,
        peak: grid.price(peak, 0.5),
        value_low: grid.price(first, 0.0),
        value_high: grid.price(last, 1.0),
        bins: volumes,
    })
}

fn is_traded(candle: &Candle) -> bool {
    candle.volume > 0.0 && candle.volume.is_finite() && candle.low.is_finite() && candle.high.is_finite()
}

/// Bins of equal height.
struct Grid {
    low: f64,
    high: f64,
    height: f64,
    bins: usize,
}

impl Grid {
    /// One bin where there is no room for more.
    #[expect(clippy::cast_precision_loss, reason = "at most BINS_MAX")]
    fn new(low: f64, high: f64, bins: usize) -> Self {
        let height = (high - low) / bins as f64;
        let is_divisible = low + height > low && high - height < high;
        if is_divisible { Self { low, high, height, bins } } else { Self { low, high, height: high - low, bins: 1 } }
    }

    /// A price within a bin: 0 is where it begins, 1 where it ends.
    #[expect(clippy::cast_precision_loss, reason = "at most BINS_MAX")]
    fn price(&self, bin: usize, share: f64) -> f64 {
        ((bin as f64 + share).mul_add(self.height, self.low)).min(self.high)
    }

    /// Spreads the volume of a bar evenly from its low to its high.
    #[expect(clippy::cast_precision_loss, reason = "at most BINS_MAX")]
    fn spread(&self, candle: &Candle, volumes: &mut [f64]) {
        let (from, to) = (self.place(candle.low.min(candle.high)), self.place(candle.high.max(candle.low)));
        let (first, last) = (self.bin(from), self.bin(to));
        if first == last {
            volumes[first] += candle.volume;
            return;
        }
        let each = candle.volume / (to - from);
        for (bin, volume) in (first..=last).zip(&mut volumes[first..=last]) {
            let share = to.min(bin as f64 + 1.0) - from.max(bin as f64);
            *volume += each * share;
        }
    }

    /// Bins from the lowest price to this one.
    fn place(&self, price: f64) -> f64 {
        if self.bins == 1 { 0.0 } else { (price - self.low) / self.height }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a cast saturates, and the bin is bounded"
    )]
    fn bin(&self, place: f64) -> usize {
        (place as usize).min(self.bins - 1)
    }
}

/// The bin with the most volume.
fn peak(volumes: &[f64]) -> usize {
    // Twice the distance from the middle, so that it is whole.
    let distance = |bin: usize| (2 * bin + 1).abs_diff(volumes.len());
    let most = volumes.iter().copied().fold(0.0, f64::max);
    let tops = volumes.iter().enumerate().filter(|(_, volume)| **volume >= most).map(|(bin, _)| bin);
    tops.min_by_key(|bin| distance(*bin)).unwrap_or(0)
}

/// The first and the last bin of the area around `peak` that holds `enough`.
fn value_area(volumes: &[f64], peak: usize, enough: f64) -> (usize, usize) {
    let (mut first, mut last) = (peak, peak);
    let mut held = volumes[peak];
    while held < enough && (first > 0 || last + 1 < volumes.len()) {
        let below = first.saturating_sub(STEP)..first;
        let above = last + 1..(last + 1 + STEP).min(volumes.len());
        let sum = |bins: &std::ops::Range<usize>| volumes[bins.clone()].iter().sum::<f64>();
        if below.is_empty() || (!above.is_empty() && sum(&above) >= sum(&below)) {
            held += sum(&above);
            last = above.end - 1;
        } else {
            held += sum(&below);
            first = below.start;
        }
    }
    (first, last)
}
