//! The end of a hop that writes to Kafka: records, dead letters and offsets in one transaction.

use std::borrow::Cow;

use bytes::Bytes;

use super::client::MESSAGE_BYTES_MAX;
use super::topics::DLQ_SUFFIX;
use super::transaction::Transactions;
use crate::clock::Clock;
use crate::flow::{Landed, Offsets, Outgoing, Record, Reject, Sink};
use crate::model::NanoUsd;
use crate::observe;
use crate::wire::headers::{DeadLetter, Headers, SpanIds, TRUNCATED, Tags, TraceParent};

/// Bytes of a dead letter's key, value and headers: what its topic takes, with room for what Kafka puts around them.
const LETTER_BYTES_MAX: usize = MESSAGE_BYTES_MAX - (128 << 10);
/// What is kept of the value of a record that is larger: enough to see what it was.
const TRUNCATED_BYTES: usize = 64 << 10;

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
        value: record.value.as_ref().map(|value| kept(value, record.key.as_ref(), &mut headers)),
        headers,
    }
}

/// The value of a dead letter: all of it, or as much as its topic takes. A record that came compressed may be larger than any
/// that we can write, and would stand before all that come behind it.
fn kept(value: &Bytes, key: Option<&Bytes>, headers: &mut Headers) -> Bytes {
    let beside =
        key.map_or(0, Bytes::len) + headers.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
    if value.len() + beside <= LETTER_BYTES_MAX {
        return value.clone();
    }
    headers.push((Cow::Borrowed(TRUNCATED), value.len().to_string().into()));
    value.slice(..TRUNCATED_BYTES.min(value.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_cut_only_where_its_topic_would_not_take_it() {
        let (key, mut headers) =
            (Bytes::from_static(b"key"), vec![(Cow::Borrowed("name"), Bytes::from_static(b"value"))]);
        let fits = Bytes::from(vec![7; LETTER_BYTES_MAX - 12]);
        assert_eq!((kept(&fits, Some(&key), &mut headers), headers.len()), (fits, 1));
        let larger = Bytes::from(vec![7; LETTER_BYTES_MAX - 11]);
        assert_eq!(kept(&larger, Some(&key), &mut headers), larger.slice(..TRUNCATED_BYTES));
        assert_eq!(headers[1], (Cow::Borrowed("dlq.truncated"), larger.len().to_string().into()));
    }
}
