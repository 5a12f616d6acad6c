//! How things stand, for those who operate the program: sessions, what was spent, dead letters, migrations.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use super::{Failure, Store, dollars};
use crate::model::Timestamp;

/// Kinds of dead letters that are shown.
const LETTERS_MAX: u64 = 100;

/// How many sessions are not over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct SessionCounts {
    /// Open ones.
    pub open: u64,
    /// Those whose budget is used up while articles wait.
    pub exhausted: u64,
}

/// What an account's spending comes to in a time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct Spent {
    /// Settled, lost, overrun and in doubt.
    #[serde(serialize_with = "dollars")]
    pub spent_usd: i64,
    /// Open holds.
    #[serde(serialize_with = "dollars")]
    pub reserved_usd: i64,
}

/// Dead letters of one topic for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct Letters {
    /// The topic they came from.
    pub topic: String,
    /// Why.
    pub reason: String,
    /// How many.
    pub count: u64,
    /// When the newest one became one, in milliseconds.
    pub newest_at: i64,
}

impl Store {
    /// How many sessions are open or exhausted.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn session_counts(&self) -> Result<SessionCounts, Failure> {
        let sql = "SELECT countIf(status = 'open') AS open, countIf(status = 'exhausted') AS exhausted \
                   FROM batch_processing_sessions_v";
        self.one(self.client.query(sql)).await
    }

    /// What the live runs of an account have spent on holds since `from`.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn spent_since(&self, account: &str, from: Timestamp) -> Result<Spent, Failure> {
        let sql = "SELECT toInt64(sumIf(cost_usd, outcome != 'open') * 1000000000) AS spent_usd, \
                   toInt64(sumIf(held_usd, outcome = 'open') * 1000000000) AS reserved_usd \
                   FROM spend_v WHERE account = ? AND run_id = 'live' AND held_at >= fromUnixTimestamp64Milli(?)";
        self.one(self.client.query(sql).bind(account).bind(from.0)).await
    }

    /// Dead letters that nobody has sent again or put aside, by topic and reason, the most frequent first.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn letters(&self) -> Result<Vec<Letters>, Failure> {
        let sql = "SELECT topic, reason, count() AS count, toUnixTimestamp64Milli(max(at)) AS newest_at \
                   FROM dead_letters_v WHERE state IN ('open', 'sending') GROUP BY topic, reason \
                   ORDER BY count DESC, topic, reason LIMIT ?";
        self.all(self.client.query(sql).bind(LETTERS_MAX)).await
    }

    /// How many migrations the database has.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn migrations(&self) -> Result<u64, Failure> {
        self.one(self.client.query("SELECT uniqExact(version) FROM schema_migrations")).await
    }
}
