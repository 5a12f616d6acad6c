//! Articles analysed by a paid model, within a budget.
//!
//! ```text
//! batch ──article──► Analyst ──question──► journal ──► door: hold → request → settle ──► reading
//!                       │ no room in the budget                                            │
//!                       ▼                                                                  ▼
//!               articles.deferred ──► Resumer ──► (the same again)                 articles.analyses
//! ```
//! The worker that owns a partition of `articles.batches` is the only one who spends for the accounts in it (law 5). An
//! article whose budget is spent waits in `articles.deferred`, so that its batch can be committed: it holds up no other
//! account, and survives any restart.
//!
//! # Why a command is a batch without articles, under a header
//! Recovering or cancelling a session must reach the owner of its account, in the order of the account's log, and
//! survive a crash: a record of `articles.batches` under the account's key does all three, and there is no second channel.
//! What is asked stands in the header `command` ([`headers::COMMAND`]), and not in a new version of the schema: during
//! a rollout every batch of a new version would be a dead letter to the workers that do not know it yet, while an empty
//! batch has always been passed over by whoever has no use for it (the lexicon's hop, too).
//!
//! The owner writes the command into the ledger as a decision before its offset is committed, so every owner that comes
//! later knows it. What it means is derived: no hold is granted to a cancelled session, whoever waits of it is let
//! go, and who failed before a recovery is tried again. So a command that is read twice changes nothing, and no crash
//! leaves one half done.
//!
//! # Why a dead letter that is sent again is not worked on where it is read
//! An article that failed for good is a dead letter, and waits for help in `articles.deferred` as well. Were its dead
//! letter a batch like any other, two would work on one article: its attempts would be counted anew from the first, beside
//! those that its session knows, and its wait would go on. So it is put back to those who wait ([`Redrive`]), under
//! the key that it has there already, as one whose next attempt is due: the resumer takes it up once, as
//! `sessions recover` would have it, and whatever becomes of it ends its wait. Were it sent again twice, or after it was
//! analysed (`dlq retry` passes that over as far as the sink has told), it is analysed from the journal, at no cost, and
//! stays one article of its session.

mod article;
mod estimate;
pub(crate) mod outcome;
pub(in crate::enrich) mod purchase;
mod resume;
mod setup;
mod tend;
mod waiting;

use std::sync::Arc;

use anyhow::bail;
use futures_util::future::join_all;
use tracing::info;

use self::article::{Analyst, Task};
pub use self::estimate::{Calibration, Costs, estimator};
use self::outcome::Records;
pub use self::resume::Resumer;
pub use self::setup::{Parts, Setup, Topics, check};
use crate::clock::Clock;
use crate::flow::{Outgoing, Record, Stage, Verdict};
use crate::model::{ArticleBatch, Decision, NanoUsd, SessionCommand};
use crate::provider::ledger::{Ledger, Refused};
use crate::wire::headers::{self, Redrive};

/// Batches that are under way at least, however few calls may be.
pub const RECORDS_MIN: usize = 8;
/// Deliveries worked on side by side; what is under way is bounded by the source.
const SIDE_BY_SIDE: usize = 256;

/// A batch, and the partition that it was read from.
#[derive(Debug)]
pub struct Received {
    batch: ArticleBatch,
    command: Option<SessionCommand>,
    /// How often the article in it was tried and what that cost, where it had failed for good and is sent again.
    failed: Option<(u32, NanoUsd)>,
    partition: i32,
    epoch: u64,
}

impl Received {
    /// A batch as it was read from `record`.
    #[must_use]
    pub fn of(batch: ArticleBatch, record: &Arc<Record>) -> Self {
        let command = headers::command(&record.headers);
        let failed = Redrive::read(&record.headers).and_then(|redrive| redrive.failed);
        Self { batch, command, failed, partition: record.partition, epoch: record.epoch }
    }
}

/// The stage: batches in, the records that say what became of their articles out.
#[derive(Debug)]
pub struct Paid {
    ledger: Ledger,
    analyst: Arc<Analyst>,
    records: Arc<Records>,
    clock: Clock,
}

impl Paid {
    /// Takes in what is asked of a session.
    async fn decide(&self, received: &Received) -> anyhow::Result<()> {
        let Received { batch, command: Some(command), partition, epoch, .. } = received else { return Ok(()) };
        let ArticleBatch { account, session_id, .. } = batch;
        let decision = Decision {
            command_id: batch.batch_id.clone(),
            account: account.clone(),
            session_id: session_id.clone(),
            command: *command,
            at: self.clock.now(),
        };
        self.ledger.of(*partition, *epoch).await?.decide(decision).await?;
        info!(account, session_id, command = command.as_str(), "a session's command was taken in");
        Ok(())
    }

    async fn batch(&self, received: Received) -> Result<Verdict<Vec<Outgoing>>, Refused> {
        let Received { mut batch, command, failed, partition, epoch } = received;
        if let Some(command) = command {
            return Ok(Verdict::Drop(command.as_str()));
        }
        let articles = std::mem::take(&mut batch.articles);
        if articles.is_empty() {
            return Ok(Verdict::Drop("nothing_admitted"));
        }
        let owned = self.ledger.of(partition, epoch).await?;
        let now = self.clock.now();
        let (owned, batch) = (&owned, &batch);
        if let Some(failed) = failed {
            let again = |article| self.records.again(&Task::of_batch(owned, batch, article, now).failed(failed));
            return Ok(Verdict::Keep(articles.into_iter().map(again).collect::<anyhow::Result<_>>()?));
        }
        let work = articles.into_iter().map(|article| async move {
            let task = Task::of_batch(owned, batch, article, now);
            let ended = self.analyst.analyze(&task).await?;
            Ok::<_, Refused>(self.records.of(&task, ended)?)
        });
        let mut records = Vec::new();
        let mut refused = None;
        // All of them end before the first refusal is told: a call that is cut off is paid for and lost.
        for ended in join_all(work).await {
            match ended {
                Ok(written) => records.extend(written),
                Err(error) => refused = Some(error),
            }
        }
        refused.map_or(Ok(Verdict::Keep(records)), Err)
    }
}

impl Stage for Paid {
    type In = Received;
    type Out = Vec<Outgoing>;

    fn name(&self) -> &'static str {
        "enrich/articles"
    }

    fn concurrency(&self) -> usize {
        SIDE_BY_SIDE
    }

    async fn apply(self: Arc<Self>, batches: Vec<Received>) -> anyhow::Result<Vec<Verdict<Vec<Outgoing>>>> {
        // Ahead of the batches that were read with it: a cancellation must not wait for what it is to stop.
        for received in &batches {
            self.decide(received).await?;
        }
        let ended = join_all(batches.into_iter().map(|received| self.batch(received))).await;
        let mut verdicts = Vec::with_capacity(ended.len());
        let mut closing = false;
        for ended in ended {
            match ended {
                Ok(verdict) => verdicts.push(verdict),
                Err(Refused::Ledger(error)) => return Err(error),
                Err(Refused::Closing | Refused::Cancelled | Refused::Exhausted(_)) => closing = true,
            }
        }
        if closing {
            // Whoever else has a call under way gets its answer, and the answer into the log.
            self.ledger.settled().await?;
            bail!("the hop is stopping: articles that were not begun are read again");
        }
        Ok(verdicts)
    }
}
