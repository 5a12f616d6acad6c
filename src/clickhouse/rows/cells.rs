//! Cells: values as the columns hold them.

use serde::{Serialize, Serializer};

use crate::model::{NanoUsd, Timestamp};

/// 1900-01-01T00:00:00.000Z, the first moment of a `DateTime64`.
const EARLIEST_MS: i64 = -2_208_988_800_000;
/// 2299-12-31T23:59:59.999Z, the last one.
const LATEST_MS: i64 = 10_413_791_999_999;

/// About the bytes of a row's fixed columns, for the bound of a block.
pub(super) const FIXED_BYTES: usize = 200;

/// A `DateTime64(3, 'UTC')`: epoch milliseconds, clamped to the years 1900 to 2299.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Moment(i64);

impl From<Timestamp> for Moment {
    fn from(time: Timestamp) -> Self {
        Self(time.0.clamp(EARLIEST_MS, LATEST_MS))
    }
}

/// A `Decimal(18, 9)`: nano-dollars, clamped to 999,999,999.999999999 dollars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Money(i64);

/// The largest number of 18 digits.
const NANOS_MAX: i64 = 999_999_999_999_999_999;

impl From<NanoUsd> for Money {
    fn from(amount: NanoUsd) -> Self {
        Self(amount.decimal().min(NANOS_MAX))
    }
}

/// A `String` of any bytes, which need not be text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bytes<'a>(pub &'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(self.0)
    }
}

/// Microseconds as the milliseconds of a `duration_ms`; a negative duration is none.
#[expect(clippy::cast_precision_loss, reason = "285 years in microseconds still count exactly")]
pub(super) fn millis(micros: i64) -> f64 {
    micros.max(0) as f64 / 1000.0
}

/// A count as a `UInt32` column holds it.
pub(super) fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_beyond_a_column_are_clamped() {
        assert_eq!(Moment::from(Timestamp(i64::MIN)), Moment(EARLIEST_MS));
        assert_eq!(Moment::from(Timestamp(i64::MAX)), Moment(LATEST_MS));
        assert_eq!(Moment::from(Timestamp(1)), Moment(1));
        assert_eq!(Money::from(NanoUsd(u64::MAX)), Money(NANOS_MAX));
        assert_eq!(Money::from(NanoUsd(300_000_000)), Money(300_000_000));
        assert!((millis(1_500) - 1.5).abs() < f64::EPSILON && millis(-1).abs() < f64::EPSILON);
        assert_eq!(count(usize::MAX), u32::MAX);
    }
}
