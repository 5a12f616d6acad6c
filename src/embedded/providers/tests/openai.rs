//! The `OpenAI`-compatible interface, against what is written down of the real one.

use serde_json::json;

use super::*;

const PATH: &str = "/v1/chat/completions";

fn question() -> Value {
    json!({
        "model": "gpt-4.1-nano", "temperature": 0, "max_completion_tokens": 512,
        "messages": [
            { "role": "system", "content": "Analyse the article." },
            { "role": "user", "content": "Exchange hacked, $40 million of ether stolen" },
        ],
        "response_format": { "type": "json_schema", "json_schema": { "name": "analysis", "strict": true, "schema": {
            "type": "object", "additionalProperties": false, "required": ["direction", "event_type"],
            "properties": { "direction": { "type": "string" }, "event_type": { "type": "string" } },
        } } },
    })
}

fn ask(knobs: Knobs) -> (Value, Bill) {
    let till = Till::open(Provider::OpenAi, knobs);
    let came = till.post(PATH, &question());
    assert_eq!((came.status, came.content_type), (200, "application/json"));
    assert!(came.header("x-request-id").is_some());
    (came.json(), till.bill())
}

#[test]
fn an_answer_fits_its_schema_and_its_bill() {
    let (body, bill) = ask(Knobs::default());
    assert_eq!(body["choices"][0]["message"]["content"], "{\"direction\":\"bearish\",\"event_type\":\"hack\"}");
    assert_eq!(
        (&body["choices"][0]["finish_reason"], &body["model"]),
        (&json!("stop"), &json!("gpt-4.1-nano-2025-04-14"))
    );
    let (usage, sale) = (&body["usage"], &bill.entries[0].sale);
    assert_eq!(
        (&usage["prompt_tokens"], &usage["completion_tokens"]),
        (&json!(sale.input_tokens), &json!(sale.output_tokens))
    );
    let texts = ["Analyse the article.", "Exchange hacked, $40 million of ether stolen"].map(tokens::count);
    let schema = tokens::count(&question()["response_format"]["json_schema"]["schema"].to_string());
    assert_eq!(sale.input_tokens, texts.iter().sum::<u64>() + schema + 2 * 4 + 3);
    assert_eq!(sale.cost.0, sale.input_tokens * 100 + sale.output_tokens * 400);
}

#[test]
fn odd_answers() {
    let calm = Knobs::default();
    let (body, bill) = ask(Knobs { refused: 1.0, ..calm });
    let message = &body["choices"][0]["message"];
    assert!(message["content"].is_null() && message["refusal"].as_str().unwrap().starts_with("I'm sorry"));
    assert!(bill.entries[0].sale.output_tokens > 0, "a refusal is billed");
    let (body, _) = ask(Knobs { fenced: 1.0, ..calm });
    assert!(body["choices"][0]["message"]["content"].as_str().unwrap().starts_with("```json\n{"));
    let (body, bill) = ask(Knobs { truncated: 1.0, ..calm });
    assert_eq!((&body["choices"][0]["finish_reason"], bill.entries[0].sale.output_tokens), (&json!("length"), 512));
    let (body, _) = ask(Knobs { blocked: 1.0, ..calm });
    assert_eq!(body["choices"][0]["finish_reason"], "content_filter");
    let (body, bill) = ask(Knobs { usage_missing: 1.0, ..calm });
    assert!(body.get("usage").is_none() && bill.total() > NanoUsd::ZERO);
    let (body, bill) = ask(Knobs { thoughts: 1.0, cached: 1.0, ..calm });
    let (usage, sale) = (&body["usage"], &bill.entries[0].sale);
    assert_eq!(usage["completion_tokens"], sale.output_tokens, "thoughts are inside");
    assert!(usage["completion_tokens_details"]["reasoning_tokens"].as_u64().unwrap() > 0);
    assert_eq!(usage["prompt_tokens_details"]["cached_tokens"], sale.cached_tokens);
}

#[test]
fn refusals_have_every_kind_of_code() {
    let codes = |knobs| {
        let till = Till::open(Provider::OpenAi, knobs);
        let ask = |number: i32| {
            let mut question = question();
            question["messages"][1]["content"] = json!(format!("Article {number}"));
            till.post(PATH, &question)
        };
        let came: Vec<Came> = (0..40).map(ask).collect();
        assert!(till.bill().entries.is_empty());
        (came.iter().map(|came| came.json()["error"]["code"].clone()).collect::<Vec<_>>(), came)
    };
    let calm = Knobs::default();
    let (limited, came) = codes(Knobs { rate_limited: 1.0, ..calm });
    assert!(limited.contains(&json!("rate_limit_exceeded")) && limited.contains(&json!(429)));
    assert!(came.iter().all(|came| came.status == 429 && came.header("x-ratelimit-reset-requests").is_some()));
    assert!(came[0].body.contains("Please try again in 1.0"), "{}", came[0].body);
    let (broke, came) = codes(Knobs { out_of_quota: 1.0, ..calm });
    assert!(broke.iter().all(|code| code == "insufficient_quota") && came[0].status == 429);
    let (unavailable, came) = codes(Knobs { unavailable: 1.0, ..calm });
    assert!(unavailable.iter().all(Value::is_null) && came[0].status == 503);
}

#[test]
fn keys_models_and_rules() {
    let till = Till::open(Provider::OpenAi, Knobs::default());
    let wrong = came(till.decide(PATH, &[("authorization", "Bearer sk-wrong-key-1234")], &question()));
    assert_eq!((wrong.status, wrong.content_type), (401, "text/plain; charset=utf-8"));
    assert!(wrong.body.contains("********1234") && !wrong.body.contains("wrong-key"));
    assert_eq!(came(till.decide(PATH, &[], &question())).status, 401);
    let broken = |change: fn(&mut Value)| {
        let mut question = question();
        change(&mut question);
        till.post(PATH, &question).status
    };
    assert_eq!(broken(|question| question["model"] = json!("gemini-2.5-flash-lite")), 404);
    assert_eq!(broken(|question| question["temperature"] = json!(2.5)), 400);
    assert_eq!(broken(|question| question["max_tokens"] = json!(5)), 400);
    assert_eq!(broken(|question| question["stream"] = json!(true)), 400);
    assert_eq!(broken(|question| question["response_format"]["json_schema"]["name"] = json!("an analysis")), 400);
    let not_strict = |question: &mut Value| {
        question["response_format"]["json_schema"]["schema"]["required"] = json!(["direction"]);
    };
    assert_eq!(broken(not_strict), 400);
    let in_parts = |question: &mut Value| {
        question["messages"][1]["content"] = json!([{ "type": "text", "text": "Bitcoin surges" }]);
    };
    assert_eq!(broken(in_parts), 200);
    // Local servers know only the old name of the cap.
    let old = |question: &mut Value| {
        question["max_tokens"] = question["max_completion_tokens"].take();
    };
    assert_eq!(broken(old), 200);
    assert_eq!(till.post("/v1/completions", &question()).status, 404);
}
