//! `/live`, `/ready`, `/health` and `/metrics`: what orchestrators, people and Prometheus ask.
//!
//! Answers are made when asked and hold no secrets. Errors have the form of all of ours: `{"error":{"code","message"}}`.

use std::io;
use std::time::Duration;

use axum::extract::State as Shared;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::health::{Health, Kind, Report, State};
use super::process;
use super::registry::Registry;
use super::spending;

/// The text format of Prometheus.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
/// What a sample of the breakers begins with; their names have nothing that would be escaped.
const BREAKER: &str = "signalmill_breaker_state{provider=\"";
/// How often histograms are folded while nobody scrapes: bounds what they hold to five seconds of samples.
const FOLD_EVERY: Duration = Duration::from_secs(5);
/// How long open connections may hold up the end of the process.
const CLOSE_WAIT: Duration = Duration::from_secs(1);

/// The metrics of this process in the text format of Prometheus.
#[must_use]
pub fn render() -> String {
    let mut text = Registry::process().render();
    spending::append(&mut text);
    process::append(&mut text);
    text
}

/// Whether each provider of this process is asked: its name, and `closed`, `half_open` or `open`.
#[must_use]
pub fn breakers() -> Vec<(String, &'static str)> {
    let text = Registry::process().render();
    let samples = text.lines().filter_map(|line| line.strip_prefix(BREAKER)?.split_once("\"} "));
    let state = |value: &str| match value.trim() {
        "0" => "closed",
        "1" => "half_open",
        _ => "open",
    };
    samples.map(|(provider, value)| (provider.to_owned(), state(value))).collect()
}

/// The four pages.
pub fn router(health: Health) -> Router {
    Router::new()
        .route("/live", get(|Shared(health): Shared<Health>| async move { live(&health) }))
        .route("/ready", get(|Shared(health): Shared<Health>| async move { ready(&health) }))
        .route("/health", get(|Shared(health): Shared<Health>| async move { whole(&health) }))
        .route("/metrics", get(|| async { metrics() }))
        .fallback(nothing)
        .method_not_allowed_fallback(wrong_method)
        .with_state(health)
}

/// Serves until `shutdown` completes, then for at most a second what is still open. Also keeps the histograms folded.
///
/// # Errors
/// The listener failed.
pub async fn serve(listener: TcpListener, router: Router, shutdown: impl Future<Output = ()> + Send) -> io::Result<()> {
    let (stop, stopped) = oneshot::channel::<()>();
    let closing = async move {
        // An error means that `stop` was dropped, which is how it is used.
        let _ = stopped.await;
    };
    let mut serving = Box::pin(axum::serve(listener, router).with_graceful_shutdown(closing).into_future());
    tokio::select! {
        done = &mut serving => return done,
        () = shutdown => {}
        () = fold() => {}
    }
    drop(stop);
    tokio::time::timeout(CLOSE_WAIT, serving).await.unwrap_or(Ok(()))
}

async fn fold() {
    let mut tick = tokio::time::interval(FOLD_EVERY);
    loop {
        tick.tick().await;
        Registry::process().fold();
    }
}

/// The page `/live`: 503 once a hop has ended.
#[must_use]
pub fn live(health: &Health) -> Response {
    let dead = |report: &Report| report.kind == Kind::Hop && matches!(report.state, State::Failed(_));
    let dead: Vec<Report> = health.reports().into_iter().filter(dead).collect();
    if dead.is_empty() {
        return Json(json!({ "status": "live" })).into_response();
    }
    unavailable("not_live", "a hop has ended", &dead)
}

/// The page `/ready`: 503 until every hop is ready.
#[must_use]
pub fn ready(health: &Health) -> Response {
    let hops: Vec<Report> = health.reports().into_iter().filter(|report| report.kind == Kind::Hop).collect();
    let started = !hops.is_empty();
    let others: Vec<Report> = hops.into_iter().filter(|report| report.state != State::Ready).collect();
    match (started, others.is_empty()) {
        (true, true) => Json(json!({ "status": "ready" })).into_response(),
        (true, false) => unavailable("not_ready", "not every hop is ready", &others),
        (false, _) => unavailable("not_ready", "no hop has started yet", &others),
    }
}

/// The page `/health`: every component.
#[must_use]
pub fn whole(health: &Health) -> Response {
    let reports = health.reports();
    let well = reports.iter().all(|report| report.state == State::Ready);
    Json(json!({
        "status": if well { "ok" } else { "degraded" },
        "version": env!("CARGO_PKG_VERSION"),
        "uptime_s": health.uptime().as_secs(),
        "components": reports,
    }))
    .into_response()
}

/// The page `/metrics`.
#[must_use]
pub fn metrics() -> Response {
    ([(header::CONTENT_TYPE, METRICS_TYPE)], render()).into_response()
}

async fn nothing() -> Response {
    let body = json!({ "error": { "code": "not_found", "message": "there is /live, /ready, /health and /metrics" } });
    (StatusCode::NOT_FOUND, Json(body)).into_response()
}

async fn wrong_method() -> Response {
    let body = json!({ "error": { "code": "method_not_allowed", "message": "only GET and HEAD" } });
    (StatusCode::METHOD_NOT_ALLOWED, Json(body)).into_response()
}

fn unavailable(code: &str, message: &str, reports: &[Report]) -> Response {
    let body = json!({ "error": { "code": code, "message": message }, "components": reports });
    (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
}
