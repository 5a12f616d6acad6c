//! The words of JSON and of Python's literals, by one reader: brackets, text in either kind of quotes, numbers, `null` and
//! its like, comments behind `#`, a comma before a closing bracket. Borrows everything and allocates nothing.
//!
//! # Why not `serde_json`
//! Its numbers are read to the last digit only at half its speed, it stops at `NaN`, `None` and single quotes, and a tree
//! of its values is many times larger than the file. Here one walk reads all that candle files are written in.

use super::broken::Fault;
use super::{moment, number};

/// Words that stand for no number. `-Infinity` is one of them behind its sign.
const WORDS: &[&[u8]] =
    &[b"null", b"true", b"false", b"nan", b"none", b"infinity", b"inf", b"np.nan", b"undefined", b"nat"];

/// A value without parts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Scalar<'a> {
    Number(f64),
    /// What stands between the quotes, as it is written.
    Text(&'a [u8]),
    Word,
}

impl Scalar<'_> {
    /// Its number; `NaN` where it has none.
    pub fn number(self) -> f64 {
        match self {
            Self::Number(number) => number,
            Self::Text(text) => number::parse(text),
            Self::Word => f64::NAN,
        }
    }

    /// Its time in milliseconds; [`moment::NONE`] where it has none.
    pub fn time(self) -> i64 {
        match self {
            Self::Number(number) => moment::of_number(number),
            Self::Text(text) => moment::of_text(text),
            Self::Word => moment::NONE,
        }
    }
}

/// Where in the bytes we are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a> {
    pub bytes: &'a [u8],
    pub at: usize,
}

impl<'a> Cursor<'a> {
    /// The next byte that is no blank and in no comment.
    pub fn peek(&mut self) -> Option<u8> {
        loop {
            match *self.bytes.get(self.at)? {
                b' ' | b'\t' | b'\n' | b'\r' => self.at += 1,
                b'#' => {
                    let rest = &self.bytes[self.at..];
                    self.at += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
                }
                byte => return Some(byte),
            }
        }
    }

    pub fn malformed(&self, what: &'static str) -> Fault {
        Fault::Malformed(what, self.at)
    }

    /// Passes the bracket that stands here; the byte that closes it.
    pub fn open(&mut self) -> u8 {
        let close = match self.bytes.get(self.at) {
            Some(b'{') => b'}',
            Some(b'(') => b')',
            _ => b']',
        };
        self.at += 1;
        close
    }

    /// Whether the list ends here: passes its closing bracket.
    pub fn closes(&mut self, close: u8) -> Result<bool, Fault> {
        match self.peek() {
            Some(byte) if byte == close => {
                self.at += 1;
                Ok(true)
            }
            Some(_) => Ok(false),
            None => Err(self.malformed("the file ends inside a list or an object")),
        }
    }

    /// Passes the comma between two elements; a closing bracket stays.
    pub fn separate(&mut self, close: u8) -> Result<(), Fault> {
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                Ok(())
            }
            Some(byte) if byte == close => Ok(()),
            Some(_) => Err(self.malformed("a comma or a closing bracket is missing")),
            None => Err(self.malformed("the file ends inside a list or an object")),
        }
    }

    /// A key and its colon.
    pub fn key(&mut self) -> Result<&'a [u8], Fault> {
        let key = if let Some(b'"' | b'\'') = self.peek() {
            self.text()?
        } else {
            let start = self.at;
            self.at += self.word_length();
            &self.bytes[start..self.at]
        };
        if key.is_empty() && self.peek() != Some(b':') {
            return Err(self.malformed("a key is missing"));
        }
        if self.peek() != Some(b':') {
            return Err(self.malformed("a colon is missing"));
        }
        self.at += 1;
        Ok(key)
    }

    /// A value without parts. Expects that no blank stands here.
    pub fn scalar(&mut self) -> Result<Scalar<'a>, Fault> {
        let rest = &self.bytes[self.at..];
        match rest.first() {
            Some(b'"' | b'\'') => self.text().map(Scalar::Text),
            Some(b'0'..=b'9' | b'-' | b'+' | b'.') => match number::scan(rest) {
                Some((number, length)) => {
                    self.at += length;
                    Ok(Scalar::Number(number))
                }
                None => self.word(),
            },
            Some(_) => self.word(),
            None => Err(self.malformed("the file ends where a value should be")),
        }
    }

    fn word(&mut self) -> Result<Scalar<'a>, Fault> {
        let signed = usize::from(matches!(self.bytes.get(self.at), Some(b'-' | b'+')));
        let start = self.at;
        self.at += signed;
        let length = self.word_length();
        let word = &self.bytes[self.at..self.at + length];
        if !WORDS.iter().any(|known| known.eq_ignore_ascii_case(word)) {
            self.at = start;
            return Err(self.malformed("something that is neither JSON nor a literal"));
        }
        self.at += length;
        Ok(Scalar::Word)
    }

    fn word_length(&self) -> usize {
        let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'$');
        self.bytes[self.at..].iter().take_while(is_part).count()
    }

    /// The text between the quotes that begin here.
    fn text(&mut self) -> Result<&'a [u8], Fault> {
        let quote = self.bytes[self.at];
        let start = self.at + 1;
        let mut end = start;
        loop {
            match self.bytes.get(end) {
                Some(b'\\') => end += 2,
                Some(&byte) if byte == quote => {
                    self.at = end + 1;
                    return Ok(&self.bytes[start..end]);
                }
                Some(_) => end += 1,
                None => return Err(self.malformed("a text without its closing quote")),
            }
        }
    }
}
