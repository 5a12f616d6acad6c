//! Numbers as candle files write them, correctly rounded: `47482.36`, `-1e3`, `60_000`.
//!
//! # Why not `str::parse` alone
//! Most of a candle file is decimal numbers of up to 16 digits. Where the digits fit 53 bits and the power of ten is at
//! most 22, both are exact as `f64`, and one division rounds correctly (Clinger, "How to Read Floating Point Numbers
//! Accurately", PLDI 1990). That is several times faster, and everything else goes to `str::parse`.

/// The longest number that is looked at, in bytes: the exact decimal form of no price is longer.
const DIGITS_MAX: usize = 400;
/// Digits that fit 64 bits whatever they are.
const MANTISSA_DIGITS: u32 = 19;
/// Integers up to here are exact as `f64`.
const EXACT_MAX: u64 = 1 << 53;
/// Powers of ten that are exact as `f64`.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// The number at the beginning of `bytes` and its length; `None` where there is none. What is too large is infinite.
pub(super) fn scan(bytes: &[u8]) -> Option<(f64, usize)> {
    let sign = usize::from(matches!(bytes.first(), Some(b'-' | b'+')));
    let (mut mantissa, mut digits, mut decimals, mut at) = (0_u64, 0_u32, 0_usize, sign);
    let mut point = false;
    while let Some(&byte) = bytes.get(at) {
        let digit = byte.wrapping_sub(b'0');
        if digit < 10 {
            mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
            digits += 1;
            decimals += usize::from(point);
        } else if byte == b'.' && !point {
            point = true;
        } else {
            break;
        }
        at += 1;
    }
    if digits == 0 {
        return None;
    }
    let goes_on = matches!(bytes.get(at), Some(b'e' | b'E' | b'_' | b'.'));
    if goes_on || digits > MANTISSA_DIGITS || mantissa > EXACT_MAX || decimals >= POWERS.len() {
        return slow(bytes, at);
    }
    #[expect(clippy::cast_precision_loss, reason = "at most EXACT_MAX")]
    let number = mantissa as f64 / POWERS[decimals];
    Some((if bytes[0] == b'-' { -number } else { number }, at))
}

/// What [`scan`] does, for any number; `at` is the end of its plain digits.
fn slow(bytes: &[u8], mut at: usize) -> Option<(f64, usize)> {
    while let Some(&byte) = bytes.get(at) {
        let is_sign_of_exponent = matches!(byte, b'+' | b'-') && matches!(bytes[at - 1], b'e' | b'E');
        if !(is_sign_of_exponent || byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'_')) {
            break;
        }
        at += 1;
    }
    if at > DIGITS_MAX {
        return None;
    }
    let text = std::str::from_utf8(&bytes[..at]).ok()?;
    let number = if text.contains('_') { text.replace('_', "").parse() } else { text.parse() };
    Some((number.ok()?, at))
}

/// The number that `text` is, blanks around it aside; `NaN` for everything else.
pub(super) fn parse(text: &[u8]) -> f64 {
    let text = text.trim_ascii();
    match scan(text) {
        Some((number, length)) if length == text.len() => number,
        _ => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_exactly_or_not_at_all() {
        for (text, expected) in [
            ("0", 0.0),
            ("-0.5", -0.5),
            (" 47482.36\n", 47482.36),
            ("+7", 7.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("60_000", 60_000.0),
            ("1.7951688e9", 1_795_168_800.0),
            ("1E-7", 1e-7),
            ("0.00000000000000000000000000012", 1.2e-28),
            ("14399.999999999998", 14_399.999_999_999_998),
            ("53.554932879999996", 53.554_932_879_999_996),
            ("1e400", f64::INFINITY),
            ("18446744073709551616", 18_446_744_073_709_551_616.0),
        ] {
            assert_eq!(parse(text.as_bytes()).to_bits(), f64::to_bits(expected), "{text:?}");
        }
        let long = "1".repeat(DIGITS_MAX + 1);
        for text in ["", "-", ".", "e5", "1e", "1.2.3", "0x10", "1,5", "nan", "NaN", "inf", "1 2", "--1", &long] {
            assert!(parse(text.as_bytes()).is_nan(), "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_number_reads_back(number in proptest::num::f64::NORMAL, digits in 0_usize..20) {
            let rounded = format!("{:.digits$}", number.abs() % 1e9);
            for text in [format!("{number:e}"), number.to_string(), rounded] {
                let expected = if text.len() > DIGITS_MAX { f64::NAN } else { text.parse().unwrap() };
                proptest::prop_assert_eq!(parse(text.as_bytes()).to_bits(), expected.to_bits(), "{}", text);
            }
        }
    }
}
