//! `GET /analysis/status/{id}`.

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::bodies::Status;
use super::find;
use super::request::Whose;
use crate::api::extract::{Path, Query};
use crate::api::{Api, Caller, Problem};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(status))
}

/// How an analysis stands, and what it came to
#[utoipa::path(
    get, path = "/analysis/status/{id}", tag = "analysis",
    params(("id" = String, Path, description = "Of the analysis", max_length = 128), Whose),
    responses(
        (status = OK, body = Status),
        (status = NOT_FOUND, description = "There is none, or it is somebody else's", body = crate::api::Body),
    )
)]
async fn status(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
    Query(whose): Query<Whose>,
) -> Result<Json<Status>, Problem> {
    let found = find::job(&api, &caller, &whose, &id).await?;
    Ok(Json(Status::of(&found.event)))
}
