//! Does jobs: attempts, steps, and the waits between them.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::sync::{Semaphore, SemaphorePermit};
use tracing::{debug, warn};

use super::cancelled::Cancelled;
use super::case::{Analysed, Case, Ended};
use super::door::Door;
use super::drawn;
use super::guard::{Fault, guarded};
use super::lasting::lasting;
use super::load::{Loader, NoCandles};
use super::records::Records;
use super::seen::Seen;
use super::summary::{Commission, Writer, Written};
use super::tally::Tally;
use crate::clock::Clock;
use crate::flow::{Outgoing, Position, Record, Verdict, compute};
use crate::kafka::{Group, PerAssignment, Transactions};
use crate::market::{chart, findings};
use crate::model::{Job, JobEvent, JobStep, Series};
use crate::provider::call::CallError;
use crate::provider::ledger::Refused;
use crate::provider::retry::{self, Policy};

/// What a worker goes by.
#[derive(Debug)]
pub(super) struct Settings {
    /// `analysis.jobs`, with its prefix.
    pub(super) jobs: Arc<str>,
    /// Of this process.
    pub(super) worker_id: String,
    /// For one attempt, its candles aside.
    pub(super) timeout: Duration,
    /// When an attempt that broke is made again.
    pub(super) policy: Policy,
}

#[derive(Debug)]
pub(super) struct Worker {
    pub(super) settings: Settings,
    pub(super) group: Group,
    pub(super) transactions: Transactions,
    pub(super) loader: Loader,
    pub(super) writer: Writer,
    pub(super) records: Records,
    pub(super) cancelled: Cancelled,
    pub(super) seen: Seen,
    pub(super) tally: Tally,
    /// Where the group stood in a partition when it came.
    pub(super) fences: PerAssignment<Position>,
    /// One for each job that may be worked on at a time.
    pub(super) places: Semaphore,
    /// As many for those whose candles are read meanwhile: ClickHouse and the processor work side by side.
    pub(super) ahead: Semaphore,
    pub(super) door: Door,
    pub(super) clock: Clock,
}

impl Worker {
    /// Does one job: the records that land with its offset.
    ///
    /// # Errors
    /// What the hop must stop for; the job is read again.
    pub(super) async fn job(&self, job: Job, record: Arc<Record>) -> anyhow::Result<Verdict<Vec<Outgoing>>> {
        if !self.seen.is_new(&job.analysis_id, (record.partition, record.offset)) {
            return Ok(Verdict::Drop("duplicate"));
        }
        let _taken = self.tally.taken();
        let fence = Position::clone(&*self.fence(record.partition, record.epoch).await?);
        let origin = record.origin().to_string();
        let case = Case::new(job, record, origin, fence);
        let ended = tokio::select! {
            biased;
            () = self.cancelled.wait(&case.job.analysis_id) => Ended::Cancelled,
            ended = self.attempts(&case) => ended?,
        };
        let dead = match &ended {
            Ended::GivenUp(error) => {
                // Its dead letter may be sent again.
                self.seen.forget(&case.job.analysis_id);
                Some(self.records.dead_letter(&case, error))
            }
            Ended::Completed(_) | Ended::Hopeless(_) | Ended::Cancelled => None,
        };
        let event = case.ended(ended, &self.settings.worker_id, self.clock.now());
        self.tally.ended(event.status, case.worked());
        debug!(analysis_id = event.analysis_id, status = event.status.as_str(), error = event.error, "a job ended");
        let mut landed = vec![self.records.event(&event)?];
        landed.extend(dead);
        Ok(Verdict::Keep(landed))
    }

    async fn fence(&self, partition: i32, epoch: u64) -> anyhow::Result<Arc<Position>> {
        let (group, topic) = (self.group.clone(), Arc::clone(&self.settings.jobs));
        let open = || async move {
            let asked = Arc::clone(&topic);
            let stands = tokio::task::spawn_blocking(move || group.stands_at(&asked, partition));
            let next = stands.await.context("asking for an offset panicked")??;
            Ok(Arc::new(Position { topic, partition, epoch, next }))
        };
        self.fences.of(partition, epoch, open).await
    }

    async fn attempts(&self, case: &Case) -> anyhow::Result<Ended> {
        for attempt in 1.. {
            let error = match self.attempt(case, attempt).await? {
                Ok(analysed) => return Ok(Ended::Completed(Box::new(analysed))),
                Err(Fault::Hopeless(error)) => return Ok(Ended::Hopeless(error)),
                Err(Fault::Broken(error)) => error,
            };
            self.tally.failed();
            let analysis_id = &case.job.analysis_id;
            let failed = CallError::Transient { retry_after: None, error };
            let decision = self.settings.policy.next(attempt, &failed, false, &mut rand::rng());
            let error = failed.to_string();
            let retry::Decision::Again(wait) = decision else {
                warn!(analysis_id, attempt, error, "a job is given up");
                return Ok(Ended::GivenUp(error));
            };
            warn!(analysis_id, attempt, error, wait_ms = wait.as_millis(), "an attempt at a job failed");
            let now = self.clock.now();
            self.tell(case, &case.broke(&error, wait, &self.settings.worker_id, now)).await?;
            self.door.wait(self.clock.sleep_until(now.plus(wait))).await?;
        }
        bail!("attempts without end")
    }

    async fn attempt(&self, case: &Case, attempt: u32) -> anyhow::Result<Result<Analysed, Fault>> {
        let ahead = self.place(&self.ahead).await?;
        self.tell(case, &self.begins(case, attempt, JobStep::Loading)).await?;
        let series = match self.loader.load(case).await? {
            Ok(series) => series,
            Err(NoCandles::Hopeless(error)) => return Ok(Err(Fault::Hopeless(error))),
            Err(NoCandles::Broken(error)) => return Ok(Err(Fault::Broken(error))),
        };
        case.is_of(&series.exchange);
        let _place = self.place(&self.places).await?;
        drop(ahead);
        case.works(guarded(self.work(case, attempt, series), self.settings.timeout, &self.clock)).await
    }

    async fn place<'a>(&self, places: &'a Semaphore) -> anyhow::Result<SemaphorePermit<'a>> {
        self.door.wait(places.acquire()).await?.context("there are no places any more")
    }

    async fn work(&self, case: &Case, attempt: u32, series: Series) -> anyhow::Result<Result<Analysed, Fault>> {
        let series = Arc::new(series);
        let candles = Arc::clone(&series);
        let read = compute(move || chart::read(&candles).map(|chart| (findings::json(&candles, &chart), chart)));
        let (data, chart) = match self.step(case, attempt, JobStep::Reading, read).await? {
            Ok(Some(read)) => read,
            Ok(None) => return Ok(Err(Fault::Hopeless("there are no candles in it".to_owned()))),
            Err(error) => return Ok(Err(Fault::broken(&error))),
        };
        let chart = Arc::new(chart);
        let charts = drawn::draw(Arc::clone(&series), Arc::clone(&chart));
        let charts = match self.step(case, attempt, JobStep::Drawing, charts).await? {
            Ok(charts) => charts,
            Err(error) => return Ok(Err(Fault::broken(&error))),
        };
        let Position { partition, epoch, .. } = case.fence;
        let commission = Commission { partition, epoch, analysis_id: case.job.analysis_id.clone() };
        let written = self.writer.write(commission, &series, &chart);
        let Written { text, by, cost, note } = match self.step(case, attempt, JobStep::Summarising, written).await? {
            Ok(written) => written,
            Err(Refused::Ledger(error)) => return Err(error),
            Err(refused) => bail!("the hop is stopping, a job is read again: {refused:?}"),
        };
        Ok(Ok(Analysed { summary: text, summary_by: by, cost, note, data, charts }))
    }

    /// Does a step of an attempt, and tells of it where it lasts.
    async fn step<T>(
        &self,
        case: &Case,
        attempt: u32,
        step: JobStep,
        work: impl Future<Output = T>,
    ) -> anyhow::Result<T> {
        let begins = self.begins(case, attempt, step);
        lasting(work, async || self.tell(case, &begins).await, &self.clock).await
    }

    fn begins(&self, case: &Case, attempt: u32, step: JobStep) -> JobEvent {
        case.begins(attempt, step, &self.settings.worker_id, self.clock.now())
    }

    /// Queues an event ahead of the job's final one. Whether it is durable is known when that is: both are in the same
    /// queue.
    async fn tell(&self, case: &Case, event: &JobEvent) -> anyhow::Result<()> {
        let record = self.records.ahead(case, event)?;
        drop(self.transactions.place().await?.queue(vec![record], case.fence.clone()));
        Ok(())
    }
}
