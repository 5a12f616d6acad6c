//! Sessions that were started here a moment ago: what ClickHouse cannot know of them yet.
//!
//! A session's batches reach the tables by the sink, some time after the answer. Until then this remembers them, so that
//! no second session takes the same articles, the new one can be looked at, and the same wish with the same
//! `Idempotency-Key` starts nothing twice. Another process does not know, and need not: an article that two sessions take
//! is paid for once, since the same question has its answer in the journal.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use parking_lot::Mutex;

use super::start::Accepted;
use crate::clickhouse::SessionState;
use crate::model::{Id, LIVE_RUN, NanoUsd, Timestamp};

/// How long one is remembered: far longer than the sink takes.
const REMEMBERED: Duration = Duration::from_mins(15);
/// How many are remembered.
const SESSIONS_MAX: usize = 200;

/// What was started.
#[derive(Debug, Clone)]
pub(super) struct Started {
    pub(super) at: Timestamp,
    /// What sessions of its user and its key are called, where it has a key.
    pub(super) key: Option<String>,
    /// Of what was asked for.
    pub(super) wish: Id,
    pub(super) limit: NanoUsd,
    pub(super) accepted: Accepted,
    pub(super) article_ids: Vec<String>,
}

/// Those of this process.
#[derive(Debug, Default)]
pub(in crate::api) struct Starts {
    known: Mutex<VecDeque<Started>>,
    /// One session is put together at a time: two would take the same articles.
    pub(super) turn: tokio::sync::Mutex<()>,
}

impl Starts {
    /// Remembers one.
    pub(super) fn remember(&self, started: Started) {
        let mut known = self.known.lock();
        known.retain(|other| started.at.since(other.at) < REMEMBERED);
        if known.len() == SESSIONS_MAX {
            known.pop_front();
        }
        known.push_back(started);
    }

    /// The one of this key.
    pub(super) fn called(&self, key: &str, now: Timestamp) -> Option<Started> {
        let known = self.known.lock();
        known.iter().find(|started| started.key.as_deref() == Some(key) && now.since(started.at) < REMEMBERED).cloned()
    }

    /// Articles that are taken.
    pub(super) fn taken(&self, now: Timestamp) -> HashSet<String> {
        let known = self.known.lock();
        let fresh = known.iter().filter(|started| now.since(started.at) < REMEMBERED);
        fresh.flat_map(|started| started.article_ids.iter().cloned()).collect()
    }

    /// How one stands that nothing is known of but that it was started.
    pub(super) fn state(&self, session_id: &str, now: Timestamp) -> Option<SessionState> {
        let known = self.known.lock();
        let started = known.iter().find(|started| started.accepted.session_id.as_deref() == Some(session_id))?;
        (now.since(started.at) < REMEMBERED).then(|| SessionState {
            session_id: session_id.to_owned(),
            run_id: LIVE_RUN.to_owned(),
            status: "open".to_owned(),
            budget_usd: started.limit.decimal(),
            reserved_usd: 0,
            spent_usd: 0,
            in_doubt_usd: 0,
            articles_total: started.accepted.articles,
            articles_analyzed: 0,
            articles_failed: 0,
            articles_deferred: 0,
            batches: started.accepted.batches,
            started_at: started.at.0,
            updated_at: started.at.0,
            finished_at: None,
        })
    }
}
