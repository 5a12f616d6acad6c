//! In which order the numbers of a bar stand where no names say it.
//!
//! # The rule
//! A bar's high is at least its open and its close, and its low at most. The usual order is taken where that is so for
//! every bar, and otherwise the one of the known other orders for which it is: an order is never taken that one readable
//! bar contradicts. Where none holds, the usual one stands, and cleaning decides about each bar; a file in another order
//! with a broken bar in it then loses most of its bars and is refused, which is better than guessed.
//!
//! What the prices cannot tell (open from close, where both orders would hold) is as the venues document it.

use super::role::{CLOSE, HIGH, LOW, OPEN, VOLUME};
use super::rows::{Bars, Row};

/// Elements of a row whose fifth number may be a mean price.
const WIDTH_WITH_MEAN: usize = 8;

/// Where a bar's numbers stand behind its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Open, high, low, close, volume: most venues.
    Ohlc,
    /// Open, high, low, close, mean price, volume, trades: Kraken.
    OhlcMean,
    /// Open, close, high, low, volume: Jesse, Bitfinex, `KuCoin`.
    Ochl,
    /// Low, high, open, close, volume: Coinbase.
    Lhoc,
    /// Quote volume, close, high, low, open, volume: Gate.io spot.
    VolumeChlo,
}

impl Order {
    /// Places of the open, the high, the low, the close and the volume.
    pub(super) fn places(self) -> [usize; VOLUME + 1] {
        match self {
            Self::Ohlc => [0, 1, 2, 3, 4],
            Self::OhlcMean => [0, 1, 2, 3, 5],
            Self::Ochl => [0, 2, 3, 1, 4],
            Self::Lhoc => [2, 1, 0, 3, 4],
            Self::VolumeChlo => [4, 2, 3, 1, 5],
        }
    }

    /// Whether no readable bar contradicts it.
    fn holds(self, rows: &[Row]) -> bool {
        let places = self.places();
        rows.iter().all(|row| {
            let price = |part: usize| row.fields[places[part]];
            let (open, high, low, close) = (price(OPEN), price(HIGH), price(LOW), price(CLOSE));
            let is_readable = [open, high, low, close].iter().all(|price| price.is_finite() && *price > 0.0);
            !is_readable || (high >= open.max(close) && low <= open.min(close))
        })
    }
}

/// The order of a list's numbers.
pub(super) fn order(bars: &Bars<'_>) -> Order {
    if bars.shape.is_named() {
        return Order::Ohlc;
    }
    if Order::Ohlc.holds(&bars.rows) {
        return if bars.width == WIDTH_WITH_MEAN && has_mean(&bars.rows) { Order::OhlcMean } else { Order::Ohlc };
    }
    let others = [Order::Ochl, Order::Lhoc, Order::VolumeChlo];
    others.into_iter().find(|order| order.holds(&bars.rows)).unwrap_or(Order::Ohlc)
}

/// Whether the fifth number is a price between every bar's low and high; 0 where nothing was traded.
fn has_mean(rows: &[Row]) -> bool {
    let mean = VOLUME;
    let is_mean =
        |row: &Row| row.fields[mean] == 0.0 || (row.fields[LOW]..=row.fields[HIGH]).contains(&row.fields[mean]);
    rows.iter().all(is_mean) && rows.iter().any(|row| row.fields[mean] > 0.0)
}
