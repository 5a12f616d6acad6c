//! What a dead letter adds to the headers of the record it keeps, and what it carries when it is sent again.
//!
//! Sent again, it loses what said why it died, and says how often that has happened (`dlq.retries`) and, where only one
//! hop has failed on it, which hop is to take it (`dlq.hop`): every other reader of its topic passes it over, so that
//! what it succeeded at is not done twice. An article that failed for good keeps how often it was tried and what that
//! cost. If the record dies again, its new dead letter keeps `dlq.retries`.

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
/// The header that says how often a dead letter was sent again.
pub const RETRIES: &str = "dlq.retries";
/// The header that says how many bytes the value of a record had of which only the first are kept.
pub const TRUNCATED: &str = "dlq.truncated";
const HOP: &str = "dlq.hop";

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

    /// Adds the seven headers behind those that the record has, in the place of any `dlq.` header of an earlier death;
    /// `dlq.retries` stays.
    pub fn write(&self, headers: &mut Headers) {
        let retries = retries(headers);
        headers.retain(|(name, _)| !name.starts_with(Self::PREFIX));
        let mut add = |name, value: String| headers.push((Cow::Borrowed(name), Bytes::from(value)));
        add(REASON, self.reason.clone());
        add(ERROR, bounded(self.error.clone()));
        add(STAGE, self.stage.clone());
        add(ORIGIN, self.origin.to_string());
        add(ATTEMPTS, self.attempts.to_string());
        add(SPENT_USD, self.spent.to_string());
        add(AT, self.at.to_string());
        if retries > 0 {
            add(RETRIES, retries.to_string());
        }
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

/// What a dead letter carries when it is sent again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redrive {
    /// How often it is sent again by now; 1 for the first time.
    pub retries: u32,
    /// The hop that is to take it, such as `sink`; `None`: every reader of its topic.
    pub hop: Option<String>,
    /// How often the article in it was tried and what that cost, where it had failed for good.
    pub failed: Option<(u32, NanoUsd)>,
}

impl Redrive {
    /// Adds what it carries behind the headers of the record, in the place of every `dlq.` header.
    pub fn write(&self, headers: &mut Headers) {
        headers.retain(|(name, _)| !name.starts_with(DeadLetter::PREFIX));
        let mut add = |name, value: String| headers.push((Cow::Borrowed(name), Bytes::from(value)));
        add(RETRIES, self.retries.to_string());
        if let Some(hop) = &self.hop {
            add(HOP, hop.clone());
        }
        if let Some((attempts, spent)) = self.failed {
            add(ATTEMPTS, attempts.to_string());
            add(SPENT_USD, spent.to_string());
        }
    }

    /// What a record carries that was sent again; `None` for one that comes for the first time.
    #[must_use]
    pub fn read(headers: &Headers) -> Option<Self> {
        let retries = Some(retries(headers)).filter(|retries| *retries > 0)?;
        let failed = || Some((text(headers, ATTEMPTS)?.parse().ok()?, text(headers, SPENT_USD)?.parse().ok()?));
        Some(Self { retries, hop: text(headers, HOP).map(str::to_owned), failed: failed() })
    }
}

/// How often a record was sent again after it had become a dead letter.
#[must_use]
pub fn retries(headers: &Headers) -> u32 {
    text(headers, RETRIES).and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Whether a record that was sent again is for another hop than `hop`.
#[must_use]
pub fn is_for_another(headers: &Headers, hop: &str) -> bool {
    text(headers, HOP).is_some_and(|meant| meant != hop)
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
    fn what_is_sent_again_says_so_and_a_new_death_keeps_how_often() {
        let mut headers: Headers =
            vec![("theirs".into(), Bytes::from_static(b"\xFF")), (REASON.into(), Bytes::from_static(b"malformed"))];
        assert_eq!((Redrive::read(&headers), retries(&headers)), (None, 0));
        let redrive = Redrive { retries: 2, hop: Some("sink".into()), failed: Some((3, NanoUsd(125_000))) };
        redrive.write(&mut headers);
        let names: Vec<_> = headers.iter().map(|(name, _)| name.as_ref()).collect();
        assert_eq!(names, ["theirs", RETRIES, HOP, ATTEMPTS, SPENT_USD]);
        assert_eq!(Redrive::read(&headers), Some(redrive));
        assert!(is_for_another(&headers, "enrich/articles") && !is_for_another(&headers, "sink"));

        let letter = DeadLetter {
            reason: "malformed".into(),
            error: String::new(),
            stage: "sink".into(),
            origin: "signals/0/1".parse().unwrap(),
            attempts: 1,
            spent: NanoUsd::ZERO,
            at: Timestamp(0),
        };
        letter.write(&mut headers);
        assert_eq!((DeadLetter::read(&headers), retries(&headers)), (Some(letter), 2));
        assert!(!is_for_another(&headers, "window/articles"), "whom it was for is no part of a dead letter");
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
