//! What an analyzer says about an article, and the record of having asked.

use serde::{Deserialize, Serialize};

use super::{Direction, EventType, Horizon, Id, NanoUsd, Timestamp};

/// What an analyzer read in one article.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// Which way.
    pub direction: Direction,
    /// −1 (bad) to 1 (good).
    pub sentiment: f64,
    /// 0 to 1: how likely the direction is right.
    pub confidence: f64,
    /// 0 to 1: how much it says.
    pub strength: f64,
    /// How soon.
    pub horizon: Horizon,
    /// Tickers in upper case, the main one first; at most eight.
    pub assets: Vec<String>,
    /// What happened.
    pub event_type: EventType,
    /// At most three sentences.
    pub key_points: Vec<String>,
    /// One sentence.
    pub rationale: String,
    /// 0 to 1: how new it is.
    pub novelty: f64,
}

/// How the work on one article of a batch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// There is a reading.
    Analyzed,
    /// There is none, and there will be none without somebody's help.
    Failed,
    /// The budget was spent: it is taken up again later.
    Deferred,
}

impl Outcome {
    /// As the column `status` of the records shows it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Analyzed => "analyzed",
            Self::Failed => "failed",
            Self::Deferred => "deferred",
        }
    }
}

/// A record of `articles.analyses`: one attempt at one article of one batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    /// Made of article, content, analyzer and run: the same question has the same id.
    pub analysis_id: Id,
    /// The producer's id of the article.
    pub article_id: String,
    /// `live`, or the replay's id.
    pub run_id: String,
    /// The session that paid.
    pub session_id: String,
    /// The batch it was in.
    pub batch_id: Id,
    /// 1 for the first attempt.
    pub attempt: i32,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it failed or was deferred; empty otherwise.
    pub error: String,
    /// `lexicon`, `gemini`, `openai`.
    pub analyzer: String,
    /// The model version that answered; empty for `lexicon`.
    pub model: String,
    /// Version of the prompt, or of the lexicon.
    pub prompt_version: String,
    /// The step of `budget.ladder` at which it was analysed; empty on the first.
    pub tier: String,
    /// What was read; `None` unless analysed.
    pub reading: Option<Reading>,
    /// Agreement of the research with the claim, 0 to 1; `None` where nothing was researched.
    pub validation_score: Option<f64>,
    /// URLs of the research.
    pub sources: Vec<String>,
    /// When each of them was published, in their order; `None` where unknown.
    pub source_dates: Vec<Option<Timestamp>>,
    /// What counts against the budget.
    pub cost: NanoUsd,
    /// Tokens in.
    pub input_tokens: i64,
    /// Tokens out.
    pub output_tokens: i64,
    /// Time that the analysis took, in microseconds: a lexicon takes fewer than a millisecond.
    pub duration_us: i64,
    /// When the work on the batch began.
    pub started_at: Timestamp,
    /// When the answer was there.
    pub analyzed_at: Timestamp,
    /// When the article was published.
    pub published_at: Timestamp,
    /// When we received the article.
    pub received_at: Timestamp,
    /// The article that this one repeats, or nearly; empty where none.
    pub near_duplicate_of: String,
    /// `topic/partition/offset` of the raw record.
    pub origin: String,
    /// Orders the versions of one article.
    pub version: i64,
}
