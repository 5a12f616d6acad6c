//! CSV with a header, one row at a time.
//!
//! # Why `csv-core` and not `csv`
//! `csv` collects a row however long it gets, so one quote that is never closed takes the rest of the file into memory, and
//! it does not tell that the quote was never closed. Its own core, fed line by line, lets both be seen.
//!
//! Columns by name, case and surrounding space ignored; the first of these that the header has:
//! id: `id, guid, article_id, uuid`; title: `title, headline`; body: `body, content, text, article, description, summary`;
//! publisher: `publisher, source, source_name, site`; url: `url, link, href`; `published_at`: `published_at, published, date, pubdate,
//! publish_date, datetime, timestamp, time, created_at`. Separators: comma, semicolon, tab, whichever the header has most of.

use std::io::{self, BufRead};

use csv_core::{ReadRecordResult, Reader, ReaderBuilder, Terminator};

use super::article::Fields;
use super::lines::{Line, Lines};
use super::{ENTRY_BYTES_MAX, Entry, Error};

/// More columns are not a table of articles.
const COLUMNS_MAX: usize = 1_024;

/// Names of the six fields, the best first.
const NAMES: [&[&str]; 6] = [
    &["id", "guid", "article_id", "uuid"],
    &["title", "headline"],
    &["body", "content", "text", "article", "description", "summary"],
    &["publisher", "source", "source_name", "site"],
    &["url", "link", "href"],
    &["published_at", "published", "date", "pubdate", "publish_date", "datetime", "timestamp", "time", "created_at"],
];

/// The rows of a table.
pub struct Rows<R> {
    source: Source<R>,
    /// Column of each of the six fields.
    columns: [Option<usize>; 6],
    width: usize,
    failed: bool,
}

/// What a try to read a row gave.
enum Row {
    /// The row that begins on this line is in the buffers.
    Whole(u64),
    Broken(u64, String),
    End,
}

/// Rows as bytes.
struct Source<R> {
    lines: Lines<R>,
    core: Reader,
    line: Vec<u8>,
    /// The fields of the row, one after another.
    output: Vec<u8>,
    /// Where each field ends in `output`.
    ends: Vec<usize>,
    fields: usize,
    bytes_max: usize,
}

impl<R: BufRead> Rows<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// When the header cannot be read or names no body.
    pub fn new(input: R, line: u64) -> Result<Self, Error> {
        let mut lines = Lines::new(input, line);
        let mut header = Vec::new();
        if lines.next(&mut header)? != Line::Whole {
            return Err(Error::Format("the first line is too long for a CSV header".to_owned()));
        }
        let count = |separator: u8| memchr::memchr_iter(separator, &header).count();
        let delimiter = [b'\t', b';', b','].into_iter().max_by_key(|separator| count(*separator)).unwrap_or(b',');
        let core = ReaderBuilder::new().delimiter(delimiter).terminator(Terminator::Any(b'\n')).build();
        let mut source = Source {
            lines,
            core,
            line: header,
            output: vec![0; 1 << 14],
            ends: vec![0; COLUMNS_MAX],
            fields: 0,
            bytes_max: ENTRY_BYTES_MAX,
        };
        let Row::Whole(_) = source.row(true)? else {
            return Err(Error::Format("neither JSON nor a feed, and its first line is no CSV header".to_owned()));
        };
        let names: Vec<String> =
            (0..source.fields).map(|at| String::from_utf8_lossy(source.field(at)).trim().to_lowercase()).collect();
        let column = |known: &[&str]| known.iter().find_map(|name| names.iter().position(|column| column == name));
        let columns = NAMES.map(column);
        if columns[2].is_none() {
            let why = "neither JSON nor a feed, and its first line is no CSV header that names a body, content or text";
            return Err(Error::Format(why.to_owned()));
        }
        Ok(Self { columns, width: source.fields, source, failed: false })
    }

    fn entry(&self, line: u64) -> Entry {
        let width = self.source.fields;
        if width != self.width {
            let why = format!("{width} fields, but the header has {}", self.width);
            return Entry::Bad { line, why };
        }
        let text = |field: usize| -> Result<String, std::str::Utf8Error> {
            let bytes = self.columns[field].map_or(&b""[..], |column| self.source.field(column));
            Ok(std::str::from_utf8(bytes)?.trim().to_owned())
        };
        let fields = || -> Result<Fields, std::str::Utf8Error> {
            Ok(Fields {
                id: text(0)?,
                title: text(1)?,
                body: text(2)?,
                publisher: text(3)?,
                url: text(4)?,
                published_at: text(5)?,
            })
        };
        match fields() {
            Err(error) => Entry::Bad { line, why: format!("not UTF-8: {error}") },
            Ok(fields)
                if fields.id.is_empty()
                    && fields.url.is_empty()
                    && fields.title.is_empty()
                    && fields.body.is_empty() =>
            {
                Entry::Bad { line, why: "no id, url, title or body".to_owned() }
            }
            Ok(fields) => fields.into_entry(line),
        }
    }
}

impl<R: BufRead> Source<R> {
    fn field(&self, at: usize) -> &[u8] {
        let from = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.output[from..self.ends[at]]
    }

    /// Reads a row; `loaded`: its first line is in the buffer already.
    fn row(&mut self, loaded: bool) -> io::Result<Row> {
        let mut begun = None;
        let (mut used, mut ended) = (0, 0);
        let mut loaded = loaded;
        loop {
            let found = if loaded { Line::Whole } else { self.lines.next(&mut self.line)? };
            loaded = false;
            let here = self.lines.number();
            match (found, begun) {
                (Line::End, None) => return Ok(Row::End),
                (Line::End, Some(line)) => {
                    self.core.reset();
                    return Ok(Row::Broken(
                        line,
                        format!("a quoted field is never closed; it took the {} lines behind it along", here - line),
                    ));
                }
                (Line::TooLong, _) => {
                    self.core.reset();
                    return Ok(Row::Broken(begun.unwrap_or(here), format!("longer than {} MiB", self.bytes_max >> 20)));
                }
                (Line::Whole, None) if self.line.trim_ascii().is_empty() => continue,
                (Line::Whole, _) => {}
            }
            let line = *begun.get_or_insert(here);
            self.line.push(b'\n');
            let mut fed = 0;
            while fed < self.line.len() {
                let (result, read, written, fields) =
                    self.core.read_record(&self.line[fed..], &mut self.output[used..], &mut self.ends[ended..]);
                fed += read;
                used += written;
                ended += fields;
                match result {
                    ReadRecordResult::InputEmpty => break,
                    ReadRecordResult::OutputFull if self.output.len() < self.bytes_max => {
                        self.output.resize((self.output.len() * 2).min(self.bytes_max), 0);
                    }
                    ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                        self.core.reset();
                        let why = format!(
                            "more than {} MiB or {COLUMNS_MAX} fields; is a quote not closed?",
                            self.bytes_max >> 20
                        );
                        return Ok(Row::Broken(line, why));
                    }
                    ReadRecordResult::Record | ReadRecordResult::End => {
                        self.fields = ended;
                        return Ok(Row::Whole(line));
                    }
                }
            }
        }
    }
}

impl<R: BufRead> Iterator for Rows<R> {
    type Item = io::Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        match self.source.row(false) {
            Ok(Row::End) => None,
            Ok(Row::Whole(line)) => Some(Ok(self.entry(line))),
            Ok(Row::Broken(line, why)) => Some(Ok(Entry::Bad { line, why })),
            Err(error) => {
                self.failed = true;
                Some(Err(error))
            }
        }
    }
}
