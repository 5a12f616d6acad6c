//! Signals as topics and tables keep them, to those of a feed: the one place that knows both.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::{FeedSignal, OiMetadata};
use crate::model::{Direction, Signal, Timestamp};

/// What a feed takes of a stored market signal; the two columns of JSON are text.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// The market.
    pub symbol: String,
    /// Lower case.
    pub exchange: String,
    /// Such as `15m`.
    pub interval: String,
    /// `momentum`, `breakout` or `reversal`.
    pub strategy: String,
    /// 0 to 100.
    pub score: f64,
    /// Which way.
    pub direction: Direction,
    /// 0 to 1.
    pub confidence: f64,
    /// 0 to 1.
    pub strength: f64,
    /// By name.
    pub components: BTreeMap<String, f64>,
    /// What derivatives say (JSON).
    pub oi_metadata: String,
    /// What the score rests on (JSON).
    pub observability: String,
    /// The close of the last bar.
    pub event_time: Timestamp,
}

impl From<Signal> for Stored {
    fn from(signal: Signal) -> Self {
        let Signal { subject, exchange, interval, strategy, score, direction, confidence, strength, .. } = signal;
        let Signal { components, oi_metadata, observability, event_time, .. } = signal;
        Self {
            symbol: subject,
            exchange,
            interval,
            strategy,
            score,
            direction,
            confidence,
            strength,
            components,
            oi_metadata,
            observability,
            event_time,
        }
    }
}

impl TryFrom<Stored> for FeedSignal {
    type Error = serde_json::Error;

    /// Fails where a column of JSON is none. An empty one, as signals of before these columns have it, is unknown.
    fn try_from(stored: Stored) -> Result<Self, Self::Error> {
        let Stored { symbol, exchange, interval, strategy, score, direction, confidence, strength, .. } = stored;
        let Stored { components, oi_metadata, observability, event_time, .. } = stored;
        let oi_metadata =
            if oi_metadata.is_empty() { OiMetadata::default() } else { serde_json::from_str(&oi_metadata)? };
        let observability =
            if observability.is_empty() { RawValue::NULL.to_owned() } else { RawValue::from_string(observability)? };
        Ok(Self {
            symbol,
            exchange,
            interval,
            strategy,
            score,
            direction,
            confidence,
            strength,
            components,
            oi_metadata,
            observability: observability.into(),
            event_time,
        })
    }
}
