//! How a service is, for people: health and logs. No secrets stand in it.

use std::fmt;

use crate::model::Timestamp;

/// How a service is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It is asked.
    Closed,
    /// It is there, and asks to wait for so long that somebody may wonder.
    Paused {
        /// When it is asked again.
        until: Timestamp,
        /// What it said.
        why: String,
    },
    /// A few calls try whether it is back.
    HalfOpen,
    /// It is away, or its credit is used up.
    Open {
        /// When it is tried again.
        until: Timestamp,
        /// What it said last.
        why: String,
    },
    /// It refuses us, and a person has to act. A call a minute tries whether somebody has.
    Stopped {
        /// What it said.
        why: String,
    },
}

impl State {
    /// Whether the service is away. A call that failed in this time failed for that, not for its question.
    #[must_use]
    pub fn is_out(&self) -> bool {
        !matches!(self, Self::Closed | Self::Paused { .. })
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("closed"),
            Self::Paused { until, why } => write!(f, "paused until {until}: {why}"),
            Self::HalfOpen => f.write_str("half-open"),
            Self::Open { until, why } => write!(f, "open until {until}: {why}"),
            Self::Stopped { why } => write!(f, "stopped: {why}"),
        }
    }
}
