//! A chart with its context: the record that goes on. Pure.

use crate::model::{ChartInContext, ChartedSeries, MarketContext, OiStatus, Series, Timestamp};

/// Low bits of a version: the age of the context when it was told, from the record on.
const VERSION_AGE_BITS: u32 = 22;
/// Ages up to this many milliseconds, 17 minutes, count in milliseconds, and beyond it in seconds.
const FINE_AGE_MS: i64 = 1 << 20;

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
    let version = version(received_at, at);
    let source_id = series.source_id();
    let interval = series.interval.to_string();
    ChartInContext { source_id, interval, chart, context, at, received_at, origin, version }
}

/// Grows with the record's time, and for one record with the context's. It fits 63 bits until 2039, and tells the contexts
/// of a month apart.
fn version(received_at: Timestamp, at: Timestamp) -> i64 {
    let age_ms = at.0.saturating_sub(received_at.0).max(0);
    let age = age_ms.min(FINE_AGE_MS) + (age_ms - FINE_AGE_MS).max(0) / 1000;
    (received_at.0 << VERSION_AGE_BITS) | age.min((1 << VERSION_AGE_BITS) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_context_is_newer_and_that_of_a_later_chart_newer_still() {
        let received = Timestamp(1_795_168_801_234);
        let ages = [0, 1, 999, FINE_AGE_MS, FINE_AGE_MS + 1000, 86_400_000, 30 * 86_400_000];
        let versions: Vec<i64> = ages.iter().map(|age| version(received, Timestamp(received.0 + age))).collect();
        assert!(versions.windows(2).all(|pair| pair[0] < pair[1]), "{versions:?}");
        let next = Timestamp(received.0 + 1);
        assert!(version(received, Timestamp(i64::MAX)) < version(next, next));
    }
}
