//! Signals as topics and tables keep them, as a feed shows them: the one place that knows both.

use std::sync::Arc;

use serde_json::value::RawValue;

use super::{FeedSignal, OiMetadata};
use crate::model::Signal;

/// What derivatives say, of its column. An empty one, as signals of before it have it, says nothing is known.
///
/// # Errors
/// The column is not that JSON.
pub fn oi_metadata(column: &str) -> serde_json::Result<OiMetadata> {
    if column.is_empty() { Ok(OiMetadata::default()) } else { serde_json::from_str(column) }
}

/// What a score rests on, of its column; null of an empty one.
///
/// # Errors
/// The column is no JSON.
pub fn observability(column: String) -> serde_json::Result<Arc<RawValue>> {
    let json = if column.is_empty() { RawValue::NULL.to_owned() } else { RawValue::from_string(column)? };
    Ok(json.into())
}

impl TryFrom<Signal> for FeedSignal {
    type Error = serde_json::Error;

    /// Fails where a column of JSON is none.
    fn try_from(signal: Signal) -> Result<Self, Self::Error> {
        Ok(Self {
            symbol: signal.subject,
            exchange: signal.exchange,
            interval: signal.interval,
            strategy: signal.strategy,
            score: signal.score,
            direction: signal.direction,
            confidence: signal.confidence,
            strength: signal.strength,
            components: signal.components,
            oi_metadata: oi_metadata(&signal.oi_metadata)?,
            observability: observability(signal.observability)?,
            event_time: signal.event_time,
        })
    }
}
