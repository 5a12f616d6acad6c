//! How many tokens a text can have at most, told without asking anybody.
//!
//! What a call costs is known only afterwards, so its hold needs a number that the true count does not pass. A byte a
//! token would be safe for every vocabulary, and four times too much for English. This bound is safe for eight, which
//! stand for the rest: Gemma 2 and 3 (which Gemini 2.0, and 2.5 to 3.5, count by: recorded `promptTokenCount`s are
//! theirs and one more for each part), `cl100k_base` and `o200k_base` of OpenAI, Llama 2 and 3, Qwen 3 and `DeepSeek` 3.
//!
//! # Why it holds
//! All of them merge pairs of pieces until no two neighbours make a piece of the vocabulary (BPE), from bytes up or with
//! bytes for what they do not know. So a token has at least one byte, and:
//! 1. *Tokens with a byte that is no letter of ASCII* are at most as many as such bytes. Each of these counts one.
//! 2. *Tokens of letters alone.* Two single letters stay neighbours only where they are no piece together. With `m` such
//!    pairs among the `n` letters of a run, `s` tokens of one letter lie in at most `d + 1` groups around `d` longer
//!    ones: `s ≤ d + 1 + m` and `n ≥ s + 2d`, so there are at most `(2n + 1 + m) / 3`. The pairs that are a piece in
//!    all eight are known ([`Pieces::pairs`]). The patterns by which some cut a text first can cut a run where a small
//!    letter meets a capital one, which is no such pair, and behind an apostrophe (`'s`), which counts as one more.
//! 3. *A single space before a run* goes with it as one more letter, as ` a` to ` Z` are pieces everywhere.
//! 4. *A run that is a word of the list* counts what was measured: the most tokens that any of the eight makes of it
//!    after a space, and after anything else that it stands beside here ([`BESIDE`]), each with what may follow. More
//!    than these neighbours cannot change it: the patterns cut there, and Google's have no piece across.
//!
//! The list (`bound/words.txt`: a line with the two numbers, then their words) has the 20,000 words that are a piece in
//! both of OpenAI's and both of Google's vocabularies and come first by the geometric mean of their ranks, which go from
//! frequent to rare; words that rule 2 counts no worse were left out.
//!
//! The text has to be in Unicode NFC, as clean articles are: Qwen counts after bringing it there. A vocabulary that is
//! none of the eight may make more of a hostile text; then the bill passes its hold and is an overrun, counted and shown.
//! Most do better than Llama 2, whose 32,000 pieces set most numbers of the list.
//!
//! # Measured
//! Bound divided by the true count: least, median, 95th percentile, most.
//!
//! | texts | Gemma 3 | `o200k_base` | Llama 2 |
//! |---|---|---|---|
//! | 677 technical articles as they are, with markdown and code | 1.08, 1.40, 1.50, 1.66 | 1.21, 1.50, 1.60, 1.79 | 1.05, 1.28, 1.36, 1.49 |
//! | the project's own crypto news, 74 articles | 1.11, 1.28, 1.47, 2.48 | 1.15, 1.35, 1.52, 2.62 | 1.05, 1.17, 1.27, 1.78 |
//! | 750,000 hostile texts, all eight vocabularies | never below 1 | | |
//!
//! The most are texts in other scripts, where two or three bytes are a letter and often less than a token.

use std::collections::HashMap;
use std::sync::LazyLock;

/// What a service may put around each text of a question: a role, a beginning and an end. Recorded: 1 at Gemini, which
/// does not count the schema; at OpenAI 11 around one message and its schema, which counts less than its JSON does.
const FRAME_TOKENS: u64 = 16;

/// Characters beside which a word of the list was measured, besides those of ASCII and the ends of the text.
const BESIDE: [char; 11] = ['“', '”', '‘', '’', '–', '—', '…', '\u{a0}', '•', '€', '£'];

static PIECES: LazyLock<Pieces> = LazyLock::new(Pieces::load);

/// The most tokens that `text` can have.
#[must_use]
pub fn input_tokens_max(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let mut tokens = 0;
    let mut at = 0;
    while at < bytes.len() {
        let length = run(&bytes[at..], u8::is_ascii_alphabetic);
        if length > 0 {
            tokens += PIECES.of_run(text, at, at + length);
            at += length;
            continue;
        }
        let spaces = run(&bytes[at..], |byte| *byte == b' ');
        let next = bytes.get(at + spaces);
        if spaces == 1 && next.is_some_and(u8::is_ascii_alphabetic) {
            // It goes with the run.
            at += 1;
            continue;
        }
        let step = spaces.max(1);
        tokens += step as u64;
        at += step;
    }
    tokens
}

/// The most tokens that a service can count in a question of these texts (instructions, article, answer schema).
#[must_use]
pub fn question_tokens_max(texts: &[&str]) -> u64 {
    texts.iter().fold(0, |sum: u64, text| sum.saturating_add(input_tokens_max(text)).saturating_add(FRAME_TOKENS))
}

/// How many bytes from the first on are of this kind.
fn run(bytes: &[u8], kind: impl Fn(&u8) -> bool) -> usize {
    bytes.iter().take_while(|byte| kind(byte)).count()
}

/// Tokens of a word: after a single space, which is part of it then, and after anything else.
#[derive(Debug, Clone, Copy)]
struct Cost {
    spaced: u64,
    other: u64,
}

/// What is known of the vocabularies.
struct Pieces {
    words: HashMap<&'static str, Cost>,
    /// Whether two letters are a piece of every vocabulary; by their bytes.
    pairs: Box<[[bool; 128]; 128]>,
}

impl Pieces {
    fn load() -> Self {
        let mut pairs = Box::new([[false; 128]; 128]);
        for line in include_str!("bound/pairs.txt").lines() {
            if let Some((first, seconds)) = line.split_once(' ') {
                for second in seconds.bytes() {
                    pairs[usize::from(first.as_bytes()[0])][usize::from(second)] = true;
                }
            }
        }
        let mut words = HashMap::new();
        let mut cost = Cost { spaced: u64::MAX, other: u64::MAX };
        for line in include_str!("bound/words.txt").lines() {
            match line.split_once(' ').map(|(spaced, other)| (spaced.parse(), other.parse())) {
                Some((Ok(spaced), Ok(other))) => cost = Cost { spaced, other },
                _ => words.extend(line.split(' ').map(|word| (word, cost))),
            }
        }
        Self { words, pairs }
    }

    /// The most tokens that the letters from `from` to `to` can be, a single space before them included.
    fn of_run(&self, text: &str, from: usize, to: usize) -> u64 {
        let bytes = text.as_bytes();
        let letters = &bytes[from..to];
        let is_spaced = bytes[..from].ends_with(b" ") && !bytes[..from].ends_with(b"  ");
        let is_behind_apostrophe = bytes[..from].ends_with(b"'");
        let apart = letters.windows(2).filter(|pair| !self.pairs[usize::from(pair[0])][usize::from(pair[1])]).count()
            + usize::from(is_behind_apostrophe);
        let length = letters.len() + usize::from(is_spaced);
        let by_pairs = (length as u64).min((2 * length + 1 + apart) as u64 / 3);
        if is_behind_apostrophe || !stands_alone(&text[..from], &text[to..]) {
            return by_pairs;
        }
        let known = self.words.get(&text[from..to]).map(|cost| if is_spaced { cost.spaced } else { cost.other });
        known.map_or(by_pairs, |tokens| tokens.min(by_pairs))
    }
}

/// Whether what stands around a run is among what its word was measured with.
fn stands_alone(before: &str, after: &str) -> bool {
    let plain = |letter: Option<char>| letter.is_none_or(|letter| letter.is_ascii() || BESIDE.contains(&letter));
    let mut following = after.chars();
    let next = following.next();
    // `'` and a letter of another script may be taken for one of English's endings: `(?i)'s` matches `'ſ`.
    let is_ending = next == Some('\'') && following.next().is_some_and(|letter| !letter.is_ascii());
    plain(before.chars().next_back()) && plain(next) && !is_ending
}

#[cfg(test)]
mod tests;
