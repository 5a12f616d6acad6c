//! Records of every topic that the sink reads, as what they say.

use std::sync::Arc;

use crate::flow::{Record, Stage, Verdict, compute};
use crate::model::{Analysis, ArticleBatch, Signal};
use crate::wire::headers::DeadLetter;
use crate::wire::{self, Codec, Undecoded, Unread};

/// What a record says.
#[derive(Debug)]
pub enum Fact {
    /// Articles and their session.
    Batch(Box<ArticleBatch>),
    /// One attempt at an article.
    Analysis(Box<Analysis>),
    /// A signal.
    Signal(Box<Signal>),
    /// A record that could not be processed; it is kept as it is.
    DeadLetter(Box<Letter>),
}

/// A record of a `.dlq` topic.
#[derive(Debug)]
pub struct Letter {
    /// The record: key, value and headers are the original's.
    pub record: Arc<Record>,
    /// Why it is there; `None` where somebody else wrote it.
    pub added: Option<DeadLetter>,
}

/// Readers of the topics, with the names that the topics have here.
#[derive(Debug)]
pub struct Codecs {
    /// `articles.batches`.
    pub batches: (String, Codec<ArticleBatch>),
    /// `articles.analyses`.
    pub analyses: (String, Codec<Analysis>),
    /// `signals`.
    pub signals: (String, Codec<Signal>),
}

/// Reads records of all topics.
#[derive(Debug)]
pub struct Facts(Codecs);

impl Facts {
    /// A stage that tells topics apart by these names; every other topic holds dead letters.
    #[must_use]
    pub fn new(codecs: Codecs) -> Self {
        Self(codecs)
    }

    fn read(&self, record: &Arc<Record>) -> Result<Fact, Undecoded> {
        let value = record.value.as_deref().unwrap_or_default();
        let Codecs { batches, analyses, signals } = &self.0;
        if *record.topic == *batches.0 {
            Ok(Fact::Batch(Box::new(batches.1.decode(value)?)))
        } else if *record.topic == *analyses.0 {
            Ok(Fact::Analysis(Box::new(analyses.1.decode(value)?)))
        } else if *record.topic == *signals.0 {
            Ok(Fact::Signal(Box::new(signals.1.decode(value)?)))
        } else {
            let added = DeadLetter::read(&record.headers);
            Ok(Fact::DeadLetter(Box::new(Letter { record: Arc::clone(record), added })))
        }
    }

    /// As [`Facts::read`], after asking the registry for a schema that is met for the first time.
    async fn read_after_asking(&self, record: &Arc<Record>) -> Result<Fact, Unread> {
        async fn ask<T: wire::Record>(codec: &Codec<T>, value: &[u8]) -> Result<Box<T>, Unread> {
            Ok(Box::new(codec.read(value).await?))
        }
        let value = record.value.as_deref().unwrap_or_default();
        let Codecs { batches, analyses, signals } = &self.0;
        if *record.topic == *batches.0 {
            ask(&batches.1, value).await.map(Fact::Batch)
        } else if *record.topic == *analyses.0 {
            ask(&analyses.1, value).await.map(Fact::Analysis)
        } else {
            ask(&signals.1, value).await.map(Fact::Signal)
        }
    }
}

impl Stage for Facts {
    type In = Arc<Record>;
    type Out = Fact;

    fn name(&self) -> &'static str {
        "sink/decode"
    }

    async fn apply(self: Arc<Self>, records: Vec<Arc<Record>>) -> anyhow::Result<Vec<Verdict<Fact>>> {
        let stage = Arc::clone(&self);
        let read = compute(move || {
            let read = |record| (stage.read(&record), record);
            records.into_iter().map(read).collect::<Vec<_>>()
        })
        .await?;
        let mut verdicts = Vec::with_capacity(read.len());
        for (fact, record) in read {
            verdicts.push(match fact {
                Ok(fact) => Verdict::Keep(fact),
                Err(Undecoded::Refused(refusal)) => Verdict::Reject(refusal.reason.as_str(), refusal.error),
                Err(Undecoded::NeedsSchema(_)) => match self.read_after_asking(&record).await {
                    Ok(fact) => Verdict::Keep(fact),
                    Err(Unread::Refused(refusal)) => Verdict::Reject(refusal.reason.as_str(), refusal.error),
                    Err(Unread::Registry(error)) => return Err(error.into()),
                },
            });
        }
        Ok(verdicts)
    }
}
