//! From an error to what is done about it. The error codes are ClickHouse's own (`src/Common/ErrorCodes.cpp`).
//!
//! An unknown code is retried: a stopped sink is seen and loses nothing, a wrongly rejected row is found by nobody.

use clickhouse::error::Error;

/// What a failed insert or question calls for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decision {
    /// The same bytes will pass once the server is there, or less busy.
    Retry,
    /// The same rows would fail again: find the row, and reject it.
    Poison,
    /// Nothing will pass until somebody acts (rights, tables, settings); asked again now and then.
    Stop,
}

impl Decision {
    /// As labels show it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Poison => "poison",
            Self::Stop => "stop",
        }
    }
}

/// An error of ClickHouse, or of the way there: what to do, and the story.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What to do.
    pub decision: Decision,
    /// ClickHouse's error code, where it was the server who spoke.
    pub code: Option<u32>,
    /// For people; at most 2000 characters.
    pub message: String,
}

/// The server quotes the data it stumbled over, which may be megabytes.
const MESSAGE_CHARS_MAX: usize = 2000;

use Decision::{Poison, Retry, Stop};

/// What each error code calls for. Codes that are not listed are retried.
const CODES: &[(u32, &str, Decision)] = &[
    // The rows cannot be read or break a rule of the table: they will next time too.
    (6, "CANNOT_PARSE_TEXT", Poison),
    (25, "CANNOT_PARSE_ESCAPE_SEQUENCE", Poison),
    (26, "CANNOT_PARSE_QUOTED_STRING", Poison),
    (27, "CANNOT_PARSE_INPUT_ASSERTION_FAILED", Poison),
    (33, "CANNOT_READ_ALL_DATA", Poison),
    (38, "CANNOT_PARSE_DATE", Poison),
    (41, "CANNOT_PARSE_DATETIME", Poison),
    (69, "ARGUMENT_OUT_OF_BOUND", Poison),
    (70, "CANNOT_CONVERT_TYPE", Poison),
    (72, "CANNOT_PARSE_NUMBER", Poison),
    (117, "INCORRECT_DATA", Poison),
    (128, "TOO_LARGE_ARRAY_SIZE", Poison),
    (130, "CANNOT_READ_ARRAY_FROM_TEXT", Poison),
    (131, "TOO_LARGE_STRING_SIZE", Poison),
    (190, "SIZES_OF_ARRAYS_DONT_MATCH", Poison),
    (321, "VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE", Poison),
    (349, "CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN", Poison),
    (376, "CANNOT_PARSE_UUID", Poison),
    (407, "DECIMAL_OVERFLOW", Poison),
    (467, "CANNOT_PARSE_BOOL", Poison),
    (469, "VIOLATED_CONSTRAINT", Poison),
    // The tables are not what this program expects, or it may not write them. All rows alike.
    (8, "THERE_IS_NO_COLUMN", Stop),
    (16, "NO_SUCH_COLUMN_IN_TABLE", Stop),
    (47, "UNKNOWN_IDENTIFIER", Stop),
    (48, "NOT_IMPLEMENTED", Stop),
    (50, "UNKNOWN_TYPE", Stop),
    (53, "TYPE_MISMATCH", Stop),
    (60, "UNKNOWN_TABLE", Stop),
    (62, "SYNTAX_ERROR", Stop),
    (73, "UNKNOWN_FORMAT", Stop),
    (81, "UNKNOWN_DATABASE", Stop),
    (115, "UNKNOWN_SETTING", Stop),
    (122, "INCOMPATIBLE_COLUMNS", Stop),
    (164, "READONLY", Stop),
    (192, "UNKNOWN_USER", Stop),
    (193, "WRONG_PASSWORD", Stop),
    (194, "REQUIRED_PASSWORD", Stop),
    (195, "IP_ADDRESS_NOT_ALLOWED", Stop),
    (291, "DATABASE_ACCESS_DENIED", Stop),
    (452, "SETTING_CONSTRAINT_VIOLATION", Stop),
    (497, "ACCESS_DENIED", Stop),
    (516, "AUTHENTICATION_FAILED", Stop),
    // The server is busy, full, restarting, or has lost its peers. Listed so that it is seen to be meant.
    (40, "CHECKSUM_DOESNT_MATCH", Retry),
    (57, "TABLE_ALREADY_EXISTS", Retry),
    (82, "DATABASE_ALREADY_EXISTS", Retry),
    (159, "TIMEOUT_EXCEEDED", Retry),
    (201, "QUOTA_EXCEEDED", Retry),
    (202, "TOO_MANY_SIMULTANEOUS_QUERIES", Retry),
    (203, "NO_FREE_CONNECTION", Retry),
    (209, "SOCKET_TIMEOUT", Retry),
    (210, "NETWORK_ERROR", Retry),
    (225, "NO_ZOOKEEPER", Retry),
    (236, "ABORTED", Retry),
    (241, "MEMORY_LIMIT_EXCEEDED", Retry),
    (242, "TABLE_IS_READ_ONLY", Retry),
    (243, "NOT_ENOUGH_SPACE", Retry),
    (252, "TOO_MANY_PARTS", Retry),
    (271, "CANNOT_DECOMPRESS", Retry),
    (279, "ALL_CONNECTION_TRIES_FAILED", Retry),
    (285, "TOO_FEW_LIVE_REPLICAS", Retry),
    (286, "UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE", Retry),
    (319, "UNKNOWN_STATUS_OF_INSERT", Retry),
    (394, "QUERY_WAS_CANCELLED", Retry),
    (425, "SYSTEM_ERROR", Retry),
    (439, "CANNOT_SCHEDULE_TASK", Retry),
    (473, "DEADLOCK_AVOIDED", Retry),
    (517, "CANNOT_ASSIGN_ALTER", Retry),
    (999, "KEEPER_EXCEPTION", Retry),
];

impl Failure {
    /// A failure that is no answer of the server.
    pub(crate) fn new(decision: Decision, message: impl Into<String>) -> Self {
        Self { decision, code: None, message: message.into() }
    }

    /// The server did not answer in time.
    pub(super) fn timed_out() -> Self {
        Self::new(Retry, "ClickHouse did not answer in time")
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let code = match &error {
            Error::BadResponse(answer) => error_code(answer),
            _ => None,
        };
        let decision = match (&error, code) {
            (_, Some(code)) => of_code(code),
            // What the crate says before anything is sent: the tables differ from the rows, or the settings are wrong.
            (
                Error::SchemaMismatch(_)
                | Error::InvalidColumnsHeader(_)
                | Error::InvalidParams(_)
                | Error::Unsupported(_),
                None,
            ) => Stop,
            // One row cannot be written as bytes at all.
            (Error::SequenceMustHaveLength | Error::InvalidTagEncoding(_), None) => Poison,
            _ => Retry,
        };
        Self { decision, code, message: story(&error) }
    }
}

fn of_code(code: u32) -> Decision {
    CODES.iter().find(|(known, _, _)| *known == code).map_or(Retry, |(_, _, decision)| *decision)
}

/// The number in `Code: 60. DB::Exception: …`.
fn error_code(answer: &str) -> Option<u32> {
    let digits = answer.split_once("Code: ")?.1;
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok()
}

/// The error and its causes ("connection refused" is only in the innermost), cut to its limit.
fn story(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text.chars().take(MESSAGE_CHARS_MAX).collect()
}

/// Codes with the names that ClickHouse has for them, for the test against the engine.
pub fn known_codes() -> impl Iterator<Item = (u32, &'static str)> {
    CODES.iter().map(|(code, name, _)| (*code, *name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(text: &str) -> Failure {
        Failure::from(Error::BadResponse(text.to_owned()))
    }

    #[test]
    fn answers_become_decisions() {
        for (answer, code, decision) in [
            ("Code: 469. DB::Exception: Constraint `x` is violated at row 1. (VIOLATED_CONSTRAINT)", Some(469), Poison),
            ("Code: 252. DB::Exception: Too many parts (3000)", Some(252), Retry),
            ("Code: 60. DB::Exception: Unknown table", Some(60), Stop),
            ("Code: 4711. DB::Exception: new in 2030", Some(4711), Retry),
            ("Code: 516", Some(516), Stop),
            ("Code: 99999999999999", None, Retry),
            ("502 Bad Gateway", None, Retry),
            ("", None, Retry),
        ] {
            let failure = answered(answer);
            assert_eq!((failure.code, failure.decision), (code, decision), "{answer}");
        }
        assert_eq!(Failure::from(Error::TimedOut).decision, Retry);
        assert_eq!(Failure::from(Error::SchemaMismatch(String::new())).decision, Stop);
    }

    #[test]
    fn no_code_is_listed_twice_and_no_message_is_endless() {
        let mut codes: Vec<u32> = known_codes().map(|(code, _)| code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), CODES.len());
        assert_eq!(answered(&"é".repeat(10_000)).message.chars().count(), MESSAGE_CHARS_MAX);
    }
}
