//! What is to be read again, and how.

use serde::{Deserialize, Serialize};

use super::account;
use super::range::Bound;
use crate::kafka::{ARTICLES_ANALYSES, ARTICLES_BATCHES, ARTICLES_RAW, MARKET_BATCHES, MARKET_CONTEXTS, MARKET_FILES};
use crate::model::{LIVE_RUN, NanoUsd};

/// Longest id of a run: it stands in the names of topics.
const RUN_ID_CHARS_MAX: usize = 64;

/// A topic that can be read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// Everything is done again.
    ArticlesRaw,
    /// Articles are analysed again.
    ArticlesBatches,
    /// Articles are scored again.
    ArticlesAnalyses,
    /// Everything is done again, in the context of then.
    MarketFiles,
    /// Charts get their context of then.
    MarketBatches,
    /// Charts are scored again.
    MarketContexts,
}

impl Topic {
    /// Every one.
    pub const ALL: [Self; 6] = [
        Self::ArticlesRaw,
        Self::ArticlesBatches,
        Self::ArticlesAnalyses,
        Self::MarketFiles,
        Self::MarketBatches,
        Self::MarketContexts,
    ];

    /// Its name, without a prefix.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ArticlesRaw => ARTICLES_RAW,
            Self::ArticlesBatches => ARTICLES_BATCHES,
            Self::ArticlesAnalyses => ARTICLES_ANALYSES,
            Self::MarketFiles => MARKET_FILES,
            Self::MarketBatches => MARKET_BATCHES,
            Self::MarketContexts => MARKET_CONTEXTS,
        }
    }

    /// The topic of a name.
    ///
    /// # Errors
    /// Which there are.
    pub fn parse(name: &str) -> Result<Self, Unfit> {
        let known = || Self::ALL.map(Self::as_str).join(", ");
        let found = Self::ALL.into_iter().find(|topic| topic.as_str() == name);
        found.ok_or_else(|| Unfit(format!("{name} cannot be replayed: there are {}", known())))
    }

    /// Whether questions about articles are asked again.
    #[must_use]
    pub const fn asks(self) -> bool {
        matches!(self, Self::ArticlesRaw | Self::ArticlesBatches)
    }
}

/// An order that cannot be carried out, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unfit(pub String);

/// What somebody asks for.
#[derive(Debug, Clone)]
pub struct Order {
    /// The run.
    pub run_id: String,
    /// What is read.
    pub topic: Topic,
    /// Where it begins; `None`: with the oldest record.
    pub from: Option<Bound>,
    /// Where it ends; `None`: where the topic ends now.
    pub to: Option<Bound>,
    /// Keys of the configuration that have another value in this run, as they were given.
    pub set: Vec<(String, String)>,
    /// What may be spent; `None`: nothing is bought.
    pub max: Option<NanoUsd>,
}

impl Order {
    /// The same, once its id is one.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn checked(self) -> Result<Self, Unfit> {
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
        let id = &self.run_id;
        if id.is_empty() || id.len() > RUN_ID_CHARS_MAX || !id.chars().all(is_plain) || id == LIVE_RUN {
            return Err(Unfit(format!(
                "--run-id {id:?}: up to {RUN_ID_CHARS_MAX} letters, digits, dots, hyphens and underscores, and not {LIVE_RUN}"
            )));
        }
        Ok(self)
    }

    /// The account that pays for the run, and its only session.
    #[must_use]
    pub fn account(&self) -> String {
        account(&self.run_id)
    }

    /// What decides the rows of the run, as it is written down.
    pub(super) fn settings(&self) -> Settings {
        Settings {
            from: self.from.as_ref().map(ToString::to_string),
            to: self.to.as_ref().map(ToString::to_string),
            set: self.set.clone(),
        }
    }
}

/// What was asked for, as the table keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Settings {
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
    pub(super) set: Vec<(String, String)>,
}
