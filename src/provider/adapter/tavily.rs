//! Tavily: research that costs a credit a search.
//!
//! Only the basic depth is asked for: one credit, where `auto_parameters` could silently raise it to two. Without a
//! key Tavily answers too, less often, and charges nothing.

use std::time::Duration;

use jiff::civil::Date;
use reqwest::header::{AUTHORIZATION, HeaderName};
use serde::Deserialize;
use serde_json::{Value, json};

use super::access::Access;
use super::answer::{Answer, decision, unusable};
use super::http::Http;
use super::{TIMEOUT, Unfit};
use crate::config;
use crate::provider::call::{Bill, CallError, Called, Usage};

#[cfg(test)]
mod tests;

const NAME: &str = "tavily";
const KEY_VARIABLE: &str = "TAVILY_API_KEY";
/// What stands in place of a key.
const KEYLESS: (HeaderName, &str) = (HeaderName::from_static("x-tavily-access-mode"), "keyless");
/// The longest query that it takes.
const QUERY_CHARS_MAX: usize = 400;
/// The most findings that it gives.
const RESULTS_MAX: usize = 20;
/// Credits of a basic search.
const BASIC_CREDITS: u64 = 1;

/// Where to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// Everywhere.
    General,
    /// In news, which are dated.
    News,
    /// In what is about finance.
    Finance,
}

/// What to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// In words; what is longer than 400 characters is left out at a word.
    pub query: String,
    /// Where.
    pub topic: Topic,
    /// First day of publication.
    pub from: Option<Date>,
    /// Last day of publication.
    pub to: Option<Date>,
    /// How many findings, 20 at most.
    pub results_max: usize,
}

/// A page that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Its title; may be empty.
    pub title: String,
    /// Its address; never empty.
    pub url: String,
    /// What it says about the query, as Tavily cut it; may be empty.
    pub content: String,
    /// How near it is to the query, 0 to 1.
    pub score: f64,
    /// When it was published, as it is written there; news only.
    pub published: Option<String>,
}

/// The service.
#[derive(Debug, Clone)]
pub struct Tavily {
    http: Http,
    access: Access,
    is_keyless: bool,
}

impl Tavily {
    /// The configured service, with or without a key.
    ///
    /// # Errors
    /// [`Unfit`], for a person to mend.
    pub fn new(config: &config::Tavily, http: &Http) -> Result<Self, Unfit> {
        let open = Access::open(NAME, &config.base_url, TIMEOUT)?;
        let access = match &config.api_key {
            Some(key) => open.with_key(AUTHORIZATION, "Bearer ", key, KEY_VARIABLE)?,
            None => open.with(KEYLESS.0, KEYLESS.1),
        };
        Ok(Self { http: http.clone(), access, is_keyless: config.api_key.is_none() })
    }

    /// As metrics and prices name it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        NAME
    }

    /// Searches once. The nearest findings come first.
    pub async fn search(&self, search: &Search) -> Called<Vec<Finding>> {
        let mut called = self.http.post(&self.access, &["search"], &request(search), read).await;
        called.result = called.result.map(|findings| findings.into_iter().take(search.results_max).collect());
        if self.is_keyless {
            // There is no account that could be charged.
            called.bill = Bill::Nothing;
        }
        called
    }
}

fn request(search: &Search) -> Value {
    let topic = match search.topic {
        Topic::General => "general",
        Topic::News => "news",
        Topic::Finance => "finance",
    };
    let mut request = json!({
        "query": cut(&search.query),
        "topic": topic,
        "search_depth": "basic",
        "auto_parameters": false,
        "max_results": search.results_max.min(RESULTS_MAX),
        "include_answer": false,
        "include_raw_content": false,
        "include_images": false,
        "include_usage": true,
    });
    for (name, date) in [("start_date", search.from), ("end_date", search.to)] {
        if let Some(date) = date {
            request[name] = date.to_string().into();
        }
    }
    request
}

/// As many whole words as are taken.
fn cut(query: &str) -> &str {
    let query = query.trim();
    let Some((end, _)) = query.char_indices().nth(QUERY_CHARS_MAX) else { return query };
    let is_whole = query[end..].starts_with(char::is_whitespace);
    let word = if is_whole { Some(end) } else { query[..end].rfind(char::is_whitespace) };
    query[..word.unwrap_or(end)].trim_end()
}

#[derive(Deserialize)]
struct Body {
    results: Vec<Found>,
    usage: Option<Value>,
}

#[derive(Deserialize)]
struct Found {
    title: Option<String>,
    url: Option<String>,
    content: Option<String>,
    score: Option<f64>,
    published_date: Option<String>,
}

impl Found {
    fn finding(self) -> Option<Finding> {
        Some(Finding {
            url: self.url.filter(|url| !url.is_empty())?,
            title: self.title.unwrap_or_default(),
            content: self.content.unwrap_or_default(),
            score: self.score.unwrap_or_default(),
            published: self.published_date.filter(|date| !date.is_empty()),
        })
    }
}

pub(super) fn read(answer: &Answer) -> Called<Vec<Finding>> {
    if !answer.is_success() {
        return refused(answer);
    }
    let body: Body = match answer.read() {
        Ok(body) => body,
        Err(error) => return unusable(error),
    };
    let credits = body.usage.map_or(Some(BASIC_CREDITS), |usage| usage["credits"].as_u64());
    let bill = credits.map_or(Bill::Unknown, |credits| Bill::Usage(Usage { credits, ..Usage::default() }));
    Called { result: Ok(body.results.into_iter().filter_map(Found::finding).collect()), bill }
}

fn refused<T>(answer: &Answer) -> Called<T> {
    let complaint = answer.complaint();
    let (detail, problem) = (&complaint["detail"], &complaint["error"]);
    let texts = [&detail["error"], detail, &problem["message"], problem];
    let message = texts.into_iter().find_map(Value::as_str);
    let seconds = problem["retry_after_seconds"].as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let retry_after = seconds.or_else(|| answer.retry_after());
    let error = answer.story(message);
    let used_up = |what: &str| CallError::Exhausted { retry_after, error: format!("{error} ({what})") };
    let result = match answer.status {
        403 => used_up("the account may not"),
        432 => used_up("the limit of the plan"),
        433 => used_up("the limit of pay-as-you-go"),
        status => decision(status, retry_after, error),
    };
    Called { result: Err(result), bill: answer.bill(message.is_some()) }
}
