//! What becomes of a call at each point where it can break, and that the key is nowhere to be seen.

use std::io::{Read, Seek};
use std::sync::Arc;

use reqwest::header::AUTHORIZATION;
use serde_json::json;
use tokio::net::TcpListener;

use super::super::stub::{Act, KEY, PATIENCE, said, server};
use super::*;
use crate::config::{HttpUrl, Secret};

/// Asks `url`. An answer becomes its status and its body.
async fn ask(url: &str, timeout: Duration) -> Called<String> {
    let access = Access::open("openai", &HttpUrl::parse(url).unwrap(), timeout).unwrap();
    let access = access.with_key(AUTHORIZATION, "Bearer ", &Secret::new(KEY), "OPENAI_API_KEY").unwrap();
    let read = |answer: &Answer| {
        let result = Ok(format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body)));
        Called { result, bill: Bill::Nothing }
    };
    Http::new().unwrap().post(&access, &["chat"], &json!({ "question": 1 }), read).await
}

/// Asks a server that does this.
async fn asked(act: Act, timeout: Duration) -> Called<String> {
    let (url, server) = server(act).await;
    let called = ask(&url, timeout).await;
    let request = server.await.unwrap();
    assert!(request.is_empty() || request.to_lowercase().contains(&format!("\r\nauthorization: bearer {KEY}\r\n")));
    called
}

fn lost(called: &Called<String>) -> &str {
    match called {
        Called { result: Err(CallError::Lost { error }), bill: Bill::Unknown } => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_was_never_sent_costs_nothing_and_is_asked_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let refusing = listener.local_addr().unwrap();
    drop(listener);
    let (plain, server) = server(Act::Close).await;
    for url in [format!("http://{refusing}"), plain.replace("http:", "https:")] {
        let called = ask(&url, PATIENCE).await;
        assert!(
            matches!(&called, Called { result: Err(CallError::Transient { retry_after: None, error }), bill: Bill::Nothing }
                if error.starts_with("openai is not reached: ")),
            "{called:?}"
        );
    }
    server.await.unwrap();
}

#[tokio::test]
async fn what_may_have_been_sent_is_lost_when_no_whole_answer_comes() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    for act in [
        Act::Close,
        Act::Say(String::new()),
        Act::Say(head.to_owned()),
        Act::Say(format!("{head}content-length: 100\r\n\r\n{{\"a\":")),
        Act::Say(format!("{head}transfer-encoding: chunked\r\n\r\n5\r\n{{\"a\":\r\n")),
        Act::Say("what?\r\n\r\n".to_owned()),
    ] {
        let called = asked(act.clone(), PATIENCE).await;
        assert!(lost(&called).starts_with("the answer of openai is lost: "), "{act:?}");
    }
    let late = asked(Act::Hang, Duration::from_millis(300)).await;
    assert!(lost(&late).contains("timed out"), "{late:?}");
    let long = asked(said(200, &"x".repeat(ANSWER_BYTES_MAX + 1)), PATIENCE).await;
    assert!(lost(&long).contains("longer than"), "{long:?}");
}

#[tokio::test]
async fn a_status_is_an_answer() {
    let cut = "HTTP/1.1 503 X\r\ncontent-length: 100\r\n\r\nbusy".to_owned();
    let elsewhere = "HTTP/1.1 307 X\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n".to_owned();
    for (act, answer) in [
        (said(200, "{}"), "200 {}"),
        (said(200, &"x".repeat(ANSWER_BYTES_MAX)), &format!("200 {}", "x".repeat(ANSWER_BYTES_MAX))),
        (said(401, &format!("wrong key: {KEY}.")), "401 wrong key: ***."),
        (Act::Say(cut), "503 busy"),
        (Act::Say(elsewhere), "307 "),
    ] {
        assert_eq!(asked(act, PATIENCE).await.result.as_deref(), Ok(answer));
    }
}

#[tokio::test]
async fn nothing_shows_the_key() {
    let file = Arc::new(tempfile::tempfile().unwrap());
    let logs = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(Arc::clone(&file)).finish();
    let guard = tracing::subscriber::set_default(logs);
    for act in [said(200, "{}"), Act::Close, said(200, KEY), said(401, KEY), Act::Say(format!("{KEY}\r\n\r\n"))] {
        let called = asked(act, PATIENCE).await;
        assert!(!format!("{called:?}").contains(KEY), "{called:?}");
        // A place that logs, first come upon by another test, which has no log, would stay silent here too.
        tracing::callsite::rebuild_interest_cache();
    }
    drop(guard);
    let mut text = String::new();
    let mut file = &*file;
    file.rewind().unwrap();
    file.read_to_string(&mut text).unwrap();
    assert!(text.contains("TRACE") && !text.contains(KEY), "{text}");
}
