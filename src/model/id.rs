//! Deterministic names. The same fact always gets the same id, so that a repeated insert changes no answer.

use std::fmt;

use serde::{Deserialize, Serialize};

const BYTES: usize = 16;

/// 128 bits of a BLAKE3 hash, written as 32 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Id(pub String);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The id of the fact that `parts` name. Parts are framed by their length: `["ab", "c"]` and `["a", "bc"]` differ.
#[must_use]
pub fn identity(parts: &[&str]) -> Id {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let mut bytes = [0_u8; BYTES];
    hasher.finalize_xof().fill(&mut bytes);
    Id(blake3_hex(&bytes))
}

fn blake3_hex(bytes: &[u8; BYTES]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(BYTES * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_framed() {
        assert_ne!(identity(&["ab", "c"]), identity(&["a", "bc"]));
        assert_eq!(identity(&["ab", "c"]), identity(&["ab", "c"]));
        assert_eq!(identity(&[]).0.len(), 32);
    }
}
