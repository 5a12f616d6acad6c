//! An object that is being read: a bar, the wrapping of one, or a list for each field.

use super::broken::Fault;
use super::literal::Found;
use super::moment;
use super::role::{CLOSE, Role, VOLUME};
use super::rows::{Bars, FIELDS, Labels, ROWS_MAX, Row, Shape};
use super::token::Scalar;

/// An object that is being read.
pub(super) struct Object<'a> {
    row: Row,
    /// The rank of the key that each part was taken from; [`UNSEEN`] where none was. The time is the last.
    ranks: [u8; VOLUME + 2],
    pub labels: Labels<'a>,
    pub aside: Labels<'a>,
    inner: Option<(Row, Labels<'a>)>,
    inner_count: usize,
    pub indexed: Bars<'a>,
    pub columns: Option<Box<Columns>>,
}

/// What else than a market stands under `s`.
const STATUSES: &[&[u8]] = &[b"ok", b"no_data", b"error", b"success"];
/// No key had this part.
const UNSEEN: u8 = u8::MAX;
const TIME: usize = VOLUME + 1;

impl Default for Object<'_> {
    fn default() -> Self {
        Self {
            row: Row::NOTHING,
            ranks: [UNSEEN; VOLUME + 2],
            labels: Labels::default(),
            aside: Labels::default(),
            inner: None,
            inner_count: 0,
            indexed: Bars::default(),
            columns: None,
        }
    }
}

impl<'a> Object<'a> {
    pub fn scalar(&mut self, role: Role, rank: u8, scalar: Scalar<'a>, key: &[u8], written: &'a [u8]) {
        match role {
            Role::Time if rank < self.ranks[TIME] => {
                self.row.time = scalar.time();
                self.ranks[TIME] = rank;
            }
            Role::Field(field) if rank < self.ranks[field] => {
                self.row.fields[field] = scalar.number();
                self.ranks[field] = rank;
            }
            Role::Symbol | Role::Exchange | Role::Interval => {
                let text = if let Scalar::Text(text) = scalar { text } else { written };
                // A letter is also a status (`s`) or a counter (`i`).
                let is_said = match scalar {
                    Scalar::Word => false,
                    Scalar::Text(text) => key.len() > 1 || !STATUSES.contains(&text),
                    Scalar::Number(_) => key.len() > 1,
                };
                if is_said {
                    self.labels.note(role, text);
                }
            }
            _ => {}
        }
    }

    pub fn inner(&mut self, row: Row, labels: Labels<'a>) {
        self.inner = Some((row, labels));
        self.inner_count += 1;
    }

    pub fn index(&mut self, mut row: Row, key: &[u8], labels: &Labels<'a>) {
        row.time = moment::of_text(key);
        self.indexed.push(row, 0, labels);
    }

    pub fn found(self) -> Found<'a> {
        let has_prices = self.ranks[..=CLOSE].iter().all(|rank| *rank != UNSEEN);
        let has_time = self.ranks[TIME] != UNSEEN;
        match self.inner {
            _ if has_prices && has_time => Found::Row(self.row, 0, self.labels),
            Some((row, mut labels)) if self.inner_count == 1 => {
                labels.fill(self.labels);
                Found::Row(row, 0, labels)
            }
            _ if has_prices => Found::Untimed(self.row, self.labels),
            _ => {
                let mut labels = self.labels;
                labels.fill(self.aside);
                Found::Nothing(labels)
            }
        }
    }
}

/// Takes the next value of a column, and its key where it has one.
pub(super) type Take<'c, 'a> = dyn FnMut(Option<&'a [u8]>, Scalar<'a>) + 'c;

/// Lists by their role.
#[derive(Default)]
pub(super) struct Columns {
    /// Keys of the values, as times.
    index: Vec<i64>,
    times: Vec<i64>,
    fields: [Vec<f64>; VOLUME + 1],
    ranks: [Option<u8>; VOLUME + 2],
}

impl Columns {
    /// Reads a column by `read`; one that is surer of its role replaces another. What is longer than [`ROWS_MAX`] is
    /// kept one longer, so that it shows.
    pub fn take<'a>(
        &mut self,
        role: Role,
        rank: u8,
        read: impl FnOnce(&mut Take<'_, 'a>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let place = if let Role::Field(field) = role { field } else { TIME };
        if self.ranks[place].is_some_and(|known| known <= rank) {
            return read(&mut |_, _| {});
        }
        self.ranks[place] = Some(rank);
        if let Some(column) = self.fields.get_mut(place) {
            column.clear();
            read(&mut |key, scalar| {
                if column.len() <= ROWS_MAX {
                    if let Some(key) = key.filter(|_| self.index.len() == column.len()) {
                        self.index.push(moment::of_text(key));
                    }
                    column.push(scalar.number());
                }
            })
        } else {
            self.times.clear();
            read(&mut |_, scalar| {
                if self.times.len() <= ROWS_MAX {
                    self.times.push(scalar.time());
                }
            })
        }
    }

    /// The length of the longest, where it has a time and four prices.
    pub fn rows(&self) -> usize {
        let is_whole = self.ranks[..=CLOSE].iter().all(Option::is_some) && !self.times().is_empty();
        let longest = self.fields.iter().map(Vec::len).max().unwrap_or_default().max(self.times().len());
        if is_whole { longest } else { 0 }
    }

    fn times(&self) -> &[i64] {
        if self.ranks[TIME].is_some() { &self.times } else { &self.index }
    }

    /// Where one column is shorter, the rows beyond its end have no number there.
    pub fn bars<'a>(&self) -> Bars<'a> {
        let row = |place: usize| {
            let mut row = Row { time: self.times().get(place).copied().unwrap_or(moment::NONE), ..Row::NOTHING };
            for (slot, column) in row.fields[..FIELDS - 1].iter_mut().zip(&self.fields) {
                *slot = column.get(place).copied().unwrap_or(f64::NAN);
            }
            row
        };
        let rows = (0..self.rows()).map(row).collect();
        Bars { rows, shape: Shape::Columns, ..Bars::default() }
    }
}
