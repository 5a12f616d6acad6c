//! Whether anything has changed since somebody looked: how many rows there are, and the newest version among them. Both
//! are cheap, and either grows with every insert.

use clickhouse::Row;
use serde::Deserialize;

use super::question::Question;
use crate::clickhouse::{Failure, Store};

/// Market signals, without merging their versions; a run that is promoted changes what is shown of them.
const SIGNALS: &str = "\
SELECT count() + toUInt64(ifNull((SELECT toUnixTimestamp64Milli(max(promoted_at)) FROM runs), 0)) AS rows, \
       max(version) AS version \
FROM signals WHERE run_id = 'live' AND kind = 'market'";

const CANDLES: &str = "SELECT count() AS rows, max(version) AS version FROM candles";

/// What a session's row is made of. Every state of a hold is a row until versions are merged.
const SESSIONS: &str = "\
SELECT sum(amount) AS rows, max(newest) AS version FROM ( \
    SELECT count() AS amount, max(version) AS newest FROM batch_processing_sessions \
    UNION ALL SELECT count(), max(version) FROM batch_processing_records \
    UNION ALL SELECT count(), toUnixTimestamp64Milli(max(at)) FROM spend \
    UNION ALL SELECT count(), toUnixTimestamp64Milli(max(at)) FROM session_events \
)";

/// How a table stood.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Row, Deserialize)]
pub struct Stamp {
    /// Rows, versions of one counted apart until they are merged.
    pub rows: u64,
    /// The newest version.
    pub version: i64,
}

impl Store {
    /// How the signals of markets stand.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn market_signals_stamp(&self) -> Result<Stamp, Failure> {
        self.stamp(SIGNALS).await
    }

    /// How the candles stand.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn candles_stamp(&self) -> Result<Stamp, Failure> {
        self.stamp(CANDLES).await
    }

    /// How what sessions are made of stands.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn sessions_stamp(&self) -> Result<Stamp, Failure> {
        self.stamp(SESSIONS).await
    }

    async fn stamp(&self, sql: &str) -> Result<Stamp, Failure> {
        Ok(Question::new(sql).first(self).await?.unwrap_or_default())
    }
}
