//! What a worker has done since it started: for metrics, and for its reports.

use std::time::Duration;

use parking_lot::Mutex;

use crate::model::JobStatus;
use crate::observe::{self, AnalysisMetrics, Taken};

#[derive(Debug)]
pub(super) struct Tally {
    metrics: AnalysisMetrics,
    done: Mutex<Done>,
}

/// Sums.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Done {
    /// Jobs that ended.
    pub(super) jobs: i64,
    /// Attempts that failed.
    pub(super) errors: i64,
    /// Of the jobs that ended.
    pub(super) worked: Duration,
}

impl Tally {
    pub(super) fn new() -> Self {
        Self { metrics: observe::analysis(), done: Mutex::default() }
    }

    pub(super) fn taken(&self) -> Taken {
        self.metrics.taken()
    }

    pub(super) fn failed(&self) {
        self.metrics.failed();
        self.done.lock().errors += 1;
    }

    pub(super) fn ended(&self, status: JobStatus, worked: Duration) {
        self.metrics.ended(status.as_str(), worked);
        let mut done = self.done.lock();
        done.jobs += 1;
        done.worked += worked;
    }

    pub(super) fn done(&self) -> Done {
        *self.done.lock()
    }
}
