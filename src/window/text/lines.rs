//! Lines to paragraphs: the last step of cleaning, and the only one every body takes.
//!
//! One paragraph a line of output, no empty lines, single spaces. A body that separates its paragraphs by empty lines may be
//! wrapped by hand: there a line of usual width that does not end a sentence continues in the next one. The output has
//! no empty lines, so cleaning it again joins nothing.
//!
//! Invariants: linear; what is dropped depends on the line alone ([`chrome`]) or on the heading before it, which goes too.

use memchr::{memchr, memmem};

use super::chrome::{self, Verdict};
use super::{link, markdown};

/// A wrapped line has at least and at most so many bytes.
const WRAPPED_BYTES: std::ops::RangeInclusive<usize> = 45..=130;
/// Headlines dropped behind a heading over other articles.
const TAIL_LINES_MAX: u32 = 12;
/// A longer line is no headline, in bytes.
const HEADLINE_BYTES_MAX: usize = 140;

/// Which markers the text may hold.
#[derive(Debug, Clone, Copy)]
pub struct Holds {
    /// Inline markdown.
    pub marks: bool,
    /// Addresses.
    pub addresses: bool,
}

/// Writes the paragraphs of `text`.
pub fn fold(text: &str, holds: Holds) -> String {
    let mut fold = Fold {
        out: String::with_capacity(text.len()),
        holds,
        may_space: holds.marks || holds.addresses || memmem::find(text.as_bytes(), b"  ").is_some(),
        unmarked: String::new(),
        shortened: String::new(),
        spaced: String::new(),
        tail_lines: 0,
    };
    if memmem::find(text.as_bytes(), b"\n\n").is_some() {
        fold.wrapped(text);
    } else {
        for raw in lines(text) {
            if let Some(line) = markdown::line(raw) {
                fold.paragraph(line.text);
            }
        }
    }
    fold.out
}

/// The lines of `text`.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(end) = memchr(b'\n', text.as_bytes()) else {
            rest = None;
            return Some(text);
        };
        rest = Some(&text[end + 1..]);
        Some(&text[..end])
    })
}

/// The output and what is needed on the way.
struct Fold {
    out: String,
    holds: Holds,
    /// There are runs of spaces, or may be once markers are out.
    may_space: bool,
    unmarked: String,
    shortened: String,
    spaced: String,
    /// Headlines still to drop.
    tail_lines: u32,
}

impl Fold {
    /// Paragraphs of a body that may be wrapped.
    fn wrapped(&mut self, text: &str) {
        // The paragraph so far: one line of the input, or several in `joined`.
        let mut single = "";
        let mut joined = String::new();
        let mut open = false;
        for raw in lines(text) {
            let line = markdown::line(raw);
            let Some(line) = line.filter(|line| !line.text.is_empty()) else {
                self.flush(&mut single, &mut joined);
                open = false;
                continue;
            };
            if open
                && !line.opens
                && line.text.starts_with(|c: char| c.is_alphanumeric() || OPENERS.contains(&c))
                && chrome::judge(line.text) == Verdict::Keep
            {
                if joined.is_empty() {
                    joined.push_str(single);
                }
                joined.push(' ');
                joined.push_str(line.text);
            } else {
                self.flush(&mut single, &mut joined);
                single = line.text;
            }
            open = !line.closes && WRAPPED_BYTES.contains(&raw.len()) && !line.text.ends_with(['.', '!', '?', ':']);
        }
        self.flush(&mut single, &mut joined);
    }

    fn flush(&mut self, single: &mut &str, joined: &mut String) {
        if joined.is_empty() {
            self.paragraph(single);
        } else {
            self.paragraph(joined);
            joined.clear();
        }
        *single = "";
    }

    /// One paragraph: markers out, addresses short, chrome out, spaces single.
    fn paragraph(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let mut unmarked = std::mem::take(&mut self.unmarked);
        let mut shortened = std::mem::take(&mut self.shortened);
        let mut text = text;
        if self.holds.marks && markdown::marked(text) {
            markdown::inline(text, &mut unmarked);
            text = unmarked.trim();
        }
        if self.holds.addresses {
            link::shorten(text, &mut shortened);
            text = shortened.trim();
        }
        self.keep(text);
        self.unmarked = unmarked;
        self.shortened = shortened;
    }

    /// Puts a finished paragraph out with single spaces. It is judged as it will stand there: cleaned again, it must not be
    /// shorter than it was when it was judged.
    fn keep(&mut self, text: &str) {
        if self.may_space && memmem::find(text.as_bytes(), b"  ").is_some() {
            let mut spaced = std::mem::take(&mut self.spaced);
            single_spaced(&mut spaced, text);
            self.put(&spaced);
            self.spaced = spaced;
        } else {
            self.put(text);
        }
    }

    /// Puts a paragraph out, unless it is chrome or says nothing.
    fn put(&mut self, text: &str) {
        if !text.contains(char::is_alphanumeric) {
            return;
        }
        match chrome::judge(text) {
            Verdict::Drop => return,
            Verdict::Tail => {
                self.tail_lines = TAIL_LINES_MAX;
                return;
            }
            Verdict::Keep => {}
        }
        if self.tail_lines > 0 {
            if text.len() <= HEADLINE_BYTES_MAX && !text.ends_with(['.', '。']) {
                self.tail_lines -= 1;
                return;
            }
            self.tail_lines = 0;
        }
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        self.out.push_str(text);
    }
}

/// Characters that a wrapped line may begin with besides letters and digits.
const OPENERS: [char; 12] = ['(', '"', '\'', '“', '‘', '$', '€', '£', '`', '_', '[', '&'];

/// Writes `text` with runs of spaces made one.
fn single_spaced(out: &mut String, text: &str) {
    out.clear();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, folded: &str) {
        assert_eq!(fold(text, Holds { marks: true, addresses: true }), folded, "{text}");
    }

    #[test]
    fn wrapped_lines_join_and_paragraphs_stay() {
        check(
            "A line that is as long as wrapped lines usually are in\nplain text goes on here.\n\nSecond.\n- item one\n- item two",
            "A line that is as long as wrapped lines usually are in plain text goes on here.\nSecond.\nitem one\nitem two",
        );
    }

    #[test]
    fn spaces_become_one() {
        check("a  b   c \n   d", "a b c\nd");
        // Too long to be a pointer to another article only by its spaces.
        check(&format!("Read more: {}{}b\nText.", "a".repeat(100), " ".repeat(100)), "Text.");
    }

    #[test]
    fn tails_of_other_articles_go() {
        check(
            "The text ends here.\nRelated:\nEther slips\nSolana jumps 5%\nA new paragraph of the article, with its full stop.",
            "The text ends here.\nA new paragraph of the article, with its full stop.",
        );
    }

    #[test]
    fn lines_that_say_nothing_go() {
        check("one\n---\n***\n🚀🚀\nhttps://x.org/a?utm_source=b\ntwo", "one\ntwo");
    }
}
