//! `candles`: the bars of a series.

use clickhouse::Row;
use serde::Serialize;

use super::cells::Moment;
use crate::clickhouse::{Stored, Table};
use crate::model::{Candle, ChartedSeries};

/// About what a row takes beside its names: six numbers, a version, lengths.
const ROW_BYTES: usize = 64;

/// A row of `candles`.
#[derive(Debug, Clone, Row, Serialize)]
pub struct CandleRow<'a> {
    exchange: &'a str,
    symbol: &'a str,
    interval: &'a str,
    open_time: Moment,
    open: f64,
    high: f64,
    low: f64,
    close: f64,
    volume: f64,
    origin: &'a str,
    version: i64,
}

impl<'a> CandleRow<'a> {
    /// A bar of `charted`, whose interval is called `interval`.
    #[must_use]
    pub fn new(charted: &'a ChartedSeries, interval: &'a str, candle: &Candle) -> Self {
        let Candle { open_time, open, high, low, close, volume } = *candle;
        Self {
            exchange: &charted.series.exchange,
            symbol: &charted.series.symbol,
            interval,
            open_time: open_time.into(),
            open,
            high,
            low,
            close,
            volume,
            origin: &charted.origin,
            version: charted.version,
        }
    }
}

impl Stored for CandleRow<'_> {
    const TABLE: Table = Table::Candles;

    fn bytes(row: &CandleRow<'_>) -> usize {
        ROW_BYTES + row.exchange.len() + row.symbol.len() + row.interval.len() + row.origin.len()
    }
}
