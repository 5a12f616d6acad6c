//! `batch_processing_records`: each attempt at an article of a batch, whatever came of it.

use clickhouse::Row;
use serde::Serialize;

use super::cells::{FIXED_BYTES, Moment, Money, millis};
use crate::clickhouse::{Stored, Table};
use crate::model::{Analysis, NanoUsd, session_limit};

/// A row of `batch_processing_records`.
#[derive(Debug, Clone, Row, Serialize)]
pub struct RecordRow<'a> {
    session_id: &'a str,
    run_id: &'a str,
    batch_id: &'a str,
    article_id: &'a str,
    origin: &'a str,
    attempt: i32,
    analysis_id: &'a str,
    status: &'a str,
    error: &'a str,
    analyzer: &'a str,
    cost_usd: Money,
    duration_ms: f64,
    started_at: Moment,
    finished_at: Moment,
    version: i64,
    budget_usd: Money,
}

impl<'a> RecordRow<'a> {
    /// The row of an attempt, where a session may spend `budget` by now unless its name says less.
    #[must_use]
    pub fn new(analysis: &'a Analysis, budget: NanoUsd) -> Self {
        Self {
            session_id: &analysis.session_id,
            run_id: &analysis.run_id,
            batch_id: &analysis.batch_id.0,
            article_id: &analysis.article_id,
            origin: &analysis.origin,
            attempt: analysis.attempt,
            analysis_id: &analysis.analysis_id.0,
            status: analysis.outcome.as_str(),
            error: &analysis.error,
            analyzer: &analysis.analyzer,
            cost_usd: analysis.cost.into(),
            duration_ms: millis(analysis.duration_us),
            started_at: analysis.started_at.into(),
            finished_at: analysis.analyzed_at.into(),
            version: analysis.analyzed_at.0,
            budget_usd: session_limit(&analysis.session_id, budget).into(),
        }
    }
}

impl Stored for RecordRow<'_> {
    const TABLE: Table = Table::Records;

    fn bytes(row: &RecordRow<'_>) -> usize {
        FIXED_BYTES + row.error.len() + row.article_id.len() + row.origin.len()
    }
}
