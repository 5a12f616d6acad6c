//! Articles: as producers send them, as we keep them, and in the batches that are analysed together.

use serde::{Deserialize, Serialize};

use super::{Id, Timestamp};

/// The longest id of an article, in bytes: ids are bound by the hundred in questions, and stand in cursors and URLs.
pub const ARTICLE_ID_BYTES_MAX: usize = 512;

/// A record of `articles.raw`, as the producer wrote it. Only `id` and `body` must be there.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RawArticle {
    /// The producer's own id of the article: at most [`ARTICLE_ID_BYTES_MAX`] bytes without control characters.
    pub id: String,
    /// Headline; empty where the producer gave none.
    pub title: String,
    /// HTML, markdown or plain text.
    pub body: String,
    /// Who published it.
    pub publisher: String,
    /// Where it stands.
    pub url: String,
    /// RFC 3339, or epoch seconds or milliseconds in digits; empty where unknown.
    pub published_at: String,
}

/// Why an article was kept but not analysed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Screen {
    /// It was admitted.
    None,
    /// Fewer characters of clean text than `articles.min_chars`.
    Short,
    /// A language that is not in `articles.languages`.
    Language,
}

impl Screen {
    /// As the column `screen` shows it: empty where the article was admitted.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Short => "short",
            Self::Language => "language",
        }
    }
}

/// A cleaned article, with where it came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Article {
    /// The producer's id.
    pub article_id: String,
    /// Cleaned headline.
    pub title: String,
    /// Cleaned text: paragraphs as lines, no markup.
    pub text: String,
    /// Who published it.
    pub publisher: String,
    /// Without tracking parameters; empty unless http or https.
    pub url: String,
    /// When it was published; the record's time where `date_inferred`.
    pub published_at: Timestamp,
    /// The producer gave no date that can be believed.
    pub date_inferred: bool,
    /// The time that Kafka stamped on the record.
    pub received_at: Timestamp,
    /// ISO 639-1; empty where unsure.
    pub language: String,
    /// Characters of `text`.
    pub text_chars: i64,
    /// 32 hexadecimal digits: equal for equal texts.
    pub content_hash: String,
    /// Why it is not analysed.
    pub screen: Screen,
    /// The article of the same window that this one repeats, or nearly; empty where none.
    pub near_duplicate_of: String,
    /// `topic/partition/offset` of the raw record.
    pub origin: String,
    /// Orders the versions of one article: later records have larger numbers.
    pub version: i64,
}

/// Why a window closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CloseReason {
    /// It is full.
    Count,
    /// It has as many bytes as a record may have.
    Bytes,
    /// Its first article has waited for `articles.batch_age_max`.
    Age,
    /// The next article belongs to another session.
    Session,
    /// The next article is a new version of one that is already in the window.
    Version,
    /// A partition moves to another worker.
    Revoked,
    /// The worker stops.
    Shutdown,
}

impl CloseReason {
    /// Every reason, for metrics that exist at zero.
    pub const ALL: [Self; 7] =
        [Self::Count, Self::Bytes, Self::Age, Self::Session, Self::Version, Self::Revoked, Self::Shutdown];

    /// The label of `batches_closed_total`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Bytes => "bytes",
            Self::Age => "age",
            Self::Session => "session",
            Self::Version => "version",
            Self::Revoked => "revoked",
            Self::Shutdown => "shutdown",
        }
    }
}

/// The place of a publisher among those that come first, 0 for the most important; behind them for any other.
#[must_use]
pub fn publisher_rank(first: &[String], publisher: &str) -> usize {
    first.iter().position(|name| name.eq_ignore_ascii_case(publisher)).unwrap_or(first.len())
}

/// A record of `articles.batches`: what is analysed together, from one budget.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArticleBatch {
    /// Made of the origins of its articles.
    pub batch_id: Id,
    /// The session whose budget pays.
    pub session_id: String,
    /// The budget account, and the key of the record.
    pub account: String,
    /// `live`, or the replay's id.
    pub run_id: String,
    /// When the window took its first article.
    pub opened_at: Timestamp,
    /// When the window closed.
    pub closed_at: Timestamp,
    /// Why it closed.
    pub close_reason: CloseReason,
    /// Admitted, in the order in which the budget is spent on them.
    pub articles: Vec<Article>,
    /// Not admitted, each with its `screen`: they get a row and nothing else.
    pub screened: Vec<Article>,
}
