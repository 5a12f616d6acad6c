//! Article text as it arrives to text an analyzer can read: the first thing that happens to every record.
//!
//! ```text
//! body ─► html ─► unicode ─► lines (markdown, addresses, chrome) ─► text ─► language, content_hash, sketch
//! ```
//!
//! # Why in rounds
//! Decoding may bring markup to light (`&lt;script&gt;`, a tag broken by an invisible character), so a body that held markup is cleaned
//! again until nothing changes, at most `ROUNDS_MAX` times; then what still looks like markup loses its angle brackets.
//! Plain prose, the most frequent body, takes one round, and each step of it is skipped when `scan` saw nothing for it.
//!
//! # Invariants
//! * Pure, total, linear in time, memory within a few times the input, no recursion: whatever the bytes.
//! * The text has no control character but the line feed, no empty line, no run of spaces, and is in Unicode NFC.
//! * Cleaning a clean text changes nothing.
//!
//! Units: lengths are bytes unless named chars.

mod chrome;
mod fingerprint;
mod html;
mod language;
mod lines;
mod link;
mod markdown;
mod phrases;
mod reference;
mod scan;
mod tags;
mod unicode;

pub use fingerprint::{DISTANCE_MAX, content_hash, near, sketch};
pub use language::language;
pub use link::clean_url;

use std::borrow::Cow;

use scan::Needs;

/// Rounds over one body. Real ones need two; only hostile ones more.
const ROUNDS_MAX: usize = 4;
/// A longer title is cut, in bytes.
const TITLE_BYTES_MAX: usize = 1_000;

/// An article ready for screening and analysis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clean {
    /// One line.
    pub title: String,
    /// One paragraph a line.
    pub text: String,
    /// Characters (not bytes) of `text`; saturates.
    pub chars: u32,
    /// ISO 639-1, empty when unsure.
    pub language: &'static str,
    /// See [`content_hash`]; of `text`.
    pub content_hash: [u8; 16],
    /// See [`sketch`]; of `text`; 0 when it is too short.
    pub sketch: u128,
}

/// Cleans an article and takes its fingerprints.
#[must_use]
pub fn prepare(title: &str, body: &str) -> Clean {
    let text = clean(body);
    Clean {
        title: clean_title(title),
        chars: u32::try_from(text.chars().count()).unwrap_or(u32::MAX),
        language: language(&text),
        content_hash: content_hash(&text),
        sketch: sketch(&text),
        text,
    }
}

/// HTML, markdown or plain text to plain text, one paragraph a line; see the module for what it promises.
#[must_use]
pub fn clean(body: &str) -> String {
    let (mut text, mut settled) = round(body);
    for _ in 1..ROUNDS_MAX {
        if settled {
            return text;
        }
        let (again, plain) = round(&text);
        settled = plain || again == text;
        text = again;
    }
    if settled {
        return text;
    }
    // Markup inside markup inside markup: nothing a person wrote.
    round(&text.replace(['<', '>', '&', '*', '_', '`', '[', ']', '\\', '~', ':', '#', '|'], " ")).0
}

/// One pass of all steps; whether the text was plain to begin with.
fn round(body: &str) -> (String, bool) {
    let mut needs = Needs::of(body);
    let mut text = Cow::Borrowed(body);
    let html = needs.html();
    if html && let Cow::Owned(plain) = html::to_text(body) {
        needs = Needs::of(&plain);
        text = Cow::Owned(plain);
    }
    if needs.unicode()
        && let Cow::Owned(plain) = unicode::clean(&text)
    {
        needs = Needs::of(&plain);
        text = Cow::Owned(plain);
    }
    let holds = lines::Holds { marks: needs.marks(), addresses: needs.addresses(&text) };
    let settled = !(html || needs.html() || holds.marks || holds.addresses);
    (lines::fold(&text, holds), settled)
}

/// A title on one line, without markup; cut at a word to 1,000 bytes.
#[must_use]
pub fn clean_title(title: &str) -> String {
    // Markup may be longer than what it says, but not without end.
    let title = &title[..title.floor_char_boundary(TITLE_BYTES_MAX * 8)];
    let mut text = title.to_owned();
    for _ in 0..ROUNDS_MAX {
        let plain = unicode::clean(&html::to_text(&text)).into_owned();
        let mut unmarked = String::new();
        markdown::inline(&plain, &mut unmarked);
        let line = unmarked.split_whitespace().collect::<Vec<_>>().join(" ");
        if line == text {
            break;
        }
        text = line;
    }
    if text.len() > TITLE_BYTES_MAX {
        text.truncate(text.floor_char_boundary(TITLE_BYTES_MAX));
        text.truncate(text.rfind(' ').unwrap_or(text.len()));
    }
    text
}

#[cfg(test)]
mod tests;
