//! Cuts text into sentences of hashed tokens, in one pass and without allocation.
//!
//! A token is a run of letters and digits (any byte of a non-ASCII letter counts as a letter), or one
//! of the two marks that carry meaning, `%` and `?`. Words are hashed lower-cased (ASCII only), with
//! apostrophes taken out and a closing `'s` cut off, so `Bitcoin's` is `bitcoin` and `isn't` is `isnt`.
//! Invariants: offsets are bytes into the text handed in and always lie on character borders; a
//! sentence never holds more than `TOKENS_MAX` tokens (a longer one is handed out in pieces), so
//! hostile text costs time linear in its length and constant memory.

mod bytes;

use bytes::{CLASS, Class, DIGIT, KIND, LARGE, SMALL, WIDE, hash, mark_hash};

/// Tokens in one sentence at most; the rest becomes a sentence of its own.
pub const TOKENS_MAX: usize = 96;

/// Bytes of a word with an apostrophe or a decimal point that count; longer ones are no words of the lists.
const ODD_WORD_MAX: usize = 32;

/// Hash of the mark `?`.
const QUESTION: u64 = mark_hash(b'?');

/// How a token uses capitals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Case {
    /// Starts small.
    #[default]
    Small,
    /// Starts with an ASCII capital.
    Capital,
    /// Two characters or more, capitals and no small letters among them.
    Shouted,
}

/// One word, number or mark.
#[derive(Debug, Clone, Copy, Default)]
pub struct Token {
    /// Hash of the lower-cased word.
    pub hash: u64,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// Its capitals.
    pub case: Case,
    /// Written with a dollar sign before it (`$BTC`).
    pub cashtag: bool,
    /// A comma, bracket, colon or dash stands between this token and the one before.
    pub breaks: bool,
}

impl Token {
    /// Starts with a capital, or has nothing else.
    pub fn is_capital(&self) -> bool {
        self.case != Case::Small
    }
}

/// A sentence as the rules read it.
#[derive(Debug)]
pub struct Sentence {
    tokens: [Token; TOKENS_MAX],
    len: usize,
    /// Byte range in the text.
    pub start: usize,
    /// One past the last byte, final mark included.
    pub end: usize,
}

impl Sentence {
    /// An empty sentence, to be filled by [`Cutter::next`].
    pub fn new() -> Self {
        Self { tokens: [Token::default(); TOKENS_MAX], len: 0, start: 0, end: 0 }
    }

    /// The tokens.
    pub fn tokens(&self) -> &[Token] {
        &self.tokens[..self.len]
    }

    /// Whether nearly everything is in capitals, so that capitals tell nothing.
    pub fn is_shouted(&self) -> bool {
        let shouted = self.tokens().iter().filter(|t| t.case == Case::Shouted).count();
        self.len >= 4 && shouted * 5 > self.len * 3
    }

    /// Whether the sentence ends in a question mark.
    pub fn asks(&self) -> bool {
        self.tokens().last().is_some_and(|token| token.hash == QUESTION)
    }

    fn push(&mut self, token: Token) {
        if let Some(slot) = self.tokens.get_mut(self.len) {
            *slot = token;
            self.len += 1;
        }
    }
}

/// Walks a text sentence by sentence.
pub struct Cutter<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cutter<'a> {
    /// Starts at the beginning of `text`.
    pub fn new(text: &'a str) -> Self {
        Self { bytes: text.as_bytes(), at: 0 }
    }

    /// Fills `sentence` with the next one that has a token; false at the end of the text.
    pub fn next(&mut self, sentence: &mut Sentence) -> bool {
        sentence.len = 0;
        let mut breaks = false;
        let mut cashtag = false;
        while let Some(&byte) = self.bytes.get(self.at) {
            // The commonest byte between words needs no more.
            if byte == b' ' {
                self.at += 1;
                continue;
            }
            let class = CLASS[byte as usize];
            match class {
                Class::Word | Class::Wide => {
                    if class == Class::Wide && self.skip_punctuation(&mut breaks) {
                        continue;
                    }
                    if sentence.len == TOKENS_MAX {
                        break;
                    }
                    if sentence.len == 0 {
                        sentence.start = self.at;
                    }
                    sentence.push(Token { cashtag, breaks, ..self.word() });
                    (breaks, cashtag) = (false, false);
                    continue;
                }
                Class::Percent | Class::Question => self.mark(sentence, byte),
                Class::Break => breaks = true,
                Class::Dollar => cashtag = true,
                Class::Space if byte == b'-' && self.peek(1) == Some(b' ') => breaks = true,
                _ => {}
            }
            self.at += 1;
            if self.closes(class) && sentence.len > 0 {
                break;
            }
        }
        sentence.end = self.at;
        sentence.len > 0
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    /// `%` and `?` are tokens, but only inside a sentence.
    fn mark(&self, sentence: &mut Sentence, byte: u8) {
        if sentence.len > 0 {
            let start = u32::try_from(self.at).unwrap_or(u32::MAX);
            let token = Token { hash: mark_hash(byte), start, end: start.saturating_add(1), ..Token::default() };
            sentence.push(token);
        }
    }

    /// Whether a byte of this class, just passed, ends the sentence.
    fn closes(&self, class: Class) -> bool {
        let next = self.peek(0);
        match class {
            Class::Newline => matches!(next, None | Some(b'\n' | b'-' | b'*' | b'#' | b'>' | b'|')),
            Class::Stop => self.stop_closes(),
            Class::Question => next.is_none_or(|b| b.is_ascii_whitespace() || b == b'"'),
            _ => false,
        }
    }

    /// A full stop ends a sentence before white space or a quote, unless it belongs to a short
    /// abbreviation ("U.S. ", "Rs. ", "vs. ").
    fn stop_closes(&self) -> bool {
        let followed = self.peek(0).is_none_or(|b| b.is_ascii_whitespace() || b == b'"' || b == 0xe2);
        let dot = self.at - 1;
        let word_start = self.bytes[..dot]
            .iter()
            .rposition(|b| !b.is_ascii_alphabetic())
            .map_or(0, |before| before + 1)
            .max(dot.saturating_sub(4));
        let letters = dot - word_start;
        followed && !(1..=2).contains(&letters)
    }

    /// Typographic punctuation (U+2000 to U+203F) and the no-break space are separators.
    fn skip_punctuation(&mut self, breaks: &mut bool) -> bool {
        match (self.bytes[self.at], self.peek(1), self.peek(2)) {
            (0xe2, Some(0x80), Some(third)) => {
                // 0x93 and 0x94 are the en and the em dash.
                *breaks |= matches!(third, 0x93 | 0x94);
                self.at += 3;
                true
            }
            (0xc2, Some(0xa0), _) => {
                self.at += 2;
                true
            }
            _ => false,
        }
    }

    /// Length of the apostrophe at `at`, straight or curly.
    fn apostrophe(&self, at: usize) -> Option<usize> {
        match self.bytes[at..] {
            [b'\'', ..] => Some(1),
            [0xe2, 0x80, 0x99, ..] => Some(3),
            _ => None,
        }
    }

    /// Reads the word at `at` and moves past it.
    #[inline]
    fn word(&mut self) -> Token {
        let start = self.at;
        let mut kinds = 0;
        while let Some(&byte) = self.bytes.get(self.at) {
            let kind = KIND[byte as usize];
            if kind == 0 || (kind == WIDE && self.at_punctuation()) {
                break;
            }
            kinds |= kind;
            self.at += 1;
        }
        let mut value = hash(self.bytes, start, self.at);
        let mut end = self.at;
        if matches!(self.bytes.get(self.at), Some(b'\'' | b'.' | b',' | 0xe2)) {
            if let Some(odd) = self.odd_word(start) {
                value = odd;
                kinds |= SMALL;
            }
            end = self.at;
            self.skip_possessive();
        }
        let case = if kinds & (LARGE | SMALL | WIDE) == LARGE && end - start >= 2 {
            Case::Shouted
        } else if self.bytes[start].is_ascii_uppercase() {
            Case::Capital
        } else {
            Case::Small
        };
        Token {
            hash: value,
            start: u32::try_from(start).unwrap_or(u32::MAX),
            end: u32::try_from(end).unwrap_or(u32::MAX),
            case,
            cashtag: false,
            breaks: false,
        }
    }

    /// Goes on with a word that holds an apostrophe or a decimal point; `None` where it ended before.
    fn odd_word(&mut self, start: usize) -> Option<u64> {
        let mut letters = [0; ODD_WORD_MAX];
        let mut len = 0;
        let mut from = start;
        let mut odd = false;
        loop {
            for &byte in &self.bytes[from..self.at] {
                if let Some(slot) = letters.get_mut(len) {
                    *slot = byte;
                    len += 1;
                }
            }
            from = match self.bytes.get(self.at) {
                Some(b'\'' | 0xe2) => self.after_apostrophe(),
                Some(_) if self.inside_number() => Some(self.at + 1),
                _ => None,
            }
            .unwrap_or(usize::MAX);
            if from == usize::MAX {
                return odd.then(|| hash(&letters, 0, len));
            }
            odd = true;
            self.at = from;
            while self.bytes.get(self.at).is_some_and(|&b| matches!(KIND[b as usize], SMALL | LARGE | DIGIT)) {
                self.at += 1;
            }
        }
    }

    fn at_punctuation(&self) -> bool {
        matches!((self.bytes[self.at], self.peek(1)), (0xe2, Some(0x80)) | (0xc2, Some(0xa0)))
    }

    fn inside_number(&self) -> bool {
        self.at > 0
            && matches!(self.bytes[self.at], b'.' | b',')
            && self.bytes[self.at - 1].is_ascii_digit()
            && self.peek(1).is_some_and(|b| b.is_ascii_digit())
    }

    /// Where the word goes on behind an apostrophe ("isn't"); `None` where it ends there, or where
    /// only a possessive `s` follows.
    fn after_apostrophe(&self) -> Option<usize> {
        let next = self.at + self.apostrophe(self.at)?;
        let rest = &self.bytes[next..];
        let letters = rest.iter().take(2).take_while(|b| b.is_ascii_alphabetic()).count();
        let possessive = letters == 1 && matches!(rest[0], b's' | b'S');
        (letters > 0 && !possessive).then_some(next)
    }

    /// Moves past a closing `'s`.
    fn skip_possessive(&mut self) {
        if self.at < self.bytes.len()
            && let Some(width) = self.apostrophe(self.at)
        {
            let next = self.at + width;
            let letter = self.bytes.get(next).is_some_and(|b| matches!(b, b's' | b'S'));
            self.at = if letter { next + 1 } else { next };
        }
    }
}
