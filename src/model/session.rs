//! Sessions: one session is one budget. Its id follows from the record's time, so that every worker agrees on it.

use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::vocabulary::vocabulary;

vocabulary! {
    /// What somebody may ask of a session.
    SessionCommand {
        /// What has failed is tried again, and a cancellation is taken back.
        Recover = "recover",
        /// Nothing more is bought, and what waits is let go.
        Cancel = "cancel",
    }
}

/// How often a new session opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cadence {
    /// `2026-11-22T04`, UTC.
    Hourly,
    /// `2026-11-22`, UTC.
    Daily,
    /// One session of this name.
    Named(String),
}

impl Cadence {
    /// As `articles.session` gives it: `hourly`, `daily`, or a name.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text {
            "hourly" => Self::Hourly,
            "daily" => Self::Daily,
            name => Self::Named(name.to_owned()),
        }
    }

    /// The session of a record received at `time`.
    #[must_use]
    pub fn session_id(&self, time: Timestamp) -> String {
        let calendar = time.calendar();
        match self {
            Self::Hourly => calendar.strftime("%Y-%m-%dT%H").to_string(),
            Self::Daily => calendar.strftime("%Y-%m-%d").to_string(),
            Self::Named(name) => name.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_named_by_its_utc_hour_or_day() {
        let time = Timestamp(1_795_319_999_999);
        assert_eq!(Cadence::parse("daily").session_id(time), "2026-11-22");
        assert_eq!(Cadence::parse("hourly").session_id(time), "2026-11-22T03");
        assert_eq!(Cadence::parse("autumn").session_id(time), "autumn");
    }
}
