//! What a body needs, found in one look at its bytes.
//!
//! Most records are plain prose; every later step is skipped when nothing it would change is there. The
//! look costs about one cycle a byte: a table maps a byte to the steps that care about it, and the
//! answers are or-ed together, so there is no branch to mispredict.
//!
//! Invariant: a byte without its bit never changes what the step of that bit would do.

use memchr::memmem;

/// `<`: there may be tags.
const TAG: u8 = 1;
/// `&`: there may be character references.
const REFERENCE: u8 = 2;
/// One of ``* _ ` [ \ ~``: there may be inline markdown.
const MARK: u8 = 4;
/// A byte of a non-ASCII character, a control character other than the line feed, or DEL.
const ODD: u8 = 8;
/// `:`: there may be an address.
const COLON: u8 = 16;

/// Steps by byte.
static CLASS: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0_u8; 256];
    let mut byte = 0;
    while byte < 256 {
        if byte < 0x20 || byte >= 0x7f {
            table[byte] = ODD;
        }
        byte += 1;
    }
    table[b'\n' as usize] = 0;
    table[b'<' as usize] = TAG;
    table[b'&' as usize] = REFERENCE;
    table[b':' as usize] = COLON;
    let marks = b"*_`[\\~";
    let mut at = 0;
    while at < marks.len() {
        table[marks[at] as usize] = MARK;
        at += 1;
    }
    table
}

/// The steps a text needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs(u8);

impl Needs {
    /// Looks at every byte of `text` once.
    pub fn of(text: &str) -> Self {
        let mut lanes = [0_u8; 4];
        let mut quads = text.as_bytes().chunks_exact(4);
        for quad in &mut quads {
            for (lane, byte) in lanes.iter_mut().zip(quad) {
                *lane |= CLASS[usize::from(*byte)];
            }
        }
        let rest = quads.remainder().iter().fold(0, |bits, byte| bits | CLASS[usize::from(*byte)]);
        Self(lanes.iter().fold(rest, |bits, lane| bits | lane))
    }

    /// Tags or character references may be there.
    pub const fn html(self) -> bool {
        self.0 & (TAG | REFERENCE) != 0
    }

    /// Characters may be there that have to be removed, replaced or composed.
    pub const fn unicode(self) -> bool {
        self.0 & ODD != 0
    }

    /// Inline markdown may be there.
    pub const fn marks(self) -> bool {
        self.0 & MARK != 0
    }

    /// An address may be there; `text` is what was looked at.
    pub fn addresses(self, text: &str) -> bool {
        (self.0 & COLON != 0 && memmem::find(text.as_bytes(), b"://").is_some())
            || memmem::find(text.as_bytes(), b"www.").is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_prose_needs_nothing() {
        let needs = Needs::of("Bitcoin rose 4% on Monday.\nTraders cheered.");
        assert!(!needs.html() && !needs.unicode() && !needs.marks());
    }

    #[test]
    fn each_step_is_asked_for_by_its_bytes() {
        assert!(Needs::of("x <p> y").html());
        assert!(Needs::of("AT&amp;T").html());
        assert!(Needs::of("a **b** c").marks());
        assert!(Needs::of("caf\u{e9}").unicode());
        assert!(Needs::of("tab\there").unicode());
        let text = "see https://x.org now";
        assert!(Needs::of(text).addresses(text));
    }
}
