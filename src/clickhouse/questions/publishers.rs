//! Publishers, and what became of their articles.

use clickhouse::Row;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::articles::OUTCOMES;
use super::moment;
use super::question::{Question, rows};
use super::ready::WAITING;
use crate::clickhouse::{Failure, Store, dollars};

/// Publishers that are told at most, those with most articles first.
const PUBLISHERS_MAX: i64 = 2_000;

/// What was spent on each article, all attempts together.
const COSTS: &str = "\
SELECT article_id, sum(cost_usd) AS cost FROM batch_processing_records FINAL WHERE run_id = 'live' GROUP BY article_id";

/// A publisher.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize, ToSchema)]
#[schema(as = PublisherCounts)]
pub struct PublisherState {
    /// As its articles name it.
    pub publisher: String,
    /// All of them.
    pub articles: u64,
    /// With a reading.
    pub analyzed: u64,
    /// Worth an analysis, and waiting nowhere for one.
    pub ready: u64,
    /// Too short, or in another language.
    pub screened: u64,
    /// Without a reading, as the newest attempt failed.
    pub failed: u64,
    /// Without one, as a budget was spent.
    pub deferred: u64,
    /// What its articles cost, in dollars.
    #[serde(serialize_with = "dollars")]
    #[schema(value_type = f64)]
    pub cost_usd: i64,
    /// When its newest article was published.
    #[serde(serialize_with = "moment")]
    #[schema(value_type = String, format = DateTime)]
    pub newest_at: i64,
}

impl Store {
    /// Every publisher, those with most articles first; `ready_chars` as [`super::ReadyFilter::chars_min`].
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn publishers(&self, ready_chars: u64) -> Result<Vec<PublisherState>, Failure> {
        Question::new("SELECT publisher, count() AS articles, countIf(is_analyzed) AS analyzed, countIf(screen = ''")
            .with(" AND text_chars >= toInt64(?)", rows(ready_chars))
            .and(" AND NOT is_analyzed AND a.article_id NOT IN (")
            .and(WAITING)
            .and(")) AS ready, countIf(screen != '') AS screened")
            .and(", countIf(status = 'failed' AND NOT is_analyzed) AS failed")
            .and(", countIf(status = 'deferred' AND NOT is_analyzed) AS deferred")
            .and(", toDecimal64(sum(cost), 9) AS cost_usd, max(published_at) AS newest_at FROM (")
            .and("SELECT publisher, article_id, screen, text_chars, published_at, article_id IN (")
            .analyzed()
            .and(") AS is_analyzed FROM articles FINAL WHERE run_id = 'live') AS a LEFT JOIN (")
            .and(OUTCOMES)
            .and(") AS o ON o.article_id = a.article_id LEFT JOIN (")
            .and(COSTS)
            .and(") AS c ON c.article_id = a.article_id")
            .with(" GROUP BY publisher ORDER BY articles DESC, publisher LIMIT ?", PUBLISHERS_MAX)
            .all(self)
            .await
    }
}
