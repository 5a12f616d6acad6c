//! What derivatives said of one instrument over time.

use clickhouse::Row;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::question::{Question, rows};
use super::{moment_of, moment_or_null};
use crate::clickhouse::{Failure, Store};
use crate::model::Timestamp;

/// A row of `market_contexts_v`.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize, ToSchema)]
#[schema(as = Context)]
pub struct ContextState {
    /// `resolved`, `aggregated`, `neutral`.
    pub oi_status: String,
    /// Whose derivatives; empty where none were asked.
    pub venue: String,
    /// The newest moment that it speaks of.
    #[serde(serialize_with = "moment_or_null")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub as_of: Option<i64>,
    /// When it was fetched.
    #[serde(serialize_with = "moment_or_null")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub fetched_at: Option<i64>,
    /// In dollars.
    pub open_interest_usd: Option<f64>,
    /// Relative, over 24 hours.
    pub open_interest_change: Option<f64>,
    /// Percent for each funding interval.
    pub funding_rate: Option<f64>,
    /// Accounts that are long for each that is short.
    pub long_short_ratio: Option<f64>,
    /// In dollars, within 24 hours.
    pub liquidations_long_usd: Option<f64>,
    /// In dollars, within 24 hours.
    pub liquidations_short_usd: Option<f64>,
}

impl Store {
    /// The newest `limit` contexts of an instrument within a range of time, oldest first. Neutral ones have no time: they
    /// are the oldest, and stand in no range that has a beginning.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn contexts(
        &self,
        exchange: &str,
        symbol: &str,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
        limit: u64,
    ) -> Result<Vec<ContextState>, Failure> {
        // `known_at` is part of the sort key, and what `as_of` says where there is one.
        let question = Question::new("SELECT ?fields FROM market_contexts FINAL WHERE run_id = 'live'")
            .with(" AND exchange = ?", exchange)
            .with(" AND symbol = ?", symbol)
            .when(" AND known_at >= fromUnixTimestamp64Milli(toInt64(?))", from.map(moment_of))
            .when(" AND known_at < fromUnixTimestamp64Milli(toInt64(?))", to.map(moment_of))
            .with(" ORDER BY known_at DESC LIMIT ?", rows(limit));
        let mut contexts: Vec<ContextState> = question.all(self).await?;
        contexts.reverse();
        Ok(contexts)
    }
}
