//! When a bar opened, as candle files write it: seconds, milliseconds, microseconds or nanoseconds since the Unix epoch,
//! told apart by their size, or a date in ISO 8601 order. A date without an offset is UTC. What would lie before 1980 is no
//! time but a counter, a price, or a mistake.

use super::number;

/// A bar whose time cannot be read. Not an `Option`: a million rows are held.
pub(super) const NONE: i64 = i64::MIN;

/// 1980-01-01.
const EARLIEST_MS: i64 = 315_532_800_000;
/// Numbers below this are seconds: as milliseconds they would lie before 1973.
const SECONDS_BELOW: f64 = 1e11;
/// Numbers below this are milliseconds: as seconds they would lie after the year 5000.
const MILLIS_BELOW: f64 = 1e14;
/// Numbers below this are microseconds; larger ones are nanoseconds.
const MICROS_BELOW: f64 = 1e17;
/// Beyond this nothing is a time in any unit.
const NANOS_BELOW: f64 = 1e19;

const DAYS: [i64; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// Milliseconds of an epoch number of any unit.
pub(super) fn of_number(number: f64) -> i64 {
    let millis = match number {
        _ if !(0.0..NANOS_BELOW).contains(&number) => return NONE,
        _ if number < SECONDS_BELOW => number * 1e3,
        _ if number < MILLIS_BELOW => number,
        _ if number < MICROS_BELOW => number / 1e3,
        _ => number / 1e6,
    };
    #[expect(clippy::cast_possible_truncation, reason = "below 1e14")]
    let whole = millis.round() as i64;
    no_counter(whole)
}

fn no_counter(millis: i64) -> i64 {
    if millis < EARLIEST_MS { NONE } else { millis }
}

/// Milliseconds of an epoch number or a date.
pub(super) fn of_text(text: &[u8]) -> i64 {
    let text = text.trim_ascii();
    let number = number::parse(text);
    if number.is_nan() { date(text).map_or(NONE, no_counter) } else { of_number(number) }
}

/// `2023-11-24`, `2023/11/24 15:30`, `2023-11-24T15:30:00.000Z`, `2023-11-24 15:30:00+02:00`, `… UTC`.
fn date(text: &[u8]) -> Option<i64> {
    let (day, mut rest) = text.split_at_checked(10)?;
    let [y1, y2, y3, y4, sep, m1, m2, again, d1, d2] = *day else { return None };
    if sep != again || !matches!(sep, b'-' | b'/' | b'.') {
        return None;
    }
    let year = two(&[y1, y2])? * 100 + two(&[y3, y4])?;
    let (month, day) = (two(&[m1, m2])?, two(&[d1, d2])?);
    let days_max = *DAYS.get(usize::try_from(month - 1).ok()?)?;
    if !(1..=days_max).contains(&day) {
        return None;
    }
    let mut millis = days_from_civil(year, month, day) * 86_400_000;
    if let Some((b'T' | b't' | b' ', clock)) = rest.split_first() {
        let (hour, minute) = (two(clock)?, two(clock.get(2..)?.strip_prefix(b":")?)?);
        rest = &clock[5..];
        let mut second = 0;
        if let Some(seconds) = rest.strip_prefix(b":") {
            second = two(seconds)?;
            rest = &seconds[2..];
        }
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        millis += ((hour * 60 + minute) * 60 + second) * 1000;
        if let Some((b'.' | b',', fraction)) = rest.split_first() {
            let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let thousandths = fraction[..digits].iter().copied().chain(std::iter::repeat(b'0')).take(3);
            millis += thousandths.fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
            rest = &fraction[digits..];
        }
    }
    Some(millis - offset(rest.trim_ascii())? * 60_000)
}

/// Minutes east of UTC.
fn offset(zone: &[u8]) -> Option<i64> {
    let (sign, hours) = match zone {
        b"" | b"Z" | b"z" | b"UTC" | b"GMT" => return Some(0),
        [b'+', hours @ ..] => (1, hours),
        [b'-', hours @ ..] => (-1, hours),
        _ => return None,
    };
    let minutes = match hours.get(2..)? {
        b"" => 0,
        rest => {
            let digits = rest.strip_prefix(b":").unwrap_or(rest);
            (digits.len() == 2).then(|| two(digits))??
        }
    };
    Some(sign * (two(hours)? * 60 + minutes))
}

/// The number of the first two digits.
fn two(text: &[u8]) -> Option<i64> {
    match *text {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9', ..] => Some(i64::from(tens - b'0') * 10 + i64::from(ones - b'0')),
        _ => None,
    }
}

/// Days since 1970-01-01 in the Gregorian calendar, for years of four digits. Source: Howard Hinnant, "chrono-Compatible
/// Low-Level Date Algorithms" (<https://howardhinnant.github.io/date_algorithms.html#days_from_civil>).
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March, so that the leap day is the last of its year.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_every_unit_and_form() {
        for (text, expected) in [
            ("1700841600", 1_700_841_600_000),
            ("1700841600.5", 1_700_841_600_500),
            ("1700841600000", 1_700_841_600_000),
            ("1700841600000000", 1_700_841_600_000),
            ("1700841600000000000", 1_700_841_600_000),
            ("2023-11-24", 1_700_784_000_000),
            ("2023-11-24T16:00:00.000Z", 1_700_841_600_000),
            ("2023-11-24T16:00", 1_700_841_600_000),
            ("2023/11/24 16:00:00", 1_700_841_600_000),
            ("2023.11.24 16:00:00 UTC", 1_700_841_600_000),
            ("2023-11-24 18:00:00+02:00", 1_700_841_600_000),
            ("2023-11-24T11:30:00-0430", 1_700_841_600_000),
            ("2023-11-24T16:00:00.123456789Z", 1_700_841_600_123),
            ("2024-02-29", 1_709_164_800_000),
            ("1999-11-01", 941_414_400_000),
        ] {
            assert_eq!(of_text(text.as_bytes()), expected, "{text}");
        }
        for text in [
            "",
            "-5",
            "1e400",
            "2023-13-01",
            "2023-11-31x",
            "2023-00-10",
            "2023-11-24T25:00",
            "24.11.2023",
            "now",
            "5",
            "1979-12-31",
        ] {
            assert_eq!(of_text(text.as_bytes()), NONE, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn dates_agree_with_the_calendar(seconds in 315_532_800_i64..32_000_000_000) {
            let instant = jiff::Timestamp::from_second(seconds).unwrap();
            proptest::prop_assert_eq!(of_text(instant.to_string().as_bytes()), seconds * 1000);
        }
    }
}
