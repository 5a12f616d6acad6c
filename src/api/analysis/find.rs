//! A job by its id, for whoever may see it: from the board, or from ClickHouse.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::board::Found;
use super::follow::{self, Stand};
use super::request::Whose;
use crate::api::{Api, Caller, Problem};
use crate::model::{ID_CHARS_MAX, JobEvent};

/// How long a job is waited for that nobody knows yet: another API process may have queued it a moment ago.
const NEWS_PATIENCE: Duration = Duration::from_millis(300);
/// How long nothing need be heard of a job that is under way before ClickHouse is asked, too.
const TRUSTED: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Digits of the ids that we give.
const ID_DIGITS: usize = 32;

/// The job `id`, where `caller` may see it.
///
/// # Errors
/// 404 where there is none, or it is somebody else's; 503 where that cannot be told now.
pub(super) async fn job(api: &Api, caller: &Caller, whose: &Whose, id: &str) -> Result<Found, Problem> {
    let named = whose.user_id.as_deref().map(|named| caller.acts_for(Some(named))).transpose()?;
    let found = if id.chars().count() <= ID_CHARS_MAX { look(api, id).await? } else { None };
    let is_theirs = |found: &Found| match &named {
        Some(named) => found.event.user_id == *named,
        None => caller.sees(&found.event.user_id),
    };
    let is_there = found.is_some();
    if let Some(found) = found.filter(is_theirs) {
        return Ok(found);
    }
    if is_there && is_ours(id) {
        // As long as for one that nobody knows: the wait must not tell that there is one.
        sleep(NEWS_PATIENCE).await;
    }
    Err(Problem::not_found("there is no such analysis"))
}

async fn look(api: &Api, id: &str) -> Result<Option<Found>, Problem> {
    let desk = api.analysis();
    let stand = follow::kept(api).await;
    let on_board = desk.board.lock().find(id);
    if let Some(found) = on_board {
        let is_fresh = api.clock().now().since(found.event.at) < TRUSTED;
        if found.event.status.is_final() || (is_fresh && matches!(stand, Ok(Stand::Live))) {
            return Ok(Some(found));
        }
        // What ClickHouse has may be newer than what was heard here.
        let stored = api.store().analysis_job(id).await.ok().flatten();
        return Ok(Some(newer(found, stored)));
    }
    if let Some(event) = api.store().analysis_job(id).await? {
        return Ok(Some(Found { event: event.into(), cancelling: false, asked: None }));
    }
    stand?;
    let until = Instant::now() + NEWS_PATIENCE;
    while is_ours(id) && Instant::now() < until {
        sleep(LOOK_EVERY).await;
        let found = desk.board.lock().find(id);
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Whichever says more of the same job.
fn newer(found: Found, stored: Option<JobEvent>) -> Found {
    match stored {
        Some(stored) if (stored.status.rank(), stored.at) > (found.event.status.rank(), found.event.at) => {
            Found { event: stored.into(), ..found }
        }
        _ => found,
    }
}

/// Whether it has the form of the ids that we give: for others nobody waits.
fn is_ours(id: &str) -> bool {
    id.len() == ID_DIGITS && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}
