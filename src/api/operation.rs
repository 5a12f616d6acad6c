//! `/live`, `/ready`, `/health` and `/metrics`, as the listener for metrics has them, here by the rules of the API.

use axum::extract::State;
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Api;
use crate::observe;

pub(super) fn open() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(live)).routes(routes!(ready))
}

pub(super) fn users() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(health))
}

pub(super) fn admins() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(metrics))
}

/// Whether the process is alive
///
/// 503 once a hop has ended for good: a restart would help.
#[utoipa::path(get, path = "/live", tag = "operation", responses((status = OK, body = serde_json::Value)))]
async fn live(State(api): State<Api>) -> Response {
    observe::live(api.health())
}

/// Whether the process works
///
/// 503 until every hop works.
#[utoipa::path(get, path = "/ready", tag = "operation", responses((status = OK, body = serde_json::Value)))]
async fn ready(State(api): State<Api>) -> Response {
    observe::ready(api.health())
}

/// How every part of the process is
#[utoipa::path(get, path = "/health", tag = "operation", responses((status = OK, body = serde_json::Value)))]
async fn health(State(api): State<Api>) -> Response {
    observe::whole(api.health())
}

/// The metrics of the process, in the text format of Prometheus
#[utoipa::path(
    get, path = "/metrics", tag = "operation",
    responses((status = OK, body = String, content_type = "text/plain; version=0.0.4; charset=utf-8"))
)]
async fn metrics() -> Response {
    observe::metrics()
}
