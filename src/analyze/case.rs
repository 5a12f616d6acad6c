//! One job as a worker has it: where it came from, and the events that tell of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::flow::{Position, Record};
use crate::model::{Charts, Job, JobEvent, JobStatus, JobStep, NanoUsd, Timestamp};

/// A job under way.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) job: Job,
    pub(super) record: Arc<Record>,
    /// The fence of its progress: the owner's partition, its epoch, and where its group stood at the beginning.
    pub(super) fence: Position,
    pub(super) origin: String,
    progress: Mutex<Progress>,
}

/// How far it is.
#[derive(Debug, Clone, Default)]
struct Progress {
    attempt: i32,
    step: Option<JobStep>,
    exchange: Option<String>,
    worked: Duration,
}

/// What came of a job that was completed.
#[derive(Debug)]
pub(super) struct Analysed {
    pub(super) summary: String,
    pub(super) summary_by: &'static str,
    pub(super) cost: NanoUsd,
    /// What the user should know of the summary; empty: nothing.
    pub(super) note: String,
    pub(super) data: String,
    pub(super) charts: Charts,
}

/// How a job ended.
#[derive(Debug)]
pub(super) enum Ended {
    Completed(Box<Analysed>),
    /// It cannot come to anything, for this reason.
    Hopeless(String),
    /// All attempts broke, the last one for this reason.
    GivenUp(String),
    Cancelled,
}

/// How far a job is when a step begins, in percent.
fn percent(step: JobStep) -> i32 {
    match step {
        JobStep::Loading => 5,
        JobStep::Reading => 30,
        JobStep::Drawing => 50,
        JobStep::Summarising => 80,
    }
}

fn says(step: JobStep) -> &'static str {
    match step {
        JobStep::Loading => "Reading its candles.",
        JobStep::Reading => "Reading what they show.",
        JobStep::Drawing => "Drawing the chart.",
        JobStep::Summarising => "Writing the summary.",
    }
}

impl Case {
    pub(super) fn new(job: Job, record: Arc<Record>, origin: String, fence: Position) -> Self {
        Self { job, record, fence, origin, progress: Mutex::default() }
    }

    /// A step of an attempt begins.
    pub(super) fn begins(&self, attempt: u32, step: JobStep, worker: &str, now: Timestamp) -> JobEvent {
        let mut progress = self.progress.lock();
        progress.attempt = i32::try_from(attempt).unwrap_or(i32::MAX);
        progress.step = Some(step);
        drop(progress);
        self.event(JobStatus::Processing, percent(step), says(step).to_owned(), worker, now)
    }

    /// An attempt broke, and another is made.
    pub(super) fn broke(&self, error: &str, wait: Duration, worker: &str, now: Timestamp) -> JobEvent {
        let step = self.progress.lock().step.unwrap_or(JobStep::Loading);
        let message = format!("An attempt failed and is made again in {:.1} s: {error}", wait.as_secs_f64());
        self.event(JobStatus::Processing, percent(step), message, worker, now)
    }

    /// The exchange that its candles are of.
    pub(super) fn is_of(&self, exchange: &str) {
        self.progress.lock().exchange = Some(exchange.to_owned());
    }

    /// Counts the time that `work` takes as work.
    pub(super) async fn works<T>(&self, work: impl Future<Output = T>) -> T {
        let began = Instant::now();
        let done = work.await;
        self.progress.lock().worked += began.elapsed();
        done
    }

    pub(super) fn worked(&self) -> Duration {
        self.progress.lock().worked
    }

    pub(super) fn attempts(&self) -> u32 {
        u32::try_from(self.progress.lock().attempt).unwrap_or(0)
    }

    /// The final event.
    pub(super) fn ended(&self, ended: Ended, worker: &str, now: Timestamp) -> JobEvent {
        let step = self.progress.lock().step;
        let so_far = step.map_or(0, percent);
        match ended {
            Ended::Completed(analysed) => {
                let Analysed { summary, summary_by, cost, note, data, charts } = *analysed;
                let message = ["Analysis completed successfully.", &note].join(" ").trim_end().to_owned();
                let event = self.event(JobStatus::Completed, 100, message, worker, now);
                JobEvent { summary, summary_by: summary_by.to_owned(), cost, data, charts: Some(charts), ..event }
            }
            Ended::Hopeless(error) => {
                let event = self.event(JobStatus::Failed, so_far, "Analysis failed.".to_owned(), worker, now);
                JobEvent { error, ..event }
            }
            Ended::GivenUp(error) => {
                let message = format!("Analysis failed after {} attempts.", self.attempts());
                JobEvent { error, ..self.event(JobStatus::Failed, so_far, message, worker, now) }
            }
            Ended::Cancelled => self.event(JobStatus::Cancelled, so_far, "Analysis cancelled.".to_owned(), worker, now),
        }
    }

    fn event(&self, status: JobStatus, progress: i32, message: String, worker: &str, now: Timestamp) -> JobEvent {
        let Job { analysis_id, user_id, symbol, exchange, interval, timeframe, requested_at, .. } = &self.job;
        let Progress { attempt, step, exchange: found, .. } = self.progress.lock().clone();
        JobEvent {
            analysis_id: analysis_id.clone(),
            user_id: user_id.clone(),
            symbol: symbol.clone(),
            exchange: found.unwrap_or_else(|| exchange.clone()),
            interval: interval.clone(),
            timeframe: timeframe.clone(),
            status,
            progress,
            step,
            message,
            attempt,
            error: String::new(),
            summary: String::new(),
            summary_by: String::new(),
            data: String::new(),
            charts: None,
            cost: NanoUsd::ZERO,
            created_at: *requested_at,
            at: now,
            worker: worker.to_owned(),
            origin: self.origin.clone(),
        }
    }
}
