//! HTML to text, in one pass without a tree.
//!
//! # Why not a library
//! A tokenizer that follows WHATWG has to take every `<y` for a tag and swallow the prose behind it. Article bodies are plain text with
//! stray angle brackets as often as they are HTML, so what counts as a tag has to be ours to say ([`tags`]). Measured on a news body of
//! 4.4 KB, best of 30: this and all later steps 8 µs; html5gum's tokens alone 21 µs, `lol_html`'s text alone 11 µs, html2text 215 µs;
//! tl 6 µs, which keeps scripts and needs a second pass for everything else. Character references come from a library ([`mod@reference`]).
//!
//! # What is done
//! Elements that carry no prose (scripts, styles, navigation, forms, captions …) go with their content; blocks become lines;
//! comments, processing instructions and doctypes go. `&amp;amp;lt;` and the like are decoded in one step.
//! A line feed of the source is a space in a document that has block elements, and stays one where the body
//! is text or markdown with a few inline tags.
//!
//! # Invariants
//! Linear: a search that failed once is not repeated ([`Missing`]); whatever is searched successfully is also consumed.
//! No recursion, no stack of open elements. Memory: the output, never longer than the input and a few bytes.

use std::borrow::Cow;

use memchr::{memchr, memchr2, memmem};

use super::reference;
use super::tags::{self, Tag};

/// The longest element name looked at, in bytes.
const NAME_BYTES_MAX: usize = 64;
/// A tag cut off by the end of the body is dropped up to this length; a longer one is taken for text.
const CUT_TAG_BYTES_MAX: usize = 2_000;

/// Bits of [`Missing::searches`]; those of elements are smaller (a test in [`tags`] holds them to it).
const COMMENT_END: u32 = 1 << 29;
const DOUBLE_QUOTE: u32 = 1 << 30;
const SINGLE_QUOTE: u32 = 1 << 31;

/// What is known not to stand in the rest of the body.
#[derive(Default)]
struct Missing {
    /// Attribute values are no longer believed in: one of them hid the end of its tag.
    values: bool,
    /// One bit for the end tag of each [`Tag::Chrome`] and [`Tag::Raw`], and the three below.
    searches: u32,
}

/// The pass over one body.
struct Pass<'a> {
    text: &'a str,
    out: String,
    missing: Missing,
    /// The body has block elements: its own line feeds mean nothing.
    blocks: bool,
    cdata: bool,
}

/// Turns HTML into text; borrowed when there is neither a tag nor a character reference.
pub fn to_text(text: &str) -> Cow<'_, str> {
    let mut pass =
        Pass { text, out: String::new(), missing: Missing::default(), blocks: tags::have_blocks(text), cdata: false };
    let bytes = text.as_bytes();
    let mut kept = 0;
    let mut at = 0;
    let mut changed = false;
    while let Some(found) = memchr2(b'<', b'&', &bytes[at..]) {
        let here = at + found;
        let found = if bytes[here] == b'<' { pass.markup(here) } else { reference(text, here) };
        let Some(found) = found else {
            at = here + 1;
            continue;
        };
        if !changed {
            changed = true;
            pass.out.reserve(text.len());
        }
        pass.prose(kept, here);
        match found.leaves {
            Leaves::Nothing => {}
            Leaves::Space => pass.out.push(' '),
            Leaves::Line => pass.line(),
            Leaves::Text(decoded) => pass.out.push_str(&decoded),
        }
        kept = found.end;
        at = found.end;
    }
    if !changed {
        return Cow::Borrowed(text);
    }
    pass.prose(kept, text.len());
    Cow::Owned(pass.out)
}

/// A recognised piece of markup: where it ends and what it leaves.
struct Found {
    end: usize,
    leaves: Leaves,
}

/// What a piece of markup leaves in the text.
enum Leaves {
    Nothing,
    Space,
    Line,
    Text(Cow<'static, str>),
}

impl Leaves {
    const fn by(tag: Tag) -> Self {
        match tag {
            Tag::Inline => Self::Nothing,
            Tag::Cell => Self::Space,
            Tag::Block | Tag::Chrome(_) | Tag::Raw(_) => Self::Line,
        }
    }
}

/// A character reference at `at`, if that is one.
fn reference(text: &str, at: usize) -> Option<Found> {
    let (end, decoded) = reference::find(text, at)?;
    let leaves = Leaves::Text(decoded);
    Some(Found { end, leaves })
}

impl Pass<'_> {
    /// Ends the line; blocks leave no empty lines.
    fn line(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push('\n');
        }
    }

    /// Takes over the text between two pieces of markup.
    fn prose(&mut self, from: usize, to: usize) {
        let mut text = &self.text[from..to];
        if self.cdata
            && let Some(end) = memmem::find(text.as_bytes(), b"]]>")
        {
            self.out.push_str(&text[..end]);
            self.cdata = false;
            text = &text[end + 3..];
        }
        if !self.blocks {
            self.out.push_str(text);
            return;
        }
        while let Some(end) = memchr(b'\n', text.as_bytes()) {
            self.out.push_str(&text[..end]);
            text = text[end + 1..].trim_start_matches([' ', '\t', '\r']);
            if text.starts_with('\n') {
                self.line();
                text = text.trim_start_matches([' ', '\t', '\r', '\n']);
            } else if !self.out.ends_with('\n') {
                self.out.push(' ');
            }
        }
        self.out.push_str(text);
    }

    /// A tag, comment or declaration at `at`, if that is one.
    fn markup(&mut self, at: usize) -> Option<Found> {
        let bytes = self.text.as_bytes();
        match bytes.get(at + 1)? {
            b'a'..=b'z' | b'A'..=b'Z' => self.tag(at, at + 1),
            b'/' if bytes.get(at + 2).is_some_and(u8::is_ascii_alphabetic) => self.tag(at, at + 2),
            b'!' if bytes[at..].starts_with(b"<!--") => Some(self.comment(at)),
            b'!' if bytes[at..].starts_with(b"<![CDATA[") => {
                self.cdata = true;
                Some(Found { end: at + 9, leaves: Leaves::Nothing })
            }
            b'!' | b'?' if bytes.get(at + 2).is_some_and(u8::is_ascii_alphabetic) => {
                let end = self.tag_end(at + 2)?;
                Some(Found { end, leaves: Leaves::Nothing })
            }
            _ => None,
        }
    }

    /// A comment; one that never ends loses only its opening, since bodies are often cut.
    fn comment(&mut self, at: usize) -> Found {
        let rest = &self.text.as_bytes()[at + 4..];
        let known = self.missing.searches & COMMENT_END != 0;
        let length = if known { None } else { memmem::find(rest, b"-->") };
        if length.is_none() {
            self.missing.searches |= COMMENT_END;
        }
        Found { end: at + 4 + length.map_or(0, |length| length + 3), leaves: Leaves::Nothing }
    }

    /// A start or end tag whose name begins at `name_at`.
    fn tag(&mut self, at: usize, name_at: usize) -> Option<Found> {
        let bytes = self.text.as_bytes();
        let limit = bytes.len().min(name_at + NAME_BYTES_MAX);
        let length = bytes[name_at..limit]
            .iter()
            .position(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'-' | b':'))
            .unwrap_or(limit - name_at);
        let name = &bytes[name_at..name_at + length];
        let after = name_at + length;
        if !matches!(bytes.get(after), None | Some(b' ' | b'\t' | b'\r' | b'\n' | b'/' | b'>' | b'<')) {
            return None;
        }
        let tag = tags::find(name)?;
        let end = self.tag_end(after)?;
        let opens = name_at == at + 1 && !bytes[..end].ends_with(b"/>");
        match tag {
            Tag::Chrome(bit) | Tag::Raw(bit) if opens || (tag == Tag::Raw(bit) && name_at == at + 1) => {
                let end = match self.end_tag(end, name, bit) {
                    Some(end) => end,
                    None if matches!(tag, Tag::Raw(_)) => bytes.len(),
                    None => end,
                };
                Some(Found { end, leaves: Leaves::Line })
            }
            _ => Some(Found { end, leaves: Leaves::by(tag) }),
        }
    }

    /// Behind the `</name …>` that follows `from`.
    fn end_tag(&mut self, from: usize, name: &[u8], bit: u8) -> Option<usize> {
        if self.missing.searches & (1 << bit) != 0 {
            return None;
        }
        let bytes = self.text.as_bytes();
        for found in memmem::find_iter(&bytes[from..], b"</") {
            let name_at = from + found + 2;
            let Some(candidate) = bytes.get(name_at..name_at + name.len()) else {
                break;
            };
            let after = name_at + name.len();
            let whole = !bytes.get(after).is_some_and(u8::is_ascii_alphanumeric);
            if whole && candidate.eq_ignore_ascii_case(name) {
                return Some(self.tag_end(after).unwrap_or(after));
            }
        }
        self.missing.searches |= 1 << bit;
        None
    }

    /// Behind the `>` of a tag whose attributes begin at `from`. A `<` before it ends a tag that was never closed.
    fn tag_end(&mut self, from: usize) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let mut at = from;
        while let Some(found) = bytes[at..].iter().position(|byte| matches!(byte, b'<' | b'>' | b'"' | b'\'')) {
            let here = at + found;
            match bytes[here] {
                b'>' => return Some(here + 1),
                b'<' => return Some(here),
                _ if self.missing.values => at = here + 1,
                _ => at = self.value_end(from, here),
            }
        }
        // Values that led to the end of the body once would do so again and again.
        self.missing.values = true;
        (bytes.len() - from <= CUT_TAG_BYTES_MAX).then_some(bytes.len())
    }

    /// Behind the value that the quote at `quote` opens, or behind the quote when it opens none.
    fn value_end(&mut self, from: usize, quote: usize) -> usize {
        let bytes = self.text.as_bytes();
        let opens = bytes[from..quote].trim_ascii_end().ends_with(b"=");
        let search = if bytes[quote] == b'"' { DOUBLE_QUOTE } else { SINGLE_QUOTE };
        if !opens || self.missing.searches & search != 0 {
            return quote + 1;
        }
        let length = memchr(bytes[quote], &bytes[quote + 1..]);
        if length.is_none() {
            self.missing.searches |= search;
        }
        quote + 1 + length.map_or(0, |length| length + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_with_angle_brackets_is_not_markup() {
        for text in [
            "a < b and c > d",
            "Vec<u8> <pubkey> OP_CHECKSIG",
            "if x <y then",
            "AT&T & R&D &section; <",
            "<https://x.org>",
        ] {
            assert_eq!(to_text(text), text);
        }
    }

    #[test]
    fn markup_leaves_its_text() {
        for (html, text) in [
            ("<p>One <b>two</b></p><p>three</p>", "One two\nthree\n"),
            ("a<br>b<br/>c", "a\nb\nc"),
            ("x<script>if (a</b>) {}</script >y<STYLE>p{}</STYLE>z", "x\ny\nz"),
            ("x<script>alert(1)", "x\n"),
            ("x<!-- no --> y <!-- cut", "x y  cut"),
            ("<a href=\"https://x.org/?a=1>2\" title='>'>link</a>", "link"),
            ("<td>a</td><td>b</td>", " a  b "),
            ("Q&amp;A &lt;3 &#8217; &amp;amp;quot; &nbsp &hellip; &bogus;", "Q&A <3 \u{2019} \"   \u{2026} &bogus;"),
            ("cut <a href=\"x", "cut "),
            ("<nav>Home</nav>text<nav>unclosed", "text\nunclosed"),
            ("<![CDATA[<p>in</p>]]> out", "in\n out"),
            ("&amp;amp;bogus &amp;amp; b &amp;copy;", "&bogus & b \u{a9}"),
        ] {
            assert_eq!(to_text(html), text, "{html}");
        }
    }
}
