//! Money is integer nano-dollars. A float would lose the cent that the budget promises to hold.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

const NANOS_PER_USD: u64 = 1_000_000_000;
const DECIMALS: usize = 9;

/// An amount of US dollars in units of 10⁻⁹ dollars, never negative.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NanoUsd(pub u64);

impl NanoUsd {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// The sum, or `None` where it does not fit (above 18 billion dollars).
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The sum; saturates at the largest amount.
    #[must_use]
    pub fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// What is left of this amount without `other`; zero where that is more.
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// In dollars, for gauges and JSON: exact to the nano-dollar below nine million dollars.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "exact below nine million dollars")]
    pub fn dollars(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// As the signed integer behind ClickHouse's `Decimal(18, 9)`; saturates at its largest value.
    #[must_use]
    pub fn decimal(self) -> i64 {
        i64::try_from(self.0).unwrap_or(i64::MAX)
    }
}

impl fmt::Display for NanoUsd {
    /// Dollars with at least two decimals and no trailing zeros beyond them: `0.30`, `0.000125`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fraction = format!("{:09}", self.0 % NANOS_PER_USD);
        let kept = fraction.trim_end_matches('0').len().max(2);
        write!(f, "{}.{}", self.0 / NANOS_PER_USD, &fraction[..kept])
    }
}

impl Serialize for NanoUsd {
    /// As a signed number, because Avro has no unsigned 64-bit one.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let nanos = i64::try_from(self.0).map_err(|_| ser::Error::custom("an amount above 9.2 billion dollars"))?;
        serializer.serialize_i64(nanos)
    }
}

impl<'de> Deserialize<'de> for NanoUsd {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let nanos = i64::deserialize(deserializer)?;
        u64::try_from(nanos).map(Self).map_err(|_| de::Error::custom("an amount of money below zero"))
    }
}

/// Why a text is no amount of dollars.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an amount of dollars such as 0.30 (at most nine decimals, not negative)")]
pub struct Unreadable(String);

impl FromStr for NanoUsd {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unreadable = || Unreadable(text.to_owned());
        let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || fraction.len() > DECIMALS || !digits(whole) || !digits(fraction) {
            return Err(unreadable());
        }
        let nanos: u64 = format!("{fraction:0<DECIMALS$}").parse().map_err(|_| unreadable())?;
        whole
            .parse::<u64>()
            .ok()
            .and_then(|dollars| dollars.checked_mul(NANOS_PER_USD)?.checked_add(nanos))
            .map(Self)
            .ok_or_else(unreadable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_dollars_exactly() {
        for (text, nanos, shown) in [
            ("0.30", 300_000_000, "0.30"),
            ("0.3", 300_000_000, "0.30"),
            ("12", 12_000_000_000, "12.00"),
            ("0.000000001", 1, "0.000000001"),
            ("0.000125", 125_000, "0.000125"),
        ] {
            let amount: NanoUsd = text.parse().unwrap();
            assert_eq!((amount.0, amount.to_string().as_str()), (nanos, shown));
        }
        for text in ["", "-1", "1e3", ".5", "0.1234567891", "99999999999999999999", "$1"] {
            assert!(text.parse::<NanoUsd>().is_err(), "{text:?} was taken");
        }
    }
}
