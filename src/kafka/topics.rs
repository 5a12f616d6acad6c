//! The one table of topics.

use std::time::Duration;

/// Records above `limits.record_bytes_max` must arrive, so that they can be rejected with their bytes.
const MESSAGE_BYTES_MAX: u64 = 32 << 20;
const DAY: Duration = Duration::from_hours(24);
/// How long a segment of a compacted topic is written to.
const SEGMENT_AGE_MAX: Duration = Duration::from_hours(1);

/// One topic as it should be.
#[derive(Debug, Clone, Copy)]
pub struct Topic {
    /// Without the prefix.
    pub name: &'static str,
    /// `input`, `internal` or `dead letters`.
    pub role: &'static str,
    /// What records are keyed by.
    pub key: &'static str,
    /// What its values are.
    pub value: &'static str,
    /// How long records are kept; `None`: the newest of each key for ever.
    pub retention: Option<Duration>,
    /// `delete`, `compact` (the newest of each key stays), or both: what becomes of old records.
    pub cleanup: &'static str,
    /// The largest record batch.
    pub message_bytes_max: u64,
    /// The topic whose partitions own those of this one: whoever holds a partition of it is the only one who writes
    /// the same partition here, so that both must have as many.
    pub owner: Option<&'static str>,
}

impl Topic {
    const fn new(name: &'static str, role: &'static str, key: &'static str, value: &'static str, days: u32) -> Self {
        Self {
            name,
            role,
            key,
            value,
            retention: Some(Duration::from_secs(DAY.as_secs() * days as u64)),
            cleanup: "delete",
            message_bytes_max: MESSAGE_BYTES_MAX,
            owner: None,
        }
    }

    const fn compacted(name: &'static str, role: &'static str, key: &'static str, value: &'static str) -> Self {
        Self { cleanup: "compact", retention: None, ..Self::new(name, role, key, value, 0) }
    }

    /// Of each key the newest, and no longer than so many days.
    const fn newest(name: &'static str, role: &'static str, key: &'static str, value: &'static str, days: u32) -> Self {
        Self { cleanup: "compact,delete", ..Self::new(name, role, key, value, days) }
    }

    const fn owned_by(self, owner: &'static str) -> Self {
        Self { owner: Some(owner), ..self }
    }

    /// What it is created with, beside partitions and replication.
    #[must_use]
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let retention = self.retention.map_or_else(|| "-1".to_owned(), |retention| retention.as_millis().to_string());
        let mut settings = vec![
            ("cleanup.policy", self.cleanup.to_owned()),
            ("retention.ms", retention),
            ("max.message.bytes", self.message_bytes_max.to_string()),
            // The producer's codec is kept: a broker that compressed again would pay for every record.
            ("compression.type", "producer".to_owned()),
        ];
        if self.cleanup != "delete" {
            // The newest segment is never compacted, and the whole topic is read back whenever a partition moves.
            settings.push(("segment.ms", SEGMENT_AGE_MAX.as_millis().to_string()));
            settings.push(("min.cleanable.dirty.ratio", "0.1".to_owned()));
        }
        settings
    }
}

/// Raw articles, from producers.
pub const ARTICLES_RAW: &str = "articles.raw";
/// Windows of articles that are analysed together.
pub const ARTICLES_BATCHES: &str = "articles.batches";
/// One attempt at one article.
pub const ARTICLES_ANALYSES: &str = "articles.analyses";
/// Candle files, from producers.
pub const MARKET_FILES: &str = "market.files";
/// Series whose context is fetched together.
pub const MARKET_BATCHES: &str = "market.batches";
/// Charts with their context.
pub const MARKET_CONTEXTS: &str = "market.contexts";
/// What derivatives markets said, as it was learned.
pub const MARKET_SERIES: &str = "market.series";
/// Charts that wait for a fresher context, and what was used of the quota.
pub const MARKET_PENDING: &str = "market.pending";
/// Scored signals.
pub const SIGNALS: &str = "signals";
/// Articles that wait: for a budget, for another attempt, or for somebody's help.
pub const ARTICLES_DEFERRED: &str = "articles.deferred";
/// Holds, their ends, and paid answers.
pub const SPEND_LEDGER: &str = "spend.ledger";
/// Analyses that somebody asks for.
pub const ANALYSIS_JOBS: &str = "analysis.jobs";
/// How they stand, and what became of them.
pub const ANALYSIS_EVENTS: &str = "analysis.events";
/// Those that are not wanted any more.
pub const ANALYSIS_CANCELLATIONS: &str = "analysis.cancellations";
/// How the workers are that make them.
pub const ANALYSIS_WORKERS: &str = "analysis.workers";
/// What their summaries have cost: a ledger as [`SPEND_LEDGER`].
pub const ANALYSIS_LEDGER: &str = "analysis.ledger";
/// Behind a topic's name: what could not be processed of it.
pub const DLQ_SUFFIX: &str = ".dlq";

/// Every topic, in the order of the data's way.
pub const TOPICS: &[Topic] = &[
    Topic::new(ARTICLES_RAW, "input", "any, or none", "article: JSON, or Avro", 7),
    Topic::new(ARTICLES_BATCHES, "internal", "budget account", "ArticleBatch (Avro)", 7),
    Topic::new(ARTICLES_ANALYSES, "internal", "article id", "Analysis (Avro)", 30),
    Topic::new(MARKET_FILES, "input", "any, or none", "candles: JSON, CSV, or Avro", 7),
    Topic::new(MARKET_BATCHES, "internal", "quota account", "MarketBatch (Avro)", 7),
    Topic::new(MARKET_CONTEXTS, "internal", "exchange:symbol:interval", "ChartInContext (Avro)", 30),
    // Until the sink has it, it is read back from here by whoever owns the quota.
    Topic::new(MARKET_SERIES, "internal", "quota account", "Learned (Avro)", 30).owned_by(MARKET_BATCHES),
    Topic::compacted(MARKET_PENDING, "internal", "chart or key", "Pending (Avro), or none").owned_by(MARKET_BATCHES),
    Topic::new(SIGNALS, "internal", "subject", "Signal (Avro)", 30),
    Topic::compacted(ARTICLES_DEFERRED, "internal", "article and batch", "Deferral (Avro), or none")
        .owned_by(ARTICLES_BATCHES),
    // Longer than any month or session: what was spent in one must not be forgotten before it is over.
    Topic::new(SPEND_LEDGER, "internal", "budget account", "LedgerEntry (Avro)", 400).owned_by(ARTICLES_BATCHES),
    Topic::new(ANALYSIS_JOBS, "input", "analysis id, or none", "Job: JSON, or Avro", 7),
    Topic::new(ANALYSIS_EVENTS, "internal", "analysis id", "JobEvent (Avro)", 7),
    Topic::new(ANALYSIS_CANCELLATIONS, "internal", "analysis id", "Cancellation (Avro)", 7),
    Topic::newest(ANALYSIS_WORKERS, "internal", "worker", "WorkerReport (Avro)", 7),
    Topic::new(ANALYSIS_LEDGER, "internal", "budget account", "LedgerEntry (Avro)", 400).owned_by(ANALYSIS_JOBS),
    Topic::new("articles.raw.dlq", "dead letters", "as it was", "as it was", 30),
    Topic::new("articles.batches.dlq", "dead letters", "as it was", "as it was", 30),
    Topic::new("articles.analyses.dlq", "dead letters", "as it was", "as it was", 30),
    Topic::new("market.files.dlq", "dead letters", "as it was", "as it was", 30),
    Topic::new("market.batches.dlq", "dead letters", "as it was", "as it was", 30),
    Topic::new("market.contexts.dlq", "dead letters", "as it was", "as it was", 30),
    Topic::new("market.series.dlq", "dead letters", "as it was", "as it was", 30),
    Topic::new("signals.dlq", "dead letters", "as it was", "as it was", 30),
    Topic::new("spend.ledger.dlq", "dead letters", "as it was", "as it was", 30),
    Topic::new("analysis.jobs.dlq", "dead letters", "as it was", "as it was", 30),
    Topic::new("analysis.events.dlq", "dead letters", "as it was", "as it was", 30),
    Topic::new("analysis.ledger.dlq", "dead letters", "as it was", "as it was", 30),
];
