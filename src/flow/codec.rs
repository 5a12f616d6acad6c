//! The first and the last stage of most hops: bytes to a type, and types to the records that are written.

use std::sync::Arc;

use bytes::Bytes;

use super::record::Record;
use super::stage::{Stage, Verdict, compute};
use crate::model::{Analysis, ArticleBatch, ChartInContext, JobEvent, MarketBatch, Signal};
use crate::wire::headers::{self, Headers};
use crate::wire::{self, Codec, SchemaId, Undecoded, registry};

/// Reads records as `T` and makes of each what the hop works on.
#[derive(Debug)]
pub struct Decode<T: wire::Record, O> {
    name: &'static str,
    codec: Codec<T>,
    make: fn(T, &Arc<Record>) -> O,
}

impl<T: wire::Record, O> Decode<T, O> {
    /// A stage named `name`.
    #[must_use]
    pub fn new(name: &'static str, codec: Codec<T>, make: fn(T, &Arc<Record>) -> O) -> Self {
        Self { name, codec, make }
    }
}

impl<T: wire::Record, O: Send + 'static> Stage for Decode<T, O> {
    type In = Arc<Record>;
    type Out = O;

    fn name(&self) -> &'static str {
        self.name
    }

    async fn apply(self: Arc<Self>, records: Vec<Arc<Record>>) -> anyhow::Result<Vec<Verdict<O>>> {
        read_all(self, records).await
    }
}

impl<T: wire::Record, O: Send + 'static> Reader for Decode<T, O> {
    type Out = O;

    fn read(&self, record: &Arc<Record>) -> Result<Verdict<O>, Undecoded> {
        let Some(value) = &record.value else { return Ok(Verdict::Drop("tombstone")) };
        Ok(Verdict::Keep((self.make)(self.codec.decode(value)?, record)))
    }

    async fn learn(&self, _record: &Record, id: SchemaId) -> Result<(), registry::Error> {
        self.codec.learn(id).await
    }
}

/// Reads records, and can learn schemas that it does not know yet.
pub trait Reader: Send + Sync + 'static {
    /// What a record becomes.
    type Out: Send + 'static;

    /// What becomes of `record`, by the schemas known now.
    ///
    /// # Errors
    /// As [`Codec::decode`].
    fn read(&self, record: &Arc<Record>) -> Result<Verdict<Self::Out>, Undecoded>;

    /// As [`Codec::learn`], for the topic of `record`.
    fn learn(&self, record: &Record, id: SchemaId) -> impl Future<Output = Result<(), registry::Error>> + Send;
}

/// Judges records by reading them. A schema id that is met for the first time is asked for, once a process and schema.
///
/// # Errors
/// When the registry does not answer: nothing is dead-lettered for that.
pub async fn read_all<R: Reader>(reader: Arc<R>, records: Vec<Arc<Record>>) -> anyhow::Result<Vec<Verdict<R::Out>>> {
    let first = Arc::clone(&reader);
    let read = compute(move || {
        let read = |record| (first.read(&record), record);
        records.into_iter().map(read).collect::<Vec<_>>()
    })
    .await?;
    let mut verdicts = Vec::with_capacity(read.len());
    for (mut verdict, record) in read {
        if let Err(Undecoded::NeedsSchema(id)) = verdict {
            reader.learn(&record, id).await?;
            verdict = reader.read(&record);
        }
        verdicts.push(match verdict {
            Ok(verdict) => verdict,
            Err(Undecoded::Refused(refusal)) => Verdict::Reject(refusal.reason.as_str(), refusal.error),
            // Forgotten since it was learned: only where hundreds of ids are in use at once.
            Err(needs @ Undecoded::NeedsSchema(_)) => return Err(needs.into()),
        });
    }
    Ok(verdicts)
}

/// A record to be written.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// The topic, with its prefix.
    pub topic: Arc<str>,
    /// The partition; where there is none, the key decides.
    pub partition: Option<i32>,
    /// Its key.
    pub key: Option<Bytes>,
    /// Its value.
    pub value: Option<Bytes>,
    /// Its headers, in order.
    pub headers: Headers,
}

/// A type that is written under a key.
pub trait Keyed: wire::Record {
    /// What decides its partition.
    fn key(&self) -> &str;
    /// The raw record that it goes back to; the first of them where there are many.
    fn origin(&self) -> &str;
}

impl Keyed for ArticleBatch {
    fn key(&self) -> &str {
        &self.account
    }

    fn origin(&self) -> &str {
        self.articles.first().or(self.screened.first()).map_or("", |article| &article.origin)
    }
}

impl Keyed for Analysis {
    fn key(&self) -> &str {
        &self.article_id
    }

    fn origin(&self) -> &str {
        &self.origin
    }
}

impl Keyed for MarketBatch {
    fn key(&self) -> &str {
        &self.account
    }

    fn origin(&self) -> &str {
        self.series.first().map_or("", |charted| &charted.origin)
    }
}

impl Keyed for ChartInContext {
    fn key(&self) -> &str {
        &self.source_id
    }

    fn origin(&self) -> &str {
        &self.origin
    }
}

impl Keyed for Signal {
    fn key(&self) -> &str {
        &self.subject
    }

    fn origin(&self) -> &str {
        &self.origin
    }
}

impl Keyed for JobEvent {
    fn key(&self) -> &str {
        &self.analysis_id
    }

    fn origin(&self) -> &str {
        &self.origin
    }
}

/// Writes what the hop made as records of one topic.
#[derive(Debug)]
pub struct Encode<I, T: wire::Record> {
    name: &'static str,
    codec: Codec<T>,
    topic: Arc<str>,
    split: fn(I) -> Vec<T>,
}

impl<I, T: Keyed> Encode<I, T> {
    /// A stage named `name` that writes to `topic` (with its prefix).
    #[must_use]
    pub fn new(name: &'static str, codec: Codec<T>, topic: &str, split: fn(I) -> Vec<T>) -> Self {
        Self { name, codec, topic: topic.into(), split }
    }

    fn encode(&self, item: I) -> Verdict<Vec<Outgoing>> {
        let records = (self.split)(item);
        match records.iter().map(|record| written(&self.codec, &self.topic, record)).collect() {
            Ok(written) => Verdict::Keep(written),
            Err(error) => Verdict::Reject("unwritable", error.to_string()),
        }
    }
}

/// `record` as it is written to `topic` (with its prefix).
///
/// # Errors
/// It does not fit its schema.
pub fn written<T: Keyed>(codec: &Codec<T>, topic: &Arc<str>, record: &T) -> Result<Outgoing, wire::Unwritable> {
    let mut value = Vec::new();
    codec.encode(record, &mut value)?;
    Ok(Outgoing {
        topic: Arc::clone(topic),
        partition: None,
        key: Some(Bytes::copy_from_slice(record.key().as_bytes())),
        value: Some(value.into()),
        headers: vec![(headers::ORIGIN.into(), Bytes::copy_from_slice(record.origin().as_bytes()))],
    })
}

impl<I: Send + 'static, T: Keyed> Stage for Encode<I, T> {
    type In = I;
    type Out = Vec<Outgoing>;

    fn name(&self) -> &'static str {
        self.name
    }

    async fn apply(self: Arc<Self>, items: Vec<I>) -> anyhow::Result<Vec<Verdict<Vec<Outgoing>>>> {
        compute(move || items.into_iter().map(|item| self.encode(item)).collect()).await
    }
}
