//! The stand-ins as their users meet them: without a socket where that is enough, over real connections where not.

mod coinalyze;
mod gemini;
mod openai;
mod saturation;
mod socket;
mod tavily;

use std::sync::Arc;

use hyper::Request;
use hyper::http::request::Builder;
use serde_json::Value;

use super::bill::{Book, Outcome};
use super::desk::{Decision, Desk};
use super::knobs::Flaw;
use super::*;
use crate::model::Timestamp;

const KEY: &str = "sk-of-the-tests";
/// 2026-11-22T12:00:00Z.
const NOON: Timestamp = Timestamp(1_795_348_800_000);

/// A stand-in without a socket.
struct Till {
    desk: Desk,
    book: Arc<Book>,
    provider: Provider,
}

/// What came of a request: status, content type, headers, body.
#[derive(Debug, PartialEq)]
struct Came {
    status: u16,
    content_type: &'static str,
    headers: Vec<(String, String)>,
    body: String,
}

impl Came {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl Till {
    fn open(provider: Provider, knobs: Knobs) -> Self {
        Self::with(provider, Settings { seed: 1, knobs, key: Some(KEY.to_owned()), ..Settings::default() })
    }

    fn with(provider: Provider, settings: Settings) -> Self {
        let settings = Settings { clock: Clock::manual(NOON).0, ..settings };
        let book = Arc::new(Book::default());
        let desk = Desk::new(SERVICES[provider as usize], Arc::new(settings), Arc::clone(&book));
        Self { desk, book, provider }
    }

    fn decide(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Decision {
        self.send(Request::post(path), headers, body.to_string().as_bytes())
    }

    fn send(&self, mut request: Builder, headers: &[(&str, &str)], body: &[u8]) -> Decision {
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        self.desk.decide(&parts, body)
    }

    /// Sent with the right key.
    fn post(&self, path: &str, body: &Value) -> Came {
        let header = match self.provider {
            Provider::Gemini => ("x-goog-api-key", KEY.to_owned()),
            Provider::Coinalyze => ("api_key", KEY.to_owned()),
            Provider::OpenAi | Provider::Tavily => ("authorization", format!("Bearer {KEY}")),
        };
        came(self.decide(path, &[(header.0, &header.1)], body))
    }

    fn bill(&self) -> Bill {
        self.book.read()
    }
}

fn came(decision: Decision) -> Came {
    let reply = decision.reply.expect("an answer");
    let headers = reply.headers.into_iter().map(|(name, value)| (name.to_string(), value)).collect();
    let body = String::from_utf8(reply.body).unwrap();
    Came { status: reply.status, content_type: reply.content_type, headers, body }
}

#[test]
fn the_same_seed_and_questions_meet_the_same_fate_in_any_order() {
    let knobs = Knobs { rate_limited: 0.2, unavailable: 0.1, malformed: 0.3, thoughts: 0.5, ..Knobs::default() };
    let ask = |till: &Till, number: u32| till.post(gemini::PATH, &gemini::question(&format!("Article {number}")));
    let forward = Till::open(Provider::Gemini, knobs);
    let backward = Till::open(Provider::Gemini, knobs);
    let there: Vec<Came> = (0..50).map(|number| ask(&forward, number)).collect();
    let mut back: Vec<Came> = (0..50).rev().map(|number| ask(&backward, number)).collect();
    back.reverse();
    assert_eq!(there, back);
    let again: Vec<Came> = (0..50).map(|number| ask(&forward, number)).collect();
    assert_ne!(there, again, "asked once more, a question may do better");
    let other = Till::with(Provider::Gemini, Settings { seed: 2, knobs, ..Settings::default() });
    assert_ne!(there, (0..50).map(|number| ask(&other, number)).collect::<Vec<_>>());
}

#[test]
fn what_is_paid_is_on_the_bill_whether_it_arrives_or_not() {
    let till = Till::open(Provider::Gemini, Knobs { lost: 1.0, ..Knobs::default() });
    let key = [("x-goog-api-key", KEY)];
    let lost = till.decide(gemini::PATH, &key, &gemini::question("Bitcoin surges"));
    assert!(lost.reply.is_none());
    till.desk.knobs().send_modify(|knobs| knobs.lost = 0.0);
    let told = till.decide(gemini::PATH, &key, &gemini::question("Bitcoin surges"));
    assert!(told.reply.is_some());
    till.book.deliver(told.entry.unwrap());
    let bill = till.bill();
    assert_eq!(bill.entries.iter().map(|entry| entry.delivered).collect::<Vec<_>>(), [false, true]);
    assert_eq!(bill.total().0, bill.entries.iter().map(|entry| entry.sale.cost.0).sum::<u64>());
    assert_eq!((bill.of(Provider::Gemini), bill.of(Provider::Tavily)), (bill.total(), NanoUsd::ZERO));
    assert_eq!(bill.paid_again().into_iter().collect::<Vec<_>>(), [(bill.entries[0].question, 2)]);
    let counted = [Outcome::Lost, Outcome::Answered].map(|outcome| bill.requests(Provider::Gemini, outcome));
    assert_eq!(counted, [1, 1]);
}

#[test]
fn no_more_requests_than_there_is_room_for() {
    let till = Till::open(Provider::Gemini, Knobs { requests_max: Some(2), ..Knobs::default() });
    let ask = |number: u32| {
        till.decide(gemini::PATH, &[("x-goog-api-key", KEY)], &gemini::question(&format!("Article {number}")))
    };
    let held = [ask(1), ask(2)];
    assert_eq!(came(ask(3)).status, 429);
    drop(held);
    assert_eq!(came(ask(4)).status, 200);
    let bill = till.bill();
    assert_eq!((bill.entries.len(), bill.in_flight_max(Provider::Gemini)), (3, 2));
    assert_eq!(bill.requests(Provider::Gemini, Outcome::OverCapacity), 1);
}

#[test]
fn probabilities_are_kept_over_many_questions() {
    let knobs = Knobs { rate_limited: 0.1, lost: 0.05, malformed: 0.05, ..Knobs::default() };
    let till = Till::open(Provider::Gemini, knobs);
    for number in 0..4_000 {
        let question = gemini::question(&format!("Article {number}"));
        till.decide(gemini::PATH, &[("x-goog-api-key", KEY)], &question);
    }
    let bill = till.bill();
    let near = |count: u64, expected: u64| assert!(count.abs_diff(expected) < expected / 5, "{count}, not {expected}");
    near(bill.requests(Provider::Gemini, Outcome::RateLimited), 400);
    near(bill.requests(Provider::Gemini, Outcome::Lost), 180);
    let malformed = bill.entries.iter().filter(|entry| entry.flaw == Some(Flaw::Malformed)).count();
    near(u64::try_from(malformed).unwrap(), 180);
    assert!(bill.paid_again().is_empty());
}
