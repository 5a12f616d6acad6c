//! Gemini: what is sent, and what each shape of an answer means.

use std::time::Duration;

use serde_json::json;

use super::super::stub::{Decision, answer, decided, prompt};
use super::*;
use crate::provider::call::{Bill, Usage};

/// A success.
fn reply(body: &Value) -> Called<Reply> {
    read::reply(&answer(NAME, 200, &body.to_string()), "gemini-asked")
}

fn used(model: &str, [input_tokens, cached_tokens, output_tokens]: [u64; 3]) -> Bill {
    Bill::Usage(Usage { model: model.to_owned(), input_tokens, cached_tokens, output_tokens, ..Usage::default() })
}

fn text(text: &str, truncated: bool) -> Reply {
    Reply { text: text.to_owned(), truncated }
}

#[test]
fn the_request() {
    let request = serde_json::to_value(request(&prompt("models/gemini-2.5-flash-lite"))).unwrap();
    assert_eq!(
        request,
        json!({
            "systemInstruction": { "parts": [{ "text": "Judge." }] },
            "contents": [{ "role": "user", "parts": [{ "text": "Bitcoin rose." }] }],
            "generationConfig": {
                "temperature": 0.0, "seed": 7, "candidateCount": 1, "maxOutputTokens": 256,
                "responseMimeType": "application/json",
                "responseJsonSchema": {
                    "type": "object", "properties": { "direction": { "type": "string" } },
                    "propertyOrdering": ["direction"]
                },
                "thinkingConfig": { "thinkingBudget": 0 }
            },
            "safetySettings": [
                { "category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE" },
                { "category": "HARM_CATEGORY_HATE_SPEECH", "threshold": "BLOCK_NONE" },
                { "category": "HARM_CATEGORY_SEXUALLY_EXPLICIT", "threshold": "BLOCK_NONE" },
                { "category": "HARM_CATEGORY_DANGEROUS_CONTENT", "threshold": "BLOCK_NONE" }
            ]
        })
    );
}

#[test]
fn as_little_thinking_as_a_model_takes() {
    for (model, expected) in [
        ("gemini-2.0-flash", None),
        ("gemini-2.5-flash", Some(Thinking::Budget(0))),
        ("gemini-2.5-flash-lite-preview-09-2025", Some(Thinking::Budget(0))),
        ("gemini-2.5-pro", Some(Thinking::Budget(128))),
        ("gemini-3-flash-preview", Some(Thinking::Level("low"))),
        ("gemini-3.1-pro-preview", Some(Thinking::Level("low"))),
        ("gemini-3.5-flash-lite", Some(Thinking::Level("minimal"))),
        ("gemini-3.8-flash", Some(Thinking::Level("low"))),
        ("gemini-10-flash-lite", Some(Thinking::Level("minimal"))),
        ("gemini-flash-latest", None),
        ("gemma-3-27b-it", None),
    ] {
        assert_eq!(thinking(model), expected, "{model}");
    }
}

#[test]
fn texts_and_what_they_cost() {
    let thoughts = json!({
        "candidates": [{ "content": { "role": "model", "parts": [
            { "text": "hm", "thought": true }, { "text": "{\"a\":" }, { "text": "1}", "thoughtSignature": "x" }
        ] }, "finishReason": "STOP" }],
        "modelVersion": "gemini-3.5-flash-lite",
        "usageMetadata": { "promptTokenCount": 38, "candidatesTokenCount": 32, "thoughtsTokenCount": 143, "totalTokenCount": 213 }
    });
    let cached = json!({
        "candidates": [{ "content": { "parts": [{ "text": "[1" }] }, "finishReason": "MAX_TOKENS" }],
        "usageMetadata": { "promptTokenCount": 4612, "cachedContentTokenCount": 3765, "candidatesTokenCount": 3, "totalTokenCount": 4615 }
    });
    let tools = json!({
        "candidates": [{ "content": { "parts": [{ "text": "1" }] } }],
        "usageMetadata": { "promptTokenCount": 10, "toolUsePromptTokenCount": 5, "candidatesTokenCount": 1, "totalTokenCount": 16 }
    });
    let new_kind = json!({
        "candidates": [{ "content": { "parts": [{ "text": "1" }] }, "finishReason": "STOP" }],
        "usageMetadata": { "promptTokenCount": 10, "candidatesTokenCount": 1, "dreamsTokenCount": 30, "totalTokenCount": 41 }
    });
    let silent = json!({ "candidates": [{ "content": { "parts": [{ "text": "1" }] }, "finishReason": "STOP" }] });
    for (body, expected, bill) in [
        (thoughts, text("{\"a\":1}", false), used("gemini-3.5-flash-lite", [38, 0, 175])),
        (cached, text("[1", true), used("gemini-asked", [4612, 3765, 3])),
        (tools, text("1", false), used("gemini-asked", [15, 0, 1])),
        (new_kind, text("1", false), used("gemini-asked", [10, 0, 31])),
        (silent, text("1", false), Bill::Unknown),
    ] {
        assert_eq!(reply(&body), Called { result: Ok(expected), bill }, "{body}");
    }
}

#[test]
fn answers_without_a_text_are_billed_and_not_asked_again() {
    let usage = json!({ "promptTokenCount": 12, "thoughtsTokenCount": 60, "totalTokenCount": 72 });
    for (mut body, story) in [
        (json!({}), "gives no candidate"),
        (json!({ "candidates": [], "promptFeedback": {} }), "gives no candidate"),
        (json!({ "promptFeedback": { "blockReason": "SAFETY", "safetyRatings": [] } }), "blocks the prompt (SAFETY)"),
        (json!({ "candidates": [{ "content": { "role": "model" }, "finishReason": "STOP" }] }), "no text (STOP)"),
        (json!({ "candidates": [{ "finishReason": "MALFORMED_FUNCTION_CALL" }] }), "(MALFORMED_FUNCTION_CALL)"),
        (json!({ "candidates": [{ "content": { "parts": [] }, "finishReason": "MAX_TOKENS" }] }), "(MAX_TOKENS)"),
        (
            json!({ "candidates": [{ "content": { "parts": [{ "text": "hm", "thought": true }] }, "finishReason": "MAX_TOKENS" }] }),
            "(MAX_TOKENS)",
        ),
        (
            json!({ "candidates": [{ "content": { "parts": [{ "text": "half" }] }, "finishReason": "SAFETY" }] }),
            "no text (SAFETY)",
        ),
        (
            json!({ "candidates": [{ "finishReason": "NEVER_SEEN", "finishMessage": "for a\nreason" }] }),
            "no text (NEVER_SEEN) for a reason",
        ),
    ] {
        body["usageMetadata"] = usage.clone();
        let called = reply(&body);
        assert_eq!(called.bill, used("gemini-asked", [12, 0, 60]));
        let Err(CallError::Permanent { error }) = called.result else { panic!("{body}: {called:?}") };
        assert!(error.contains(story), "{error}");
    }
    let uncounted =
        reply(&json!({ "promptFeedback": { "blockReason": "OTHER" }, "usageMetadata": { "trafficType": "X" } }));
    assert_eq!(uncounted.bill, Bill::Unknown);
}

fn refusal(status: u16, body: &str) -> (Decision, Bill) {
    decided(read::reply(&answer(NAME, status, body), "m"))
}

#[test]
fn answers_that_cannot_be_read_count_in_full() {
    for body in ["<html>busy</html>", "[]", "{\"candidates\":7}"] {
        assert_eq!(refusal(200, body), (Decision::Never, Bill::Unknown), "{body}");
    }
    assert_eq!(refusal(200, "{\"candidates\":[{"), (Decision::Lost, Bill::Unknown));
}

fn problem(code: u16, status: &str, message: &str, details: &Value) -> Value {
    json!({ "error": { "code": code, "message": message, "status": status, "details": details } })
}

#[test]
fn failed_statuses_in_its_own_words() {
    let retry = json!({ "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "45.837906927s" });
    let help = json!({ "@type": "type.googleapis.com/google.rpc.Help", "links": [{ "url": "https://x" }] });
    let quota = |id: &str| {
        json!({ "@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [
        { "quotaMetric": "generativelanguage.googleapis.com/requests", "quotaId": id, "quotaValue": "15" }
    ] })
    };
    let minute = quota("GenerateRequestsPerMinutePerProjectPerModel-FreeTier");
    let day = quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier");
    let key = json!([{ "reason": "API_KEY_INVALID", "domain": "googleapis.com" }]);
    let exact = Decision::Wait(Some(Duration::from_nanos(45_837_906_927)));
    let none = json!([]);
    for (code, status, message, details, expected) in [
        (400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", &key, Decision::Denied),
        (400, "INVALID_ARGUMENT", "API key expired. Please renew the API key.", &none, Decision::Denied),
        (400, "FAILED_PRECONDITION", "User location is not supported.", &none, Decision::Denied),
        (400, "INVALID_ARGUMENT", "The input token count exceeds the maximum.", &none, Decision::Never),
        (403, "PERMISSION_DENIED", "Your API key was reported as leaked.", &none, Decision::Denied),
        (404, "NOT_FOUND", "models/x is not found for API version v1beta.", &none, Decision::Denied),
        (429, "RESOURCE_EXHAUSTED", "Quota.", &json!([help, minute, retry]), exact),
        (429, "RESOURCE_EXHAUSTED", "Quota.", &json!([retry, minute, day]), Decision::UsedUp(None)),
        (429, "RESOURCE_EXHAUSTED", "Your prepayment credits are depleted.", &none, Decision::UsedUp(None)),
        (
            429,
            "RESOURCE_EXHAUSTED",
            "You exceeded your current quota. Please retry in 38.9s.",
            &none,
            Decision::Wait(Some(Duration::from_millis(38_900))),
        ),
        (429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota).", &none, Decision::Wait(None)),
        (408, "DEADLINE_EXCEEDED", "", &none, Decision::Wait(None)),
        (500, "INTERNAL", "An internal error has occurred.", &json!("odd"), Decision::Wait(None)),
        (502, "UNAVAILABLE", "", &none, Decision::Wait(None)),
        (503, "UNAVAILABLE", "This model is experiencing high demand.", &none, Decision::Wait(None)),
        (504, "DEADLINE_EXCEEDED", "Deadline expired.", &none, Decision::Wait(None)),
    ] {
        let body = problem(code, status, message, details);
        let (decision, bill) = refusal(code, &body.to_string());
        assert_eq!((decision, bill), (expected, Bill::Nothing), "{body}");
        assert_eq!(refusal(code, &json!([body]).to_string()), refusal(code, &body.to_string()), "wrapped in a list");
    }
}

#[test]
fn failed_statuses_in_words_of_others() {
    for (status, body, expected) in [
        (400, "", (Decision::Never, Bill::Nothing)),
        (301, "", (Decision::Denied, Bill::Nothing)),
        (429, "slow down", (Decision::Wait(None), Bill::Nothing)),
        (503, "no healthy upstream", (Decision::Wait(None), Bill::Unknown)),
        (504, "<html>gateway</html>", (Decision::Wait(None), Bill::Unknown)),
        (502, "[]", (Decision::Wait(None), Bill::Unknown)),
        (500, "{\"error\":", (Decision::Wait(None), Bill::Unknown)),
    ] {
        assert_eq!(refusal(status, body), expected, "{status} {body}");
    }
    let story = read::reply(&answer(NAME, 503, "no\nhealthy upstream"), "m").result.unwrap_err().to_string();
    assert_eq!(story, "gemini answers 503: no healthy upstream");
}

#[test]
fn counts() {
    let counted = read::count(&answer(NAME, 200, "{\"totalTokens\":31,\"promptTokensDetails\":[]}"));
    assert_eq!(counted, Called { result: Ok(31), bill: Bill::Nothing });
    let wrong = read::count(&answer(NAME, 404, &problem(404, "NOT_FOUND", "no", &json!([])).to_string()));
    assert!(matches!(wrong.result, Err(CallError::Denied { .. })));
    assert!(matches!(read::count(&answer(NAME, 200, "{}")).result, Err(CallError::Permanent { .. })));
}
