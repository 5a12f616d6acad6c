//! What a run makes of records: stages between what the hops know and the rows of the run.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::account;
use crate::clock::Clock;
use crate::enrich::recall::{Asker, Evidence, Recalled, told};
use crate::flow::{Outgoing, Stage, Verdict, compute, written};
use crate::model::{Analysis, Article, ArticleBatch, ChartInContext, Outcome, Signal, Timestamp, identity};
use crate::score::signal;
use crate::sink::{Fact, Landings, Replayed};
use crate::wire::headers::Tags;
use crate::wire::{Codec, Unwritable};

/// Why an article of a run without money is not analysed.
const NOT_BOUGHT: &str = "its question was never answered, and this run buys nothing (--max-usd)";
/// In the name of a batch whose articles are bought, after that of the batch that they come from.
const BOUGHT: &str = "bought";

/// Scores what was recalled; what is missing is written to the topic of what has to be bought, or waits.
#[derive(Debug)]
pub struct Settle {
    /// Where batches go that have to be bought, and how they are written; `None`: nothing is bought.
    pub buys: Option<(Arc<str>, Codec<ArticleBatch>)>,
    /// What is counted.
    pub landings: Arc<Landings>,
    /// When signals are made.
    pub clock: Clock,
}

impl Settle {
    fn settle(&self, recalled: Recalled) -> Result<Replayed, Unwritable> {
        let Recalled { mut batch, analyses, missing, .. } = recalled;
        self.landings.missing.fetch_add(missing.len() as u64, Ordering::Relaxed);
        let mut to_buy = None;
        let mut facts: Vec<Fact> = Vec::with_capacity(1 + 2 * analyses.len() + missing.len());
        for analysis in analyses {
            facts.extend(scored(&analysis, &self.clock).map(|signal| Fact::Signal(Box::new(signal))));
            facts.push(Fact::Analysis(Box::new(analysis)));
        }
        match &self.buys {
            Some((topic, codec)) if !missing.is_empty() => to_buy = Some(bought(topic, codec, &batch, missing)?),
            _ => {
                let now = self.clock.now();
                for article in missing {
                    let waits = waits(&batch, &article, now);
                    facts.push(Fact::Analysis(Box::new(waits)));
                    batch.articles.push(article);
                }
            }
        }
        facts.push(Fact::Batch(Box::new(batch)));
        Ok(Replayed { facts, to_buy })
    }
}

/// A batch of those that have to be bought.
fn bought(
    topic: &Arc<str>,
    codec: &Codec<ArticleBatch>,
    from: &ArticleBatch,
    articles: Vec<Article>,
) -> Result<Outgoing, Unwritable> {
    let batch = ArticleBatch {
        batch_id: identity(&[BOUGHT, &from.batch_id.0]),
        articles,
        screened: Vec::new(),
        ..from.clone()
    };
    let mut record = written(codec, topic, &batch)?;
    Tags { run_id: batch.run_id, trace: None, origin: None }.write(&mut record.headers);
    Ok(record)
}

/// The record of an article that was not bought.
fn waits(batch: &ArticleBatch, article: &Article, now: Timestamp) -> Analysis {
    let ArticleBatch { run_id, session_id, batch_id, .. } = batch;
    let asker = Asker { run: run_id, session: session_id, batch: batch_id };
    Analysis {
        outcome: Outcome::Deferred,
        error: NOT_BOUGHT.to_owned(),
        ..told(&asker, article, None, Evidence::default(), [now, now])
    }
}

fn scored(analysis: &Analysis, clock: &Clock) -> Option<Signal> {
    signal(analysis.clone(), clock.now())
}

impl Stage for Settle {
    type In = Recalled;
    type Out = Replayed;

    fn name(&self) -> &'static str {
        "score/articles"
    }

    async fn apply(self: Arc<Self>, recalled: Vec<Recalled>) -> anyhow::Result<Vec<Verdict<Replayed>>> {
        compute(move || {
            let judge = |recalled| {
                self.settle(recalled)
                    .map_or_else(|error| Verdict::Reject("unwritable", error.to_string()), Verdict::Keep)
            };
            recalled.into_iter().map(judge).collect()
        })
        .await
    }
}

/// An analysis of another run, as one of `run_id`, paid for before.
pub(super) fn adopted(analysis: Analysis, run_id: &str) -> Analysis {
    Analysis { run_id: run_id.to_owned(), session_id: account(run_id), ..analysis }
}

/// A chart of another run, as one of `run_id`.
pub(super) fn adopted_chart(mut chart: ChartInContext, run_id: &str) -> ChartInContext {
    run_id.clone_into(&mut chart.context.run_id);
    chart
}

/// A batch of another run, as one of `run_id`.
pub(super) fn adopted_batch(batch: ArticleBatch, run_id: &str) -> ArticleBatch {
    let account = account(run_id);
    ArticleBatch { run_id: run_id.to_owned(), session_id: account.clone(), account, ..batch }
}

/// Makes one thing of another.
#[derive(Debug)]
pub(super) struct Turn<I, O, F> {
    name: &'static str,
    make: F,
    of: std::marker::PhantomData<fn(I) -> O>,
}

impl<I, O, F: Fn(I) -> O> Turn<I, O, F> {
    /// A stage that makes of each item what `make` says.
    pub(super) fn new(name: &'static str, make: F) -> Self {
        Self { name, make, of: std::marker::PhantomData }
    }
}

impl<I, O, F> Stage for Turn<I, O, F>
where
    I: Send + 'static,
    O: Send + 'static,
    F: Fn(I) -> O + Send + Sync + 'static,
{
    type In = I;
    type Out = O;

    fn name(&self) -> &'static str {
        self.name
    }

    async fn apply(self: Arc<Self>, items: Vec<I>) -> anyhow::Result<Vec<Verdict<O>>> {
        compute(move || items.into_iter().map(|item| Verdict::Keep((self.make)(item))).collect()).await
    }
}
