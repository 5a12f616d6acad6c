//! Tavily: what is sent, and what each shape of an answer means.

use jiff::civil::date;
use reqwest::header::{HeaderValue, RETRY_AFTER};

use super::super::stub::answer;
use super::*;

fn search(query: &str) -> Search {
    Search { query: query.to_owned(), topic: Topic::News, from: None, to: None, results_max: 5 }
}

fn credits(credits: u64) -> Bill {
    Bill::Usage(Usage { credits, ..Usage::default() })
}

#[test]
fn the_request() {
    let dated =
        Search { from: Some(date(2026, 11, 20)), to: Some(date(2026, 11, 22)), results_max: 99, ..search("ETF") };
    let expected = json!({
        "query": "ETF", "topic": "news", "search_depth": "basic", "auto_parameters": false, "max_results": 20,
        "include_answer": false, "include_raw_content": false, "include_images": false, "include_usage": true,
        "start_date": "2026-11-20", "end_date": "2026-11-22"
    });
    assert_eq!(request(&dated), expected);
}

#[test]
fn queries_are_cut_at_a_word() {
    let words = |count: usize| vec!["word"; count].join(" ");
    for (query, kept) in [
        (" two words ".to_owned(), "two words".to_owned()),
        (words(80), words(80)),
        (words(81), words(80)),
        (format!("{}x {}", words(80), words(9)), format!("{}x", words(80))),
        (format!("{}xy {}", words(80), words(9)), words(79)),
        ("é".repeat(401), "é".repeat(400)),
    ] {
        assert_eq!(cut(&query), kept);
    }
}

#[test]
fn findings_and_what_they_cost() {
    let body = json!({
        "query": "q", "answer": null, "response_time": "1.09", "request_id": "r",
        "results": [
            { "title": "t", "url": "https://a", "content": "c", "score": 0.91, "raw_content": null, "published_date": "Fri, 20 Nov 2026" },
            { "title": null, "url": "https://b", "content": null },
            { "title": "no address" }
        ]
    });
    let empty = String::new;
    let findings = vec![
        Finding {
            title: "t".into(),
            url: "https://a".into(),
            content: "c".into(),
            score: 0.91,
            published: Some("Fri, 20 Nov 2026".into()),
        },
        Finding { title: empty(), url: "https://b".into(), content: empty(), score: 0.0, published: None },
    ];
    for (usage, bill) in [
        (Value::Null, credits(1)),
        (json!({ "credits": 2 }), credits(2)),
        (json!({ "credits": 1.5 }), Bill::Unknown),
        (json!({}), Bill::Unknown),
    ] {
        let mut body = body.clone();
        body["usage"] = usage;
        assert_eq!(read(&answer(NAME, 200, &body.to_string())), Called { result: Ok(findings.clone()), bill });
    }
    let strange = read(&answer(NAME, 200, "{\"results\":{}}"));
    assert!(matches!(strange, Called { result: Err(CallError::Permanent { .. }), bill: Bill::Unknown }), "{strange:?}");
}

#[test]
fn failed_statuses() {
    let detail = json!({ "detail": { "error": "Said." } });
    let keyless = json!({ "error": { "code": "x", "message": "Said.", "window": "day", "retry_after_seconds": 90, "next_actions": [] } });
    let wait = |seconds| Some(Duration::from_secs(seconds));
    let error = |text: &str| text.to_owned();
    for (status, body, expected) in [
        (400, &detail, CallError::Permanent { error: error("tavily answers 400: Said.") }),
        (401, &detail, CallError::Denied { error: error("tavily answers 401: Said.") }),
        (429, &detail, CallError::Limited { retry_after: wait(7), error: error("tavily answers 429: Said.") }),
        (429, &keyless, CallError::Limited { retry_after: wait(90), error: error("tavily answers 429: Said.") }),
        (500, &detail, CallError::Transient { retry_after: wait(7), error: error("tavily answers 500: Said.") }),
        (
            403,
            &detail,
            CallError::Exhausted {
                retry_after: wait(7),
                error: error("tavily answers 403: Said. (the account may not)"),
            },
        ),
        (
            432,
            &detail,
            CallError::Exhausted {
                retry_after: wait(7),
                error: error("tavily answers 432: Said. (the limit of the plan)"),
            },
        ),
        (
            433,
            &detail,
            CallError::Exhausted {
                retry_after: wait(7),
                error: error("tavily answers 433: Said. (the limit of pay-as-you-go)"),
            },
        ),
    ] {
        let mut answer = answer(NAME, status, &body.to_string());
        answer.headers.insert(RETRY_AFTER, HeaderValue::from_static("7"));
        assert_eq!(read(&answer), Called { result: Err(expected), bill: Bill::Nothing }, "{status}");
    }
    let gateway = read(&answer(NAME, 502, "<html>"));
    assert!(matches!(gateway, Called { result: Err(CallError::Transient { .. }), bill: Bill::Unknown }), "{gateway:?}");
}
