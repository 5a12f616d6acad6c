//! Gemini's `generateContent` and `countTokens` (`wire-formats.md`, section 2).
//!
//! Thoughts count inside the cap and beside the visible answer. Tokens of the question are those of its texts, system
//! instruction included; the schema is not counted, as was recorded. A blocked prompt is billed as its usage says.

use std::borrow::Cow;
use std::time::Duration;

use hyper::Method;
use hyper::http::request::Parts;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

use super::Provider;
use super::chance::Chance;
use super::completion::{self, Completion, End, Form, OUTPUT_TOKENS_DEFAULT, Prompt};
use super::desk::{Ask, Offer, Refusal, Reply, Service};
use super::price::{self, Model};
use super::schema::Schema;
use super::tokens;

const BASE: &str = "/v1beta";
const CONTENT_TYPE: &str = "application/json; charset=UTF-8";

pub struct Gemini;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Generate<'a> {
    #[serde(borrow)]
    contents: Vec<Content<'a>>,
    #[serde(borrow, alias = "system_instruction")]
    system_instruction: Option<Content<'a>>,
    #[serde(default, alias = "generation_config")]
    generation_config: Config,
}

#[derive(Deserialize)]
struct Content<'a> {
    #[serde(borrow, default)]
    parts: Vec<Part<'a>>,
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow, default)]
    text: Cow<'a, str>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Config {
    #[serde(alias = "max_output_tokens")]
    max_output_tokens: Option<u64>,
    #[serde(alias = "response_mime_type")]
    response_mime_type: Option<String>,
    #[serde(alias = "response_schema")]
    response_schema: Option<Schema>,
    #[serde(alias = "response_json_schema")]
    response_json_schema: Option<Schema>,
    #[serde(rename = "thinkingConfig", alias = "thinking_config")]
    thinking: Thinking,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Thinking {
    #[serde(alias = "thinking_budget")]
    thinking_budget: Option<IgnoredAny>,
    #[serde(alias = "thinking_level")]
    thinking_level: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Count<'a> {
    #[serde(borrow, default)]
    contents: Vec<Content<'a>>,
    #[serde(borrow, alias = "generate_content_request")]
    generate_content_request: Option<Generate<'a>>,
}

impl Service for Gemini {
    fn provider(&self) -> Provider {
        Provider::Gemini
    }

    fn base(&self) -> &'static str {
        BASE
    }

    fn admits(&self, parts: &Parts, key: &str) -> Result<(), Refusal> {
        let header = parts.headers.get("x-goog-api-key").and_then(|value| value.to_str().ok());
        let query = || form_urlencoded::parse(parts.uri.query()?.as_bytes()).find(|(name, _)| name == "key");
        let sent = header.map(Cow::Borrowed).or_else(|| query().map(|(_, value)| value));
        match sent {
            Some(sent) if sent == key => Ok(()),
            Some(_) => Err(Refusal::KeyWrong(String::new())),
            None => Err(Refusal::KeyMissing),
        }
    }

    fn answer(&self, ask: &Ask<'_>) -> Result<Offer, Refusal> {
        let path = ask.parts.uri.path().strip_prefix(BASE).and_then(|path| path.strip_prefix("/models/"));
        let (name, method) = path.and_then(|path| path.split_once(':')).ok_or(Refusal::UnknownPath)?;
        let method = ["generateContent", "countTokens"].into_iter().find(|known| *known == method);
        let method = method.filter(|_| ask.parts.method == Method::POST).ok_or(Refusal::UnknownPath)?;
        let unknown = || Refusal::UnknownModel { model: name.to_owned(), method };
        let model = price::find(&ask.settings.models, self.provider(), name).ok_or_else(unknown)?;
        if method == "generateContent" { generate(ask, model) } else { count(ask.body) }
    }

    fn refuse(&self, refusal: &Refusal, chance: &mut Chance) -> Reply {
        let (code, status, message) = words(refusal);
        let mut error = json!({ "code": code, "message": message, "status": status });
        match refusal {
            Refusal::KeyWrong(_) => error["details"] = key_details(&message),
            // Every fourth is the short form, without any details.
            Refusal::RateLimited(_) | Refusal::OverCapacity(_) if chance.happens(0.25) => {
                error["message"] = json!("Resource has been exhausted (e.g. check quota).");
            }
            Refusal::RateLimited(wait) | Refusal::OverCapacity(wait) => {
                error["details"] = quota_details("GenerateRequestsPerMinutePerProjectPerModel-FreeTier", *wait);
            }
            Refusal::OutOfQuota(wait) => {
                error["details"] = quota_details("GenerateRequestsPerDayPerProjectPerModel-FreeTier", *wait);
            }
            _ => {}
        }
        reply(code, &json!({ "error": error }))
    }
}

fn generate(ask: &Ask<'_>, model: &Model) -> Result<Offer, Refusal> {
    let request: Generate<'_> = parsed(ask.body)?;
    let config = &request.generation_config;
    let invalid = |message: &str| Err(Refusal::Invalid(message.to_owned()));
    let schema = match (&config.response_schema, &config.response_json_schema) {
        (Some(_), Some(_)) => return invalid("Only one of response_schema and response_json_schema may be set."),
        (one, other) => one.as_ref().or(other.as_ref()),
    };
    let json = config.response_mime_type.as_deref() == Some("application/json");
    if schema.is_some() && !json {
        return invalid("Response schema needs response mimetype: 'application/json'.");
    }
    let Thinking { thinking_budget, thinking_level } = &config.thinking;
    if thinking_budget.is_some() && thinking_level.is_some() {
        return invalid("You can only set only one of thinking budget and thinking level.");
    }
    if request.contents.is_empty() {
        return invalid("* GenerateContentRequest.contents: contents is not specified");
    }
    let texts = request.contents.iter().flat_map(|content| &content.parts).map(|part| part.text.as_ref());
    let prompt = Prompt {
        model,
        text: texts.max_by_key(|text| text.len()).unwrap_or_default(),
        input_tokens: request.tokens(),
        output_tokens_max: config.max_output_tokens.unwrap_or(OUTPUT_TOKENS_DEFAULT),
        form: schema.map_or(if json { Form::Json } else { Form::Prose }, Form::Fitting),
    };
    let mut answer = completion::complete(&prompt, ask.fate, &ask.settings.models);
    if answer.end == End::Refused {
        // Nothing is shown of what safety kept back, and nothing billed.
        answer.visible_tokens = 0;
    }
    let body = generated(&answer, ask, &mut ask.fate.chance.clone());
    Ok(Offer { reply: reply(200, &body), sale: Some(answer.sale()), flaw: ask.fate.flaw })
}

fn generated(answer: &Completion<'_>, ask: &Ask<'_>, chance: &mut Chance) -> Value {
    let mut body = json!({
        "modelVersion": answer.model.version,
        "responseId": format!("{:016x}", chance.next()),
    });
    if answer.end == End::Blocked {
        let ratings = json!([{ "category": "HARM_CATEGORY_HARASSMENT", "probability": "MEDIUM" }]);
        body["promptFeedback"] = json!({ "blockReason": "SAFETY", "safetyRatings": ratings });
    } else {
        body["candidates"] = json!([candidate(answer, chance)]);
    }
    if !ask.fate.usage_missing {
        body["usageMetadata"] = usage(answer);
    }
    body
}

fn candidate(answer: &Completion<'_>, chance: &mut Chance) -> Value {
    let Some(text) = &answer.text else {
        return match answer.end {
            End::Length => json!({ "content": { "role": "model" }, "finishReason": "MAX_TOKENS", "index": 0 }),
            _ if chance.happens(0.5) => json!({ "finishReason": "MALFORMED_FUNCTION_CALL", "index": 0 }),
            _ => json!({ "content": { "role": "model" }, "finishReason": "STOP", "index": 0 }),
        };
    };
    if answer.end == End::Refused {
        let ratings =
            json!([{ "category": "HARM_CATEGORY_DANGEROUS_CONTENT", "probability": "HIGH", "blocked": true }]);
        return json!({ "content": {}, "finishReason": "SAFETY", "index": 0, "safetyRatings": ratings });
    }
    let mut parts = Vec::new();
    if answer.thought_tokens > 0 && chance.happens(0.5) {
        parts.push(json!({ "text": "**Weighing the article**", "thought": true }));
    }
    // Every eighth answer comes in two parts, which belong together.
    let middle = if chance.happens(0.125) { text.floor_char_boundary(text.len() / 2) } else { 0 };
    let (first, second) = text.split_at(middle);
    if !first.is_empty() {
        parts.push(json!({ "text": first }));
    }
    let mut last = json!({ "text": second });
    if answer.thought_tokens > 0 {
        last["thoughtSignature"] = json!("c3RhbmQtaW4=");
    }
    parts.push(last);
    let finish = if answer.end == End::Length { "MAX_TOKENS" } else { "STOP" };
    json!({ "content": { "parts": parts, "role": "model" }, "finishReason": finish, "index": 0 })
}

/// Counts of nothing are left out, as in what was recorded.
fn usage(answer: &Completion<'_>) -> Value {
    let details = |tokens: u64| json!([{ "modality": "TEXT", "tokenCount": tokens }]);
    let total = answer.input_tokens + answer.visible_tokens + answer.thought_tokens;
    let mut usage = Map::new();
    for (name, tokens) in [
        ("promptTokenCount", answer.input_tokens),
        ("candidatesTokenCount", answer.visible_tokens),
        ("thoughtsTokenCount", answer.thought_tokens),
        ("cachedContentTokenCount", answer.cached_tokens),
        ("totalTokenCount", total),
    ] {
        if tokens > 0 {
            usage.insert(name.to_owned(), json!(tokens));
        }
    }
    usage.insert("promptTokensDetails".to_owned(), details(answer.input_tokens));
    if answer.cached_tokens > 0 {
        usage.insert("cacheTokensDetails".to_owned(), details(answer.cached_tokens));
    }
    usage.insert("serviceTier".to_owned(), json!("standard"));
    Value::Object(usage)
}

fn count(body: &[u8]) -> Result<Offer, Refusal> {
    let request: Count<'_> = parsed(body)?;
    let tokens = request.generate_content_request.map_or_else(|| tokens(&request.contents), |inner| inner.tokens());
    let details = json!([{ "modality": "TEXT", "tokenCount": tokens }]);
    let body = json!({ "totalTokens": tokens, "promptTokensDetails": details });
    Ok(Offer { reply: reply(200, &body), sale: None, flaw: None })
}

impl Generate<'_> {
    fn tokens(&self) -> u64 {
        tokens(&self.contents)
            + self.system_instruction.as_ref().map_or(0, |system| tokens(std::slice::from_ref(system)))
    }
}

fn tokens(contents: &[Content<'_>]) -> u64 {
    contents.iter().flat_map(|content| &content.parts).map(|part| tokens::count(&part.text)).sum()
}

fn parsed<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refusal> {
    let invalid = |error| Refusal::Invalid(format!("Invalid JSON payload received. {error}"));
    serde_json::from_slice(body).map_err(invalid)
}

fn reply(status: u16, body: &Value) -> Reply {
    Reply { content_type: CONTENT_TYPE, ..Reply::json(status, body) }
}

/// Code, status and message of a refusal.
fn words(refusal: &Refusal) -> (u16, &'static str, String) {
    let (code, status, message) = match refusal {
        Refusal::KeyMissing => {
            let message = "Method doesn't allow unregistered callers (callers without established identity). Please \
                           use API Key or other form of API consumer identity to call this API.";
            (403, "PERMISSION_DENIED", message)
        }
        Refusal::KeyWrong(_) => (400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."),
        Refusal::RateLimited(wait) | Refusal::OverCapacity(wait) | Refusal::OutOfQuota(wait) => {
            let message = "You exceeded your current quota, please check your plan and billing details. For more \
                           information on this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits.";
            return (429, "RESOURCE_EXHAUSTED", format!("{message} Please retry in {}.", duration(*wait)));
        }
        Refusal::Unavailable => {
            let message = "This model is currently experiencing high demand. Spikes in demand are usually temporary. \
                           Please try again later.";
            (503, "UNAVAILABLE", message)
        }
        Refusal::Broken | Refusal::OutOfMoney => {
            let message = "An internal error has occurred. Please retry or report in \
                           https://developers.generativeai.google/guide/troubleshooting";
            (500, "INTERNAL", message)
        }
        Refusal::UnknownModel { model, method } => {
            let message = format!(
                "models/{model} is not found for API version v1beta, or is not supported for {method}. Call \
                 ModelService.ListModels to see the list of available models and their supported methods."
            );
            return (404, "NOT_FOUND", message);
        }
        Refusal::UnknownPath => (404, "NOT_FOUND", "The requested URL was not found on this server."),
        Refusal::Invalid(message) => (400, "INVALID_ARGUMENT", message.as_str()),
    };
    (code, status, message.to_owned())
}

fn key_details(message: &str) -> Value {
    let service = json!({ "service": "generativelanguage.googleapis.com" });
    json!([
        { "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID",
          "domain": "googleapis.com", "metadata": service },
        { "@type": "type.googleapis.com/google.rpc.LocalizedMessage", "locale": "en-US", "message": message },
    ])
}

fn quota_details(quota_id: &str, wait: Duration) -> Value {
    let links = json!([{ "description": "Learn more about Gemini API quotas",
                         "url": "https://ai.google.dev/gemini-api/docs/rate-limits" }]);
    let violations = json!([{
        "quotaMetric": "generativelanguage.googleapis.com/generate_content_free_tier_requests",
        "quotaId": quota_id, "quotaDimensions": { "location": "global" }, "quotaValue": "15",
    }]);
    json!([
        { "@type": "type.googleapis.com/google.rpc.Help", "links": links },
        { "@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": violations },
        { "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": duration(wait) },
    ])
}

/// As protobuf writes it, such as `38.922534355s`.
fn duration(wait: Duration) -> String {
    format!("{}.{:09}s", wait.as_secs(), wait.subsec_nanos())
}
