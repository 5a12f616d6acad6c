//! The book of a partition's accounts: what every budget has left. Pure: it is told the time, and does no I/O.
//!
//! # Why `settled + reserved ≤ limit` holds across crashes
//! 1. A hold enters the book only where, in each of its periods (session, day, month), what has been spent, the open
//!    holds and the new one fit under the limit ([`Book::admit`]). All of it happens under one owner, in order. A session
//!    that brings a limit of its own has it in its name, so every owner holds it to the same one.
//! 2. The hold is committed to the ledger before its call may leave. So every call that can be billed has a hold in the
//!    log, and the log's order is the book's order: whoever reads it back has a book in which each of these holds counts.
//! 3. An end replaces a hold by at most its amount. A bill above its hold is an overrun: the one exception that a
//!    provider can force on us; it counts in full and is shown.
//! 4. A hold without an end counts in full, for ever: a new owner makes it `in_doubt` ([`Book::doubt`]), because nobody
//!    can know whether its call was billed.
//! 5. An owner that was replaced cannot add to the log any more (its transactions are refused, see `kafka::transaction`),
//!    so no call of its that was not already counted can leave.
//!
//! Hence at every moment, in every crash, all that may have been billed is counted, and what is counted is within the
//! limits. The tests play every interleaving of two owners through this module and a log that can be fenced.

use std::collections::BTreeMap;

pub use self::decisions::Decisions;
use crate::model::{
    AccountTotals, Budget, Decision, Id, NanoUsd, PeriodTotal, Snapshot, Spend, SpendOutcome, Timestamp, session_limit,
};

mod decisions;
#[cfg(test)]
mod tests;

/// How long the total of a period is kept after its last change: far longer than a month, and longer than the input
/// topics keep records that could still name an old session.
const KEPT_MS: i64 = 400 * 24 * 60 * 60 * 1000;

/// What an account may spend at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// In one session; less in one whose name says so ([`session_limit`]).
    pub session: NanoUsd,
    /// On one day, UTC.
    pub daily: Option<NanoUsd>,
    /// In one month, UTC.
    pub monthly: Option<NanoUsd>,
}

/// What became of a wish to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It counts from now on.
    Held,
    /// It does not fit now, but may once open holds have ended below their amount.
    Full,
    /// It does not fit whatever becomes of the open holds.
    Exhausted(Budget),
    /// Its session was cancelled.
    Cancelled,
}

/// How far one budget is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// What counts, open holds aside.
    pub spent: NanoUsd,
    /// Open holds.
    pub reserved: NanoUsd,
    /// The limit; `None` where there is none.
    pub limit: Option<NanoUsd>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Total {
    spent: NanoUsd,
    reserved: NanoUsd,
    changed_at: Timestamp,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Account {
    periods: BTreeMap<String, Total>,
    open: BTreeMap<Id, Spend>,
}

/// The accounts of one partition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Book {
    accounts: BTreeMap<String, Account>,
    decisions: Decisions,
}

impl Book {
    /// Counts a new hold where every limit allows it, and nobody cancelled its session.
    ///
    /// # Panics
    /// When the hold is not open or its id was used before: the law of the budget is broken.
    pub fn admit(&mut self, hold: &Spend, limits: Limits) -> Admission {
        assert_eq!(hold.outcome, SpendOutcome::Open, "a new hold is open");
        if self.decisions.is_cancelled(&hold.account, &hold.session_id) {
            return Admission::Cancelled;
        }
        let account = self.accounts.entry(hold.account.clone()).or_default();
        for (budget, period) in periods(hold) {
            let Some(limit) = limits.of(budget, &hold.session_id) else { continue };
            let total = account.periods.get(&period).copied().unwrap_or_default();
            let fits = |amounts: &[NanoUsd]| {
                let sum = amounts.iter().try_fold(NanoUsd::ZERO, |sum, amount| sum.checked_add(*amount));
                sum.is_some_and(|sum| sum <= limit)
            };
            if !fits(&[total.spent, hold.held]) {
                return Admission::Exhausted(budget);
            }
            if !fits(&[total.spent, total.reserved, hold.held]) {
                return Admission::Full;
            }
        }
        account.open(hold);
        Admission::Held
    }

    /// Ends a hold: its bill, whatever it is, counts in its place. `false` where no such hold is open.
    ///
    /// # Panics
    /// When the end is none.
    pub fn end(&mut self, end: &Spend) -> bool {
        assert_ne!(end.outcome, SpendOutcome::Open, "an end is not open");
        let Some(account) = self.accounts.get_mut(&end.account) else { return false };
        let Some(hold) = account.open.remove(&end.hold_id) else { return false };
        for (_, period) in periods(&hold) {
            let total = account.periods.entry(period).or_default();
            total.reserved = total.reserved.saturating_sub(hold.held);
            total.spent = total.spent.saturating_add(end.cost);
            total.changed_at = total.changed_at.max(end.at);
        }
        true
    }

    /// Takes in what the log says, in its order: a hold that somebody was granted, or the end of one.
    pub fn replay(&mut self, spend: &Spend) {
        if spend.outcome != SpendOutcome::Open {
            self.end(spend);
            return;
        }
        let account = self.accounts.entry(spend.account.clone()).or_default();
        // A snapshot may say it first.
        if !account.open.contains_key(&spend.hold_id) {
            account.open(spend);
        }
    }

    /// Takes a decision about a session in, one that the log says too; `false` where it was known.
    pub fn decide(&mut self, decision: &Decision) -> bool {
        self.decisions.decide(decision)
    }

    /// What was decided about sessions.
    #[must_use]
    pub fn decisions(&self) -> &Decisions {
        &self.decisions
    }

    /// The ends of all holds that a replaced owner left open: each counts in full. Already counted here; to be committed
    /// before anything new is held.
    pub fn doubt(&mut self, now: Timestamp) -> Vec<Spend> {
        let open = self.accounts.values().flat_map(|account| account.open.values());
        let doubted: Vec<Spend> = open
            .map(|hold| Spend {
                outcome: SpendOutcome::InDoubt,
                cost: hold.held,
                error: "its owner was replaced before an answer was recorded".to_owned(),
                at: now,
                ..hold.clone()
            })
            .collect();
        for end in &doubted {
            self.end(end);
        }
        doubted
    }

    /// How far the budgets of an account are used: of one session, of the day and of the month of `now`.
    #[must_use]
    pub fn standing(&self, account: &str, session_id: &str, limits: Limits, now: Timestamp) -> [(Budget, Standing); 3] {
        let account = self.accounts.get(account);
        period_names(session_id, now).map(|(budget, period)| {
            let total = account.and_then(|account| account.periods.get(&period)).copied().unwrap_or_default();
            (budget, Standing { spent: total.spent, reserved: total.reserved, limit: limits.of(budget, session_id) })
        })
    }

    /// Whether anything was ever held for an account.
    #[must_use]
    pub fn knows(&self, account: &str) -> bool {
        self.accounts.contains_key(account)
    }

    /// Everything, for the log. Periods that nobody can spend in any more are left out.
    #[must_use]
    pub fn snapshot(&self, now: Timestamp) -> Snapshot {
        let kept = |total: &Total| total.reserved != NanoUsd::ZERO || now.0 - total.changed_at.0 < KEPT_MS;
        let totals = |(name, account): (&String, &Account)| AccountTotals {
            account: name.clone(),
            periods: account
                .periods
                .iter()
                .filter(|(_, total)| kept(total))
                .map(|(period, total)| PeriodTotal {
                    period: period.clone(),
                    spent: total.spent,
                    changed_at: total.changed_at,
                })
                .collect(),
        };
        Snapshot {
            accounts: self.accounts.iter().map(totals).collect(),
            open: self.accounts.values().flat_map(|account| account.open.values().cloned()).collect(),
            decisions: self.decisions.iter().filter(|decision| now.0 - decision.at.0 < KEPT_MS).cloned().collect(),
        }
    }
}

impl From<&Snapshot> for Book {
    fn from(snapshot: &Snapshot) -> Self {
        let mut book = Self::default();
        for AccountTotals { account, periods } in &snapshot.accounts {
            let totals = periods.iter().map(|PeriodTotal { period, spent, changed_at }| {
                (period.clone(), Total { spent: *spent, reserved: NanoUsd::ZERO, changed_at: *changed_at })
            });
            book.accounts.entry(account.clone()).or_default().periods.extend(totals);
        }
        for hold in &snapshot.open {
            book.replay(hold);
        }
        for decision in &snapshot.decisions {
            book.decide(decision);
        }
        book
    }
}

impl Account {
    fn open(&mut self, hold: &Spend) {
        for (_, period) in periods(hold) {
            let total = self.periods.entry(period).or_default();
            total.reserved = total.reserved.saturating_add(hold.held);
            total.changed_at = total.changed_at.max(hold.at);
        }
        let before = self.open.insert(hold.hold_id.clone(), hold.clone());
        assert!(before.is_none(), "a hold's id is never used again");
    }
}

impl Limits {
    fn of(self, budget: Budget, session_id: &str) -> Option<NanoUsd> {
        match budget {
            Budget::Session => Some(session_limit(session_id, self.session)),
            Budget::Daily => self.daily,
            Budget::Monthly => self.monthly,
        }
    }
}

fn periods(spend: &Spend) -> [(Budget, String); 3] {
    period_names(&spend.session_id, spend.held_at)
}

fn period_names(session_id: &str, at: Timestamp) -> [(Budget, String); 3] {
    let day = at.calendar();
    [
        (Budget::Session, format!("session/{session_id}")),
        (Budget::Daily, day.strftime("day/%Y-%m-%d").to_string()),
        (Budget::Monthly, day.strftime("month/%Y-%m").to_string()),
    ]
}
