//! What the API asks of the tables: typed questions, their values bound, their time limited, a page at a time.
//!
//! ```text
//! filter + key of the last row ──► Question ──► rows, at most as many as asked for
//! ```
//! # Why pages go by keys
//! A page begins behind the last row of the one before it, in an order that no two rows share a place in. So rows that
//! come in while somebody turns pages move none of the others, and the hundredth page costs what the first does.
//!
//! # Why not always a view
//! The views read `FINAL`, which merges the versions of every row that it looks at. Where a narrow range of the sort
//! key is asked for (one series, one article, one session) that is cheap, and `FINAL` is what is used. Where the newest
//! rows of a large table are asked for, a short stretch of time is looked through first, a longer one only where that
//! does not fill the page (`Looks`); and what an aggregate can pick by itself (`argMax`) reads the table.

mod article;
mod articles;
mod candles;
mod contexts;
mod evaluation;
mod feed;
mod instruments;
mod jobs;
mod looks;
mod publishers;
mod question;
mod ready;
mod sessions;
mod shown;
mod signals;

pub use article::{AnalysisState, AttemptState, SpendState, StoredArticle};
pub use articles::{ArticleFilter, ArticleKey, ArticleLine, ArticleStatus};
pub use candles::{CandleBar, CandleRange, Spark};
pub use contexts::ContextState;
pub use evaluation::{BarLine, SaidFilter, SaidSignal, SaidSignals, TradedSeries};
pub use feed::Stamp;
pub use instruments::{InstrumentFilter, InstrumentKey, InstrumentState};
pub use jobs::{JOBS_MAX, Picture, WhichJobs};
pub use publishers::PublisherState;
pub use ready::{ReadyArticle, ReadyFilter, ReadyKey};
pub use sessions::{SessionKey, SessionSpend};
pub use signals::{SignalFilter, SignalKey, StoredSignal};

use serde::Serializer;

use crate::model::{ARTICLE_ID_BYTES_MAX, Timestamp};

/// Most rows of a page.
pub const PAGE_ROWS_MAX: u64 = 500;

/// The longest id of an article in a list, in bytes: twice what is taken ([`ARTICLE_ID_BYTES_MAX`]). Earlier versions took
/// longer ones, too; a page of those is no question that a server reads, and none of them fits into a cursor.
const LISTED_ID_BYTES_MAX: u64 = 2 * ARTICLE_ID_BYTES_MAX as u64;

/// 1900-01-01 and 2299-12-31 in epoch milliseconds: what a `DateTime64` column can be compared with.
const MOMENTS: std::ops::RangeInclusive<i64> = -2_208_988_800_000..=10_413_791_999_999;

/// A time as a question may name it.
pub(super) fn moment_of(time: Timestamp) -> i64 {
    time.0.clamp(*MOMENTS.start(), *MOMENTS.end())
}

/// RFC 3339.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
pub(super) fn moment<S: Serializer>(millis: &i64, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&Timestamp(*millis))
}

/// RFC 3339, or null.
#[expect(clippy::ref_option, reason = "serde's signature")]
pub(super) fn moment_or_null<S: Serializer>(millis: &Option<i64>, to: S) -> Result<S::Ok, S::Error> {
    match millis {
        Some(millis) => moment(millis, to),
        None => to.serialize_none(),
    }
}

/// Each as RFC 3339, or null.
#[expect(clippy::ptr_arg, reason = "serde's signature")]
fn moments<S: Serializer>(all: &Vec<Option<i64>>, to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(all.iter().map(|millis| millis.map(|millis| Timestamp(millis).to_string())))
}

/// Dollars, or null.
#[expect(clippy::ref_option, reason = "serde's signature")]
fn dollars_or_null<S: Serializer>(nanos: &Option<i64>, to: S) -> Result<S::Ok, S::Error> {
    match nanos {
        Some(nanos) => super::dollars(nanos, to),
        None => to.serialize_none(),
    }
}
