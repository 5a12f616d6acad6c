//! Readers of article files for `ingest articles FILE|-`: JSON Lines, a JSON array, CSV, RSS and Atom.
//!
//! The format is told by the content, not by the file's name, since articles come through pipes too: `{` begins JSON Lines (or, alone on
//! its line, pretty-printed objects in a row), `[` a JSON array, `<` a feed, anything else is CSV with a header.
//!
//! # What becomes of an article
//! JSON objects with a string `id` and `body` go on byte for byte; everything else is put into the
//! six fields of the contract (`id, title, body, publisher, url, published_at`), unknown fields left out.
//! In CSV and feeds a missing id is made: 32 hex digits of BLAKE3 over the address, or over title and body (`article::made_id`), so that the same file
//! sent twice gives the same ids. In JSON, which is the wire's own form, a missing id is an error.
//!
//! # Invariants
//! * A bad line, element, row or item is an [`Entry::Bad`] with the line it begins on (from 1) and never ends the reading.
//! * Memory: one line, element or row of at most [`ENTRY_BYTES_MAX`]; a feed as a whole of at most [`FEED_BYTES_MAX`].
//! * An `Err` of the iterator is the input's own failure (a disk, a pipe); nothing follows it.

mod array;
mod article;
mod json;
mod lines;
mod syndication;
mod table;

use std::fmt;
use std::io::{self, BufRead};

/// The longest line, element or row, in bytes.
pub const ENTRY_BYTES_MAX: usize = 64 << 20;
/// The largest RSS or Atom document, in bytes: its parser needs all of it.
pub const FEED_BYTES_MAX: usize = 64 << 20;
/// White space skipped before the first content, in bytes.
const LEAD_BYTES_MAX: usize = 1 << 20;

/// One article, or the reason why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// An article to send.
    Article {
        /// The line it begins on, from 1.
        line: u64,
        /// The JSON object to send.
        json: Vec<u8>,
        /// Its id, for the record's key.
        id: String,
    },
    /// Something that is no article.
    Bad {
        /// The line it begins on, from 1.
        line: u64,
        /// What is wrong, for a person.
        why: String,
    },
}

/// Why a file cannot be read at all.
#[derive(Debug)]
pub enum Error {
    /// The input failed.
    Input(io::Error),
    /// The content has none of the known formats; what is missing, for a person.
    Format(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(error) => write!(f, "reading failed: {error}"),
            Self::Format(why) => write!(f, "unknown format: {why}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Input(error) => Some(error),
            Self::Format(_) => None,
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Input(error)
    }
}

/// The entries of a file, in its order.
pub type Entries = Box<dyn Iterator<Item = io::Result<Entry>>>;

/// Finds out the format of `input` and reads it. An empty input has no entries.
///
/// # Errors
/// [`Error::Input`] when the first bytes (of a feed: any) cannot be read, [`Error::Format`] when they have no known format: UTF-16, CSV whose
/// header names no body, XML that is no feed, a feed above [`FEED_BYTES_MAX`].
pub fn read(mut input: impl BufRead + 'static) -> Result<Entries, Error> {
    let (first, line) = skip_lead(&mut input)?;
    Ok(match first {
        None => Box::new(std::iter::empty()),
        Some(b'{') => json::read(input, line)?,
        Some(b'[') => Box::new(array::Elements::of_array(input, line)),
        Some(b'<') => syndication::read(input, line)?,
        Some(0xfe | 0xff | 0) => {
            return Err(Error::Format("the file looks like UTF-16 or binary; UTF-8 is needed".to_owned()));
        }
        Some(_) => Box::new(table::Rows::new(input, line)?),
    })
}

/// Skips a byte order mark and white space; the first byte that counts and its line.
fn skip_lead(input: &mut impl BufRead) -> Result<(Option<u8>, u64), Error> {
    let mut line = 1;
    let mut mark: &[u8] = b"\xef\xbb\xbf";
    for _ in 0..LEAD_BYTES_MAX {
        let Some(byte) = input.fill_buf()?.first().copied() else {
            return Ok((None, line));
        };
        match (byte, mark.split_first()) {
            (_, Some((expected, rest))) if byte == *expected => mark = rest,
            (b' ' | b'\t' | b'\r' | b'\n', _) => {
                line += u64::from(byte == b'\n');
                mark = &[];
            }
            _ => return Ok((Some(byte), line)),
        }
        input.consume(1);
    }
    Err(Error::Format("nothing but white space at its beginning".to_owned()))
}

#[cfg(test)]
mod tests;
