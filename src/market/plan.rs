//! What to ask next: the histories that are missing or have grown old, the most valuable first, no more than the quota
//! has now.
//!
//! Pure and deterministic: the same candidates in any order give the same plan. Never asked for are closed buckets, what
//! is fresh, and symbols that the service does not know; a unit is one symbol of one history, so requests never hold a
//! symbol for company. What is not known to the plan: keys, and requests under way, which the caller marks
//! [`State::Closed`].
//!
//! # What a question is worth
//! `weight × ignorance × stake`, where
//! * `weight` is the share of the history in the score ([`Rules::weights`], the strategies' own);
//! * `ignorance` is 1 where nothing is known, otherwise the part of a day for which nothing is known: a value that is an
//!   hour old has moved less than one that is a day old;
//! * `stake` is how much a signal could change, summed over the signals that the instrument speaks for: [`stake`].
//!
//! So what was never known comes before what is old, unless the old one stands near its threshold; and as what was just
//! asked is worth next to nothing, a few valuable instruments do not take all turns.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::market::contexts::{DAY, History, State, bucket_start, first};
use crate::model::{Chart, Interval, Timestamp};

#[cfg(test)]
mod tests;

/// The share of each history in the three scores together, in the order of [`History::ALL`]: the sums of the strategies'
/// weights, which a test holds equal.
pub const WEIGHTS: [f64; History::ALL.len()] = [0.30, 0.27, 0.16, 0.22];
/// Points of a score (0 to 100) that what derivatives say can move it by: a signal that is farther from its threshold
/// keeps its direction whatever is learned.
const REACH: f64 = 30.0;
/// The score that says nothing, and the points from it at which a signal takes a side, as the strategies have them, which
/// a test holds equal.
const NEUTRAL: f64 = 50.0;
pub(crate) const SIDE: f64 = 5.0;
/// Points by which a trend alone moves a score: the trend's share of momentum's score where no derivatives are known
/// (0.4 of 0.65), at a middling strength (0.75).
const TREND_POINTS: f64 = 23.0;
/// Average true ranges between a close and its mean, and points of RSI from 50, at which a trend is as clear as can be.
const TREND_ATRS: f64 = 2.0;
const TREND_RSI: f64 = 20.0;
/// The part of its stake that a signal has however far it is from its threshold, as its score changes all the same.
const STAKE_FLOOR: f64 = 0.05;
/// The highest volume that is told apart, in dollars.
const VOLUME_USD_MAX: f64 = 1e12;

/// How it is asked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// Of the buckets.
    pub interval: Interval,
    /// How long an answer is fresh (`coinalyze.data_ttl`).
    pub data_ttl: Duration,
    /// How long it is remembered that a symbol is not known (`coinalyze.symbols_ttl`).
    pub symbols_ttl: Duration,
    /// Symbols in a request (`coinalyze.symbols_per_request`).
    pub symbols_max: usize,
    /// The share of each history in a score, in the order of [`History::ALL`].
    pub weights: [f64; History::ALL.len()],
}

/// An instrument that signals wait for.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Of the list of markets.
    pub symbol: Arc<str>,
    /// What is to be asked, in the order of [`History::ALL`].
    pub states: [State; History::ALL.len()],
    /// The sum of [`stake`] over its signals.
    pub stake: f64,
}

/// One request: so many units as symbols.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Which history.
    pub history: History,
    /// Of whom; the most valuable first, no one twice.
    pub symbols: Vec<Arc<str>>,
    /// Of the buckets.
    pub interval: Interval,
    /// Start of the first bucket.
    pub from: Timestamp,
    /// The newest moment, itself included.
    pub to: Timestamp,
}

impl Request {
    /// What it costs.
    #[must_use]
    pub fn units(&self) -> u32 {
        u32::try_from(self.symbols.len()).unwrap_or(u32::MAX)
    }
}

/// How much a signal could change by what is learned about it: near its threshold it may turn, and in a large market
/// that matters more. `score` and `threshold` are points of 0 to 100, `volume_usd` is the series' volume of a day (its
/// logarithm counts: ten times the volume is one more).
#[must_use]
pub fn stake(score: f64, threshold: f64, volume_usd: f64) -> f64 {
    let distance = (score - threshold).abs();
    let closeness = if distance.is_finite() { (1.0 - distance / REACH).max(STAKE_FLOOR) } else { STAKE_FLOOR };
    let volume = if volume_usd.is_finite() { volume_usd.clamp(0.0, VOLUME_USD_MAX) } else { 0.0 };
    closeness * (1.0 + volume).log10().max(1.0)
}

/// The [`stake`] of a chart whose score is not known here, as scores are made behind this hop: its trend, the mean of
/// where the close stands beside EMA 20 and RSI beside 50, tells about where it will be, and the threshold is that of the
/// side it leans to. Rough, and enough to rank by: a market that goes nowhere may turn by what derivatives say, one that
/// runs away keeps its direction.
#[must_use]
pub fn stake_of(chart: &Chart, volume_usd: f64) -> f64 {
    let now = &chart.indicators;
    let mean = now.ema20.zip(now.atr14).map(|(mean, atr)| (chart.last.close - mean) / (TREND_ATRS * atr));
    let rsi = now.rsi14.map(|rsi| (rsi - NEUTRAL) / TREND_RSI);
    let views = [mean, rsi].into_iter().flatten().filter(|view| view.is_finite()).map(|view| view.clamp(-1.0, 1.0));
    let (sum, known) = views.fold((0.0, 0.0_f64), |(sum, known), view| (sum + view, known + 1.0));
    let lean = TREND_POINTS * sum / known.max(1.0);
    stake(NEUTRAL + lean, NEUTRAL + SIDE.copysign(lean), volume_usd)
}

/// A question that is due.
struct Due<'a> {
    worth: f64,
    symbol: &'a Arc<str>,
    history: History,
    from: Timestamp,
}

impl Due<'_> {
    /// The most valuable first; the rest of the order is there to have one.
    fn order(&self, other: &Self) -> Ordering {
        let worth = other.worth.total_cmp(&self.worth);
        worth.then_with(|| self.history.cmp(&other.history)).then_with(|| self.symbol.cmp(other.symbol))
    }
}

/// The requests to be sent now, for at most so many `units` together, the most valuable first.
#[must_use]
pub fn next(candidates: &[Candidate], rules: &Rules, units: u32, now: Timestamp) -> Vec<Request> {
    let mut due = due(candidates, rules, now);
    let units = usize::try_from(units).unwrap_or(usize::MAX);
    if units < due.len() && units > 0 {
        due.select_nth_unstable_by(units - 1, Due::order);
    }
    due.truncate(units);
    due.sort_unstable_by(Due::order);
    let mut requests: Vec<Request> = Vec::new();
    // Requests that have room, by what all of their symbols have in common.
    let mut open: BTreeMap<(History, Timestamp), usize> = BTreeMap::new();
    for Due { symbol, history, from, .. } in due {
        let room = open.get(&(history, from)).copied().filter(|at| requests[*at].symbols.len() < rules.symbols_max);
        let at = room.unwrap_or(requests.len());
        if room.is_none() {
            open.insert((history, from), at);
            requests.push(Request { history, symbols: Vec::new(), interval: rules.interval, from, to: now });
        }
        requests[at].symbols.push(Arc::clone(symbol));
    }
    requests
}

/// Whether a history is to be asked for whoever came at `moment`: what was asked later, or not long before, is fresh
/// enough for them.
#[must_use]
pub fn is_due(state: State, history: History, rules: &Rules, moment: Timestamp) -> bool {
    ignorance(state, history, rules, moment).is_some()
}

/// How many questions are due: what a quota wants to know before it gives units out.
#[must_use]
pub fn wanted(candidates: &[Candidate], rules: &Rules, now: Timestamp) -> u32 {
    u32::try_from(due(candidates, rules, now).len()).unwrap_or(u32::MAX)
}

fn due<'a>(candidates: &'a [Candidate], rules: &Rules, now: Timestamp) -> Vec<Due<'a>> {
    // Several candidates of one symbol are one question.
    let mut stakes: BTreeMap<&Arc<str>, (f64, &[State; History::ALL.len()])> = BTreeMap::new();
    for candidate in candidates {
        let stake = if candidate.stake.is_finite() { candidate.stake.max(0.0) } else { 0.0 };
        stakes.entry(&candidate.symbol).or_insert((0.0, &candidate.states)).0 += stake;
    }
    let of = |(symbol, (stake, states)): (&'a Arc<str>, (f64, &'a [State; History::ALL.len()]))| {
        History::ALL.into_iter().filter_map(move |history| {
            let state = states[history as usize];
            let ignorance = ignorance(state, history, rules, now)?;
            let worth = rules.weights[history as usize].max(0.0) * ignorance * stake;
            Some(Due { worth, symbol, history, from: first(state, rules.interval, now) })
        })
    };
    stakes.into_iter().flat_map(of).collect()
}

/// From 0, where everything is known, to 1; `None` where nothing is to be asked.
fn ignorance(state: State, history: History, rules: &Rules, now: Timestamp) -> Option<f64> {
    let has_passed = |since: Timestamp, ttl: Duration| now.since(since) >= ttl;
    match state {
        State::Unknown => Some(1.0),
        State::Absent { asked_at } => has_passed(asked_at, rules.symbols_ttl).then_some(1.0),
        State::Known { until, asked_at } => {
            let settling = i64::try_from(history.settling(rules.interval).as_millis()).unwrap_or(i64::MAX);
            // Another bucket must have closed since, or there is nothing to learn.
            let closed = bucket_start(Timestamp(now.0.saturating_sub(settling)), rules.interval);
            let is_due = has_passed(asked_at, rules.data_ttl) && closed > until;
            is_due.then(|| (now.since(until).as_secs_f64() / DAY.as_secs_f64()).min(1.0))
        }
        State::Closed => None,
    }
}
