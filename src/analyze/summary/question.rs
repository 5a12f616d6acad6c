//! The question about one chart, for a language model, and the reading of its answer.
//!
//! A question is made of the chart's facts and nothing else: neither user, job nor time of asking stand in it. So the
//! same chart asked for again, by whomever, is the same question, and its answer is paid for once.
//!
//! # Why a symbol cannot leave its place
//! Symbol and exchange are all of a question that strangers write. They have 40 letters, digits and `-_/:.` at most
//! ([`Facts::of`]): no space and no line feed, so neither a sentence, another fact nor a marker. The markers carry a hash
//! of the facts, which nobody can write into them. An answer has one property, and a text of bounded length without
//! invisible letters and without an address to go to; anything else is refused, and the template stands in. What a model
//! may still do is say something wrong; so its summary says who wrote it, and is to be shown as text.

use std::sync::{Arc, LazyLock};

use serde_json::Value;

use crate::market::words::Facts;
use crate::model::{Id, identity};
use crate::provider::purchase::{self, Inquiry};
use crate::provider::untrusted::{harmless, shown};

/// Version of the instructions; a new text is a new file and a new version.
pub const PROMPT_VERSION: &str = "chart-1";
/// Version of the answer's schema.
const SCHEMA_VERSION: &str = "chart-1";
/// Name of the answer's schema.
pub const SCHEMA_NAME: &str = "chart";
/// Characters of a summary: the question asks for 900.
pub const SUMMARY_CHARS_MAX: usize = 1_500;
/// Bytes of an answer; one within the limit above has a fifth of them.
const ANSWER_BYTES_MAX: usize = 32 * 1024;
const SUMMARY: &str = "summary";

static SYSTEM: LazyLock<Arc<str>> =
    LazyLock::new(|| include_str!("../../../schemas/prompts/chart.v1.md").trim_end().into());
static SCHEMA: LazyLock<Arc<Value>> = LazyLock::new(|| {
    // A test reads it; the null of a broken file would be refused by every service.
    Arc::new(serde_json::from_str(include_str!("../../../schemas/prompts/chart.v1.json")).unwrap_or_default())
});

/// The JSON Schema of an answer.
#[must_use]
pub fn schema() -> Arc<Value> {
    Arc::clone(&SCHEMA)
}

/// What is sent to a model, and the name under which its answer is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    user: String,
    key: Id,
}

impl Question {
    /// Asks for a summary. `parameters` is whatever else an answer depends on, in a form that is the same for the same
    /// parameters.
    #[must_use]
    pub fn new(facts: &Facts, model: &str, parameters: &str) -> Self {
        let lines = harmless(&facts.lines());
        let id = identity(&["chart", &lines]);
        let user = format!(
            "Describe the chart whose facts stand between the markers of {id}.\n\n<<<CHART {id}>>>\n{lines}<<<END CHART \
             {id}>>>\n\nThose were the facts. Answer with the JSON object."
        );
        let key = identity(&["chart", &id.0, PROMPT_VERSION, SCHEMA_VERSION, model, parameters]);
        Self { user, key }
    }
}

impl Inquiry for Question {
    type Answer = String;

    const OPERATION: &'static str = "summarize";

    fn question(&self) -> purchase::Question {
        purchase::Question {
            system: Arc::clone(&SYSTEM),
            user: self.user.clone(),
            prompt_version: PROMPT_VERSION,
            key: self.key.clone(),
        }
    }

    fn read(answer: &str) -> Result<String, String> {
        read(answer)
    }
}

/// Reads an answer: JSON, without a code fence.
///
/// # Errors
/// What is wrong, as part of a sentence.
pub fn read(answer: &str) -> Result<String, String> {
    if answer.len() > ANSWER_BYTES_MAX {
        return Err(format!("it has {} bytes, at most {ANSWER_BYTES_MAX} are read", answer.len()));
    }
    let value: Value = serde_json::from_str(answer)
        .map_err(|error| format!("it is no JSON at line {}, column {}", error.line(), error.column()))?;
    let Value::Object(properties) = value else { return Err("it is JSON but no object".to_owned()) };
    if properties.keys().any(|name| name != SUMMARY) {
        return Err("it has a property that is not the summary".to_owned());
    }
    let text = properties.get(SUMMARY).ok_or("summary is missing")?.as_str().ok_or("summary is no string")?;
    let summary = shown(SUMMARY, text, SUMMARY_CHARS_MAX)?;
    if summary.contains("://") || summary.to_ascii_lowercase().contains("www.") {
        return Err("summary has an address, which no chart has".to_owned());
    }
    Ok(summary)
}
