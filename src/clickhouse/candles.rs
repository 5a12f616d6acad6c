//! The newest candles of one market: what an analysis is made of.
//!
//! The table is read and not its view: `FINAL` would merge the whole of each part that has the series. Of several rows of
//! one bar the one of the highest version counts, and the newest bars come first, so that no more is read than asked for.

use std::time::Duration;

use clickhouse::Row;
use serde::Deserialize;

use super::{Failure, Store};
use crate::model::{Candle, Interval, Series, Timestamp};

const NEWEST: &str = "\
SELECT exchange, toUnixTimestamp64Milli(open_time) AS open_ms, open, high, low, close, volume \
FROM candles \
WHERE symbol = ? AND interval = ? AND exchange = ";
const AS_MANY: &str = " ORDER BY open_time DESC, version DESC LIMIT 1 BY open_time LIMIT ?";

/// The exchange that has the newest bar; the first by name of those that have the same. Within the question about the bars,
/// as a question costs the server more than what it reads. A plain `String` is null where there is none; one of low
/// cardinality would be an error.
const EXCHANGE: &str = "\
(SELECT CAST(exchange AS String) FROM candles WHERE symbol = ? AND interval = ? \
GROUP BY exchange ORDER BY max(open_time) DESC, exchange LIMIT 1)";

#[derive(Row, Deserialize)]
struct Found {
    exchange: String,
    open_ms: i64,
    open: f64,
    high: f64,
    low: f64,
    close: f64,
    volume: f64,
}

/// Which candles.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Lower case; empty: that with the newest bar of the symbol and interval.
    pub exchange: &'a str,
    /// As it is stored.
    pub symbol: &'a str,
    /// From one bar to the next.
    pub interval: Interval,
    /// Back from the end of the newest bar; `None`: as many as there may be.
    pub back: Option<Duration>,
    /// The most bars.
    pub bars_max: usize,
}

impl Store {
    /// The newest bars of a market, ascending; `None` where there is none at all.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn newest_candles(&self, wanted: Wanted<'_>) -> Result<Option<Series>, Failure> {
        let Wanted { exchange, symbol, interval, back, bars_max } = wanted;
        let interval_text = interval.to_string();
        let bars = back.map_or(u64::MAX, |back| back.as_secs().div_ceil(u64::from(interval.seconds())));
        let limit = bars.min(u64::try_from(bars_max).unwrap_or(u64::MAX));
        let newest = |of| self.client.query(&format!("{NEWEST}{of}{AS_MANY}")).bind(symbol).bind(&interval_text);
        let query = match exchange {
            "" => newest(EXCHANGE).bind(symbol).bind(&interval_text),
            exchange => newest("?").bind(exchange),
        };
        let found: Vec<Found> = self.all(query.bind(limit)).await?;
        let Some(newest) = found.first() else { return Ok(None) };
        let from = back.map_or(i64::MIN, |back| {
            let end = Timestamp(newest.open_ms).plus(interval.duration());
            end.0.saturating_sub(i64::try_from(back.as_millis()).unwrap_or(i64::MAX))
        });
        let exchange = newest.exchange.clone();
        let candles = found.iter().rev().filter(|row| row.open_ms >= from).map(Candle::from).collect();
        Ok(Some(Series { exchange, symbol: symbol.to_owned(), interval, candles }))
    }
}

impl From<&Found> for Candle {
    fn from(row: &Found) -> Self {
        let Found { open_ms, open, high, low, close, volume, .. } = *row;
        Self { open_time: Timestamp(open_ms), open, high, low, close, volume }
    }
}
