//! Elements of a JSON array, or JSON objects in a row, one at a time.
//!
//! `serde_json` reads an array as a whole; so the elements are cut apart here, by brackets outside of strings, and
//! each is parsed by itself. An element that is not valid JSON but has its brackets in balance spoils nothing behind it.

use std::io::{self, BufRead};

use super::article;
use super::lines::newlines;
use super::{ENTRY_BYTES_MAX, Entry};

/// Where the reader stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before the opening bracket of the array.
    Before,
    /// Between elements.
    Between,
    /// Behind the array, or given up.
    Done,
}

/// The elements of an array, or objects in a row.
pub struct Elements<R> {
    input: R,
    /// The line of the byte to come.
    line: u64,
    place: Place,
    in_array: bool,
    element: Vec<u8>,
    bytes_max: usize,
}

/// The state within an element.
#[derive(Default)]
struct Cut {
    depth: u64,
    in_string: bool,
    escaped: bool,
    begun: bool,
}

impl Cut {
    /// How many bytes of `chunk` belong to the element, and whether it ends there.
    fn take(&mut self, chunk: &[u8]) -> (usize, bool) {
        for (at, byte) in chunk.iter().enumerate() {
            if self.escaped {
                self.escaped = false;
            } else if self.in_string {
                match byte {
                    b'\\' => self.escaped = true,
                    b'"' => {
                        self.in_string = false;
                        if self.depth == 0 {
                            return (at + 1, true);
                        }
                    }
                    _ => {}
                }
            } else {
                match byte {
                    b'"' => self.in_string = true,
                    b'{' | b'[' => self.depth += 1,
                    b'}' | b']' if self.depth == 0 && self.begun => return (at, true),
                    b'}' | b']' => {
                        self.depth = self.depth.saturating_sub(1);
                        if self.depth == 0 {
                            return (at + 1, true);
                        }
                    }
                    b',' | b' ' | b'\t' | b'\r' | b'\n' if self.depth == 0 => return (at, true),
                    _ => {}
                }
            }
            self.begun = true;
        }
        (chunk.len(), false)
    }
}

impl<R: BufRead> Elements<R> {
    /// The elements of the array that `input` begins with; `line` is the number of its first line.
    pub const fn of_array(input: R, line: u64) -> Self {
        Self { input, line, place: Place::Before, in_array: true, element: Vec::new(), bytes_max: ENTRY_BYTES_MAX }
    }

    /// The objects that stand one after another in `input`.
    pub const fn of_objects(input: R, line: u64) -> Self {
        Self { input, line, place: Place::Between, in_array: false, element: Vec::new(), bytes_max: ENTRY_BYTES_MAX }
    }

    /// The next byte that is neither white space nor a comma, not consumed.
    fn skip(&mut self) -> io::Result<Option<u8>> {
        loop {
            let chunk = self.input.fill_buf()?;
            let Some(first) = chunk.first().copied() else {
                return Ok(None);
            };
            match first {
                b'\n' => self.line += 1,
                b' ' | b'\t' | b'\r' | b',' => {}
                byte => return Ok(Some(byte)),
            }
            self.input.consume(1);
        }
    }

    fn step(&mut self) -> io::Result<Option<Entry>> {
        let line = self.line;
        let end = |line, why: &str| Ok(Some(Entry::Bad { line, why: why.to_owned() }));
        match (self.skip()?, self.place) {
            (_, Place::Done) => Ok(None),
            (None, _) => {
                self.place = Place::Done;
                if self.in_array { end(self.line.max(line), "the file ends before its array does") } else { Ok(None) }
            }
            (Some(_), Place::Before) => {
                self.input.consume(1);
                self.place = Place::Between;
                self.step()
            }
            (Some(b']'), Place::Between) if self.in_array => {
                self.input.consume(1);
                self.place = Place::Done;
                if self.skip()?.is_some() {
                    end(self.line, "something follows the array; it was not read")
                } else {
                    Ok(None)
                }
            }
            (Some(_), Place::Between) => self.element().map(Some),
        }
    }

    fn element(&mut self) -> io::Result<Entry> {
        let line = self.line;
        let mut cut = Cut::default();
        let mut whole = true;
        self.element.clear();
        loop {
            let chunk = self.input.fill_buf()?;
            if chunk.is_empty() {
                self.place = Place::Done;
                let why = "the file ends inside this element".to_owned();
                return Ok(Entry::Bad { line, why });
            }
            let (taken, ends) = cut.take(chunk);
            whole &= self.element.len() + taken <= self.bytes_max;
            if whole {
                self.element.extend_from_slice(&chunk[..taken]);
            } else {
                self.element.clear();
            }
            self.line += newlines(&chunk[..taken]);
            self.input.consume(taken);
            if ends {
                break;
            }
        }
        if !whole {
            let why = format!("longer than {} MiB", self.bytes_max >> 20);
            return Ok(Entry::Bad { line, why });
        }
        Ok(article::judge(line, &self.element))
    }
}

impl<R: BufRead> Iterator for Elements<R> {
    type Item = io::Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.place == Place::Done {
            return None;
        }
        self.step().inspect_err(|_| self.place = Place::Done).transpose()
    }
}
