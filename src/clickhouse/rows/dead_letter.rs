//! `dead_letters`: records that could not be processed, with the bytes that they had, all of them. `dead_letter_actions`:
//! what somebody did about one.

use clickhouse::Row;
use serde::Serialize;

use super::cells::{Bytes, FIXED_BYTES, Moment, Money};
use crate::clickhouse::{Action, DeadLetterState, Stored, Table};
use crate::model::Timestamp;

/// A row of `dead_letters`. Topic, partition and offset are those of the original record.
#[derive(Debug, Clone, Row, Serialize)]
pub struct DeadLetterRow<'a> {
    /// The original's topic.
    pub topic: &'a str,
    /// The original's partition.
    pub partition: i32,
    /// The original's offset.
    pub offset: i64,
    /// The original's key; `None` where it had none.
    pub key: Option<Bytes<'a>>,
    /// `malformed`, `unknown_schema`, `invalid`, `too_large`, …
    pub reason: &'a str,
    /// What was wrong, for people.
    pub error: &'a str,
    /// Where it was rejected.
    pub stage: &'a str,
    /// How often it was tried.
    pub attempts: i32,
    /// What the attempts cost.
    pub spent_usd: Money,
    /// The original's value.
    pub payload: Bytes<'a>,
    /// The original's headers in their order; names may repeat.
    pub headers: Vec<(&'a str, Bytes<'a>)>,
    /// When it was rejected.
    pub at: Moment,
    /// Orders rejections of the same record: milliseconds of `at`.
    pub version: i64,
    /// How often the record had been sent again before.
    pub retries: u32,
    /// Where it lies in its `.dlq` topic: `topic/partition/offset`.
    pub kept_in: String,
}

impl Stored for DeadLetterRow<'_> {
    const TABLE: Table = Table::DeadLetters;

    fn bytes(row: &DeadLetterRow<'_>) -> usize {
        let headers = row.headers.iter().map(|(name, value)| name.len() + value.0.len() + 2).sum::<usize>();
        FIXED_BYTES
            + row.kept_in.len()
            + row.payload.0.len()
            + row.key.map_or(0, |key| key.0.len())
            + row.error.len()
            + headers
    }
}

/// A row of `dead_letter_actions`. The first four name the letter, `letter_at` which death of it.
#[derive(Debug, Clone, Row, Serialize)]
pub struct DeadLetterActionRow<'a> {
    topic: &'a str,
    partition: i32,
    offset: i64,
    reason: &'a str,
    letter_at: Moment,
    action: &'static str,
    retries: u32,
    sent_to: String,
    at: Moment,
    version: i64,
}

impl<'a> DeadLetterActionRow<'a> {
    /// What was done `at` a time; `retries` says how often the letter was sent again by then.
    #[must_use]
    pub fn new(letter: &'a DeadLetterState, action: Action, retries: u32, sent_to: String, at: Timestamp) -> Self {
        Self {
            topic: &letter.topic,
            partition: letter.partition,
            offset: letter.offset,
            reason: &letter.reason,
            letter_at: Timestamp(letter.at).into(),
            action: action.as_str(),
            retries,
            sent_to,
            at: at.into(),
            // Of two in one millisecond the later step counts.
            version: at.0.saturating_mul(4).saturating_add(action as i64),
        }
    }
}

impl Stored for DeadLetterActionRow<'_> {
    const TABLE: Table = Table::DeadLetterActions;

    fn bytes(row: &DeadLetterActionRow<'_>) -> usize {
        FIXED_BYTES + row.topic.len() + row.sent_to.len()
    }
}
