//! What an answer of status 200 means.
//!
//! A refusal is such an answer, and so is, at `OpenRouter`, a failure after the model began. Both are billed.
//! `prompt_tokens` holds what was cached, `completion_tokens` what was reasoned.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::super::Reply;
use super::super::answer::{Answer, quote, unusable};
use super::{NAME, dollars, refusal};
use crate::model::NanoUsd;
use crate::provider::call::{self, Bill, CallError, Called};

#[derive(Deserialize)]
struct Body {
    model: Option<String>,
    choices: Option<Vec<Choice>>,
    usage: Option<Usage>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    finish_reason: Option<String>,
    message: Option<Message>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Message {
    content: Option<String>,
    refusal: Option<String>,
}

/// Tokens; `cost` is in dollars.
#[derive(Deserialize)]
struct Usage {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    total_tokens: Option<u64>,
    prompt_tokens_details: Option<Details>,
    cost: Option<Box<RawValue>>,
    is_byok: Option<bool>,
    cost_details: Option<Costs>,
}

#[derive(Deserialize)]
struct Details {
    cached_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct Costs {
    upstream_inference_cost: Option<Box<RawValue>>,
}

impl Usage {
    fn bill(&self, model: String) -> Bill {
        let (Some(input_tokens), Ok(charged)) = (self.prompt_tokens, self.charged()) else { return Bill::Unknown };
        // Some count what was reasoned in the total only.
        let rest = self.total_tokens.unwrap_or(0).saturating_sub(input_tokens);
        let output_tokens = self.completion_tokens.unwrap_or(0).max(rest);
        let cached = self.prompt_tokens_details.as_ref().and_then(|details| details.cached_tokens);
        let cached_tokens = cached.unwrap_or(0).min(input_tokens);
        Bill::Usage(call::Usage {
            model,
            input_tokens,
            cached_tokens,
            output_tokens,
            charged,
            ..call::Usage::default()
        })
    }

    /// What `OpenRouter` charges. With a key of one's own at the model's maker that is its fee only, and what the maker
    /// charges stands beside it.
    fn charged(&self) -> Result<Option<NanoUsd>, ()> {
        let Some(cost) = &self.cost else { return Ok(None) };
        let upstream = self.cost_details.as_ref().and_then(|costs| costs.upstream_inference_cost.as_ref());
        let upstream = upstream.filter(|_| self.is_byok == Some(true));
        let parts = [Some(cost), upstream].into_iter().flatten();
        let sum =
            parts.map(|part| dollars::at_least(part.get())).try_fold(NanoUsd::ZERO, |sum, part| sum.checked_add(part?));
        sum.map(Some).ok_or(())
    }
}

/// The answer to a question to the model `asked`.
pub(in super::super) fn reply(answer: &Answer, asked: &str) -> Called<Reply> {
    if !answer.is_success() {
        return refusal::read(answer);
    }
    let body: Body = match answer.read() {
        Ok(body) => body,
        Err(error) => return unusable(error),
    };
    let model = body.model.filter(|model| !model.is_empty()).unwrap_or_else(|| asked.to_owned());
    let bill = body.usage.map_or(Bill::Unknown, |usage| usage.bill(model));
    let choice = body.choices.and_then(|choices| choices.into_iter().next());
    let result = match (choice, body.error) {
        (Some(Choice { error: Some(error), .. }), _) | (None, Some(error)) => Err(refusal::amid(&error)),
        (Some(choice), _) => said(choice),
        (None, None) => Err(permanent("gives no choice")),
    };
    Called { result, bill }
}

fn said(choice: Choice) -> Result<Reply, CallError> {
    let reason = choice.finish_reason.as_deref().unwrap_or("stop");
    let (content, refusal) = choice.message.map_or((None, None), |message| (message.content, message.refusal));
    if let Some(refusal) = refusal.filter(|refusal| !refusal.is_empty()) {
        return Err(permanent(&format!("refuses: {refusal}")));
    }
    let text = content.as_deref().map_or("", unfenced);
    // Other reasons, such as calls of tools or what servers invent, say nothing against a text that is there.
    if text.is_empty() || matches!(reason, "content_filter" | "error") {
        return Err(permanent(&format!("gives no text ({reason})")));
    }
    Ok(Reply { text: text.to_owned(), truncated: reason == "length" })
}

/// The text inside a code fence, which models without a grammar like to put around JSON.
fn unfenced(text: &str) -> &str {
    let text = text.trim();
    let Some(fenced) = text.strip_prefix("```") else { return text };
    // The language stands first.
    let inside = fenced.trim_start_matches(|letter: char| letter.is_ascii_alphanumeric());
    inside.trim_end().trim_end_matches("```").trim()
}

fn permanent(what: &str) -> CallError {
    CallError::Permanent { error: format!("{NAME} {}", quote(what)) }
}
