//! Sessions a page at a time, and what one of them did.

use clickhouse::Row;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::moment_of;
use super::question::{Question, rows};
use crate::clickhouse::{Failure, SessionState, Store, dollars};
use crate::model::Timestamp;

/// The place of a session: when it began, and its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionKey(pub i64, pub String);

/// What a session bought of one model.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize, ToSchema)]
pub struct SessionSpend {
    /// Who was asked.
    pub provider: String,
    /// The model version that answered; empty for research.
    pub model: String,
    /// How often.
    pub calls: u64,
    /// What counts of it, in dollars.
    #[serde(serialize_with = "dollars")]
    #[schema(value_type = f64)]
    pub cost_usd: i64,
    /// Tokens in.
    pub input_tokens: i64,
    /// Tokens out.
    pub output_tokens: i64,
}

impl SessionState {
    /// Its place.
    #[must_use]
    pub fn key(&self) -> SessionKey {
        SessionKey(self.started_at, self.session_id.clone())
    }
}

impl Store {
    /// The ten sessions that began last, and at most fifty others that have changed since `since`; newest first.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn lively_sessions(&self, since: Timestamp) -> Result<Vec<SessionState>, Failure> {
        Question::new("SELECT ?fields FROM batch_processing_sessions_v WHERE session_id IN (")
            .and("SELECT session_id FROM batch_processing_sessions GROUP BY session_id ")
            .and("ORDER BY min(started_at) DESC, session_id DESC LIMIT 10)")
            .with(" OR updated_at >= fromUnixTimestamp64Milli(toInt64(?))", moment_of(since))
            .and(" ORDER BY started_at DESC, session_id DESC LIMIT 60")
            .all(self)
            .await
    }

    /// At most `limit` sessions behind `after`, newest first.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn session_page(
        &self,
        status: Option<&str>,
        after: Option<&SessionKey>,
        limit: u64,
    ) -> Result<Vec<SessionState>, Failure> {
        let question =
            Question::new("SELECT ?fields FROM batch_processing_sessions_v WHERE true").when(" AND status = ?", status);
        let question = match after {
            Some(SessionKey(at, id)) => question
                .with(
                    " AND (toUnixTimestamp64Milli(started_at), session_id) < (toInt64(?), ?)",
                    moment_of(Timestamp(*at)),
                )
                .bound(id),
            None => question,
        };
        question.with(" ORDER BY started_at DESC, session_id DESC LIMIT ?", rows(limit)).all(self).await
    }

    /// A session whose id begins with `prefix`; `None` where nothing was ever admitted to one.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn session_called(&self, prefix: &str) -> Result<Option<SessionState>, Failure> {
        let question = Question::new("SELECT ?fields FROM batch_processing_sessions_v")
            .with(" WHERE startsWith(session_id, ?) ORDER BY started_at, session_id LIMIT 1", prefix);
        question.first(self).await
    }

    /// What a session bought, by provider and model.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn session_spend(&self, session_id: &str) -> Result<Vec<SessionSpend>, Failure> {
        let question = Question::new(
            "SELECT provider, model, count() AS calls, \
             toDecimal64(sumIf(cost_usd, outcome != 'open'), 9) AS cost_usd, \
             sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens FROM spend FINAL",
        );
        question
            .with(" WHERE session_id = ? GROUP BY provider, model ORDER BY provider, model", session_id)
            .all(self)
            .await
    }
}
