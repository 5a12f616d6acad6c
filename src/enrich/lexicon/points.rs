//! The sentences and the words that carried most weight, for a reader who wants to know why.
//!
//! Bounded: `POINTS_MAX` sentences of `POINT_CHARS_MAX` characters, in the order of the text, and a rationale of
//! at most `RATIONALE_CHARS_MAX` characters that names up to `REASONS_MAX` terms as they were written.

use crate::model::{Direction, EventType};

/// Key points of an article at most.
pub const POINTS_MAX: usize = 3;
/// Characters of a key point at most.
pub const POINT_CHARS_MAX: usize = 240;
/// Characters of the rationale at most.
pub const RATIONALE_CHARS_MAX: usize = 300;
/// Terms named in the rationale at most.
const REASONS_MAX: usize = 5;
/// Characters of one named term at most.
const REASON_CHARS_MAX: usize = 40;
/// Shorter sentences (bytes) are captions and by-lines.
const POINT_BYTES_MIN: usize = 40;

/// A sentence that may become a key point.
#[derive(Debug, Clone, Copy, Default)]
struct Candidate {
    weight: f64,
    start: usize,
    end: usize,
}

/// The heaviest sentences seen so far.
#[derive(Debug, Default)]
pub struct Points {
    /// Heaviest first.
    best: [Candidate; POINTS_MAX],
    len: usize,
}

impl Points {
    /// Offers a sentence of the body.
    pub fn offer(&mut self, weight: f64, start: usize, end: usize) {
        if end - start < POINT_BYTES_MIN {
            return;
        }
        let at = self.best[..self.len].iter().position(|kept| weight > kept.weight).unwrap_or(self.len);
        if at >= POINTS_MAX {
            return;
        }
        self.len = (self.len + 1).min(POINTS_MAX);
        self.best[at..self.len].rotate_right(1);
        self.best[at] = Candidate { weight, start, end };
    }

    /// The key points, in the order of the text.
    pub fn into_sentences(mut self, text: &str) -> Vec<String> {
        let kept = &mut self.best[..self.len];
        kept.sort_unstable_by_key(|candidate| candidate.start);
        kept.iter().filter_map(|c| text.get(c.start..c.end)).map(|s| shorten(s, POINT_CHARS_MAX)).collect()
    }
}

/// A term that moved the reading.
#[derive(Debug, Clone, Copy)]
pub struct Reason<'a> {
    /// The words as written.
    pub words: &'a str,
    /// Signed polarity it brought.
    pub weight: f64,
}

/// The terms that moved the reading most.
#[derive(Debug, Default)]
pub struct Reasons<'a> {
    best: [Option<Reason<'a>>; REASONS_MAX],
}

impl<'a> Reasons<'a> {
    /// Offers a term.
    pub fn offer(&mut self, words: &'a str, weight: f64) {
        let known = self.best.iter().flatten().any(|kept| kept.words.eq_ignore_ascii_case(words));
        if known {
            return;
        }
        let lighter = |kept: &Option<Reason<'_>>| kept.is_none_or(|kept| weight.abs() > kept.weight.abs());
        if let Some(at) = self.best.iter().position(lighter) {
            self.best[at..].rotate_right(1);
            self.best[at] = Some(Reason { words, weight });
        }
    }

    /// One sentence that names them.
    pub fn into_rationale(self, direction: Direction, event: EventType) -> String {
        let mut text = format!("{direction} {}", event.as_str());
        let sign = match direction {
            Direction::Bullish => 1.0,
            Direction::Bearish => -1.0,
            Direction::Neutral => 0.0,
        };
        if sign == 0.0 {
            self.list(&mut text, ", few or balanced signs: ", |_| true);
        } else {
            self.list(&mut text, " on ", |weight| weight * sign > 0.0);
            self.list(&mut text, " against ", |weight| weight * sign < 0.0);
        }
        shorten(&text, RATIONALE_CHARS_MAX)
    }

    fn list(&self, text: &mut String, opening: &str, takes: impl Fn(f64) -> bool) {
        let mut opening = opening;
        for reason in self.best.iter().flatten().filter(|reason| takes(reason.weight)) {
            text.push_str(opening);
            text.push('"');
            text.push_str(&shorten(reason.words, REASON_CHARS_MAX));
            text.push('"');
            opening = ", ";
        }
    }
}

/// White space folded, cut to `chars_max` characters at a word where possible, with an ellipsis where cut.
fn shorten(text: &str, chars_max: usize) -> String {
    let mut short = String::with_capacity(text.len().min(4 * chars_max));
    let mut chars = 0;
    for word in text.split_whitespace() {
        let space = usize::from(!short.is_empty());
        let len = word.chars().take(chars_max + 1).count();
        if chars + space + len > chars_max {
            let room = chars_max - chars;
            // A single word longer than the room is cut inside.
            if short.is_empty() {
                short.extend(word.chars().take(room.saturating_sub(1)));
                short.push('…');
            } else if room >= 1 {
                short.push('…');
            } else {
                short.pop();
                short.push('…');
            }
            return short;
        }
        if space == 1 {
            short.push(' ');
        }
        short.push_str(word);
        chars += space + len;
    }
    short
}
