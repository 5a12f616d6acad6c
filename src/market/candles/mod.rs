//! Candle files: bytes in, one clean series out. Which of the shapes in the wild a file has, its content says, never a
//! setting: lists and objects of bars ([`literal`]), whatever they are wrapped in, one a line or all in one, as JSON or
//! as Python writes it, and delimited tables ([`table`]).
//!
//! # The way of a file
//! rows ([`rows`]) → their order ([`order`]) → candles ([`clean`]) and their interval ([`spacing`]) → the market, by what
//! the content says, then the caller's [`Hints`], then the file's name ([`name`]).
//!
//! # Which list, where a file has several
//! The one with the most rows whose time can be read, the first of equals; the rows of the others are counted in
//! [`Counts::elsewhere`]. Bars of several markets, in one list or in several that are long enough for a series, are refused.
//!
//! # Invariants
//! A [`Series`] has at least [`BARS_MIN`] candles, strictly ascending, each closed at `now`, with finite positive prices
//! and high ≥ open, close ≥ low. The order of a file's bars and repetitions of them change nothing. No input panics; what
//! is allocated is at most a small multiple of the input ([`BYTES_MAX`], [`ROWS_MAX`]).

mod broken;
mod clean;
mod given;
mod literal;
mod moment;
mod name;
mod number;
mod object;
mod order;
mod role;
mod rows;
mod spacing;
mod table;
#[cfg(test)]
mod tests;
mod token;
mod venue;

pub use self::broken::{Broken, Reason};
pub use self::clean::{BARS_MIN, Counts, Gap, REJECTED_SHARE_MAX};
pub use self::given::given;
pub use self::order::Order;
pub use self::rows::{ROWS_MAX, Shape};
pub use self::venue::known as known_exchange;

use crate::model::{EXCHANGE_UNKNOWN, Interval, Series, Timestamp};

use self::broken::Fault;
use self::rows::{Contest, Labels};
use self::spacing::Claim;

/// The largest file, in bytes.
pub const BYTES_MAX: usize = 64 * 1024 * 1024;
/// The longest symbol that is kept, in characters.
const SYMBOL_CHARS_MAX: usize = 64;

/// What the caller knows of a file. It counts where the content says nothing, and before the file's name.
#[derive(Debug, Clone, Copy)]
pub struct Hints<'a> {
    /// The market.
    pub symbol: Option<&'a str>,
    /// The exchange, in any spelling.
    pub exchange: Option<&'a str>,
    /// The interval.
    pub interval: Option<Interval>,
    /// What is later is not closed yet.
    pub now: Timestamp,
}

impl Hints<'_> {
    /// None but the time.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self { symbol: None, exchange: None, interval: None, now }
    }
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// The candles and whose they are.
    pub series: Series,
    /// How they were written.
    pub shape: Shape,
    /// In which order.
    pub order: Order,
    /// Where bars are missing, the oldest first.
    pub gaps: Vec<Gap>,
    /// What cleaning did.
    pub counts: Counts,
    /// The interval that the file or its name says and the bars contradict.
    pub contradicted: Option<Interval>,
}

impl Read {
    /// What a reader of the file should know, a sentence each.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let Counts { duplicates, repaired, rejected, unfinished, elsewhere, .. } = self.counts;
        let missing: u64 = self.gaps.iter().map(|gap| u64::from(gap.missing)).sum();
        let gaps = self.gaps.len();
        let mut notes: Vec<String> = [
            (duplicates, "bars with the open time of another, the last one counts"),
            (repaired, "bars repaired"),
            (rejected, "bars rejected"),
            (unfinished, "bars not closed yet, left out"),
            (elsewhere, "bars in other lists of the file, left out"),
        ]
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
        if gaps > 0 {
            notes.push(format!("{missing} bars missing in {gaps} gaps"));
        }
        if let Some(said) = self.contradicted {
            notes.push(format!("said to be of {said}, but the bars are of {}", self.series.interval));
        }
        notes
    }
}

/// Reads a candle file. `name` is its path below the directory that is read, and may be empty.
///
/// # Errors
/// The file is broken: its [`Reason`] and a sentence. The same bytes are refused again, except those that are
/// [`Reason::TooFewBars`] for a bar that closes later.
pub fn read(bytes: &[u8], name: &str, hints: &Hints<'_>) -> Result<Read, Broken> {
    if bytes.len() > BYTES_MAX {
        let error = format!("{} bytes, at most {BYTES_MAX} are read: split the file by time", bytes.len());
        return Err(Broken::new(Reason::TooLarge, error));
    }
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    if bytes.trim_ascii_start().is_empty() {
        return Err(Broken::new(Reason::Empty, "nothing in the file: fetch it again"));
    }
    let contest = contest(bytes).map_err(|fault| fault.broken(bytes))?;
    let bars = contest.best;
    if bars.rows.is_empty() {
        let error =
            "no list of bars (a time that can be read, open, high, low, close) in it: is it another kind of file?";
        return Err(Broken::new(Reason::NoCandles, error));
    }
    if let Some(number) = bars.contradiction {
        let error =
            format!("bar {number} is of another market or interval than those before it: write a file for each");
        return Err(Broken::new(Reason::Inconsistent, error));
    }
    if contest.is_mixed {
        return Err(Broken::new(Reason::Inconsistent, "lists of bars of several markets: write a file for each"));
    }
    let named = name::read(name);
    let order = order::order(&bars);
    let said = text(bars.labels.interval).and_then(|text| Claim::parse(&text));
    let claims = [said, hints.interval.map(Claim::Interval), named.interval];
    let clean = clean::clean(&bars, order, &claims, hints.now)?;
    let (symbol, exchange) = market(&bars.labels, hints, named)?;
    let interval = clean.spacing.interval;
    let elsewhere = contest.rows - bars.rows.len();
    Ok(Read {
        gaps: clean::gaps(&clean.candles, interval),
        series: Series { exchange, symbol, interval, candles: clean.candles },
        shape: bars.shape,
        order,
        counts: Counts { elsewhere, ..clean.counts },
        contradicted: clean.spacing.contradicted,
    })
}

/// The rows of a file, by the first of the forms that it has.
fn contest(bytes: &[u8]) -> Result<Contest<'_>, Fault> {
    if matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'[')) {
        return literal::read(bytes);
    }
    if let Some(contest) = table::read(bytes)? {
        return Ok(contest);
    }
    let none =
        || Fault::Malformed("neither JSON, nor a table with a time and four prices, nor a list of bars begins", 0);
    literal::search(bytes)?.ok_or_else(none)
}

/// Symbol and exchange, by the content, the caller and the name, in this order.
fn market(labels: &Labels<'_>, hints: &Hints<'_>, named: name::Named) -> Result<(String, String), Broken> {
    let said = text(labels.symbol).or_else(|| hints.symbol.map(|symbol| symbol.trim().to_owned()));
    let symbol = said.filter(|symbol| !symbol.is_empty()).map(|symbol| name::capitals(&symbol)).or(named.symbol);
    let Some(symbol) = symbol else {
        let error = "neither the file nor its name says the market: name it so (`binance_BTCUSDT_1h.json`)";
        return Err(Broken::new(Reason::NoSymbol, error));
    };
    let (in_symbol, symbol) = venue::of_symbol(&symbol);
    let exchange = text(labels.exchange)
        .and_then(|text| venue::named(&text))
        .or_else(|| hints.exchange.and_then(venue::named))
        .or_else(|| in_symbol.or(named.exchange).map(str::to_owned))
        .unwrap_or_else(|| EXCHANGE_UNKNOWN.to_owned());
    Ok((symbol.to_owned(), exchange))
}

/// A label as text, without the escapes of JSON; `None` for what is none.
fn text(label: Option<&[u8]>) -> Option<String> {
    let raw = std::str::from_utf8(label?).ok()?;
    let unescaped = if raw.contains('\\') { serde_json::from_str(&format!("\"{raw}\"")).ok()? } else { raw.to_owned() };
    let text: String = unescaped.trim().chars().filter(|letter| !letter.is_control()).collect();
    (!text.is_empty() && text.chars().count() <= SYMBOL_CHARS_MAX).then_some(text)
}
