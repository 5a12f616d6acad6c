//! The API in memory: its rules before any endpoint, without Kafka or ClickHouse.

mod origins;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode};
use axum::response::sse::Event;
use axum::routing::get;
use axum::{Router, middleware};
use futures_util::{StreamExt as _, stream};
use serde_json::Value;
use tokio::sync::watch;
use tower::ServiceExt as _;

use super::*;
use crate::clickhouse::Settings;
use crate::config::{Environment, Token};
use crate::model::Timestamp;
use crate::observe::Kind;

const TOKENS: (&str, &str) = ("SIGNALMILL_API_TOKENS", "alice-token-1=alice:admin,bob-token-2=bob");

fn api(variables: &[(&str, &str)]) -> (Api, watch::Sender<bool>) {
    api_at(variables, Clock::system())
}

fn api_at(variables: &[(&str, &str)], clock: Clock) -> (Api, watch::Sender<bool>) {
    let config = Arc::new(Config::load(None, &Environment::of(variables)).unwrap());
    // Nobody listens there: questions fail at once.
    let settings = Settings { url: "http://127.0.0.1:9".to_owned(), ..Settings::default() };
    let (stop, stops) = watch::channel(false);
    let health = Health::new(clock.clone());
    health.component(Kind::Hop, "serve").ready();
    let store = Store::new(settings, clock.clone()).unwrap();
    let parts = Parts { config, clock, store, registry: None, estimator: None, health, hops: Vec::new(), stop: stops };
    (Api::new(parts).unwrap(), stop)
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    fn code(&self) -> String {
        let body = self.json();
        assert!(body["error"]["message"].is_string(), "{body}");
        body["error"]["code"].as_str().unwrap().to_owned()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// `METHOD /path`, and headers.
async fn ask(router: &Router, request: &str, headers: &[(&str, &str)]) -> Answer {
    let (method, path) = request.split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(path);
    if !headers.iter().any(|(name, _)| *name == "host") {
        request = request.header("host", "127.0.0.1:8080");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(Body::empty()).unwrap();
    request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 4711))));
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, 1 << 24).await.unwrap().to_vec();
    Answer { status: parts.status, headers: parts.headers, body }
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

#[tokio::test]
async fn who_may_ask_what() {
    let (open, _stop) = api(&[]);
    let (closed, _stop) = api(&[TOKENS]);
    let (open, closed) = (router(&open), router(&closed));
    // Without tokens everybody; with tokens nobody, a user, an admin.
    for (request, statuses) in [
        ("GET /", [200, 200, 200, 200]),
        ("GET /openapi.json", [200, 200, 200, 200]),
        ("GET /live", [200, 200, 200, 200]),
        ("GET /ready", [200, 200, 200, 200]),
        ("GET /api/whoami", [200, 200, 200, 200]),
        ("GET /health", [200, 401, 200, 200]),
        ("GET /metrics", [200, 401, 403, 200]),
        ("GET /admin/status", [200, 401, 403, 200]),
        ("GET /nothing", [404, 404, 404, 404]),
        ("POST /health", [405, 405, 405, 405]),
    ] {
        let (bob, alice) = (bearer("bob-token-2"), bearer("alice-token-1"));
        let (bob, alice) = ([("authorization", bob.as_str())], [("authorization", alice.as_str())]);
        let asked = [
            ask(&open, request, &[]).await,
            ask(&closed, request, &[]).await,
            ask(&closed, request, &bob).await,
            ask(&closed, request, &alice).await,
        ];
        for (answer, status) in asked.iter().zip(statuses) {
            assert_eq!(answer.status, status, "{request}");
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
            assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"));
            assert!(!answer.header("x-request-id").is_empty());
            match status {
                401 => {
                    assert!(answer.code() == "unauthorized" && answer.header("www-authenticate").starts_with("Bearer"));
                }
                403 => assert_eq!(answer.code(), "forbidden"),
                404 => assert_eq!(answer.code(), "not_found"),
                405 => assert!(answer.code() == "method_not_allowed" && answer.header("allow").contains("GET")),
                _ => {}
            }
        }
        // A wrong token is wrong everywhere.
        let (fresh, _stop) = api(&[TOKENS]);
        let fresh = router(&fresh);
        for wrong in ["Bearer bob-token-3", "Bearer ", "Basic Ym9iOnRva2Vu", "bob-token-2"] {
            assert_eq!(
                ask(&fresh, request, &[("authorization", wrong)]).await.code(),
                "unauthorized",
                "{request} {wrong}"
            );
        }
    }
    let who = |answer: Answer| answer.json();
    let local = serde_json::json!({ "user": "local", "admin": true, "tokens": false });
    assert_eq!(who(ask(&open, "GET /api/whoami", &[]).await), local);
    let nobody = serde_json::json!({ "user": null, "admin": false, "tokens": true });
    assert_eq!(who(ask(&closed, "GET /api/whoami", &[]).await), nobody);
}

#[tokio::test]
async fn wrong_tokens_shut_the_door_for_a_while() {
    let (api, _stop) = api(&[TOKENS]);
    let router = router(&api);
    for _ in 0..20 {
        assert_eq!(ask(&router, "GET /health", &[("authorization", "Bearer guess")]).await.status, 401);
    }
    let answer = ask(&router, "GET /health", &[("authorization", "Bearer guess")]).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (429, "too_many_requests"));
    assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert_eq!(ask(&router, "GET /live", &[]).await.status, 200, "who shows none is not meant");
    let right = bearer("bob-token-2");
    assert_eq!(ask(&router, "GET /health", &[("authorization", &right)]).await.status, 200, "nor is who has one");
}

#[tokio::test]
async fn users_are_whom_their_token_says() {
    let (closed, _stop) = api(&[TOKENS]);
    let (open, _stop) = api(&[]);
    let caller = |api: &Api, token: Option<&str>| {
        let mut headers = HeaderMap::new();
        if let Some(token) = token {
            headers.insert("authorization", bearer(token).parse().unwrap());
        }
        api.0.access.identify(&headers, [127, 0, 0, 1].into(), api.clock().now()).unwrap()
    };
    let bob = caller(&closed, Some("bob-token-2")).unwrap();
    assert_eq!(bob.acts_for(None).unwrap(), "bob");
    assert_eq!(bob.acts_for(Some("bob")).unwrap(), "bob");
    assert_eq!(bob.acts_for(Some("alice")).unwrap_err().status(), 403);
    assert!(bob.sees("bob") && !bob.sees("alice"));
    let alice = caller(&closed, Some("alice-token-1")).unwrap();
    assert_eq!(alice.acts_for(Some("bob")).unwrap(), "bob");
    assert!(alice.sees("bob"));
    assert_eq!(caller(&closed, None), None);
    let local = caller(&open, None).unwrap();
    assert_eq!((local.acts_for(None).unwrap(), local.acts_for(Some("u1")).unwrap()), ("local".into(), "u1".into()));
    for wrong in ["", "a\nb", &"x".repeat(200)] {
        assert_eq!(local.acts_for(Some(wrong)).unwrap_err().status(), 400);
    }
}

#[test]
fn without_tokens_only_this_machine_is_served() {
    let listen = ("SIGNALMILL__API__LISTEN", "0.0.0.0:8080");
    let load = |variables: &[(&str, &str)]| Config::load(None, &Environment::of(variables)).unwrap();
    let refused = check(&load(&[listen])).unwrap_err().to_string();
    assert!(refused.contains("SIGNALMILL_API_TOKENS") && refused.contains("0.0.0.0:8080"), "{refused}");
    assert!(check(&load(&[listen, TOKENS])).is_ok());
    assert!(check(&load(&[("SIGNALMILL__API__LISTEN", "[::1]:8080")])).is_ok());
    let _: Vec<Token> = load(&[TOKENS]).api.tokens;
}

#[tokio::test]
async fn the_page_is_cached_and_packed() {
    let (api, _stop) = api(&[]);
    let router = router(&api);
    let plain = ask(&router, "GET /", &[]).await;
    assert!(plain.header("content-type").starts_with("text/html") && !plain.body.is_empty());
    let etag = plain.header("etag").to_owned();
    let known = ask(&router, "GET /", &[("if-none-match", &etag)]).await;
    assert!(known.status == 304 && known.body.is_empty() && known.header("etag") == etag);
    let packed = ask(&router, "GET /openapi.json", &[("accept-encoding", "gzip")]).await;
    assert!(packed.header("content-encoding") == "gzip" && packed.body.starts_with(&[0x1f, 0x8b]));
    assert_eq!(ask(&router, "GET /assets/../index.html", &[]).await.code(), "not_found");
    assert_eq!(ask(&router, "HEAD /", &[]).await.status, 200);
}

#[tokio::test]
async fn ids_are_taken_over_where_they_are_harmless() {
    let (api, _stop) = api(&[]);
    let router = router(&api);
    for (sent, kept) in
        [("abc-123_X.y", true), ("a b", false), ("<script>", false), (&*"x".repeat(65), false), ("", false)]
    {
        let answer = ask(&router, "GET /live", &[("x-request-id", sent)]).await;
        assert_eq!(answer.header("x-request-id") == sent, kept, "{sent}");
    }
}

/// Endpoints that misbehave, behind everything that stands before endpoints.
fn misbehaving(api: &Api) -> Router {
    async fn panics() {
        panic!("a secret of the stack");
    }
    async fn fails(state: axum::extract::State<Api>) -> Result<(), Problem> {
        state.store().ping().await?;
        Ok(())
    }
    async fn streams(state: axum::extract::State<Api>) -> Result<axum::response::Response, Problem> {
        let open = super::stream::Open::take(&state)?;
        Ok(super::stream::sse(&state, open, stream::iter([Event::default().data("one")]).chain(stream::pending())))
    }
    let endpoints = Router::new()
        .route("/panics", get(panics))
        .route("/hangs", get(std::future::pending::<()>))
        .route("/fails", get(fails))
        .route("/streams", get(streams))
        .route("/echo", axum::routing::post(|body: extract::Json<Value>| async move { body.0.to_string() }))
        .route_layer(middleware::from_fn(access::needs_user))
        .layer(DefaultBodyLimit::max(64));
    log::around(gate::around(endpoints, api), api).with_state(api.clone())
}

#[tokio::test]
async fn what_goes_wrong_is_a_problem() {
    let (api, stop) = api(&[
        ("SIGNALMILL__API__TIMEOUT", "1s"),
        ("SIGNALMILL__API__REQUESTS_MAX", "1"),
        ("SIGNALMILL__API__STREAMS_MAX", "1"),
    ]);
    let router = misbehaving(&api);
    let panicked = ask(&router, "GET /panics", &[]).await;
    assert_eq!((panicked.status.as_u16(), panicked.code().as_str()), (500, "internal"));
    assert!(!String::from_utf8(panicked.body).unwrap().contains("secret"));
    let failed = ask(&router, "GET /fails", &[]).await;
    assert_eq!((failed.status.as_u16(), failed.code().as_str()), (503, "clickhouse_unavailable"));
    let (hung, busy) = tokio::join!(ask(&router, "GET /hangs", &[]), async {
        tokio::task::yield_now().await;
        ask(&router, "GET /fails", &[]).await
    });
    assert_eq!((hung.status.as_u16(), hung.code().as_str()), (504, "timeout"));
    assert_eq!((busy.status.as_u16(), busy.code().as_str()), (503, "busy"));
    let text = ask(&router, "POST /echo", &[("origin", "http://127.0.0.1:8080")]).await;
    assert_eq!((text.status.as_u16(), text.code().as_str()), (415, "unsupported_media_type"));

    let streaming = tokio::spawn({
        let router = router.clone();
        async move { ask(&router, "GET /streams", &[]).await }
    });
    let open = || crate::observe::render().contains("signalmill_http_streams 1");
    while !open() {
        tokio::task::yield_now().await;
    }
    let full = ask(&router, "GET /streams", &[]).await;
    assert_eq!((full.status.as_u16(), full.code().as_str()), (503, "too_many_streams"));
    stop.send(true).unwrap();
    let streamed = streaming.await.unwrap();
    assert_eq!((streamed.status.as_u16(), streamed.header("content-type")), (200, "text/event-stream"));
    assert!(String::from_utf8(streamed.body).unwrap().starts_with("data: one"));
    assert!(!open(), "a stream that ended gives its place back");
}

#[tokio::test]
async fn nothing_is_queued_for_a_stream_that_has_no_place() {
    let (api, _stop) = api(&[("SIGNALMILL__API__STREAMS_MAX", "1")]);
    let _open = super::stream::Open::take(&api).unwrap();
    // Kafka is not there: that it is not missed says that it was not asked.
    let answer = ask(&router(&api), "GET /analyze-stream/BTCUSDT/1h", &[]).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (503, "too_many_streams"));
}

/// Status, and what a problem is called.
async fn post_to(router: Router, body: String) -> (u16, Value) {
    let request = Request::post("/echo").header("host", "localhost").header("content-type", "application/json");
    let mut request = request.header("x-request-id", "body").body(Body::from(body)).unwrap();
    request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 4711))));
    let response = router.oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, serde_json::from_slice::<Value>(&body).unwrap_or_default()["error"]["code"].clone())
}

#[tokio::test]
async fn bodies_are_json_of_a_size() {
    let (api, _stop) = api(&[]);
    let router = misbehaving(&api);
    let post = |body: String| post_to(router.clone(), body);
    assert_eq!(post("{\"a\": 1}".to_owned()).await.0, 200);
    assert_eq!(post("{\"a\": ".to_owned()).await, (400, "invalid_request".into()));
    assert_eq!(post(format!("\"{}\"", "x".repeat(80))).await, (413, "body_too_large".into()));
    // Large ones are read elsewhere, by the same rules.
    let router = Router::new()
        .route("/echo", axum::routing::post(|body: extract::Json<Value>| async move { body.0.to_string() }))
        .layer(DefaultBodyLimit::max(compute::LARGE_BYTES * 2));
    let router = log::around(gate::around(router, &api), &api).with_state(api.clone());
    let post = |body: String| post_to(router.clone(), body);
    let large = "x".repeat(compute::LARGE_BYTES);
    assert_eq!(post(format!("\"{large}\"")).await.0, 200);
    assert_eq!(post(format!("\"{large}")).await, (400, "invalid_request".into()));
    assert_eq!(post(format!("\"{large}{large}\"")).await, (413, "body_too_large".into()));
}

#[tokio::test]
async fn a_caller_may_not_ask_too_often() {
    let (clock, hand) = Clock::manual(Timestamp(1_795_305_600_000));
    let (api, _stop) = api_at(&[TOKENS, ("SIGNALMILL__API__REQUESTS_PER_SECOND", "2")], clock);
    let router = router(&api);
    let (bob, alice) = (bearer("bob-token-2"), bearer("alice-token-1"));
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(ask(&router, "GET /health", &[("authorization", &bob)]).await.status.as_u16());
    }
    assert_eq!(statuses, [200, 200, 200, 200, 429]);
    assert_eq!(ask(&router, "GET /health", &[("authorization", &alice)]).await.status, 200);
    hand.advance(Duration::from_millis(500));
    assert_eq!(ask(&router, "GET /health", &[("authorization", &bob)]).await.status, 200);
}

#[tokio::test]
async fn the_document_names_every_endpoint_and_its_problems() {
    let (api, _stop) = api(&[TOKENS]);
    let document = ask(&router(&api), "GET /openapi.json", &[]).await.json();
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() >= 6, "{paths:?}");
    for (path, item) in paths {
        for (method, operation) in item.as_object().unwrap() {
            let problem = &operation["responses"]["default"]["content"]["application/json"]["schema"]["$ref"];
            assert_eq!(problem, "#/components/schemas/Problem", "{method} {path}");
            assert!(operation["summary"].is_string(), "{method} {path} says what it does");
            assert!(operation["tags"].is_array(), "{method} {path} has a tag");
        }
    }
    assert!(document["components"]["schemas"]["Problem"].is_object());
}
