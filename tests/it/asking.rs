//! The API in this process, before a real engine: requests go straight to its router.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request};
use serde_json::Value;
use signalmill::api::{self, Api, Parts};
use signalmill::clickhouse::Store;
use signalmill::clock::Clock;
use signalmill::config::Config;
use signalmill::observe::Health;
use tokio::sync::watch;
use tower::ServiceExt as _;

use crate::engine::Engine;

/// The largest body that a test reads.
const BODY_BYTES_MAX: usize = 64 << 20;

/// An engine with tables, and the API before it.
pub struct Asking {
    _engine: Engine,
    pub store: Store,
    router: Router,
    _stop: watch::Sender<bool>,
}

/// What was answered.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Asking {
    pub async fn start() -> Self {
        let engine = Engine::start().await;
        let store = engine.store("signalmill");
        store.migrate().await.unwrap();
        let clock = Clock::system();
        let (stopper, stop) = watch::channel(false);
        let parts = Parts {
            config: Arc::new(Config::default()),
            store: store.clone(),
            registry: None,
            estimator: None,
            health: Health::new(clock.clone()),
            clock,
            hops: Vec::new(),
            stop,
        };
        let router = api::router(&Api::new(parts).unwrap());
        Self { _engine: engine, store, router, _stop: stopper }
    }

    /// A statement about the test's database.
    pub async fn sql(&self, sql: &str) -> String {
        self.store.ask(sql).await.unwrap_or_else(|failure| panic!("{sql}: {failure}"))
    }

    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::builder().uri(path).header("host", "127.0.0.1:8080");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::empty()).unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 4711))));
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let body = to_bytes(body, BODY_BYTES_MAX).await.unwrap().to_vec();
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// Status and JSON.
    pub async fn get(&self, path: &str) -> (u16, Value) {
        let answer = self.get_with(path, &[]).await;
        let said = String::from_utf8_lossy(&answer.body).into_owned();
        (answer.status, serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{path}: {error}: {said}")))
    }

    /// JSON of an answer that must be a success.
    pub async fn ok(&self, path: &str) -> Value {
        let (status, json) = self.get(path).await;
        assert_eq!(status, 200, "{path}: {json}");
        json
    }

    /// The field `id` of every row of `list` on all pages of `path`, which has a query; `between` runs after each page.
    pub async fn walk(&self, path: &str, list: &str, id: &str, mut between: impl AsyncFnMut(usize)) -> Vec<String> {
        let mut seen = Vec::new();
        let mut cursor = String::new();
        for page in 1.. {
            let json = self.ok(&format!("{path}{cursor}")).await;
            let rows = json[list].as_array().unwrap();
            seen.extend(rows.iter().map(|row| row[id].as_str().unwrap().to_owned()));
            let Some(next) = json["next_cursor"].as_str() else { return seen };
            assert!(!rows.is_empty(), "a page that is not the last has rows");
            cursor = format!("&cursor={next}");
            between(page).await;
        }
        seen
    }

    /// What every endpoint refuses, and what none of them takes for more than a text.
    pub async fn assert_hostile(&self, path: &str, text_parameter: &str, list: &str, cursor_of_another: &str) {
        for (query, expected) in [
            ("limit=0", 400),
            ("limit=501", 400),
            ("limit=-1", 400),
            ("limit=x", 400),
            ("limit=99999999999999999999", 400),
            ("cursor=*", 400),
            ("cursor=e30", 400),
            ("cursor=W251bGwsbnVsbF0", 400),
            (&format!("cursor={cursor_of_another}"), 400),
            (&format!("{text_parameter}={}", "x".repeat(1_001)), 400),
        ] {
            let (status, json) = self.get(&format!("{path}?{query}")).await;
            assert_eq!(status, expected, "{path}?{query}: {json}");
            assert_eq!(json["error"]["code"], "invalid_request", "{json}");
        }
        for odd in ["%27%20OR%201%3D1%20--", "%00", "%3F", "%5C%27", "%60", "%7Bx%7D", "%F0%9F%9A%80", "%FF", "%0A%09"]
        {
            let json = self.ok(&format!("{path}?{text_parameter}={odd}")).await;
            assert_eq!(json[list].as_array().unwrap().len(), 0, "{path} {odd}");
        }
    }
}
