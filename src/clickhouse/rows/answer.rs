//! `paid_answers`: what was paid for, by question.

use clickhouse::Row;
use serde::Serialize;

use super::cells::{FIXED_BYTES, Moment, Money};
use crate::clickhouse::{Stored, Table};
use crate::model::Answer;

/// A row of `paid_answers`.
#[derive(Debug, Clone, Row, Serialize)]
pub struct AnswerRow<'a> {
    key: &'a str,
    provider: &'a str,
    model: &'a str,
    text: &'a str,
    input_tokens: i64,
    output_tokens: i64,
    cost_usd: Money,
    at: Moment,
    version: i64,
}

impl<'a> From<&'a Answer> for AnswerRow<'a> {
    fn from(answer: &'a Answer) -> Self {
        Self {
            key: &answer.key.0,
            provider: &answer.provider,
            model: &answer.model,
            text: &answer.text,
            input_tokens: answer.input_tokens,
            output_tokens: answer.output_tokens,
            cost_usd: answer.cost.into(),
            at: answer.at.into(),
            version: answer.at.0,
        }
    }
}

impl Stored for AnswerRow<'_> {
    const TABLE: Table = Table::Answers;

    fn bytes(row: &AnswerRow<'_>) -> usize {
        FIXED_BYTES + row.text.len()
    }
}
