//! What the strategies say about a chart, as signals.

use crate::market::feed::OiMetadata;
use crate::model::{ChartInContext, NanoUsd, OiStatus, Signal, SignalKind, Strategy, Timestamp, identity};

use super::{Observability, Parameters, Scored, score};

/// Who analyses markets, as rows name it.
const ANALYZER: &str = "chart";
/// Of the formulas: another one is another version.
const VERSION: &str = "chart.v1";

/// One signal a strategy. A newer version of the chart or its context has the same ids.
///
/// # Errors
/// What was observed cannot be written as JSON.
pub(crate) fn signals(
    chart: ChartInContext,
    strategies: &[Strategy],
    parameters: &Parameters,
    now: Timestamp,
) -> serde_json::Result<Vec<Signal>> {
    let ChartInContext { source_id, interval, chart, context, at, received_at, origin, version } = chart;
    let known = (context.oi_status != OiStatus::Neutral).then_some(&context);
    let observability = Observability::of(&chart).to_json()?;
    let age = context.as_of.or(context.fetched_at).map_or(0.0, |as_of| at.since(as_of).as_secs_f64());
    strategies
        .iter()
        .map(|&strategy| {
            let Scored { score, direction, confidence, strength, components, missing } =
                score(strategy, &chart, known, parameters);
            Ok(Signal {
                signal_id: identity(&["market", &source_id, strategy.as_str(), &context.run_id]),
                run_id: context.run_id.clone(),
                kind: SignalKind::Market,
                source_id: source_id.clone(),
                subject: context.symbol.clone(),
                exchange: context.exchange.clone(),
                interval: interval.clone(),
                strategy: strategy.as_str().to_owned(),
                score,
                direction,
                confidence,
                strength,
                components,
                oi_status: context.oi_status,
                context_age_s: age,
                oi_metadata: serde_json::to_string(&OiMetadata::of(known, &missing, at))?,
                observability: observability.get().to_owned(),
                analyzer: ANALYZER.to_owned(),
                model: String::new(),
                prompt_version: VERSION.to_owned(),
                cost: NanoUsd::ZERO,
                event_time: chart.closed_at,
                available_at: received_at,
                produced_at: now,
                origin: origin.clone(),
                version,
            })
        })
        .collect()
}
