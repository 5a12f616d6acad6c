//! Handles of analyses on demand. What they count exists at zero as soon as a worker starts.

use std::sync::Arc;
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram};

use super::registry::Registry;
use super::table::{ANALYSIS_ERRORS, ANALYSIS_JOBS, ANALYSIS_QUEUE, ANALYSIS_TIME, JOB_ENDS};

/// What a worker counts.
#[derive(Debug, Clone)]
pub struct AnalysisMetrics(Arc<Handles>);

#[derive(Debug)]
struct Handles {
    ends: Vec<(&'static str, Counter)>,
    errors: Counter,
    seconds: Histogram,
    queue: Gauge,
}

/// The metrics of the worker of this process.
#[must_use]
pub fn analysis() -> AnalysisMetrics {
    let registry = Registry::process();
    AnalysisMetrics(Arc::new(Handles {
        ends: JOB_ENDS.iter().map(|end| (*end, registry.counter(&ANALYSIS_JOBS, &[end]))).collect(),
        errors: registry.counter(&ANALYSIS_ERRORS, &[]),
        seconds: registry.histogram(&ANALYSIS_TIME, &[]),
        queue: registry.gauge(&ANALYSIS_QUEUE, &[]),
    }))
}

impl AnalysisMetrics {
    /// A job ended so (`completed`, `failed`, `cancelled`) after this time of work.
    pub fn ended(&self, outcome: &str, worked: Duration) {
        if let Some((_, counter)) = self.0.ends.iter().find(|(end, _)| *end == outcome) {
            counter.increment(1);
        }
        self.0.seconds.record(worked);
    }

    /// An attempt failed.
    pub fn failed(&self) {
        self.0.errors.increment(1);
    }

    /// A job was taken in. It counts as taken in until the result is dropped.
    #[must_use]
    pub fn taken(&self) -> Taken {
        self.0.queue.increment(1.0);
        Taken(self.clone())
    }
}

/// A job that was taken in and has not ended.
#[derive(Debug)]
pub struct Taken(AnalysisMetrics);

impl Drop for Taken {
    fn drop(&mut self) {
        self.0.0.queue.decrement(1.0);
    }
}
