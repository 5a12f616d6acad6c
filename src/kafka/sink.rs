//! The end of a hop that writes to Kafka: records, dead letters and offsets in one transaction.

use super::topics::DLQ_SUFFIX;
use super::transaction::Transactions;
use crate::clock::Clock;
use crate::flow::{Landed, Offsets, Outgoing, Record, Reject, Sink};
use crate::model::NanoUsd;
use crate::observe;
use crate::wire::headers::{DeadLetter, SpanIds, Tags, TraceParent};

/// Gathers what a batch became until it is committed.
#[derive(Debug)]
pub struct KafkaSink {
    transactions: Transactions,
    clock: Clock,
    spans: SpanIds,
    prepared: Vec<Outgoing>,
}

impl KafkaSink {
    /// A sink into these transactions.
    #[must_use]
    pub fn new(transactions: Transactions, clock: Clock) -> Self {
        Self { transactions, clock, spans: SpanIds::random(), prepared: Vec::new() }
    }

    /// The tags that go with the work from hop to hop: the run, and the trace with a span of its own.
    fn inherited(&mut self, record: &Record) -> Tags {
        let Tags { run_id, trace, .. } = Tags::read(&record.headers);
        let trace = match trace {
            Some(trace) => trace.child(&mut self.spans),
            None => TraceParent::root(&mut self.spans),
        };
        Tags { run_id, trace: Some(trace), origin: None }
    }
}

impl Sink<Vec<Outgoing>> for KafkaSink {
    async fn write(&mut self, kept: Vec<Landed<Vec<Outgoing>>>, rejected: Vec<Reject>) -> anyhow::Result<usize> {
        for Landed { value, from } in kept {
            let tags = from.first().map(|record| self.inherited(record));
            self.prepared.extend(value.into_iter().map(|mut outgoing| {
                if let Some(tags) = &tags {
                    tags.write(&mut outgoing.headers);
                }
                outgoing
            }));
        }
        self.prepared.extend(rejected.iter().map(|reject| dead_letter(reject, &self.clock)));
        Ok(0)
    }

    async fn commit(&mut self, offsets: Offsets) -> anyhow::Result<()> {
        self.transactions.commit(std::mem::take(&mut self.prepared), offsets).await
    }
}

/// The dead letter of a record: its key, value and headers as they were, and why it is here.
#[must_use]
pub fn dead_letter(reject: &Reject, clock: &Clock) -> Outgoing {
    let Reject { record, reason } = reject;
    observe::dead_letter(&record.topic, reason.code);
    let added = DeadLetter {
        reason: reason.code.to_owned(),
        error: reason.error.clone(),
        stage: reason.stage.to_owned(),
        origin: record.origin(),
        attempts: 1,
        spent: NanoUsd::ZERO,
        at: clock.now(),
    };
    let mut headers = record.headers.clone();
    added.write(&mut headers);
    Outgoing {
        topic: format!("{}{DLQ_SUFFIX}", record.topic).into(),
        partition: None,
        key: record.key.clone(),
        value: record.value.clone(),
        headers,
    }
}
