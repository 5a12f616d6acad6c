//! Records of every topic that the sink reads, as what they say.

use std::sync::Arc;

use crate::flow::{Reader, Record, Stage, Verdict, read_all};
use crate::model::{Analysis, ArticleBatch, ChartInContext, Job, JobEvent, Learned, LedgerEntry, MarketBatch, Signal};
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
    /// An analysis that somebody asks for.
    Job(Box<Asked>),
    /// How such an analysis stands.
    JobEvent(Box<JobEvent>),
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

/// A job, without its candles.
#[derive(Debug)]
pub struct Asked {
    /// As everybody understands it who reads its record.
    pub job: Job,
    /// Where its record is.
    pub origin: String,
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
    /// `spend.ledger`.
    pub ledger: (String, Codec<LedgerEntry>),
    /// `analysis.jobs`.
    pub jobs: (String, Codec<Job>),
    /// `analysis.events`.
    pub events: (String, Codec<JobEvent>),
    /// `analysis.ledger`.
    pub analysis_ledger: (String, Codec<LedgerEntry>),
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

impl Facts {
    /// A job as it is asked for. What cannot be read is told by the hop that makes analyses.
    fn job(&self, record: &Record, value: &[u8]) -> Result<Verdict<Fact>, Undecoded> {
        if record.value.is_none() {
            return Ok(Verdict::Drop("tombstone"));
        }
        let job = match self.0.jobs.1.decode(value) {
            Ok(job) => job,
            Err(Undecoded::Refused(_)) => return Ok(Verdict::Drop("unreadable")),
            Err(needs @ Undecoded::NeedsSchema(_)) => return Err(needs),
        };
        let origin = record.origin().to_string();
        let job = Job { candles: Vec::new(), ..job }.received(&origin, record.timestamp);
        Ok(Verdict::Keep(Fact::Job(Box::new(Asked { job, origin }))))
    }
}

impl Reader for Facts {
    type Out = Fact;

    fn read(&self, record: &Arc<Record>) -> Result<Verdict<Fact>, Undecoded> {
        let value = record.value.as_deref().unwrap_or_default();
        let Codecs { batches, analyses, market, contexts, learned, signals, ledger, jobs, events, analysis_ledger } =
            &self.0;
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
        } else if *record.topic == *ledger.0 {
            Fact::Ledger(Box::new(ledger.1.decode(value)?))
        } else if *record.topic == *analysis_ledger.0 {
            Fact::Ledger(Box::new(analysis_ledger.1.decode(value)?))
        } else if *record.topic == *events.0 {
            Fact::JobEvent(Box::new(events.1.decode(value)?))
        } else if *record.topic == *jobs.0 {
            return self.job(record, value);
        } else {
            let added = DeadLetter::read(&record.headers);
            Fact::DeadLetter(Box::new(Letter { record: Arc::clone(record), added }))
        };
        Ok(Verdict::Keep(fact))
    }

    async fn learn(&self, record: &Record, id: SchemaId) -> Result<(), registry::Error> {
        let Codecs { batches, analyses, market, contexts, learned, signals, ledger, jobs, events, analysis_ledger } =
            &self.0;
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
        } else if *record.topic == *jobs.0 {
            jobs.1.learn(id).await
        } else if *record.topic == *events.0 {
            events.1.learn(id).await
        } else if *record.topic == *analysis_ledger.0 {
            analysis_ledger.1.learn(id).await
        } else {
            ledger.1.learn(id).await
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
