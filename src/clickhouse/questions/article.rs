//! One article with everything that is known of it.

use clickhouse::Row;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::question::{Question, rows};
use super::shown::{NEWEST, SHOWN};
use super::{StoredSignal, moment, moments};
use crate::clickhouse::{Failure, Store, dollars};

/// Attempts and calls of an article that are told at most, the newest first.
const TOLD_MAX: i64 = 200;

/// A row of `articles_v`.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize, ToSchema)]
#[schema(as = Article)]
pub struct StoredArticle {
    /// The producer's id.
    pub article_id: String,
    /// Cleaned headline.
    pub title: String,
    /// Cleaned text: paragraphs as lines, no markup.
    pub text: String,
    /// Who published it.
    pub publisher: String,
    /// Where it stands.
    pub url: String,
    /// When it was published.
    #[serde(serialize_with = "moment")]
    #[schema(value_type = String, format = DateTime)]
    pub published_at: i64,
    /// Its producer gave no date that can be believed.
    pub date_inferred: bool,
    /// When it came in.
    #[serde(serialize_with = "moment")]
    #[schema(value_type = String, format = DateTime)]
    pub received_at: i64,
    /// ISO 639-1; empty where unsure.
    pub language: String,
    /// Characters of its text.
    pub text_chars: u32,
    /// Equal for equal texts.
    pub content_hash: String,
    /// `short`, `language`; empty where it was admitted.
    pub screen: String,
    /// The article that this one repeats, or nearly; empty where none.
    pub near_duplicate_of: String,
    /// `live`.
    pub run_id: String,
    /// The raw record.
    pub origin: String,
}

/// A row of `article_analyses_v`.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize, ToSchema)]
#[schema(as = ArticleAnalysis)]
#[expect(missing_docs, reason = "the columns as the contract has them; `model::Analysis` says what they are")]
pub struct AnalysisState {
    pub analysis_id: String,
    pub article_id: String,
    pub run_id: String,
    pub session_id: String,
    pub batch_id: String,
    pub analyzer: String,
    pub model: String,
    pub prompt_version: String,
    pub tier: String,
    pub direction: String,
    pub sentiment: f64,
    pub confidence: f64,
    pub strength: f64,
    pub horizon: String,
    pub assets: Vec<String>,
    pub event_type: String,
    pub key_points: Vec<String>,
    pub rationale: String,
    pub novelty: f64,
    pub validation_score: Option<f64>,
    pub sources: Vec<String>,
    #[serde(serialize_with = "moments")]
    #[schema(value_type = Vec<Option<String>>)]
    pub source_dates: Vec<Option<i64>>,
    #[serde(serialize_with = "dollars")]
    #[schema(value_type = f64)]
    pub cost_usd: i64,
    pub input_tokens: i64,
    pub output_tokens: i64,
    pub duration_ms: f64,
    #[serde(serialize_with = "moment")]
    #[schema(value_type = String, format = DateTime)]
    pub analyzed_at: i64,
    #[serde(serialize_with = "moment")]
    #[schema(value_type = String, format = DateTime)]
    pub published_at: i64,
    #[serde(serialize_with = "moment")]
    #[schema(value_type = String, format = DateTime)]
    pub received_at: i64,
    pub near_duplicate_of: String,
    pub origin: String,
}

/// A row of `batch_processing_records_v`.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize, ToSchema)]
#[schema(as = ArticleAttempt)]
pub struct AttemptState {
    /// The session that admitted the article.
    pub session_id: String,
    /// `live`, or the replay's id.
    pub run_id: String,
    /// The batch it is counted in.
    pub batch_id: String,
    /// The article.
    pub article_id: String,
    /// The raw record.
    pub origin: String,
    /// From 1.
    pub attempt: i32,
    /// The analysis that it brought, or would have.
    pub analysis_id: String,
    /// `analyzed`, `failed`, `deferred`.
    pub status: String,
    /// Why not; empty where it was analysed.
    pub error: String,
    /// Who analysed; empty where nobody did.
    pub analyzer: String,
    /// What it cost, in dollars.
    #[serde(serialize_with = "dollars")]
    #[schema(value_type = f64)]
    pub cost_usd: i64,
    /// How long it took.
    pub duration_ms: f64,
    /// When it began.
    #[serde(serialize_with = "moment")]
    #[schema(value_type = String, format = DateTime)]
    pub started_at: i64,
    /// When it ended.
    #[serde(serialize_with = "moment")]
    #[schema(value_type = String, format = DateTime)]
    pub finished_at: i64,
}

/// A row of `spend_v`: one call.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize, ToSchema)]
#[schema(as = ArticleSpend)]
pub struct SpendState {
    /// The session that paid.
    pub session_id: String,
    /// Who was asked.
    pub provider: String,
    /// The model version that answered; empty for research.
    pub model: String,
    /// `analyze`, `repair`, `search`.
    pub operation: String,
    /// `open`, `settled`, `lost`, `void`, `in_doubt`, `overrun`.
    pub outcome: String,
    /// What it could have cost at most, in dollars.
    #[serde(serialize_with = "dollars")]
    #[schema(value_type = f64)]
    pub held_usd: i64,
    /// What counts of it.
    #[serde(serialize_with = "dollars")]
    #[schema(value_type = f64)]
    pub cost_usd: i64,
    /// Tokens in.
    pub input_tokens: i64,
    /// Tokens out.
    pub output_tokens: i64,
    /// When it came to stand so.
    #[serde(serialize_with = "moment")]
    #[schema(value_type = String, format = DateTime)]
    pub at: i64,
}

impl Store {
    /// An article of the live run.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn article(&self, article_id: &str) -> Result<Option<StoredArticle>, Failure> {
        let question = Question::new("SELECT ?fields FROM articles FINAL");
        question.with(" WHERE run_id = 'live' AND article_id = ?", article_id).first(self).await
    }

    /// Its analysis, where there is one: that of a promoted run, unless live traffic has a newer one.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn analysis_of(&self, article_id: &str) -> Result<Option<AnalysisState>, Failure> {
        let question = Question::new("SELECT ?fields ").and(SHOWN);
        question.with(" AND article_id = ?", article_id).and(NEWEST).first(self).await
    }

    /// The newest attempts at it, newest first.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn attempts_at(&self, article_id: &str) -> Result<Vec<AttemptState>, Failure> {
        let question = Question::new("SELECT ?fields FROM batch_processing_records FINAL WHERE run_id = 'live'");
        question
            .with(" AND article_id = ?", article_id)
            .with(" ORDER BY finished_at DESC, attempt DESC LIMIT ?", TOLD_MAX)
            .all(self)
            .await
    }

    /// The newest `limit` attempts of a session, newest first.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn attempts_of(&self, session_id: &str, limit: u64) -> Result<Vec<AttemptState>, Failure> {
        let question = Question::new("SELECT ?fields FROM batch_processing_records FINAL");
        question
            .with(" WHERE session_id = ?", session_id)
            .with(" ORDER BY finished_at DESC, article_id, attempt DESC LIMIT ?", rows(limit))
            .all(self)
            .await
    }

    /// The newest calls for it, newest first.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn spend_on(&self, article_id: &str) -> Result<Vec<SpendState>, Failure> {
        let question = Question::new("SELECT ?fields FROM spend FINAL WHERE run_id = 'live'");
        question
            .with(" AND article_id = ?", article_id)
            .with(" ORDER BY at DESC, hold_id LIMIT ?", TOLD_MAX)
            .all(self)
            .await
    }

    /// The signal that was made of it, where there is one.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn signal_of(&self, article_id: &str) -> Result<Option<StoredSignal>, Failure> {
        let question = Question::new("SELECT ?fields FROM signals_v WHERE kind = 'article'");
        question.with(" AND source_id = ? ORDER BY produced_at DESC LIMIT 1", article_id).first(self).await
    }
}
