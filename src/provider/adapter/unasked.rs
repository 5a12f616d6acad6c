//! Answers to no question: what each service's answers mean, without a network. For `tests/fuzz/`.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::answer::Answer;
use super::{coinalyze, gemini, openai, tavily};
use crate::provider::call::Called;

/// Headers by which services say how long to wait.
const WAITS: [&str; 4] = ["retry-after", "retry-after-ms", "x-ratelimit-reset-requests", "x-ratelimit-reset-tokens"];

/// Whose answer it is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Service {
    Gemini,
    OpenAi,
    Tavily,
    Coinalyze,
}

/// What an answer with this `status` and `body` means, whose headers ask to `wait`. A success is its text, or words that
/// tell of it.
pub(crate) fn read_answer(service: Service, status: u16, wait: &str, body: &[u8]) -> Called<String> {
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_str(wait) {
        headers.extend(WAITS.map(|name| (HeaderName::from_static(name), value.clone())));
    }
    let answer = |service| Answer { service, status, headers, body: body.to_vec() };
    match service {
        Service::Gemini => told(gemini::reply(&answer(gemini::NAME), "asked"), |reply| reply.text),
        Service::OpenAi => told(openai::reply(&answer(openai::NAME), "asked"), |reply| reply.text),
        Service::Tavily => told(tavily::read(&answer("tavily")), |found| format!("{} findings", found.len())),
        Service::Coinalyze => told(coinalyze::read(&answer("coinalyze"), |_| Ok(())), |()| "read".to_owned()),
    }
}

fn told<T>(called: Called<T>, words: impl FnOnce(T) -> String) -> Called<String> {
    Called { result: called.result.map(words), bill: called.bill }
}
