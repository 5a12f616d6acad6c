//! The time from one bar to the next: whole seconds, written as traders write it (`15m`, `4h`, `1d`).

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

const MINUTE: u32 = 60;
const HOUR: u32 = 60 * MINUTE;
const DAY: u32 = 24 * HOUR;
const WEEK: u32 = 7 * DAY;
/// A longer interval is a mistake: nobody has 50 such bars.
const SECONDS_MAX: u32 = 5 * WEEK;

/// Seconds from one bar to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i32", into = "i32")]
pub struct Interval(u32);

impl Interval {
    /// 15 minutes.
    pub const QUARTER_HOUR: Self = Self(15 * MINUTE);

    /// An interval of so many seconds; `None` for 0, and for more than five weeks.
    #[must_use]
    pub fn of_seconds(seconds: u32) -> Option<Self> {
        (1..=SECONDS_MAX).contains(&seconds).then_some(Self(seconds))
    }

    /// Its seconds.
    #[must_use]
    pub fn seconds(self) -> u32 {
        self.0
    }

    /// Its length.
    #[must_use]
    pub fn duration(self) -> Duration {
        Duration::from_secs(self.0.into())
    }

    /// As venues and people write it: `15m`, `15min`, `Min15`, `4h`, `4hour`, `Hour4`, `60m`, `1d`, `daily`, `1w`, `15`
    /// (minutes). Upper and lower case are the same, but `M` alone is a month and no interval.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let unit: String = text.chars().filter(|letter| !letter.is_ascii_digit()).collect();
        if unit == "M" || !text.is_ascii() || !(text.starts_with(&digits) || text.ends_with(&digits)) {
            return None;
        }
        let number: u32 = if digits.is_empty() { 1 } else { digits.parse().ok()? };
        let unit = match unit.to_ascii_lowercase().as_str() {
            "s" | "sec" | "second" => 1,
            "" if !digits.is_empty() => MINUTE,
            "m" | "min" | "minute" | "minutes" => MINUTE,
            "h" | "hour" | "hours" | "hourly" => HOUR,
            "d" | "day" | "days" | "daily" => DAY,
            "w" | "week" | "weeks" | "weekly" => WEEK,
            _ => return None,
        };
        Self::of_seconds(number.checked_mul(unit)?)
    }
}

impl TryFrom<i32> for Interval {
    type Error = String;

    fn try_from(seconds: i32) -> Result<Self, String> {
        let interval = u32::try_from(seconds).ok().and_then(Self::of_seconds);
        interval.ok_or_else(|| format!("{seconds} seconds are no interval between candles"))
    }
}

impl From<Interval> for i32 {
    fn from(interval: Interval) -> Self {
        // At most SECONDS_MAX.
        Self::try_from(interval.0).unwrap_or(Self::MAX)
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, unit) = match self.0 {
            seconds if seconds % WEEK == 0 => (seconds / WEEK, "w"),
            seconds if seconds % DAY == 0 => (seconds / DAY, "d"),
            seconds if seconds % HOUR == 0 => (seconds / HOUR, "h"),
            seconds if seconds % MINUTE == 0 => (seconds / MINUTE, "m"),
            seconds => (seconds, "s"),
        };
        write!(f, "{number}{unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_read_as_they_are_written_anywhere() {
        for (text, expected) in [
            ("1m", "1m"),
            ("15min", "15m"),
            ("Min15", "15m"),
            ("Min60", "1h"),
            ("60m", "1h"),
            ("Hour4", "4h"),
            ("4H", "4h"),
            ("240", "4h"),
            ("1d", "1d"),
            ("daily", "1d"),
            ("Day1", "1d"),
            ("1W", "1w"),
            ("30s", "30s"),
        ] {
            assert_eq!(Interval::parse(text).map(|interval| interval.to_string()).as_deref(), Some(expected), "{text}");
        }
        for text in ["", "M", "1M", "m1m", "0m", "-5m", "perp", "1.5h", "99999999999m", "52w"] {
            assert_eq!(Interval::parse(text), None, "{text}");
        }
    }
}
