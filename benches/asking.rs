//! The bare loop that paid calls are held against: the bodies that the program would send, made ahead, and a client
//! that sends them, [`IN_FLIGHT`] at a time. No Kafka, no ledger, no reading of answers.
//!
//! It runs as a child process (this benchmark again, with hidden arguments), so that its CPU seconds can be told from
//! those of the stand-ins, which are the benchmark's.

use std::io::{BufRead as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use signalmill::bare::Bare;
use signalmill::clock::Clock;
use signalmill::config;
use signalmill::enrich::content::{self, Question};
use signalmill::flow::Record;
use signalmill::kafka::ARTICLES_RAW;
use signalmill::model::Timestamp;
use signalmill::provider::adapter::{self, Schema};

use crate::child::Child;
use crate::{IN_FLIGHT, articles};

/// The hidden first argument.
const ARGUMENT: &str = "--as-asking-loop";

/// Starts it on `count` articles of about `bytes` bytes, and returns when its bodies are made.
///
/// # Errors
/// When it cannot start.
pub fn start(url: &str, count: u64, bytes: usize) -> anyhow::Result<Child> {
    Child::start(&[ARGUMENT, url, &count.to_string(), &bytes.to_string()])
}

/// Runs the loop where this process was started for it; says whether it was.
///
/// # Errors
/// A call that brings no answer.
pub fn run_if_asked() -> anyhow::Result<bool> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [argument, url, count, bytes] = words.as_slice() else { return Ok(false) };
    if argument != ARGUMENT {
        return Ok(false);
    }
    let bodies = bodies(count.parse()?, bytes.parse()?)?;
    println!("ready");
    std::io::stdout().flush()?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(ask_all(url, bodies))?;
    // The parent reads our CPU seconds and then ends us.
    std::io::stdin().lock().read_line(&mut String::new())?;
    Ok(true)
}

/// The same as the program sends.
fn bodies(count: u64, bytes: usize) -> anyhow::Result<Vec<Vec<u8>>> {
    let llm = config::Llm { provider: config::Provider::Openai, ..config::Llm::default() };
    let (model, longest) = (adapter::model(&llm), adapter::max_output_tokens(&llm));
    let schema = Schema::new(content::SCHEMA_NAME, &content::schema());
    let bare = Bare::new(Clock::system())?;
    let place = Record {
        topic: ARTICLES_RAW.into(),
        partition: 0,
        offset: 0,
        epoch: 0,
        timestamp: Timestamp(0),
        key: None,
        value: None,
        headers: Vec::new(),
        hold: None,
    };
    let body = |number| -> anyhow::Result<Vec<u8>> {
        let article = bare.clean(articles::article(number, bytes), &place);
        let question = Question::new(&article.title, &article.text, model, "");
        let format = json!({ "name": content::SCHEMA_NAME, "strict": true, "schema": schema.strict() });
        Ok(serde_json::to_vec(&json!({
            "model": model,
            "messages": [
                { "role": "system", "content": &*question.system },
                { "role": "user", "content": question.user },
            ],
            "seed": 7,
            "max_tokens": longest,
            "temperature": 0.0,
            "response_format": { "type": "json_schema", "json_schema": format },
        }))?)
    };
    (0..count).map(body).collect()
}

async fn ask_all(url: &str, bodies: Vec<Vec<u8>>) -> anyhow::Result<()> {
    let client = reqwest::Client::builder().http1_only().pool_max_idle_per_host(IN_FLIGHT).build()?;
    let (bodies, next) = (Arc::new(bodies), Arc::new(AtomicUsize::new(0)));
    let callers: Vec<_> = (0..IN_FLIGHT)
        .map(|_| {
            let (client, bodies, next) = (client.clone(), Arc::clone(&bodies), Arc::clone(&next));
            let address = format!("{url}/chat/completions");
            tokio::spawn(async move {
                while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let request = client.post(&address).header("content-type", "application/json").body(body.clone());
                    request.send().await?.error_for_status()?.bytes().await?;
                }
                anyhow::Ok(())
            })
        })
        .collect();
    for caller in callers {
        caller.await??;
    }
    Ok(())
}
