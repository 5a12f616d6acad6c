//! Articles analysed by the built-in lexicon: no key, no call, no cost. Every row says so.

use std::sync::Arc;
use std::time::Instant;

use crate::clock::Clock;
use crate::flow::{Record, Stage, Verdict, compute};
use crate::model::{Analysis, Article, ArticleBatch, NanoUsd, Outcome, Timestamp, identity};
use crate::wire::headers::Redrive;

use super::lexicon::{self, Lexicon, Question};

/// The column `analyzer` of rows that the lexicon made.
pub const ANALYZER_LEXICON: &str = "lexicon";

/// Analyses batches by the lexicon.
#[derive(Debug)]
pub struct ByLexicon {
    lexicon: Lexicon,
    clock: Clock,
}

impl ByLexicon {
    /// A stage that takes its times from `clock`.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { lexicon: Lexicon::new(), clock }
    }

    /// A batch as it was read from `record`, and how often its articles were tried before: by a paid model, which failed.
    #[must_use]
    pub fn received(batch: ArticleBatch, record: &Arc<Record>) -> (ArticleBatch, i32) {
        let failed = Redrive::read(&record.headers).and_then(|redrive| redrive.failed);
        (batch, failed.map_or(0, |(attempts, _)| i32::try_from(attempts).unwrap_or(i32::MAX - 1)))
    }

    /// The readings of a batch whose articles were tried so often before.
    pub(crate) fn analyze(&self, batch: &ArticleBatch, attempts: i32) -> Vec<Analysis> {
        let started_at = self.clock.now();
        let ArticleBatch { batch_id, session_id, run_id, articles, .. } = batch;
        articles
            .iter()
            .map(|article| {
                let started = Instant::now();
                let reading = self.lexicon.read(&Question { title: &article.title, text: &article.text });
                let duration_us = i64::try_from(started.elapsed().as_micros()).unwrap_or(i64::MAX);
                Analysis {
                    analysis_id: identity(&[
                        run_id,
                        &article.article_id,
                        &article.content_hash,
                        ANALYZER_LEXICON,
                        lexicon::VERSION,
                    ]),
                    run_id: run_id.clone(),
                    session_id: session_id.clone(),
                    batch_id: batch_id.clone(),
                    attempt: attempts.saturating_add(1),
                    reading: Some(reading),
                    duration_us,
                    ..asked(article, started_at, self.clock.now())
                }
            })
            .collect()
    }
}

impl Stage for ByLexicon {
    type In = (ArticleBatch, i32);
    type Out = Vec<Analysis>;

    fn name(&self) -> &'static str {
        "enrich/articles"
    }

    async fn apply(self: Arc<Self>, batches: Vec<Self::In>) -> anyhow::Result<Vec<Verdict<Vec<Analysis>>>> {
        compute(move || {
            batches
                .into_iter()
                .map(|batch| {
                    let (batch, attempts) = batch;
                    if batch.articles.is_empty() {
                        Verdict::Drop("nothing_admitted")
                    } else {
                        Verdict::Keep(self.analyze(&batch, attempts))
                    }
                })
                .collect()
        })
        .await
    }
}

/// The record of having asked about an article, before there is an answer.
pub(super) fn asked(article: &Article, started_at: Timestamp, analyzed_at: Timestamp) -> Analysis {
    Analysis {
        analysis_id: crate::model::Id::default(),
        article_id: article.article_id.clone(),
        run_id: String::new(),
        session_id: String::new(),
        batch_id: crate::model::Id::default(),
        attempt: 1,
        outcome: Outcome::Analyzed,
        error: String::new(),
        analyzer: ANALYZER_LEXICON.to_owned(),
        model: String::new(),
        prompt_version: lexicon::VERSION.to_owned(),
        tier: String::new(),
        reading: None,
        validation_score: None,
        sources: Vec::new(),
        source_dates: Vec::new(),
        cost: NanoUsd::ZERO,
        input_tokens: 0,
        output_tokens: 0,
        duration_us: 0,
        started_at,
        analyzed_at,
        published_at: article.published_at,
        received_at: article.received_at,
        near_duplicate_of: article.near_duplicate_of.clone(),
        origin: article.origin.clone(),
        version: article.version,
    }
}
