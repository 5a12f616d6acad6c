//! Points in time: UTC, whole milliseconds, as Kafka stamps its records.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// 2009-01-01, before which nothing about crypto was published: an older date is a mistake.
const EARLIEST_MS: i64 = 1_230_768_000_000;
/// How far ahead of its record a publication date may lie (time zones, embargoes).
const AHEAD_MAX: Duration = Duration::from_hours(24);
/// Epoch numbers below this are seconds: as milliseconds they would lie before 1973.
const SECONDS_BELOW: i64 = 100_000_000_000;

/// Milliseconds since the Unix epoch, UTC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// This moment and `wait` more.
    #[must_use]
    pub fn plus(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)))
    }

    /// The time from `earlier` until this moment; zero where `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// As ids of sessions have it: `20261129T070053Z`.
    #[must_use]
    pub fn compact(self) -> String {
        self.calendar().strftime("%Y%m%dT%H%M%SZ").to_string()
    }

    /// The calendar form, which exists for every date of the years −9999 to 9999.
    pub(crate) fn calendar(self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.calendar(), f)
    }
}

/// A publication date as people write it (RFC 3339, RFC 2822, or epoch seconds or milliseconds), or `None` where the
/// text is no date, or one before 2009 or more than a day after `received`.
#[must_use]
pub fn parse_date(text: &str, received: Timestamp) -> Option<Timestamp> {
    let text = text.trim();
    let parsed = if let Ok(number) = text.parse::<i64>() {
        if number.checked_abs()? < SECONDS_BELOW { number.checked_mul(1000)? } else { number }
    } else if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        instant.as_millisecond()
    } else if let Ok(zoned) = jiff::fmt::rfc2822::parse(text) {
        zoned.timestamp().as_millisecond()
    } else {
        // A date, or a date and time, without an offset is read as UTC.
        let civil: jiff::civil::DateTime = text.parse().ok()?;
        civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_millisecond()
    };
    (EARLIEST_MS..=received.plus(AHEAD_MAX).0).contains(&parsed).then_some(Timestamp(parsed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_in_every_form_and_odd_ones_refused() {
        let received = Timestamp(1_795_305_600_000);
        for (text, expected) in [
            ("2026-11-20T10:00:00Z", Some(1_795_168_800_000)),
            ("2026-11-20T12:00:00+02:00", Some(1_795_168_800_000)),
            ("Fri, 20 Nov 2026 10:00:00 GMT", Some(1_795_168_800_000)),
            ("2026-11-20 10:00:00", Some(1_795_168_800_000)),
            ("2026-11-20", Some(1_795_132_800_000)),
            ("1795168800", Some(1_795_168_800_000)),
            ("1795168800000", Some(1_795_168_800_000)),
            ("1970-01-01T00:00:00Z", None),
            ("2100-01-01T00:00:00Z", None),
            ("yesterday", None),
            ("", None),
            ("9223372036854775807", None),
            ("-9223372036854775808", None),
        ] {
            assert_eq!(parse_date(text, received).map(|date| date.0), expected, "{text:?}");
        }
    }
}
