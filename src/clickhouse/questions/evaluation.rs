//! What an evaluation asks: signals as they were said, which markets were traded, and the bars of one of them.
//!
//! Signals come a row at a time, bars a range at a time: what is held here does not grow with the tables.

use std::collections::{BTreeMap, HashSet};

use clickhouse::Row;
use clickhouse::query::RowCursor;
use serde::Deserialize;

use super::question::{Question, rows};
use super::{CandleRange, moment_of};
use crate::clickhouse::store::within;
use crate::clickhouse::{Failure, Store};
use crate::model::Timestamp;

/// Markets that are looked through at most.
const MARKETS_MAX: i64 = 100_000;
/// Markets of one question about what was traded.
const MARKETS_ASKED_MAX: usize = 2_000;

/// A run's signals. A market's come from the history too, where each thing said of a bar is kept; the table has the newest,
/// also those that were made before there was a history. Of what is said of one bar the first that was available counts,
/// by its newest version.
const SAID: &str = "\
SELECT kind, subject, exchange, strategy, analyzer, model, prompt_version, score, direction, confidence, components, \
       toUnixTimestamp64Milli(available_at) AS available_ms \
FROM ( \
    SELECT kind, source_id, subject, exchange, strategy, analyzer, model, prompt_version, score, direction, confidence, \
           components, event_time, available_at, version FROM signals FINAL WHERE run_id = ? \
    UNION ALL \
    SELECT 'market' AS kind, source_id, subject, exchange, strategy, analyzer, model, prompt_version, score, direction, \
           confidence, components, event_time, available_at, version FROM signal_history FINAL WHERE run_id = ? \
) WHERE true";

const PAIRS: &str = "SELECT DISTINCT exchange, symbol FROM candles ORDER BY exchange, symbol";

const TRADED: &str = "\
SELECT exchange, symbol, interval, sum(volume * close) AS turnover FROM candles FINAL \
WHERE exchange IN ? AND symbol IN ?";

/// Which signals; each field that is set must be met.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SaidFilter {
    /// `live`, or the replay's id.
    pub run_id: String,
    /// `article` or `market`.
    pub kind: Option<String>,
    /// Exactly.
    pub strategy: Option<String>,
    /// Exactly.
    pub subject: Option<String>,
    /// Available not before.
    pub from: Option<Timestamp>,
    /// Available before.
    pub to: Option<Timestamp>,
}

/// A signal as it was said.
#[derive(Debug, Clone, PartialEq, Row, Deserialize)]
pub struct SaidSignal {
    /// `article` or `market`.
    pub kind: String,
    /// `BTC`, `MARKET`, or a market's symbol.
    pub subject: String,
    /// Lower case; empty for articles.
    pub exchange: String,
    /// How it was scored.
    pub strategy: String,
    /// Who analysed.
    pub analyzer: String,
    /// The model version that answered.
    pub model: String,
    /// Of the prompt, the lexicon or the formulas.
    pub prompt_version: String,
    /// 0 to 100.
    pub score: f64,
    /// `bullish`, `bearish`, `neutral`.
    pub direction: String,
    /// 0 to 1.
    pub confidence: f64,
    /// By name.
    pub components: BTreeMap<String, f64>,
    /// When it could be known, in epoch milliseconds.
    pub available_ms: i64,
}

/// Signals that are still to come, in the order of time.
pub struct SaidSignals {
    rows: RowCursor<SaidSignal>,
    settings: std::sync::Arc<crate::clickhouse::Settings>,
}

impl std::fmt::Debug for SaidSignals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SaidSignals")
    }
}

impl SaidSignals {
    /// The next one; `None` behind the last.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn next(&mut self) -> Result<Option<SaidSignal>, Failure> {
        within(&self.settings, self.settings.query_timeout, self.rows.next()).await
    }
}

/// A series of candles, and what was traded in it.
#[derive(Debug, Clone, PartialEq, Row, Deserialize)]
pub struct TradedSeries {
    /// Lower case.
    pub exchange: String,
    /// As the exchange writes it.
    pub symbol: String,
    /// Such as `15m`.
    pub interval: String,
    /// Volume times close.
    pub turnover: f64,
}

/// The ends of a bar.
#[derive(Debug, Clone, Copy, PartialEq, Row, Deserialize)]
pub struct BarLine {
    /// Epoch milliseconds.
    pub open_ms: i64,
    /// The first price.
    pub open: f64,
    /// The last.
    pub close: f64,
}

#[derive(Row, Deserialize)]
struct PairRow {
    exchange: String,
    symbol: String,
}

impl Store {
    /// The signals of a run, each as it was said first, in the order of time; at most `limit`.
    ///
    /// # Errors
    /// The question cannot be asked.
    pub fn said_signals(&self, filter: &SaidFilter, limit: u64) -> Result<SaidSignals, Failure> {
        let question = Question::new(SAID)
            .bound(&filter.run_id)
            .bound(&filter.run_id)
            .when(" AND kind = ?", filter.kind.as_deref())
            .when(" AND strategy = ?", filter.strategy.as_deref())
            .when(" AND subject = ?", filter.subject.as_deref())
            .when(" AND available_at >= fromUnixTimestamp64Milli(toInt64(?))", filter.from.map(moment_of))
            .when(" AND available_at < fromUnixTimestamp64Milli(toInt64(?))", filter.to.map(moment_of))
            .and(" ORDER BY available_at, kind, source_id, strategy, event_time, version DESC")
            .and(" LIMIT 1 BY kind, source_id, strategy, event_time")
            .with(" LIMIT ?", rows(limit));
        Ok(SaidSignals { rows: question.stream(self)?, settings: std::sync::Arc::clone(&self.settings) })
    }

    /// Every exchange and symbol that there are candles of.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn candle_pairs(&self) -> Result<Vec<(String, String)>, Failure> {
        let found: Vec<PairRow> = Question::new(PAIRS).with(" LIMIT ?", MARKETS_MAX).all(self).await?;
        Ok(found.into_iter().map(|PairRow { exchange, symbol }| (exchange, symbol)).collect())
    }

    /// The series of these markets, with what was traded in them between two moments; none where nothing was.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn traded_series(
        &self,
        pairs: &[(String, String)],
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<TradedSeries>, Failure> {
        let mut all = Vec::new();
        for part in pairs.chunks(MARKETS_ASKED_MAX) {
            let (exchanges, symbols): (Vec<String>, Vec<String>) = part.iter().cloned().unzip();
            let question = Question::new(TRADED)
                .bound(exchanges)
                .bound(symbols)
                .with(" AND open_time >= fromUnixTimestamp64Milli(toInt64(?))", moment_of(from))
                .with(" AND open_time < fromUnixTimestamp64Milli(toInt64(?))", moment_of(to))
                .and(" GROUP BY exchange, symbol, interval ORDER BY exchange, symbol, interval");
            let found: Vec<TradedSeries> = question.all(self).await?;
            // Two lists ask for more than their pairs.
            let asked: HashSet<(&str, &str)> = part.iter().map(|(one, other)| (one.as_str(), other.as_str())).collect();
            let is_asked = |row: &TradedSeries| asked.contains(&(row.exchange.as_str(), row.symbol.as_str()));
            all.extend(found.into_iter().filter(is_asked));
        }
        Ok(all)
    }

    /// The first `limit` bars of a range, ascending.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn first_bars(&self, range: &CandleRange<'_>, limit: u64) -> Result<Vec<BarLine>, Failure> {
        Question::new("SELECT toUnixTimestamp64Milli(open_time) AS open_ms, open, close FROM candles_v")
            .with(" WHERE exchange = ?", range.exchange)
            .with(" AND symbol = ?", range.symbol)
            .with(" AND interval = ?", range.interval)
            .when(" AND open_time >= fromUnixTimestamp64Milli(toInt64(?))", range.from.map(moment_of))
            .when(" AND open_time < fromUnixTimestamp64Milli(toInt64(?))", range.to.map(moment_of))
            .with(" ORDER BY open_time LIMIT ?", rows(limit))
            .all(self)
            .await
    }
}
