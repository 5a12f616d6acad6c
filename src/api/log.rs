//! The outermost layer: a request's id, its line in the access log, and its metrics.
//!
//! The line has the route (a template), never the path or the query, which may hold what is nobody's business.

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::Response;
use rand::Rng as _;
use tokio::time::Instant;
use tracing::{Instrument as _, info, info_span};

use super::Api;
use super::gate::User;

/// The header of ids.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest id that is taken over from a caller.
const ID_BYTES_MAX: usize = 64;
/// The route of a request that no endpoint is there for.
const NO_ROUTE: &str = "none";

/// Puts it around everything.
pub(super) fn around(router: Router<Api>, api: &Api) -> Router<Api> {
    router.layer(middleware::from_fn_with_state(api.clone(), log))
}

async fn log(State(api): State<Api>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = request.headers().get(&REQUEST_ID).filter(|id| is_sane(id)).cloned().unwrap_or_else(fresh);
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or(NO_ROUTE, MatchedPath::as_str);
    let text = id.to_str().unwrap_or_default().to_owned();
    let span = info_span!("request", id = text);
    let mut response = next.run(request).instrument(span.clone()).await;
    response.headers_mut().insert(REQUEST_ID, id);
    let took = began.elapsed();
    let status = response.status();
    api.0.metrics.answered(route, method.as_str(), status.as_u16(), took);
    let user = response.extensions_mut().remove::<User>().map(|user| user.0);
    let duration_ms = took.as_secs_f64() * 1e3;
    span.in_scope(|| match status {
        // Orchestrators ask every few seconds.
        StatusCode::OK if matches!(route, "/live" | "/ready" | "/metrics") => {
            tracing::debug!(%method, route, status = status.as_u16(), duration_ms, user, "answered");
        }
        _ => info!(%method, route, status = status.as_u16(), duration_ms, user, "answered"),
    });
    response
}

/// Letters, digits and what parts them: harmless in every log.
fn is_sane(id: &HeaderValue) -> bool {
    let legal = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    !id.is_empty() && id.len() <= ID_BYTES_MAX && id.as_bytes().iter().all(legal)
}

fn fresh() -> HeaderValue {
    let id = format!("{:032x}", rand::rng().random::<u128>());
    HeaderValue::from_str(&id).unwrap_or(HeaderValue::from_static("none"))
}
