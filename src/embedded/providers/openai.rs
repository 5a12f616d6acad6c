//! Chat completions as `OpenAI` serves them (`wire-formats.md`, section 3), with some habits of those who copy it.
//!
//! Tokens of the question: four for each message beside its text, three to start the answer, and the text of the
//! schema. Thoughts count inside `completion_tokens`. The `code` of an error is mostly a text; every fourth is a number
//! (as with `OpenRouter` and llama.cpp), and one where the original has none is null.

use std::borrow::Cow;
use std::time::Duration;

use hyper::Method;
use hyper::header::HeaderName;
use hyper::http::request::Parts;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::Provider;
use super::chance::Chance;
use super::completion::{self, Completion, End, Form, OUTPUT_TOKENS_DEFAULT, Prompt};
use super::desk::{Ask, Offer, Refusal, Reply, Service, bearer};
use super::price;
use super::schema::Schema;
use super::tokens;

const BASE: &str = "/v1";
/// Tokens around the text of a message.
const MESSAGE_TOKENS: u64 = 4;
/// Tokens that start the answer.
const ANSWER_TOKENS: u64 = 3;
/// Characters of a schema's name.
const NAME_CHARS_MAX: usize = 64;
/// Characters of a wrong key that are repeated.
const KEY_TAIL_CHARS: usize = 4;
const TEMPERATURE_MAX: f64 = 2.0;

pub struct OpenAi;

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    model: Cow<'a, str>,
    #[serde(borrow)]
    messages: Vec<Message<'a>>,
    max_completion_tokens: Option<u64>,
    max_tokens: Option<u64>,
    temperature: Option<f64>,
    #[serde(default)]
    stream: bool,
    #[serde(borrow, default)]
    response_format: Format<'a>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    role: Cow<'a, str>,
    #[serde(borrow)]
    content: Content<'a>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content<'a> {
    Text(#[serde(borrow)] Cow<'a, str>),
    Parts(#[serde(borrow)] Vec<Part<'a>>),
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow, default)]
    text: Cow<'a, str>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Format<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    json_schema: Option<Named<'a>>,
}

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(default)]
    strict: bool,
    #[serde(borrow)]
    schema: &'a RawValue,
}

impl Message<'_> {
    fn texts(&self) -> impl Iterator<Item = &str> {
        let (one, several) = match &self.content {
            Content::Text(text) => (Some(text), &[][..]),
            Content::Parts(parts) => (None, parts.as_slice()),
        };
        one.into_iter().chain(several.iter().map(|part| &part.text)).map(AsRef::as_ref)
    }
}

impl Service for OpenAi {
    fn provider(&self) -> Provider {
        Provider::OpenAi
    }

    fn base(&self) -> &'static str {
        BASE
    }

    fn admits(&self, parts: &Parts, key: &str) -> Result<(), Refusal> {
        match bearer(parts) {
            Some(sent) if sent == key => Ok(()),
            Some(sent) => {
                let start = sent.len().saturating_sub(KEY_TAIL_CHARS);
                Err(Refusal::KeyWrong(sent.get(start..).unwrap_or_default().to_owned()))
            }
            None => Err(Refusal::KeyMissing),
        }
    }

    fn answer(&self, ask: &Ask<'_>) -> Result<Offer, Refusal> {
        if ask.parts.uri.path().strip_prefix(BASE) != Some("/chat/completions") || ask.parts.method != Method::POST {
            return Err(Refusal::UnknownPath);
        }
        let invalid = |error| Refusal::Invalid(format!("We could not parse the JSON body of your request. ({error})"));
        let request: Request<'_> = serde_json::from_slice(ask.body).map_err(invalid)?;
        let unknown = || Refusal::UnknownModel { model: request.model.to_string(), method: "" };
        let model = price::find(&ask.settings.models, self.provider(), &request.model).ok_or_else(unknown)?;
        check(&request)?;
        let schema = request.response_format.json_schema.as_ref().map(read_schema).transpose()?;
        let asked = request.messages.iter().filter(|message| message.role == "user").flat_map(Message::texts);
        let prompt = Prompt {
            model,
            text: asked.max_by_key(|text| text.len()).unwrap_or_default(),
            input_tokens: input_tokens(&request),
            output_tokens_max: request.max_completion_tokens.or(request.max_tokens).unwrap_or(OUTPUT_TOKENS_DEFAULT),
            form: match (&schema, request.response_format.kind.as_ref()) {
                (Some(schema), _) => Form::Fitting(schema),
                (None, "json_object") => Form::Json,
                (None, _) => Form::Prose,
            },
        };
        let answer = completion::complete(&prompt, ask.fate, &ask.settings.models);
        Ok(Offer { reply: completed(&answer, ask), sale: Some(answer.sale()), flaw: ask.fate.flaw })
    }

    fn refuse(&self, refusal: &Refusal, chance: &mut Chance) -> Reply {
        let (status, kind, code, message) = words(refusal);
        let code = match (refusal, code) {
            // Branching on the text is what a client must do to tell "wait" from "pay", so this one is always a text.
            (Refusal::OutOfQuota(_), code) => json!(code),
            (_, Some(_)) if chance.happens(0.25) => json!(status),
            (_, code) => json!(code),
        };
        let error = json!({ "message": message, "type": kind, "param": null, "code": code });
        let mut reply = Reply::json(status, &json!({ "error": error }));
        reply.headers.push(request_id(chance));
        match refusal {
            Refusal::KeyMissing | Refusal::KeyWrong(_) => reply.content_type = "text/plain; charset=utf-8",
            Refusal::RateLimited(wait) | Refusal::OverCapacity(wait) => reply.headers.extend([
                (HeaderName::from_static("x-ratelimit-limit-requests"), "500".to_owned()),
                (HeaderName::from_static("x-ratelimit-remaining-requests"), "0".to_owned()),
                (HeaderName::from_static("x-ratelimit-reset-requests"), duration(*wait)),
            ]),
            _ => {}
        }
        reply
    }
}

/// What the service would not take.
fn check(request: &Request<'_>) -> Result<(), Refusal> {
    let problem = if request.stream {
        "This stand-in does not stream."
    } else if request.temperature.is_some_and(|temperature| temperature > TEMPERATURE_MAX) {
        "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got a larger one instead."
    } else if request.max_tokens.is_some() && request.max_completion_tokens.is_some() {
        "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported."
    } else if request.messages.is_empty() {
        "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead."
    } else if request.response_format.kind == "json_object" && !mentions_json(request) {
        "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."
    } else {
        return Ok(());
    };
    Err(Refusal::Invalid(problem.to_owned()))
}

fn mentions_json(request: &Request<'_>) -> bool {
    request.messages.iter().flat_map(Message::texts).any(|text| text.to_ascii_lowercase().contains("json"))
}

fn read_schema(named: &Named<'_>) -> Result<Schema, Refusal> {
    let name = &named.name;
    let invalid = |what: String| Refusal::Invalid(format!("Invalid schema for response_format '{name}': {what}"));
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if name.is_empty() || name.len() > NAME_CHARS_MAX || !name.bytes().all(fits) {
        return Err(Refusal::Invalid(
            "Invalid 'response_format.json_schema.name': string does not match pattern.".into(),
        ));
    }
    let schema: Schema = serde_json::from_str(named.schema.get()).map_err(|error| invalid(error.to_string()))?;
    if named.strict {
        schema.is_strict("").map_err(invalid)?;
    }
    Ok(schema)
}

fn input_tokens(request: &Request<'_>) -> u64 {
    let message = |message: &Message<'_>| MESSAGE_TOKENS + message.texts().map(tokens::count).sum::<u64>();
    let schema = request.response_format.json_schema.as_ref().map_or(0, |named| tokens::count(named.schema.get()));
    ANSWER_TOKENS + schema + request.messages.iter().map(message).sum::<u64>()
}

fn completed(answer: &Completion<'_>, ask: &Ask<'_>) -> Reply {
    let mut chance = ask.fate.chance.clone();
    let text = answer.text.as_deref();
    let (content, refusal, finish) = match answer.end {
        End::Stop => (json!(text), None, "stop"),
        End::Length => (json!(text.unwrap_or_default()), None, "length"),
        End::Blocked => (Value::Null, None, "content_filter"),
        End::Refused => (Value::Null, text, "stop"),
    };
    let message = json!({ "role": "assistant", "content": content, "refusal": refusal, "annotations": [] });
    let mut body = json!({
        "id": format!("chatcmpl-{:016x}", chance.next()),
        "object": "chat.completion",
        "created": ask.settings.clock.now().0 / 1_000,
        "model": answer.model.version,
        "service_tier": "default",
        "system_fingerprint": "fp_stand_in",
        "choices": [{ "index": 0, "finish_reason": finish, "logprobs": null, "message": message }],
    });
    if !ask.fate.usage_missing {
        let output_tokens = answer.visible_tokens + answer.thought_tokens;
        body["usage"] = json!({
            "prompt_tokens": answer.input_tokens,
            "completion_tokens": output_tokens,
            "total_tokens": answer.input_tokens + output_tokens,
            "prompt_tokens_details": { "cached_tokens": answer.cached_tokens, "audio_tokens": 0 },
            "completion_tokens_details": {
                "reasoning_tokens": answer.thought_tokens, "audio_tokens": 0,
                "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0,
            },
        });
    }
    let mut reply = Reply::json(200, &body);
    reply.headers.push(request_id(&mut chance));
    reply
}

fn request_id(chance: &mut Chance) -> (HeaderName, String) {
    (HeaderName::from_static("x-request-id"), format!("req_{:016x}", chance.next()))
}

/// Status, type, code and message of a refusal.
fn words(refusal: &Refusal) -> (u16, &'static str, Option<&'static str>, String) {
    const INVALID: &str = "invalid_request_error";
    match refusal {
        Refusal::KeyMissing => (401, INVALID, None, "You didn't provide an API key.".to_owned()),
        Refusal::KeyWrong(tail) => {
            let message = format!("Incorrect API key provided: ********{tail}. You can find your API key at");
            let place = "https://platform.openai.com/account/api-keys.";
            (401, INVALID, Some("invalid_api_key"), format!("{message} {place}"))
        }
        Refusal::RateLimited(wait) | Refusal::OverCapacity(wait) => {
            let message = "Rate limit reached for this model in organization org-stand-in on requests per min (RPM).";
            let message = format!("{message} Please try again in {}.", duration(*wait));
            (429, "tokens", Some("rate_limit_exceeded"), message)
        }
        Refusal::OutOfQuota(_) | Refusal::OutOfMoney => {
            let message = "You exceeded your current quota, please check your plan and billing details. For more \
                           information on this error, read the docs: \
                           https://platform.openai.com/docs/guides/error-codes.";
            (429, "insufficient_quota", Some("insufficient_quota"), message.to_owned())
        }
        Refusal::Unavailable => {
            let message = "The engine is currently overloaded, please try again later";
            (503, "server_error", None, message.to_owned())
        }
        Refusal::Broken => {
            let message = "The server had an error while processing your request. Sorry about that!";
            (500, "server_error", Some("server_error"), message.to_owned())
        }
        Refusal::UnknownModel { model, .. } => {
            let message = format!("The model `{model}` does not exist or you do not have access to it.");
            (404, INVALID, Some("model_not_found"), message)
        }
        Refusal::UnknownPath => (404, INVALID, Some("unknown_url"), "Invalid URL".to_owned()),
        Refusal::Invalid(message) => (400, INVALID, Some("invalid_value"), message.clone()),
    }
}

/// As Go writes it, such as `350ms`, `1.204s` and `6m0s`.
fn duration(wait: Duration) -> String {
    match wait.as_secs() {
        0 => format!("{}ms", wait.as_millis()),
        seconds @ 1..60 => format!("{seconds}.{:03}s", wait.subsec_millis()),
        seconds => format!("{}m{}s", seconds / 60, seconds % 60),
    }
}
