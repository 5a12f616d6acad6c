//! What sending a letter again may cost: where it leads to paid work, as much as its articles are expected to cost when they
//! are asked about for the first time. What was answered before is free, so this is an upper bound.

use super::Desk;
use crate::cli::commands::{reading, registry};
use crate::config::{Config, Provider};
use crate::enrich::paid;
use crate::flow::Record;
use crate::kafka::{ANALYSIS_JOBS, ARTICLES_BATCHES, ARTICLES_RAW};
use crate::model::{Article, ArticleBatch, NanoUsd, RawArticle, Screen, Timestamp};
use crate::provider::estimate::{Estimator, Expected};
use crate::window::{Clean, CleanSettings};
use crate::wire::{ALLOCATION_BYTES_MAX, Codec, Unread};

/// What one letter may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cost {
    /// So much, which may be nothing.
    Known(Expected),
    /// As configured today its record still cannot be read: it would be a dead letter again, at no cost.
    Unreadable,
    /// Nobody can tell before it is worked on. The day's budget bounds it.
    Unknown,
}

/// What is free.
pub(super) const FREE: Expected = Expected { worst: NanoUsd::ZERO, typical: NanoUsd::ZERO };

/// Tells what letters may cost.
pub(super) struct Costs {
    estimator: Option<Estimator>,
    articles: Codec<RawArticle>,
    batches: Codec<ArticleBatch>,
    clean: Clean,
    llm: Provider,
}

impl Costs {
    pub(super) fn new(desk: &Desk) -> anyhow::Result<Self> {
        let Config { articles, limits, llm, .. } = &desk.config;
        let registry = registry(&desk.config, &desk.clock)?;
        Ok(Self {
            estimator: paid::estimator(&desk.config)?,
            articles: reading(registry.clone(), limits.record_bytes_max.in_memory())?,
            batches: reading(registry, ALLOCATION_BYTES_MAX)?,
            clean: Clean::new(CleanSettings { chars_min: articles.min_chars, languages: articles.languages.clone() }),
            llm: llm.provider,
        })
    }

    /// What `payload` may cost that is sent to `topic` (without its prefix).
    ///
    /// # Errors
    /// The schema registry does not answer.
    pub(super) async fn of(&self, topic: &str, payload: &[u8], now: Timestamp) -> anyhow::Result<Cost> {
        let articles = match topic {
            ARTICLES_RAW => match self.articles.read(payload).await {
                Ok(raw) => vec![self.clean.clean(raw, &record(topic, now)).article],
                Err(Unread::Refused(_)) => return Ok(Cost::Unreadable),
                Err(error) => return Err(error.into()),
            },
            ARTICLES_BATCHES => match self.batches.read(payload).await {
                Ok(batch) => batch.articles,
                Err(Unread::Refused(_)) => return Ok(Cost::Unreadable),
                Err(error) => return Err(error.into()),
            },
            ANALYSIS_JOBS if self.llm != Provider::Lexicon => return Ok(Cost::Unknown),
            _ => return Ok(Cost::Known(FREE)),
        };
        Ok(self.of_articles(&articles, now))
    }

    /// The batch of an article that failed for good.
    ///
    /// # Errors
    /// It cannot be read, or the schema registry does not answer.
    pub(super) async fn batch(&self, payload: &[u8]) -> Result<ArticleBatch, Unread> {
        self.batches.read(payload).await
    }

    fn of_articles(&self, articles: &[Article], now: Timestamp) -> Cost {
        let Some(estimator) = &self.estimator else { return Cost::Known(FREE) };
        let mut sum = FREE;
        for article in articles.iter().filter(|article| article.screen == Screen::None) {
            // What has no price is not bought.
            let Some(expected) = estimator.of(article, now) else { return Cost::Unknown };
            sum.worst = sum.worst.saturating_add(expected.worst);
            sum.typical = sum.typical.saturating_add(expected.typical);
        }
        Cost::Known(sum)
    }
}

/// The record that an article would come from, of which only the time counts here.
fn record(topic: &str, now: Timestamp) -> Record {
    Record {
        topic: topic.into(),
        partition: 0,
        offset: 0,
        epoch: 0,
        timestamp: now,
        key: None,
        value: None,
        headers: Vec::new(),
        hold: None,
    }
}
