//! Raw records to clean articles, with the screens that need no other article.

use std::sync::Arc;

use crate::flow::{Record, Stage, Verdict, compute};
use crate::model::{Article, RawArticle, Screen, Timestamp, parse_date};

use super::articles::Cleaned;
use super::text;

/// Low bits of a version: they tell records of the same millisecond apart.
const VERSION_OFFSET_BITS: u32 = 20;

/// What the screens need to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Characters of clean text that an article must have.
    pub chars_min: usize,
    /// ISO 639-1 codes that are analysed; empty: all.
    pub languages: Vec<String>,
}

/// Cleans and screens.
#[derive(Debug)]
pub struct Clean(Settings);

impl Clean {
    /// A stage with these screens.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self(settings)
    }

    pub(crate) fn clean(&self, raw: RawArticle, record: &Record) -> Cleaned {
        let clean = text::prepare(&raw.title, &raw.body);
        let received_at = record.timestamp;
        let published_at = parse_date(&raw.published_at, received_at);
        let article = Article {
            article_id: raw.id,
            title: clean.title,
            screen: self.screen(clean.chars, clean.language),
            text: clean.text,
            publisher: raw.publisher,
            url: text::clean_url(&raw.url),
            published_at: published_at.unwrap_or(received_at),
            date_inferred: published_at.is_none(),
            received_at,
            language: clean.language.to_owned(),
            text_chars: i64::from(clean.chars),
            content_hash: hex(clean.content_hash),
            near_duplicate_of: String::new(),
            origin: record.origin().to_string(),
            version: version(received_at, record.offset),
        };
        Cleaned { article, fingerprint: clean.sketch }
    }

    fn screen(&self, chars: u32, language: &str) -> Screen {
        let Settings { chars_min, languages } = &self.0;
        if (chars as usize) < *chars_min {
            Screen::Short
        } else if languages.is_empty() || languages.iter().any(|wanted| wanted == language) {
            Screen::None
        } else {
            Screen::Language
        }
    }
}

impl Stage for Clean {
    type In = (RawArticle, Arc<Record>);
    type Out = Cleaned;

    fn name(&self) -> &'static str {
        "window/clean"
    }

    async fn apply(self: Arc<Self>, items: Vec<Self::In>) -> anyhow::Result<Vec<Verdict<Cleaned>>> {
        compute(move || items.into_iter().map(|(raw, record)| Verdict::Keep(self.clean(raw, &record))).collect()).await
    }
}

/// Later records of one article have larger versions; redelivered, a record has the same again.
pub(super) fn version(received_at: Timestamp, offset: i64) -> i64 {
    (received_at.0 << VERSION_OFFSET_BITS) | (offset & ((1 << VERSION_OFFSET_BITS) - 1))
}

fn hex(bytes: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(bytes))
}
