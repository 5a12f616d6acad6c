//! What the hop that asks for contexts remembers: what it learned, which charts wait for more, and what it has used of its
//! quota.

use serde::{Deserialize, Serialize};

use super::{ChartedSeries, Interval};
use crate::model::{OiStatus, Timestamp};

/// Who speaks for a market series at the data provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instrument {
    /// Of the series.
    pub exchange: String,
    /// Of the series.
    pub symbol: String,
    /// As the venue writes it, such as `1000PEPE`; empty where nobody is asked.
    pub base: String,
    /// As the venue writes it, such as `USDT`; empty where nobody is asked.
    pub quote: String,
    /// By which the provider is asked; empty where the status is neutral.
    pub coinalyze_symbol: String,
    /// Of the market that is asked, such as `binance`; empty where none is.
    pub venue: String,
    /// Resolved, aggregated or neutral.
    pub oi_status: OiStatus,
    /// Whether to ask for its ratio of long to short accounts.
    pub has_long_short_ratio: bool,
    /// When the list of markets said so.
    pub checked_at: Timestamp,
}

/// A closed stretch of a history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeriesBucket {
    /// When it began.
    pub start: Timestamp,
    /// What it says: open, high, low and close; ratio, long and short; or long and short.
    pub values: Vec<f64>,
}

/// One answer about one history of one symbol.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LearnedSeries {
    /// Who was asked about.
    pub coinalyze_symbol: String,
    /// `open_interest`, `funding_rate`, `long_short_ratio`, `liquidations`.
    pub series: String,
    /// Of the buckets.
    pub interval: Interval,
    /// Since when everything is known; `None` where the provider does not know the symbol.
    pub covered_from: Option<Timestamp>,
    /// Up to when; `None` where the provider does not know the symbol.
    pub covered_until: Option<Timestamp>,
    /// When the question was sent.
    pub asked_at: Timestamp,
    /// The closed buckets that are new, ascending.
    pub buckets: Vec<SeriesBucket>,
}

/// A record of `market.series`: what one answer has taught.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Learned {
    /// Who speaks for which series.
    pub instruments: Vec<Instrument>,
    /// Histories.
    pub series: Vec<LearnedSeries>,
}

/// A chart whose context is not known, or not fresh.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WaitingChart {
    /// `live`, or the replay's id.
    pub run_id: String,
    /// Without its candles.
    pub charted: ChartedSeries,
    /// Since when: what is asked later, or was asked not long before, is fresh enough for it.
    pub since: Timestamp,
    /// Of the newest context that it was told with: the next one is newer.
    pub version: i64,
}

/// Units of one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsedUnits {
    /// When its answer had come, or it was given up; `None` while that is not known.
    pub ended: Option<Timestamp>,
    /// How many.
    pub units: i32,
}

/// What counts of the quota of one key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyUsage {
    /// What may still count, the oldest first.
    pub used: Vec<UsedUnits>,
    /// Nothing is asked before then.
    pub limited_until: Option<Timestamp>,
}

/// A record of `market.pending`: a chart that waits, or what counts of a key's quota.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Pending {
    /// Under the key `chart/<source id>`.
    pub chart: Option<WaitingChart>,
    /// Under the key `quota/<place of the key>`.
    pub quota: Option<KeyUsage>,
}
