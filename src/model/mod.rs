//! Nouns: what crosses a border between two hops, and the units it is measured in.
//!
//! Every type here that travels over Kafka has an Avro schema of the same field names in `schemas/avro/`.
//! Nothing here knows a vendor, a clock or a setting.

mod analysis;
mod article;
mod deferral;
mod id;
mod job;
mod market;
mod money;
mod session;
mod signal;
mod spend;
mod time;
mod timeframe;
mod vocabulary;

pub use analysis::{Analysis, Outcome, Reading};
pub use article::{ARTICLE_ID_BYTES_MAX, Article, ArticleBatch, CloseReason, RawArticle, Screen, publisher_rank};
pub use deferral::{Deferral, WaitsFor};
pub use id::{Id, identity};
pub use job::{
    BreakerState, Cancellation, Charts, ID_CHARS_MAX, Job, JobEvent, JobStatus, JobStep, USER_LOCAL, WorkerReport,
};
pub use market::{
    Candle, Chart, ChartInContext, ChartedSeries, EXCHANGE_UNKNOWN, Indicators, Instrument, Interval, KeyUsage,
    Learned, LearnedSeries, Level, MARKET_ACCOUNT, MarketBatch, MarketContext, Pattern, Pending, Point, Series,
    SeriesBucket, Side, Strategy, Trendline, UsedUnits, WaitingChart,
};
pub use money::NanoUsd;
pub use session::{Cadence, SessionCommand, own_limit, own_session_id, own_session_prefix, session_limit};
pub use signal::{OiStatus, Signal, SignalKind};
pub use spend::{AccountTotals, Answer, Budget, Decision, LedgerEntry, PeriodTotal, Snapshot, Spend, SpendOutcome};
pub use time::{Timestamp, parse_date};
pub use timeframe::timeframe;
pub use vocabulary::{Direction, EventType, Horizon};

/// The run that live traffic belongs to; a replay has a run id of its own.
pub const LIVE_RUN: &str = "live";
