//! What a file says before it is judged: rows of numbers, and labels. The lists of a file compete: the one with the most
//! rows is the series, and the rows of the others are counted.

use super::broken::Fault;
use super::clean::BARS_MIN;
use super::moment;
use super::role::Role;

/// Rows of one file, over all its lists. A row takes 56 bytes, so that they are at most 56 MB.
pub const ROWS_MAX: usize = 1_000_000;
/// Numbers of a row that are kept, its time aside.
pub(super) const FIELDS: usize = 6;
/// Scalars of a list that may be a row: a longer list is something else.
const WIDTH_MAX: usize = 16;
/// A time and four prices.
const WIDTH_MIN: usize = 5;

/// One bar as the file has it. A number that cannot be read is `NaN`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Row {
    /// Milliseconds; [`moment::NONE`] where it cannot be read.
    pub time: i64,
    /// Open, high, low, close, volume; of a list without names, what stands behind its time, in its order.
    pub fields: [f64; FIELDS],
}

impl Row {
    pub const NOTHING: Self = Self { time: moment::NONE, fields: [f64::NAN; FIELDS] };
}

/// A row that is being read from a list without names.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cells {
    pub row: Row,
    pub width: usize,
}

impl Cells {
    pub const EMPTY: Self = Self { row: Row::NOTHING, width: 0 };

    /// The next number.
    pub fn push(&mut self, number: impl FnOnce() -> f64) {
        if let Some(slot) = self.width.checked_sub(1).and_then(|place| self.row.fields.get_mut(place)) {
            *slot = number();
        }
        self.width += 1;
    }

    /// Whether so many scalars may be a bar.
    pub fn is_row(&self) -> bool {
        (WIDTH_MIN..=WIDTH_MAX).contains(&self.width)
    }
}

/// What is said about the market, as the file writes it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Labels<'a> {
    pub symbol: Option<&'a [u8]>,
    pub exchange: Option<&'a [u8]>,
    pub interval: Option<&'a [u8]>,
}

impl<'a> Labels<'a> {
    /// Takes what a key says; what was said before stays.
    pub fn note(&mut self, role: Role, text: &'a [u8]) {
        let slot = match role {
            Role::Symbol => &mut self.symbol,
            Role::Exchange => &mut self.exchange,
            Role::Interval => &mut self.interval,
            _ => return,
        };
        if slot.is_none() && !text.is_empty() {
            *slot = Some(text);
        }
    }

    /// Takes from `other` what is not said yet.
    pub fn fill(&mut self, other: Self) {
        self.symbol = self.symbol.or(other.symbol);
        self.exchange = self.exchange.or(other.exchange);
        self.interval = self.interval.or(other.interval);
    }

    fn contradicts(&self, other: &Self) -> bool {
        let differ = |one: Option<&[u8]>, two: Option<&[u8]>| one.is_some() && two.is_some() && one != two;
        differ(self.symbol, other.symbol)
            || differ(self.exchange, other.exchange)
            || differ(self.interval, other.interval)
    }
}

/// How the bars of a file are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Shape {
    /// Lists of numbers.
    #[default]
    Arrays,
    /// Objects with named fields.
    Objects,
    /// An object with a list for each field.
    Columns,
    /// A delimited table with a header.
    Table,
    /// A delimited table without one.
    BareTable,
}

impl Shape {
    /// Whether names say what the numbers are.
    pub(super) fn is_named(self) -> bool {
        matches!(self, Self::Objects | Self::Columns | Self::Table)
    }
}

/// A list of rows.
#[derive(Debug, Default)]
pub(super) struct Bars<'a> {
    pub rows: Vec<Row>,
    pub shape: Shape,
    /// Scalars of a row, its time included; of named fields, 0.
    pub width: usize,
    pub labels: Labels<'a>,
    /// Elements between the rows that are none.
    pub odd: usize,
    /// The first row whose labels say something else than those before it, from 1.
    pub contradiction: Option<usize>,
}

impl<'a> Bars<'a> {
    /// Adds a row. Of a row that is written otherwise than the first, nothing is believed.
    pub fn push(&mut self, row: Row, width: usize, labels: &Labels<'a>) {
        if self.rows.is_empty() {
            self.shape = if width == 0 { Shape::Objects } else { Shape::Arrays };
            self.width = width;
        }
        let is_alike = (self.width == 0) == (width == 0);
        self.rows.push(if is_alike { row } else { Row::NOTHING });
        if *labels != self.labels {
            if self.contradiction.is_none() && self.labels.contradicts(labels) {
                self.contradiction = Some(self.rows.len());
            }
            self.labels.fill(*labels);
        }
    }

    /// Adds the rows of another list behind its own.
    pub fn append(&mut self, mut other: Self) {
        if self.rows.is_empty() {
            other.odd += self.odd;
            *self = other;
            return;
        }
        for row in other.rows {
            self.push(row, other.width, &other.labels);
        }
        self.odd += other.odd;
        self.contradiction = self.contradiction.or(other.contradiction);
    }

    /// Rows whose time can be read: more of them make the better list.
    fn worth(&self) -> usize {
        self.rows.iter().filter(|row| row.time != moment::NONE).count()
    }
}

/// The best list so far.
#[derive(Debug, Default)]
pub(super) struct Contest<'a> {
    /// The list.
    pub best: Bars<'a>,
    worth: usize,
    /// How many lists were better than all before them.
    pub wins: usize,
    /// Rows of all lists.
    pub rows: usize,
    /// Lists that are long enough for a series.
    pub lists: usize,
    /// Whether two such lists are of two markets.
    pub is_mixed: bool,
    /// The market of the list that was the best before.
    displaced: Option<&'a [u8]>,
}

impl<'a> Contest<'a> {
    /// Counts rows, in whatever list.
    pub fn count(&mut self, rows: usize) -> Result<(), Fault> {
        self.rows += rows;
        if self.rows > ROWS_MAX { Err(Fault::TooManyRows) } else { Ok(()) }
    }

    /// Takes a finished list where it is better.
    pub fn offer(&mut self, bars: Bars<'a>) {
        let worth = bars.worth();
        self.lists += usize::from(worth >= BARS_MIN);
        if worth > self.worth {
            self.settle();
            self.displaced = self.best.labels.symbol.filter(|_| self.worth >= BARS_MIN);
            (self.best, self.worth) = (bars, worth);
            self.wins += 1;
        } else if worth >= BARS_MIN {
            self.lost(bars.labels.symbol);
        }
    }

    /// Takes the market of a list that is not the best.
    pub fn lost(&mut self, symbol: Option<&[u8]>) {
        self.is_mixed |= symbol.is_some() && self.best.labels.symbol.is_some() && symbol != self.best.labels.symbol;
    }

    /// Holds the best list against the one before, once its market is known.
    pub fn settle(&mut self) {
        self.lost(self.displaced);
    }
}
