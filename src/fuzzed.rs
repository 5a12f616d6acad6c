//! Doors for `tests/fuzz/`: each reads bytes as one parser of what comes from outside, and asserts what it promises.
//!
//! Not part of the program's interface. A parser may refuse whatever it likes, with a reason; it may not panic, and what
//! it takes obeys its laws: within its limits, without letters that nobody should meet, the same when it is written and
//! read again. A new parser of outside bytes is a function here, a line of [`TARGETS`], a file in `tests/fuzz/targets`
//! and a folder of seeds beside it; `tests/it/fuzz.rs` holds them together.

mod records;
mod services;
mod texts;

use std::io::{BufReader, Cursor};

use crate::api;
use crate::cli::feed::{self, Entry};
use crate::config::{Config, Environment};
use crate::market::candles::{self, BARS_MIN, Hints};
use crate::market::chart;
use crate::market::feed::{self as master, FeedSignal};
use crate::model::{Series, Timestamp};
use crate::provider::price;

pub use self::records::{headers, records, schemas};
pub use self::services::{answers, coinalyze, gemini, openai, tavily};
pub use self::texts::{texts, words};

/// A way in.
pub type Target = fn(&[u8]);

/// Every way in, by the name of its target.
pub const TARGETS: [(&str, Target); 16] = [
    ("answers", answers),
    ("articles", articles),
    ("candles", candles),
    ("coinalyze", coinalyze),
    ("config", config),
    ("gemini", gemini),
    ("headers", headers),
    ("master_feed", master_feed),
    ("openai", openai),
    ("prices", prices),
    ("questions", questions),
    ("records", records),
    ("schemas", schemas),
    ("tavily", tavily),
    ("texts", texts),
    ("words", words),
];

/// 2026-11-29T00:00:00Z: when everything is read.
const NOW: Timestamp = Timestamp(1_795_910_400_000);
/// How far a number may be off when it is read again, relative to it.
const SCORE_ERROR_MAX: f64 = 4.0 * f64::EPSILON;
/// A buffer so small that every token is cut somewhere.
const CHUNK_BYTES: usize = 7;

/// The text up to the first NUL, and what stands behind it; bytes that are no UTF-8 become what stands for them.
fn halves(bytes: &[u8]) -> (String, String) {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&bytes[..end]), text(bytes.get(end + 1..).unwrap_or_default()))
}

/// A candle file; behind a NUL its name. What is read is a series by its laws, its chart can be drawn up, and written as
/// plain bars it is the same series.
///
/// # Panics
/// A law is broken.
pub fn candles(bytes: &[u8]) {
    let end = bytes.iter().rposition(|byte| *byte == 0).unwrap_or(bytes.len());
    let name = String::from_utf8_lossy(bytes.get(end + 1..).unwrap_or_default());
    let Ok(read) = candles::read(&bytes[..end], &name, &Hints::at(NOW)) else { return };
    let series = read.series;
    check_series(&series);
    let chart = chart::read(&series);
    assert!(chart.is_some_and(|chart| chart.bars > 0), "a series has a chart");
    let bars: Vec<_> =
        series.candles.iter().map(|bar| (bar.open_time, bar.open, bar.high, bar.low, bar.close, bar.volume)).collect();
    let written = serde_json::json!({
        "symbol": series.symbol,
        "exchange": series.exchange,
        "interval": series.interval.to_string(),
        "candles": bars,
    });
    let again = candles::read(written.to_string().as_bytes(), "", &Hints::at(NOW)).map(|read| read.series);
    assert_eq!(again.map(|series| series.candles), Ok(series.candles), "plain bars are read as they are");
}

fn check_series(series: &Series) {
    assert!(series.candles.len() >= BARS_MIN, "a series has {BARS_MIN} bars");
    assert!(!series.symbol.is_empty() && !series.exchange.is_empty(), "a series has a market");
    assert!(series.candles.is_sorted_by(|bar, next| bar.open_time < next.open_time), "bars ascend strictly");
    for bar in &series.candles {
        let prices = [bar.open, bar.high, bar.low, bar.close];
        assert!(prices.iter().all(|price| price.is_finite() && *price > 0.0), "prices are positive: {bar:?}");
        let within = bar.low..=bar.high;
        assert!(within.contains(&bar.open) && within.contains(&bar.close), "high and low enclose: {bar:?}");
        assert!(bar.volume.is_finite() && bar.volume >= 0.0, "volume is an amount: {bar:?}");
        assert!(bar.open_time.plus(series.interval.duration()) <= NOW, "bars are closed: {bar:?}");
    }
}

/// An article as far as `articles` looks at it: what else stands in it is for the hop that reads it to judge.
#[derive(serde::Deserialize)]
struct Identified {
    id: String,
}

/// An article file for `ingest articles`. What is passed on is a JSON object with the id that it is sent under, and a
/// buffer of another size changes nothing.
///
/// # Panics
/// A law is broken.
pub fn articles(bytes: &[u8]) {
    let read = |chunk_bytes: usize| -> Option<Vec<Entry>> {
        let input = BufReader::with_capacity(chunk_bytes, Cursor::new(bytes.to_vec()));
        let entries: Result<Vec<Entry>, _> = feed::read(input).ok()?.collect();
        assert!(entries.is_ok(), "bytes in memory never fail");
        entries.ok()
    };
    let whole = read(bytes.len().max(CHUNK_BYTES));
    assert_eq!(whole, read(CHUNK_BYTES), "whatever the buffer");
    let mut line_before = 0;
    for entry in whole.iter().flatten() {
        let (Entry::Article { line, .. } | Entry::Bad { line, .. }) = entry;
        assert!(*line >= 1 && *line >= line_before, "lines are counted from 1");
        line_before = *line;
        if let Entry::Article { json, id, .. } = entry {
            let said = serde_json::from_slice(json).ok().map(|Identified { id }| id);
            assert_eq!(said.as_ref(), Some(id), "an article is sent under its own id");
        }
    }
}

/// A master feed. Written and read again it is the same feed; its numbers to the last place but one, as `serde_json` does
/// not round correctly.
///
/// # Panics
/// A law is broken.
pub fn master_feed(bytes: &[u8]) {
    let Ok(read) = master::read(bytes) else { return };
    assert!(read.signals.len() <= master::SIGNALS_MAX, "a feed has a limit");
    let written = serde_json::to_vec(&read).unwrap_or_default();
    let Ok(again) = master::read(&written) else { unreachable!("a feed that was written is a feed") };
    assert_eq!((again.last_updated, again.signals.len()), (read.last_updated, read.signals.len()), "nothing is lost");
    for (signal, again) in read.signals.iter().zip(&again.signals) {
        let said = |signal: &FeedSignal| {
            let FeedSignal { symbol, exchange, interval, strategy, direction, observability, event_time, .. } = signal;
            let texts = [symbol, exchange, interval, strategy].map(String::clone);
            (texts, *direction, observability.get().to_owned(), *event_time)
        };
        assert_eq!(said(again), said(signal), "a signal is read as it was written");
        let off = (again.score - signal.score).abs();
        assert!(
            off <= signal.score.abs() * SCORE_ERROR_MAX + f64::MIN_POSITIVE,
            "{} is read as {}",
            signal.score,
            again.score
        );
    }
}

/// A configuration file; behind a NUL variables, `NAME=value` a line. Every mistake is told on one line of its own.
///
/// # Panics
/// A law is broken.
pub fn config(bytes: &[u8]) {
    let (file, variables) = halves(bytes);
    // Those that name files would read them.
    let is_ours = |name: &str| name.starts_with("SIGNALMILL_") && !name.ends_with("_FILE");
    let variables = variables.lines().filter_map(|line| line.split_once('=')).filter(|(name, _)| is_ours(name));
    let environment = Environment::of(&variables.collect::<Vec<_>>());
    if let Err(problems) = Config::parse(&file, &environment) {
        let told = problems.to_string();
        assert!(
            !told.contains(|letter: char| letter.is_control() && letter != '\n'),
            "problems are readable: {told:?}"
        );
    }
}

/// A file of prices.
pub fn prices(bytes: &[u8]) {
    let _ = price::Catalog::parse(&String::from_utf8_lossy(bytes));
}

/// What is asked over HTTP, in the parts that the program reads itself.
pub fn questions(bytes: &[u8]) {
    let (text, body) = halves(bytes);
    api::read_question(&text, &body, NOW);
}
