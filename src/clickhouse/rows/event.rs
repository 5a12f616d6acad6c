//! `session_events`: what somebody decided about a session. The sessions' view shows the newest.

use clickhouse::Row;
use serde::Serialize;

use super::cells::{FIXED_BYTES, Moment};
use crate::clickhouse::{Stored, Table};
use crate::model::{SessionCommand, Timestamp};

/// A row of `session_events`.
#[derive(Debug, Clone, Row, Serialize)]
pub struct EventRow<'a> {
    session_id: &'a str,
    at: Moment,
    event: &'static str,
    reason: &'a str,
}

impl<'a> EventRow<'a> {
    /// The row of a command that was given `at` a time: that of its record, so that a repeated insert is the same row.
    #[must_use]
    pub fn new(session_id: &'a str, command: SessionCommand, at: Timestamp) -> Self {
        let event = match command {
            SessionCommand::Cancel => "cancelled",
            SessionCommand::Recover => "resumed",
        };
        Self { session_id, at: at.into(), event, reason: "" }
    }
}

impl Stored for EventRow<'_> {
    const TABLE: Table = Table::SessionEvents;

    fn bytes(row: &EventRow<'_>) -> usize {
        FIXED_BYTES + row.session_id.len() + row.reason.len()
    }
}
