//! Histories as they are written down and read back. Pure.
//!
//! What is written is what an answer added and how far everything is known by then, so that any prefix of the answers
//! gives the same history as the rows of the table do.

use std::sync::Arc;

use crate::clickhouse::StoredSeries;
use crate::market::contexts::{Bucket, History, INTERVAL, Known, Span, State, Track, Values};
use crate::model::{LearnedSeries, SeriesBucket, Timestamp};

/// What an answer has taught about a history: `fresh` buckets, and where `track` stands since.
pub(super) fn written(symbol: &Arc<str>, history: History, track: &Track, fresh: &[Bucket]) -> Option<LearnedSeries> {
    let covered = match track.state() {
        State::Known { .. } => track.covered(),
        _ => None,
    };
    let bucket = |bucket: &Bucket| SeriesBucket { start: bucket.start, values: bucket.values.to_vec() };
    Some(LearnedSeries {
        coinalyze_symbol: symbol.to_string(),
        series: history.as_str().to_owned(),
        interval: INTERVAL,
        covered_from: covered.map(|covered| covered.from),
        covered_until: covered.map(|covered| covered.until),
        asked_at: track.asked_at()?,
        buckets: fresh.iter().map(bucket).collect(),
    })
}

/// The histories of one symbol: what is stored, from `since` on, and what was learned that may not be stored yet, in the
/// order in which it was learned.
pub(super) fn known(stored: &[StoredSeries], recent: &[LearnedSeries], since: Timestamp) -> Known {
    let track = |history: History| {
        let stored = stored.iter().find(|stored| stored.series == history.as_str());
        let track = stored.map_or_else(Track::default, |stored| read(stored, history, since));
        let recent = recent.iter().filter(|learned| learned.series == history.as_str() && learned.interval == INTERVAL);
        recent.fold(track, |track, learned| added(&track, history, learned))
    };
    Known::restore(History::ALL.map(track))
}

fn read(stored: &StoredSeries, history: History, since: Timestamp) -> Track {
    let asked_at = Timestamp(stored.asked_at);
    match (stored.asked_at, stored.until) {
        // Nothing says how far its buckets go: it is asked as if there were none.
        (0, _) => Track::default(),
        (_, 0) => Track::absent(asked_at),
        (_, until) => {
            let numbers = stored.numbers.chunks(width(history));
            let buckets = stored.buckets.iter().zip(numbers).filter_map(|(start, numbers)| {
                Some(Bucket { start: Timestamp(*start), values: Values::of(history, numbers)? })
            });
            let from = Timestamp(stored.since).max(since);
            Track::restore(buckets.collect(), Span { from, until: Timestamp(until) }, asked_at)
        }
    }
}

fn added(track: &Track, history: History, learned: &LearnedSeries) -> Track {
    if track.asked_at().is_some_and(|asked_at| asked_at >= learned.asked_at) {
        return track.clone();
    }
    let (Some(from), Some(until)) = (learned.covered_from, learned.covered_until) else {
        return Track::absent(learned.asked_at);
    };
    let fresh = learned
        .buckets
        .iter()
        .filter_map(|bucket| Some(Bucket { start: bucket.start, values: Values::of(history, &bucket.values)? }));
    Track::restore(track.buckets().iter().copied().chain(fresh).collect(), Span { from, until }, learned.asked_at)
}

/// Numbers of a bucket.
const fn width(history: History) -> usize {
    match history {
        History::OpenInterest | History::FundingRate => 4,
        History::LongShortRatio => 3,
        History::Liquidations => 2,
    }
}
