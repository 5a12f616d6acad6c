//! Articles, newest first, each with the newest that is known of it.

use std::collections::HashMap;

use clickhouse::Row;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::looks::looks;
use super::question::{Question, rows};
use super::ready::WAITING;
use super::shown::{NEWEST, SHOWN};
use super::{LISTED_ID_BYTES_MAX, dollars_or_null, moment, moment_of, moment_or_null};
use crate::clickhouse::{Failure, Store};
use crate::model::Timestamp;

/// What the newest attempt at each article of the live run came to.
pub(super) const OUTCOMES: &str = "\
SELECT article_id, argMax(status, (version, attempt)) AS status FROM batch_processing_records \
WHERE run_id = 'live' GROUP BY article_id";

/// Which of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ArticleStatus {
    /// With a reading.
    Analyzed,
    /// Without one, as the newest attempt failed.
    Failed,
    /// Without one, as a budget was spent.
    Deferred,
    /// Too short, or in another language.
    Screened,
    /// Worth an analysis, and waiting nowhere for one.
    Ready,
    /// All of them.
    #[default]
    All,
}

/// Which articles; each field that is set must be met.
#[derive(Debug, Clone, Default)]
pub struct ArticleFilter {
    /// Which of them.
    pub status: ArticleStatus,
    /// Exactly.
    pub publisher: Option<String>,
    /// Stands somewhere in the headline, in capital letters or small ones.
    pub q: Option<String>,
    /// Characters of clean text that a ready one has at least.
    pub ready_chars: u64,
}

/// The place of an article: its date and its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArticleKey(pub i64, pub String);

/// An article in a list.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = ArticleInList)]
pub struct ArticleLine {
    /// The producer's id.
    pub article_id: String,
    /// Cleaned headline.
    pub title: String,
    /// Who published it.
    pub publisher: String,
    /// Where it stands.
    pub url: String,
    /// When it was published.
    #[serde(serialize_with = "moment")]
    #[schema(value_type = String, format = DateTime)]
    pub published_at: i64,
    /// When it came in.
    #[serde(serialize_with = "moment")]
    #[schema(value_type = String, format = DateTime)]
    pub received_at: i64,
    /// ISO 639-1; empty where unsure.
    pub language: String,
    /// Characters of its text.
    pub text_chars: u32,
    /// `short`, `language`; empty where it was admitted.
    pub screen: String,
    /// `analyzed`, `failed`, `deferred`, `screened`, or `queued` where no attempt has ended yet.
    pub status: String,
    /// `bullish`, `bearish`, `neutral`; like all that follows null without an analysis.
    pub direction: Option<String>,
    /// −1 to 1.
    pub sentiment: Option<f64>,
    /// 0 to 1.
    pub confidence: Option<f64>,
    /// 0 to 1.
    pub strength: Option<f64>,
    /// Such as `BTC`.
    pub assets: Vec<String>,
    /// What kind of event it tells about.
    pub event_type: Option<String>,
    /// Who analysed.
    pub analyzer: Option<String>,
    /// The model version that answered.
    pub model: Option<String>,
    /// Agreement of the research.
    pub validation_score: Option<f64>,
    /// What it cost, in dollars.
    #[serde(serialize_with = "dollars_or_null")]
    #[schema(value_type = Option<f64>)]
    pub cost_usd: Option<i64>,
    /// When it was analysed.
    #[serde(serialize_with = "moment_or_null")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub analyzed_at: Option<i64>,
    /// The session of the newest attempt.
    pub session_id: Option<String>,
}

#[derive(Row, Deserialize)]
struct Listed {
    article_id: String,
    title: String,
    publisher: String,
    url: String,
    published_at: i64,
    received_at: i64,
    language: String,
    text_chars: u32,
    screen: String,
}

#[derive(Row, Deserialize)]
struct Read {
    article_id: String,
    session_id: String,
    direction: String,
    sentiment: f64,
    confidence: f64,
    strength: f64,
    assets: Vec<String>,
    event_type: String,
    analyzer: String,
    model: String,
    validation_score: Option<f64>,
    cost_usd: i64,
    analyzed_at: i64,
}

#[derive(Row, Deserialize)]
struct Latest {
    article_id: String,
    status: String,
    session_id: String,
}

impl ArticleLine {
    /// Its place.
    #[must_use]
    pub fn key(&self) -> ArticleKey {
        ArticleKey(self.published_at, self.article_id.clone())
    }
}

impl Store {
    /// At most `limit` articles behind `after`, newest first.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn articles(
        &self,
        filter: &ArticleFilter,
        after: Option<&ArticleKey>,
        limit: u64,
    ) -> Result<Vec<ArticleLine>, Failure> {
        let newest = after.map_or(self.clock.now(), |key| Timestamp(key.0));
        let mut listed: Vec<Listed> = Vec::new();
        for since in looks(newest, None) {
            listed = question(filter, since, after, limit).all(self).await?;
            if listed.len() as u64 >= limit {
                break;
            }
        }
        if listed.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<String> = listed.iter().map(|row| row.article_id.clone()).collect();
        let read = Question::new("SELECT ?fields ").and(SHOWN).with(" AND article_id IN ?", ids.clone()).and(NEWEST);
        let latest = "SELECT article_id, argMax(status, (version, attempt)) AS status, \
                      argMax(session_id, (version, attempt)) AS session_id FROM batch_processing_records \
                      WHERE run_id = 'live' AND article_id IN ? GROUP BY article_id";
        let (read, latest) =
            tokio::try_join!(read.all::<Read>(self), Question::new(latest).bound(ids).all::<Latest>(self))?;
        let mut read: HashMap<String, Read> = read.into_iter().map(|row| (row.article_id.clone(), row)).collect();
        let mut latest: HashMap<String, Latest> = latest.into_iter().map(|row| (row.article_id.clone(), row)).collect();
        let line = |row: Listed| {
            let (read, latest) = (read.remove(&row.article_id), latest.remove(&row.article_id));
            line(row, read, latest)
        };
        Ok(listed.into_iter().map(line).collect())
    }
}

fn question(filter: &ArticleFilter, since: Option<Timestamp>, after: Option<&ArticleKey>, limit: u64) -> Question {
    let question = Question::new("SELECT ?fields FROM articles FINAL WHERE run_id = 'live'")
        .with(" AND length(article_id) <= toInt64(?)", rows(LISTED_ID_BYTES_MAX))
        .when(" AND published_at >= fromUnixTimestamp64Milli(toInt64(?))", since.map(moment_of))
        .when(" AND publisher = ?", filter.publisher.as_deref())
        .when(" AND positionCaseInsensitiveUTF8(title, ?) > 0", filter.q.as_deref());
    let question = match filter.status {
        ArticleStatus::All => question,
        ArticleStatus::Screened => question.and(" AND screen != ''"),
        ArticleStatus::Analyzed => question.and(" AND article_id IN (").analyzed().and(")"),
        ArticleStatus::Failed => unread(question, "failed"),
        ArticleStatus::Deferred => unread(question, "deferred"),
        ArticleStatus::Ready => question
            .with(" AND screen = '' AND text_chars >= toInt64(?)", rows(filter.ready_chars))
            .and(" AND article_id NOT IN (")
            .analyzed()
            .and(") AND article_id NOT IN (")
            .and(WAITING)
            .and(")"),
    };
    let question = match after {
        // The first condition is one that an index knows.
        Some(ArticleKey(at, id)) => question
            .with(" AND published_at <= fromUnixTimestamp64Milli(toInt64(?))", moment_of(Timestamp(*at)))
            .with(
                " AND (toUnixTimestamp64Milli(published_at), article_id) < (toInt64(?), ?)",
                moment_of(Timestamp(*at)),
            )
            .bound(id),
        None => question,
    };
    question.with(" ORDER BY published_at DESC, article_id DESC LIMIT ?", rows(limit))
}

/// Without a reading, as the newest attempt came to `status`.
fn unread(question: Question, status: &str) -> Question {
    question
        .and(" AND article_id NOT IN (")
        .analyzed()
        .and(") AND article_id IN (SELECT article_id FROM (")
        .and(OUTCOMES)
        .with(") WHERE status = ?)", status)
}

fn line(row: Listed, read: Option<Read>, latest: Option<Latest>) -> ArticleLine {
    let status = match (&read, &latest) {
        (Some(_), _) => "analyzed",
        _ if !row.screen.is_empty() => "screened",
        (None, Some(latest)) => &latest.status,
        (None, None) => "queued",
    };
    let mut line = ArticleLine {
        status: status.to_owned(),
        article_id: row.article_id,
        title: row.title,
        publisher: row.publisher,
        url: row.url,
        published_at: row.published_at,
        received_at: row.received_at,
        language: row.language,
        text_chars: row.text_chars,
        screen: row.screen,
        direction: None,
        sentiment: None,
        confidence: None,
        strength: None,
        assets: Vec::new(),
        event_type: None,
        analyzer: None,
        model: None,
        validation_score: None,
        cost_usd: None,
        analyzed_at: None,
        session_id: latest.map(|latest| latest.session_id),
    };
    if let Some(read) = read {
        line.direction = Some(read.direction);
        line.sentiment = Some(read.sentiment);
        line.confidence = Some(read.confidence);
        line.strength = Some(read.strength);
        line.assets = read.assets;
        line.event_type = Some(read.event_type);
        line.analyzer = Some(read.analyzer);
        line.model = Some(read.model);
        line.validation_score = read.validation_score;
        line.cost_usd = Some(read.cost_usd);
        line.analyzed_at = Some(read.analyzed_at);
        line.session_id = Some(read.session_id);
    }
    line
}
