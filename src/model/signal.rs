//! Signals: what all this is for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Direction, Id, NanoUsd, Timestamp};

/// What a signal was made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignalKind {
    /// An article.
    Article,
    /// A market series.
    Market,
}

impl SignalKind {
    /// As the column `kind` shows it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Article => "article",
            Self::Market => "market",
        }
    }
}

/// Where the derivatives data of a market signal came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OiStatus {
    /// The signal needs none.
    None,
    /// The series' own venue.
    Resolved,
    /// Another venue.
    Aggregated,
    /// Nowhere: the component scores are neutral.
    Neutral,
}

impl OiStatus {
    /// As the column `oi_status` shows it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Resolved => "resolved",
            Self::Aggregated => "aggregated",
            Self::Neutral => "neutral",
        }
    }
}

/// A record of `signals`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// Made of kind, source, strategy and run.
    pub signal_id: Id,
    /// `live`, or the replay's id.
    pub run_id: String,
    /// Article or market.
    pub kind: SignalKind,
    /// The article's id, or `exchange:symbol:interval`.
    pub source_id: String,
    /// The main asset such as `BTC`, `MARKET` where an article names none, or the market's symbol.
    pub subject: String,
    /// Empty for articles.
    pub exchange: String,
    /// Empty for articles.
    pub interval: String,
    /// `news` for articles; `momentum`, `breakout`, `reversal` for markets.
    pub strategy: String,
    /// 0 (bearish) over 50 (neutral) to 100 (bullish).
    pub score: f64,
    /// Which way.
    pub direction: Direction,
    /// 0 to 1.
    pub confidence: f64,
    /// 0 to 1.
    pub strength: f64,
    /// What the score is the sum of, by name.
    pub components: BTreeMap<String, f64>,
    /// Where the derivatives data came from.
    pub oi_status: OiStatus,
    /// Age of the market context in seconds; 0 for articles.
    pub context_age_s: f64,
    /// What derivatives said, as the master feed shows it (JSON); empty for articles.
    pub oi_metadata: String,
    /// What the score rests on, as the master feed shows it (JSON); empty for articles.
    pub observability: String,
    /// Who analysed.
    pub analyzer: String,
    /// The model version that answered.
    pub model: String,
    /// Version of the prompt, or of the lexicon.
    pub prompt_version: String,
    /// What it cost.
    pub cost: NanoUsd,
    /// When the event happened: publication, or the close of the last bar.
    pub event_time: Timestamp,
    /// When we could have known: the time of the raw record.
    pub available_at: Timestamp,
    /// When the score was made.
    pub produced_at: Timestamp,
    /// `topic/partition/offset` of the raw record.
    pub origin: String,
    /// Orders the versions of one signal.
    pub version: i64,
}
