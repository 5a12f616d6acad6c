//! What is asked next, by whom, and what becomes of questions that fail.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rand::Rng;

use super::{State, learned_of};
use crate::enrich::market::key::Taken;
use crate::market::contexts::{self, Answered, Asked, History};
use crate::market::plan::{self, Candidate, Request};
use crate::model::{LearnedSeries, Timestamp};
use crate::provider::call::CallError;
use crate::provider::quota::Until;
use crate::provider::retry::{Decision, recovery};

/// What the list of markets costs.
const LIST_UNITS: u32 = 1;

/// What is asked of: the list of markets, or a history of a symbol.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::enrich::market) enum Subject {
    /// All markets.
    List,
    /// One history of one symbol.
    History(Arc<str>, History),
}

/// A question that failed.
#[derive(Debug)]
pub(super) struct Failure {
    attempts: u32,
    not_before: Timestamp,
    /// Refused together with others: the next time it is asked without them.
    alone: bool,
}

/// What a key should do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::enrich::market) enum Turn {
    /// Ask: what metrics call it.
    Ask(&'static str),
    /// Wait, until then at most.
    Wait(Option<Timestamp>),
}

/// What is asked.
#[derive(Debug)]
pub(in crate::enrich::market) enum What {
    /// For all markets.
    List,
    /// For a history of some symbols.
    History(Request),
}

/// A question whose units are taken.
#[derive(Debug)]
pub(in crate::enrich::market) struct Question {
    pub(in crate::enrich::market) what: What,
    pub(in crate::enrich::market) taken: Taken,
}

impl What {
    /// As metrics call it.
    pub(in crate::enrich::market) fn operation(&self) -> &'static str {
        match self {
            Self::List => "future_markets",
            Self::History(request) => request.history.as_str(),
        }
    }

    /// What it costs.
    pub(in crate::enrich::market) fn units(&self) -> u32 {
        match self {
            Self::List => LIST_UNITS,
            Self::History(request) => request.units(),
        }
    }

    fn subjects(&self) -> Vec<Subject> {
        match self {
            Self::List => vec![Subject::List],
            Self::History(request) => {
                request.symbols.iter().map(|symbol| Subject::History(Arc::clone(symbol), request.history)).collect()
            }
        }
    }
}

impl State {
    /// What the key at `place` should do now.
    pub(in crate::enrich::market) fn turn(&self, place: usize, now: Timestamp) -> Turn {
        match self.next(place, now) {
            Ok(what) => Turn::Ask(what.operation()),
            Err(until) => Turn::Wait(until),
        }
    }

    /// Takes the units of the next question of a key, if it is still the one that metrics call so.
    pub(in crate::enrich::market) fn ask(
        &mut self,
        place: usize,
        operation: &'static str,
        now: Timestamp,
    ) -> Option<Question> {
        let what = self.next(place, now).ok().filter(|what| what.operation() == operation)?;
        let taken = self.keys.get_mut(place)?.take(what.units(), now).ok()?;
        self.asked.extend(what.subjects());
        Some(Question { what, taken })
    }

    /// The next question of a key, or when to look again.
    fn next(&self, place: usize, now: Timestamp) -> Result<What, Option<Timestamp>> {
        let key = self.keys.get(place).ok_or(None)?;
        let wait = |Until(until): Until| Some(until);
        if self.wants_list(now) {
            key.grant(LIST_UNITS, now).map_err(wait)?;
            return Ok(What::List);
        }
        let candidates = self.candidates(now);
        let wanted = plan::wanted(&candidates, &self.rules, now);
        if wanted == 0 {
            return Err(self.failures.values().map(|failure| failure.not_before).filter(|moment| *moment > now).min());
        }
        let granted = key.grant(wanted, now).map_err(wait)?;
        let requests = plan::next(&candidates, &self.rules, granted, now);
        requests.into_iter().next().map(|request| What::History(self.parted(request))).ok_or(None)
    }

    /// Whether somebody waits for the list, and nobody has asked for it.
    fn wants_list(&self, now: Timestamp) -> bool {
        let mut waiting = self.waiting.values();
        self.is_open(&Subject::List, now) && waiting.any(|waiting| self.is_unresolved(&waiting.series, waiting.since()))
    }

    /// Whether a question may be asked: it is not under way, and has not just failed.
    fn is_open(&self, subject: &Subject, now: Timestamp) -> bool {
        let failure = self.failures.get(subject);
        !self.asked.contains(subject) && failure.is_none_or(|failure| failure.not_before <= now)
    }

    /// Everybody who waits, with what may be asked for them.
    fn candidates(&self, now: Timestamp) -> Vec<Candidate> {
        let mut candidates: HashMap<&Arc<str>, Candidate> = HashMap::new();
        for waiting in self.waiting.values() {
            let symbol = self.spokesmen.get(&waiting.series).and_then(|spokesman| spokesman.symbol.as_ref());
            // Until what is stored was read, nobody knows what to ask.
            let symbol = symbol.filter(|symbol| self.histories.contains_key(*symbol));
            let (Some(symbol), Some(states)) = (symbol, self.states(&waiting.series)) else { continue };
            let candidate = candidates.entry(symbol).or_insert_with(|| Candidate {
                symbol: Arc::clone(symbol),
                states: [contexts::State::Closed; History::ALL.len()],
                stake: 0.0,
            });
            candidate.stake += waiting.stake;
            for history in History::ALL {
                let state = states[history as usize];
                let is_due = plan::is_due(state, history, &self.rules, waiting.since());
                if is_due && self.is_open(&Subject::History(Arc::clone(symbol), history), now) {
                    candidate.states[history as usize] = state;
                }
            }
        }
        candidates.into_values().collect()
    }

    /// The same request without those that would be refused for another's sake.
    fn parted(&self, mut request: Request) -> Request {
        let is_alone = |symbol: &Arc<str>| {
            let subject = Subject::History(Arc::clone(symbol), request.history);
            self.failures.get(&subject).is_some_and(|failure| failure.alone)
        };
        let alone: Vec<bool> = request.symbols.iter().map(is_alone).collect();
        if alone.first() == Some(&true) {
            request.symbols.truncate(1);
        } else {
            let mut alone = alone.into_iter();
            request.symbols.retain(|_| !alone.next().unwrap_or(false));
        }
        request
    }

    /// A question was answered, or failed: its units begin to come back.
    pub(in crate::enrich::market) fn ended(&mut self, place: usize, question: &Question, now: Timestamp) {
        for subject in question.what.subjects() {
            self.asked.remove(&subject);
        }
        if let Some(key) = self.keys.get_mut(place) {
            key.ended(&question.taken, now);
        }
    }

    /// Takes in an answer. Gives what is to be written down of it.
    pub(in crate::enrich::market) fn absorb(
        &mut self,
        request: &Request,
        answered: &[Answered],
        sent_at: Timestamp,
    ) -> Vec<LearnedSeries> {
        let asked = Asked { from: request.from, at: sent_at, interval: request.interval };
        let mut learned = Vec::with_capacity(request.symbols.len());
        for symbol in &request.symbols {
            self.failures.remove(&Subject::History(Arc::clone(symbol), request.history));
            let Some(held) = self.histories.get_mut(symbol) else { continue };
            let answer = answered.iter().find(|answer| *answer.symbol == **symbol);
            let fresh = held.known.absorb(request.history, &asked, answer.map(|answer| answer.buckets.as_slice()));
            learned.extend(learned_of(symbol, request.history, held.known.track(request.history), &fresh));
        }
        learned
    }

    /// The list has come.
    pub(in crate::enrich::market) fn list_answered(&mut self) {
        self.failures.remove(&Subject::List);
    }

    /// A question failed. What it asks may be asked again later, by any key; a refused rate pauses this one.
    pub(in crate::enrich::market) fn failed(
        &mut self,
        place: usize,
        what: &What,
        error: &CallError,
        is_out: bool,
        now: Timestamp,
        rng: &mut impl Rng,
    ) {
        if let (CallError::Limited { retry_after, .. }, Some(key)) = (error, self.keys.get_mut(place)) {
            key.limited(*retry_after, now);
        }
        let says_of_the_question =
            matches!(error, CallError::Permanent { .. } | CallError::Transient { .. } | CallError::Lost { .. });
        if !says_of_the_question {
            return;
        }
        let subjects = what.subjects();
        let is_refused_together = matches!(error, CallError::Permanent { .. }) && subjects.len() > 1;
        for subject in subjects {
            let failure =
                self.failures.entry(subject).or_insert(Failure { attempts: 0, not_before: now, alone: false });
            if is_refused_together {
                failure.alone = true;
                continue;
            }
            failure.attempts = failure.attempts.saturating_add(1);
            let wait = match self.policy.next(failure.attempts, error, is_out, rng) {
                Decision::Again(wait) | Decision::Resume(wait) => wait,
                Decision::GiveUp => recovery(failure.attempts, rng.random()),
            };
            failure.not_before = now.plus(wait.max(Duration::from_millis(1)));
        }
    }
}
