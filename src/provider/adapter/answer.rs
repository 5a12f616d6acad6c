//! What came back over HTTP, and what a failed status means by itself.
//!
//! Texts of others are shown as [`quote`] leaves them: short, on one line, without control characters.

use std::borrow::Cow;
use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::wait;
use crate::provider::call::{Bill, CallError, Called};

/// The longest text of others that an error shows.
const QUOTE_CHARS_MAX: usize = 500;

/// An answer, whatever it says. Its body is without the key; that of a failed status may be cut.
#[derive(Debug)]
pub(super) struct Answer {
    pub service: &'static str,
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body of a success, or what one that cannot be read means.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, CallError> {
        self.read_by(|body| serde_json::from_slice(body))
    }

    /// The same, for bodies that have a reader of their own.
    pub fn read_by<T>(&self, reader: impl FnOnce(&[u8]) -> serde_json::Result<T>) -> Result<T, CallError> {
        reader(&self.body).map_err(|fault| {
            let error = format!("{} answers with what is no answer: {}", self.service, quote(&fault.to_string()));
            // It ends in the middle, which no length told.
            if fault.is_eof() { CallError::Lost { error } } else { CallError::Permanent { error } }
        })
    }

    /// The body of a failed status; null unless it is JSON.
    pub fn complaint(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// How long the service asks to wait, by the headers that many use.
    pub fn retry_after(&self) -> Option<Duration> {
        let exact = self.header("retry-after-ms").and_then(wait::milliseconds);
        exact.or_else(|| self.header(RETRY_AFTER.as_str()).and_then(wait::seconds))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The story of a failed status. `words` are those of the service, if it has any.
    pub fn story(&self, words: Option<&str>) -> String {
        let text = words.map_or_else(|| String::from_utf8_lossy(&self.body), Cow::Borrowed);
        told(self.service, self.status, &text)
    }

    /// What a failed status costs; see [`adapter`](super). `own`: it is in the service's own words.
    pub fn bill(&self, own: bool) -> Bill {
        let gateway = !own && (self.status == 408 || self.status >= 500);
        if gateway { Bill::Unknown } else { Bill::Nothing }
    }
}

/// What a failed status says by itself. `wait` is what the service asks to wait.
pub(super) fn decision(status: u16, wait: Option<Duration>, error: String) -> CallError {
    match status {
        402 => CallError::Exhausted { retry_after: wait, error },
        // A redirect, a path that is none: the address is wrong, or the model.
        300..=399 | 401 | 403 | 404 | 405 | 410 => CallError::Denied { error },
        429 => CallError::Limited { retry_after: wait, error },
        408 | 409 | 425 | 500.. => CallError::Transient { retry_after: wait, error },
        _ => CallError::Permanent { error },
    }
}

/// The story of a status and the words that came with it.
pub(super) fn told(service: &str, status: u16, words: &str) -> String {
    let words = quote(words);
    if words.is_empty() {
        format!("{service} answers {status}")
    } else {
        format!("{service} answers {status}: {words}")
    }
}

/// A call that was answered by what cannot be used.
pub(super) fn unusable<T>(error: CallError) -> Called<T> {
    Called { result: Err(error), bill: Bill::Unknown }
}

/// The beginning of a text of others, fit for a line of a log.
pub(super) fn quote(text: &str) -> String {
    let fit = |letter: char| if letter.is_whitespace() { ' ' } else { letter };
    let printable = text.trim().chars().map(fit).filter(|letter| !letter.is_control());
    printable.take(QUOTE_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_others_are_short_and_harmless() {
        assert_eq!(quote("  a\u{1b}[31m\r\nb\u{7}\tc "), "a[31m  b c");
        assert_eq!(quote(&"é".repeat(5_000)).chars().count(), QUOTE_CHARS_MAX);
        assert_eq!(told("tavily", 500, " \n"), "tavily answers 500");
    }

    #[test]
    fn statuses() {
        let error = String::new;
        let wait = Some(Duration::from_secs(1));
        for (statuses, expected) in [
            (&[408, 409, 500, 502, 503, 504, 529][..], CallError::Transient { retry_after: wait, error: error() }),
            (&[429], CallError::Limited { retry_after: wait, error: error() }),
            (&[400, 413, 422], CallError::Permanent { error: error() }),
            (&[301, 307, 401, 403, 404, 405], CallError::Denied { error: error() }),
            (&[402], CallError::Exhausted { retry_after: wait, error: error() }),
        ] {
            for status in statuses {
                assert_eq!(decision(*status, wait, error()), expected, "{status}");
            }
        }
    }

    #[test]
    fn a_cut_body_is_lost_and_a_strange_one_is_not() {
        let answer = |body: &str| Answer { service: "s", status: 200, headers: HeaderMap::new(), body: body.into() };
        for cut in ["", " ", "{\"a\":", "[1, 2", "\"a"] {
            assert!(matches!(answer(cut).read::<Value>(), Err(CallError::Lost { .. })), "{cut}");
        }
        for strange in ["<html>", "{\"a\":1}}", "nul1"] {
            assert!(matches!(answer(strange).read::<Value>(), Err(CallError::Permanent { .. })), "{strange}");
        }
    }
}
