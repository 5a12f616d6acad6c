//! What the stand-ins charged, to be compared with what the program believes that it spent.
//!
//! A call is billed when it is accepted, before its latency: as with the real services, a client that goes away in the
//! meantime pays all the same. Whether the answer was handed over is noted when that happens.
//!
//! Invariants: totals are exact; entries and questions are remembered up to a limit each, far above any test's.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::time::Duration;

use parking_lot::Mutex;

use crate::model::{NanoUsd, Timestamp};

use super::Provider;
use super::knobs::Flaw;
use super::price::Sale;
use super::units::Units;

/// Entries that are kept; later ones count in the totals only.
const ENTRIES_MAX: usize = 2_000_000;
/// Questions that are remembered; later ones are always asked for the first time.
const QUESTIONS_MAX: usize = 2_000_000;

/// Which question it was: 128 bits of a hash of the path and the body. The same bytes are the same question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Question(pub u128);

impl Question {
    /// The identity of a request.
    pub(super) fn of(path: &str, body: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&(path.len() as u64).to_le_bytes()).update(path.as_bytes()).update(body);
        let mut bytes = [0; 16];
        hasher.finalize_xof().fill(&mut bytes);
        Self(u128::from_le_bytes(bytes))
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// What became of a request, as the stand-in meant it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// A paid answer, with or without a flaw.
    Answered,
    /// Billed, and cut without an answer.
    Lost,
    /// Tokens counted, for free.
    Counted,
    /// 429 by chance, or because the units of a key are used up.
    RateLimited,
    /// 429 because too many requests were under way.
    OverCapacity,
    /// 429 of the daily quota, `insufficient_quota`, 432 or 433.
    OutOfQuota,
    /// 503, or cut by an outage.
    Unavailable,
    /// 500.
    Broken,
    /// A wrong key, or none.
    Denied,
    /// A model or an address that does not exist.
    Unknown,
    /// A request that breaks the rules of the interface.
    Invalid,
}

/// One billed call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Who bills it.
    pub provider: Provider,
    /// What was asked.
    pub question: Question,
    /// What for, and how much.
    pub sale: Sale,
    /// What was wrong with the answer.
    pub flaw: Option<Flaw>,
    /// The answer was handed over. Not so while it is under way, when it was lost, and when the client had gone.
    pub delivered: bool,
}

/// The bill so far.
#[derive(Debug, Clone, Default)]
pub struct Bill {
    /// Every billed call, in order of acceptance.
    pub entries: Vec<Entry>,
    /// Units of Coinalyze by key.
    pub units: BTreeMap<String, Units>,
    spent: [NanoUsd; Provider::ALL.len()],
    credits: u64,
    requests: BTreeMap<(Provider, Outcome), u64>,
    in_flight_max: [usize; Provider::ALL.len()],
}

impl Bill {
    /// What all calls cost together.
    #[must_use]
    pub fn total(&self) -> NanoUsd {
        NanoUsd(self.spent.iter().map(|spent| spent.0).sum())
    }

    /// What the calls of one provider cost.
    #[must_use]
    pub fn of(&self, provider: Provider) -> NanoUsd {
        self.spent[provider as usize]
    }

    /// Requests that ended so.
    #[must_use]
    pub fn requests(&self, provider: Provider, outcome: Outcome) -> u64 {
        self.requests.get(&(provider, outcome)).copied().unwrap_or(0)
    }

    /// The largest number of paid requests of this provider that were under way at one time.
    #[must_use]
    pub fn in_flight_max(&self, provider: Provider) -> usize {
        self.in_flight_max[provider as usize]
    }

    /// Questions that were paid more than once, with how often.
    #[must_use]
    pub fn paid_again(&self) -> BTreeMap<Question, u64> {
        let mut paid = BTreeMap::new();
        for entry in &self.entries {
            *paid.entry(entry.question).or_insert(0) += 1;
        }
        paid.retain(|_, times| *times > 1);
        paid
    }
}

/// Where it is written down.
#[derive(Debug, Default)]
pub(super) struct Book(Mutex<Pages>);

#[derive(Debug, Default)]
struct Pages {
    bill: Bill,
    asked: HashMap<Question, u32>,
}

impl Book {
    /// How often this question was asked before; counts this time.
    pub fn asked(&self, question: Question) -> u32 {
        let mut pages = self.0.lock();
        if pages.asked.len() >= QUESTIONS_MAX && !pages.asked.contains_key(&question) {
            return 0;
        }
        let times = pages.asked.entry(question).or_insert(0);
        *times += 1;
        *times - 1
    }

    /// Counts a request.
    pub fn count(&self, provider: Provider, outcome: Outcome) {
        *self.0.lock().bill.requests.entry((provider, outcome)).or_insert(0) += 1;
    }

    /// Bills a call while `in_flight` of its provider are under way, itself among them. Returns where the entry
    /// stands, if it was kept.
    pub fn bill(&self, entry: Entry, in_flight: usize) -> Option<usize> {
        let bill = &mut self.0.lock().bill;
        let at = entry.provider as usize;
        bill.spent[at].0 += entry.sale.cost.0;
        bill.credits += entry.sale.credits;
        bill.in_flight_max[at] = bill.in_flight_max[at].max(in_flight);
        if bill.entries.len() >= ENTRIES_MAX {
            return None;
        }
        bill.entries.push(entry);
        Some(bill.entries.len() - 1)
    }

    /// Charges units to a key of Coinalyze, if they fit into its quota: so many in so long a window.
    ///
    /// # Errors
    /// They do not: how long to wait.
    pub fn charge(&self, key: &str, units: u32, quota: (u32, Duration), now: Timestamp) -> Result<(), Duration> {
        let accounts = &mut self.0.lock().bill.units;
        accounts.entry(key.to_owned()).or_default().charge(units, quota.0, quota.1, now)
    }

    /// The answer to a billed call was handed over.
    pub fn deliver(&self, at: usize) {
        if let Some(entry) = self.0.lock().bill.entries.get_mut(at) {
            entry.delivered = true;
        }
    }

    /// Credits billed so far.
    pub fn credits(&self) -> u64 {
        self.0.lock().bill.credits
    }

    /// Calls that are remembered.
    pub fn entries(&self) -> usize {
        self.0.lock().bill.entries.len()
    }

    /// A copy of the bill.
    pub fn read(&self) -> Bill {
        self.0.lock().bill.clone()
    }
}
