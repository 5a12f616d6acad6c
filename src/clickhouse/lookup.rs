//! What the command line asks of the tables about sessions. Reads only the view.
//!
//! Money is read as the integer behind `Decimal(18, 9)` and shown in dollars; times are shown as RFC 3339.

use clickhouse::Row;
use serde::{Deserialize, Serialize, Serializer};
use utoipa::ToSchema;

use super::questions::{moment, moment_or_null};
use super::{Failure, Store};

/// A row of `batch_processing_sessions_v`. In JSON its fields have the names of the columns.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize, ToSchema)]
#[schema(as = Session)]
pub struct SessionState {
    /// One session is one budget.
    pub session_id: String,
    /// `live`, or the replay's id.
    pub run_id: String,
    /// `open`, `completed`, `exhausted`, `cancelled`, `stalled`.
    pub status: String,
    /// The hard limit.
    #[serde(serialize_with = "dollars")]
    #[schema(value_type = f64)]
    pub budget_usd: i64,
    /// Open holds.
    #[serde(serialize_with = "dollars")]
    #[schema(value_type = f64)]
    pub reserved_usd: i64,
    /// Settled, lost and overrun.
    #[serde(serialize_with = "dollars")]
    #[schema(value_type = f64)]
    pub spent_usd: i64,
    /// Open at a crash.
    #[serde(serialize_with = "dollars")]
    #[schema(value_type = f64)]
    pub in_doubt_usd: i64,
    /// Admitted after screening.
    pub articles_total: u64,
    /// With a reading.
    pub articles_analyzed: u64,
    /// Without one, for good.
    pub articles_failed: u64,
    /// Waiting for a budget.
    pub articles_deferred: u64,
    /// Batches that the session has paid for.
    pub batches: u64,
    /// When the first batch was opened.
    #[serde(serialize_with = "moment")]
    #[schema(value_type = String, format = DateTime)]
    pub started_at: i64,
    /// The newest thing known.
    #[serde(serialize_with = "moment")]
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: i64,
    /// `None` while there is, or may be, something to do.
    #[serde(serialize_with = "moment_or_null")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<i64>,
}

/// Who pays for a session.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
pub struct Payer {
    /// The budget account.
    pub account: String,
    /// `live`, or the replay's id.
    pub run_id: String,
}

impl Store {
    /// The newest sessions first, at most `limit`.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn sessions(&self, limit: u64) -> Result<Vec<SessionState>, Failure> {
        let sql = "SELECT ?fields FROM batch_processing_sessions_v ORDER BY started_at DESC, session_id LIMIT ?";
        self.all(self.client.query(sql).bind(limit)).await
    }

    /// One session, or `None` where nothing was ever admitted to it.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn session(&self, session_id: &str) -> Result<Option<SessionState>, Failure> {
        let sql = "SELECT ?fields FROM batch_processing_sessions_v WHERE session_id = ?";
        let found: Vec<SessionState> = self.all(self.client.query(sql).bind(session_id)).await?;
        Ok(found.into_iter().next())
    }

    /// The accounts that have paid for batches of a session, each with its run; none where nothing was ever admitted to it.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn payers(&self, session_id: &str) -> Result<Vec<Payer>, Failure> {
        let sql = "SELECT account, argMax(run_id, version) AS run_id FROM batch_processing_sessions \
                   WHERE session_id = ? GROUP BY account ORDER BY account";
        self.all(self.client.query(sql).bind(session_id)).await
    }
}

/// Dollars as a JSON number: exact for every amount below nine million dollars, which is as far as a double counts in nano-dollars.
#[expect(clippy::trivially_copy_pass_by_ref, clippy::cast_precision_loss, reason = "serde's signature; see above")]
pub(crate) fn dollars<S: Serializer>(nanos: &i64, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_f64(*nanos as f64 / 1e9)
}
