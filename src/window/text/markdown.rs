//! Markdown markers out of a paragraph: headings, quotes, bullets, tables, emphasis, code, links, images, footnotes, escapes.
//!
//! # Why not pulldown-cmark
//! It is fast on prose (7 µs for 5 KB), but 1 MiB of `[` takes it 86 ms, eight times the time of this file; it takes every number with a dot
//! for a list and indented text for code; and it needs a guess beforehand whether a body is markdown at all. The rules here
//! are local: each removes a marker only where it cannot be prose (`2 * 3`, `OP_CHECK_SIG`, `a[0]` stay), so they run on every
//! body, a paragraph without a marker costs nothing, and what they leave they leave alone the next time.
//!
//! Invariants: linear (every look ahead is bounded by a named limit), no recursion, output no longer than input.

/// Link text longer than this is prose in brackets, in bytes.
const LINK_TEXT_BYTES_MAX: usize = 2_000;
/// The longest target of a link, in bytes.
const LINK_TARGET_BYTES_MAX: usize = 2_048;
/// Parentheses inside a target; more is not an address. Also bounds how often a byte is looked at.
const LINK_TARGET_DEPTH_MAX: usize = 3;
/// The longest label of a reference or footnote, in bytes.
const LABEL_BYTES_MAX: usize = 100;
/// Brackets open at a time.
const OPEN_MAX: usize = 16;

/// A line without its block marker.
#[derive(Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// What remains, trimmed.
    pub text: &'a str,
    /// It begins a paragraph of its own (list item, quote, table row).
    pub opens: bool,
    /// It ends its paragraph too (heading, table row).
    pub closes: bool,
}

/// Strips block markers; `None`: the line itself is markup (a fence, a link definition).
pub fn line(raw: &str) -> Option<Line<'_>> {
    let mut line = Line { text: raw.trim(), opens: false, closes: false };
    loop {
        let text = line.text;
        let rest = match text.as_bytes().first() {
            Some(b'#') => heading(text).inspect(|_| line.closes = true),
            Some(b'>') => text[1..].starts_with([' ', '>']).then(|| &text[1..]),
            Some(b'-' | b'*' | b'+') => text[1..].starts_with(' ').then(|| &text[1..]),
            Some(b'`' | b'~') if text.starts_with("```") || text.starts_with("~~~") => return None,
            Some(b'|') => {
                line.closes = true;
                Some(text.trim_matches('|'))
            }
            Some(b'[') => match definition(text) {
                Some(true) => return None,
                _ => None,
            },
            Some(0x80..) => text.strip_prefix(['•', '·', '▪', '◦', '‣', '●', '■', '►', '▶', '→', '»']),
            _ => None,
        };
        let Some(rest) = rest else {
            line.opens |= line.closes || numbered(text);
            return Some(line);
        };
        line.opens = true;
        line.text = rest.trim();
    }
}

/// `# Heading ##` without its marks. `#Bitcoin` is a hashtag.
fn heading(text: &str) -> Option<&str> {
    let rest = text.trim_start_matches('#');
    let level = text.len() - rest.len();
    (level <= 6 && rest.starts_with(' ')).then(|| rest.trim().trim_end_matches('#'))
}

/// `[label]: address` is markup.
fn definition(text: &str) -> Option<bool> {
    let label = text.bytes().take(LABEL_BYTES_MAX).position(|byte| byte == b']')?;
    let target = text[label + 1..].strip_prefix(':')?.trim_start();
    Some(["http", "/", "#", "<http", "mailto:"].iter().any(|start| target.starts_with(start)))
}

/// `1. ` or `2) ` begins a list item; the number stays.
fn numbered(text: &str) -> bool {
    let digits = text.bytes().take(3).take_while(u8::is_ascii_digit).count();
    digits > 0 && matches!(text.as_bytes().get(digits..digits + 2), Some(b". " | b") "))
}

/// Whether `text` holds a byte that [`inline`] would look at.
pub fn marked(text: &str) -> bool {
    text.bytes().any(|byte| matches!(byte, b'*' | b'_' | b'`' | b'[' | b'\\' | b'~'))
}

/// Writes `text` without inline markers to `out`, which is emptied first.
pub fn inline(text: &str, out: &mut String) {
    out.clear();
    let mut inline = Inline { text, out, open: [0; OPEN_MAX], open_len: 0 };
    let bytes = text.as_bytes();
    let mut at = 0;
    let mut kept = 0;
    while let Some(found) =
        bytes[at..].iter().position(|byte| matches!(byte, b'*' | b'_' | b'`' | b'[' | b']' | b'\\' | b'~'))
    {
        let here = at + found;
        inline.out.push_str(&text[kept..here]);
        kept = inline.marker(here);
        at = kept.max(here + 1);
        // A marker that stays is prose.
        inline.out.push_str(&text[kept..at]);
        kept = at;
    }
    inline.out.push_str(&text[kept..]);
}

/// The state of one paragraph.
struct Inline<'a> {
    text: &'a str,
    out: &'a mut String,
    /// Where in `out` the open brackets stand.
    open: [usize; OPEN_MAX],
    open_len: usize,
}

impl Inline<'_> {
    /// Judges the marker at `at`: returns how far the input is used up; `at` itself: the marker stays.
    fn marker(&mut self, at: usize) -> usize {
        match self.text.as_bytes()[at] {
            b'[' => self.opening(at),
            b']' => self.closing(at),
            b'\\' => {
                let end = self.run_end(at, b"\\");
                let escapes = self.text.as_bytes().get(end).is_none_or(u8::is_ascii_punctuation);
                self.strip(at, end, escapes)
            }
            b'~' => {
                let end = self.run_end(at, b"~");
                self.strip(at, end, end - at >= 2)
            }
            b'`' => {
                let end = self.run_end(at, b"`");
                self.strip(at, end, !(self.word_before(at) && self.word_after(end)))
            }
            _ => {
                let end = self.run_end(at, b"*_");
                let (before, after) = (self.word_before(at), self.word_after(end));
                let opens = !before && !self.text[end..].starts_with(' ') && end < self.text.len();
                let closes = !after && !self.text[..at].ends_with(' ') && at > 0;
                self.strip(at, end, opens || closes)
            }
        }
    }

    fn run_end(&self, at: usize, set: &[u8]) -> usize {
        let rest = &self.text.as_bytes()[at..];
        at + rest.iter().position(|byte| !set.contains(byte)).unwrap_or(rest.len())
    }

    /// Drops `at..end`, or keeps all of it as prose.
    fn strip(&mut self, at: usize, end: usize, strip: bool) -> usize {
        if !strip {
            self.out.push_str(&self.text[at..end]);
        }
        end
    }

    fn word_before(&self, at: usize) -> bool {
        self.text[..at].chars().next_back().is_some_and(char::is_alphanumeric)
    }

    fn word_after(&self, end: usize) -> bool {
        self.text[end..].chars().next().is_some_and(char::is_alphanumeric)
    }

    /// `[`: a footnote mark goes, anything else may turn out to be a link.
    fn opening(&mut self, at: usize) -> usize {
        if self.text[at + 1..].starts_with('^')
            && let Some(end) = self.label_end(at + 2)
        {
            return end;
        }
        if self.open_len == OPEN_MAX {
            self.open.rotate_left(1);
            self.open_len -= 1;
        }
        self.open[self.open_len] = self.out.len();
        self.open_len += 1;
        at
    }

    /// `]`: ends a link's text when a target or label follows; an image goes with its text.
    fn closing(&mut self, at: usize) -> usize {
        if self.open_len == 0 {
            return at;
        }
        self.open_len -= 1;
        let open = self.open[self.open_len];
        if self.out.len() - open > LINK_TEXT_BYTES_MAX {
            return at;
        }
        let end = match self.text.as_bytes().get(at + 1) {
            Some(b'(') => self.target_end(at + 2),
            Some(b'[') => self.label_end(at + 2),
            _ => None,
        };
        let Some(end) = end else { return at };
        if self.out[..open].ends_with('!') {
            self.out.truncate(open - 1);
        } else {
            self.out.remove(open);
        }
        end
    }

    /// Behind the `]` of a label that begins at `from`.
    fn label_end(&self, from: usize) -> Option<usize> {
        let label = self.text.as_bytes()[from..].iter().take(LABEL_BYTES_MAX);
        let length = label.clone().position(|byte| matches!(byte, b'[' | b']'))?;
        (self.text.as_bytes()[from + length] == b']').then_some(from + length + 1)
    }

    /// Behind the `)` of a link target that begins at `from`: an address, then perhaps a quoted title.
    fn target_end(&self, from: usize) -> Option<usize> {
        let mut depth = 0;
        let mut previous = b'(';
        for (length, byte) in self.text.as_bytes()[from..].iter().take(LINK_TARGET_BYTES_MAX).enumerate() {
            match byte {
                b'(' if depth == LINK_TARGET_DEPTH_MAX => return None,
                b'(' => depth += 1,
                b')' if depth == 0 => return Some(from + length + 1),
                b')' => depth -= 1,
                b'"' | b'\'' if previous == b' ' => {
                    let title = self.text.as_bytes()[from + length + 1..].iter().take(LINK_TARGET_BYTES_MAX);
                    let end = title.clone().position(|end| end == byte)?;
                    let end = from + length + 1 + end + 1;
                    return (self.text.as_bytes().get(end) == Some(&b')')).then_some(end + 1);
                }
                _ if previous == b' ' && *byte != b' ' && length > 1 => return None,
                _ => {}
            }
            previous = *byte;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, plain: &str) {
        let mut out = String::new();
        inline(text, &mut out);
        assert_eq!(out, plain, "{text}");
    }

    #[test]
    fn block_markers_go() {
        for (raw, text) in [
            ("## Heading ##", "Heading "),
            ("> > quoted", "quoted"),
            ("  - [x] item", "[x] item"),
            ("| a | b |", "a | b"),
            ("#Bitcoin -5% >50", "#Bitcoin -5% >50"),
            ("1. first", "1. first"),
        ] {
            assert_eq!(line(raw).unwrap().text.trim(), text.trim(), "{raw}");
        }
        assert_eq!(line("```rust"), None);
        assert_eq!(line("[1]: https://x.org \"t\""), None);
        assert_eq!(line("[Update]: the fork is live").unwrap().text, "[Update]: the fork is live");
    }

    #[test]
    fn inline_markers_go_and_prose_stays() {
        check("**bold** and *it* and __b__ and _i_ and ~~no~~", "bold and it and b and i and no");
        check("2 * 3, 2**8, OP_CHECK_SIG, a[0], ~5%", "2 * 3, 2**8, OP_CHECK_SIG, a[0], ~5%");
        check("run `OP_TX` now", "run OP_TX now");
        check("[text](https://x.org/a_(b) \"title\") end", "text end");
        check("[![alt](i.png)](https://x.org) after", " after");
        check("see [this][1] and that[^2].", "see this and that.");
        check("[note](see the annex below)", "[note](see the annex below)");
        check(r"5\% \*literal\* C:\dir", r"5% literal C:\dir");
        check("“*quoted*”", "“quoted”");
    }
}
