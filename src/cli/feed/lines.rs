//! Lines of bounded length, counted.

use std::io::{self, BufRead};

use super::ENTRY_BYTES_MAX;

/// What [`Lines::next`] found.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// A line is in the buffer, without its end (LF or CRLF).
    Whole,
    /// A line was longer than [`ENTRY_BYTES_MAX`] and skipped.
    TooLong,
    /// The input is at its end.
    End,
}

/// Reads lines and knows their numbers.
pub struct Lines<R> {
    input: R,
    /// Number of the line read last, from 1.
    number: u64,
    bytes_max: usize,
}

impl<R: BufRead> Lines<R> {
    /// `line` is the number of the first line to come.
    pub fn new(input: R, line: u64) -> Self {
        Self { input, number: line.saturating_sub(1), bytes_max: ENTRY_BYTES_MAX }
    }

    /// Number of the line read last.
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// The input behind the line read last.
    pub fn into_input(self) -> R {
        self.input
    }

    /// Reads a line into `line`, which is emptied first.
    pub fn next(&mut self, line: &mut Vec<u8>) -> io::Result<Line> {
        line.clear();
        let mut begun = false;
        let mut whole = true;
        loop {
            let chunk = match self.input.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                chunk => chunk?,
            };
            if !begun && !chunk.is_empty() {
                begun = true;
                self.number += 1;
            }
            let end = memchr::memchr(b'\n', chunk);
            let taken = end.unwrap_or(chunk.len());
            whole &= line.len() + taken <= self.bytes_max;
            if whole {
                line.extend_from_slice(&chunk[..taken]);
            } else {
                line.clear();
            }
            let at_end = chunk.is_empty();
            self.input.consume(taken + usize::from(end.is_some()));
            if end.is_some() || at_end {
                break;
            }
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok(match (begun, whole) {
            (false, _) => Line::End,
            (true, true) => Line::Whole,
            (true, false) => Line::TooLong,
        })
    }
}

/// Line feeds in `bytes`.
pub fn newlines(bytes: &[u8]) -> u64 {
    u64::try_from(memchr::memchr_iter(b'\n', bytes).count()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_bounded_and_counted() {
        let mut lines = Lines::new(io::BufReader::with_capacity(3, &b"one\r\n\ntoo long a line\nlast"[..]), 1);
        lines.bytes_max = 6;
        let mut line = Vec::new();
        let mut seen = Vec::new();
        loop {
            match lines.next(&mut line).unwrap() {
                Line::End => break,
                found => seen.push((lines.number(), found, String::from_utf8(line.clone()).unwrap())),
            }
        }
        let whole = |number, text: &str| (number, Line::Whole, text.to_owned());
        assert_eq!(seen, [whole(1, "one"), whole(2, ""), (3, Line::TooLong, String::new()), whole(4, "last")]);
    }
}
