//! The history of signals, newest first.

use std::collections::BTreeMap;

use clickhouse::Row;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::looks::looks;
use super::question::{Question, rows};
use super::{moment, moment_of};
use crate::clickhouse::{Failure, Store, dollars};
use crate::model::Timestamp;

/// A row of `signals_v`, without what its score rests on.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize, ToSchema)]
#[schema(as = Signal)]
pub struct StoredSignal {
    /// Made of kind, source, strategy and run.
    pub signal_id: String,
    /// `live`.
    pub run_id: String,
    /// `article` or `market`.
    pub kind: String,
    /// The article's id, or `exchange:symbol:interval`.
    pub source_id: String,
    /// `BTC`, `MARKET`, or a market's symbol.
    pub subject: String,
    /// Lower case; empty for articles.
    pub exchange: String,
    /// Such as `15m`; empty for articles.
    pub interval: String,
    /// `news`, `momentum`, `breakout`, `reversal`.
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
    /// `resolved`, `aggregated`, `neutral`; empty for articles.
    pub oi_status: String,
    /// Age of what derivatives said, in seconds.
    pub context_age_s: f64,
    /// Who analysed.
    pub analyzer: String,
    /// The model version that answered.
    pub model: String,
    /// Of the prompt, or of the lexicon.
    pub prompt_version: String,
    /// What it cost, in dollars.
    #[serde(serialize_with = "dollars")]
    #[schema(value_type = f64)]
    pub cost_usd: i64,
    /// When what it tells about happened.
    #[serde(serialize_with = "moment")]
    #[schema(value_type = String, format = DateTime)]
    pub event_time: i64,
    /// When it could be known.
    #[serde(serialize_with = "moment")]
    #[schema(value_type = String, format = DateTime)]
    pub available_at: i64,
    /// When it was made.
    #[serde(serialize_with = "moment")]
    #[schema(value_type = String, format = DateTime)]
    pub produced_at: i64,
}

/// Which signals; each field that is set must be met.
#[derive(Debug, Clone, Default)]
pub struct SignalFilter {
    /// `article` or `market`.
    pub kind: Option<String>,
    /// Exactly.
    pub subject: Option<String>,
    /// Exactly.
    pub exchange: Option<String>,
    /// Exactly.
    pub interval: Option<String>,
    /// Exactly.
    pub strategy: Option<String>,
    /// `bullish`, `bearish`, `neutral`.
    pub direction: Option<String>,
    /// The article's id, or `exchange:symbol:interval`.
    pub source_id: Option<String>,
    /// Not before.
    pub since: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
}

/// The place of a signal in the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignalKey(pub i64, pub String);

impl StoredSignal {
    /// Its place.
    #[must_use]
    pub fn key(&self) -> SignalKey {
        SignalKey(self.event_time, self.signal_id.clone())
    }
}

impl Store {
    /// At most `limit` signals behind `after`, newest first.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn signals(
        &self,
        filter: &SignalFilter,
        after: Option<&SignalKey>,
        limit: u64,
    ) -> Result<Vec<StoredSignal>, Failure> {
        let newest = after.map_or(self.clock.now(), |key| Timestamp(key.0));
        let mut found = Vec::new();
        for since in looks(newest, filter.since) {
            found = question(filter, since, after, limit).all(self).await?;
            if found.len() as u64 >= limit {
                break;
            }
        }
        Ok(found)
    }
}

fn question(filter: &SignalFilter, since: Option<Timestamp>, after: Option<&SignalKey>, limit: u64) -> Question {
    let question = Question::new("SELECT ?fields FROM signals_v WHERE true")
        .when(" AND kind = ?", filter.kind.as_deref())
        .when(" AND subject = ?", filter.subject.as_deref())
        .when(" AND exchange = ?", filter.exchange.as_deref())
        .when(" AND interval = ?", filter.interval.as_deref())
        .when(" AND strategy = ?", filter.strategy.as_deref())
        .when(" AND direction = ?", filter.direction.as_deref())
        .when(" AND source_id = ?", filter.source_id.as_deref())
        .when(" AND event_time >= fromUnixTimestamp64Milli(toInt64(?))", since.map(moment_of))
        .when(" AND event_time < fromUnixTimestamp64Milli(toInt64(?))", filter.until.map(moment_of));
    let question = match after {
        // The first condition is one that an index knows.
        Some(SignalKey(at, id)) => question
            .with(" AND event_time <= fromUnixTimestamp64Milli(toInt64(?))", moment_of(Timestamp(*at)))
            .with(" AND (toUnixTimestamp64Milli(event_time), signal_id) < (toInt64(?), ?)", moment_of(Timestamp(*at)))
            .bound(id),
        None => question,
    };
    question.with(" ORDER BY event_time DESC, signal_id DESC LIMIT ?", rows(limit))
}
