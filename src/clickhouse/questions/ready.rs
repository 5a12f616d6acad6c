//! Articles that are worth an analysis and have none: what a session that somebody starts is made of.
//!
//! Ready is an admitted article of the live run with enough text that neither live traffic nor a promoted run has analysed
//! and that waits nowhere. It waits while a batch that it is in has not ended for it, or has deferred it, unless that
//! session was cancelled. A session with a limit of its own (`api-…`) that has deferred it does not count: nobody else
//! would pay for it.

use std::collections::HashMap;

use clickhouse::Row;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::question::{Question, rows};
use super::{LISTED_ID_BYTES_MAX, moment, moment_of};
use crate::clickhouse::{Failure, Store};
use crate::model::{Article, Screen, Timestamp};

/// Articles that wait, by the batches that they are in; by the records alone where a batch of before does not name its
/// articles.
pub(super) const WAITING: &str = "\
WITH cancelled AS ( \
    SELECT session_id FROM session_events GROUP BY session_id HAVING argMax(event, at) = 'cancelled' \
), latest AS ( \
    SELECT session_id, batch_id, article_id, argMax(status, (attempt, version)) AS status \
    FROM batch_processing_records WHERE run_id = 'live' GROUP BY session_id, batch_id, article_id \
) \
SELECT article_id FROM ( \
    SELECT session_id, batch_id, arrayJoin(article_ids) AS article_id \
    FROM batch_processing_sessions WHERE run_id = 'live' \
) \
WHERE session_id NOT IN (SELECT session_id FROM cancelled) \
  AND (session_id, batch_id, article_id) NOT IN (SELECT session_id, batch_id, article_id FROM latest) \
UNION ALL \
SELECT article_id FROM latest \
WHERE status = 'deferred' AND NOT startsWith(session_id, 'api-') \
  AND session_id NOT IN (SELECT session_id FROM cancelled)";

/// Whole articles that are asked for at a time.
const CHUNK_ROWS: usize = 100;
/// Characters of text that whole articles may have together: they are held in memory.
pub const WHOLE_CHARS_MAX: u64 = 16_000_000;

/// Which articles.
#[derive(Debug, Clone)]
pub struct ReadyFilter {
    /// Exactly.
    pub publisher: Option<String>,
    /// Characters of clean text at least.
    pub chars_min: u64,
    /// Publishers that come first, in this order.
    pub publishers_first: Vec<String>,
}

/// The place of an article in the queue: of its publisher, of its date (negative milliseconds), its id.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct ReadyKey {
    /// 0 for articles of the first publisher.
    pub rank: u64,
    /// Newest first.
    pub age: i64,
    /// Makes it unique.
    pub article_id: String,
}

/// An article that is ready.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize, ToSchema)]
pub struct ReadyArticle {
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
    /// How it begins.
    pub excerpt: String,
}

#[derive(Row, Deserialize)]
struct Whole {
    article_id: String,
    title: String,
    text: String,
    publisher: String,
    url: String,
    published_at: i64,
    date_inferred: bool,
    received_at: i64,
    language: String,
    text_chars: u32,
    content_hash: String,
    near_duplicate_of: String,
    origin: String,
    version: i64,
}

#[derive(Row, Deserialize)]
struct Sized {
    article_id: String,
    text_chars: u32,
}

/// What `select` asks for, of articles that are ready.
fn ready(select: Question, filter: &ReadyFilter) -> Question {
    select
        .and(" FROM articles FINAL WHERE run_id = 'live' AND screen = ''")
        .with(" AND length(article_id) <= toInt64(?)", rows(LISTED_ID_BYTES_MAX))
        .with(" AND text_chars >= toInt64(?)", rows(filter.chars_min))
        .when(" AND publisher = ?", filter.publisher.as_deref())
        .and(" AND article_id NOT IN (")
        .analyzed()
        .and(") AND article_id NOT IN (")
        .and(WAITING)
        .and(")")
}

impl Store {
    /// How many articles are ready.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn ready_count(&self, filter: &ReadyFilter) -> Result<u64, Failure> {
        Ok(ready(Question::new("SELECT count()"), filter).first(self).await?.unwrap_or_default())
    }

    /// The places of at most `limit` articles behind `after`, in the order in which budgets are spent on them.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn ready_keys(
        &self,
        filter: &ReadyFilter,
        after: Option<&ReadyKey>,
        limit: u64,
    ) -> Result<Vec<ReadyKey>, Failure> {
        let first: Vec<String> = filter.publishers_first.iter().map(|name| name.to_ascii_lowercase()).collect();
        // Places count from 1, and 0 is none of them: as an unsigned number less one it comes last.
        let rank = if first.is_empty() {
            Question::new("SELECT toUInt64(0) AS rank")
        } else {
            Question::new("SELECT ").with("toUInt64(indexOf(?, lower(publisher)) - 1) AS rank", first)
        };
        let select = rank.and(", -toUnixTimestamp64Milli(published_at) AS age, article_id");
        let question = ready(select, filter);
        let question = match after {
            Some(key) => question
                .with(" AND (rank, age, article_id) > (toUInt64(?), toInt64(?), ?)", key.rank.cast_signed())
                .bound(-moment_of(Timestamp(key.age.saturating_neg())))
                .bound(&key.article_id),
            None => question,
        };
        question.with(" ORDER BY rank, age, article_id LIMIT ?", rows(limit)).all(self).await
    }

    /// The articles at these places, in their order.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn ready_articles(&self, keys: &[ReadyKey]) -> Result<Vec<ReadyArticle>, Failure> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<String> = keys.iter().map(|key| key.article_id.clone()).collect();
        let sql = "SELECT article_id, title, publisher, url, published_at, received_at, language, text_chars, \
                   substringUTF8(text, 1, 280) AS excerpt \
                   FROM articles FINAL WHERE run_id = 'live' AND article_id IN ?";
        let found: Vec<ReadyArticle> = Question::new(sql).bound(ids).all(self).await?;
        Ok(in_order(keys, found, |article| &article.article_id))
    }

    /// The whole articles at these places, in their order, as far as [`WHOLE_CHARS_MAX`] goes.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn whole_articles(&self, keys: &[ReadyKey]) -> Result<Vec<Article>, Failure> {
        let ids = |keys: &[ReadyKey]| keys.iter().map(|key| key.article_id.clone()).collect::<Vec<_>>();
        let mut articles = Vec::new();
        let mut chars = 0;
        for keys in keys.chunks(CHUNK_ROWS) {
            let sizes = "SELECT article_id, text_chars FROM articles FINAL WHERE run_id = 'live' AND article_id IN ?";
            let sizes =
                in_order(keys, Question::new(sizes).bound(ids(keys)).all(self).await?, |row: &Sized| &row.article_id);
            let fit = sizes.iter().take_while(|row| {
                chars += u64::from(row.text_chars);
                chars <= WHOLE_CHARS_MAX
            });
            let keys = &keys[..fit.count()];
            if keys.is_empty() {
                break;
            }
            let whole = "SELECT ?fields FROM articles FINAL WHERE run_id = 'live' AND article_id IN ?";
            let whole: Vec<Whole> = Question::new(whole).bound(ids(keys)).all(self).await?;
            articles.extend(in_order(keys, whole, |article| &article.article_id).into_iter().map(Article::from));
        }
        Ok(articles)
    }
}

/// What was found of `keys`, in their order.
fn in_order<T>(keys: &[ReadyKey], found: Vec<T>, id: impl Fn(&T) -> &String) -> Vec<T> {
    let mut found: HashMap<String, T> = found.into_iter().map(|row| (id(&row).clone(), row)).collect();
    keys.iter().filter_map(|key| found.remove(&key.article_id)).collect()
}

impl From<Whole> for Article {
    fn from(row: Whole) -> Self {
        Self {
            article_id: row.article_id,
            title: row.title,
            text: row.text,
            publisher: row.publisher,
            url: row.url,
            published_at: Timestamp(row.published_at),
            date_inferred: row.date_inferred,
            received_at: Timestamp(row.received_at),
            language: row.language,
            text_chars: row.text_chars.into(),
            content_hash: row.content_hash,
            // No other is asked for.
            screen: Screen::None,
            near_duplicate_of: row.near_duplicate_of,
            origin: row.origin,
            version: row.version,
        }
    }
}
