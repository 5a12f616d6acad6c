//! `DELETE /analysis/cancel/{id}`: whoever is at the job ends it.
//!
//! Only the job's worker says that it is cancelled, in the transaction that ends it: what is said here is what became of
//! it within a short wait.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tokio::time::{Instant, timeout_at};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::find;
use super::request::Whose;
use crate::api::extract::{Path, Query};
use crate::api::{Api, Caller, Problem};
use crate::kafka::ANALYSIS_CANCELLATIONS;
use crate::model::{Cancellation, JobEvent, JobStatus};
use crate::wire::headers::Headers;

/// How long the end is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(cancel))
}

/// What became of the wish.
#[derive(Debug, Serialize, ToSchema)]
struct Cancelled {
    /// Of the analysis
    analysis_id: String,
    /// `cancelled`, or `cancelling` while its worker has not ended it
    #[schema(example = "cancelled")]
    status: &'static str,
}

/// Cancel an analysis
///
/// Also while a worker is at it. Asking again says the same.
#[utoipa::path(
    delete, path = "/analysis/cancel/{id}", tag = "analysis",
    params(("id" = String, Path, description = "Of the analysis", max_length = 128), Whose),
    responses(
        (status = OK, description = "It is cancelled", body = Cancelled),
        (status = ACCEPTED, description = "It will be, once its worker comes to it", body = Cancelled),
        (status = NOT_FOUND, description = "There is none, or it is somebody else's", body = crate::api::Body),
        (status = CONFLICT, description = "It is completed, or has failed", body = crate::api::Body),
    )
)]
async fn cancel(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
    Query(whose): Query<Whose>,
) -> Result<Response, Problem> {
    let found = find::job(&api, &caller, &whose, &id).await?;
    if found.event.status.is_final() {
        return ended(&found.event);
    }
    let until = Instant::now() + PATIENCE;
    if !found.cancelling {
        send(&api, &id, caller.user()).await?;
    }
    api.analysis().board.lock().adopt(&found.event);
    api.analysis().board.lock().cancelling(&id);
    match last(&api, &id, until).await {
        Some(event) => ended(&event),
        None => {
            Ok((StatusCode::ACCEPTED, axum::Json(Cancelled { analysis_id: id, status: "cancelling" })).into_response())
        }
    }
}

async fn send(api: &Api, id: &str, user: &str) -> Result<(), Problem> {
    let cancellation = Cancellation { analysis_id: id.to_owned(), user_id: user.to_owned(), at: api.clock().now() };
    let mut value = Vec::new();
    let codecs = api.analysis().codecs(api).await?;
    codecs.cancellations.encode(&cancellation, &mut value).map_err(|error| Problem::internal(&error.to_string()))?;
    let sent = api.post().send(&api.topic(ANALYSIS_CANCELLATIONS), id.as_bytes(), &value, &Headers::new()).await;
    sent.map_err(|error| Problem::kafka(&error))?;
    Ok(())
}

/// The event that ends a job, where it comes until then.
async fn last(api: &Api, id: &str, until: Instant) -> Option<Arc<JobEvent>> {
    let heard = api.analysis().board.lock().listen(id)?;
    loop {
        let mut woken = std::pin::pin!(heard.notified());
        woken.as_mut().enable();
        let found = api.analysis().board.lock().find(id)?;
        if found.event.status.is_final() {
            return Some(found.event);
        }
        timeout_at(until, woken).await.ok()?;
    }
}

fn ended(event: &JobEvent) -> Result<Response, Problem> {
    if event.status == JobStatus::Cancelled {
        let said = Cancelled { analysis_id: event.analysis_id.clone(), status: event.status.as_str() };
        return Ok((StatusCode::OK, axum::Json(said)).into_response());
    }
    Err(Problem::conflict("already_final", format!("the analysis is {} already", event.status)))
}
