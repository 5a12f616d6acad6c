//! `spend`: each hold, and how it ended.

use clickhouse::Row;
use serde::Serialize;

use super::cells::{FIXED_BYTES, Moment, Money};
use crate::clickhouse::{Stored, Table};
use crate::model::{Spend, SpendOutcome};

/// A row of `spend`.
#[derive(Debug, Clone, Row, Serialize)]
pub struct SpendRow<'a> {
    session_id: &'a str,
    hold_id: &'a str,
    run_id: &'a str,
    account: &'a str,
    article_id: &'a str,
    provider: &'a str,
    model: &'a str,
    operation: &'a str,
    units: i64,
    input_tokens: i64,
    cached_tokens: i64,
    output_tokens: i64,
    held_usd: Money,
    cost_usd: Money,
    outcome: &'a str,
    error: &'a str,
    held_at: Moment,
    at: Moment,
    version: i64,
}

impl<'a> From<&'a Spend> for SpendRow<'a> {
    fn from(spend: &'a Spend) -> Self {
        Self {
            session_id: &spend.session_id,
            hold_id: &spend.hold_id.0,
            run_id: &spend.run_id,
            account: &spend.account,
            article_id: &spend.article_id,
            provider: &spend.provider,
            model: &spend.model,
            operation: &spend.operation,
            units: spend.units,
            input_tokens: spend.input_tokens,
            cached_tokens: spend.cached_tokens,
            output_tokens: spend.output_tokens,
            held_usd: spend.held.into(),
            cost_usd: spend.cost.into(),
            outcome: spend.outcome.as_str(),
            error: &spend.error,
            held_at: spend.held_at.into(),
            at: spend.at.into(),
            // An end that comes in the millisecond of its beginning is still the newer one.
            version: i64::from(spend.outcome != SpendOutcome::Open),
        }
    }
}

impl Stored for SpendRow<'_> {
    const TABLE: Table = Table::Spend;

    fn bytes(row: &SpendRow<'_>) -> usize {
        FIXED_BYTES + row.article_id.len() + row.error.len()
    }
}
