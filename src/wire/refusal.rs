//! Why a record's bytes are not taken: the reason, for machines, and one bounded sentence, for people.

use std::fmt;

/// The longest error text, in characters; a longer one is cut.
pub const ERROR_CHARS_MAX: usize = 500;

/// What is wrong with a record, as `dlq.reason` and the label `reason` of `dead_letters_total` show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The bytes are not what they claim to be.
    Malformed,
    /// Written with a schema that we do not have and cannot get.
    UnknownSchema,
    /// Well formed, but something that must be there is missing.
    Invalid,
    /// Larger than `limits.record_bytes_max`.
    TooLarge,
}

impl Reason {
    /// Every reason, for metrics that exist at zero.
    pub const ALL: [Self; 4] = [Self::Malformed, Self::UnknownSchema, Self::Invalid, Self::TooLarge];

    /// As headers and labels show it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::UnknownSchema => "unknown_schema",
            Self::Invalid => "invalid",
            Self::TooLarge => "too_large",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A record that is not taken. The same bytes would be refused again: the record goes to a dead letter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {error}")]
pub struct Refusal {
    /// What is wrong.
    pub reason: Reason,
    /// What and where, in at most [`ERROR_CHARS_MAX`] characters; never a part of the payload.
    pub error: String,
}

impl Refusal {
    /// A refusal whose text is cut to [`ERROR_CHARS_MAX`] characters.
    #[must_use]
    pub fn new(reason: Reason, error: impl Into<String>) -> Self {
        Self { reason, error: bounded(error.into()) }
    }

    /// Short for the most frequent one.
    pub(super) fn malformed(error: impl Into<String>) -> Self {
        Self::new(Reason::Malformed, error)
    }
}

/// `text`, cut to [`ERROR_CHARS_MAX`] characters.
pub(super) fn bounded(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(ERROR_CHARS_MAX) {
        text.truncate(end);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_text_is_cut_between_characters() {
        let refusal = Refusal::new(Reason::Invalid, "ü".repeat(ERROR_CHARS_MAX + 1));
        assert_eq!(refusal.error.chars().count(), ERROR_CHARS_MAX);
        assert_eq!(Refusal::malformed("short").error, "short");
    }
}
