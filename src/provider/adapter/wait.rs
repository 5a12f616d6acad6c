//! How services write the time that they ask to wait. Rounded up, so that nobody asks too early.

use std::time::Duration;

/// What stands before a wait in the words of OpenAI and Gemini.
const INTRODUCTIONS: [&str; 2] = ["try again in ", "retry in "];

const NANOS_PER_MILLISECOND: u64 = 1_000_000;
const NANOS_PER_SECOND: u64 = 1_000 * NANOS_PER_MILLISECOND;

const UNITS: [(&str, u64); 8] = [
    ("h", 3_600 * NANOS_PER_SECOND),
    ("m", 60 * NANOS_PER_SECOND),
    ("s", NANOS_PER_SECOND),
    ("ms", NANOS_PER_MILLISECOND),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ns", 1),
];

/// `Retry-After` in seconds, whole or not: `59`, `49.119`. `None` for a date, which no known service sends.
pub(super) fn seconds(text: &str) -> Option<Duration> {
    decimal(text.trim(), NANOS_PER_SECOND).map(Duration::from_nanos)
}

/// `retry-after-ms`.
pub(super) fn milliseconds(text: &str) -> Option<Duration> {
    decimal(text.trim(), NANOS_PER_MILLISECOND).map(Duration::from_nanos)
}

/// A duration of Go, `6m0s`, `250ms`, or of protobuf, `45.837906927s`, which is one of its forms.
pub(super) fn units(text: &str) -> Option<Duration> {
    let is_number = |letter: char| letter.is_ascii_digit() || letter == '.';
    let mut rest = text.trim();
    let mut total = 0_u64;
    loop {
        let (number, after) = rest.split_at(rest.find(|letter| !is_number(letter))?);
        let (unit, after) = after.split_at(after.find(is_number).unwrap_or(after.len()));
        let (_, nanos) = UNITS.iter().find(|(name, _)| *name == unit)?;
        total = total.checked_add(decimal(number, *nanos)?)?;
        if after.is_empty() {
            return Some(Duration::from_nanos(total));
        }
        rest = after;
    }
}

/// The wait in a message: `… Please try again in 1.2s.`
pub(super) fn words(message: &str) -> Option<Duration> {
    INTRODUCTIONS.iter().find_map(|introduction| {
        let (_, after) = message.split_once(introduction)?;
        let word = after.split_whitespace().next()?;
        units(word.trim_end_matches(['.', ',', ')']))
    })
}

/// `number` times `unit`; `None` where that is no number or too large.
fn decimal(number: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    // Nine digits are nanoseconds; what stands behind them rounds up.
    let kept = &fraction[..fraction.len().min(9)];
    let billionths = format!("{kept:0<9}").parse::<u64>().ok()? + u64::from(fraction.len() > 9);
    let part = (u128::from(billionths) * u128::from(unit)).div_ceil(u128::from(NANOS_PER_SECOND));
    whole.parse::<u64>().ok()?.checked_mul(unit)?.checked_add(u64::try_from(part).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        for (text, nanos) in
            [("59", 59_000_000_000), ("49.119", 49_119_000_000), (" 0 ", 0), ("1.0000000001", 1_000_000_001)]
        {
            assert_eq!(seconds(text), Some(Duration::from_nanos(nanos)), "{text}");
        }
        for text in
            ["", ".5", "-1", "1e3", "1s", "Wed, 21 Oct 2026 07:28:00 GMT", "99999999999999999999", "18446744074"]
        {
            assert_eq!(seconds(text), None, "{text}");
        }
        assert_eq!(milliseconds("1250.5"), Some(Duration::from_micros(1_250_500)));
    }

    #[test]
    fn durations_of_go_and_protobuf() {
        for (text, nanos) in [
            ("1s", 1_000_000_000),
            ("6m0s", 360_000_000_000),
            ("250ms", 250_000_000),
            ("1h2m3.5s", 3_723_500_000_000),
            ("38s", 38_000_000_000),
            ("45.837906927s", 45_837_906_927),
            ("0.5\u{b5}s", 500),
            ("1.5ns", 2),
            ("0s", 0),
        ] {
            assert_eq!(units(text), Some(Duration::from_nanos(nanos)), "{text}");
        }
        for text in ["", "s", "1", "1x", "-1s", "1s2", "1.2.3s", "9999999999h", "1 s"] {
            assert_eq!(units(text), None, "{text}");
        }
    }

    #[test]
    fn messages() {
        for (text, ms) in [
            ("Rate limit reached for x. Please try again in 1.2s.", Some(1_200)),
            ("Please try again in 6m0s. Visit https://example.com.", Some(360_000)),
            ("try again in 250ms", Some(250)),
            ("You exceeded your current quota, ... Please retry in 38.5s.", Some(38_500)),
            ("Please try again in a moment.", None),
            ("Please try again in ", None),
            ("Please try again later.", None),
        ] {
            assert_eq!(words(text), ms.map(Duration::from_millis), "{text}");
        }
    }
}
