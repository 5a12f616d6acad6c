//! Candles of one series, and the last closes of all.

use clickhouse::Row;
use serde::Deserialize;

use super::moment_of;
use super::question::{Question, rows};
use crate::clickhouse::{Failure, Store};
use crate::model::Timestamp;

/// Series whose last closes are told at most.
const SPARKS_MAX: i64 = 20_000;

/// Backwards along the sort key.
const SPARKS: &str = "\
SELECT exchange, symbol, interval, \
       arrayMap(bar -> bar.2, arraySort(groupArray((toUnixTimestamp64Milli(open_time), close)))) AS closes FROM ( \
    SELECT exchange, symbol, interval, open_time, close FROM candles FINAL \
    ORDER BY exchange DESC, symbol DESC, interval DESC, open_time DESC \
    LIMIT 40 BY exchange, symbol, interval \
) GROUP BY exchange, symbol, interval ORDER BY exchange, symbol, interval";

/// One bar.
#[derive(Debug, Clone, Copy, PartialEq, Row, Deserialize)]
pub struct CandleBar {
    /// Epoch milliseconds.
    pub open_time: i64,
    /// The first price.
    pub open: f64,
    /// The highest.
    pub high: f64,
    /// The lowest.
    pub low: f64,
    /// The last.
    pub close: f64,
    /// As the exchange counts it.
    pub volume: f64,
}

/// Which bars of a series.
#[derive(Debug, Clone)]
pub struct CandleRange<'a> {
    /// Lower case.
    pub exchange: &'a str,
    /// As the exchange writes it.
    pub symbol: &'a str,
    /// Such as `15m`.
    pub interval: &'a str,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
}

/// The last closes of a series, oldest first.
#[derive(Debug, Clone, PartialEq, Row, Deserialize)]
pub struct Spark {
    /// Lower case.
    pub exchange: String,
    /// As the exchange writes it.
    pub symbol: String,
    /// Such as `15m`.
    pub interval: String,
    /// At most 40.
    pub closes: Vec<f64>,
}

impl Store {
    /// The newest `limit` bars of a range, oldest first.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn candles(&self, range: &CandleRange<'_>, limit: u64) -> Result<Vec<CandleBar>, Failure> {
        let question = Question::new("SELECT ?fields FROM candles_v")
            .with(" WHERE exchange = ?", range.exchange)
            .with(" AND symbol = ?", range.symbol)
            .with(" AND interval = ?", range.interval)
            .when(" AND open_time >= fromUnixTimestamp64Milli(toInt64(?))", range.from.map(moment_of))
            .when(" AND open_time < fromUnixTimestamp64Milli(toInt64(?))", range.to.map(moment_of))
            .with(" ORDER BY open_time DESC LIMIT ?", rows(limit));
        let mut bars: Vec<CandleBar> = question.all(self).await?;
        bars.reverse();
        Ok(bars)
    }

    /// Whether there is any candle of a series; `interval` empty: of any of the symbol's.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn has_candles(&self, exchange: &str, symbol: &str, interval: &str) -> Result<bool, Failure> {
        let question = Question::new("SELECT 1 FROM candles")
            .with(" WHERE exchange = ?", exchange)
            .with(" AND symbol = ?", symbol)
            .when(" AND interval = ?", Some(interval).filter(|interval| !interval.is_empty()))
            .and(" LIMIT 1");
        Ok(question.first::<u8>(self).await?.is_some())
    }

    /// The last 40 closes of every series.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn sparks(&self) -> Result<Vec<Spark>, Failure> {
        Question::new(SPARKS).with(" LIMIT ?", SPARKS_MAX).all(self).await
    }
}
