//! `evaluations`: what became of the signals of a group within a horizon.

use clickhouse::Row;
use serde::Serialize;

use super::cells::{FIXED_BYTES, Moment};
use crate::clickhouse::{Stored, Table};
use crate::model::Timestamp;

/// A row of `evaluations`. Its fields are those of `evaluate`'s findings, which say what they mean.
#[derive(Debug, Clone, Default, Row, Serialize)]
#[expect(missing_docs, reason = "columns, described where they are reckoned")]
pub struct EvaluationRow<'a> {
    pub evaluation_id: &'a str,
    pub evaluated_at: Moment,
    pub run_id: &'a str,
    pub filter: &'a str,
    pub by: &'a str,
    pub group: &'a str,
    pub horizon: &'a str,
    pub horizon_s: u32,
    pub first_at: Option<Moment>,
    pub last_at: Option<Moment>,
    pub signals: u64,
    pub measured: u64,
    pub pending: u64,
    pub no_price: u64,
    pub neutral: u64,
    pub hit_rate: Option<f64>,
    pub hit_rate_low: Option<f64>,
    pub hit_rate_high: Option<f64>,
    pub by_chance: Option<f64>,
    pub always_long: Option<f64>,
    pub edge: Option<f64>,
    pub edge_low: Option<f64>,
    pub edge_high: Option<f64>,
    pub mean_return: Option<f64>,
    pub mean_return_low: Option<f64>,
    pub mean_return_high: Option<f64>,
    pub long_return: Option<f64>,
    pub rank_ic: Option<f64>,
    pub rank_ic_low: Option<f64>,
    pub rank_ic_high: Option<f64>,
    pub brier: Option<f64>,
    pub brier_low: Option<f64>,
    pub brier_high: Option<f64>,
    pub reliability: Option<f64>,
    pub resolution: Option<f64>,
    pub uncertainty: Option<f64>,
    pub within_bins: Option<f64>,
    pub bin_stated: Vec<f64>,
    pub bin_came: Vec<f64>,
    pub bin_low: Vec<Option<f64>>,
    pub bin_high: Vec<Option<f64>>,
    pub bin_signals: Vec<u64>,
    pub resamples: u32,
    pub seed: u64,
}

impl Default for Moment {
    fn default() -> Self {
        Timestamp::default().into()
    }
}

impl Stored for EvaluationRow<'_> {
    const TABLE: Table = Table::Evaluations;

    fn bytes(row: &EvaluationRow<'_>) -> usize {
        2 * FIXED_BYTES + row.filter.len() + row.group.len() + row.bin_stated.len() * 48
    }
}
