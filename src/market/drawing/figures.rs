//! Numbers as a chart writes them: prices with as many places as their axis needs, volumes in thousands and millions.
//!
//! A minus is a true minus (U+2212). What has more than [`PLACES_MAX`] places or is beyond [`PLAIN_BELOW`] is written in
//! powers of ten.

/// Decimal places at most before a number is written in powers of ten.
const PLACES_MAX: i32 = 10;
/// The first number that is too long to be written out.
const PLAIN_BELOW: f64 = 1e9;
/// Digits of a price that is not on an axis.
const DIGITS: i32 = 6;

/// The power of ten of a number's first digit; 0 for 0.
pub(super) fn magnitude(value: f64) -> i32 {
    let power = value.abs().log10().floor();
    if power.is_finite() { whole(power) } else { 0 }
}

#[expect(clippy::cast_possible_truncation, reason = "a power of ten of an f64 lies within 400 of 0")]
fn whole(value: f64) -> i32 {
    value as i32
}

/// A number of places or digits, none below 0.
fn count(value: i32) -> usize {
    usize::try_from(value).unwrap_or(0)
}

/// A price on an axis whose marks are `step` apart.
pub(super) fn on_axis(value: f64, step: f64) -> String {
    written(value, -magnitude(step), magnitude(value) - magnitude(step))
}

/// A price by itself, beside an axis whose marks are `step` apart: one digit finer than the axis, six at least.
pub(super) fn price(value: f64, step: f64) -> String {
    let digits = DIGITS - 1 - magnitude(value);
    written(value, digits.max(1 - magnitude(step)), (magnitude(value) - magnitude(step) + 1).max(DIGITS - 1))
}

fn written(value: f64, places: i32, digits: i32) -> String {
    let value = if value == 0.0 { 0.0 } else { value };
    if value.abs() >= PLAIN_BELOW || (places > PLACES_MAX && value != 0.0) {
        return minus(&format!("{value:.*e}", count(digits.min(PLACES_MAX))));
    }
    let places = if places > PLACES_MAX { 0 } else { count(places) };
    grouped(&format!("{value:.places$}"))
}

/// A volume: three digits and a letter.
pub(super) fn volume(value: f64) -> String {
    let (unit, letter) = match value.abs() {
        small if small < 1e3 => (1.0, ""),
        small if small < 1e6 => (1e3, "K"),
        small if small < 1e9 => (1e6, "M"),
        small if small < 1e12 => (1e9, "B"),
        small if small < 1e15 => (1e12, "T"),
        _ => return minus(&format!("{value:.2e}")),
    };
    let shown = value / unit;
    if shown != 0.0 && shown.abs() < 1e-3 {
        return minus(&format!("{shown:.2e}"));
    }
    let text = format!("{shown:.*}", count(2 - magnitude(shown)));
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    minus(&format!("{text}{letter}"))
}

/// A change as a share, in percent and with its sign; `None` where it is beyond what a chart tells.
pub(super) fn change(share: f64) -> Option<String> {
    let percent = share * 100.0;
    match percent.abs() {
        size if !size.is_finite() || size >= 1e7 => None,
        size if size < 0.005 => Some("0.00%".to_owned()),
        _ if percent > 0.0 => Some(format!("+{}%", grouped(&format!("{percent:.2}")))),
        _ => Some(format!("{}%", grouped(&format!("{percent:.2}")))),
    }
}

/// With a comma between thousands.
pub(super) fn grouped(number: &str) -> String {
    let (sign, number) = number.strip_prefix('-').map_or(("", number), |rest| ("−", rest));
    let (whole, rest) = number.split_once('.').map_or((number, None), |(whole, rest)| (whole, Some(rest)));
    let mut text = String::from(sign);
    for (at, digit) in whole.char_indices() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if let Some(rest) = rest {
        text.push('.');
        text.push_str(rest);
    }
    text
}

fn minus(text: &str) -> String {
    text.replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_have_the_places_that_their_axis_needs() {
        assert_eq!(on_axis(64_000.0, 500.0), "64,000");
        assert_eq!(on_axis(0.1, 0.05), "0.10");
        assert_eq!(on_axis(-1_000_000.0, 250_000.0), "−1,000,000");
        assert_eq!(on_axis(1.25e-9, 5e-11), "1.25e−9");
        assert_eq!(on_axis(0.0, 5e-11), "0");
        assert_eq!(price(64_231.456, 500.0), "64,231.5");
        assert_eq!(price(0.123_456_78, 0.05), "0.123457");
        assert_eq!(price(1_000_000.0, 0.5), "1,000,000.00");
        assert_eq!(price(1.234_567_8e-9, 5e-11), "1.23457e−9");
        assert_eq!(price(f64::MIN_POSITIVE, 1e-31), "2.22507e−308");
    }

    #[test]
    fn volumes_and_changes_are_short() {
        for (value, text) in [
            (0.0, "0"),
            (0.5, "0.5"),
            (12.0, "12"),
            (999.4, "999"),
            (1_234.0, "1.23K"),
            (45_600_000.0, "45.6M"),
            (1e18, "1.00e18"),
            (1e-9, "1.00e−9"),
            (-1_500.0, "−1.5K"),
        ] {
            assert_eq!(volume(value), text);
        }
        assert_eq!(change(0.0321).as_deref(), Some("+3.21%"));
        assert_eq!(change(-0.5).as_deref(), Some("−50.00%"));
        assert_eq!(change(-1e-9).as_deref(), Some("0.00%"));
        assert_eq!(change(f64::NAN), None);
    }
}
