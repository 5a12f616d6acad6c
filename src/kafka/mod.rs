//! The ends of a hop at Kafka: reading in a group, writing in transactions, and the topics themselves.
//! `rdkafka` is named here and in `embedded/` only.

mod admin;
mod assignment;
mod backlog;
mod batches;
mod behind;
mod chunk;
mod client;
mod follow;
mod group;
mod lag;
mod message;
mod orphans;
mod owned;
mod poll;
mod post;
mod produce;
mod range;
mod recent;
mod sink;
mod span;
mod tail;
mod topics;
mod transaction;
mod waiting;

pub use admin::{Found, check_owners, delete, ensure, has_members, partitions};
pub use backlog::{Backlog, Queued};
pub use batches::{Addressed, AskedBatches};
pub use behind::Behind;
pub use client::group_name;
pub use follow::Following;
pub use group::Group;
pub use owned::PerAssignment;
pub use poll::{Reading, Settings, Source, subscribe};
pub use post::Post;
pub use produce::{Arrival, Numbered, Producer};
pub use range::{Partition, Stored, committed_by};
pub use recent::{Heard, Recent, Since};
pub use sink::{KafkaSink, dead_letter};
pub use span::{Look, Segment, Span, SpanReading, read_span};
pub use tail::{Start, Tail};
pub use topics::{
    ANALYSIS_CANCELLATIONS, ANALYSIS_EVENTS, ANALYSIS_JOBS, ANALYSIS_LEDGER, ANALYSIS_WORKERS, ARTICLES_ANALYSES,
    ARTICLES_BATCHES, ARTICLES_DEFERRED, ARTICLES_RAW, DLQ_SUFFIX, MARKET_BATCHES, MARKET_CONTEXTS, MARKET_FILES,
    MARKET_PENDING, MARKET_SERIES, SIGNALS, SPEND_LEDGER, TOPICS, Topic,
};
pub use transaction::{Committing, Place, Transactions, worker_id};
pub use waiting::{Waiting, waiting};
