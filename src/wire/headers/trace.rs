//! W3C Trace Context: the header `traceparent`.
//!
//! `00-<trace id, 32 hex>-<span id, 16 hex>-<flags, 2 hex>`, lower case, neither id all zero
//! (<https://www.w3.org/TR/trace-context/#traceparent-header>). A later version is read as far as version 00 goes and
//! written on as 00; of the flags only `sampled` is passed on, as the recommendation asks of version 00.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::str::FromStr;

use super::Unreadable;

const SAMPLED: u8 = 1;
/// Length of version 00 in bytes; later versions may go on after a hyphen.
const LENGTH: usize = 55;

/// A span of a trace, as it is passed from hop to hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceParent {
    /// The whole trace; not zero.
    pub trace_id: u128,
    /// The span; not zero.
    pub span_id: u64,
    /// Whether the trace is recorded.
    pub sampled: bool,
}

impl TraceParent {
    /// The first span of a new trace.
    #[must_use]
    pub fn root(ids: &mut SpanIds) -> Self {
        Self {
            trace_id: u128::from(ids.next_id()) << 64 | u128::from(ids.next_id()),
            span_id: ids.next_id(),
            sampled: true,
        }
    }

    /// A span inside this one.
    #[must_use]
    pub fn child(&self, ids: &mut SpanIds) -> Self {
        Self { span_id: ids.next_id(), ..*self }
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = u8::from(self.sampled) * SAMPLED;
        write!(f, "00-{:032x}-{:016x}-{flags:02x}", self.trace_id, self.span_id)
    }
}

impl FromStr for TraceParent {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let read = || {
            let (head, tail) = text.split_at_checked(LENGTH)?;
            let mut fields = head.split('-');
            let version = u8::try_from(hex(fields.next()?, 2)?).ok()?;
            let found = Self {
                trace_id: hex(fields.next()?, 32)?,
                span_id: u64::try_from(hex(fields.next()?, 16)?).ok()?,
                sampled: hex(fields.next()?, 2)? & u128::from(SAMPLED) != 0,
            };
            let ends = match version {
                0 => tail.is_empty(),
                0xFF => false,
                _ => tail.is_empty() || tail.starts_with('-'),
            };
            (ends && fields.next().is_none() && found.trace_id != 0 && found.span_id != 0).then_some(found)
        };
        read().ok_or(Unreadable("00-<32 hex>-<16 hex>-<2 hex>"))
    }
}

/// Exactly `digits` lower-case hexadecimal digits.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let plain = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() != digits || !text.bytes().all(plain) {
        return None;
    }
    u128::from_str_radix(text, 16).ok()
}

/// Where ids come from: `SplitMix64` (Steele, Lea, Flood 2014), which is fast, spreads any seed well and does not repeat
/// before 2^64 numbers. Ids need to differ, not to be secret.
#[derive(Debug, Clone)]
pub struct SpanIds(u64);

impl SpanIds {
    /// Ids that are the same for the same seed.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// Ids that differ from process to process, seeded by the operating system's randomness.
    #[must_use]
    pub fn random() -> Self {
        Self(RandomState::new().build_hasher().finish())
    }

    /// The next id; never zero.
    pub fn next_id(&mut self) -> u64 {
        loop {
            self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut id = self.0;
            id = (id ^ (id >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            id = (id ^ (id >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            id ^= id >> 31;
            if id != 0 {
                return id;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_goes_on_with_a_new_span() {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let parent: TraceParent = text.parse().unwrap();
        assert_eq!(parent.to_string(), text);
        let child = parent.child(&mut SpanIds::seeded(7));
        assert_eq!(child, parent.child(&mut SpanIds::seeded(7)));
        assert_eq!((child.trace_id, child.sampled), (parent.trace_id, true));
        assert_ne!(child.span_id, parent.span_id);
        let root = TraceParent::root(&mut SpanIds::random());
        assert_eq!(root.to_string().parse(), Ok(root));
    }

    #[test]
    fn seeds_give_the_published_sequence() {
        // The first numbers of SplitMix64 for seed 1234567, as the reference implementation prints them.
        let mut ids = SpanIds::seeded(1_234_567);
        let found: Vec<u64> = (0..3).map(|_| ids.next_id()).collect();
        assert_eq!(found, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn only_the_form_of_the_recommendation_is_read() {
        let good = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7";
        for text in [
            format!("01-{good}-01"),
            format!("cc-{good}-09-what-comes-later"),
            format!("00-{good}-00"),
            format!("00-{good}-ff"),
        ] {
            let read: TraceParent = text.parse().unwrap();
            assert_eq!(read.sampled, !text.ends_with("-00"), "{text}");
            assert!(read.to_string().starts_with("00-"));
        }
        for text in [
            String::new(),
            format!("00-{good}"),
            format!("00-{good}-01-"),
            format!("00-{good}-01-more"),
            format!("01-{good}-01more"),
            format!("ff-{good}-01"),
            format!("0-{good}-011"),
            format!("00-{}-01", good.to_uppercase()),
            format!("00-{}-01", good.replace('4', "+")),
            format!("00-{}-01", good.replace('-', "_")),
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01".into(),
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01".into(),
            "ü".repeat(40),
        ] {
            assert!(text.parse::<TraceParent>().is_err(), "{text}");
        }
    }
}
