//! `dead_letters`: records that could not be processed, with the bytes that they had.

use clickhouse::Row;
use serde::Serialize;

use super::cells::{Bytes, FIXED_BYTES, Moment, Money};
use crate::clickhouse::{Stored, Table};

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
}

impl Stored for DeadLetterRow<'_> {
    const TABLE: Table = Table::DeadLetters;

    fn bytes(row: &DeadLetterRow<'_>) -> usize {
        let headers = row.headers.iter().map(|(name, value)| name.len() + value.0.len() + 2).sum::<usize>();
        FIXED_BYTES + row.payload.0.len() + row.key.map_or(0, |key| key.0.len()) + row.error.len() + headers
    }
}
