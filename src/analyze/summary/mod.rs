//! The summary of an analysis: what a chart shows, in a few sentences.
//!
//! ```text
//! series, chart ──► Facts ──┬──► template
//!                           └──► Question ──► journal ──► door: hold → request → settle ──► text
//! ```
//! Where no model is configured the template writes it. A configured one is asked through the paid door, with a budget of
//! its own; the template stands in where the budget is spent, the provider away, slow or unreadable, and the summary
//! says so. So money and providers never fail a job.
//!
//! # Why every partition has a budget of its own
//! A budget has one owner (law 5), and jobs are spread over the workers by their ids. So the day's limit is split into
//! equal shares, one for each partition of `analysis.jobs`, rounded down: account `analysis/<partition>`, in the same
//! partition of `analysis.ledger`. Nobody asks anybody, and the shares never add up to more than the limit. The price is
//! that a share may be spent while another is not. The number of partitions is asked for when the hop starts: where
//! there are to be more, every worker must start again, as for all topics of one owner.
//!
//! # Why a purchase runs in a task of its own
//! A job may be cancelled or time out while its summary is bought. A call that was cut off would be paid for and lost,
//! and its hold would count in full. So only the waiting ends; the answer is kept for whoever asks the same question.

mod keeper;
mod question;
mod setup;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tracing::debug;

use self::question::Question;
pub(crate) use self::question::{SUMMARY_CHARS_MAX, read as read_summary};
pub use self::setup::{Parts, Setup, Topics, check};
use crate::clock::Clock;
use crate::market::words::{self, Facts};
use crate::model::{Cadence, Chart, NanoUsd, Series};
use crate::provider::door::Purse;
use crate::provider::ledger::{Ledger, Refused};
use crate::provider::purchase::{Asking, Buyer, Inquiry as _, Outcome};

/// What a provider is asked for, as metrics name it.
const OPERATIONS: &[&str] = &[Question::OPERATION];
/// The run that pays.
const RUN: &str = "live";
/// How long a call may wait before it leaves: for a hold, for a place at the provider, for its next attempt. The template
/// is there at once.
const LEAVE_MAX: Duration = Duration::from_secs(5);

/// A summary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// A few sentences on one line, to be shown as text.
    pub text: String,
    /// `template`, `gemini`, `openai`.
    pub by: &'static str,
    /// What it cost, or what was spent on a summary that did not come; 0 for one that was paid for before.
    pub cost: NanoUsd,
    /// Why the template stands in for a provider, in a sentence; empty where none does.
    pub note: String,
}

/// Whose summary it is.
#[derive(Debug, Clone)]
pub struct Commission {
    /// The partition of `analysis.jobs` that its job came from.
    pub partition: i32,
    /// The epoch in which this worker owns it.
    pub epoch: u64,
    /// Of the job.
    pub analysis_id: String,
}

/// Writes summaries. Clones share the provider.
#[derive(Debug, Clone)]
pub struct Writer(Option<Arc<Paid>>);

#[derive(Debug)]
struct Paid {
    buyer: Buyer,
    ledger: Ledger,
    clock: Clock,
}

impl Writer {
    /// Writes by the template, at no cost.
    #[must_use]
    pub fn template() -> Self {
        Self(None)
    }

    fn paid(buyer: Buyer, ledger: Ledger, clock: Clock) -> Self {
        Self(Some(Arc::new(Paid { buyer, ledger, clock })))
    }

    /// What the chart of a series shows. May be given up at any time: what was begun is paid and kept all the same.
    ///
    /// # Errors
    /// [`Refused::Closing`] and [`Refused::Ledger`]: the hop is stopping, or must start again.
    pub async fn write(&self, job: Commission, series: &Series, chart: &Chart) -> Result<Written, Refused> {
        let facts = Facts::of(series, chart);
        let Some(paid) = &self.0 else { return Ok(Written::by_template(&facts, String::new(), NanoUsd::ZERO)) };
        let question = Question::new(&facts, paid.buyer.model(), &paid.buyer.parameters());
        let buying = tokio::spawn(Arc::clone(paid).buy(job, question));
        let (cost, bought) = buying.await.context("buying a summary panicked")??;
        Ok(match bought {
            Ok(text) => Written { text, by: paid.buyer.provider(), cost, note: String::new() },
            Err(note) => Written::by_template(&facts, note, cost),
        })
    }

    /// Begins no purchase any more, and returns when those that were begun are in the log.
    ///
    /// # Errors
    /// When the log cannot be written any more.
    pub async fn finish(&self) -> anyhow::Result<()> {
        let Some(paid) = &self.0 else { return Ok(()) };
        paid.ledger.close();
        paid.ledger.settled().await
    }
}

impl Written {
    fn by_template(facts: &Facts, note: String, cost: NanoUsd) -> Self {
        Self { text: words::write(facts), by: words::BY_TEMPLATE, cost, note }
    }
}

impl Paid {
    /// What it cost, and the text or why there is none.
    async fn buy(
        self: Arc<Self>,
        job: Commission,
        question: Question,
    ) -> Result<(NanoUsd, Result<String, String>), Refused> {
        let Commission { partition, epoch, analysis_id } = job;
        let now = self.clock.now();
        let purse = Purse {
            owned: self.ledger.of(partition, epoch).await?,
            account: account(partition),
            session_id: format!("analysis:{}", Cadence::Daily.session_id(now)),
            run_id: RUN.to_owned(),
            article_id: analysis_id,
        };
        let mut asking = Asking::until(now.plus(LEAVE_MAX));
        let provider = self.buyer.provider();
        let bought = match self.buyer.answer(&purse, &mut asking, self.buyer.model(), &question).await {
            Ok(Outcome::Found(found)) => Ok(found.value),
            Ok(Outcome::Failed { error, .. }) => {
                debug!(analysis_id = purse.article_id, provider, error, "no summary could be bought");
                Err(format!("The summary is the template's, as {provider} brought none."))
            }
            Err(Refused::Exhausted(_) | Refused::Cancelled) => {
                Err("The summary is the template's, as today's budget for summaries is spent.".to_owned())
            }
            Err(refused) => return Err(refused),
        };
        Ok((asking.cost, bought))
    }
}

/// The account that pays for the summaries of a partition.
fn account(partition: i32) -> String {
    format!("analysis/{partition}")
}
