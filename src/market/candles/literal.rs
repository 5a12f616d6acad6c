//! Bars in JSON, in JSON of one value a line, and in Python's literals, whatever they are wrapped in.
//!
//! # What is a bar
//! A list of 5 to 16 values without parts, the time first; an object with a time and four prices; an object that holds
//! exactly one such object, as streams send it (`{"k":{…}}`); an object of four prices under a key that is a time. A list
//! of bars is a candidate wherever it stands, and so is an object with a list for each field, or with an object of values
//! by their times (pandas): venues wrap them in `data`, `result.list` or the symbol's own name, and new ones need no line
//! here.
//!
//! # Which labels belong to it
//! Those in the bar, then what stands around it, the nearest first: the key of the list where it is the name of a market,
//! the labels of the object, and those of its other parts (`"meta":{…}`).
//!
//! # Pages
//! Lists of bars one behind another, outside of every bracket, are pages of one list. Where several lists stand inside of
//! something, the best is read, and two that name two markets are refused.
//!
//! Limits: [`DEPTH_MAX`], [`ROWS_MAX`](super::rows::ROWS_MAX). One pass, no tree.

use super::broken::Fault;
use super::name;
use super::object::{Object, Take};
use super::role::{self, Ranked, Role};
use super::rows::{Bars, Cells, Contest, Labels, Row};
use super::token::{Cursor, Scalar};

/// Brackets inside brackets. A walk needs some hundred bytes of stack for each.
const DEPTH_MAX: usize = 24;
const TOO_DEEP: &str = "nested deeper than 24 lists and objects";
/// Brackets of a text that may begin no literal: beyond, it is another kind of file.
const FAILURES_MAX: usize = 10_000;
/// Keys of an object whose roles are remembered for the next one, which most often has the same.
const KEYS_MAX: usize = 32;

/// What a value turned out to be.
pub(super) enum Found<'a> {
    Scalar(Scalar<'a>),
    /// A bar: its width (0 for named fields) and what it says about the market.
    Row(Row, usize, Labels<'a>),
    /// Four prices under a key that may be their time.
    Untimed(Row, Labels<'a>),
    /// A list of bars outside of every bracket.
    Page(Box<Bars<'a>>),
    /// None of these; the labels that stand in it.
    Nothing(Labels<'a>),
}

/// The best list of bars in a stream of values, and the number of rows of all.
pub(super) fn read(bytes: &[u8]) -> Result<Contest<'_>, Fault> {
    let mut walk = Walk { has_pages: true, ..Walk::new(bytes) };
    let mut loose = Loose::default();
    while walk.cursor.peek().is_some() {
        walk.top(&mut loose)?;
    }
    Ok(walk.end(loose))
}

/// The best list of bars in the literals of a text that is something else beside: a program, or a recorded exchange.
/// `None` where it has no literal.
pub(super) fn search(bytes: &[u8]) -> Result<Option<Contest<'_>>, Fault> {
    let mut walk = Walk::new(bytes);
    let mut loose = Loose::default();
    let (mut found, mut failures) = (false, 0);
    while let Some(start) = next_literal(bytes, walk.cursor.at) {
        walk.cursor.at = start;
        match walk.top(&mut loose) {
            Ok(()) => found = true,
            // Brackets that are no literal. At most DEPTH_MAX of them are open where it fails, so that no byte is read
            // more often than that.
            Err(Fault::Malformed(..)) if failures < FAILURES_MAX => {
                failures += 1;
                walk.cursor.at = start + 1;
            }
            Err(fault) => return Err(fault),
        }
    }
    // What stands between the literals is not meant to be bars.
    loose.bars.odd = 0;
    Ok(found.then(|| walk.end(loose)))
}

/// Where a list of lists or an object with a quoted key begins, from `from` on.
fn next_literal(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        at += memchr::memchr3(b'[', b'(', b'{', bytes.get(at..)?)?;
        let inner = Cursor { bytes, at: at + 1 }.peek();
        let begins = if bytes[at] == b'{' { b"\"'".as_slice() } else { b"[({".as_slice() };
        if inner.is_some_and(|byte| begins.contains(&byte)) {
            return Some(at);
        }
        at += 1;
    }
}

/// What stands outside of every bracket.
#[derive(Default)]
struct Loose<'a> {
    bars: Bars<'a>,
    aside: Labels<'a>,
}

struct Walk<'a> {
    cursor: Cursor<'a>,
    contest: Contest<'a>,
    /// Whether lists outside of every bracket are the pages of one list.
    has_pages: bool,
    keys: Vec<(&'a [u8], Ranked)>,
}

impl<'a> Walk<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { cursor: Cursor { bytes, at: 0 }, contest: Contest::default(), has_pages: false, keys: Vec::new() }
    }

    fn top(&mut self, loose: &mut Loose<'a>) -> Result<(), Fault> {
        let wins = self.contest.wins;
        match self.value(0)? {
            Found::Row(row, width, labels) => {
                self.contest.count(1)?;
                loose.bars.push(row, width, &labels);
            }
            Found::Nothing(labels) => {
                loose.aside.fill(labels);
                loose.bars.odd += usize::from(self.contest.wins == wins && labels == Labels::default());
            }
            Found::Page(bars) => loose.bars.append(*bars),
            Found::Scalar(_) | Found::Untimed(..) => loose.bars.odd += 1,
        }
        Ok(())
    }

    fn end(mut self, loose: Loose<'a>) -> Contest<'a> {
        self.contest.offer(loose.bars);
        self.contest.best.labels.fill(loose.aside);
        self.contest.settle();
        self.contest
    }

    fn value(&mut self, depth: usize) -> Result<Found<'a>, Fault> {
        let first = self.cursor.peek();
        if !matches!(first, Some(b'{' | b'[' | b'(')) {
            return self.cursor.scalar().map(Found::Scalar);
        }
        if depth == DEPTH_MAX {
            return Err(self.cursor.malformed(TOO_DEEP));
        }
        if first == Some(b'{') { self.object(depth) } else { self.list(depth) }
    }

    fn list(&mut self, depth: usize) -> Result<Found<'a>, Fault> {
        let close = self.cursor.open();
        let (mut bars, mut cells, mut aside) = (Bars::default(), Cells::EMPTY, Labels::default());
        while !self.cursor.closes(close)? {
            match self.value(depth + 1)? {
                Found::Scalar(scalar) if cells.width == 0 => {
                    cells.row.time = scalar.time();
                    cells.width = 1;
                }
                Found::Scalar(scalar) => cells.push(|| scalar.number()),
                Found::Row(row, width, labels) => {
                    self.contest.count(1)?;
                    bars.push(row, width, &labels);
                }
                Found::Untimed(row, labels) => {
                    self.contest.count(1)?;
                    bars.push(row, 0, &labels);
                }
                Found::Nothing(labels) => {
                    bars.odd += 1;
                    aside.fill(labels);
                }
                Found::Page(_) => {}
            }
            self.cursor.separate(close)?;
        }
        if bars.rows.is_empty() {
            let row = Found::Row(cells.row, cells.width, Labels::default());
            return Ok(if cells.is_row() && bars.odd == 0 { row } else { Found::Nothing(aside) });
        }
        bars.odd += cells.width;
        if depth == 0 && self.has_pages {
            return Ok(Found::Page(Box::new(bars)));
        }
        self.contest.offer(bars);
        Ok(Found::Nothing(aside))
    }

    fn object(&mut self, depth: usize) -> Result<Found<'a>, Fault> {
        let close = self.cursor.open();
        let (wins, lists) = (self.contest.wins, self.contest.lists);
        let mut object = Object::default();
        let mut place = 0;
        while !self.cursor.closes(close)? {
            let key = self.cursor.key()?;
            let (role, rank) = self.role(place, key);
            place += 1;
            let first = self.cursor.peek();
            let is_part = matches!(role, Role::Time | Role::Field(_));
            if is_part && matches!(first, Some(b'[' | b'(' | b'{')) && self.is_column() {
                object.columns.get_or_insert_default().take(role, rank, |into| self.column(depth + 1, into))?;
            } else {
                let (start, won, before) = (self.cursor.at, self.contest.wins, self.contest.lists);
                match self.value(depth + 1)? {
                    Found::Scalar(scalar) => {
                        object.scalar(role, rank, scalar, key, &self.cursor.bytes[start..self.cursor.at]);
                    }
                    Found::Row(row, 0, labels) => object.inner(row, labels),
                    Found::Row(..) | Found::Page(_) => {}
                    Found::Untimed(row, labels) => {
                        self.contest.count(1)?;
                        object.index(row, key, &labels);
                    }
                    Found::Nothing(labels) => object.aside.fill(labels),
                }
                if self.contest.lists > before && name::is_market(key) {
                    if self.contest.wins > won {
                        self.contest.best.labels.note(Role::Symbol, key);
                    } else {
                        self.contest.lost(Some(key));
                    }
                }
            }
            self.cursor.separate(close)?;
        }
        self.close(object, wins, lists)
    }

    /// What an object is, once all of it is read; `wins` and `lists` are from before it.
    fn close(&mut self, mut object: Object<'a>, wins: usize, lists: usize) -> Result<Found<'a>, Fault> {
        if let Some(columns) = object.columns.take() {
            self.contest.count(columns.rows())?;
            self.contest.offer(columns.bars());
        }
        if !object.indexed.rows.is_empty() {
            self.contest.offer(std::mem::take(&mut object.indexed));
        }
        if self.contest.wins > wins {
            self.contest.best.labels.fill(object.labels);
            self.contest.best.labels.fill(object.aside);
            return Ok(Found::Nothing(Labels::default()));
        }
        if self.contest.lists > lists {
            self.contest.lost(object.labels.symbol);
            return Ok(Found::Nothing(Labels::default()));
        }
        Ok(object.found())
    }

    /// The role of the key at this place of its object.
    fn role(&mut self, place: usize, key: &'a [u8]) -> Ranked {
        match self.keys.get(place) {
            Some((known, role)) if *known == key => *role,
            _ => {
                let role = role::role(key);
                if let Some(slot) = self.keys.get_mut(place) {
                    *slot = (key, role);
                } else if place == self.keys.len() && place < KEYS_MAX {
                    self.keys.push((key, role));
                }
                role
            }
        }
    }

    /// Whether the brackets that open here begin with a value without parts.
    fn is_column(&self) -> bool {
        let mut inner = self.cursor;
        let is_keyed = inner.open() == b'}';
        (!is_keyed || inner.key().is_ok()) && !matches!(inner.peek(), Some(b'[' | b'(' | b'{'))
    }

    /// Reads a list of values, or an object of them by their keys. One that has parts is no number.
    fn column(&mut self, depth: usize, into: &mut Take<'_, 'a>) -> Result<(), Fault> {
        let close = self.cursor.open();
        while !self.cursor.closes(close)? {
            let key = if close == b'}' { Some(self.cursor.key()?) } else { None };
            let scalar = if let Found::Scalar(scalar) = self.value(depth)? { scalar } else { Scalar::Word };
            into(key, scalar);
            self.cursor.separate(close)?;
        }
        Ok(())
    }
}
