//! Articles that wait: records of `articles.deferred`, of which only the newest of each key is kept. A record without
//! value says that the article waits no more.

use serde::{Deserialize, Serialize};

use super::vocabulary::vocabulary;
use super::{Article, Id, NanoUsd, Timestamp};

vocabulary! {
    /// What an article waits for.
    WaitsFor {
        /// A budget with room: the next session, day or month, or a higher limit.
        Budget = "budget",
        /// Its next attempt.
        Retry = "retry",
        /// Somebody who asks for its recovery: it has failed for good.
        Help = "help",
    }
}

/// An article that waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Deferral {
    /// The budget account.
    pub account: String,
    /// The session that admitted it, and counts it.
    pub session_id: String,
    /// `live`, or the replay's id.
    pub run_id: String,
    /// The batch it was in.
    pub batch_id: Id,
    /// What it waits for.
    pub waits_for: WaitsFor,
    /// Attempts that were made; 0 where the budget was spent before the first.
    pub attempt: i32,
    /// Of these, made before somebody asked for its recovery: they no longer count against it.
    pub forgiven: i32,
    /// When it came to wait so; always later than the last recovery that it went through, whoever's clock said so.
    pub since: Timestamp,
    /// Not before this; where it waits for a budget, since when.
    pub not_before: Timestamp,
    /// Why the last attempt failed; empty where none did.
    pub error: String,
    /// What its attempts cost so far.
    pub spent: NanoUsd,
    /// The article.
    pub article: Article,
}
