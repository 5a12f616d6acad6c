//! `POST /api/sessions/{id}/recover` and `…/cancel`: a record for the owner of the session's account, who takes it in when
//! it comes to it. So the answer is given before the effect is seen.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::unknown;
use crate::api::extract::Path;
use crate::api::{Api, Problem};
use crate::clickhouse::Payer;
use crate::kafka::Addressed;
use crate::model::{LIVE_RUN, SessionCommand};

pub(super) fn admins() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(recover)).routes(routes!(cancel))
}

/// What was asked of a session.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SessionAsked)]
struct Asked {
    /// The session.
    session_id: String,
    /// `recover` or `cancel`.
    #[schema(value_type = String)]
    command: SessionCommand,
    /// What comes of it.
    message: &'static str,
}

/// Try again what has failed in a session, and take a cancellation back
#[utoipa::path(
    post, path = "/api/sessions/{session_id}/recover", tag = "sessions",
    params(("session_id" = String, Path, description = "Its id")),
    responses((status = ACCEPTED, body = Asked))
)]
async fn recover(State(api): State<Api>, Path(id): Path<String>) -> Result<(StatusCode, Json<Asked>), Problem> {
    ask(&api, id, SessionCommand::Recover, "what has failed is tried again, and a cancellation is taken back").await
}

/// Buy nothing more for a session, and let go what waits in it
#[utoipa::path(
    post, path = "/api/sessions/{session_id}/cancel", tag = "sessions",
    params(("session_id" = String, Path, description = "Its id")),
    responses((status = ACCEPTED, body = Asked))
)]
async fn cancel(State(api): State<Api>, Path(id): Path<String>) -> Result<(StatusCode, Json<Asked>), Problem> {
    ask(&api, id, SessionCommand::Cancel, "nothing more is bought for it, and what waits is let go").await
}

async fn ask(
    api: &Api,
    session_id: String,
    command: SessionCommand,
    message: &'static str,
) -> Result<(StatusCode, Json<Asked>), Problem> {
    let mut payers = api.store().payers(&session_id).await?;
    if payers.is_empty() && api.reads().starts.state(&session_id, api.clock().now()).is_some() {
        payers.push(Payer { account: api.config().budget.account.clone(), run_id: LIVE_RUN.to_owned() });
    }
    if payers.is_empty() {
        return Err(unknown());
    }
    let batches = api.reads().batches(api).await?;
    for payer in &payers {
        let to = Addressed { session_id: &session_id, account: &payer.account, run_id: &payer.run_id };
        let record = batches.command(to, command, api.clock().now()).map_err(|error| Problem::kafka(&error))?;
        super::start::send(api, &record).await?;
    }
    Ok((StatusCode::ACCEPTED, Json(Asked { session_id, command, message })))
}
