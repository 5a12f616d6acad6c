//! `/api/sessions…`: sessions, what they spent, what may be asked of them, and a new one.

mod command;
mod events;
mod key;
mod start;
mod started;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) use self::events::Changes;
pub(super) use self::started::Starts;
use super::extract::{Path, Query};
use super::{Api, Problem, list};
use crate::clickhouse::SessionState;
use crate::clickhouse::questions::{AttemptState, SessionSpend};

/// Records of a session that are told.
const RECORDS_MAX: u64 = 200;

pub(super) fn users() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(sessions)).routes(routes!(session)).merge(events::users())
}

pub(super) fn admins() -> OpenApiRouter<Api> {
    OpenApiRouter::new().merge(command::admins()).merge(start::admins())
}

/// How a session stands.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SessionStatus)]
enum Status {
    Open,
    Completed,
    Exhausted,
    Cancelled,
    Stalled,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// How they stand; all where it is left out.
    #[param(inline)]
    status: Option<Status>,
    /// Rows of a page; 50 where it is left out.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u64>,
    /// `next_cursor` of the page before.
    #[param(max_length = 4096)]
    cursor: Option<String>,
}

/// A page of sessions.
#[derive(Debug, Serialize, ToSchema)]
struct Sessions {
    /// Newest first.
    sessions: Vec<SessionState>,
    /// Where the next page begins; null at the end.
    next_cursor: Option<String>,
}

/// Sessions, newest first
#[utoipa::path(get, path = "/api/sessions", tag = "sessions", params(Asked), responses((status = OK, body = Sessions)))]
async fn sessions(State(api): State<Api>, Query(asked): Query<Asked>) -> Result<Json<Sessions>, Problem> {
    let limit = list::limit(asked.limit)?;
    let after = list::after(asked.cursor.as_deref())?;
    let status = asked.status.map(|status| match status {
        Status::Open => "open",
        Status::Completed => "completed",
        Status::Exhausted => "exhausted",
        Status::Cancelled => "cancelled",
        Status::Stalled => "stalled",
    });
    let found = api.store().session_page(status, after.as_ref(), limit + 1).await?;
    let (sessions, next_cursor) = list::page(found, limit, SessionState::key);
    Ok(Json(Sessions { sessions, next_cursor }))
}

/// A session, and what it did.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = KnownSession)]
struct Known {
    /// How it stands.
    session: SessionState,
    /// The newest 200 attempts at its articles, newest first.
    records: Vec<AttemptState>,
    /// What it bought, by provider and model.
    spend: Vec<SessionSpend>,
}

/// One session, what it did and what it bought
#[utoipa::path(
    get, path = "/api/sessions/{session_id}", tag = "sessions",
    params(("session_id" = String, Path, description = "Its id")),
    responses((status = OK, body = Known))
)]
async fn session(State(api): State<Api>, Path(id): Path<String>) -> Result<Json<Known>, Problem> {
    let store = api.store();
    let (session, records, spend) =
        tokio::try_join!(store.session(&id), store.attempts_of(&id, RECORDS_MAX), store.session_spend(&id))?;
    // The sink may not have stored yet what was started a moment ago.
    let session = session.or_else(|| api.reads().starts.state(&id, api.clock().now()));
    Ok(Json(Known { session: session.ok_or_else(unknown)?, records, spend }))
}

fn unknown() -> Problem {
    Problem::not_found("there is no session of this id: /api/sessions names those there are")
}
