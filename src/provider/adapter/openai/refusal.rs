//! What a failed status means, by `error.code` before the status: 429 is "wait" as well as "out of money".

use std::time::Duration;

use serde_json::Value;

use super::super::answer::{Answer, decision, told};
use super::super::wait;
use super::NAME;
use crate::provider::call::{CallError, Called};

/// Codes and types of an account that has nothing left.
const USED_UP: [&str; 3] = ["insufficient_quota", "billing_hard_limit_reached", "billing_not_active"];
/// Parts of a request that are the same for every question: what is wrong with one of them is wrong with all.
const SETTINGS: [&str; 7] =
    ["model", "response_format", "temperature", "seed", "max_tokens", "max_completion_tokens", "reasoning_effort"];

/// `error`, in the shapes that servers give it.
struct Problem<'a> {
    error: &'a Value,
    message: Option<&'a str>,
}

impl<'a> Problem<'a> {
    /// Of a whole body: `{"error": {"message"}}`, `{"error": "…"}`, `{"message"}` or `{"detail": "…"}`.
    fn of(body: &'a Value) -> Self {
        let inner = &body["error"];
        let error = if inner.is_object() { inner } else { body };
        let texts = [&error["message"], inner, &body["detail"]];
        Self { error, message: texts.into_iter().find_map(Value::as_str) }
    }

    fn is(&self, word: &str) -> bool {
        [&self.error["code"], &self.error["type"]].into_iter().any(|value| value == word)
    }

    /// Whether `OpenRouter` or the model's maker refuses this text, which it says with the status of a wrong key.
    fn is_moderated(&self) -> bool {
        ["reasons", "flagged_input"].iter().any(|field| !self.error["metadata"][field].is_null())
    }

    /// Whether every question would fail like this one.
    fn is_of_all(&self) -> bool {
        let param = self.error["param"].as_str().and_then(|param| param.split('.').next()).unwrap_or_default();
        let message = self.message.unwrap_or_default();
        SETTINGS.contains(&param) || self.is("model_not_found") || message.contains("is not a valid model")
    }

    fn decision(&self, status: u16, retry_after: Option<Duration>, error: String) -> CallError {
        if USED_UP.iter().any(|word| self.is(word)) {
            return CallError::Exhausted { retry_after: None, error };
        }
        match status {
            403 if self.is_moderated() => CallError::Permanent { error },
            400 if self.is_of_all() => CallError::Denied { error },
            _ => decision(status, retry_after, error),
        }
    }
}

/// The answer with a failed status.
pub(super) fn read<T>(answer: &Answer) -> Called<T> {
    let body = answer.complaint();
    let problem = Problem::of(&body);
    let error = answer.story(problem.message);
    let result = Err(problem.decision(answer.status, retry_after(answer, problem.message), error));
    Called { result, bill: answer.bill(problem.message.is_some()) }
}

/// An `error` where an answer should stand; its code is the status that it would have had.
pub(super) fn amid(error: &Value) -> CallError {
    let problem = Problem { error, message: error["message"].as_str().or_else(|| error.as_str()) };
    let code = error["code"].as_u64().and_then(|code| u16::try_from(code).ok());
    let status = code.filter(|code| (400..600).contains(code)).unwrap_or(502);
    let words = problem.message.unwrap_or_default();
    problem.decision(status, wait::words(words), told(NAME, status, words))
}

/// The service's own wait; failing that, the longest of the limits that are used up.
fn retry_after(answer: &Answer, message: Option<&str>) -> Option<Duration> {
    let resets = ["requests", "tokens"].into_iter().filter_map(|kind| {
        let left = answer.header(&format!("x-ratelimit-remaining-{kind}"));
        let reset = answer.header(&format!("x-ratelimit-reset-{kind}")).and_then(wait::units);
        reset.filter(|_| left.is_none_or(|left| left == "0"))
    });
    answer.retry_after().or_else(|| message.and_then(wait::words)).or_else(|| resets.max())
}
