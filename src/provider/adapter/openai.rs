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
use serde_json::{Value, json};

use super::access::Access;
use super::http::Http;
use super::{Prompt, Reply, TEMPERATURE, TIMEOUT, Unfit, schema};
use crate::config::{self, HttpUrl};
use crate::provider::call::Called;

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
        let read = |answer: &_| read::reply(answer, &prompt.model);
        self.http.post(&self.access, &["chat", "completions"], &body, read).await
    }
}

/// `is_original`: for OpenAI itself.
fn request(prompt: &Prompt, is_original: bool) -> Value {
    let mut request = json!({
        "model": prompt.model,
        "messages": [
            { "role": "system", "content": prompt.system },
            { "role": "user", "content": prompt.user },
        ],
        "seed": prompt.seed,
        "response_format": {
            "type": "json_schema",
            "json_schema": {
                "name": prompt.schema_name,
                "strict": true,
                "schema": schema::strict(&prompt.schema),
            },
        },
    });
    let cap = if is_original { "max_completion_tokens" } else { "max_tokens" };
    request[cap] = prompt.max_output_tokens.into();
    if is_original && reasons(&prompt.model) {
        request["reasoning_effort"] = "low".into();
    } else {
        request["temperature"] = TEMPERATURE.into();
    }
    request
}

/// Models of OpenAI that reason before they answer. They refuse a temperature, and all of them know a low effort.
fn reasons(model: &str) -> bool {
    let is_o = model.strip_prefix('o').is_some_and(|rest| rest.starts_with(|digit: char| digit.is_ascii_digit()));
    is_o || (model.starts_with("gpt-5") && !model.starts_with("gpt-5-chat"))
}
