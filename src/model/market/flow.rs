//! What travels between the hops of markets: read files with what their charts show, and charts with their context.

use serde::{Deserialize, Serialize};

use super::{Chart, MarketContext, Series};
use crate::model::{CloseReason, Id, Timestamp};

/// A record of `market.batches`: series whose context is fetched together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MarketBatch {
    /// Made of the origins of its series.
    pub batch_id: Id,
    /// Whose quota pays for the context, and the key of the record.
    pub account: String,
    /// `live`, or the replay's id.
    pub run_id: String,
    /// When the window took its first series.
    pub opened_at: Timestamp,
    /// When the window closed.
    pub closed_at: Timestamp,
    /// Why it closed.
    pub close_reason: CloseReason,
    /// In the order in which they came.
    pub series: Vec<ChartedSeries>,
}

/// A series, and what its chart shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChartedSeries {
    /// The candles.
    pub series: Series,
    /// At the last of them.
    pub chart: Chart,
    /// The time of the raw record.
    pub received_at: Timestamp,
    /// `topic/partition/offset` of the raw record.
    pub origin: String,
    /// Orders the versions of one series.
    pub version: i64,
}

/// A record of `market.contexts`: a chart, and what derivatives said about its instrument by then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChartInContext {
    /// `exchange:symbol:interval`, and the key of the record.
    pub source_id: String,
    /// Such as `15m`.
    pub interval: String,
    /// What the chart shows.
    pub chart: Chart,
    /// What derivatives said; its exchange and symbol are those of the series.
    pub context: MarketContext,
    /// When it was put together.
    pub at: Timestamp,
    /// The time of the raw record.
    pub received_at: Timestamp,
    /// `topic/partition/offset` of the raw record.
    pub origin: String,
    /// Orders the versions of one series; a fresher context makes a newer one.
    pub version: i64,
}
