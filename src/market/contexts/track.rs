//! One history of one instrument as it is kept: closed buckets, and which stretch of time they cover.
//!
//! Invariants: buckets are strictly ascending, closed, and lie within the covered stretch, which has no hole; a bucket
//! once kept never changes. A stretch covered without a bucket means: nothing happened (liquidations), or nothing was
//! measured (the others).
//!
//! # When a bucket is closed
//! When its end and the time to settle ([`History::settling`]) had passed before the question was sent; and, of a
//! history that always has buckets, when a newer one was in the answer, since a service that lags must leave no hole.
//!
//! # Who is not known
//! A symbol that is left out of an answer has no data in the window that was asked for. About a dense history that means
//! the service does not know the symbol, unless it did before: then it is asked again later, from where it stood, and
//! given up once it has been silent for [`SILENCE_MAX`]. About liquidations it means that there were none, if the service
//! is known to know the symbol.

use std::time::Duration;

use super::{Bucket, FIRST_WINDOW, History, bucket_start};
use crate::model::{Interval, Timestamp};

/// A history that had nothing new for so long has ended.
pub const SILENCE_MAX: Duration = Duration::from_hours(24);
/// How long buckets are held; what is older tells about no present.
const HELD: Duration = Duration::from_hours(2 * 24);

/// A stretch of time, its end excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Start of its first bucket.
    pub from: Timestamp,
    /// Where the first bucket that is not in it begins.
    pub until: Timestamp,
}

/// A question, as far as its answer depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// Start of the first bucket.
    pub from: Timestamp,
    /// When it was sent.
    pub at: Timestamp,
    /// Of the buckets.
    pub interval: Interval,
}

/// What is to be asked about one history of one instrument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nothing is known: everything.
    Unknown,
    /// What came since.
    Known {
        /// Everything before is closed and kept.
        until: Timestamp,
        /// When it was asked last.
        asked_at: Timestamp,
    },
    /// The service does not know it.
    Absent {
        /// When it did not.
        asked_at: Timestamp,
    },
    /// Nothing: it is not offered, is being asked, or waits for another answer.
    Closed,
}

/// One history of one instrument.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Track {
    buckets: Vec<Bucket>,
    covered: Option<Span>,
    asked_at: Option<Timestamp>,
    absent: bool,
    /// Left out of an answer about this stretch.
    omitted: Option<Span>,
}

impl Track {
    /// As it was kept: buckets in any order, and the stretch that they cover. Buckets outside of it are left out.
    #[must_use]
    pub fn restore(mut buckets: Vec<Bucket>, covered: Span, asked_at: Timestamp) -> Self {
        buckets.retain(|bucket| (covered.from..covered.until).contains(&bucket.start));
        buckets.sort_by_key(|bucket| bucket.start);
        buckets.dedup_by_key(|bucket| bucket.start);
        Self { buckets, covered: Some(covered), asked_at: Some(asked_at), ..Self::default() }
    }

    /// As it was remembered that the service does not know it.
    #[must_use]
    pub fn absent(asked_at: Timestamp) -> Self {
        Self { asked_at: Some(asked_at), absent: true, ..Self::default() }
    }

    /// The closed buckets, ascending.
    #[must_use]
    pub fn buckets(&self) -> &[Bucket] {
        &self.buckets
    }

    /// Which stretch they cover.
    #[must_use]
    pub fn covered(&self) -> Option<Span> {
        self.covered
    }

    /// When it was asked last.
    #[must_use]
    pub fn asked_at(&self) -> Option<Timestamp> {
        self.asked_at
    }

    /// What is to be asked.
    #[must_use]
    pub fn state(&self) -> State {
        match (self.asked_at, self.covered) {
            (Some(asked_at), _) if self.absent => State::Absent { asked_at },
            (Some(asked_at), Some(covered)) => State::Known { until: covered.until, asked_at },
            _ => State::Unknown,
        }
    }

    /// Takes an answer. Gives the closed buckets that are new, to be kept for good.
    pub(super) fn answered(&mut self, history: History, asked: &Asked, buckets: &[Bucket]) -> Vec<Bucket> {
        self.is_asked(asked);
        let newest = buckets.last().map(|bucket| bucket.start);
        let settled = settled(history, asked);
        let until = if history.is_sparse() { Some(settled) } else { newest.map(|newest| settled.min(newest)) };
        let fresh = until.map_or_else(Vec::new, |until| self.cover(Span { from: asked.from, until }, buckets));
        let is_stale = newest.is_none_or(|newest| asked.at.since(newest) > SILENCE_MAX);
        self.absent = !history.is_sparse() && is_stale && self.is_silent(asked);
        fresh
    }

    /// Takes that the symbol was left out of an answer.
    pub(super) fn omitted(&mut self, history: History, asked: &Asked) {
        self.is_asked(asked);
        self.omitted = Some(Span { from: asked.from, until: settled(history, asked) });
        self.absent = self.is_silent(asked);
    }

    /// What was left out did not happen: the service knows the symbol.
    pub(super) fn nothing_happened(&mut self) {
        if let Some(span) = self.omitted.take() {
            self.cover(span, &[]);
            self.absent = false;
        }
    }

    fn is_asked(&mut self, asked: &Asked) {
        self.asked_at = self.asked_at.max(Some(asked.at));
        self.omitted = None;
    }

    /// Whether nothing was ever covered, or nothing new for a long time.
    fn is_silent(&self, asked: &Asked) -> bool {
        self.covered.is_none_or(|covered| asked.at.since(covered.until) > SILENCE_MAX)
    }

    /// Extends the covered stretch by `span`, or begins anew with it where there would be a hole between.
    fn cover(&mut self, span: Span, buckets: &[Bucket]) -> Vec<Bucket> {
        if span.until <= span.from {
            // A history that has only just begun: there is something, and nothing closed yet.
            self.covered.get_or_insert(Span { until: span.from, ..span });
            return Vec::new();
        }
        let joined = self.covered.filter(|covered| span.from <= covered.until && covered.from <= span.from);
        if joined.is_none() {
            self.buckets.clear();
        }
        let from = joined.map_or(span.from, |covered| covered.until);
        let fresh: Vec<Bucket> =
            buckets.iter().filter(|bucket| (from..span.until).contains(&bucket.start)).copied().collect();
        self.buckets.extend(&fresh);
        let until = joined.map_or(span.until, |covered| covered.until.max(span.until));
        let oldest = Timestamp(until.0.saturating_sub(i64::try_from(HELD.as_millis()).unwrap_or(i64::MAX)));
        let from = joined.map_or(span.from, |covered| covered.from).max(oldest);
        self.buckets.retain(|bucket| bucket.start >= from);
        self.covered = Some(Span { from, until });
        fresh
    }
}

/// Buckets that begin before are closed, by the time that passed.
fn settled(history: History, asked: &Asked) -> Timestamp {
    let settling = i64::try_from(history.settling(asked.interval).as_millis()).unwrap_or(i64::MAX);
    bucket_start(Timestamp(asked.at.0.saturating_sub(settling)), asked.interval)
}

/// Where a question about a history begins: behind what is kept, or a [`FIRST_WINDOW`] ago.
#[must_use]
pub fn first(state: State, interval: Interval, now: Timestamp) -> Timestamp {
    let ago = i64::try_from(FIRST_WINDOW.as_millis()).unwrap_or(i64::MAX);
    let earliest = bucket_start(Timestamp(now.0.saturating_sub(ago)), interval);
    match state {
        // Behind a longer silence, the day before now says more than its beginning.
        State::Known { until, .. } => until.max(earliest),
        _ => earliest,
    }
}
