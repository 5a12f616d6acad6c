//! Lists a page at a time: how many rows, where the last page ended, and times as people write them.
//!
//! A cursor is the sort key of the last row that was shown, as JSON in base64: it needs no memory on our side, holds as
//! long as the order does, and means nothing to whoever carries it. One that cannot be read, or belongs to another list,
//! is refused (400).

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Problem;
use crate::clickhouse::questions::PAGE_ROWS_MAX;
use crate::model::Timestamp;

/// Rows of a page where nobody says how many.
const ROWS: u64 = 50;
/// Longest cursor: a key holds an id, which a producer may have made long.
const CURSOR_BYTES_MAX: usize = 4 * 1024;
/// Longest text of a filter, in characters.
const TEXT_CHARS_MAX: usize = 1_000;
/// Longest time, in characters.
const MOMENT_CHARS_MAX: usize = 64;
/// Characters of a date and a time to the second, without an offset.
const DATE_TIME_CHARS: usize = 19;
/// 9999-12-30T22:00:00Z, the last moment that the calendar knows.
const LATEST: Timestamp = Timestamp(253_402_207_200_000);

/// How many rows a page has.
///
/// # Errors
/// 400 for none, or more than [`PAGE_ROWS_MAX`].
pub(super) fn limit(asked: Option<u64>) -> Result<u64, Problem> {
    within("limit", asked.unwrap_or(ROWS), 1..=PAGE_ROWS_MAX)
}

/// A number within its range.
///
/// # Errors
/// 400 where it is not.
pub(super) fn within(name: &str, asked: u64, range: std::ops::RangeInclusive<u64>) -> Result<u64, Problem> {
    if range.contains(&asked) {
        return Ok(asked);
    }
    Err(Problem::invalid(format!("{name} is {} to {}", range.start(), range.end())))
}

/// The text of a filter; an empty one asks for nothing.
///
/// # Errors
/// 400 for a text that is longer than any that is stored.
pub(super) fn text(name: &str, asked: Option<String>) -> Result<Option<String>, Problem> {
    let Some(text) = asked.filter(|text| !text.is_empty()) else { return Ok(None) };
    if text.chars().count() > TEXT_CHARS_MAX {
        return Err(Problem::invalid(format!("{name} is at most {TEXT_CHARS_MAX} characters")));
    }
    Ok(Some(text))
}

/// A time: RFC 3339, or epoch milliseconds.
///
/// # Errors
/// 400 for anything else.
pub(super) fn moment(name: &str, asked: Option<&str>) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = asked.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    if text.chars().count() > MOMENT_CHARS_MAX {
        return Err(Problem::invalid(format!("{name} has more than {MOMENT_CHARS_MAX} characters")));
    }
    let parsed = match text.parse::<i64>() {
        Ok(millis) => Some(Timestamp(millis)),
        Err(_) => match text.parse::<jiff::Timestamp>() {
            Ok(instant) => Some(Timestamp(instant.as_millisecond())),
            // The last hours of the year 9999, and beyond.
            Err(_) if is_of_the_last_year(text) => Some(LATEST),
            Err(_) => None,
        },
    };
    match parsed {
        Some(time) => Ok(Some(time)),
        None => Err(Problem::invalid(format!("{name} is a time such as 2026-11-29T07:00:00Z, or epoch milliseconds"))),
    }
}

/// Whether it is a time of the year 9999, whatever its offset.
fn is_of_the_last_year(text: &str) -> bool {
    let local = text.get(..DATE_TIME_CHARS).and_then(|local| local.parse::<jiff::civil::DateTime>().ok());
    local.is_some_and(|date| date.year() == 9999)
}

/// The key behind which a page begins; `None` at the beginning.
///
/// # Errors
/// 400 for a cursor that is none of this list's.
pub(super) fn after<K: DeserializeOwned>(cursor: Option<&str>) -> Result<Option<K>, Problem> {
    let Some(cursor) = cursor.filter(|cursor| !cursor.is_empty()) else { return Ok(None) };
    let read = || {
        let json = (cursor.len() <= CURSOR_BYTES_MAX).then(|| BASE64_URL_SAFE_NO_PAD.decode(cursor))?;
        serde_json::from_slice(&json.ok()?).ok()
    };
    match read() {
        Some(key) => Ok(Some(key)),
        None => {
            Err(Problem::invalid("cursor is none of this list: send next_cursor of the page before, or leave it out"))
        }
    }
}

/// Cuts `rows`, of which one more than `limit` was asked for, to the page, and says where the next one begins.
pub(super) fn page<T, K: Serialize>(mut rows: Vec<T>, limit: u64, key: impl Fn(&T) -> K) -> (Vec<T>, Option<String>) {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if rows.len() <= limit {
        return (rows, None);
    }
    rows.truncate(limit);
    let cursor = rows.last().and_then(|last| serde_json::to_vec(&key(last)).ok());
    (rows, cursor.map(|json| BASE64_URL_SAFE_NO_PAD.encode(json)))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Key = (i64, String);

    #[test]
    fn a_cursor_is_where_the_page_ended_and_nothing_else_is_one() {
        let key = |row: &i64| (*row, format!("é'{row}"));
        let (rows, cursor) = page(vec![9, 8, 7], 2, key);
        assert_eq!(rows, [9, 8]);
        assert_eq!(after::<Key>(cursor.as_deref()).unwrap(), Some((8, "é'8".to_owned())));
        assert_eq!(page(vec![9, 8], 2, key).1, None);
        assert_eq!(after::<Key>(None).unwrap(), None);
        assert_eq!(after::<Key>(Some("")).unwrap(), None);
        assert!(after::<(String, String)>(cursor.as_deref()).is_err(), "another list's");
        for odd in ["*", "AAAA", "W10", &"A".repeat(9_000), "é"] {
            assert_eq!(after::<Key>(Some(odd)).unwrap_err().status(), 400, "{odd}");
        }
    }

    #[test]
    fn what_is_asked_for_has_limits() {
        assert_eq!(limit(None).unwrap(), 50);
        assert_eq!(limit(Some(500)).unwrap(), 500);
        assert!(limit(Some(0)).is_err() && limit(Some(501)).is_err());
        assert_eq!(text("q", Some(String::new())).unwrap(), None);
        assert!(text("q", Some("x".repeat(1_001))).is_err());
        assert_eq!(moment("since", Some("2026-11-22T00:00:00Z")).unwrap(), Some(Timestamp(1_795_305_600_000)));
        assert_eq!(moment("since", Some("2026-11-22T02:00:00+02:00")).unwrap(), Some(Timestamp(1_795_305_600_000)));
        assert_eq!(moment("since", Some("1795305600000")).unwrap(), Some(Timestamp(1_795_305_600_000)));
        assert_eq!(moment("since", Some("9999-12-31T23:59:59Z")).unwrap(), Some(LATEST));
        assert!(moment("since", Some("yesterday")).is_err() && moment("since", Some(&"0".repeat(65))).is_err());
    }
}
