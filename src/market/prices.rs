//! Candles as columns, the shape that TA-Lib reads. All columns are equally long; bar `i` of each is candle `i`.

use crate::model::Candle;

/// Five columns.
#[derive(Debug, Clone)]
pub(super) struct Prices {
    /// First prices.
    pub open: Vec<f64>,
    /// Highest prices.
    pub high: Vec<f64>,
    /// Lowest prices.
    pub low: Vec<f64>,
    /// Last prices.
    pub close: Vec<f64>,
    /// What was traded.
    pub volume: Vec<f64>,
}

impl Prices {
    /// The columns of candles.
    pub fn of(candles: &[Candle]) -> Self {
        let column = |read: fn(&Candle) -> f64| candles.iter().map(read).collect();
        Self {
            open: column(|candle| candle.open),
            high: column(|candle| candle.high),
            low: column(|candle| candle.low),
            close: column(|candle| candle.close),
            volume: column(|candle| candle.volume),
        }
    }

    /// Bars.
    pub fn len(&self) -> usize {
        self.close.len()
    }
}
