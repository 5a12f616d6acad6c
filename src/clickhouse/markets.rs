//! The newest signals of all markets, a row at a time: what `export master-feed` writes.

use std::collections::BTreeMap;
use std::sync::Arc;

use clickhouse::Row;
use clickhouse::query::RowCursor;
use serde::Deserialize;

use super::store::within;
use super::{Failure, Settings, Store};

/// In the order of a master feed.
const SIGNALS: &str = "\
SELECT subject, exchange, interval, strategy, score, direction, confidence, strength, components, oi_metadata, \
observability, toUnixTimestamp64Milli(event_time) AS event_ms
FROM signals_v
WHERE kind = 'market'
ORDER BY score DESC, subject, exchange, interval, strategy";

/// A row of `signals_v` that is a market's.
#[derive(Debug, Clone, PartialEq, Row, Deserialize)]
pub struct MarketSignal {
    /// The market.
    pub subject: String,
    /// Lower case.
    pub exchange: String,
    /// Such as `15m`.
    pub interval: String,
    /// `momentum`, `breakout` or `reversal`.
    pub strategy: String,
    /// 0 to 100.
    pub score: f64,
    /// `bullish`, `bearish`, `neutral`.
    pub direction: String,
    /// 0 to 1.
    pub confidence: f64,
    /// 0 to 1.
    pub strength: f64,
    /// By name.
    pub components: BTreeMap<String, f64>,
    /// What derivatives say (JSON).
    pub oi_metadata: String,
    /// What the score rests on (JSON).
    pub observability: String,
    /// The close of the last bar, in epoch milliseconds.
    pub event_ms: i64,
}

/// Rows that are still to come.
pub struct MarketSignals {
    rows: RowCursor<MarketSignal>,
    settings: Arc<Settings>,
}

impl std::fmt::Debug for MarketSignals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MarketSignals")
    }
}

impl MarketSignals {
    /// The next row; `None` behind the last.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn next(&mut self) -> Result<Option<MarketSignal>, Failure> {
        within(&self.settings, self.settings.query_timeout, self.rows.next()).await
    }
}

impl Store {
    /// The newest signals of all markets, in the order of a master feed.
    ///
    /// # Errors
    /// The question cannot be asked.
    pub fn market_signals(&self) -> Result<MarketSignals, Failure> {
        let rows = self.client.query(SIGNALS).fetch::<MarketSignal>()?;
        Ok(MarketSignals { rows, settings: Arc::clone(&self.settings) })
    }
}
