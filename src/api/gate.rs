//! What stands before every endpoint: where a browser's request comes from, who calls, how often, how many at a time,
//! and for how long.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::access::Caller;
use super::rate::{Buckets, Rate};
use super::{Api, Problem};
use crate::config;

/// How many seconds' worth of requests a caller may send at once.
const BURST_SECONDS: u32 = 2;
/// How long a browser remembers what another origin may do.
const CORS_AGE_MAX: Duration = Duration::from_hours(1);
/// Where a browser says for whose page it asks.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// A page of ours, and somebody who typed the address.
const OWN_SITES: [&str; 2] = ["same-origin", "none"];
/// Said with every answer. The page has no code but its own files; charts draw on styles and data URLs.
const HEADERS: [(&str, &str); 5] = [
    (
        "content-security-policy",
        "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// How many at a time, and how often.
#[derive(Debug)]
pub(super) struct Room {
    requests: Semaphore,
    streams: Arc<Semaphore>,
    rate: Buckets<By>,
}

/// Whose requests are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum By {
    User(String),
    Address(IpAddr),
}

impl Room {
    pub(super) fn new(config: &config::Api) -> Self {
        let second = config.requests_per_second;
        let rate = Rate { burst: second.saturating_mul(BURST_SECONDS), every: Duration::from_secs(1) / second };
        Self {
            requests: Semaphore::new(config.requests_max),
            streams: Arc::new(Semaphore::new(config.streams_max)),
            rate: Buckets::new(rate),
        }
    }

    /// Room for one more stream, until it is dropped.
    pub(super) fn stream(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let full = |_| Problem::unavailable("too_many_streams", "as many streams are open as api.streams_max allows");
        Arc::clone(&self.streams).try_acquire_owned().map_err(full)
    }
}

/// Puts everything around a router that stands before its endpoints.
pub(super) fn around(router: Router<Api>, api: &Api) -> Router<Api> {
    let router = router
        .layer(middleware::from_fn_with_state(api.clone(), admit))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(CompressionLayer::new());
    let router = match cors(&api.config().api.cors_origins) {
        Some(cors) => router.layer(cors),
        None => router,
    };
    router.layer(middleware::map_response(with_headers))
}

fn cors(origins: &[String]) -> Option<CorsLayer> {
    let origins: Vec<HeaderValue> = origins.iter().filter_map(|origin| origin.parse().ok()).collect();
    (!origins.is_empty()).then(|| {
        CorsLayer::new()
            .allow_origin(AllowOrigin::list(origins))
            .allow_methods([Method::GET, Method::POST, Method::DELETE])
            .allow_headers(
                ["authorization", "content-type", "idempotency-key", "last-event-id", "x-request-id"]
                    .map(HeaderName::from_static),
            )
            .expose_headers(["etag", "retry-after", "x-request-id"].map(HeaderName::from_static))
            .max_age(CORS_AGE_MAX)
    })
}

async fn with_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

#[expect(clippy::needless_pass_by_value, reason = "the signature that the layer calls")]
fn panicked(panic: Box<dyn std::any::Any + Send>) -> Response {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Problem::internal(&format!("panic: {}", text.unwrap_or("no text"))).into_response()
}

/// Lets a request in, or says why not.
async fn admit(
    State(api): State<Api>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    let caller = match enter(&api, peer.ip(), &request) {
        Ok(caller) => caller,
        Err(problem) => return problem.into_response(),
    };
    let user = caller.as_ref().map(|caller| User(caller.user().to_owned()));
    if let Some(caller) = caller {
        request.extensions_mut().insert(caller);
    }
    let Ok(_room) = api.0.room.requests.try_acquire() else {
        let message = "as many requests are under way as api.requests_max allows: try again in a moment";
        return Problem::unavailable("busy", message).into_response();
    };
    let limit = api.config().api.timeout;
    let mut response = tokio::time::timeout(limit, next.run(request)).await.unwrap_or_else(|_| {
        let message = format!("no answer within api.timeout ({} s)", limit.as_secs_f64());
        Problem::new(StatusCode::GATEWAY_TIMEOUT, "timeout", message).into_response()
    });
    if let Some(user) = user {
        response.extensions_mut().insert(user);
    }
    response
}

/// For the log: who called.
#[derive(Debug, Clone)]
pub(super) struct User(pub(super) String);

fn enter(api: &Api, address: IpAddr, request: &Request) -> Result<Option<Caller>, Problem> {
    let inner = &api.0;
    let now = api.clock().now();
    origin(api, request.method(), request.headers())?;
    let identified = inner.access.identify(request.headers(), address, now);
    // Whoever shows a wrong token is counted by the address.
    let by = match &identified {
        Ok(Some(caller)) if inner.access.needs_tokens() => By::User(caller.user().to_owned()),
        _ => By::Address(address),
    };
    inner
        .room
        .rate
        .take(by, now)
        .map_err(|wait| Problem::too_many("more requests a second than api.requests_per_second allows", wait))?;
    identified
}

/// Whether a browser sends this by itself, or for a page of somebody else. `Host` tells a name that somebody let point
/// here (DNS rebinding); for the rest see [`own_page`].
fn origin(api: &Api, method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    let host = text(headers, &HOST).unwrap_or_default();
    if !api.0.access.needs_tokens() && !host.is_empty() && !is_local(host) {
        let message = "without SIGNALMILL_API_TOKENS only localhost is answered: set tokens to use other names";
        return Err(Problem::new(StatusCode::FORBIDDEN, "foreign_host", message));
    }
    if method.is_safe() { Ok(()) } else { own_page(api, headers) }
}

/// Refuses what a foreign page asks for by a browser: it may change nothing here. The gate asks this for methods that are
/// not safe; a GET that changes something asks for itself. A picture or a link of a foreign page sends no `Origin`, but
/// `Sec-Fetch-Site`. Programs send neither.
///
/// # Errors
/// 403 for a page that is neither ours nor of `api.cors_origins`.
pub(super) fn own_page(api: &Api, headers: &HeaderMap) -> Result<(), Problem> {
    let host = text(headers, &HOST).unwrap_or_default();
    let origin = text(headers, &ORIGIN);
    if origin.is_some_and(|origin| api.config().api.cors_origins.iter().any(|allowed| allowed == origin)) {
        return Ok(());
    }
    let is_ours =
        |origin: &str| origin.split_once("://").is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host));
    let came_from = text(headers, &FETCH_SITE);
    if origin.is_none_or(is_ours) && came_from.is_none_or(|site| OWN_SITES.contains(&site)) {
        return Ok(());
    }
    let message = "a page of this origin may not change anything here: add the origin to api.cors_origins if it may";
    Err(Problem::new(StatusCode::FORBIDDEN, "foreign_origin", message))
}

/// A header's text; empty where it is none.
fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or_default())
}

/// `localhost`, or an address of this machine's loopback, with or without a port.
fn is_local(host: &str) -> bool {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.split(':').next().unwrap_or(host),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
