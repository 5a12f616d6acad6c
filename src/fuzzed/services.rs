//! What services answer: bodies of every status, and the texts of models.

use super::halves;
use crate::analyze::summary::{SUMMARY_CHARS_MAX, read_summary};
use crate::enrich::content::{self, ASSETS_MAX, KEY_POINT_CHARS_MAX, KEY_POINTS_MAX, RATIONALE_CHARS_MAX};
use crate::market::contexts::{self, History};
use crate::market::resolver::{Market, Markets};
use crate::model::Interval;
use crate::provider::adapter::{self, Service};
use crate::provider::call::{Bill, CallError, Called, Usage};

/// Every kind of status that decides.
const STATUSES: [u16; 9] = [200, 302, 400, 402, 403, 404, 429, 432, 503];
/// The longest story of an error: what is quoted, and what stands around it.
const STORY_CHARS_MAX: usize = 700;
/// The most words of the body that are shown as a header.
const WAIT_BYTES_MAX: usize = 40;

/// Reads `bytes` as an answer of every status; behind a NUL what the headers ask to wait.
fn each_status(service: Service, bytes: &[u8]) {
    let (body, wait) = halves(bytes);
    let wait = &wait[..wait.floor_char_boundary(WAIT_BYTES_MAX)];
    for status in STATUSES {
        let Called { result, bill } = adapter::read_answer(service, status, wait, body.as_bytes());
        if let Bill::Usage(Usage { input_tokens, cached_tokens, .. }) = bill {
            assert!(cached_tokens <= input_tokens, "what is cached is part of the input");
        }
        match result {
            Ok(text) => assert!(status == 200 && !text.is_empty(), "an answer says something, a failure is none"),
            Err(error) => check_story(&error),
        }
    }
}

/// What an error tells is short and harmless, whatever the service said.
fn check_story(error: &CallError) {
    let story = error.to_string();
    assert!(!story.contains(char::is_control), "a story is one line: {story:?}");
    assert!((1..=STORY_CHARS_MAX).contains(&story.chars().count()), "a story is short: {story:?}");
}

/// An answer of Gemini.
pub fn gemini(bytes: &[u8]) {
    each_status(Service::Gemini, bytes);
}

/// An answer of `OpenAI`, or of what speaks as it does.
pub fn openai(bytes: &[u8]) {
    each_status(Service::OpenAi, bytes);
}

/// An answer of Tavily.
pub fn tavily(bytes: &[u8]) {
    each_status(Service::Tavily, bytes);
}

/// An answer of Coinalyze: the list of markets, or a history.
///
/// # Panics
/// A law is broken.
pub fn coinalyze(bytes: &[u8]) {
    each_status(Service::Coinalyze, bytes);
    if let Ok(markets) = Market::read_all(bytes) {
        let symbols: Vec<String> = markets.iter().map(|market| market.symbol.clone()).collect();
        let names: Vec<(String, String)> =
            markets.iter().map(|market| (market.exchange.clone(), market.symbol_on_exchange.clone())).collect();
        let markets = Markets::new(markets);
        for (exchange, symbol) in names.iter().take(20) {
            let resolution = markets.resolve(exchange, symbol);
            let of_list =
                resolution.instrument.is_none_or(|found| symbols.iter().any(|s| **s == *found.coinalyze_symbol));
            assert!(of_list, "a symbol is taken from the list, never built");
            assert!(resolution.multiplier.is_finite() && resolution.multiplier > 0.0, "a multiplier is a number");
        }
    }
    let Some(interval) = Interval::parse("1h") else { return };
    for history in [History::OpenInterest, History::FundingRate, History::LongShortRatio, History::Liquidations] {
        for answered in contexts::read(history, interval, bytes).unwrap_or_default() {
            let ascends = answered.buckets.is_sorted_by(|bucket, next| bucket.start < next.start);
            assert!(ascends, "buckets ascend strictly");
            let numbers = answered.buckets.iter().flat_map(|bucket| bucket.values.to_vec());
            assert!(numbers.into_iter().all(f64::is_finite), "numbers are numbers");
        }
    }
}

/// What a model answers about an article or a chart: what is taken is within its ranges and has nothing hidden in it.
///
/// # Panics
/// A law is broken.
pub fn answers(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let shown = |text: &str, chars_max: usize| {
        let is_plain =
            !text.contains(|letter: char| letter.is_control() || ('\u{200b}'..='\u{200f}').contains(&letter));
        assert!(is_plain && (1..=chars_max).contains(&text.chars().count()), "what is shown is bounded: {text:?}");
    };
    match content::read(&text) {
        Ok(reading) => {
            assert!((-1.0..=1.0).contains(&reading.sentiment), "{}", reading.sentiment);
            for share in [reading.confidence, reading.strength, reading.novelty] {
                assert!((0.0..=1.0).contains(&share), "{share}");
            }
            assert!(reading.assets.len() <= ASSETS_MAX && reading.key_points.len() <= KEY_POINTS_MAX, "{reading:?}");
            for point in &reading.key_points {
                shown(point, KEY_POINT_CHARS_MAX);
            }
            shown(&reading.rationale, RATIONALE_CHARS_MAX);
        }
        Err(complaint) => assert!(complaint.is_ascii() && complaint.len() < 200, "our own words: {complaint:?}"),
    }
    if let Ok(summary) = read_summary(&text) {
        shown(&summary, SUMMARY_CHARS_MAX);
    }
}
