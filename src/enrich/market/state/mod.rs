//! What is known, who waits, and what is asked next: the state of one partition. Pure: it is told the time, what was
//! looked up and what was answered, and says what is to be written.
//!
//! Invariants: a question is under way at most once, whoever of the keys asks it; a chart leaves only when each of its
//! histories was asked since it came, or not longer than `coinalyze.data_ttl` before, or nobody speaks for it; what fails
//! about one symbol keeps no other waiting.

mod known;
mod questions;
mod waiting;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use self::questions::{Failure, Subject};
pub(super) use self::questions::{Question, Turn, What};
pub(super) use self::waiting::News;
use self::waiting::Waiting;
use super::key::Key;
use super::learned::written as learned_of;
use crate::market::contexts::Known;
use crate::market::plan::Rules;
use crate::market::resolver::Markets;
use crate::model::{Instrument, LearnedSeries, Timestamp};
use crate::provider::retry::Policy;

/// Instruments whose histories are held beside those that are waited for; about 30 KB each.
const KNOWN_MAX: usize = 2_048;
/// Series of which it is held who speaks for them; about 300 bytes each.
const INSTRUMENTS_MAX: usize = 50_000;
/// Charts that wait; about 6 KB each. More are told what is stored, and asked for when they come again.
pub(super) const WAITING_MAX: usize = 20_000;

/// Exchange and symbol of a series.
pub(super) type Series = (String, String);

/// Who speaks for a series.
#[derive(Debug)]
pub(super) struct Spokesman {
    instrument: Instrument,
    /// By which it is asked; `None` where nobody is.
    symbol: Option<Arc<str>>,
}

/// The histories of one symbol.
#[derive(Debug)]
struct Held {
    known: Known,
    used_at: Timestamp,
}

/// The state of one partition.
#[derive(Debug)]
pub(super) struct State {
    rules: Rules,
    policy: Policy,
    spokesmen: HashMap<Series, Spokesman>,
    histories: HashMap<Arc<str>, Held>,
    /// Learned by an earlier owner and perhaps not stored yet, until the histories of the symbol are held.
    recent: HashMap<String, Vec<LearnedSeries>>,
    /// The list of markets, and when it was asked for.
    markets: Option<(Arc<Markets>, Timestamp)>,
    /// Resolved by the list, and not written down yet.
    unsaved: Vec<Instrument>,
    waiting: HashMap<String, Waiting>,
    keys: Vec<Key>,
    asked: HashSet<Subject>,
    failures: HashMap<Subject, Failure>,
}

impl State {
    /// Nothing is known, and nobody waits.
    pub(super) fn new(rules: Rules, policy: Policy, keys: Vec<Key>) -> Self {
        Self {
            rules,
            policy,
            keys,
            spokesmen: HashMap::new(),
            histories: HashMap::new(),
            recent: HashMap::new(),
            markets: None,
            unsaved: Vec::new(),
            waiting: HashMap::new(),
            asked: HashSet::new(),
            failures: HashMap::new(),
        }
    }

    /// How many charts wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// The account of a key.
    pub(super) fn key(&mut self, place: usize) -> Option<&mut Key> {
        self.keys.get_mut(place)
    }
}
