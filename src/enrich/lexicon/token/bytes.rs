//! Classes of bytes and the hash of words: the inner loops of the cutter.
//!
//! Invariant: the hash depends on the bytes alone, not on the machine's byte order or word size.

/// Start and multiplier of the word hash: 64-bit golden ratio, as in Fibonacci hashing (Knuth, TAOCP 3, 6.4).
const SEED: u64 = 0x51_7c_c1_b7_27_22_0a_95;
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
/// Sets the bit that tells ASCII small letters from capitals in eight bytes at once; digits have it already, and a
/// byte of a wide character stays one.
const LOWER: u64 = 0x2020_2020_2020_2020;

/// What a byte is to the cutter.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Anything else.
    Space,
    /// ASCII letter or digit.
    Word,
    /// First byte of a character beyond ASCII: a letter, unless it is typographic punctuation.
    Wide,
    /// Straight apostrophe.
    Apostrophe,
    /// `%`, which is a token of its own.
    Percent,
    /// Comma, bracket, colon, semicolon, slash: a border between clauses.
    Break,
    /// Full stop or exclamation mark.
    Stop,
    /// Question mark.
    Question,
    /// Line feed.
    Newline,
    /// Dollar sign, which makes a cashtag.
    Dollar,
}

/// Class of each byte.
pub static CLASS: [Class; 256] = classes();

const fn classes() -> [Class; 256] {
    let mut table = [Class::Space; 256];
    let mut byte = 0_u8;
    loop {
        table[byte as usize] = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => Class::Word,
            b'\'' => Class::Apostrophe,
            b'%' => Class::Percent,
            b',' | b';' | b':' | b'(' | b')' | b'[' | b']' | b'|' => Class::Break,
            b'.' | b'!' => Class::Stop,
            b'?' => Class::Question,
            b'\n' => Class::Newline,
            b'$' => Class::Dollar,
            0x80..=0xff => Class::Wide,
            _ => Class::Space,
        };
        if byte == u8::MAX {
            return table;
        }
        byte += 1;
    }
}

/// Hash of a mark.
pub const fn mark_hash(mark: u8) -> u64 {
    ((SEED ^ (mark as u64)) ^ LOWER & 0xff).wrapping_mul(FACTOR)
}

/// Hash of a word whatever its capitals: eight bytes a step, little-endian on every machine.
#[inline]
pub fn hash(bytes: &[u8], start: usize, end: usize) -> u64 {
    let mut value = SEED;
    let mut at = start;
    while at < end {
        let left = end - at;
        let mut chunk = match bytes.get(at..at + 8).and_then(|eight| eight.try_into().ok()) {
            Some(eight) => u64::from_le_bytes(eight),
            // The last bytes of the text.
            None => bytes[at..end].iter().rev().fold(0, |sum, &byte| sum << 8 | u64::from(byte)),
        };
        let mut lower = LOWER;
        if left < 8 {
            let mask = (1 << (8 * left)) - 1;
            chunk &= mask;
            lower &= mask;
        }
        value = (value ^ (chunk | lower)).wrapping_mul(FACTOR);
        value ^= value >> 29;
        at += 8;
    }
    value
}

/// Kinds of word byte, as bits (0 for all other bytes): a small ASCII letter.
pub const SMALL: u8 = 1;
/// An ASCII capital.
pub const LARGE: u8 = 2;
/// A digit.
pub const DIGIT: u8 = 4;
/// A byte of a character beyond ASCII.
pub const WIDE: u8 = 8;
/// Kind of each byte.
pub static KIND: [u8; 256] = kinds();

const fn kinds() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0_u8;
    loop {
        table[byte as usize] = match byte {
            b'a'..=b'z' => SMALL,
            b'A'..=b'Z' => LARGE,
            b'0'..=b'9' => DIGIT,
            0x80..=0xff => WIDE,
            _ => 0,
        };
        if byte == u8::MAX {
            return table;
        }
        byte += 1;
    }
}
