//! Why a candle file is not read: the reason, for machines, and one sentence, for people. The same bytes would be refused
//! again, so the file goes to a dead letter; no other file is touched. Sentences hold nothing of the payload.

use std::fmt;

use super::rows::ROWS_MAX;

/// What is wrong with a file, as `dlq.reason` and `broken[].reason` show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// No bytes, or nothing but blanks.
    Empty,
    /// Neither JSON, nor a literal, nor a table.
    Malformed,
    /// Well formed, but nothing in it is a list of bars.
    NoCandles,
    /// Neither the content nor the name says of which market the bars are.
    NoSymbol,
    /// Nobody says the interval, and the bars have no common distance.
    NoInterval,
    /// Fewer than [`BARS_MIN`](super::BARS_MIN) closed bars are left after cleaning.
    TooFewBars,
    /// Bars of several markets, or too many bars that contradict themselves.
    Inconsistent,
    /// More than [`BYTES_MAX`](super::BYTES_MAX) bytes or [`ROWS_MAX`] bars.
    TooLarge,
}

impl Reason {
    /// Every reason, for metrics that exist at zero.
    pub const ALL: [Self; 8] = [
        Self::Empty,
        Self::Malformed,
        Self::NoCandles,
        Self::NoSymbol,
        Self::NoInterval,
        Self::TooFewBars,
        Self::Inconsistent,
        Self::TooLarge,
    ];

    /// As headers, labels and lists show it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Malformed => "malformed",
            Self::NoCandles => "no_candles",
            Self::NoSymbol => "no_symbol",
            Self::NoInterval => "no_interval",
            Self::TooFewBars => "too_few_bars",
            Self::Inconsistent => "inconsistent",
            Self::TooLarge => "too_large",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A file that is not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {error}")]
pub struct Broken {
    /// What is wrong.
    pub reason: Reason,
    /// What, where (byte and line, or the number of the bar, both from 1), and what to do.
    pub error: String,
}

impl Broken {
    pub(super) fn new(reason: Reason, error: impl Into<String>) -> Self {
        Self { reason, error: error.into() }
    }
}

/// What stopped the reading of a file. Costs nothing to make: where a text is searched for literals, most are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The bytes are not what they began as, from this place on.
    Malformed(&'static str, usize),
    /// More than [`ROWS_MAX`] bars.
    TooManyRows,
}

impl Fault {
    /// As a sentence, with the place in the bytes.
    pub fn broken(self, bytes: &[u8]) -> Broken {
        match self {
            Self::Malformed(what, at) => {
                let before = &bytes[..at.min(bytes.len())];
                let line = memchr::memchr_iter(b'\n', before).count() + 1;
                let error = format!("{what} at byte {} (line {line}): mend or replace the file", at + 1);
                Broken::new(Reason::Malformed, error)
            }
            Self::TooManyRows => {
                Broken::new(Reason::TooLarge, format!("more than {ROWS_MAX} bars in one file: split it by time"))
            }
        }
    }
}
