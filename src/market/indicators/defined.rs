//! Where an indicator is 0/0. TA-Lib answers with a number there, which says something about a market that did nothing;
//! such values are struck out. What is struck out at a bar depends on that bar and those before it only.

use super::{Columns, STOCHASTIC};
use crate::market::prices::Prices;

/// A window is flat where its height is at most this share of its highest and lowest price together. TA-Lib's own bound
/// (`TA_STOCH`): below it, height is nothing but rounding.
pub const FLAT_SHARE: f64 = 1e-14;

impl Columns {
    /// Strikes out what TA-Lib answers for 0/0.
    pub(super) fn strike_undefined(&mut self, prices: &Prices) {
        let unchanged = run(&prices.close, |first, close| close - first == 0.0);
        self.rsi14[..unchanged].fill(f64::NAN);
        let untraded = run(&prices.volume, |_, volume| volume == 0.0);
        self.obv[..untraded].fill(f64::NAN);
        self.strike_flat_windows(prices);
    }

    /// %K is a mean of 3 windows, and %D of those of 3 bars: a flat window is in both for a while.
    fn strike_flat_windows(&mut self, prices: &Prices) {
        let (window, k, d) = STOCHASTIC;
        let [window, k, d] = [window, k, d].map(|bars| usize::try_from(bars).unwrap_or(1));
        let [slow_k, slow_d] = &mut self.stochastic;
        for bar in (window - 1)..prices.len() {
            if is_window_flat(prices, bar + 1 - window, bar) {
                let end = |bars: usize| (bar + bars).min(prices.len());
                slow_k[bar..end(k)].fill(f64::NAN);
                slow_d[bar..end(k + d - 1)].fill(f64::NAN);
            }
        }
    }
}

/// From the newest bar back, so that a market that trades is known at once.
fn is_window_flat(prices: &Prices, first: usize, last: usize) -> bool {
    let (mut lowest, mut highest) = (f64::INFINITY, f64::NEG_INFINITY);
    (first..=last).rev().all(|bar| {
        lowest = lowest.min(prices.low[bar]);
        highest = highest.max(prices.high[bar]);
        is_flat(lowest, highest)
    })
}

/// How many values from the first on satisfy `same` with it.
fn run(values: &[f64], same: impl Fn(f64, f64) -> bool) -> usize {
    let first = values.first().copied().unwrap_or_default();
    values.iter().take_while(|value| same(first, **value)).count()
}

fn is_flat(lowest: f64, highest: f64) -> bool {
    (highest - lowest).abs() <= FLAT_SHARE * (highest.abs() + lowest.abs())
}
