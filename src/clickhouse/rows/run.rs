//! `runs`: a reading of history, how it stands, and whether it is shown.

use clickhouse::Row;
use serde::Serialize;

use super::cells::{FIXED_BYTES, Moment, Money};
use crate::clickhouse::{RunState, Stored, Table};
use crate::model::{NanoUsd, Timestamp};

/// A row of `runs`.
#[derive(Debug, Clone, Row, Serialize)]
pub struct RunRow<'a> {
    run_id: &'a str,
    kind: &'a str,
    topic: &'a str,
    from: &'a str,
    to: &'a str,
    settings: &'a str,
    status: &'a str,
    records: u64,
    cost_usd: Money,
    started_at: Moment,
    finished_at: Option<Moment>,
    promoted_at: Option<Moment>,
    version: i64,
}

impl<'a> RunRow<'a> {
    /// The row of a run as it stands at `now`.
    #[must_use]
    pub fn new(run: &'a RunState, now: Timestamp) -> Self {
        Self {
            run_id: &run.run_id,
            kind: &run.kind,
            topic: &run.topic,
            from: &run.from,
            to: &run.to,
            settings: &run.settings,
            status: &run.status,
            records: run.records,
            cost_usd: NanoUsd(u64::try_from(run.cost_usd).unwrap_or(0)).into(),
            started_at: Timestamp(run.started_at).into(),
            finished_at: run.finished_at.map(|at| Timestamp(at).into()),
            promoted_at: run.promoted_at.map(|at| Timestamp(at).into()),
            version: now.0,
        }
    }
}

impl Stored for RunRow<'_> {
    const TABLE: Table = Table::Runs;

    fn bytes(row: &RunRow<'_>) -> usize {
        FIXED_BYTES + row.from.len() + row.to.len() + row.settings.len()
    }
}
