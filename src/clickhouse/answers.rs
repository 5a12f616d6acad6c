//! Answers that were paid for before, looked up by question, thousands at a time.

use std::collections::HashMap;

use clickhouse::Row;
use serde::Deserialize;

use super::{Failure, Store};
use crate::model::{Answer, Id, NanoUsd, Timestamp};

/// Keys in one question: their text stays below the longest query, 256 KiB. Keys are spread over the whole table, so that
/// a question about thousands reads hardly more of it than one about a hundred.
const KEYS_MAX: usize = 3_500;

/// Reads the table and not its view: `FINAL` would merge the whole of each part that has a key, and of two rows of a key
/// the newest is picked here.
const ANSWERS: &str = "\
SELECT ?fields FROM paid_answers WHERE key IN ? ORDER BY version";

#[derive(Row, Deserialize)]
struct Found {
    key: String,
    provider: String,
    model: String,
    text: String,
    input_tokens: i64,
    output_tokens: i64,
    cost_usd: i64,
    at: i64,
}

impl Store {
    /// The answers to those of these questions that were ever paid for.
    ///
    /// # Errors
    /// The server does not answer. Then nobody knows whether they were.
    pub async fn answers(&self, keys: &[Id]) -> Result<HashMap<Id, Answer>, Failure> {
        let mut answers = HashMap::new();
        for keys in keys.chunks(KEYS_MAX) {
            let keys: Vec<&str> = keys.iter().map(|key| key.0.as_str()).collect();
            let found: Vec<Found> = self.all(self.client.query(ANSWERS).bind(keys)).await?;
            answers.extend(found.into_iter().map(|row| (Id(row.key.clone()), row.into())));
        }
        Ok(answers)
    }
}

impl From<Found> for Answer {
    fn from(row: Found) -> Self {
        Self {
            key: Id(row.key),
            provider: row.provider,
            model: row.model,
            text: row.text,
            input_tokens: row.input_tokens,
            output_tokens: row.output_tokens,
            cost: NanoUsd(u64::try_from(row.cost_usd).unwrap_or(0)),
            at: Timestamp(row.at),
        }
    }
}
