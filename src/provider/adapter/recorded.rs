//! Answers that services really gave, recorded by the test suites of others, where they are there.

use serde::Deserialize;
use serde_json::Value;

use super::stub::answer;
use super::{Reply, gemini, tavily};
use crate::provider::call::{Bill, CallError, Usage};

#[derive(Deserialize)]
struct Cassette {
    interactions: Vec<Interaction>,
}

#[derive(Deserialize)]
struct Interaction {
    request: Request,
    response: Response,
}

#[derive(Deserialize)]
struct Request {
    uri: String,
}

#[derive(Deserialize)]
struct Response {
    status: Status,
    parsed_body: Option<Value>,
    body: Option<Body>,
}

#[derive(Deserialize)]
struct Status {
    code: u16,
}

#[derive(Deserialize)]
struct Body {
    string: Option<String>,
}

/// Status and body of every recorded answer of a call whose address ends so; `None` where the folder is not there.
fn recorded(folder: &str, call: &str) -> Option<Vec<(u16, String)>> {
    let environment = crate::config::Environment::process();
    let root = environment
        .get("SIGNALMILL_DATA")
        .map_or_else(|| format!("{}/../shared/data", env!("CARGO_MANIFEST_DIR")), str::to_owned);
    let path = format!("{root}/{folder}");
    let Ok(files) = std::fs::read_dir(&path) else {
        println!("skipped: no {path}");
        return None;
    };
    // Bodies of other calls are binary, and not looked at.
    let options = serde_saphyr::options! { ignore_binary_tag_for_string: true };
    let mut answers = Vec::new();
    for file in files.map(|file| file.unwrap().path()).filter(|path| path.extension().is_some_and(|end| end == "yaml"))
    {
        let text = std::fs::read_to_string(&file).unwrap();
        let cassette: Cassette = serde_saphyr::from_str_with_options(&text, options.clone()).unwrap();
        for Interaction { request, response } in cassette.interactions {
            if !request.uri.split('?').next().unwrap().ends_with(call) {
                continue;
            }
            let parsed = response.parsed_body.map(|body| body.to_string());
            let body = parsed.or_else(|| response.body?.string).unwrap();
            answers.push((response.status.code, body));
        }
    }
    Some(answers)
}

/// Every text of the first candidate that is no thought.
fn visible(body: &Value) -> String {
    let parts = body["candidates"][0]["content"]["parts"].as_array().map_or(&[][..], Vec::as_slice);
    parts.iter().filter(|part| part["thought"] != true).filter_map(|part| part["text"].as_str()).collect()
}

#[test]
fn gemini_as_recorded() {
    let Some(answers) = recorded("gemini-recorded-pydantic-ai", ":generateContent") else { return };
    let (mut texts, mut truncated, mut permanent, mut failed, mut uncounted) = (0, 0, 0, 0, 0);
    for (status, text) in &answers {
        let body: Value = serde_json::from_str(text).unwrap();
        let called = gemini::reply(&answer("gemini", *status, text), "asked");
        match called.bill {
            Bill::Usage(usage) => check_usage(&body, &usage),
            Bill::Unknown => uncounted += 1,
            Bill::Nothing => assert_ne!(*status, 200),
        }
        let reason = body["candidates"][0]["finishReason"].as_str();
        match called.result {
            Ok(Reply { text, truncated: is_cut }) => {
                assert_eq!(text, visible(&body));
                assert_eq!(reason, Some(if is_cut { "MAX_TOKENS" } else { "STOP" }));
                texts += 1;
                truncated += usize::from(is_cut);
            }
            Err(CallError::Permanent { error }) => {
                assert!(visible(&body).is_empty() || reason != Some("STOP"), "{error}: {text}");
                permanent += 1;
            }
            Err(error) => {
                assert!(*status == 404 && matches!(error, CallError::Denied { .. }), "{error}");
                failed += 1;
            }
        }
    }
    println!(
        "{} answers: {texts} texts, {truncated} of them truncated; {permanent} without a text, {failed} refused, \
         {uncounted} uncounted",
        answers.len()
    );
    assert!(texts > 60 && permanent > 0 && failed > 0);
}

/// What we count is what the answer says, and all of it.
fn check_usage(body: &Value, usage: &Usage) {
    let count = |name: &str| body["usageMetadata"][name].as_u64().unwrap_or(0);
    let input = count("promptTokenCount") + count("toolUsePromptTokenCount");
    let output = count("candidatesTokenCount") + count("thoughtsTokenCount");
    assert_eq!(count("totalTokenCount"), input + output, "{body}");
    assert_eq!((usage.input_tokens, usage.output_tokens), (input, output), "{body}");
    assert_eq!(usage.cached_tokens, count("cachedContentTokenCount"), "{body}");
    assert_eq!(Some(usage.model.as_str()), body["modelVersion"].as_str());
}

#[test]
fn tavily_as_recorded() {
    let Some(answers) = recorded("tavily-recorded", "/search") else { return };
    for (status, text) in &answers {
        let body: Value = serde_json::from_str(text).unwrap();
        let called = tavily::read(&answer("tavily", *status, text));
        // None of them asked for the usage.
        assert_eq!(called.bill, Bill::Usage(Usage { credits: 1, ..Usage::default() }));
        let findings = called.result.unwrap();
        assert_eq!(findings.len(), body["results"].as_array().unwrap().len());
        assert!(findings.iter().all(|finding| finding.score > 0.0 && !finding.content.is_empty()));
    }
    println!("{} answers", answers.len());
    assert!(!answers.is_empty());
}
