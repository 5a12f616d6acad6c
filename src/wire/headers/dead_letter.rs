//! What a dead letter adds to the headers of the record it keeps.

use std::borrow::Cow;

use bytes::Bytes;

use super::{Headers, Origin, text};
use crate::model::{NanoUsd, Timestamp};
use crate::wire::refusal::bounded;

const REASON: &str = "dlq.reason";
const ERROR: &str = "dlq.error";
const STAGE: &str = "dlq.stage";
const ORIGIN: &str = "dlq.origin";
const ATTEMPTS: &str = "dlq.attempts";
const SPENT_USD: &str = "dlq.spent_usd";
const AT: &str = "dlq.at";

/// Why a record is a dead letter. Every field is a header of the same name after `dlq.`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// One word, such as `malformed`: the label of `dead_letters_total`.
    pub reason: String,
    /// What and where, for people; cut to [`ERROR_CHARS_MAX`](crate::wire::ERROR_CHARS_MAX) characters.
    pub error: String,
    /// The stage that gave it up, such as `window/articles`.
    pub stage: String,
    /// The record that could not be processed.
    pub origin: Origin,
    /// How often it was tried; 1 for a record that was refused at first sight.
    pub attempts: u32,
    /// What the attempts cost (`dlq.spent_usd`, in dollars such as `0.000125`).
    pub spent: NanoUsd,
    /// When it was given up (`dlq.at`, RFC 3339).
    pub at: Timestamp,
}

impl DeadLetter {
    /// What the names of the added headers begin with.
    pub const PREFIX: &'static str = "dlq.";

    /// Adds the seven headers behind those that the record has, in the place of any `dlq.` header of an earlier death.
    pub fn write(&self, headers: &mut Headers) {
        headers.retain(|(name, _)| !name.starts_with(Self::PREFIX));
        let mut add = |name, value: String| headers.push((Cow::Borrowed(name), Bytes::from(value)));
        add(REASON, self.reason.clone());
        add(ERROR, bounded(self.error.clone()));
        add(STAGE, self.stage.clone());
        add(ORIGIN, self.origin.to_string());
        add(ATTEMPTS, self.attempts.to_string());
        add(SPENT_USD, self.spent.to_string());
        add(AT, self.at.to_string());
    }

    /// What the headers of a dead letter say; `None` where one is missing or cannot be read, so that the record is none
    /// of ours.
    #[must_use]
    pub fn read(headers: &Headers) -> Option<Self> {
        let at: jiff::Timestamp = text(headers, AT)?.parse().ok()?;
        Some(Self {
            reason: text(headers, REASON)?.to_owned(),
            error: error(headers)?,
            stage: text(headers, STAGE)?.to_owned(),
            origin: text(headers, ORIGIN)?.parse().ok()?,
            attempts: text(headers, ATTEMPTS)?.parse().ok()?,
            spent: text(headers, SPENT_USD)?.parse().ok()?,
            at: Timestamp(at.as_millisecond()),
        })
    }
}

/// The error text is bounded in characters, of up to four bytes each: more than other values may have.
fn error(headers: &Headers) -> Option<String> {
    let (_, value) = headers.iter().rev().find(|(name, _)| name == ERROR)?;
    std::str::from_utf8(value).ok().map(|text| bounded(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::ERROR_CHARS_MAX;

    #[test]
    fn a_dead_letter_says_what_happened_and_keeps_the_rest() {
        let mut letter = DeadLetter {
            reason: "malformed".into(),
            error: "ü".repeat(ERROR_CHARS_MAX),
            stage: "window/articles".into(),
            origin: "articles.raw/3/42".parse().unwrap(),
            attempts: 1,
            spent: NanoUsd(125_000),
            at: Timestamp(1_795_305_600_123),
        };
        let mut headers: Headers =
            vec![("run_id".into(), Bytes::from_static(b"live")), ("theirs".into(), Bytes::from_static(b"\xFF"))];
        letter.write(&mut headers);
        assert_eq!(DeadLetter::read(&headers), Some(letter.clone()));

        letter.attempts = 3;
        letter.write(&mut headers);
        assert_eq!(DeadLetter::read(&headers), Some(letter));
        let shown: Vec<_> = headers
            .iter()
            .filter(|(name, _)| name != ERROR)
            .map(|(name, value)| format!("{name}={}", String::from_utf8_lossy(value)))
            .collect();
        assert_eq!(
            shown,
            [
                "run_id=live",
                "theirs=\u{FFFD}",
                "dlq.reason=malformed",
                "dlq.stage=window/articles",
                "dlq.origin=articles.raw/3/42",
                "dlq.attempts=3",
                "dlq.spent_usd=0.000125",
                "dlq.at=2026-11-22T00:00:00.123Z",
            ]
        );
    }

    #[test]
    fn headers_that_are_not_ours_are_none() {
        let mut headers = Headers::new();
        assert_eq!(DeadLetter::read(&headers), None);
        for name in [REASON, ERROR, STAGE, ORIGIN, ATTEMPTS, SPENT_USD, AT] {
            headers.push((name.into(), Bytes::from_static(b"x")));
        }
        assert_eq!(DeadLetter::read(&headers), None);
    }
}
