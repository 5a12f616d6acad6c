//! Bars in a delimited table: comma, semicolon, tab or bar; with a header in any order of columns, or without one and the
//! time first. A few lines may stand above it. Fields are borrowed from the file.
//!
//! A field in double quotes may hold the delimiter, but no line break: a bar has none. A line that is cut or cannot be
//! read is a row without numbers, for cleaning to reject and count.

use super::broken::Fault;
use super::moment;
use super::number;
use super::role::{self, CLOSE, Role, VOLUME};
use super::rows::{Bars, Cells, Contest, Labels, Row, Shape};

const DELIMITERS: &[u8] = b",;\t|";
/// Lines above the table: a title, a source, a licence.
const PREAMBLE_LINES_MAX: usize = 8;
/// The longest line that is looked at for the beginning of a table.
const HEADER_BYTES_MAX: usize = 4096;
/// Columns of a table; those beyond are left out.
const COLUMNS_MAX: usize = 256;

/// What a column is read into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cell {
    Time,
    Field(usize),
    Label(Role),
    Nothing,
}

/// The bars of a table; `None` where the first lines begin none.
pub(super) fn read(bytes: &[u8]) -> Result<Option<Contest<'_>>, Fault> {
    let mut lines = Lines { rest: bytes };
    for _ in 0..PREAMBLE_LINES_MAX {
        let before = lines.rest;
        let Some(line) = lines.next() else { return Ok(None) };
        let Some(delimiter) = delimiter(line) else { continue };
        if let Some(columns) = header(line, delimiter) {
            return named(lines, delimiter, &columns).map(Some);
        }
        if is_bare(line, delimiter) {
            return bare(Lines { rest: before }, delimiter).map(Some);
        }
    }
    Ok(None)
}

/// The one that stands most often in a line, at least four times.
fn delimiter(line: &[u8]) -> Option<u8> {
    if line.len() > HEADER_BYTES_MAX {
        return None;
    }
    let count = |delimiter: u8| memchr::memchr_iter(delimiter, line).count();
    DELIMITERS.iter().copied().filter(|delimiter| count(*delimiter) > CLOSE).max_by_key(|delimiter| count(*delimiter))
}

/// What the columns of a header are read into; `None` where it does not name a time and four prices. A first column
/// without a name is the time where nothing else is.
fn header(line: &[u8], delimiter: u8) -> Option<Vec<Cell>> {
    let mut columns = Vec::new();
    let mut best = [None::<(u8, usize)>; VOLUME + 2];
    for (place, name) in Fields::new(line, delimiter).take(COLUMNS_MAX).enumerate() {
        let (role, rank) = role::role(name);
        columns.push(match role {
            Role::Symbol | Role::Exchange | Role::Interval => Cell::Label(role),
            _ => Cell::Nothing,
        });
        let part = match role {
            Role::Time => VOLUME + 1,
            Role::Field(field) => field,
            _ => continue,
        };
        if best[part].is_none_or(|(known, _)| rank < known) {
            best[part] = Some((rank, place));
        }
    }
    let first = Fields::new(line, delimiter).next()?;
    if best[VOLUME + 1].is_none() && (first.is_empty() || first.eq_ignore_ascii_case(b"index")) {
        best[VOLUME + 1] = Some((0, 0));
    }
    for (part, found) in best.iter().enumerate() {
        match found {
            Some((_, place)) => columns[*place] = if part > VOLUME { Cell::Time } else { Cell::Field(part) },
            None if part == VOLUME => {}
            None => return None,
        }
    }
    Some(columns)
}

/// Whether a line is a bar: a time and four positive numbers.
fn is_bare(line: &[u8], delimiter: u8) -> bool {
    let mut fields = Fields::new(line, delimiter);
    let has_time = fields.next().is_some_and(|field| moment::of_text(field) != moment::NONE);
    has_time && fields.by_ref().take(CLOSE + 1).filter(|field| number::parse(field) > 0.0).count() == CLOSE + 1
}

fn named<'a>(lines: Lines<'a>, delimiter: u8, columns: &[Cell]) -> Result<Contest<'a>, Fault> {
    let mut contest = Contest::default();
    let mut bars = Bars::default();
    for line in lines {
        let (mut row, mut labels) = (Row::NOTHING, Labels::default());
        for (field, cell) in Fields::new(line, delimiter).zip(columns) {
            match cell {
                Cell::Time => row.time = moment::of_text(field),
                Cell::Field(part) => row.fields[*part] = number::parse(field),
                Cell::Label(role) => labels.note(*role, field),
                Cell::Nothing => {}
            }
        }
        contest.count(1)?;
        bars.push(row, 0, &labels);
    }
    bars.shape = Shape::Table;
    contest.offer(bars);
    Ok(contest)
}

fn bare(lines: Lines<'_>, delimiter: u8) -> Result<Contest<'_>, Fault> {
    let mut contest = Contest::default();
    let mut bars = Bars::default();
    for line in lines {
        let mut cells = Cells::EMPTY;
        for field in Fields::new(line, delimiter) {
            if cells.width == 0 {
                cells.row.time = moment::of_text(field);
            }
            cells.push(|| number::parse(field));
        }
        contest.count(1)?;
        bars.push(cells.row, cells.width.max(1), &Labels::default());
    }
    bars.shape = Shape::BareTable;
    contest.offer(bars);
    Ok(contest)
}

/// Lines that are neither blank nor comments, without their ends.
struct Lines<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        while !self.rest.is_empty() {
            let end = memchr::memchr(b'\n', self.rest).unwrap_or(self.rest.len());
            let line = &self.rest[..end];
            self.rest = self.rest.get(end + 1..).unwrap_or_default();
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if !line.trim_ascii_start().is_empty() && line[0] != b'#' {
                return Some(line);
            }
        }
        None
    }
}

/// The fields of a line, without quotes and blanks around them.
struct Fields<'a> {
    rest: Option<&'a [u8]>,
    delimiter: u8,
}

impl<'a> Fields<'a> {
    fn new(line: &'a [u8], delimiter: u8) -> Self {
        Self { rest: Some(line), delimiter }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest?;
        let from = match rest.first() {
            Some(b'"') => memchr::memchr(b'"', &rest[1..]).map_or(0, |quote| quote + 2),
            _ => 0,
        };
        let end = rest[from..].iter().position(|byte| *byte == self.delimiter).map_or(rest.len(), |end| from + end);
        self.rest = rest.get(end + 1..);
        let field = rest[..end].trim_ascii();
        Some(field.strip_prefix(b"\"").and_then(|field| field.strip_suffix(b"\"")).unwrap_or(field))
    }
}
