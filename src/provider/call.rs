//! What one call came to: an answer or a decision, and what it cost.
//!
//! An error is a decision, because whoever meets it has to do one of six things; its text is the story. The bill stands
//! beside the result and not inside it: a refusal, a blocked prompt and an answer that cannot be read are billed like
//! any other answer.

use std::time::Duration;

use crate::model::NanoUsd;

/// What to do about a call that brought no answer. The text is for people; it never holds a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// Ask again: the service is busy, down, or could not be reached.
    #[error("{error}")]
    Transient {
        /// What the service itself asks to wait.
        retry_after: Option<Duration>,
        /// What happened.
        error: String,
    },
    /// Ask again, with less at a time: the service limits its rate or its calls in flight (429).
    #[error("{error}")]
    Limited {
        /// What the service itself asks to wait.
        retry_after: Option<Duration>,
        /// What happened.
        error: String,
    },
    /// This question will not be answered by asking again: refused, blocked, malformed, too long.
    #[error("{error}")]
    Permanent {
        /// What happened.
        error: String,
    },
    /// The quota or the credit at the service is used up: no question is answered until then.
    #[error("{error}")]
    Exhausted {
        /// When it may be tried again, where the service says so.
        retry_after: Option<Duration>,
        /// What happened.
        error: String,
    },
    /// No question is answered until a person acts: a wrong key, no rights, an unknown model.
    #[error("{error}")]
    Denied {
        /// What happened.
        error: String,
    },
    /// Sent, and what became of it is not known: it may have been answered and billed.
    #[error("{error}")]
    Lost {
        /// What happened.
        error: String,
    },
}

impl CallError {
    /// Its word in metrics.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Transient { .. } => "transient",
            Self::Limited { .. } => "limited",
            Self::Permanent { .. } => "permanent",
            Self::Exhausted { .. } => "exhausted",
            Self::Denied { .. } => "denied",
            Self::Lost { .. } => "lost",
        }
    }
}

/// What the service charges for a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bill {
    /// Nothing: refused before it was worked on, never sent, or free.
    Nothing,
    /// For this.
    Usage(Usage),
    /// It does not say: the worst case counts.
    Unknown,
}

/// What a call used, as the service counted it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    /// The model version that answered; empty for services without models.
    pub model: String,
    /// Tokens of the question, cached ones included.
    pub input_tokens: u64,
    /// Those of the input that were read from a cache, at the cache's price.
    pub cached_tokens: u64,
    /// Tokens of the answer, thoughts included.
    pub output_tokens: u64,
    /// Credits, for services that count in them.
    pub credits: u64,
    /// What the service itself says that it charges (`OpenRouter`); above a price list.
    pub charged: Option<NanoUsd>,
}

/// A call that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Called<T> {
    /// The answer, or what to do.
    pub result: Result<T, CallError>,
    /// What it costs either way.
    pub bill: Bill,
}
