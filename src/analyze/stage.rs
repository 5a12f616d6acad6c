//! The stage: jobs in, the records that tell how they ended out.

use std::sync::Arc;

use futures_util::future::try_join_all;

use super::records::STAGE;
use super::worker::Worker;
use crate::flow::{Outgoing, Record, Stage, Verdict};
use crate::model::Job;

/// A job, and the record that it was read from.
#[derive(Debug)]
pub struct Received {
    job: Job,
    record: Arc<Record>,
}

impl Received {
    /// A job as it was read from `record`.
    #[must_use]
    pub fn of(job: Job, record: &Arc<Record>) -> Self {
        let job = job.received(&record.origin().to_string(), record.timestamp);
        Self { job, record: Arc::clone(record) }
    }
}

/// Jobs in, events out.
#[derive(Debug)]
pub struct Analyse {
    pub(super) worker: Arc<Worker>,
    /// Jobs that may be under way, those included that are done and wait for one before them.
    pub(super) in_line: usize,
}

impl Stage for Analyse {
    type In = Received;
    type Out = Vec<Outgoing>;

    fn name(&self) -> &'static str {
        STAGE
    }

    fn concurrency(&self) -> usize {
        self.in_line
    }

    async fn apply(self: Arc<Self>, jobs: Vec<Received>) -> anyhow::Result<Vec<Verdict<Vec<Outgoing>>>> {
        try_join_all(jobs.into_iter().map(|Received { job, record }| self.worker.job(job, record))).await
    }
}
