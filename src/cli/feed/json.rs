//! JSON Lines: one object a line.

use std::io::{self, BufRead, Cursor, Read};

use super::array::Elements;
use super::article;
use super::lines::{Line, Lines};
use super::{ENTRY_BYTES_MAX, Entries, Entry};

/// Reads objects line by line, or one after another when the first line is a bare `{`.
///
/// # Errors
/// When the first line cannot be read.
pub fn read<R: BufRead + 'static>(input: R, line: u64) -> io::Result<Entries> {
    let mut lines = Lines::new(input, line);
    let mut first = Vec::new();
    let found = lines.next(&mut first)?;
    if first.trim_ascii() == b"{" {
        first.push(b'\n');
        return Ok(Box::new(Elements::of_objects(Cursor::new(first).chain(lines.into_input()), line)));
    }
    let first = entry(line, &found, &first).map(Ok);
    Ok(Box::new(first.into_iter().chain(Objects { lines, buffer: Vec::new(), failed: false })))
}

/// What a line holds; `None`: nothing.
fn entry(line: u64, found: &Line, bytes: &[u8]) -> Option<Entry> {
    match found {
        Line::End => None,
        Line::TooLong => Some(Entry::Bad { line, why: format!("longer than {} MiB", ENTRY_BYTES_MAX >> 20) }),
        Line::Whole if bytes.trim_ascii().is_empty() => None,
        Line::Whole => Some(article::judge(line, bytes)),
    }
}

/// The objects behind the first line.
struct Objects<R> {
    lines: Lines<R>,
    buffer: Vec<u8>,
    failed: bool,
}

impl<R: BufRead> Iterator for Objects<R> {
    type Item = io::Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.failed {
            let found = match self.lines.next(&mut self.buffer) {
                Ok(Line::End) => return None,
                Ok(found) => found,
                Err(error) => {
                    self.failed = true;
                    return Some(Err(error));
                }
            };
            if let Some(entry) = entry(self.lines.number(), &found, &self.buffer) {
                return Some(Ok(entry));
            }
        }
        None
    }
}
