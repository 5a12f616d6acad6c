//! OpenAI and what speaks like it: what is sent, and what each shape of an answer means.

use std::time::Duration;

use reqwest::header::{HeaderName, HeaderValue};
use serde_json::json;

use super::super::stub::{Decision, answer, decided, prompt};
use super::*;
use crate::model::NanoUsd;
use crate::provider::call::{Bill, CallError, Usage};

fn reply(body: &Value) -> Called<Reply> {
    read::reply(&answer(NAME, 200, &body.to_string()), "asked")
}

fn used(model: &str, [input_tokens, cached_tokens, output_tokens]: [u64; 3], charged: Option<u64>) -> Bill {
    let charged = charged.map(NanoUsd);
    Bill::Usage(Usage {
        model: model.to_owned(),
        input_tokens,
        cached_tokens,
        output_tokens,
        charged,
        ..Usage::default()
    })
}

#[test]
fn the_request() {
    let local = json!({
        "model": "llama3.2", "seed": 7, "temperature": 0.0, "max_tokens": 256,
        "messages": [{ "role": "system", "content": "Judge." }, { "role": "user", "content": "Bitcoin rose." }],
        "response_format": { "type": "json_schema", "json_schema": { "name": "signal", "strict": true, "schema": {
            "type": "object", "required": ["direction"], "additionalProperties": false,
            "properties": { "direction": { "anyOf": [{ "type": "string" }, { "type": "null" }] } }
        } } }
    });
    assert_eq!(serde_json::to_value(request(&prompt("llama3.2"), false)).unwrap(), local);
    for (model, is_original, names) in [
        ("gpt-4.1-nano", true, ["max_completion_tokens", "temperature"]),
        ("gpt-5-chat-latest", true, ["max_completion_tokens", "temperature"]),
        ("omni", true, ["max_completion_tokens", "temperature"]),
        ("gpt-5-nano", true, ["max_completion_tokens", "reasoning_effort"]),
        ("o4-mini", true, ["max_completion_tokens", "reasoning_effort"]),
        ("openai/gpt-5-nano", false, ["max_tokens", "temperature"]),
    ] {
        let request = serde_json::to_value(request(&prompt(model), is_original)).unwrap();
        let settings = ["max_tokens", "max_completion_tokens", "temperature", "reasoning_effort"];
        let given: Vec<&str> = settings.into_iter().filter(|name| !request[*name].is_null()).collect();
        assert_eq!(given, names, "{model}");
    }
}

#[test]
fn texts_and_what_they_cost() {
    let text = |content: &str| json!([{ "index": 0, "finish_reason": "stop", "message": { "role": "assistant", "content": content, "refusal": null } }]);
    let openai = json!({
        "model": "gpt-4.1-nano-2025-04-14", "choices": text("{\"word\":\"pong\"}"),
        "usage": { "prompt_tokens": 89, "completion_tokens": 5, "total_tokens": 94,
            "prompt_tokens_details": { "cached_tokens": 64, "audio_tokens": 0 },
            "completion_tokens_details": { "reasoning_tokens": 3 } }
    });
    let ollama = json!({ "choices": text("```json\n{\"a\":1}\n```\n"), "usage": { "prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9 } });
    let one_line = json!({ "choices": text("```{\"a\":1}```"), "usage": {} });
    let cut =
        json!({ "choices": [{ "finish_reason": "length", "message": { "content": "```\n[1," } }], "usage": null });
    let router = json!({ "model": "x/y", "choices": text("1"),
        "usage": { "prompt_tokens": 7, "completion_tokens": 2, "cost": 1.4e-5, "is_byok": false, "cost_details": { "upstream_inference_cost": 1.4e-5 } } });
    let own_key = json!({ "model": "x/y", "choices": text("1"),
        "usage": { "prompt_tokens": 7, "completion_tokens": 2, "cost": 0.1, "is_byok": true, "cost_details": { "upstream_inference_cost": 0.2 } } });
    let odd_cost = json!({ "choices": text("1"), "usage": { "prompt_tokens": 7, "completion_tokens": 2, "cost": -1 } });
    let hidden =
        json!({ "choices": text("1"), "usage": { "prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 90 } });
    for (body, text, truncated, bill) in [
        (openai, "{\"word\":\"pong\"}", false, used("gpt-4.1-nano-2025-04-14", [89, 64, 5], None)),
        (ollama, "{\"a\":1}", false, used("asked", [7, 0, 2], None)),
        (one_line, "{\"a\":1}", false, Bill::Unknown),
        (cut, "[1,", true, Bill::Unknown),
        (router, "1", false, used("x/y", [7, 0, 2], Some(14_000))),
        (own_key, "1", false, used("x/y", [7, 0, 2], Some(300_000_000))),
        (odd_cost, "1", false, Bill::Unknown),
        (hidden, "1", false, used("asked", [7, 0, 83], None)),
    ] {
        let result = Ok(Reply { text: text.to_owned(), truncated });
        assert_eq!(reply(&body), Called { result, bill }, "{body}");
    }
}

#[test]
fn answers_without_a_text_are_billed() {
    let usage = json!({ "prompt_tokens": 12, "completion_tokens": 4, "total_tokens": 16 });
    let choice = |reason: &str, message: Value| json!({ "choices": [{ "finish_reason": reason, "message": message }] });
    for (mut body, story) in [
        (choice("stop", json!({ "content": null, "refusal": "I'm sorry.\n" })), "openai refuses: I'm sorry."),
        (choice("stop", json!({ "content": null })), "openai gives no text (stop)"),
        (choice("length", json!({ "content": "" })), "openai gives no text (length)"),
        (choice("stop", json!({ "content": "```json" })), "openai gives no text (stop)"),
        (choice("content_filter", json!({ "content": "{\"a\":" })), "openai gives no text (content_filter)"),
        (json!({ "choices": [] }), "openai gives no choice"),
        (json!({}), "openai gives no choice"),
    ] {
        body["usage"] = usage.clone();
        let called = reply(&body);
        assert_eq!(called.bill, used("asked", [12, 0, 4], None));
        assert_eq!(called.result, Err(CallError::Permanent { error: story.to_owned() }), "{body}");
    }
}

#[test]
fn a_failure_after_the_model_began_is_judged_by_its_code() {
    let error = |code: Value| json!({ "code": code, "message": "Provider returned error" });
    for (body, is_transient) in [
        (json!({ "error": error(json!(502)) }), true),
        (json!({ "error": error(json!("odd")) }), true),
        (json!({ "error": error(json!(400)), "choices": [] }), false),
        (
            json!({ "choices": [{ "finish_reason": "error", "error": error(json!(429)), "message": { "content": "half" } }] }),
            true,
        ),
    ] {
        let called = reply(&body);
        assert_eq!(called.bill, Bill::Unknown, "{body}");
        assert_eq!(
            matches!(called.result, Err(CallError::Transient { .. } | CallError::Limited { .. })),
            is_transient,
            "{body}: {called:?}"
        );
    }
}

fn refusal(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> (Decision, Bill) {
    let mut answer = answer(NAME, status, body);
    for (name, value) in headers {
        answer.headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    decided(read::reply(&answer, "asked"))
}

#[test]
fn failed_statuses_in_its_own_words() {
    let openai = |kind: &str, param: Value, code: Value| json!({ "error": { "message": "m", "type": kind, "param": param, "code": code } });
    let invalid = "invalid_request_error";
    for (status, body, expected) in [
        (401, openai(invalid, Value::Null, json!("invalid_api_key")), Decision::Denied),
        (403, openai("forbidden", Value::Null, json!("unsupported_country_region_territory")), Decision::Denied),
        (404, openai(invalid, Value::Null, json!("model_not_found")), Decision::Denied),
        (404, openai("not_found_error", Value::Null, Value::Null), Decision::Denied),
        (400, openai(invalid, json!("messages"), json!("context_length_exceeded")), Decision::Never),
        (400, openai(invalid, json!("temperature"), json!("decimal_above_max_value")), Decision::Denied),
        (400, openai(invalid, json!("response_format.json_schema"), Value::Null), Decision::Denied),
        (400, json!({ "error": { "code": 400, "message": "x is not a valid model ID" } }), Decision::Denied),
        (
            400,
            json!({ "error": { "code": 400, "message": "m", "type": "exceed_context_size_error", "n_ctx": 4096 } }),
            Decision::Never,
        ),
        (
            402,
            json!({ "error": { "code": 402, "message": "m", "metadata": { "limit_source": "openrouter_credits" } } }),
            Decision::UsedUp(None),
        ),
        (
            403,
            json!({ "error": { "code": 403, "message": "m", "metadata": { "reasons": ["violence"], "flagged_input": "x" } } }),
            Decision::Never,
        ),
        (429, openai("insufficient_quota", Value::Null, json!("insufficient_quota")), Decision::UsedUp(None)),
        (429, openai("tokens", Value::Null, json!("rate_limit_exceeded")), Decision::Wait(None)),
        (409, openai("conflict", Value::Null, Value::Null), Decision::Wait(None)),
        (500, openai("server_error", Value::Null, Value::Null), Decision::Wait(None)),
        (503, json!({ "error": "overloaded" }), Decision::Wait(None)),
        (503, json!({ "object": "error", "message": "m", "type": "x", "code": 503 }), Decision::Wait(None)),
        (404, json!({ "detail": "Not Found" }), Decision::Denied),
    ] {
        assert_eq!(refusal(status, &[], &body.to_string()), (expected, Bill::Nothing), "{status} {body}");
    }
}

#[test]
fn failed_statuses_in_words_of_others() {
    for (status, body, expected) in [
        (401, "Incorrect API key provided", (Decision::Denied, Bill::Nothing)),
        (413, "<html>too large</html>", (Decision::Never, Bill::Nothing)),
        (307, "", (Decision::Denied, Bill::Nothing)),
        (429, "", (Decision::Wait(None), Bill::Nothing)),
        (524, "<html>a timeout occurred</html>", (Decision::Wait(None), Bill::Unknown)),
        (502, "{}", (Decision::Wait(None), Bill::Unknown)),
    ] {
        assert_eq!(refusal(status, &[], body), expected, "{status} {body}");
    }
}

#[test]
fn waits() {
    let said =
        json!({ "error": { "message": "Please try again in 1.2s.", "code": "rate_limit_exceeded" } }).to_string();
    let silent = json!({ "error": { "message": "Slow down." } }).to_string();
    let resets = [("x-ratelimit-reset-requests", "6m0s"), ("x-ratelimit-reset-tokens", "250ms")];
    let with = |more: &[(&'static str, &'static str)]| [&resets[..], more].concat();
    for (headers, body, ms) in [
        (with(&[("retry-after", "2.5"), ("retry-after-ms", "2400")]), &said, 2_400),
        (with(&[("retry-after", "2.5")]), &said, 2_500),
        (with(&[]), &said, 1_200),
        (with(&[]), &silent, 360_000),
        (with(&[("x-ratelimit-remaining-requests", "99"), ("x-ratelimit-remaining-tokens", "0")]), &silent, 250),
    ] {
        let expected = Decision::Wait(Some(Duration::from_millis(ms)));
        assert_eq!(refusal(429, &headers, body), (expected, Bill::Nothing), "{headers:?} {body}");
    }
}
