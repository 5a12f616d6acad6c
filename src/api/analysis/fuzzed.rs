//! What is asked over HTTP, in the parts that we read ourselves, without a server. For `tests/fuzz/`.

use std::net::{IpAddr, Ipv4Addr};

use axum::extract::Query;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue, Uri};

use super::request::{Asked, Market, Wish, WishInQuery};
use crate::api::access::Access;
use crate::api::list;
use crate::config;
use crate::model::Timestamp;
use crate::wire::Record as _;

/// Longest symbol of a job, in characters.
const SYMBOL_CHARS_MAX: usize = 64;

/// Reads `words`, a line each: symbol, interval, token, idempotency key, query; and a `body`. What is taken is a record
/// that a worker takes too.
///
/// # Panics
/// A law is broken.
pub(crate) fn read_question(words: &str, body: &str, now: Timestamp) {
    let mut words = words.split('\n');
    let mut word = || words.next().unwrap_or_default();
    let market = serde_json::json!({"symbol": word(), "interval": word()});
    let mut headers = HeaderMap::new();
    for name in [AUTHORIZATION, axum::http::HeaderName::from_static("idempotency-key")] {
        if let Ok(value) = HeaderValue::from_str(word()) {
            headers.insert(name, value);
        }
    }
    let query = word();
    for part in query.split(['&', '=']) {
        let _ = list::after::<(i64, String)>(Some(part));
        if let Ok(Some(time)) = list::moment("since", Some(part)) {
            assert!(!time.to_string().is_empty(), "a time can be shown");
        }
    }
    let access = Access::new(&config::Api::default());
    let caller = access.identify(&headers, IpAddr::V4(Ipv4Addr::LOCALHOST), now);
    let Ok(Some(caller)) = caller else { unreachable!("without tokens everybody on loopback is let in") };
    let uri: Option<Uri> = format!("/?{query}").parse().ok();
    let in_query =
        uri.and_then(|uri| Query::<WishInQuery>::try_from_uri(&uri).ok()).map(|Query(wish)| Wish::from(wish));
    let in_body = serde_json::from_str::<Wish>(body).ok();
    for wish in [in_query, in_body].into_iter().flatten() {
        let Ok(market) = serde_json::from_value::<Market>(market.clone()) else { continue };
        let Ok(asked) = Asked::read(market, wish, &caller, &headers, now) else { continue };
        assert!(asked.job.symbol.chars().count() <= SYMBOL_CHARS_MAX, "a symbol has a limit");
        assert!(asked.job.check().is_ok(), "what the API takes a worker takes: {:?}", asked.job);
        assert_eq!(asked.likeness.0.len(), 32, "a wish has a name");
    }
}
