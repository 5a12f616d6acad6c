//! Dead letters: which there are, what was done about them, and their bytes.
//!
//! The view is asked for what a letter says, and the table for its payload, which is whole: nothing cuts it on its way.
//! Lists do not read payloads.

use bytes::Bytes;
use clickhouse::Row;
use serde::Deserialize;

use super::insert::Poisoned;
use super::questions::moment_of;
use super::rows::DeadLetterActionRow;
use super::{Failure, Store};
use crate::model::{Article, ArticleBatch, NanoUsd, Timestamp};

/// What may have been done about a letter; a later step has a higher number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It is being sent again, or whoever did was stopped amid that.
    Sending = 1,
    /// It was sent again, and has arrived.
    Retried = 2,
    /// It was put aside.
    Dropped = 3,
}

impl Action {
    /// As the column has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sending => "sending",
            Self::Retried => "retried",
            Self::Dropped => "dropped",
        }
    }
}

/// A row of `dead_letters_v`, without its payload.
#[derive(Debug, Clone, PartialEq, Row, Deserialize)]
pub struct DeadLetterState {
    /// The topic of the record that died.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Its key.
    pub key: Option<Bytes>,
    /// Why, in a word.
    pub reason: String,
    /// Why, for people.
    pub error: String,
    /// Who gave it up.
    pub stage: String,
    /// How often it was tried.
    pub attempts: i32,
    /// What that cost, in nano-dollars.
    pub spent_nanos: i64,
    /// Its headers.
    pub headers: Vec<(String, Bytes)>,
    /// When it died, in milliseconds.
    pub at: i64,
    /// Where it lies in its `.dlq` topic; empty for what was stored before that was noted.
    pub kept_in: String,
    /// How often it was sent again so far.
    pub retries: u32,
    /// `open`, `sending`, `retried`, `dropped`.
    pub state: String,
    /// Bytes of its payload.
    pub payload_bytes: u64,
}

impl DeadLetterState {
    /// What its attempts cost.
    #[must_use]
    pub fn spent(&self) -> NanoUsd {
        NanoUsd(u64::try_from(self.spent_nanos).unwrap_or(0))
    }
}

/// The payload of a letter.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
pub struct DeadLetterBody {
    /// The offset of the record that died.
    pub offset: i64,
    /// Why it did.
    pub reason: String,
    /// Its bytes.
    pub payload: Bytes,
}

/// Which letters. What is `None` or empty does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeadLetterFilter {
    /// Of one of these topics.
    pub topics: Vec<String>,
    /// For this reason.
    pub reason: Option<String>,
    /// Given up by this stage.
    pub stage: Option<String>,
    /// Not before this.
    pub since: Option<Timestamp>,
    /// Before this.
    pub until: Option<Timestamp>,
    /// In one of these states.
    pub states: Vec<String>,
    /// At one of these places (`topic/partition/offset`): of the record, or of the letter in its `.dlq` topic.
    pub places: Vec<String>,
}

/// The last attempt at an article of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
pub struct LastAttempt {
    /// Its number.
    pub attempt: i32,
    /// `analyzed`, `failed`, `deferred`.
    pub status: String,
}

const COLUMNS: &str = "\
SELECT topic, partition, offset, key, reason, error, stage, attempts, toInt64(spent_usd * 1000000000) AS spent_nanos, \
headers, toUnixTimestamp64Milli(at) AS at, kept_in, retries, toString(state) AS state, length(payload) AS payload_bytes \
FROM dead_letters_v";

impl DeadLetterFilter {
    /// The condition, and what is bound in it.
    fn condition(&self) -> (String, Vec<Bound>) {
        let mut sql = " WHERE true".to_owned();
        let mut bound = Vec::new();
        let mut add = |part: &str, value: Bound| {
            sql.push_str(part);
            bound.push(value);
        };
        for (part, texts) in
            [(" AND dead_letters_v.topic IN ?", &self.topics), (" AND dead_letters_v.state IN ?", &self.states)]
        {
            if !texts.is_empty() {
                add(part, Bound::Texts(texts.clone()));
            }
        }
        if !self.places.is_empty() {
            add(
                " AND (concat(topic, '/', toString(partition), '/', toString(offset)) IN ?",
                Bound::Texts(self.places.clone()),
            );
            add(" OR kept_in IN ?)", Bound::Texts(self.places.clone()));
        }
        for (part, text) in [(" AND reason = ?", &self.reason), (" AND stage = ?", &self.stage)] {
            if let Some(text) = text {
                add(part, Bound::Text(text.clone()));
            }
        }
        for (part, time) in [
            (" AND dead_letters_v.at >= fromUnixTimestamp64Milli(toInt64(?))", self.since),
            (" AND dead_letters_v.at < fromUnixTimestamp64Milli(toInt64(?))", self.until),
        ] {
            if let Some(time) = time {
                add(part, Bound::Number(moment_of(time)));
            }
        }
        (sql, bound)
    }
}

enum Bound {
    Text(String),
    Texts(Vec<String>),
    Number(i64),
}

impl Store {
    /// Letters, at most `limit`, the newest first.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn dead_letters(&self, which: &DeadLetterFilter, limit: u64) -> Result<Vec<DeadLetterState>, Failure> {
        self.dead_letters_by(which, "dead_letters_v.at DESC, topic, partition, offset DESC, reason", limit).await
    }

    /// The same in the order of their records.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn dead_letters_in_order(
        &self,
        which: &DeadLetterFilter,
        limit: u64,
    ) -> Result<Vec<DeadLetterState>, Failure> {
        self.dead_letters_by(which, "topic, partition, offset, reason", limit).await
    }

    async fn dead_letters_by(
        &self,
        which: &DeadLetterFilter,
        order: &str,
        limit: u64,
    ) -> Result<Vec<DeadLetterState>, Failure> {
        let (condition, bound) = which.condition();
        let query = self.client.query(&format!("{COLUMNS}{condition} ORDER BY {order} LIMIT ?"));
        let query = bound.into_iter().fold(query, |query, value| match value {
            Bound::Text(text) => query.bind(text),
            Bound::Texts(texts) => query.bind(texts),
            Bound::Number(number) => query.bind(number),
        });
        self.all(query.bind(limit)).await
    }

    /// The payloads of letters of one partition of a topic, whole.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn dead_letter_bodies(
        &self,
        topic: &str,
        partition: i32,
        offsets: &[i64],
    ) -> Result<Vec<DeadLetterBody>, Failure> {
        let sql = "SELECT ?fields FROM dead_letters FINAL WHERE topic = ? AND partition = ? AND offset IN ?";
        self.all(self.client.query(sql).bind(topic).bind(partition).bind(offsets)).await
    }

    /// The last attempt at an article of a batch; `None` where there was none (that is known yet).
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn last_attempt(&self, batch: &ArticleBatch, article: &Article) -> Result<Option<LastAttempt>, Failure> {
        let sql = "SELECT ?fields FROM batch_processing_records WHERE session_id = ? AND run_id = ? AND batch_id = ? \
                   AND article_id = ? AND origin = ? ORDER BY attempt DESC, version DESC LIMIT 1";
        let query = self.client.query(sql).bind(&batch.session_id).bind(&batch.run_id).bind(&batch.batch_id.0);
        let found: Vec<LastAttempt> = self.all(query.bind(&article.article_id).bind(&article.origin)).await?;
        Ok(found.into_iter().next())
    }

    /// Notes what was done, however often the server has to be asked; says what it refused.
    pub async fn note_dead_letters(&self, rows: &[DeadLetterActionRow<'_>]) -> Vec<Poisoned> {
        self.insert_all::<DeadLetterActionRow<'_>>(rows, &()).await
    }
}
