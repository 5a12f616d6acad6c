//! Gemini, as Google's Developer API speaks it (v1beta).
//!
//! Answers follow the prompt's schema by `responseJsonSchema`. There are no tools: what they bring in counts as input
//! that nothing bounds. Thinking is off where it can be, and as little as it can be elsewhere, because thoughts are
//! billed as output and use up the same `maxOutputTokens`.

mod read;
#[cfg(test)]
mod tests;

use reqwest::header::HeaderName;
use serde::Serialize;
use serde_json::Value;

use super::access::Access;
use super::http::Http;
use super::{Prompt, Reply, TEMPERATURE, TIMEOUT, Unfit};
use crate::config::{self, HttpUrl};
use crate::provider::call::{CallError, Called};

pub(super) use read::reply;

pub(super) const NAME: &str = "gemini";
/// The cheapest one that is alive.
pub(super) const MODEL: &str = "gemini-2.5-flash-lite";
const BASE_URL: &str = "https://generativelanguage.googleapis.com/v1beta";
const KEY_VARIABLE: &str = "GEMINI_API_KEY";
const KEY_HEADER: HeaderName = HeaderName::from_static("x-goog-api-key");
/// The least thinking that 2.5 Pro takes, in tokens.
const PRO_THINKING_BUDGET: u32 = 128;
/// News are full of threats, theft and slander. They are classified, not published: nothing is to be withheld.
const SAFETY_CATEGORIES: [&str; 4] = [
    "HARM_CATEGORY_HARASSMENT",
    "HARM_CATEGORY_HATE_SPEECH",
    "HARM_CATEGORY_SEXUALLY_EXPLICIT",
    "HARM_CATEGORY_DANGEROUS_CONTENT",
];

/// The service.
#[derive(Debug, Clone)]
pub struct Gemini {
    http: Http,
    access: Access,
}

impl Gemini {
    pub(super) fn new(config: &config::Llm, http: &Http) -> Result<Self, Unfit> {
        let key = config.gemini_api_key.as_ref().ok_or(Unfit::NoKey(KEY_VARIABLE))?;
        let base = config.base_url.clone().or_else(|| HttpUrl::parse(BASE_URL));
        let base = base.ok_or_else(|| Unfit::Url(BASE_URL.to_owned()))?;
        let access = Access::open(NAME, &base, config.timeout.unwrap_or(TIMEOUT))?;
        Ok(Self { http: http.clone(), access: access.with_key(KEY_HEADER, "", key, KEY_VARIABLE)? })
    }

    pub(super) async fn ask(&self, prompt: &Prompt) -> Called<Reply> {
        let model = short(&prompt.model);
        let path = format!("{model}:generateContent");
        self.http.post(&self.access, &["models", &path], &request(prompt), |answer| reply(answer, model)).await
    }

    pub(super) async fn count(&self, prompt: &Prompt) -> Result<u64, CallError> {
        let model = short(&prompt.model);
        let path = format!("{model}:countTokens");
        let whole = Request { model: Some(format!("models/{model}")), ..request(prompt) };
        let body = Counting { generate_content_request: whole };
        let called = self.http.post(&self.access, &["models", &path], &body, read::count).await;
        called.result.map_err(|error| match error {
            CallError::Lost { error } => CallError::Transient { retry_after: None, error },
            other => other,
        })
    }
}

/// A model's id as paths have it.
fn short(model: &str) -> &str {
    model.strip_prefix("models/").unwrap_or(model)
}

/// The body of `generateContent`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    /// For `countTokens`, whose path does not reach inside.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    system_instruction: Content<'a>,
    contents: [Content<'a>; 1],
    generation_config: Generation<'a>,
    safety_settings: [Safety; 4],
}

/// The body of `countTokens`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Counting<'a> {
    generate_content_request: Request<'a>,
}

#[derive(Serialize)]
struct Content<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    parts: [Part<'a>; 1],
}

#[derive(Serialize)]
struct Part<'a> {
    text: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Generation<'a> {
    temperature: f64,
    seed: i32,
    candidate_count: u32,
    max_output_tokens: u32,
    response_mime_type: &'static str,
    response_json_schema: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_config: Option<Thinking>,
}

/// How much a model thinks; a service takes one of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
enum Thinking {
    /// In tokens; 0 is off.
    #[serde(rename = "thinkingBudget")]
    Budget(u32),
    #[serde(rename = "thinkingLevel")]
    Level(&'static str),
}

#[derive(Serialize)]
struct Safety {
    category: &'static str,
    threshold: &'static str,
}

fn request(prompt: &Prompt) -> Request<'_> {
    let content = |role, text| Content { role, parts: [Part { text }] };
    Request {
        model: None,
        system_instruction: content(None, &prompt.system),
        contents: [content(Some("user"), &prompt.user)],
        generation_config: Generation {
            temperature: TEMPERATURE,
            seed: prompt.seed,
            candidate_count: 1,
            max_output_tokens: prompt.max_output_tokens,
            response_mime_type: "application/json",
            response_json_schema: prompt.schema.for_gemini(),
            thinking_config: thinking(short(&prompt.model)),
        },
        safety_settings: SAFETY_CATEGORIES.map(|category| Safety { category, threshold: "BLOCK_NONE" }),
    }
}

/// The least thinking of a model; `None` where it takes no such setting, or is not known to.
///
/// A level that a model does not take is a 400. Of the third generation Flash-Lite takes `minimal`; Pro and, since
/// 3.7, Flash take `low` at least, and so do all.
fn thinking(model: &str) -> Option<Thinking> {
    let version = model.strip_prefix("gemini-")?;
    let major: u32 = version.split(['.', '-']).next()?.parse().ok()?;
    let is_pro = version.contains("pro");
    if version.starts_with("2.5-") {
        return Some(Thinking::Budget(if is_pro { PRO_THINKING_BUDGET } else { 0 }));
    }
    let level = if version.contains("flash-lite") { "minimal" } else { "low" };
    (major >= 3).then_some(Thinking::Level(level))
}
