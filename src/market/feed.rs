//! The master feed: every market signal in one JSON file, for whoever draws or trades them.
//!
//! ```text
//! {"last_updated": ms, "signals": [{"symbol", "exchange", "interval", "strategy", "score", "direction", "confidence",
//!   "strength", "components": {…}, "oi_metadata": {"status", "venue", "age_s", "missing": […], …},
//!   "observability": {"trendlines": […], "levels": […], "patterns": […], "indicators": {…}}, "event_time": ms}, …]}
//! ```
//! Readers may also meet the bare array of signals, which older writers left.
//!
//! # Invariants
//! A feed has one order, whatever order its signals came in, so the same signals make the same bytes. A file is either
//! the old feed or the new one, whole and on the disk: see [`write_atomically`]. Numbers are finite, since JSON has no
//! others. What was observed is carried as the JSON it was stored as, neither parsed nor built again.

mod file;
mod read;
mod stored;

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::model::{Direction, MarketContext, OiStatus, Timestamp};

pub use self::file::{stream, stream_atomically, write_atomically};
pub use self::read::{FEED_BYTES_MAX, ReadError, SIGNALS_MAX, read};
pub use self::stored::{observability, oi_metadata};

/// All signals of a scan or of a moment.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MasterFeed {
    /// When it was made, in epoch milliseconds.
    #[schema(value_type = i64)]
    pub last_updated: Timestamp,
    /// The highest score first.
    pub signals: Vec<FeedSignal>,
}

impl MasterFeed {
    /// A feed in its order: scores descending, so that the strongest of either side stand at its two ends; then by
    /// symbol, exchange, interval and strategy.
    #[must_use]
    pub fn new(last_updated: Timestamp, mut signals: Vec<FeedSignal>) -> Self {
        signals.sort_by(FeedSignal::order);
        Self { last_updated, signals }
    }
}

/// One strategy's view of one series.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct FeedSignal {
    /// As the exchange writes it.
    pub symbol: String,
    /// Lower case.
    #[serde(default)]
    pub exchange: String,
    /// Such as `15m`.
    #[serde(default)]
    pub interval: String,
    /// `momentum`, `breakout` or `reversal`.
    #[serde(default)]
    pub strategy: String,
    /// 0 (bearish) over 50 (neutral) to 100 (bullish).
    pub score: f64,
    /// Which way.
    #[serde(default = "neither")]
    #[schema(value_type = String)]
    pub direction: Direction,
    /// 0 to 1.
    #[serde(default)]
    pub confidence: f64,
    /// 0 to 1.
    #[serde(default)]
    pub strength: f64,
    /// Scores of 0 to 20 by name; 10 is neutral.
    #[serde(default)]
    pub components: BTreeMap<String, f64>,
    /// What derivatives say, and where that comes from.
    #[serde(default)]
    pub oi_metadata: OiMetadata,
    /// What the score rests on; null where that is not known. Signals of one chart may share it.
    #[serde(default = "unobserved")]
    #[schema(value_type = Option<Object>)]
    pub observability: Arc<RawValue>,
    /// The close of the last bar, in epoch milliseconds.
    #[serde(default)]
    #[schema(value_type = i64)]
    pub event_time: Timestamp,
}

impl FeedSignal {
    /// The order of a feed.
    #[must_use]
    pub fn order(&self, other: &Self) -> Ordering {
        other.score.total_cmp(&self.score).then_with(|| self.name().cmp(&other.name()))
    }

    fn name(&self) -> (&str, &str, &str, &str) {
        (&self.symbol, &self.exchange, &self.interval, &self.strategy)
    }
}

fn neither() -> Direction {
    Direction::Neutral
}

fn unobserved() -> Arc<RawValue> {
    RawValue::NULL.to_owned().into()
}

/// Where a signal's derivatives data comes from, how old it is, and the data. What is missing is null.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct OiMetadata {
    /// `resolved`, `aggregated` or `neutral`.
    #[schema(value_type = String)]
    pub status: OiStatus,
    /// The venue that was asked; empty where none was.
    pub venue: String,
    /// Age in seconds of the newest of it when the signal was made.
    pub age_s: Option<f64>,
    /// Components that had nothing to go by.
    #[schema(value_type = Vec<String>)]
    pub missing: Vec<Cow<'static, str>>,
    /// US dollars.
    pub open_interest_usd: Option<f64>,
    /// Relative, over 24 hours.
    pub open_interest_change: Option<f64>,
    /// Percent for each funding interval.
    pub funding_rate: Option<f64>,
    /// Accounts that are long for each that is short.
    pub long_short_ratio: Option<f64>,
    /// US dollars within 24 hours.
    pub liquidations_long_usd: Option<f64>,
    /// US dollars within 24 hours.
    pub liquidations_short_usd: Option<f64>,
}

impl Default for OiMetadata {
    /// Nothing is known.
    fn default() -> Self {
        Self {
            status: OiStatus::Neutral,
            venue: String::new(),
            age_s: None,
            missing: Vec::new(),
            open_interest_usd: None,
            open_interest_change: None,
            funding_rate: None,
            long_short_ratio: None,
            liquidations_long_usd: None,
            liquidations_short_usd: None,
        }
    }
}

impl OiMetadata {
    /// Of the context that a signal was made with at `now`, and the components that it missed.
    #[must_use]
    pub fn of(context: Option<&MarketContext>, missing: &[&'static str], now: Timestamp) -> Self {
        let missing = missing.iter().map(|name| Cow::Borrowed(*name)).collect();
        let Some(context) = context else { return Self { missing, ..Self::default() } };
        Self {
            status: match context.oi_status {
                OiStatus::None => OiStatus::Neutral,
                known => known,
            },
            venue: context.venue.clone(),
            age_s: context.as_of.or(context.fetched_at).map(|as_of| now.since(as_of).as_secs_f64()),
            missing,
            open_interest_usd: context.open_interest_usd,
            open_interest_change: context.open_interest_change,
            funding_rate: context.funding_rate,
            long_short_ratio: context.long_short_ratio,
            liquidations_long_usd: context.liquidations_long_usd,
            liquidations_short_usd: context.liquidations_short_usd,
        }
    }
}

#[cfg(test)]
mod tests;
