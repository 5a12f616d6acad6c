//! What the API counts of its requests.

use std::sync::Arc;
use std::time::Duration;

use metrics::Gauge;

use super::registry::Registry;
use super::table::{HTTP_REQUESTS, HTTP_STREAMS, HTTP_TIME};

/// Methods that are told apart; a caller may invent others.
const METHODS: &[&str] = &["GET", "HEAD", "POST", "DELETE", "OPTIONS"];
/// Any other method.
const OTHER: &str = "other";

/// What the API counts.
#[derive(Debug, Clone)]
pub struct HttpMetrics(Arc<Gauge>);

/// The metrics of the API.
#[must_use]
pub fn http() -> HttpMetrics {
    HttpMetrics(Arc::new(Registry::process().gauge(&HTTP_STREAMS, &[])))
}

impl HttpMetrics {
    /// Makes these routes and methods exist at zero successes, before the first request.
    pub fn expect(&self, operations: &[(String, &'static str)]) {
        for (route, method) in operations {
            let _ = Registry::process().counter(&HTTP_REQUESTS, &[route, method, "200"]);
            let _ = Registry::process().histogram(&HTTP_TIME, &[route]);
        }
    }

    /// A request was answered after this time. `route` is a template of ours, never a path that somebody made up.
    pub fn answered(&self, route: &str, method: &str, status: u16, time: Duration) {
        let method = METHODS.iter().find(|known| **known == method).unwrap_or(&OTHER);
        Registry::process().counter(&HTTP_REQUESTS, &[route, method, &status.to_string()]).increment(1);
        Registry::process().histogram(&HTTP_TIME, &[route]).record(time);
    }

    /// So many more streams are open, or fewer.
    pub fn streams(&self, change: f64) {
        self.0.increment(change);
    }
}
