//! Record headers: which run a record belongs to, which trace, and which raw record it comes from.
//!
//! Names stand literally in the public contract. Values are text. What a producer wrote into these headers is believed
//! only where it can be read and is no longer than [`VALUE_BYTES_MAX`]; anything else counts as absent, and never makes
//! a record unreadable. Other people's headers are left as they are.
//!
//! A name may come more than once: as in Kafka's own clients the last one counts.

mod dead_letter;
mod trace;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use bytes::Bytes;

pub use dead_letter::{DeadLetter, RETRIES, Redrive, TRUNCATED, is_for_another, retries};
pub use trace::{SpanIds, TraceParent};

use crate::model::{LIVE_RUN, SessionCommand};

/// The header that names the run.
pub const RUN_ID: &str = "run_id";
/// The header of W3C Trace Context.
pub const TRACEPARENT: &str = "traceparent";
/// The header that names the raw record.
pub const ORIGIN: &str = "origin";
/// The header that makes a batch without articles a command to its session.
pub const COMMAND: &str = "command";
/// The header that names the file that a record of `market.files` was read from.
pub const FILE: &str = "file";
/// The longest value that is read, in bytes.
pub const VALUE_BYTES_MAX: usize = 1024;

/// A record's headers, in their order.
pub type Headers = Vec<(Cow<'static, str>, Bytes)>;

/// The text of the last header called `name`, where it is readable.
#[must_use]
pub fn text<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    let (_, value) = headers.iter().rev().find(|(key, _)| key == name)?;
    if value.len() > VALUE_BYTES_MAX {
        return None;
    }
    std::str::from_utf8(value).ok()
}

/// Puts `value` in the place of every header called `name`.
pub fn set(headers: &mut Headers, name: &'static str, value: impl Into<Bytes>) {
    headers.retain(|(key, _)| key != name);
    headers.push((Cow::Borrowed(name), value.into()));
}

/// What `headers` ask of the session of their batch. A word of a later version asks nothing.
#[must_use]
pub fn command(headers: &Headers) -> Option<SessionCommand> {
    text(headers, COMMAND).and_then(SessionCommand::parse)
}

/// What travels with a record through every hop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tags {
    /// `live`, or the replay's id.
    pub run_id: String,
    /// The span that made the record; `None` where its producer traces nothing.
    pub trace: Option<TraceParent>,
    /// The raw record; `None` on the raw record itself.
    pub origin: Option<Origin>,
}

impl Tags {
    /// What `headers` say; a record without a run is live.
    #[must_use]
    pub fn read(headers: &Headers) -> Self {
        Self {
            run_id: text(headers, RUN_ID).filter(|run| !run.is_empty()).unwrap_or(LIVE_RUN).to_owned(),
            trace: text(headers, TRACEPARENT).and_then(|text| text.parse().ok()),
            origin: text(headers, ORIGIN).and_then(|text| text.parse().ok()),
        }
    }

    /// Writes these tags over those that `headers` have.
    pub fn write(&self, headers: &mut Headers) {
        set(headers, RUN_ID, self.run_id.clone());
        if let Some(trace) = &self.trace {
            set(headers, TRACEPARENT, trace.to_string());
        }
        if let Some(origin) = &self.origin {
            set(headers, ORIGIN, origin.to_string());
        }
    }
}

/// A place in the log: `topic/partition/offset`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    /// The topic's real name, with its prefix.
    pub topic: String,
    /// Not negative.
    pub partition: i32,
    /// Not negative.
    pub offset: i64,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.topic, self.partition, self.offset)
    }
}

/// Text that has not the form of a header's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not of the form {0}")]
pub struct Unreadable(pub(super) &'static str);

impl FromStr for Origin {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let parts = || {
            let (topic, rest) = text.split_once('/')?;
            let (partition, offset) = rest.split_once('/')?;
            let origin =
                Self { topic: topic.to_owned(), partition: partition.parse().ok()?, offset: offset.parse().ok()? };
            let sound = !topic.is_empty() && origin.partition >= 0 && origin.offset >= 0;
            sound.then_some(origin)
        };
        parts().ok_or(Unreadable("topic/partition/offset"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_replace_those_before_and_leave_the_rest() {
        let mut headers: Headers = vec![
            ("theirs".into(), Bytes::from_static(b"\xFF")),
            ("run_id".into(), Bytes::from_static(b"old")),
            ("run_id".into(), Bytes::from_static(b"older")),
        ];
        let tags = Tags {
            run_id: "replay-7".into(),
            trace: Some(TraceParent::root(&mut SpanIds::seeded(1))),
            origin: Some("articles.raw/3/42".parse().unwrap()),
        };
        tags.write(&mut headers);
        let names: Vec<_> = headers.iter().map(|(name, _)| name.as_ref()).collect();
        assert_eq!(names, ["theirs", "run_id", "traceparent", "origin"]);
        assert_eq!(headers[3].1, "articles.raw/3/42");
        assert_eq!(Tags::read(&headers), tags);
    }

    #[test]
    fn what_cannot_be_read_counts_as_absent() {
        let live = Tags { run_id: LIVE_RUN.into(), trace: None, origin: None };
        let long = "x".repeat(VALUE_BYTES_MAX + 1);
        for value in ["", "\u{0}", "a/b", "a/1", "a/-1/2", "/1/2", "a/1/2/3", "a/b/c", &long] {
            let headers: Headers =
                [TRACEPARENT, ORIGIN].into_iter().map(|name| (name.into(), Bytes::from(value.to_owned()))).collect();
            assert_eq!(Tags::read(&headers), live, "{value:?}");
        }
        for run in [&b"\xFF\xFE"[..], b"", long.as_bytes()] {
            let headers = vec![(RUN_ID.into(), Bytes::copy_from_slice(run))];
            assert_eq!(Tags::read(&headers), live);
        }
    }
}
