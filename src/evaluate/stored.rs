//! Findings as rows of `evaluations`.

use super::report::{Bin, Evaluation, Finding, Statistics};
use super::resample::Range;
use super::tally::Rates;
use crate::clickhouse::rows::{EvaluationRow, Moment};
use crate::clickhouse::{Failure, Store};
use crate::model::Timestamp;

/// Stores an evaluation: a row for each of its findings.
///
/// # Errors
/// ClickHouse does not take it.
pub async fn store(store: &Store, evaluation: &Evaluation) -> Result<(), Failure> {
    let rows: Vec<EvaluationRow<'_>> = evaluation.findings.iter().map(|finding| row(evaluation, finding)).collect();
    store.insert::<EvaluationRow<'_>>(&rows).await
}

fn row<'a>(evaluation: &'a Evaluation, finding: &'a Finding) -> EvaluationRow<'a> {
    let Finding { by, group, horizon, horizon_s, counts, statistics } = finding;
    let Statistics { rates, brier_parts, bins, .. } = statistics;
    let Rates { hit_rate, by_chance, always_long, edge, mean_return, long_return, rank_ic, brier } = *rates;
    let low = |range: Option<Range>| range.map(|range| range.low);
    let high = |range: Option<Range>| range.map(|range| range.high);
    let time = |time: Option<Timestamp>| time.map(Moment::from);
    EvaluationRow {
        evaluation_id: &evaluation.evaluation_id,
        evaluated_at: evaluation.evaluated_at.into(),
        run_id: &evaluation.run_id,
        filter: &evaluation.filter,
        by: by.as_str(),
        group,
        horizon,
        horizon_s: u32::try_from(*horizon_s).unwrap_or(u32::MAX),
        first_at: time(evaluation.first_at),
        last_at: time(evaluation.last_at),
        signals: counts.signals,
        measured: counts.measured,
        pending: counts.pending,
        no_price: counts.no_price,
        neutral: counts.neutral,
        hit_rate,
        hit_rate_low: low(statistics.hit_rate_range),
        hit_rate_high: high(statistics.hit_rate_range),
        by_chance,
        always_long,
        edge,
        edge_low: low(statistics.edge_range),
        edge_high: high(statistics.edge_range),
        mean_return,
        mean_return_low: low(statistics.mean_return_range),
        mean_return_high: high(statistics.mean_return_range),
        long_return,
        rank_ic,
        rank_ic_low: low(statistics.rank_ic_range),
        rank_ic_high: high(statistics.rank_ic_range),
        brier,
        brier_low: low(statistics.brier_range),
        brier_high: high(statistics.brier_range),
        reliability: brier_parts.map(|parts| parts.reliability),
        resolution: brier_parts.map(|parts| parts.resolution),
        uncertainty: brier_parts.map(|parts| parts.uncertainty),
        within_bins: brier_parts.map(|parts| parts.within_bins),
        bin_stated: each(bins, |bin| bin.stated),
        bin_came: each(bins, |bin| bin.came),
        bin_low: each(bins, |bin| low(bin.came_range)),
        bin_high: each(bins, |bin| high(bin.came_range)),
        bin_signals: each(bins, |bin| bin.signals),
        resamples: evaluation.resamples,
        seed: evaluation.seed,
    }
}

fn each<T>(bins: &[Bin], of: impl Fn(&Bin) -> T) -> Vec<T> {
    bins.iter().map(of).collect()
}
