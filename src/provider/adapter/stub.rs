//! What the tests of several adapters share: a question, an answer, and a server that speaks as it is told.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderMap;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::answer::Answer;
use super::{Prompt, Schema};
use crate::provider::call::{Bill, CallError, Called};

/// A key that must be seen by the service only.
pub(super) const KEY: &str = "sk-hunter2-hunter2";

/// A small question to `model`.
pub(super) fn prompt(model: &str) -> Prompt {
    let schema = json!({
        "type": "object", "properties": { "direction": { "type": "string", "minLength": 1 } },
        "propertyOrdering": ["direction"]
    });
    Prompt {
        system: "Judge.".into(),
        user: "Bitcoin rose.".to_owned(),
        schema: Arc::new(Schema::new("signal", &schema)),
        model: model.to_owned(),
        max_output_tokens: 256,
        seed: 7,
    }
}

/// An answer without headers.
pub(super) fn answer(service: &'static str, status: u16, body: &str) -> Answer {
    Answer { service, status, headers: HeaderMap::new(), body: body.into() }
}

/// What is to be done, without the story.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Wait(Option<Duration>),
    Never,
    UsedUp(Option<Duration>),
    Denied,
    Lost,
}

/// What a failed call came to.
pub(super) fn decided<T: std::fmt::Debug>(called: Called<T>) -> (Decision, Bill) {
    let decision = match called.result.unwrap_err() {
        CallError::Transient { retry_after, .. } | CallError::Limited { retry_after, .. } => {
            Decision::Wait(retry_after)
        }
        CallError::Permanent { .. } => Decision::Never,
        CallError::Exhausted { retry_after, .. } => Decision::UsedUp(retry_after),
        CallError::Denied { .. } => Decision::Denied,
        CallError::Lost { .. } => Decision::Lost,
    };
    (decision, called.bill)
}

/// What a server does with its one connection.
#[derive(Debug, Clone)]
pub(super) enum Act {
    /// Closes it before anything is read.
    Close,
    /// Reads the request, answers this, byte for byte, and closes.
    Say(String),
    /// Reads the request and says nothing until the other side gives up.
    Hang,
}

/// A whole HTTP answer.
pub(super) fn said(status: u16, body: &str) -> Act {
    Act::Say(format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n{body}", body.len()))
}

/// A server for one connection: its address, and the request that it read.
pub(super) async fn server(act: Act) -> (String, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        if matches!(act, Act::Close) {
            return String::new();
        }
        let request = request(&mut stream).await;
        match act {
            // Whoever asks may have heard enough.
            Act::Say(text) => stream.write_all(text.as_bytes()).await.unwrap_or_default(),
            _ => drop(stream.read_u8().await),
        }
        request
    });
    (url, task)
}

/// Reads one request by its length; one without has no body.
async fn request(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    let mut chunk = [0; 4096];
    loop {
        let read = stream.read(&mut chunk).await.unwrap();
        text.push_str(std::str::from_utf8(&chunk[..read]).unwrap());
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
        if body.len() >= length.parse().unwrap() {
            return text;
        }
    }
}

/// Long enough for a local answer on a busy machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
