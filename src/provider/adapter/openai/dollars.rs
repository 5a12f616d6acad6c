//! Dollars as JSON writes numbers, to nano-dollars: exact, and rounded up where there is more to it.

use crate::model::NanoUsd;

/// Nano-dollars in a dollar, as a power of ten.
const NANO_DIGITS: i32 = 9;
/// Digits of a number at most, so that it fits 128 bits. Floats are written with 17.
const DIGITS_MAX: usize = 30;

/// The text of a JSON number, such as `0.00014` or `1.4e-05`; `None` below zero or above 18 billion dollars.
pub(super) fn at_least(number: &str) -> Option<NanoUsd> {
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if whole.is_empty() || digits.len() > DIGITS_MAX || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let value: u128 = digits.parse().ok()?;
    let fraction_digits = i32::try_from(fraction.len()).ok()?;
    let shift = exponent.parse::<i32>().ok()?.checked_add(NANO_DIGITS - fraction_digits)?;
    let power = shift.unsigned_abs();
    let nanos = match (10_u128.checked_pow(power), shift >= 0) {
        _ if value == 0 => 0,
        (Some(factor), true) => value.checked_mul(factor)?,
        (Some(divisor), false) => value.div_ceil(divisor),
        (None, true) => return None,
        // Smaller than any part of a nano-dollar.
        (None, false) => 1,
    };
    u64::try_from(nanos).ok().map(NanoUsd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_json() {
        for (text, nanos) in [
            ("0", 0),
            ("0.0", 0),
            ("0.30", 300_000_000),
            ("0.1", 100_000_000),
            ("1", 1_000_000_000),
            ("0.00014", 140_000),
            ("1.4e-05", 14_000),
            ("1.4E-5", 14_000),
            ("2.5e+1", 25_000_000_000),
            ("0.0000000001", 1),
            ("0.12345678901", 123_456_790),
            ("0.30000000000000004", 300_000_001),
            ("4.9e-324", 1),
            ("0e999", 0),
        ] {
            assert_eq!(at_least(text), Some(NanoUsd(nanos)), "{text}");
        }
        for text in
            ["", "-0.1", "\"0.1\"", "null", "1e20", "1e999", "1e99999999999", "0x1", "1234567890123456789012345678901"]
        {
            assert_eq!(at_least(text), None, "{text}");
        }
    }
}
