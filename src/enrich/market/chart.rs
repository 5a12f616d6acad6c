//! A chart with its context: the record that goes on. Pure.

use crate::model::{ChartInContext, ChartedSeries, MarketContext, OiStatus, Series, Timestamp};

/// Low bits of a version: seconds from the record to the context.
const VERSION_AGE_BITS: u32 = 20;

/// The context of a series about which nothing is known.
#[must_use]
pub fn neutral(series: &Series, run_id: &str) -> MarketContext {
    MarketContext {
        exchange: series.exchange.clone(),
        symbol: series.symbol.clone(),
        oi_status: OiStatus::Neutral,
        venue: String::new(),
        open_interest_usd: None,
        open_interest_change: None,
        funding_rate: None,
        long_short_ratio: None,
        liquidations_long_usd: None,
        liquidations_short_usd: None,
        as_of: None,
        fetched_at: None,
        run_id: run_id.to_owned(),
    }
}

/// A chart with the context that was known at `at`. Of one chart a later context makes a newer version, and any context of
/// a later chart a newer one still.
#[must_use]
pub fn in_context(charted: ChartedSeries, context: MarketContext, at: Timestamp) -> ChartInContext {
    let ChartedSeries { series, chart, received_at, origin, .. } = charted;
    let age = i64::try_from(at.since(received_at).as_secs()).unwrap_or(i64::MAX);
    let version = (received_at.0 << VERSION_AGE_BITS) | age.min((1 << VERSION_AGE_BITS) - 1);
    let source_id = series.source_id();
    let interval = series.interval.to_string();
    ChartInContext { source_id, interval, chart, context, at, received_at, origin, version }
}
