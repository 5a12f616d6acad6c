//! Text of strangers on its way into a question, and of a model on its way to readers.
//!
//! Whatever a text says, it cannot end the part of the question that it stands in: nothing of it can be a marker, or a
//! control word of a model (`<|im_start|>`, `<start_of_turn>`). And what a model answers is shown without letters that
//! change how the text around them is seen.
//!
//! Units: characters of Unicode.

/// How far back a cut looks for the end of a word.
const WORD_CHARS_MAX: usize = 100;
/// Bytes that are looked at together.
const BLOCK: usize = 32;

/// The text without control characters but the line feed, and without anything that could be part of a marker.
#[must_use]
pub fn harmless(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    // Most of a text is plain, and goes over in runs.
    while let Some(at) = odd(rest.as_bytes()) {
        let (plain, odd) = rest.split_at(at);
        kept.push_str(plain);
        let mut letters = odd.chars();
        kept.extend(letters.next().and_then(made_harmless));
        rest = letters.as_str();
    }
    kept.push_str(rest);
    kept
}

/// Where the first byte stands that is not plain. Blocks without one are told by a look that has no branch for each byte.
fn odd(text: &[u8]) -> Option<usize> {
    let all_plain = |block: &[u8; BLOCK]| block.iter().fold(true, |plain, byte| plain & is_plain(*byte));
    let plain = text.as_chunks().0.iter().take_while(|block| all_plain(block)).count() * BLOCK;
    text[plain..].iter().position(|byte| !is_plain(*byte)).map(|at| plain + at)
}

/// Whether a byte is a letter that stays as it is.
const fn is_plain(byte: u8) -> bool {
    matches!(byte, b'\n' | b' '..=b';' | b'=' | b'?'..=b'~')
}

fn made_harmless(letter: char) -> Option<char> {
    match letter {
        // Full-width and small forms, CJK and mathematical brackets, ornaments, guillemets, modifiers, much-less-than.
        '<' | '\u{ff1c}' | '\u{fe64}' | '\u{3008}' | '\u{300a}' | '\u{27e8}' | '\u{27ea}' | '\u{2329}' | '\u{276e}'
        | '\u{2770}' | '\u{ab}' | '\u{2c2}' | '\u{226a}' | '\u{22d8}' => Some('‹'),
        '>' | '\u{ff1e}' | '\u{fe65}' | '\u{3009}' | '\u{300b}' | '\u{27e9}' | '\u{27eb}' | '\u{232a}' | '\u{276f}'
        | '\u{2771}' | '\u{bb}' | '\u{2c3}' | '\u{226b}' | '\u{22d9}' => Some('›'),
        '\n' => Some('\n'),
        other => (!other.is_control()).then_some(other),
    }
}

/// The beginning of a text, to the end of a word where one is near, and whether there was more.
#[must_use]
pub fn cut(text: &str, chars_max: usize) -> (&str, bool) {
    // No text has more letters than bytes.
    let more = (text.len() > chars_max).then(|| text.char_indices().nth(chars_max)).flatten();
    let Some((end, _)) = more else {
        return (text, false);
    };
    let near = text[..end].char_indices().rev().take(WORD_CHARS_MAX).find(|(_, letter)| letter.is_whitespace());
    (text[..near.map_or(end, |(at, _)| at)].trim_end(), true)
}

/// The property `name` of an answer as it is shown: on one line, and without what nobody sees.
///
/// # Errors
/// There is nothing to see in it, or more than `chars_max`; the complaint quotes nothing of it.
pub fn shown(name: &str, text: &str, chars_max: usize) -> Result<String, String> {
    let visible = text.chars().filter(|letter| !is_invisible(*letter) || letter.is_whitespace());
    let text: String = visible.map(|letter| if letter.is_whitespace() { ' ' } else { letter }).collect();
    let text = text.trim();
    match text.chars().count() {
        0 => Err(format!("{name} has an empty text")),
        count if count > chars_max => Err(format!("{name} has a text of {count} characters, at most {chars_max}")),
        _ => Ok(text.to_owned()),
    }
}

/// Controls, and what changes how the text around it is shown without being seen.
fn is_invisible(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(letter, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}
