//! The services, each as its wire format wants to be spoken to.
//!
//! An adapter turns a question into one HTTP request, and what comes back into [`Called`]: the answer or a decision,
//! and what the service charges either way. It holds no budget, asks only once, and lets as many calls be under way as
//! it is given: that is for who calls it.
//!
//! Invariants: a key travels only in a header, and stands in no URL, error, log or debug output, even where a service
//! repeats it; no answer above [`ANSWER_BYTES_MAX`] is read; every call ends within its timeout.
//!
//! # Why a decision is what it is
//! * A connection that was not made (no address, refused, no TLS) carried nothing: `Transient`, no cost.
//! * Whatever goes wrong after that, a timeout first of all, leaves open whether the service has worked: `Lost`, and
//!   the worst case counts. The same holds for a body that ends too early, and for one that is too long to be read.
//! * A whole body of a 200 that is no answer of the service was one all the same: asking again brings the same. It is
//!   `Permanent`, and as it does not say what it cost, the worst case counts.
//! * A failed status in the service's own words costs nothing: [Google](https://ai.google.dev/gemini-api/docs/billing)
//!   says so, and the others charge answers only. A 5xx or 408 in other words comes from a gateway before the service,
//!   which cannot know what happened behind it: `Transient`, and the worst case counts.
//!
//! # Why HTTP/1.1
//! One connection carries one call, so a cut one loses one answer that is paid for, where HTTP/2 would lose all of
//! them; and no service's limit of streams stands below our own limit of calls.

mod access;
mod answer;
mod coinalyze;
mod gemini;
mod http;
mod openai;
#[cfg(test)]
mod recorded;
mod schema;
#[cfg(test)]
mod stub;
mod tavily;
#[cfg(test)]
mod tests;
mod unasked;
mod wait;

use std::sync::Arc;
use std::time::Duration;

pub use coinalyze::Coinalyze;
pub use gemini::Gemini;
pub use http::{ANSWER_BYTES_MAX, Http};
pub use openai::OpenAi;
pub use schema::Schema;
pub use tavily::{Finding, Search, Tavily, Topic};
pub(crate) use unasked::{Service, read_answer};

use super::call::{CallError, Called};
use crate::config;

/// The longest wait for an answer where the configuration does not say: models that think take minutes.
pub const TIMEOUT: Duration = Duration::from_mins(5);
/// The longest answer in tokens where the configuration does not say.
pub const OUTPUT_TOKENS_MAX: u32 = 1024;
/// How varied answers are: not at all, as far as a service can.
const TEMPERATURE: f64 = 0.0;

/// A question to a language model.
#[derive(Debug, Clone)]
pub struct Prompt {
    /// What the model is to do.
    pub system: Arc<str>,
    /// What it is to do it with.
    pub user: String,
    /// The form of the answer. What a service does not know of it is left out, so check the answer.
    pub schema: Arc<Schema>,
    /// Which model.
    pub model: String,
    /// Longest answer in tokens, thoughts included.
    pub max_output_tokens: u32,
    /// The same seed, the same answer, as far as a service can.
    pub seed: i32,
}

/// A model's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// JSON by the prompt's schema, if the model keeps to it; never empty.
    pub text: String,
    /// It reached `max_output_tokens`: the text ends somewhere.
    pub truncated: bool,
}

/// Why a service cannot be set up as it is configured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It takes no question without a key.
    #[error("{0} is not set")]
    NoKey(&'static str),
    /// Its key cannot be sent.
    #[error("{0} holds letters that no HTTP header can")]
    Key(&'static str),
    /// Its address is none.
    #[error("{0}: not an address of a service")]
    Url(String),
}

/// A service with language models.
#[derive(Debug, Clone)]
pub enum Llm {
    /// Google's Gemini.
    Gemini(Gemini),
    /// OpenAI, or what speaks its protocol: Ollama, llama.cpp, vLLM, `OpenRouter`.
    OpenAi(OpenAi),
}

impl Llm {
    /// The configured service; `None` for `lexicon`, which is none.
    ///
    /// # Errors
    /// [`Unfit`], for a person to mend.
    pub fn new(config: &config::Llm, http: &Http) -> Result<Option<Self>, Unfit> {
        Ok(match config.provider {
            config::Provider::Lexicon => None,
            config::Provider::Gemini => Some(Self::Gemini(Gemini::new(config, http)?)),
            config::Provider::Openai => Some(Self::OpenAi(OpenAi::new(config, http)?)),
        })
    }

    /// As configuration, metrics and prices name it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Gemini(_) => gemini::NAME,
            Self::OpenAi(_) => openai::NAME,
        }
    }

    /// What OpenTelemetry's conventions call a question to it, and it itself.
    #[must_use]
    pub fn conventional_names(&self) -> [&'static str; 2] {
        match self {
            Self::Gemini(_) => ["generate_content", "gcp.gemini"],
            Self::OpenAi(_) => ["chat", "openai"],
        }
    }

    /// Asks once.
    pub async fn ask(&self, prompt: &Prompt) -> Called<Reply> {
        match self {
            Self::Gemini(gemini) => gemini.ask(prompt).await,
            Self::OpenAi(openai) => openai.ask(prompt).await,
        }
    }

    /// How many tokens the service itself counts in the whole question, free of charge; `None` where none does.
    ///
    /// # Errors
    /// [`CallError`], never [`CallError::Lost`]: what costs nothing can be asked again.
    pub async fn count(&self, prompt: &Prompt) -> Option<Result<u64, CallError>> {
        match self {
            Self::Gemini(gemini) => Some(gemini.count(prompt).await),
            Self::OpenAi(_) => None,
        }
    }
}

/// The model to ask: the configured one, or the service's usual one.
#[must_use]
pub fn model(config: &config::Llm) -> &str {
    let usual = match config.provider {
        config::Provider::Lexicon => "lexicon",
        config::Provider::Gemini => gemini::MODEL,
        config::Provider::Openai => openai::MODEL,
    };
    config.model.as_deref().unwrap_or(usual)
}

/// The longest answer to ask for, in tokens.
#[must_use]
pub fn max_output_tokens(config: &config::Llm) -> u32 {
    config.max_output_tokens.unwrap_or(OUTPUT_TOKENS_MAX)
}
