//! `signals`: scored signals.

use std::collections::BTreeMap;

use clickhouse::Row;
use serde::Serialize;

use super::cells::{FIXED_BYTES, Moment, Money};
use crate::clickhouse::{Stored, Table};
use crate::model::Signal;

/// A row of `signals`.
#[derive(Debug, Clone, Row, Serialize)]
pub struct SignalRow<'a> {
    signal_id: &'a str,
    run_id: &'a str,
    kind: &'a str,
    source_id: &'a str,
    subject: &'a str,
    exchange: &'a str,
    interval: &'a str,
    strategy: &'a str,
    score: f64,
    direction: &'a str,
    confidence: f64,
    strength: f64,
    components: &'a BTreeMap<String, f64>,
    oi_status: &'a str,
    context_age_s: f64,
    oi_metadata: &'a str,
    observability: &'a str,
    analyzer: &'a str,
    model: &'a str,
    prompt_version: &'a str,
    cost_usd: Money,
    event_time: Moment,
    available_at: Moment,
    produced_at: Moment,
    origin: &'a str,
    version: i64,
}

impl<'a> From<&'a Signal> for SignalRow<'a> {
    fn from(signal: &'a Signal) -> Self {
        Self {
            signal_id: &signal.signal_id.0,
            run_id: &signal.run_id,
            kind: signal.kind.as_str(),
            source_id: &signal.source_id,
            subject: &signal.subject,
            exchange: &signal.exchange,
            interval: &signal.interval,
            strategy: &signal.strategy,
            score: signal.score,
            direction: signal.direction.as_str(),
            confidence: signal.confidence,
            strength: signal.strength,
            components: &signal.components,
            oi_status: signal.oi_status.as_str(),
            context_age_s: signal.context_age_s,
            oi_metadata: &signal.oi_metadata,
            observability: &signal.observability,
            analyzer: &signal.analyzer,
            model: &signal.model,
            prompt_version: &signal.prompt_version,
            cost_usd: signal.cost.into(),
            event_time: signal.event_time.into(),
            available_at: signal.available_at.into(),
            produced_at: signal.produced_at.into(),
            origin: &signal.origin,
            version: signal.version,
        }
    }
}

impl Stored for SignalRow<'_> {
    const TABLE: Table = Table::Signals;

    fn bytes(row: &SignalRow<'_>) -> usize {
        let components = row.components.keys().map(|name| name.len() + 9).sum::<usize>();
        let texts = row.oi_metadata.len() + row.observability.len() + row.origin.len();
        FIXED_BYTES + components + texts + row.source_id.len() + row.subject.len()
    }
}
