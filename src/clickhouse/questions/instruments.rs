//! Instruments: every market there are candles of, and who speaks for it among derivatives.

use clickhouse::Row;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::question::{Question, rows};
use super::{moment, moment_or_null};
use crate::clickhouse::{Failure, Store};

/// Along the sort key: distinct pairs are found without merging.
const KEYS: &str = "SELECT DISTINCT exchange, symbol FROM candles WHERE true";

/// Candles of the pairs of a page, and what is known of them. Before `PAIRS` stands what `AND` joins.
const CANDLES: &str = "\
SELECT exchange, symbol, arraySort(groupUniqArray(interval)) AS intervals, count() AS candles, \
       max(open_time) AS last_open_time, argMax(close, open_time) AS last_close \
FROM candles FINAL WHERE exchange IN ? AND symbol IN ? GROUP BY exchange, symbol";

const RESOLVED: &str = "\
SELECT exchange, symbol, base, quote, coinalyze_symbol, venue, oi_status, checked_at \
FROM instruments FINAL WHERE exchange IN ? AND symbol IN ?";

/// An instrument.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Instrument)]
pub struct InstrumentState {
    /// Lower case.
    pub exchange: String,
    /// As the exchange writes it.
    pub symbol: String,
    /// Such as `15m`.
    pub intervals: Vec<String>,
    /// What is traded; null where it was never resolved.
    pub base: Option<String>,
    /// What it is priced in.
    pub quote: Option<String>,
    /// Who speaks for it.
    pub coinalyze_symbol: Option<String>,
    /// Whose derivatives.
    pub venue: Option<String>,
    /// `resolved`, `aggregated`, `neutral`.
    pub oi_status: Option<String>,
    /// When that was looked up.
    #[serde(serialize_with = "moment_or_null")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub checked_at: Option<i64>,
    /// How many, all intervals together.
    pub candles: u64,
    /// The start of its newest bar.
    #[serde(serialize_with = "moment")]
    #[schema(value_type = String, format = DateTime)]
    pub last_open_time: i64,
    /// Its close.
    pub last_close: f64,
}

/// Which instruments; each field that is set must be met.
#[derive(Debug, Clone, Default)]
pub struct InstrumentFilter {
    /// Stands somewhere in the symbol, in capital letters or small ones.
    pub q: Option<String>,
    /// Exactly, but in capital letters or small ones.
    pub symbol: Option<String>,
    /// Exactly.
    pub exchange: Option<String>,
    /// `resolved`, `aggregated`, `neutral`.
    pub oi_status: Option<String>,
}

/// The place of an instrument: exchange and symbol.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct InstrumentKey {
    /// Lower case.
    pub exchange: String,
    /// As the exchange writes it.
    pub symbol: String,
}

#[derive(Row, Deserialize)]
struct Traded {
    exchange: String,
    symbol: String,
    intervals: Vec<String>,
    candles: u64,
    last_open_time: i64,
    last_close: f64,
}

#[derive(Row, Deserialize)]
struct Resolved {
    exchange: String,
    symbol: String,
    base: String,
    quote: String,
    coinalyze_symbol: String,
    venue: String,
    oi_status: String,
    checked_at: i64,
}

impl InstrumentState {
    /// Its place.
    #[must_use]
    pub fn key(&self) -> InstrumentKey {
        InstrumentKey { exchange: self.exchange.clone(), symbol: self.symbol.clone() }
    }
}

impl Store {
    /// At most `limit` instruments behind `after`, by exchange and symbol.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn traded_instruments(
        &self,
        filter: &InstrumentFilter,
        after: Option<&InstrumentKey>,
        limit: u64,
    ) -> Result<Vec<InstrumentState>, Failure> {
        let question = Question::new(KEYS)
            .when(" AND exchange = ?", filter.exchange.as_deref())
            .when(" AND lowerUTF8(symbol) = lowerUTF8(?)", filter.symbol.as_deref())
            .when(" AND positionCaseInsensitiveUTF8(symbol, ?) > 0", filter.q.as_deref())
            .when(
                " AND (exchange, symbol) IN (SELECT exchange, symbol FROM instruments FINAL WHERE oi_status = ?)",
                filter.oi_status.as_deref(),
            );
        let question = match after {
            Some(key) => question.with(" AND (exchange, symbol) > (?, ?)", &key.exchange).bound(&key.symbol),
            None => question,
        };
        let keys: Vec<InstrumentKey> =
            question.with(" ORDER BY exchange, symbol LIMIT ?", rows(limit)).all(self).await?;
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let (exchanges, symbols): (Vec<String>, Vec<String>) =
            keys.iter().map(|key| (key.exchange.clone(), key.symbol.clone())).unzip();
        let ask = |sql| Question::new(sql).bound(exchanges.clone()).bound(symbols.clone());
        let (traded, resolved) =
            tokio::try_join!(ask(CANDLES).all::<Traded>(self), ask(RESOLVED).all::<Resolved>(self))?;
        Ok(keys.iter().filter_map(|key| instrument(key, &traded, &resolved)).collect())
    }
}

fn instrument(key: &InstrumentKey, traded: &[Traded], resolved: &[Resolved]) -> Option<InstrumentState> {
    let traded = traded.iter().find(|row| row.exchange == key.exchange && row.symbol == key.symbol)?;
    let resolved = resolved.iter().find(|row| row.exchange == key.exchange && row.symbol == key.symbol);
    Some(InstrumentState {
        exchange: traded.exchange.clone(),
        symbol: traded.symbol.clone(),
        intervals: traded.intervals.clone(),
        base: resolved.map(|row| row.base.clone()),
        quote: resolved.map(|row| row.quote.clone()),
        coinalyze_symbol: resolved.map(|row| row.coinalyze_symbol.clone()),
        venue: resolved.map(|row| row.venue.clone()),
        oi_status: resolved.map(|row| row.oi_status.clone()),
        checked_at: resolved.map(|row| row.checked_at),
        candles: traded.candles,
        last_open_time: traded.last_open_time,
        last_close: traded.last_close,
    })
}
