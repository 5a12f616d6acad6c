//! Tavily's search (`wire-formats.md`, section 4).
//!
//! What it finds is made from the words of the query: most queries find sources that confirm them, some find sources
//! that contradict, and in each list a few lean the other way. A credit is billed for a basic search and two for an
//! advanced one; a search without a key (`X-Tavily-Access-Mode: keyless`) is free.

use std::borrow::Cow;

use hyper::Method;
use hyper::header::RETRY_AFTER;
use hyper::http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Provider;
use super::chance::Chance;
use super::desk::{Ask, Offer, Refusal, Reply, Service, bearer};
use super::knobs::Flaw;
use super::price::Sale;
use crate::model::{NanoUsd, Timestamp};

const PATH: &str = "/search";
const QUERY_CHARS_MAX: usize = 400;
const RESULTS_MAX: u64 = 20;
const RESULTS_DEFAULT: u64 = 5;
/// Words of the query that titles and contents repeat.
const WORDS_MAX: usize = 12;
/// Days that news are old at most.
const AGE_DAYS_MAX: u64 = 6;
const DAY_MS: i64 = 86_400_000;

/// Sentences around the words of the query.
const CONFIRMING: [&str; 3] = [
    "Several independent reports confirm the news: {}. Data and officials support the account.",
    "{}, as announced officially and verified by two other sources this week.",
    "Analysts agree with the report that {}, and figures published since then back it.",
];
const CONTRADICTING: [&str; 3] = [
    "The claim that {} is false, a spokesperson said, and denied the report.",
    "Contrary to earlier reports, there is no evidence for this: {}. Experts dispute it.",
    "Doubts grow about {}: figures published since then contradict the report.",
];
const NEUTRAL: [&str; 2] = [
    "A background on {}, with a history of the market and an explanation of terms.",
    "What readers should know about {}: questions and answers, without a conclusion.",
];

pub struct Tavily;

#[derive(Deserialize)]
#[serde(default)]
struct Search<'a> {
    #[serde(borrow)]
    query: Cow<'a, str>,
    #[serde(borrow)]
    topic: Cow<'a, str>,
    #[serde(borrow, rename = "search_depth")]
    depth: Cow<'a, str>,
    max_results: u64,
    include_usage: bool,
    auto_parameters: bool,
}

impl Default for Search<'_> {
    fn default() -> Self {
        Self {
            query: Cow::Borrowed(""),
            topic: Cow::Borrowed("general"),
            depth: Cow::Borrowed("basic"),
            max_results: RESULTS_DEFAULT,
            include_usage: false,
            auto_parameters: false,
        }
    }
}

fn is_keyless(parts: &Parts) -> bool {
    let mode = parts.headers.get("x-tavily-access-mode");
    bearer(parts).is_none() && mode.is_some_and(|mode| mode.as_bytes() == b"keyless")
}

impl Service for Tavily {
    fn provider(&self) -> Provider {
        Provider::Tavily
    }

    fn base(&self) -> &'static str {
        ""
    }

    fn admits(&self, parts: &Parts, key: &str) -> Result<(), Refusal> {
        match bearer(parts) {
            Some(sent) if sent == key => Ok(()),
            Some(_) => Err(Refusal::KeyWrong(String::new())),
            None if is_keyless(parts) => Ok(()),
            None => Err(Refusal::KeyMissing),
        }
    }

    fn answer(&self, ask: &Ask<'_>) -> Result<Offer, Refusal> {
        if ask.parts.uri.path() != PATH || ask.parts.method != Method::POST {
            return Err(Refusal::UnknownPath);
        }
        let invalid = |error| Refusal::Invalid(format!("Invalid request body. {error}"));
        let search: Search<'_> = serde_json::from_slice(ask.body).map_err(invalid)?;
        check(&search)?;
        let mut chance = ask.fate.chance.clone();
        // The real service decides by itself then, too.
        let advanced = search.depth == "advanced" || (search.auto_parameters && chance.happens(0.5));
        let credits = match (is_keyless(ask.parts), advanced) {
            (true, _) => 0,
            (false, true) => 2,
            (false, false) => 1,
        };
        let reached = |limit: Option<u64>| limit.is_some_and(|limit| ask.credits + credits > limit);
        if reached(ask.knobs.paygo_credits_max) {
            return Err(Refusal::OutOfMoney);
        }
        if reached(ask.knobs.plan_credits_max) {
            return Err(Refusal::OutOfQuota(ask.knobs.retry_after));
        }
        let mut body = found(&search, &mut chance, ask.settings.clock.now());
        if search.include_usage && !ask.fate.usage_missing {
            body["usage"] = json!({ "credits": credits });
        }
        // What else can be wrong with an answer is a matter of language models.
        let flaw = ask.fate.flaw.filter(|flaw| matches!(flaw, Flaw::Malformed | Flaw::Truncated | Flaw::Empty));
        if flaw == Some(Flaw::Empty) {
            body["results"] = json!([]);
        }
        let mut reply = Reply::json(200, &body);
        if matches!(flaw, Some(Flaw::Malformed | Flaw::Truncated)) {
            reply.body.truncate(reply.body.len() * 2 / 3);
        }
        let cost = NanoUsd(credits * ask.settings.credit.0);
        Ok(Offer { reply, sale: Some(Sale { credits, cost, ..Sale::default() }), flaw })
    }

    fn refuse(&self, refusal: &Refusal, chance: &mut Chance) -> Reply {
        let (status, message) = words(refusal);
        let mut reply = Reply::json(status, &json!({ "detail": { "error": message } }));
        if let Refusal::RateLimited(wait) | Refusal::OverCapacity(wait) = refusal {
            // Half of the time it says how long, in whole seconds.
            if chance.happens(0.5) {
                let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
                reply.headers.push((RETRY_AFTER, seconds.to_string()));
            }
        }
        reply
    }
}

fn check(search: &Search<'_>) -> Result<(), Refusal> {
    let problem = if search.query.trim().is_empty() {
        "Query is missing."
    } else if search.query.chars().count() > QUERY_CHARS_MAX {
        "Query is too long. Max query length is 400 characters."
    } else if !["general", "news", "finance"].contains(&search.topic.as_ref()) {
        "Invalid topic. Must be 'general', 'news' or 'finance'."
    } else if !["basic", "advanced", "fast", "ultra-fast"].contains(&search.depth.as_ref()) {
        "Invalid search depth. Must be 'basic', 'advanced', 'fast' or 'ultra-fast'."
    } else if search.max_results > RESULTS_MAX {
        "Invalid max_results. Must be between 0 and 20."
    } else {
        return Ok(());
    };
    Err(Refusal::Invalid(problem.to_owned()))
}

fn found(search: &Search<'_>, chance: &mut Chance, now: Timestamp) -> Value {
    let words: Vec<&str> = search.query.split_whitespace().take(WORDS_MAX).collect();
    let words = words.join(" ");
    // Three of four queries are right.
    let (likely, unlikely) = if chance.happens(0.75) { (0.65, 0.1) } else { (0.1, 0.65) };
    let results = chance.between(search.max_results.min(2), search.max_results);
    let results: Vec<Value> = (0..results)
        .map(|rank| {
            let sentences: &[&str] = match chance.one_of(&[(likely, true), (unlikely, false)]) {
                Some(true) => &CONFIRMING,
                Some(false) => &CONTRADICTING,
                None => &NEUTRAL,
            };
            let number = chance.next();
            let mut result = json!({
                "title": format!("{words} - source {}", rank + 1),
                "url": format!("https://example.org/{}/{}", address(&words), number % 100_000),
                "content": chance.among(sentences).replace("{}", &words),
                "score": score(rank, chance),
                "raw_content": null,
            });
            if search.topic == "news" {
                result["published_date"] = json!(date(chance, now));
            }
            result
        })
        .collect();
    json!({
        "query": search.query,
        "follow_up_questions": null,
        "answer": null,
        "images": [],
        "results": results,
        "response_time": response_time(chance),
        "request_id": format!("{:016x}", chance.next()),
    })
}

/// Seconds; every eighth time as a text, which was seen, too.
fn response_time(chance: &mut Chance) -> Value {
    let seconds = (40.0 + chance.share() * 150.0).round() / 100.0;
    if chance.happens(0.125) { json!(seconds.to_string()) } else { json!(seconds) }
}

/// Falls from place to place, from 0.95 or so to no less than 0.1.
fn score(rank: u64, chance: &mut Chance) -> f64 {
    let place = f64::from(u32::try_from(rank).unwrap_or(u32::MAX));
    let score = 0.9 - place * 0.04 + chance.share() / 10.0;
    (score * 10_000.0).round() / 10_000.0
}

/// The words as part of a URL.
fn address(words: &str) -> String {
    let kept = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' };
    words.chars().map(kept).collect()
}

/// A time of the days before today, such as `Thu, 20 Nov 2026 07:31:05 GMT`; the same all day.
fn date(chance: &mut Chance, now: Timestamp) -> String {
    let today = now.0 - now.0.rem_euclid(DAY_MS);
    let age_ms = chance.between(1, AGE_DAYS_MAX * DAY_MS.unsigned_abs());
    let at = Timestamp(today - i64::try_from(age_ms).unwrap_or(DAY_MS)).calendar();
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Status and text of a refusal.
fn words(refusal: &Refusal) -> (u16, String) {
    let (status, message) = match refusal {
        Refusal::KeyMissing | Refusal::KeyWrong(_) => (401, "Unauthorized: missing or invalid API key."),
        Refusal::RateLimited(_) | Refusal::OverCapacity(_) => {
            (429, "Your request has been blocked due to excessive requests. Please reduce rate of requests.")
        }
        Refusal::OutOfQuota(_) => {
            (432, "This request exceeds your plan's set usage limit. Please upgrade your plan or contact support.")
        }
        Refusal::OutOfMoney => (433, "This request exceeds the pay-as-you-go limit."),
        Refusal::Unavailable => (503, "Service unavailable."),
        Refusal::Broken => (500, "Internal Server Error"),
        Refusal::UnknownModel { .. } | Refusal::UnknownPath => (404, "Not Found"),
        Refusal::Invalid(message) => (400, message.as_str()),
    };
    (status, message.to_owned())
}
