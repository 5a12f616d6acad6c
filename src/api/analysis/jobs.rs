//! `GET /analysis/jobs`: whoever's jobs, the newest first.
//!
//! Rows come from ClickHouse, and those that it does not have yet from the board, which also says how a job stands now.
//! A cursor is the moment at which the last job of a page was asked for, and its id: jobs that come meanwhile are before
//! it and change nothing behind it.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::bodies::Standing;
use super::follow;
use super::request::Which;
use crate::api::extract::Query;
use crate::api::{Api, Caller, Problem};
use crate::clickhouse::questions::WhichJobs;
use crate::model::{ID_CHARS_MAX, JobEvent, JobStatus, Timestamp};

/// Jobs of a page, where nobody says how many.
const LIMIT: u16 = 50;
const LIMIT_MAX: u16 = 500;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(jobs))
}

/// A page of jobs.
#[derive(Debug, Serialize, ToSchema)]
struct Page {
    /// The newest first
    jobs: Vec<Standing>,
    /// For the next page; null on the last one
    next_cursor: Option<String>,
}

/// Analyses, the newest first
#[utoipa::path(
    get, path = "/analysis/jobs", tag = "analysis", params(Which), responses((status = OK, body = Page))
)]
async fn jobs(State(api): State<Api>, caller: Caller, Query(which): Query<Which>) -> Result<Json<Page>, Problem> {
    let user = match &which.user_id {
        Some(named) => Some(caller.acts_for(Some(named))?),
        None => (!caller.is_admin()).then(|| caller.user().to_owned()),
    };
    let status = which.status.as_deref().map(|word| {
        JobStatus::parse(word)
            .ok_or_else(|| Problem::invalid("status is queued, processing, completed, failed or cancelled"))
    });
    let status = status.transpose()?;
    let limit = which.limit.unwrap_or(LIMIT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Problem::invalid(format!("limit is 1 to {LIMIT_MAX}")));
    }
    let after = which.cursor.as_deref().map(read_cursor).transpose()?;
    follow::kept(&api).await?;
    let limit = usize::from(limit);
    let stored = WhichJobs {
        user_id: user.as_deref(),
        status,
        after: after.as_ref().map(|(at, id)| (*at, id.as_str())),
        limit: limit as u64 + 1,
    };
    let stored = api.store().analysis_jobs(&stored).await?;
    let is_whole = stored.len() <= limit;
    let fits = |event: &JobEvent| {
        let is_theirs = user.as_ref().is_none_or(|user| event.user_id == *user);
        is_theirs && after.as_ref().is_none_or(|(at, id)| (event.created_at, &event.analysis_id) < (*at, id))
    };
    let known: Vec<Arc<JobEvent>> = {
        let board = api.analysis().board.lock();
        board.all().filter(|event| fits(event)).cloned().collect()
    };
    let page = page(stored, known, status, limit, is_whole);
    let next_cursor = page.cursor.map(|(at, id)| write_cursor(at, &id));
    Ok(Json(Page { jobs: page.jobs.iter().map(|event| Standing::of(event)).collect(), next_cursor }))
}

struct Merged {
    jobs: Vec<Arc<JobEvent>>,
    cursor: Option<(Timestamp, String)>,
}

/// The first `limit` of both that stand so, each job once and as it stands now. `is_whole`: ClickHouse has no more.
fn page(
    stored: Vec<JobEvent>,
    known: Vec<Arc<JobEvent>>,
    status: Option<JobStatus>,
    limit: usize,
    is_whole: bool,
) -> Merged {
    // What is behind the last row may be in ClickHouse and not be read yet: the board alone does not say.
    let last = stored.last().filter(|_| !is_whole).map(|event| (event.created_at, event.analysis_id.clone()));
    let mut jobs: HashMap<String, Arc<JobEvent>> =
        stored.into_iter().map(|event| (event.analysis_id.clone(), Arc::new(event))).collect();
    for event in known {
        let is_behind = last.as_ref().is_some_and(|(at, id)| (event.created_at, &event.analysis_id) < (*at, id));
        if is_behind {
            continue;
        }
        let is_newer = |of_row: &Arc<JobEvent>| (event.status.rank(), event.at) >= (of_row.status.rank(), of_row.at);
        if jobs.get(&event.analysis_id).is_none_or(is_newer) {
            jobs.insert(event.analysis_id.clone(), event);
        }
    }
    // By how a job stands now, which may not be what its row says.
    let stands = |event: &Arc<JobEvent>| status.is_none_or(|status| event.status == status);
    let mut jobs: Vec<Arc<JobEvent>> = jobs.into_values().filter(stands).collect();
    jobs.sort_by_cached_key(|event| Reverse((event.created_at, event.analysis_id.clone())));
    let is_cut = jobs.len() > limit;
    jobs.truncate(limit);
    let shown = || jobs.last().map(|event| (event.created_at, event.analysis_id.clone()));
    // Where rows were left out, the next page begins behind the last of them.
    let cursor = if is_cut { shown() } else { last };
    Merged { jobs, cursor }
}

fn write_cursor(at: Timestamp, id: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{}:{id}", at.0))
}

fn read_cursor(text: &str) -> Result<(Timestamp, String), Problem> {
    let read = || {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let (at, id) = text.split_once(':')?;
        (id.chars().count() <= ID_CHARS_MAX).then_some((Timestamp(at.parse().ok()?), id.to_owned()))
    };
    read().ok_or_else(|| Problem::invalid("cursor is not one that an answer of this endpoint had"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::analysis::queue::queued_event;
    use crate::model::Job;

    fn event(id: &str, at: i64, status: JobStatus) -> JobEvent {
        let job = Job { analysis_id: id.to_owned(), requested_at: Timestamp(at), ..Job::default() };
        JobEvent { status, ..queued_event(&job) }
    }

    #[test]
    fn a_page_has_each_job_once_as_it_stands_now() {
        use JobStatus::{Completed, Processing, Queued};
        let stored = vec![event("c", 30, Processing), event("b", 20, Completed), event("a", 10, Queued)];
        let known = vec![
            Arc::new(event("d", 40, Queued)),
            Arc::new(event("c", 30, Completed)),
            Arc::new(event("b", 20, Processing)),
            Arc::new(event("0", 5, Queued)),
        ];
        let shown = |merged: &Merged| -> Vec<(String, JobStatus)> {
            merged.jobs.iter().map(|event| (event.analysis_id.clone(), event.status)).collect()
        };
        let merged = page(stored.clone(), known.clone(), None, 2, false);
        assert_eq!(shown(&merged), [("d".into(), Queued), ("c".into(), Completed)]);
        assert_eq!(merged.cursor, Some((Timestamp(30), "c".into())));
        // ClickHouse may have something between 10 and 5.
        let merged = page(stored.clone(), known.clone(), None, 4, false);
        assert_eq!((merged.jobs.len(), merged.cursor), (4, Some((Timestamp(10), "a".into()))));
        assert_eq!(merged.jobs[2].status, Completed);
        let merged = page(stored.clone(), known.clone(), None, 9, true);
        assert_eq!((merged.jobs.len(), merged.cursor), (5, None));
        // Newer jobs that stand otherwise take no place of those that are asked for, and hide no page behind.
        let merged = page(stored.clone(), known.clone(), Some(Queued), 2, false);
        assert_eq!(shown(&merged), [("d".into(), Queued), ("a".into(), Queued)]);
        assert_eq!(merged.cursor, Some((Timestamp(10), "a".into())));
        let merged = page(stored[..1].to_vec(), known, Some(Processing), 2, false);
        assert_eq!((merged.jobs.len(), merged.cursor), (0, Some((Timestamp(30), "c".into()))));
    }

    #[test]
    fn cursors_come_back_as_they_went() {
        let (at, id) = read_cursor(&write_cursor(Timestamp(-5), "a:b")).unwrap();
        assert_eq!((at, id.as_str()), (Timestamp(-5), "a:b"));
        for text in ["", "x", "é", "MTI", &URL_SAFE_NO_PAD.encode("x:y"), &URL_SAFE_NO_PAD.encode([0xff, 0xfe])] {
            assert!(read_cursor(text).is_err(), "{text}");
        }
    }
}
