//! How durations and byte sizes are written: `5s`, `200ms`, `1h 30m`, `8 MiB`.

use std::fmt;
use std::time::Duration;

/// The longest duration that a setting takes: about ten years, so that sums with the time of day cannot overflow.
const DURATION_MAX: Duration = Duration::from_hours(24 * 3660);

const DURATION_UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

const BYTE_UNITS: [(&str, u64); 8] = [
    ("", 1),
    ("B", 1),
    ("kB", 1000),
    ("KiB", 1 << 10),
    ("MB", 1_000_000),
    ("MiB", 1 << 20),
    ("GB", 1_000_000_000),
    ("GiB", 1 << 30),
];

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

impl Bytes {
    /// So many mebibytes.
    #[must_use]
    pub const fn mebi(count: u64) -> Self {
        Self(count << 20)
    }

    /// As an amount of memory; saturates where that is smaller than 64 bits.
    #[must_use]
    pub fn in_memory(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let (number, unit) = split_number(text.trim())?;
        let (_, factor) = BYTE_UNITS.iter().find(|(name, _)| *name == unit.trim())?;
        number.checked_mul(*factor).map(Self)
    }
}

impl fmt::Display for Bytes {
    /// In the largest binary unit that shows it exactly.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, factor) in [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] {
            if self.0 >= factor && self.0.is_multiple_of(factor) {
                return write!(f, "{} {unit}", self.0 / factor);
            }
        }
        write!(f, "{} B", self.0)
    }
}

/// The sum of its parts (`1h 30m`), at most ten years.
pub(super) fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total_ms = 0_u64;
    loop {
        let (number, after) = split_number(rest)?;
        let after = after.trim_start();
        let end = after.find(|letter: char| !letter.is_ascii_lowercase()).unwrap_or(after.len());
        let (_, factor) = DURATION_UNITS.iter().find(|(name, _)| *name == &after[..end])?;
        total_ms = total_ms.checked_add(number.checked_mul(*factor)?)?;
        rest = after[end..].trim_start();
        if rest.is_empty() {
            let total = Duration::from_millis(total_ms);
            return (total <= DURATION_MAX).then_some(total);
        }
    }
}

/// In the largest unit up to hours that shows it exactly.
pub(super) fn show_duration(duration: Duration) -> String {
    let ms = duration.as_millis();
    for (unit, factor) in [("h", 3_600_000), ("m", 60_000), ("s", 1000)] {
        if ms >= factor && ms.is_multiple_of(factor) {
            return format!("{}{unit}", ms / factor);
        }
    }
    format!("{ms}ms")
}

fn split_number(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, ms, shown) in [
            ("5s", 5000, "5s"),
            ("200ms", 200, "200ms"),
            ("15m", 900_000, "15m"),
            ("24h", 86_400_000, "24h"),
            ("1h 30m", 5_400_000, "90m"),
            ("1d", 86_400_000, "24h"),
            ("0s", 0, "0ms"),
        ] {
            let read = parse_duration(text).unwrap();
            assert_eq!((read.as_millis(), show_duration(read).as_str()), (ms, shown));
        }
        for text in ["", "5", "s", "-5s", "5 sec", "5s!", "99999999999999999999s", "9999999d"] {
            assert_eq!(parse_duration(text), None, "{text:?}");
        }
    }

    #[test]
    fn sizes() {
        for (text, bytes, shown) in [
            ("8 MiB", 8_388_608, "8 MiB"),
            ("1000", 1000, "1000 B"),
            ("1kB", 1000, "1000 B"),
            ("64KiB", 65_536, "64 KiB"),
            ("0", 0, "0 B"),
        ] {
            let read = Bytes::parse(text).unwrap();
            assert_eq!((read.0, read.to_string().as_str()), (bytes, shown));
        }
        for text in ["", "MiB", "-1", "8 megs", "99999999999 GiB", "1.5 MiB"] {
            assert_eq!(Bytes::parse(text), None, "{text:?}");
        }
    }
}
