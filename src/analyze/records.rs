//! What the hop writes: events, dead letters, reports.

use std::sync::Arc;

use crate::clock::Clock;
use crate::flow::{Outgoing, written};
use crate::model::{JobEvent, NanoUsd, WorkerReport};
use crate::observe;
use crate::wire::headers::{DeadLetter, Tags};
use crate::wire::{Codec, Unwritable};

use super::case::Case;

/// The dead letter's code of a job whose attempts are used up.
const FAILED: &str = "failed";
/// As dead letters name it.
pub(super) const STAGE: &str = "analyze";

#[derive(Debug)]
pub(super) struct Records {
    pub(super) events: (Arc<str>, Codec<JobEvent>),
    pub(super) workers: (Arc<str>, Codec<WorkerReport>),
    /// Where jobs go whose attempts are used up.
    pub(super) failed: Arc<str>,
    pub(super) clock: Clock,
}

impl Records {
    /// An event that lands with its job, whose tags it inherits.
    pub(super) fn event(&self, event: &JobEvent) -> Result<Outgoing, Unwritable> {
        written(&self.events.1, &self.events.0, event)
    }

    /// An event that goes ahead of its job.
    pub(super) fn ahead(&self, case: &Case, event: &JobEvent) -> Result<Outgoing, Unwritable> {
        let mut record = self.event(event)?;
        Tags { origin: None, ..Tags::read(&case.record.headers) }.write(&mut record.headers);
        Ok(record)
    }

    /// The job as it came, and why it was given up.
    pub(super) fn dead_letter(&self, case: &Case, error: &str) -> Outgoing {
        observe::dead_letter(&case.record.topic, FAILED);
        let added = DeadLetter {
            reason: FAILED.to_owned(),
            error: error.to_owned(),
            stage: STAGE.to_owned(),
            origin: case.record.origin(),
            attempts: case.attempts(),
            spent: NanoUsd::ZERO,
            at: self.clock.now(),
        };
        let mut headers = case.record.headers.clone();
        added.write(&mut headers);
        Outgoing {
            topic: Arc::clone(&self.failed),
            partition: None,
            key: case.record.key.clone(),
            value: case.record.value.clone(),
            headers,
        }
    }

    pub(super) fn report(&self, report: &WorkerReport) -> Result<Outgoing, Unwritable> {
        let mut value = Vec::new();
        self.workers.1.encode(report, &mut value)?;
        Ok(Outgoing {
            topic: Arc::clone(&self.workers.0),
            partition: None,
            key: Some(report.worker_id.clone().into()),
            value: Some(value.into()),
            headers: Vec::new(),
        })
    }
}
