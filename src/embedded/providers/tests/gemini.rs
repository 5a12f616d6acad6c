//! Gemini's interface, against what is written down of the real one.

use serde_json::json;

use super::*;

pub const PATH: &str = "/v1beta/models/gemini-2.5-flash-lite:generateContent";
const COUNT: &str = "/v1beta/models/gemini-2.5-flash-lite:countTokens";

/// A question as the program asks it.
pub fn question(article: &str) -> Value {
    json!({
        "systemInstruction": { "parts": [{ "text": "Analyse the article." }] },
        "contents": [{ "role": "user", "parts": [{ "text": format!("<article>\n{article}\n</article>") }] }],
        "generationConfig": {
            "temperature": 0, "maxOutputTokens": 512, "responseMimeType": "application/json",
            "responseJsonSchema": {
                "type": "object",
                "properties": {
                    "direction": { "type": "string", "enum": ["bullish", "bearish", "neutral"] },
                    "sentiment": { "type": "number", "minimum": -1, "maximum": 1 },
                    "assets": { "type": "array", "items": { "type": "string" } },
                },
                "required": ["direction", "sentiment", "assets"],
            },
            "thinkingConfig": { "thinkingBudget": 0 },
        },
    })
}

fn ask(knobs: Knobs) -> (Value, Bill) {
    let till = Till::open(Provider::Gemini, knobs);
    let came = till.post(PATH, &question("Bitcoin surges to a record, ether climbs"));
    assert_eq!((came.status, came.content_type), (200, "application/json; charset=UTF-8"));
    (came.json(), till.bill())
}

fn text(body: &Value) -> String {
    let parts = body["candidates"][0]["content"]["parts"].as_array().unwrap();
    parts.iter().filter(|part| part["thought"] != json!(true)).map(|part| part["text"].as_str().unwrap()).collect()
}

#[test]
fn an_answer_fits_its_schema_and_its_bill() {
    let (body, bill) = ask(Knobs::default());
    let analysis: Value = serde_json::from_str(&text(&body)).unwrap();
    assert_eq!(analysis, json!({ "direction": "bullish", "sentiment": 0.6, "assets": ["BTC", "ETH"] }));
    assert_eq!(body["modelVersion"], "gemini-2.5-flash-lite");
    assert_eq!(body["candidates"][0]["finishReason"], "STOP");
    let usage = &body["usageMetadata"];
    let sale = &bill.entries[0].sale;
    assert_eq!(usage["promptTokenCount"], sale.input_tokens);
    assert_eq!(usage["candidatesTokenCount"], sale.output_tokens);
    assert_eq!(usage["totalTokenCount"], sale.input_tokens + sale.output_tokens);
    assert_eq!(usage.get("thoughtsTokenCount"), None);
    assert_eq!(bill.total().0, sale.input_tokens * 100 + sale.output_tokens * 400);
}

#[test]
fn counting_is_free_and_says_what_will_be_billed() {
    let till = Till::open(Provider::Gemini, Knobs::default());
    let mut question = question("Bitcoin surges");
    let model = json!("models/gemini-2.5-flash-lite");
    question["model"] = model;
    let counted = till.post(COUNT, &json!({ "generateContentRequest": question })).json();
    assert!(till.bill().entries.is_empty());
    till.post(PATH, &question);
    let bill = till.bill();
    assert_eq!(counted["totalTokens"], bill.entries[0].sale.input_tokens);
    assert_eq!(bill.requests(Provider::Gemini, Outcome::Counted), 1);
    let short = json!({ "contents": [{ "parts": [{ "text": "What is the largest city in Mexico?" }] }] });
    assert_eq!(till.post(COUNT, &short).json()["totalTokens"], 8);
}

#[test]
fn odd_answers() {
    let calm = Knobs::default();
    let (body, bill) = ask(Knobs { blocked: 1.0, ..calm });
    assert_eq!((&body["promptFeedback"]["blockReason"], body.get("candidates")), (&json!("SAFETY"), None));
    assert_eq!((bill.entries[0].flaw, bill.entries[0].sale.output_tokens), (Some(Flaw::Blocked), 0));
    let (body, bill) = ask(Knobs { refused: 1.0, ..calm });
    assert_eq!((&body["candidates"][0]["finishReason"], bill.entries[0].sale.output_tokens), (&json!("SAFETY"), 0));
    let (body, _) = ask(Knobs { empty: 1.0, ..calm });
    assert_eq!(body["candidates"][0]["content"].get("parts"), None);
    let (body, bill) = ask(Knobs { usage_missing: 1.0, ..calm });
    assert!(body.get("usageMetadata").is_none() && bill.total() > NanoUsd::ZERO);
    let (body, bill) = ask(Knobs { truncated: 1.0, ..calm });
    assert_eq!(
        (&body["candidates"][0]["finishReason"], bill.entries[0].sale.output_tokens),
        (&json!("MAX_TOKENS"), 512)
    );
    assert!(serde_json::from_str::<Value>(&text(&body)).is_err());
    let (_, bill) = ask(Knobs { over_cap: 1.0, ..calm });
    assert_eq!(bill.entries[0].sale.output_tokens, 513);
    let (body, bill) = ask(Knobs { rerouted: 1.0, ..calm });
    let sale = &bill.entries[0].sale;
    assert_eq!(
        (&body["modelVersion"], sale.model.as_str()),
        (&json!("gemini-3.1-flash-lite"), "gemini-3.1-flash-lite")
    );
    assert_eq!(sale.cost.0, sale.input_tokens * 250 + sale.output_tokens * 1_500);
    let (body, bill) = ask(Knobs { cached: 1.0, thoughts: 1.0, ..calm });
    let (usage, sale) = (&body["usageMetadata"], &bill.entries[0].sale);
    assert_eq!(usage["cachedContentTokenCount"], sale.cached_tokens);
    let output = usage["candidatesTokenCount"].as_u64().unwrap() + usage["thoughtsTokenCount"].as_u64().unwrap();
    assert_eq!(output, sale.output_tokens);
    assert_eq!(usage["totalTokenCount"], sale.input_tokens + sale.output_tokens);
    assert!(sale.cached_tokens > 0 && serde_json::from_str::<Value>(&text(&body)).is_ok());
}

#[test]
fn refusals() {
    let calm = Knobs::default();
    for (knobs, status, name, detail) in [
        (Knobs { out_of_quota: 1.0, ..calm }, 429, "RESOURCE_EXHAUSTED", "PerDay"),
        (Knobs { unavailable: 1.0, ..calm }, 503, "UNAVAILABLE", "high demand"),
        (Knobs { outage: Some(knobs::Outage::Unavailable), ..calm }, 503, "UNAVAILABLE", "high demand"),
        (Knobs { broken: 1.0, ..calm }, 500, "INTERNAL", "internal error"),
    ] {
        let till = Till::open(Provider::Gemini, knobs);
        let came = till.post(PATH, &question("Bitcoin"));
        assert_eq!((came.status, &came.json()["error"]["status"]), (status, &json!(name)));
        assert!(came.body.contains(detail) && till.bill().entries.is_empty(), "{}", came.body);
    }
    let till = Till::open(Provider::Gemini, Knobs { rate_limited: 1.0, ..calm });
    let limited: Vec<Value> = (0..40).map(|number| till.post(PATH, &question(&number.to_string())).json()).collect();
    let short = limited.iter().filter(|body| body["error"].get("details").is_none()).count();
    assert!((1..20).contains(&short), "a few say nothing of when to ask again: {short}");
    let long = limited.iter().find(|body| body["error"].get("details").is_some()).unwrap();
    let delay = long["error"]["details"][2]["retryDelay"].as_str().unwrap();
    assert!(delay.starts_with("1.") && delay.len() == "1.000000000s".len(), "{delay}");
    assert!(long["error"]["message"].as_str().unwrap().ends_with(&format!("Please retry in {delay}.")));
}

#[test]
fn keys_models_and_rules() {
    let till = Till::open(Provider::Gemini, Knobs::default());
    let asked = question("Bitcoin");
    let wrong = came(till.decide(PATH, &[("x-goog-api-key", "wrong")], &asked));
    assert_eq!((wrong.status, &wrong.json()["error"]["details"][0]["reason"]), (400, &json!("API_KEY_INVALID")));
    assert_eq!(came(till.decide(PATH, &[], &asked)).status, 403);
    assert_eq!(came(till.decide(&format!("{PATH}?key={KEY}"), &[], &asked)).status, 200);
    for (path, status) in [
        ("/v1beta/models/gemini-2.0-flash:generateContent", 404),
        ("/v1beta/models/gemini-2.5-flash-lite:unknown", 404),
        ("/v1/chat/completions", 404),
    ] {
        assert_eq!(till.post(path, &asked).status, status, "{path}");
    }
    let broken = |change: fn(&mut Value)| {
        let mut asked = asked.clone();
        change(&mut asked["generationConfig"]);
        till.post(PATH, &asked).status
    };
    assert_eq!(broken(|config| config["thinkingConfig"]["thinkingLevel"] = json!("minimal")), 400);
    assert_eq!(broken(|config| config["responseSchema"] = json!({ "type": "OBJECT" })), 400);
    assert_eq!(broken(|config| config["responseMimeType"] = json!("text/plain")), 400);
    assert_eq!(till.post(PATH, &json!("no object")).status, 400);
    let bill = till.bill();
    let counted = [Outcome::Denied, Outcome::Unknown, Outcome::Invalid, Outcome::Answered];
    assert_eq!(counted.map(|outcome| bill.requests(Provider::Gemini, outcome)), [2, 3, 4, 1]);
}
