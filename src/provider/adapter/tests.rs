//! Services as they are configured, from the question to the answer over a socket.

use serde_json::{Value, json};

use super::stub::{Act, KEY, prompt, said, server};
use super::*;
use crate::config::{HttpUrl, Provider, Secret};
use crate::provider::call::{Bill, Usage};

fn config(provider: Provider, base_url: Option<&str>, key: Option<&str>) -> config::Llm {
    config::Llm {
        provider,
        base_url: base_url.map(|url| HttpUrl::parse(url).unwrap()),
        gemini_api_key: key.map(Secret::new),
        openai_api_key: key.map(Secret::new),
        ..config::Llm::default()
    }
}

/// A request's first line, its headers and its body.
fn parts(request: &str) -> (String, String, Value) {
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let (line, headers) = head.split_once("\r\n").unwrap();
    (line.to_owned(), headers.to_lowercase(), serde_json::from_str(body).unwrap())
}

#[test]
fn what_is_missing_is_said_at_the_start() {
    let http = Http::new().unwrap();
    let local = Some("http://127.0.0.1:11434/v1");
    for (config, expected) in [
        (config(Provider::Lexicon, None, None), Ok(None)),
        (config(Provider::Gemini, None, Some("k")), Ok(Some("gemini"))),
        (config(Provider::Gemini, local, None), Err(Unfit::NoKey("GEMINI_API_KEY"))),
        (config(Provider::Openai, None, Some("k")), Ok(Some("openai"))),
        (config(Provider::Openai, None, None), Err(Unfit::NoKey("OPENAI_API_KEY"))),
        (config(Provider::Openai, local, None), Ok(Some("openai"))),
        (config(Provider::Openai, None, Some("k\n")), Err(Unfit::Key("OPENAI_API_KEY"))),
    ] {
        let llm = Llm::new(&config, &http);
        assert_eq!(llm.map(|llm| llm.map(|llm| llm.name())), expected, "{config:?}");
    }
}

#[test]
fn usual_models() {
    for (provider, usual) in [
        (Provider::Lexicon, "lexicon"),
        (Provider::Gemini, "gemini-2.5-flash-lite"),
        (Provider::Openai, "gpt-4.1-nano"),
    ] {
        let mut config = config(provider, None, None);
        assert_eq!((model(&config), max_output_tokens(&config)), (usual, 1024));
        (config.model, config.max_output_tokens) = (Some("other".to_owned()), Some(64));
        assert_eq!((model(&config), max_output_tokens(&config)), ("other", 64));
    }
}

#[tokio::test]
async fn gemini_answers_and_counts() {
    let http = Http::new().unwrap();
    let told = json!({
        "candidates": [{ "content": { "parts": [{ "text": "{}" }] }, "finishReason": "STOP" }],
        "usageMetadata": { "promptTokenCount": 9, "candidatesTokenCount": 2, "totalTokenCount": 11 }
    });
    let (url, task) = server(said(200, &told.to_string())).await;
    let llm = Llm::new(&config(Provider::Gemini, Some(&format!("{url}/v1beta")), Some(KEY)), &http).unwrap().unwrap();
    assert!(!format!("{llm:?}").contains(KEY), "{llm:?}");
    let called = llm.ask(&prompt("gemini-2.5-flash-lite")).await;
    assert_eq!(called.result, Ok(Reply { text: "{}".to_owned(), truncated: false }));
    let (line, headers, asked) = parts(&task.await.unwrap());
    assert_eq!(line, "POST /v1beta/models/gemini-2.5-flash-lite:generateContent HTTP/1.1");
    assert!(headers.contains(&format!("x-goog-api-key: {KEY}")), "{headers}");
    assert!(headers.contains("content-type: application/json") && headers.contains("user-agent: signalmill/"));

    let (url, task) = server(said(200, "{\"totalTokens\":31}")).await;
    let llm = Llm::new(&config(Provider::Gemini, Some(&url), Some(KEY)), &http).unwrap().unwrap();
    assert_eq!(llm.count(&prompt("models/gemini-2.5-flash-lite")).await, Some(Ok(31)));
    let (line, _, counted) = parts(&task.await.unwrap());
    assert_eq!(line, "POST /models/gemini-2.5-flash-lite:countTokens HTTP/1.1");
    let mut whole = asked;
    whole["model"] = "models/gemini-2.5-flash-lite".into();
    assert_eq!(counted, json!({ "generateContentRequest": whole }), "what is counted is what is asked");

    let (url, _task) = server(Act::Close).await;
    let llm = Llm::new(&config(Provider::Gemini, Some(&url), Some(KEY)), &http).unwrap().unwrap();
    let lost = llm.count(&prompt("m")).await;
    assert!(matches!(lost, Some(Err(CallError::Transient { .. }))), "{lost:?}");
}

#[tokio::test]
async fn a_local_server_answers_without_a_key() {
    let told = json!({
        "model": "llama3.2", "choices": [{ "finish_reason": "stop", "message": { "content": "{}" } }],
        "usage": { "prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11 }
    });
    let (url, task) = server(said(200, &told.to_string())).await;
    let http = Http::new().unwrap();
    let llm = Llm::new(&config(Provider::Openai, Some(&format!("{url}/v1/")), None), &http).unwrap().unwrap();
    let called = llm.ask(&prompt("llama3.2")).await;
    let usage = Usage { model: "llama3.2".to_owned(), input_tokens: 9, output_tokens: 2, ..Usage::default() };
    let result = Ok(Reply { text: "{}".to_owned(), truncated: false });
    assert_eq!(called, Called { result, bill: Bill::Usage(usage) });
    assert_eq!(llm.count(&prompt("llama3.2")).await, None);
    let (line, headers, body) = parts(&task.await.unwrap());
    assert_eq!(line, "POST /v1/chat/completions HTTP/1.1");
    assert!(!headers.contains("authorization"), "{headers}");
    assert_eq!(body["max_tokens"], 256);
}

#[tokio::test]
async fn tavily_answers_with_and_without_a_key() {
    let found = |title: &str| json!({ "title": title, "url": "https://a", "content": "c", "score": 0.5 });
    let told = json!({ "results": [found("a"), found("b")], "usage": { "credits": 1 } }).to_string();
    let search = Search { query: "q".to_owned(), topic: Topic::General, from: None, to: None, results_max: 1 };
    for (key, header, bill) in [
        (Some(KEY), format!("authorization: bearer {KEY}"), Bill::Usage(Usage { credits: 1, ..Usage::default() })),
        (None, "x-tavily-access-mode: keyless".to_owned(), Bill::Nothing),
    ] {
        let (url, task) = server(said(200, &told)).await;
        let base_url = HttpUrl::parse(&url).unwrap();
        let config = config::Tavily { base_url, api_key: key.map(Secret::new), ..config::Tavily::default() };
        let tavily = Tavily::new(&config, &Http::new().unwrap()).unwrap();
        let called = tavily.search(&search).await;
        assert_eq!(called.bill, bill);
        assert_eq!(called.result.unwrap().len(), 1);
        let (line, headers, _) = parts(&task.await.unwrap());
        assert_eq!(line, "POST /search HTTP/1.1");
        assert!(headers.contains(&header), "{headers}");
    }
}
