//! How far back an analysis looks, as people write it: `90m`, `12h`, `7d`, `2w`.

use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// Longer is a mistake: no market of ours is as old.
const SECONDS_MAX: u64 = 20 * 366 * DAY;

/// The time that `text` says: a whole number and `m`, `h`, `d` or `w`, in either case; `None` for anything else, for
/// nothing, and for more than 20 years.
#[must_use]
pub fn timeframe(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "m" => MINUTE,
        "h" => HOUR,
        "d" => DAY,
        "w" => 7 * DAY,
        _ => return None,
    };
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = is_number.then(|| digits.parse().ok()).flatten()?;
    let seconds = number.checked_mul(unit)?;
    (1..=SECONDS_MAX).contains(&seconds).then(|| Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeframes_are_read_as_people_write_them() {
        for (text, seconds) in [("90m", 5_400), ("12h", 43_200), (" 7D ", 604_800), ("2w", 1_209_600)] {
            assert_eq!(timeframe(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in
            ["", "7", "d", "0d", "-7d", "+7d", "1.5h", "7 d", "7days", "ſ", "1é", "99999999999999999999d", "9999w"]
        {
            assert_eq!(timeframe(text), None, "{text}");
        }
    }
}
