//! Records of every topic that the sink reads, as what they say.

use std::sync::Arc;

use crate::flow::{Reader, Record, Stage, Verdict, read_all};
use crate::model::{Analysis, ArticleBatch, ChartInContext, Learned, LedgerEntry, MarketBatch, Signal};
use crate::wire::headers::DeadLetter;
use crate::wire::{Codec, SchemaId, Undecoded, registry};

/// What a record says.
#[derive(Debug)]
pub enum Fact {
    /// Articles and their session.
    Batch(Box<ArticleBatch>),
    /// One attempt at an article.
    Analysis(Box<Analysis>),
    /// Series of markets.
    Market(Box<MarketBatch>),
    /// A chart, and what derivatives said.
    Context(Box<ChartInContext>),
    /// What derivatives markets said.
    Learned(Box<Learned>),
    /// A signal.
    Signal(Box<Signal>),
    /// A hold's new state, or the answer that it bought.
    Ledger(Box<LedgerEntry>),
    /// A record that could not be processed; it is kept as it is.
    DeadLetter(Box<Letter>),
}

impl Fact {
    /// What the intervals of its series are called.
    #[must_use]
    pub fn intervals(&self) -> Vec<String> {
        match self {
            Self::Market(batch) => batch.series.iter().map(|charted| charted.series.interval.to_string()).collect(),
            Self::Learned(learned) => learned.series.iter().map(|series| series.interval.to_string()).collect(),
            _ => Vec::new(),
        }
    }
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
    /// `market.batches`.
    pub market: (String, Codec<MarketBatch>),
    /// `market.contexts`.
    pub contexts: (String, Codec<ChartInContext>),
    /// `market.series`.
    pub learned: (String, Codec<Learned>),
    /// `signals`.
    pub signals: (String, Codec<Signal>),
    /// `spend.ledger` and `analysis.ledger`.
    pub ledgers: ([String; 2], Codec<LedgerEntry>),
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
}

impl Reader for Facts {
    type Out = Fact;

    fn read(&self, record: &Arc<Record>) -> Result<Verdict<Fact>, Undecoded> {
        let value = record.value.as_deref().unwrap_or_default();
        let Codecs { batches, analyses, market, contexts, learned, signals, ledgers } = &self.0;
        let fact = if *record.topic == *batches.0 {
            Fact::Batch(Box::new(batches.1.decode(value)?))
        } else if *record.topic == *analyses.0 {
            Fact::Analysis(Box::new(analyses.1.decode(value)?))
        } else if *record.topic == *market.0 {
            Fact::Market(Box::new(market.1.decode(value)?))
        } else if *record.topic == *contexts.0 {
            Fact::Context(Box::new(contexts.1.decode(value)?))
        } else if *record.topic == *learned.0 {
            Fact::Learned(Box::new(learned.1.decode(value)?))
        } else if *record.topic == *signals.0 {
            Fact::Signal(Box::new(signals.1.decode(value)?))
        } else if ledgers.0.iter().any(|name| *name == *record.topic) {
            Fact::Ledger(Box::new(ledgers.1.decode(value)?))
        } else {
            let added = DeadLetter::read(&record.headers);
            Fact::DeadLetter(Box::new(Letter { record: Arc::clone(record), added }))
        };
        Ok(Verdict::Keep(fact))
    }

    async fn learn(&self, record: &Record, id: SchemaId) -> Result<(), registry::Error> {
        let Codecs { batches, analyses, market, contexts, learned, signals, ledgers } = &self.0;
        if *record.topic == *batches.0 {
            batches.1.learn(id).await
        } else if *record.topic == *analyses.0 {
            analyses.1.learn(id).await
        } else if *record.topic == *market.0 {
            market.1.learn(id).await
        } else if *record.topic == *contexts.0 {
            contexts.1.learn(id).await
        } else if *record.topic == *learned.0 {
            learned.1.learn(id).await
        } else if *record.topic == *signals.0 {
            signals.1.learn(id).await
        } else {
            ledgers.1.learn(id).await
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
        read_all(self, records).await
    }
}
