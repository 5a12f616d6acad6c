//! Chat completions, as OpenAI speaks them and many after it: Ollama, llama.cpp, vLLM, `OpenRouter`.
//!
//! Answers follow the prompt's schema by `response_format`. What sets the services apart: only OpenAI itself knows
//! `max_completion_tokens`, the others its old name; a key is for those that ask for one.

mod dollars;
mod read;
mod refusal;
#[cfg(test)]
mod tests;

use reqwest::header::AUTHORIZATION;
use serde::Serialize;
use serde_json::Value;

use super::access::Access;
use super::http::Http;
use super::{Prompt, Reply, TEMPERATURE, TIMEOUT, Unfit};
use crate::config::{self, HttpUrl};
use crate::provider::call::Called;

pub(super) use read::reply;

pub(super) const NAME: &str = "openai";
/// The cheapest one that is alive.
pub(super) const MODEL: &str = "gpt-4.1-nano";
const BASE_URL: &str = "https://api.openai.com/v1";
/// The host of OpenAI itself.
const HOST: &str = "api.openai.com";
const KEY_VARIABLE: &str = "OPENAI_API_KEY";

/// The service.
#[derive(Debug, Clone)]
pub struct OpenAi {
    http: Http,
    access: Access,
}

impl OpenAi {
    pub(super) fn new(config: &config::Llm, http: &Http) -> Result<Self, Unfit> {
        let base = config.base_url.clone().or_else(|| HttpUrl::parse(BASE_URL));
        let base = base.ok_or_else(|| Unfit::Url(BASE_URL.to_owned()))?;
        let open = Access::open(NAME, &base, config.timeout.unwrap_or(TIMEOUT))?;
        let access = match &config.openai_api_key {
            Some(key) => open.with_key(AUTHORIZATION, "Bearer ", key, KEY_VARIABLE)?,
            None if open.is_at(HOST) => return Err(Unfit::NoKey(KEY_VARIABLE)),
            None => open,
        };
        Ok(Self { http: http.clone(), access })
    }

    pub(super) async fn ask(&self, prompt: &Prompt) -> Called<Reply> {
        let body = request(prompt, self.access.is_at(HOST));
        let read = |answer: &_| reply(answer, &prompt.model);
        self.http.post(&self.access, &["chat", "completions"], &body, read).await
    }
}

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    messages: [Message<'a>; 2],
    seed: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    /// The old name of the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'static str>,
    response_format: Format<'a>,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: &'a str,
}

#[derive(Serialize)]
struct Format<'a> {
    r#type: &'static str,
    json_schema: Named<'a>,
}

#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
    strict: bool,
    schema: &'a Value,
}

/// `is_original`: for OpenAI itself.
fn request(prompt: &Prompt, is_original: bool) -> Request<'_> {
    let reasons = is_original && reasons(&prompt.model);
    let schema = Named { name: prompt.schema.name(), strict: true, schema: prompt.schema.strict() };
    Request {
        model: &prompt.model,
        messages: [
            Message { role: "system", content: &prompt.system },
            Message { role: "user", content: &prompt.user },
        ],
        seed: prompt.seed,
        max_completion_tokens: is_original.then_some(prompt.max_output_tokens),
        max_tokens: (!is_original).then_some(prompt.max_output_tokens),
        temperature: (!reasons).then_some(TEMPERATURE),
        reasoning_effort: reasons.then_some("low"),
        response_format: Format { r#type: "json_schema", json_schema: schema },
    }
}

/// Models of OpenAI that reason before they answer. They refuse a temperature, and all of them know a low effort.
fn reasons(model: &str) -> bool {
    let is_o = model.strip_prefix('o').is_some_and(|rest| rest.starts_with(|digit: char| digit.is_ascii_digit()));
    is_o || (model.starts_with("gpt-5") && !model.starts_with("gpt-5-chat"))
}
