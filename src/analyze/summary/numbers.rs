//! Numbers and spans of time as a person writes them. Pure.
//!
//! Prices have five digits that count, whatever their size (`64,250`, `1.0832`, `0.000012346`): enough to tell the close
//! from a level next to it, and no more than anybody reads.

use std::time::Duration;

use crate::model::{Interval, Timestamp};

/// Digits of a price behind the first one.
const DIGITS_MORE: i32 = 4;
/// Sizes of numbers that are written out.
const COUNTABLE: std::ops::Range<f64> = 1e-12..1e15;
const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// On average, in the calendar.
const MONTH: u64 = 2_629_746;
const YEAR: u64 = 12 * MONTH;

/// A price, such as `64,250` or `0.000012346`; beyond what anybody counts the zeros of, `1.2346e-15`.
pub(super) fn price(value: f64) -> String {
    if value != 0.0 && !COUNTABLE.contains(&value.abs()) {
        return format!("{value:.4e}");
    }
    let rounded = format!("{value:.4e}");
    let exponent: i32 = rounded.split_once('e').and_then(|(_, exponent)| exponent.parse().ok()).unwrap_or(0);
    let decimals = usize::try_from(DIGITS_MORE - exponent).unwrap_or(0);
    grouped(&trimmed(&format!("{value:.decimals$}")))
}

/// The size of a share in percent, such as `3.2%` for 3.2 or -3.2.
pub(super) fn percent(value: f64) -> String {
    let size = value.abs();
    match size {
        0.0 => "0%".to_owned(),
        _ if size < 0.01 => "less than 0.01%".to_owned(),
        _ if size < 0.95 => format!("{}%", trimmed(&format!("{size:.2}"))),
        _ if size < 100.0 => format!("{}%", trimmed(&format!("{size:.1}"))),
        _ => format!("{}%", grouped(&format!("{size:.0}"))),
    }
}

/// A number around one, such as `1.8` or `12`.
pub(super) fn times(value: f64) -> String {
    if value < 10.0 { trimmed(&format!("{value:.1}")) } else { grouped(&format!("{value:.0}")) }
}

/// A number of things, such as `1,000`.
pub(super) fn count(count: usize) -> String {
    grouped(&count.to_string())
}

/// What is counted, in the singular or the plural.
pub(super) fn counted(number: usize, what: &str) -> String {
    format!("{} {what}{}", count(number), if number == 1 { "" } else { "s" })
}

/// A moment, such as `22 November 2026, 05:00 UTC`; whole days without the hour.
pub(super) fn moment(at: Timestamp) -> String {
    let at = at.calendar().to_zoned(jiff::tz::TimeZone::UTC);
    let is_day = at.hour() == 0 && at.minute() == 0;
    at.strftime(if is_day { "%-d %B %Y" } else { "%-d %B %Y, %H:%M UTC" }).to_string()
}

/// When a bar closed, as people name it: a bar of days by its last day, a shorter one by the moment.
pub(super) fn close_of(until: Timestamp, interval: Interval) -> String {
    let is_of_days = u64::from(interval.seconds()).is_multiple_of(DAY);
    if !is_of_days {
        return moment(until);
    }
    Timestamp(until.0 - 1).calendar().to_zoned(jiff::tz::TimeZone::UTC).strftime("%-d %B %Y").to_string()
}

/// A span of time, such as `36 hours`, `42 days` or `14 months`.
pub(super) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let (unit, name) = match seconds {
        _ if seconds < 2 * HOUR => (MINUTE, "minute"),
        _ if seconds < 3 * DAY => (HOUR, "hour"),
        _ if seconds < 90 * DAY => (DAY, "day"),
        _ if seconds < 3 * YEAR => (MONTH, "month"),
        _ => (YEAR, "year"),
    };
    let number = usize::try_from((seconds + unit / 2) / unit).unwrap_or(usize::MAX);
    counted(number, name)
}

/// So many bars of an interval: `1,000 hourly bars`, `600 bars of 30 minutes`.
pub(super) fn bars_of(interval: Interval, bars: usize) -> String {
    let text = interval.to_string();
    let (number, unit) = text.split_at(text.len() - 1);
    let (every, name) = match unit {
        "w" => ("weekly", "week"),
        "d" => ("daily", "day"),
        "h" => ("hourly", "hour"),
        "m" => ("one-minute", "minute"),
        _ => ("one-second", "second"),
    };
    if number == "1" {
        counted(bars, &format!("{every} bar"))
    } else {
        format!("{} of {number} {name}s", counted(bars, "bar"))
    }
}

/// Without zeros that say nothing.
fn trimmed(number: &str) -> String {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.').to_owned() } else { number.to_owned() }
}

/// With commas between thousands.
fn grouped(number: &str) -> String {
    let (sign, rest) = number.strip_prefix('-').map_or(("", number), |rest| ("-", rest));
    let (whole, fraction) = rest.split_once('.').map_or((rest, None), |(whole, fraction)| (whole, Some(fraction)));
    let mut text = sign.to_owned();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    if let Some(fraction) = fraction {
        text.push('.');
        text.push_str(fraction);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        for (value, written) in [
            (64_250.4, "64,250"),
            (1_234_567.8, "1,234,568"),
            (3_412.53, "3,412.5"),
            (97.1, "97.1"),
            (100.0, "100"),
            (99.9999, "100"),
            (1.083_21, "1.0832"),
            (0.000_012_345_6, "0.000012346"),
            (1e-12, "0.000000000001"),
            (0.0, "0"),
            (-12.5, "-12.5"),
            (2e-308, "2.0000e-308"),
            (1e300, "1.0000e300"),
        ] {
            assert_eq!(price(value), written);
        }
        for (value, written) in [
            (3.24, "3.2%"),
            (-0.5, "0.5%"),
            (0.031, "0.03%"),
            (0.001, "less than 0.01%"),
            (0.0, "0%"),
            (1234.0, "1,234%"),
        ] {
            assert_eq!(percent(value), written);
        }
        assert_eq!([times(1.84), times(2.0), times(12.3)], ["1.8", "2", "12"]);
        assert_eq!([counted(1, "touch"), counted(1_000, "bar")], ["1 touch", "1,000 bars"]);
        for (seconds, written) in [
            (50 * MINUTE, "50 minutes"),
            (36 * HOUR, "36 hours"),
            (7 * DAY, "7 days"),
            (400 * DAY, "13 months"),
            (8 * YEAR, "8 years"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), written);
        }
        for (interval, written) in [
            ("1h", "1,000 hourly bars"),
            ("4h", "1,000 bars of 4 hours"),
            ("1d", "1,000 daily bars"),
            ("1m", "1,000 one-minute bars"),
            ("30s", "1,000 bars of 30 seconds"),
        ] {
            assert_eq!(bars_of(Interval::parse(interval).unwrap(), 1_000), written);
        }
        assert_eq!(moment(Timestamp(1_795_323_600_000)), "22 November 2026, 05:00 UTC");
        let midnight = Timestamp(1_795_305_600_000);
        assert_eq!(moment(midnight), "22 November 2026");
        assert_eq!(close_of(midnight, Interval::parse("1d").unwrap()), "21 November 2026");
        assert_eq!(close_of(midnight, Interval::parse("4h").unwrap()), "22 November 2026");
    }
}
