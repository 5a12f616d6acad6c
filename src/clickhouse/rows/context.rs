//! `market_contexts`: what derivatives said of an instrument, as of a moment.

use clickhouse::Row;
use serde::Serialize;

use super::cells::{FIXED_BYTES, Moment};
use crate::clickhouse::{Stored, Table};
use crate::model::{ChartInContext, MarketContext, Timestamp};

/// A row of `market_contexts`.
#[derive(Debug, Clone, Row, Serialize)]
pub struct ContextRow<'a> {
    run_id: &'a str,
    exchange: &'a str,
    symbol: &'a str,
    known_at: Moment,
    oi_status: &'a str,
    venue: &'a str,
    open_interest_usd: Option<f64>,
    open_interest_change: Option<f64>,
    funding_rate: Option<f64>,
    long_short_ratio: Option<f64>,
    liquidations_long_usd: Option<f64>,
    liquidations_short_usd: Option<f64>,
    as_of: Option<Moment>,
    fetched_at: Option<Moment>,
    version: i64,
}

impl<'a> From<&'a ChartInContext> for ContextRow<'a> {
    fn from(chart: &'a ChartInContext) -> Self {
        let MarketContext { exchange, symbol, oi_status, venue, run_id, as_of, fetched_at, .. } = &chart.context;
        Self {
            run_id,
            exchange,
            symbol,
            known_at: as_of.unwrap_or(Timestamp(0)).into(),
            oi_status: oi_status.as_str(),
            venue,
            open_interest_usd: chart.context.open_interest_usd,
            open_interest_change: chart.context.open_interest_change,
            funding_rate: chart.context.funding_rate,
            long_short_ratio: chart.context.long_short_ratio,
            liquidations_long_usd: chart.context.liquidations_long_usd,
            liquidations_short_usd: chart.context.liquidations_short_usd,
            as_of: as_of.map(Moment::from),
            fetched_at: fetched_at.map(Moment::from),
            version: chart.at.0,
        }
    }
}

impl Stored for ContextRow<'_> {
    const TABLE: Table = Table::Contexts;

    fn bytes(row: &ContextRow<'_>) -> usize {
        FIXED_BYTES + row.exchange.len() + row.symbol.len() + row.venue.len()
    }
}
