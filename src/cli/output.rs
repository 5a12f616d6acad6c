//! Prints results (tables, or JSON) and progress (bars on a terminal, lines elsewhere).
//!
//! Everything from outside is shown without control characters: a headline must not move the cursor of whoever reads it.

use std::borrow::Cow;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

/// Widest column of a table; what is longer is cut.
const COLUMN_CHARS_MAX: usize = 60;
/// Time between two lines of progress where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// Redraws of a bar in a second.
const DRAWS_PER_SECOND: u8 = 10;

/// A result with named columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    columns: Vec<&'static str>,
    rows: Vec<Vec<String>>,
    open_ended: bool,
}

impl Table {
    /// Without rows yet.
    #[must_use]
    pub fn new(columns: &[&'static str]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new(), open_ended: false }
    }

    /// The same, whose last column is never cut.
    #[must_use]
    pub fn open_ended(self) -> Self {
        Self { open_ended: true, ..self }
    }

    /// Adds a row, a cell for each column.
    ///
    /// # Panics
    /// Where there are more or fewer cells than columns.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        assert_eq!(N, self.columns.len(), "a cell for each column");
        let cut = N.saturating_sub(usize::from(self.open_ended));
        let shown =
            |(index, cell): (usize, String)| if index < cut { fitted(&cell) } else { harmless(&cell) }.into_owned();
        let row = cells.into_iter().enumerate().map(shown).collect();
        self.rows.push(row);
    }

    /// Writes the columns under each other; numbers to the right.
    ///
    /// # Errors
    /// The output cannot be written.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let column = |index: usize| self.rows.iter().map(move |row| row[index].as_str());
        let shapes: Vec<(usize, bool)> = self
            .columns
            .iter()
            .enumerate()
            .map(|(index, head)| {
                let width = column(index).map(width).max().unwrap_or(0).max(width(head));
                let numbers = !self.rows.is_empty() && column(index).all(is_number);
                (width, numbers)
            })
            .collect();
        let heads = self.columns.iter().map(|head| (*head).to_owned()).collect();
        for row in std::iter::once(&heads).chain(&self.rows) {
            let cells: Vec<String> = row.iter().zip(&shapes).map(|(cell, shape)| padded(cell, *shape)).collect();
            writeln!(out, "{}", cells.join("  ").trim_end())?;
        }
        Ok(())
    }
}

/// Writes a result as one JSON value and a line break.
///
/// # Errors
/// The output cannot be written.
pub fn write_json(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    writeln!(out)
}

/// A text from outside, for a terminal: control characters are replaced.
#[must_use]
pub fn harmless(text: &str) -> Cow<'_, str> {
    if text.contains(char::is_control) {
        return text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    }
    text.into()
}

fn fitted(text: &str) -> Cow<'_, str> {
    let text = harmless(text);
    match text.char_indices().nth(COLUMN_CHARS_MAX) {
        Some(_) => text.chars().take(COLUMN_CHARS_MAX - 1).chain(['…']).collect(),
        None => text,
    }
}

fn padded(cell: &str, (columns, to_the_right): (usize, bool)) -> String {
    let space = " ".repeat(columns.saturating_sub(width(cell)));
    if to_the_right { format!("{space}{cell}") } else { format!("{cell}{space}") }
}

/// Terminal columns, with two for the letters of East Asian scripts and emoji.
fn width(text: &str) -> usize {
    text.chars()
        .map(|letter| match u32::from(letter) {
            0x0300..=0x036F | 0x200B..=0x200F | 0xFE00..=0xFE0F => 0,
            0x1100..=0x115F
            | 0x2E80..=0xA4CF
            | 0xAC00..=0xD7A3
            | 0xF900..=0xFAFF
            | 0xFE30..=0xFE6F
            | 0xFF00..=0xFF60
            | 0xFFE0..=0xFFE6
            | 0x1F300..=0x1FAFF
            | 0x20000..=0x3FFFD => 2,
            _ => 1,
        })
        .sum()
}

fn is_number(cell: &str) -> bool {
    let digits = cell.trim_start_matches(['$', '-', '−', '+']).trim_end_matches(['%', 's']);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit() || b".,".contains(&byte))
}

/// How far something is, on standard error.
#[derive(Debug)]
pub struct Progress {
    what: &'static str,
    done: u64,
    total: Option<u64>,
    shown: Shown,
}

#[derive(Debug)]
enum Shown {
    Bar(ProgressBar),
    Lines { last: Instant },
}

impl Progress {
    /// Begins to count `what` (`articles`), of which there are `total` where that is known. `terminal`: whether standard
    /// error is one.
    #[must_use]
    pub fn new(what: &'static str, total: Option<u64>, terminal: bool) -> Self {
        let shown = if terminal { Shown::Bar(bar(what, total)) } else { Shown::Lines { last: Instant::now() } };
        Self { what, done: 0, total, shown }
    }

    /// So many more are done.
    pub fn add(&mut self, count: u64) {
        self.done = self.done.saturating_add(count);
        match &mut self.shown {
            Shown::Bar(bar) => bar.set_position(self.done),
            Shown::Lines { last } if last.elapsed() >= LINE_EVERY => {
                *last = Instant::now();
                self.line();
            }
            Shown::Lines { .. } => {}
        }
    }

    /// Shows a line that stays, above the bar.
    pub fn say(&self, text: &str) {
        let text = harmless(text);
        match &self.shown {
            Shown::Bar(bar) => bar.println(text),
            Shown::Lines { .. } => complain(&text),
        }
    }

    /// Ends with a last line.
    pub fn finish(self) {
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
        self.line();
    }

    fn line(&self) {
        match self.total {
            Some(total) => complain(&format!("{} of {total} {}", self.done, self.what)),
            None => complain(&format!("{} {}", self.done, self.what)),
        }
    }
}

/// How something stands that others work on, on standard error: a bar that is drawn again, or a line for each change.
#[derive(Debug)]
pub struct Live {
    bar: Option<ProgressBar>,
    said: String,
}

impl Live {
    /// Shows nothing yet. `terminal`: whether standard error is one.
    #[must_use]
    pub fn new(terminal: bool) -> Self {
        let template = "{wide_bar} {pos}/{len}  {elapsed}\n{msg}";
        Self { bar: terminal.then(|| styled(Some(0), template)), said: String::new() }
    }

    /// So many of `total` are done; `text` says what else there is to know.
    pub fn show(&mut self, done: u64, total: u64, text: &str) {
        let text = harmless(text);
        if let Some(bar) = &self.bar {
            bar.set_length(total);
            bar.set_position(done);
            bar.set_message(text.into_owned());
        } else if *text != self.said {
            complain(&text);
            self.said = text.into_owned();
        }
    }

    /// Takes the bar away.
    pub fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bar(what: &'static str, total: Option<u64>) -> ProgressBar {
    let template = match total {
        Some(_) => "{wide_bar} {pos}/{len} {msg}  {per_sec}  {eta}",
        None => "{spinner} {pos} {msg}  {per_sec}  {elapsed}",
    };
    styled(total, template).with_message(what)
}

fn styled(total: Option<u64>, template: &str) -> ProgressBar {
    let target = ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND);
    // The templates are ours: were one unreadable, the default style would do.
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(total, target).with_style(style)
}

/// A line on standard error. Nobody can be told that nobody listens.
fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(table: &Table) -> String {
        let mut out = Vec::new();
        table.write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn columns_stand_under_each_other() {
        let mut table = Table::new(&["asset", "score", "headline"]);
        table.row(["BTC".into(), "81.5".into(), "evil\u{1b}[2Jline\nbreak".into()]);
        table.row(["比特币".into(), "7".into(), "x".repeat(100)]);
        insta::assert_snapshot!(shown(&table));
        assert_eq!(shown(&Table::new(&["a", "b"])), "a  b\n");
        let mut open = Table::new(&["a", "b"]).open_ended();
        open.row(["x".repeat(100), "y".repeat(100)]);
        let shown = shown(&open);
        assert!(shown.contains('…') && shown.contains(&"y".repeat(100)), "{shown}");
    }

    #[test]
    fn progress_counts_without_a_terminal() {
        let mut progress = Progress::new("articles", Some(3), false);
        progress.add(2);
        progress.say("line 2: no body");
        assert_eq!(progress.done, 2);
        progress.finish();
    }
}
