//! What the work on one article came to, and the records that say so.
//!
//! | verdict | `articles.analyses` | `articles.deferred` | `articles.batches.dlq` |
//! |---|---|---|---|
//! | analysed | the reading | – | – |
//! | deferred | `deferred` | waits for a budget | – |
//! | failed, tried again later | `failed` | waits for its next attempt | – |
//! | failed for good | `failed` | waits for help | a batch of this article |
//! | session cancelled | `failed` | – | – |
//! | failed for good before, and sent again | – | waits for its next attempt, which is due | – |

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;

use super::article::Task;
use crate::clock::Clock;
use crate::enrich::articles::asked;
use crate::enrich::validation::Source;
use crate::flow::{Outgoing, written};
use crate::model::{
    Analysis, Article, ArticleBatch, CloseReason, Deferral, Id, NanoUsd, Outcome, Reading, Timestamp, WaitsFor,
    identity,
};
use crate::observe;
use crate::wire::Codec;
use crate::wire::headers::{self, DeadLetter, Tags};

/// The dead letter's code of an article that failed for good.
const FAILED: &str = "failed";
/// The error of an article whose session was cancelled.
const CANCELLED: &str = "session cancelled";
/// The stage that dead letters name.
const STAGE: &str = "enrich/articles";

/// What was read, by whom, and what it used.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// `gemini`, `openai`, `lexicon`.
    pub analyzer: &'static str,
    /// The model version that answered.
    pub model: String,
    /// Of the prompt, or of the lexicon.
    pub prompt_version: String,
    /// The step of the ladder; empty on the first.
    pub tier: &'static str,
    /// Agreement of the research.
    pub validation_score: Option<f64>,
    /// Pages of the research.
    pub sources: Vec<Source>,
    /// Tokens in and out.
    pub tokens: [i64; 2],
}

/// For whom an article is read.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    /// `live`, or the replay's id.
    pub run: &'a str,
    /// The session that admitted it.
    pub session: &'a str,
    /// The batch it is counted in.
    pub batch: &'a Id,
}

/// A first attempt at an article that cost nothing, begun and ended at `times`.
#[must_use]
pub fn told(
    asker: &Asker<'_>,
    article: &Article,
    reading: Option<Reading>,
    evidence: Evidence,
    times: [Timestamp; 2],
) -> Analysis {
    let Evidence { analyzer, model, prompt_version, tier, validation_score, sources, tokens } = evidence;
    let made_of =
        [asker.run, &article.article_id, &article.content_hash, analyzer, model.as_str(), prompt_version.as_str()];
    Analysis {
        analysis_id: identity(&made_of),
        run_id: asker.run.to_owned(),
        session_id: asker.session.to_owned(),
        batch_id: asker.batch.clone(),
        analyzer: analyzer.to_owned(),
        model,
        prompt_version,
        tier: tier.to_owned(),
        reading,
        validation_score,
        source_dates: sources.iter().map(|source| source.published).collect(),
        sources: sources.into_iter().map(|source| source.url).collect(),
        input_tokens: tokens[0],
        output_tokens: tokens[1],
        ..asked(article, times[0], times[1])
    }
}

/// How the work on an article ended.
#[derive(Debug)]
pub enum Verdict {
    /// There is a reading.
    Analyzed(Box<Reading>, Evidence),
    /// The budget is spent.
    Deferred(String),
    /// It failed; after some time it is tried again.
    Failed {
        /// The last error.
        error: String,
        /// When it is tried again; `None`: for good.
        again_at: Option<Timestamp>,
    },
    /// Its session was cancelled: it is let go.
    Cancelled,
}

/// A verdict, and what it took.
#[derive(Debug)]
pub struct Ended {
    /// How it ended.
    pub verdict: Verdict,
    /// Attempts, earlier ones included.
    pub attempts: i32,
    /// What it cost this time.
    pub cost: NanoUsd,
    /// How long it took.
    pub took: Duration,
}

impl Ended {
    /// An article that waited and is let go: counted as one more attempt, so that the reason of the last one is kept.
    #[must_use]
    pub fn let_go(task: &Task) -> Self {
        Self { verdict: Verdict::Cancelled, attempts: task.attempts + 1, cost: NanoUsd::ZERO, took: Duration::ZERO }
    }

    /// Whether it waits for a budget.
    #[must_use]
    pub fn is_deferred(&self) -> bool {
        matches!(self.verdict, Verdict::Deferred(_))
    }
}

/// Writes what became of articles.
#[derive(Debug)]
pub struct Records {
    pub(super) analyses: (Arc<str>, Codec<Analysis>),
    pub(super) deferred: (Arc<str>, Codec<Deferral>),
    /// The topic of batches that failed, and how a batch is written.
    pub(super) failed: (Arc<str>, Codec<ArticleBatch>),
    pub(super) clock: Clock,
}

impl Records {
    /// The records that say how `task` ended.
    ///
    /// # Errors
    /// One does not fit its schema, which no article can bring about.
    pub fn of(&self, task: &Task, ended: Ended) -> anyhow::Result<Vec<Outgoing>> {
        let Ended { verdict, attempts, cost, took } = ended;
        let now = self.clock.now();
        let (waits_for, not_before, error) = match &verdict {
            Verdict::Analyzed(..) | Verdict::Cancelled => {
                // An answer from the journal is no attempt, and must not take the place of the one that failed.
                let attempts = if task.waited { attempts.max(task.attempts + 1) } else { attempts };
                let mut records = vec![self.analysis(task, verdict, attempts, cost, took)?];
                if task.waited {
                    records.push(self.waits_no_more(task));
                }
                return Ok(records);
            }
            Verdict::Deferred(error) => (WaitsFor::Budget, now, error.clone()),
            Verdict::Failed { error, again_at: Some(at) } => (WaitsFor::Retry, *at, error.clone()),
            Verdict::Failed { error, again_at: None } => (WaitsFor::Help, now, error.clone()),
        };
        let deferral = Deferral {
            account: task.purse.account.clone(),
            session_id: task.session_id.clone(),
            run_id: task.purse.run_id.clone(),
            batch_id: task.batch_id.clone(),
            waits_for,
            attempt: attempts,
            forgiven: task.forgiven,
            // Another owner's clock may be ahead of ours: one recovery must not be taken for the next.
            since: now.max(Timestamp(task.later_than.0 + 1)),
            not_before,
            error,
            spent: task.spent.saturating_add(cost),
            article: task.article.clone(),
        };
        let mut records = vec![self.analysis(task, verdict, attempts, cost, took)?];
        if waits_for == WaitsFor::Help {
            records.push(self.dead_letter(task, &deferral, attempts)?);
        }
        records.push(self.waits(task, &deferral)?);
        Ok(records)
    }

    /// The record that puts an article which failed for good back to those that are tried again, now.
    ///
    /// # Errors
    /// It does not fit its schema, which no article can bring about.
    pub fn again(&self, task: &Task) -> anyhow::Result<Outgoing> {
        let now = self.clock.now();
        let deferral = Deferral {
            account: task.purse.account.clone(),
            session_id: task.session_id.clone(),
            run_id: task.purse.run_id.clone(),
            batch_id: task.batch_id.clone(),
            waits_for: WaitsFor::Retry,
            attempt: task.attempts,
            forgiven: task.forgiven,
            since: now,
            not_before: now,
            error: String::new(),
            spent: task.spent,
            article: task.article.clone(),
        };
        self.waits(task, &deferral)
    }

    /// The record that ends a wait.
    fn waits_no_more(&self, task: &Task) -> Outgoing {
        Outgoing {
            topic: Arc::clone(&self.deferred.0),
            partition: Some(task.purse.owned.fence().partition),
            key: Some(Bytes::from(task.key().0)),
            value: None,
            headers: Vec::new(),
        }
    }

    fn waits(&self, task: &Task, deferral: &Deferral) -> anyhow::Result<Outgoing> {
        let mut value = Vec::new();
        self.deferred.1.encode(deferral, &mut value)?;
        Ok(Outgoing { value: Some(value.into()), ..self.waits_no_more(task) })
    }

    fn analysis(
        &self,
        task: &Task,
        verdict: Verdict,
        attempts: i32,
        cost: NanoUsd,
        took: Duration,
    ) -> anyhow::Result<Outgoing> {
        let now = self.clock.now();
        let (outcome, error, reading, evidence) = match verdict {
            Verdict::Analyzed(reading, evidence) => (Outcome::Analyzed, String::new(), Some(*reading), evidence),
            Verdict::Deferred(error) => (Outcome::Deferred, error, None, Evidence::default()),
            Verdict::Failed { error, .. } => (Outcome::Failed, error, None, Evidence::default()),
            Verdict::Cancelled => (Outcome::Failed, CANCELLED.to_owned(), None, Evidence::default()),
        };
        let asker = Asker { run: &task.purse.run_id, session: &task.session_id, batch: &task.batch_id };
        let told = told(&asker, &task.article, reading, evidence, [task.started_at, now]);
        let analysis = Analysis {
            attempt: attempts.max(1),
            outcome,
            error,
            cost,
            duration_us: i64::try_from(took.as_micros()).unwrap_or(i64::MAX),
            ..told
        };
        let mut record = written(&self.analyses.1, &self.analyses.0, &analysis)?;
        if task.waited {
            // It does not come from a record of the hop's input, whose tags it would inherit.
            let tags = Tags { run_id: task.purse.run_id.clone(), trace: None, origin: None };
            tags.write(&mut record.headers);
        }
        Ok(record)
    }

    /// A batch of the one article, which can be sent through the hop again as it is.
    fn dead_letter(&self, task: &Task, deferral: &Deferral, attempts: i32) -> anyhow::Result<Outgoing> {
        let batch = ArticleBatch {
            batch_id: task.batch_id.clone(),
            session_id: task.session_id.clone(),
            account: task.purse.account.clone(),
            run_id: task.purse.run_id.clone(),
            opened_at: task.started_at,
            closed_at: task.started_at,
            close_reason: CloseReason::Count,
            articles: vec![task.article.clone()],
            screened: Vec::new(),
        };
        let mut record = written(&self.failed.1, &self.failed.0, &batch)?;
        let origin: headers::Origin = task.article.origin.parse().context("the article's origin cannot be read")?;
        observe::dead_letter(&origin.topic, FAILED);
        let added = DeadLetter {
            reason: FAILED.to_owned(),
            error: deferral.error.clone(),
            stage: STAGE.to_owned(),
            origin,
            attempts: u32::try_from(attempts).unwrap_or(1),
            spent: deferral.spent,
            at: self.clock.now(),
        };
        added.write(&mut record.headers);
        Ok(record)
    }
}
