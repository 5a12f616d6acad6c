//! Characters: invisible ones out, spaces and line ends of one kind, Unicode NFC.
//!
//! Removed: C0 and C1 controls, soft hyphens, zero-width characters and joiners, bidirectional marks and overrides,
//! variation selectors, interlinear marks, noncharacters and the tag block — all of them invisible, all
//! of them used to hide text from a reader or to make two equal texts differ.
//! Replaced: every space of Unicode and the tab by a space, every line end (CR, CRLF, VT, FF, NEL, LS, PS) by a line feed.
//!
//! Invariants: linear; the output holds no control character but the line feed and is in NFC.
//! NFC comes from `icu_normalizer`, which `url` brings along anyway.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;

/// What becomes of one character.
#[derive(PartialEq, Eq)]
enum Fate {
    Keep,
    /// Kept, but NFC has to look at it.
    Compose,
    Remove,
    Space,
    Line,
}

/// Sorts a character; the most frequent ones first.
fn fate(c: char) -> Fate {
    match c {
        // Beyond ASCII: Latin up to U+02FF, dashes and quotes, currency signs, kana, CJK, Hangul syllables:
        // NFC_Quick_Check=Yes, combining class 0, and never the second half of a composition.
        '\n'
        | ' '..='~'
        | '\u{a1}'..='\u{ac}'
        | '\u{ae}'..='\u{2ff}'
        | '\u{2010}'..='\u{2027}'
        | '\u{20a0}'..='\u{20cf}'
        | '\u{3041}'..='\u{3096}'
        | '\u{30a0}'..='\u{30ff}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{3001}'..='\u{3029}' => Fate::Keep,
        '\t' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => Fate::Space,
        '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Fate::Line,
        '\0'..='\u{1f}'
        | '\u{7f}'..='\u{9f}'
        | '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{fdd0}'..='\u{fdef}'
        | '\u{fffe}'
        | '\u{ffff}'
        | '\u{e0000}'..='\u{e0fff}' => Fate::Remove,
        _ => Fate::Compose,
    }
}

/// Cleans the characters of `text`; borrowed when nothing had to change.
pub fn clean(text: &str) -> Cow<'_, str> {
    let mut compose = false;
    let Some(first) = first_change(text, &mut compose) else {
        return if compose { normalize(text) } else { Cow::Borrowed(text) };
    };
    let mut out = String::with_capacity(text.len());
    out.push_str(&text[..first]);
    let mut kept = first;
    let mut after_return = false;
    for (at, c) in text[first..].char_indices().map(|(at, c)| (at + first, c)) {
        let fate = fate(c);
        // CRLF is one line end.
        let skip = after_return && c == '\n';
        after_return = c == '\r';
        match fate {
            Fate::Keep | Fate::Compose if !skip => {
                compose |= fate == Fate::Compose;
                continue;
            }
            _ => {}
        }
        out.push_str(&text[kept..at]);
        kept = at + c.len_utf8();
        match fate {
            Fate::Space => out.push(' '),
            Fate::Line => out.push('\n'),
            _ => {}
        }
    }
    out.push_str(&text[kept..]);
    if !compose {
        return Cow::Owned(out);
    }
    match normalize(&out) {
        Cow::Owned(composed) => Cow::Owned(composed),
        Cow::Borrowed(_) => Cow::Owned(out),
    }
}

fn normalize(text: &str) -> Cow<'_, str> {
    ComposingNormalizerBorrowed::new_nfc().normalize(text)
}

/// Where the first character stands that is not kept. Skips ASCII eight bytes at a time.
fn first_change(text: &str, compose: &mut bool) -> Option<usize> {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    const LOW: u64 = 0x2020_2020_2020_2020;
    const ONE: u64 = 0x0101_0101_0101_0101;
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if let Some(word) = bytes[at..].first_chunk::<8>() {
            let word = u64::from_ne_bytes(*word);
            // A byte of 0x20..=0x7e keeps its high bit clear through both; a carry only adds false alarms.
            if (word | word.wrapping_sub(LOW) | word.wrapping_add(ONE)) & HIGH == 0 {
                at += 8;
                continue;
            }
        }
        for _ in 0..8 {
            let c = text[at..].chars().next()?;
            match fate(c) {
                Fate::Keep => {}
                Fate::Compose => *compose = true,
                _ => return Some(at),
            }
            at += c.len_utf8();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invisible_characters_go_and_spaces_become_one_kind() {
        for (dirty, clean_text) in [
            ("Bit\u{200b}coin\u{feff} \u{202e}up\u{202c}", "Bitcoin up"),
            ("a\u{a0}b\tc\u{2003}d\u{3000}e", "a b c d e"),
            ("one\r\ntwo\rthree\u{2028}four\r\r\nfive", "one\ntwo\nthree\nfour\n\nfive"),
            ("nul\0 bell\u{7} esc\u{1b} del\u{7f} c1\u{9b}.", "nul bell esc del c1."),
            ("soft\u{ad}hyphen \u{e0041}tag", "softhyphen tag"),
            ("cafe\u{301} \u{212b}", "caf\u{e9} \u{c5}"),
        ] {
            assert_eq!(clean(dirty), clean_text, "{dirty:?}");
        }
    }

    #[test]
    fn clean_text_is_borrowed() {
        for text in ["", "plain ascii of some length.", "“quotes” — and 日本語 テスト 한국어 €5"] {
            assert!(matches!(clean(text), Cow::Borrowed(_)), "{text}");
        }
    }

    #[test]
    fn the_kept_ranges_are_nfc_and_compose_with_nothing() {
        let nfc = ComposingNormalizerBorrowed::new_nfc();
        for c in '\0'..=char::MAX {
            if fate(c) == Fate::Keep {
                assert!(nfc.is_normalized(c.encode_utf8(&mut [0; 4])), "{c:?}");
                assert!(nfc.is_normalized(&format!("a{c}")), "{c:?} composes");
            }
        }
    }
}
