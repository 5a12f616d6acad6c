//! Coinalyze: what derivatives markets say, limited by units instead of money (`wire-formats.md`, section 1).
//!
//! One client is one key, with a quota of its own: who calls counts the units first
//! ([`quota`](crate::provider::quota)), a unit for each symbol of a request and one for a list. No answer costs money, so
//! nothing is ever billed; whether the service counts a call that brought no answer is not known, so the caller does.
//!
//! A status decides as everywhere ([`adapter`](super)): 401 stops the key until a person acts, 429 pauses it for as
//! long as the service says or, where it does not say, for a window; 400 is not asked again, 5xx is. The bodies of
//! failures are documented nowhere, hence only shown.

use std::time::Duration;

use reqwest::header::HeaderName;

use super::Unfit;
use super::access::Access;
use super::answer::{Answer, decision};
use super::http::Http;
use crate::config;
use crate::market::contexts::{self, Answered, interval_name};
use crate::market::plan::Request;
use crate::market::resolver::Market;
use crate::provider::call::{Bill, CallError, Called};

#[cfg(test)]
mod tests;

const NAME: &str = "coinalyze";
const KEYS_VARIABLE: &str = "COINALYZE_API_KEYS";
const KEY: HeaderName = HeaderName::from_static("api_key");
/// The longest wait for an answer. They take fractions of a second, and a unit is not used again before its request ends.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The most symbols of a request: more are cut off silently, or not.
pub const SYMBOLS_MAX: usize = 20;

/// The service, by one key.
#[derive(Debug, Clone)]
pub struct Coinalyze {
    http: Http,
    access: Access,
}

impl Coinalyze {
    /// A client for each configured key, in their order.
    ///
    /// # Errors
    /// [`Unfit`], for a person to mend: no key, or one that cannot be sent.
    pub fn new(config: &config::Coinalyze, http: &Http) -> Result<Vec<Self>, Unfit> {
        if config.api_keys.is_empty() {
            return Err(Unfit::NoKey(KEYS_VARIABLE));
        }
        let client = |key| {
            let access = Access::open(NAME, &config.base_url, TIMEOUT)?.with_key(KEY, "", key, KEYS_VARIABLE)?;
            Ok(Self { http: http.clone(), access })
        };
        config.api_keys.iter().map(client).collect()
    }

    /// As metrics name it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        NAME
    }

    /// Every derivatives market of every venue, for one unit.
    pub async fn future_markets(&self) -> Called<Vec<Market>> {
        free(self.http.get(&self.access, &["future-markets"], &[], |answer| read(answer, Market::read_all)).await)
    }

    /// One history of several symbols, for a unit each. A symbol that is missing in the answer was left out by the
    /// service; one that was not asked for is left out here.
    ///
    /// # Panics
    /// A request without symbols, or with more than [`SYMBOLS_MAX`].
    pub async fn history(&self, request: &Request) -> Called<Vec<Answered>> {
        assert!((1..=SYMBOLS_MAX).contains(&request.symbols.len()), "a request has 1 to {SYMBOLS_MAX} symbols");
        let Some(interval) = interval_name(request.interval) else {
            let error = format!("{NAME} has no interval of {}", request.interval);
            return free(Called { result: Err(CallError::Permanent { error }), bill: Bill::Nothing });
        };
        let query = query(request, interval);
        let parse = |body: &[u8]| contexts::read(request.history, request.interval, body);
        let read = |answer: &Answer| read(answer, parse);
        let mut called = self.http.get(&self.access, &[request.history.path()], &query, read).await;
        if let Ok(answered) = &mut called.result {
            answered.retain(|row| request.symbols.iter().any(|symbol| **symbol == *row.symbol));
        }
        free(called)
    }
}

fn query(request: &Request, interval: &'static str) -> Vec<(&'static str, String)> {
    let mut query = vec![
        ("symbols", request.symbols.join(",")),
        ("interval", interval.to_owned()),
        // Milliseconds are no error there: they are answered by an empty list.
        ("from", request.from.0.div_euclid(1_000).to_string()),
        ("to", request.to.0.div_euclid(1_000).to_string()),
    ];
    if request.history.is_amount() {
        query.push(("convert_to_usd", "true".to_owned()));
    }
    query
}

pub(super) fn read<T>(answer: &Answer, parse: impl FnOnce(&[u8]) -> serde_json::Result<T>) -> Called<T> {
    let result = if answer.is_success() {
        answer.read_by(parse)
    } else {
        let complaint = answer.complaint();
        Err(decision(answer.status, answer.retry_after(), answer.story(complaint["message"].as_str())))
    };
    Called { result, bill: Bill::Nothing }
}

/// Whatever came of it, there is no bill.
fn free<T>(called: Called<T>) -> Called<T> {
    Called { bill: Bill::Nothing, ..called }
}
