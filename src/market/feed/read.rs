//! Reading a feed back, in either of its forms. Fields that nobody knows are passed over, so that a feed of a newer
//! writer can be read; only a signal without a symbol or a score is no signal.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, SeqAccess, Visitor};

use super::{FeedSignal, MasterFeed};
use crate::model::Timestamp;

/// The largest feed that is read: several times what 10,000 series make with all that can be observed.
pub const FEED_BYTES_MAX: usize = 2 << 30;
/// The most signals of a feed.
pub const SIGNALS_MAX: usize = 500_000;
/// Signals for which room is made before the first is read.
const SIGNALS_EXPECTED_MAX: usize = 4096;

/// Why a feed cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// More than [`FEED_BYTES_MAX`].
    #[error("a master feed of {0} bytes, at most {FEED_BYTES_MAX} are read")]
    TooLarge(usize),
    /// No feed in either form, or more than [`SIGNALS_MAX`] signals.
    #[error("no master feed: {0}")]
    Malformed(#[from] serde_json::Error),
}

/// The feed in `bytes`: `{"last_updated", "signals"}`, or the bare array of signals. Where it does not say when it was
/// made, that is the newest of its events, or 0 where it has none. The order is the file's.
///
/// # Errors
/// It is too large, or no feed.
pub fn read(bytes: &[u8]) -> Result<MasterFeed, ReadError> {
    if bytes.len() > FEED_BYTES_MAX {
        return Err(ReadError::TooLarge(bytes.len()));
    }
    let is_bare = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    let (last_updated, Signals(signals)) = if is_bare {
        (None, serde_json::from_slice(bytes)?)
    } else {
        let Structured { last_updated, signals } = serde_json::from_slice(bytes)?;
        (last_updated, signals)
    };
    let newest = || signals.iter().map(|signal| signal.event_time).max().unwrap_or_default();
    Ok(MasterFeed { last_updated: last_updated.unwrap_or_else(newest), signals })
}

#[derive(serde::Deserialize)]
struct Structured {
    #[serde(default)]
    last_updated: Option<Timestamp>,
    signals: Signals,
}

/// Signals within their limit.
struct Signals(Vec<FeedSignal>);

impl<'de> Deserialize<'de> for Signals {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Bounded)
    }
}

struct Bounded;

impl<'de> Visitor<'de> for Bounded {
    type Value = Signals;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {SIGNALS_MAX} signals")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Signals, A::Error> {
        let mut signals = Vec::with_capacity(elements.size_hint().unwrap_or(0).min(SIGNALS_EXPECTED_MAX));
        while let Some(signal) = elements.next_element()? {
            if signals.len() == SIGNALS_MAX {
                return Err(A::Error::invalid_length(SIGNALS_MAX + 1, &self));
            }
            signals.push(signal);
        }
        Ok(Signals(signals))
    }
}
