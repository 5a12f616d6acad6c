//! The first and the last stage of most hops: bytes to a type, and types to the records that are written.

use std::sync::Arc;

use bytes::Bytes;

use super::record::Record;
use super::stage::{Stage, Verdict, compute};
use crate::model::{Analysis, ArticleBatch, Signal};
use crate::wire::headers::{self, Headers};
use crate::wire::{self, Codec, Undecoded, Unread};

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

    fn decode(&self, record: &Arc<Record>) -> Result<Verdict<O>, Undecoded> {
        let Some(value) = &record.value else { return Ok(Verdict::Drop("tombstone")) };
        match self.codec.decode(value) {
            Ok(decoded) => Ok(Verdict::Keep((self.make)(decoded, record))),
            Err(Undecoded::Refused(refusal)) => Ok(Verdict::Reject(refusal.reason.as_str(), refusal.error)),
            Err(needs @ Undecoded::NeedsSchema(_)) => Err(needs),
        }
    }
}

impl<T: wire::Record, O: Send + 'static> Stage for Decode<T, O> {
    type In = Arc<Record>;
    type Out = O;

    fn name(&self) -> &'static str {
        self.name
    }

    async fn apply(self: Arc<Self>, records: Vec<Arc<Record>>) -> anyhow::Result<Vec<Verdict<O>>> {
        let stage = Arc::clone(&self);
        let decoded = compute(move || {
            let judge = |record| (stage.decode(&record), record);
            records.into_iter().map(judge).collect::<Vec<_>>()
        })
        .await?;
        let mut verdicts = Vec::with_capacity(decoded.len());
        for (verdict, record) in decoded {
            verdicts.push(match (verdict, &record.value) {
                (Ok(verdict), _) => verdict,
                (Err(_), None) => Verdict::Drop("tombstone"),
                // A schema id that is met for the first time: once a process and schema.
                (Err(_), Some(value)) => match self.codec.read(value).await {
                    Ok(decoded) => Verdict::Keep((self.make)(decoded, &record)),
                    Err(Unread::Refused(refusal)) => Verdict::Reject(refusal.reason.as_str(), refusal.error),
                    Err(Unread::Registry(error)) => return Err(error.into()),
                },
            });
        }
        Ok(verdicts)
    }
}

/// A record to be written.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// The topic, with its prefix.
    pub topic: Arc<str>,
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

impl Keyed for Signal {
    fn key(&self) -> &str {
        &self.subject
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
        let mut written = Vec::with_capacity(records.len());
        for record in &records {
            let mut value = Vec::new();
            if let Err(error) = self.codec.encode(record, &mut value) {
                return Verdict::Reject("unwritable", error.to_string());
            }
            written.push(Outgoing {
                topic: Arc::clone(&self.topic),
                key: Some(Bytes::copy_from_slice(record.key().as_bytes())),
                value: Some(value.into()),
                headers: vec![(headers::ORIGIN.into(), Bytes::copy_from_slice(record.origin().as_bytes()))],
            });
        }
        Verdict::Keep(written)
    }
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
