//! Spending: the records of `spend.ledger`. One partition of it is the book of the accounts whose batches have the same
//! partition of `articles.batches`; reading it from a snapshot to its end gives the state of every budget.

use serde::{Deserialize, Serialize};

use super::vocabulary::vocabulary;
use super::{Id, NanoUsd, SessionCommand, Timestamp};

vocabulary! {
    /// How a hold stands.
    SpendOutcome {
        /// The call may leave, or is under way: the hold counts.
        Open = "open",
        /// Answered: the bill counts.
        Settled = "settled",
        /// Sent, and no bill came back: the whole hold counts.
        Lost = "lost",
        /// Refused, or never sent: nothing counts.
        Void = "void",
        /// Open when its owner was replaced: the whole hold counts.
        InDoubt = "in_doubt",
        /// Billed above its hold: the bill counts.
        Overrun = "overrun",
    }
}

vocabulary! {
    /// The three kinds of period that have a limit, as metrics name them.
    Budget {
        /// One session.
        Session = "session",
        /// One day, UTC.
        Daily = "daily",
        /// One month, UTC.
        Monthly = "monthly",
    }
}

/// One state of one hold. The first is open, a second one ends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spend {
    /// The hold's own, never used again.
    pub hold_id: Id,
    /// The budget account.
    pub account: String,
    /// The session that pays.
    pub session_id: String,
    /// `live`, or the replay's id.
    pub run_id: String,
    /// What it is spent on.
    pub article_id: String,
    /// Who is asked.
    pub provider: String,
    /// The model that is asked; once settled, the version that answered.
    pub model: String,
    /// `analyze`, `repair`, `search`.
    pub operation: String,
    /// Credits of the provider; 0 where it counts in tokens.
    pub units: i64,
    /// Tokens in, cached ones included.
    pub input_tokens: i64,
    /// Of these, read from the provider's cache.
    pub cached_tokens: i64,
    /// Tokens out, thoughts included.
    pub output_tokens: i64,
    /// What the call may cost at most.
    pub held: NanoUsd,
    /// What counts against the budget once it has ended.
    pub cost: NanoUsd,
    /// How it stands.
    pub outcome: SpendOutcome,
    /// Why it was lost or void; empty otherwise.
    pub error: String,
    /// When it was held: the day and month that it belongs to.
    pub held_at: Timestamp,
    /// When it came to stand so.
    pub at: Timestamp,
}

/// A paid answer, kept so that the same question is never paid for again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Made of content, prompt, schema, model and parameters.
    pub key: Id,
    /// Who answered.
    pub provider: String,
    /// The model version that answered.
    pub model: String,
    /// As it came, and was found readable.
    pub text: String,
    /// Tokens in.
    pub input_tokens: i64,
    /// Tokens out.
    pub output_tokens: i64,
    /// What it cost once.
    pub cost: NanoUsd,
    /// When it was there.
    pub at: Timestamp,
}

/// What counts in one period of an account, all ended holds together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeriodTotal {
    /// `session/<id>`, `day/2026-11-22`, `month/2026-11`.
    pub period: String,
    /// What counts, open holds aside.
    pub spent: NanoUsd,
    /// The last change.
    pub changed_at: Timestamp,
}

/// The totals of one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountTotals {
    /// The account.
    pub account: String,
    /// Every period that may still be spent in.
    pub periods: Vec<PeriodTotal>,
}

/// What somebody decided about a session. The last one counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The command's own: one that is read again decides nothing new.
    pub command_id: Id,
    /// The budget account.
    pub account: String,
    /// The session.
    pub session_id: String,
    /// What was asked.
    pub command: SessionCommand,
    /// When the account's owner took it in: what is recovered has failed before.
    pub at: Timestamp,
}

/// The whole state of a partition of the ledger, so that reading it back need not begin at its beginning.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Totals of every account.
    pub accounts: Vec<AccountTotals>,
    /// Holds that are open.
    pub open: Vec<Spend>,
    /// The last decision about each session.
    pub decisions: Vec<Decision>,
}

/// A record of `spend.ledger`: a hold's new state, with the answer that it bought, a decision, or a snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerEntry {
    /// A hold's new state.
    pub spend: Option<Spend>,
    /// The answer that it bought.
    pub answer: Option<Answer>,
    /// Everything up to here.
    pub snapshot: Option<Snapshot>,
    /// What was decided about a session.
    pub decision: Option<Decision>,
}
