//! What is known of derivatives markets: who speaks for which series, and their histories, hundreds at a time.
//!
//! Tables are read and not views: `FINAL` would merge the whole of each part that has a symbol. Of several rows of one
//! identity the newest counts, and closed buckets are the same in all of them.

use clickhouse::Row;
use serde::Deserialize;

use super::{Failure, Store};
use crate::model::{Instrument, OiStatus, Timestamp};

/// Symbols in one question: its text stays far below the longest query, its answer at some megabytes.
const SYMBOLS_MAX: usize = 500;

const INSTRUMENTS: &str = "\
SELECT ?fields FROM instruments WHERE exchange IN ? AND symbol IN ? ORDER BY checked_at";

/// What stands at 1970 is a mark; buckets before `?` tell about no present.
const HISTORIES: &str = "\
SELECT coinalyze_symbol, series, \
       groupArrayIf(toUnixTimestamp64Milli(bucket), notEmpty(values)) AS buckets, \
       arrayFlatten(groupArrayIf(values, notEmpty(values))) AS numbers, \
       argMaxIf(toUnixTimestamp64Milli(covered_from), fetched_at, empty(values)) AS since, \
       argMaxIf(toUnixTimestamp64Milli(bucket), fetched_at, empty(values)) AS until, \
       toUnixTimestamp64Milli(maxIf(fetched_at, empty(values))) AS asked_at \
FROM market_series \
WHERE coinalyze_symbol IN ? AND interval = ? \
  AND (bucket >= fromUnixTimestamp64Milli(toInt64(?)) OR bucket = fromUnixTimestamp64Milli(toInt64(0))) \
GROUP BY coinalyze_symbol, series";

#[derive(Row, Deserialize)]
struct FoundInstrument {
    exchange: String,
    symbol: String,
    base: String,
    quote: String,
    coinalyze_symbol: String,
    venue: String,
    oi_status: String,
    has_long_short_ratio: bool,
    checked_at: i64,
}

/// One history of one symbol as it is stored.
#[derive(Debug, Clone, PartialEq, Row, Deserialize)]
pub struct StoredSeries {
    /// Whose.
    pub coinalyze_symbol: String,
    /// Which.
    pub series: String,
    /// Starts of buckets in any order, in epoch milliseconds.
    pub buckets: Vec<i64>,
    /// Their values, in the same order; each bucket has as many.
    pub numbers: Vec<f64>,
    /// Since when everything is known.
    pub since: i64,
    /// Up to when; 0 where the service did not know the symbol.
    pub until: i64,
    /// When it was asked last; 0 where nobody knows.
    pub asked_at: i64,
}

impl Store {
    /// Who speaks for these series, as far as it was ever asked.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn instruments(&self, series: &[(&str, &str)]) -> Result<Vec<Instrument>, Failure> {
        let mut instruments = Vec::new();
        for series in series.chunks(SYMBOLS_MAX) {
            let (exchanges, symbols): (Vec<&str>, Vec<&str>) = series.iter().copied().unzip();
            let query = self.client.query(INSTRUMENTS).bind(exchanges).bind(symbols);
            let found: Vec<FoundInstrument> = self.all(query).await?;
            instruments.extend(found.into_iter().map(Instrument::from));
        }
        Ok(instruments)
    }

    /// The histories of these symbols with buckets of `interval`, from `since` on.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn histories(
        &self,
        symbols: &[&str],
        interval: &str,
        since: Timestamp,
    ) -> Result<Vec<StoredSeries>, Failure> {
        let mut histories = Vec::new();
        for symbols in symbols.chunks(SYMBOLS_MAX) {
            let query = self.client.query(HISTORIES).bind(symbols).bind(interval).bind(since.0);
            histories.extend(self.all::<StoredSeries>(query).await?);
        }
        Ok(histories)
    }
}

impl From<FoundInstrument> for Instrument {
    fn from(row: FoundInstrument) -> Self {
        let oi_status = match row.oi_status.as_str() {
            "resolved" => OiStatus::Resolved,
            "aggregated" => OiStatus::Aggregated,
            _ => OiStatus::Neutral,
        };
        Self {
            exchange: row.exchange,
            symbol: row.symbol,
            base: row.base,
            quote: row.quote,
            coinalyze_symbol: row.coinalyze_symbol,
            venue: row.venue,
            oi_status,
            has_long_short_ratio: row.has_long_short_ratio,
            checked_at: Timestamp(row.checked_at),
        }
    }
}
