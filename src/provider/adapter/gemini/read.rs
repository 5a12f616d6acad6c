//! What Gemini's answers mean.
//!
//! A blocked prompt, a refusal and a thought without a text are answers with status 200, and billed. Input is
//! `promptTokenCount`, which holds what was cached, and what tools brought; output is `candidatesTokenCount` and
//! `thoughtsTokenCount`. Absent counts are zero, unless there are none at all.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::super::answer::{Answer, decision, quote, unusable};
use super::super::{Reply, wait};
use crate::provider::call::{self, Bill, CallError, Called};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    candidates: Option<Vec<Candidate>>,
    prompt_feedback: Option<Feedback>,
    usage_metadata: Option<Usage>,
    model_version: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate {
    content: Option<Content>,
    finish_reason: Option<String>,
    finish_message: Option<String>,
}

#[derive(Deserialize)]
struct Content {
    parts: Option<Vec<Part>>,
}

#[derive(Deserialize)]
struct Part {
    text: Option<String>,
    thought: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Feedback {
    block_reason: Option<String>,
    block_reason_message: Option<String>,
}

/// `usageMetadata`, in tokens.
#[derive(Deserialize)]
struct Usage {
    #[serde(rename = "promptTokenCount")]
    prompt: Option<u64>,
    #[serde(rename = "cachedContentTokenCount")]
    cached: Option<u64>,
    #[serde(rename = "toolUsePromptTokenCount")]
    tools: Option<u64>,
    #[serde(rename = "candidatesTokenCount")]
    candidates: Option<u64>,
    #[serde(rename = "thoughtsTokenCount")]
    thoughts: Option<u64>,
    #[serde(rename = "totalTokenCount")]
    total: Option<u64>,
}

impl Usage {
    fn bill(&self, model: String) -> Bill {
        if self.prompt.is_none() && self.total.is_none() {
            return Bill::Unknown;
        }
        let sum = |counts: [Option<u64>; 2]| counts.into_iter().flatten().fold(0, u64::saturating_add);
        let input_tokens = sum([self.prompt, self.tools]);
        let known = sum([self.candidates, self.thoughts]);
        // Thoughts were once a new kind of tokens. The next one counts as output, the dearer of the two, from its
        // first day on.
        let rest = self.total.unwrap_or(0).saturating_sub(input_tokens);
        let cached_tokens = self.cached.unwrap_or(0).min(input_tokens);
        let output_tokens = known.max(rest);
        Bill::Usage(call::Usage { model, input_tokens, cached_tokens, output_tokens, ..call::Usage::default() })
    }
}

/// The answer to `generateContent` of the model `asked`.
pub(in super::super) fn reply(answer: &Answer, asked: &str) -> Called<Reply> {
    if !answer.is_success() {
        return refused(answer);
    }
    let body: Body = match answer.read() {
        Ok(body) => body,
        Err(error) => return unusable(error),
    };
    // Retired models are routed to others, at the price of those.
    let model = body.model_version.filter(|version| !version.is_empty()).unwrap_or_else(|| asked.to_owned());
    let bill = body.usage_metadata.map_or(Bill::Unknown, |usage| usage.bill(model));
    let candidate = body.candidates.and_then(|candidates| candidates.into_iter().next());
    let result = match candidate {
        Some(candidate) => said(candidate),
        None => Err(blocked(body.prompt_feedback)),
    };
    Called { result, bill }
}

fn said(candidate: Candidate) -> Result<Reply, CallError> {
    let parts = candidate.content.and_then(|content| content.parts).unwrap_or_default();
    let visible = parts.into_iter().filter(|part| part.thought != Some(true));
    let text: String = visible.filter_map(|part| part.text).collect();
    let reason = candidate.finish_reason.as_deref().unwrap_or("STOP");
    let truncated = reason == "MAX_TOKENS";
    if (truncated || reason == "STOP") && !text.is_empty() {
        return Ok(Reply { text, truncated });
    }
    // All other reasons, those still to come included, end an answer that is withheld or broken.
    let message = candidate.finish_message.unwrap_or_default();
    Err(permanent(&format!("gives no text ({reason}) {message}")))
}

fn blocked(feedback: Option<Feedback>) -> CallError {
    let Some(Feedback { block_reason: Some(reason), block_reason_message: message }) = feedback else {
        return permanent("gives no candidate");
    };
    permanent(&format!("blocks the prompt ({reason}) {}", message.unwrap_or_default()))
}

fn permanent(what: &str) -> CallError {
    CallError::Permanent { error: format!("{} {}", super::NAME, quote(what)) }
}

/// The answer to `countTokens`.
pub(super) fn count(answer: &Answer) -> Called<u64> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Counted {
        total_tokens: u64,
    }
    if !answer.is_success() {
        return refused(answer);
    }
    Called { result: answer.read().map(|counted: Counted| counted.total_tokens), bill: Bill::Nothing }
}

fn refused<T>(answer: &Answer) -> Called<T> {
    let complaint = answer.complaint();
    // Streams wrap it in a list.
    let problem = &complaint.get(0).unwrap_or(&complaint)["error"];
    let message = problem["message"].as_str();
    let error = answer.story(message);
    let details = problem["details"].as_array().map_or(&[][..], Vec::as_slice);
    let message = message.unwrap_or_default();
    let denied = answer.status == 400 && (problem["status"] == "FAILED_PRECONDITION" || is_key_wrong(details, message));
    let result = if denied {
        CallError::Denied { error }
    } else if answer.status == 429 && is_used_up(details, message) {
        // The wait that stands beside a used-up day is that of its minute.
        CallError::Exhausted { retry_after: None, error }
    } else {
        decision(answer.status, retry_after(answer, details, message), error)
    };
    Called { result: Err(result), bill: answer.bill(problem.is_object()) }
}

/// A wrong key is a 400 here.
fn is_key_wrong(details: &[Value], message: &str) -> bool {
    details.iter().any(|detail| detail["reason"] == "API_KEY_INVALID") || message.starts_with("API key")
}

/// Whether no wait of minutes helps: a quota of the day, prepaid credits, a cap on spending.
fn is_used_up(details: &[Value], message: &str) -> bool {
    let violations = details.iter().filter_map(|detail| detail["violations"].as_array()).flatten();
    let mut quotas = violations.filter_map(|violation| violation["quotaId"].as_str());
    let is_money = ["credits are depleted", "spending cap"].iter().any(|words| message.contains(words));
    is_money || quotas.any(|quota| quota.contains("PerDay"))
}

fn retry_after(answer: &Answer, details: &[Value], message: &str) -> Option<Duration> {
    let delay = details.iter().find_map(|detail| wait::units(detail["retryDelay"].as_str()?));
    delay.or_else(|| wait::words(message)).or_else(|| answer.retry_after())
}
