//! A directory of candle files as the scanner meets it: random walks in every shape of [`SHAPES`], under the names that
//! people and programs give them, and broken files of every reason among them. The same for the same seed on every machine.
//!
//! Times are milliseconds since the epoch; every series is closed at [`CLOSED_AT_MS`]. No two good files have the same
//! exchange, symbol and interval, up to [`FILES_MAX`] of them.

#[path = "market_files/shapes.rs"]
pub mod shapes;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, ensure};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use shapes::{Bar, Facts, SHAPES};

/// 2026-11-20T00:00:00Z, a whole day, as intervals begin.
pub const CLOSED_AT_MS: i64 = 1_795_132_800_000;
/// Files whose series are all different.
pub const FILES_MAX: usize = BASES.len() * EXCHANGES.len() * QUOTES.len() * INTERVALS.len();

const EXCHANGES: &[&str] = &["binance", "mexc", "bybit", "okx", "gate", "bitget", "kucoin", "kraken"];
const QUOTES: &[&str] = &["USDT", "USDC", "USD"];
const INTERVALS: &[(&str, i64)] = &[("15m", 900), ("1h", 3_600), ("4h", 14_400), ("1d", 86_400)];
const BASES: &[&str] = &[
    "BTC", "ETH", "SOL", "XRP", "ADA", "DOGE", "AVAX", "DOT", "LINK", "LTC", "TON", "ARB", "OP", "UNI", "AAVE", "ATOM",
    "NEAR", "SUI", "APT", "XMR", "TRX", "BCH", "ETC", "FIL", "ICP", "INJ", "TIA", "SEI", "RUNE", "FTM", "ALGO", "VET",
    "HBAR", "EGLD", "FLOW", "SAND", "MANA", "AXS", "GALA", "CHZ", "ENJ", "CRV", "MKR", "COMP", "SNX", "LDO", "RPL",
    "1INCH", "SUSHI", "YFI", "GMX", "DYDX", "WLD", "PYTH", "JUP", "JTO", "BONK", "WIF", "PEPE", "FLOKI", "SHIB",
    "1000PEPE", "1000SHIB", "ORDI", "STX", "KAS", "TAO", "RENDER", "FET", "GRT", "THETA", "AR", "ENS", "APE", "BLUR",
    "IMX", "MASK", "ANKR", "BAT", "ZRX", "ZEC", "DASH", "NEO", "QTUM", "ONT", "IOTA", "XLM", "XTZ", "EOS", "KAVA",
    "KSM", "CELO", "ZIL", "ONE", "ROSE", "SKL", "LRC", "WOO", "GMT", "MAGIC", "HOOK", "HIGH", "EDU", "ID", "ARKM",
    "CYBER", "MANTA", "ALT", "STRK", "DYM", "PIXEL", "PORTAL", "ENA", "W", "SAGA", "TNSR", "OMNI", "REZ", "BB", "NOT",
    "IO", "ZK", "ZRO", "G", "LISTA", "BANANA", "DOGS", "POL", "CATI", "HMSTR", "EIGEN", "SCR", "GRASS", "DRIFT",
    "MOVE", "ME", "VANA", "PENGU", "HYPE", "TRUMP",
];

/// What was written.
#[derive(Debug, Default)]
pub struct Written {
    /// The good ones, by their path below the directory.
    pub good: BTreeMap<String, Facts>,
    /// The reasons of the broken ones, by their path below the directory.
    pub broken: BTreeMap<String, &'static str>,
    /// Of all files together.
    pub bytes: u64,
}

/// Writes `files` good files of `bars` bars and `broken` broken ones below `dir`.
///
/// # Errors
/// More than [`FILES_MAX`] files, or a file that cannot be written.
pub fn write(dir: &Path, files: usize, bars: usize, broken: usize, seed: u64) -> anyhow::Result<Written> {
    ensure!(files <= FILES_MAX, "at most {FILES_MAX} different series");
    let mut written = Written::default();
    for number in 0..files {
        let facts = facts(number, bars, seed);
        let shape = &SHAPES[number % SHAPES.len()];
        let stem = if shape.is_labelled { format!("export-{number:05}") } else { stem(&facts, number) };
        let path = format!("{stem}.{}", shape.extension);
        put(dir, &path, (shape.write)(&facts).as_bytes(), &mut written)?;
        written.good.insert(path, facts);
    }
    for number in 0..broken {
        let facts = facts(files + number, bars.max(60), seed);
        let (reason, bytes) = wreck(&facts, number);
        // A name that says nothing, where that is what is wrong.
        let stem = if reason == "no_symbol" { "data".to_owned() } else { format!("mexc_{}", facts.symbol) };
        let path = format!("broken/{stem}_{number:03}.json");
        put(dir, &path, &bytes, &mut written)?;
        written.broken.insert(path, reason);
    }
    Ok(written)
}

fn put(dir: &Path, path: &str, bytes: &[u8], written: &mut Written) -> anyhow::Result<()> {
    let file = dir.join(path);
    let folder = file.parent().context("a file stands in a folder")?;
    std::fs::create_dir_all(folder)?;
    std::fs::write(&file, bytes).with_context(|| format!("writing {}", file.display()))?;
    written.bytes += bytes.len() as u64;
    Ok(())
}

/// The series of a file: a random walk whose steps are a share of the price, at the price's own precision.
#[must_use]
pub fn facts(number: usize, bars: usize, seed: u64) -> Facts {
    let mut rng = StdRng::seed_from_u64(seed ^ (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let place = |list: usize, divisor: usize| (number / divisor) % list;
    let exchange = EXCHANGES[place(EXCHANGES.len(), BASES.len())];
    let quote = QUOTES[place(QUOTES.len(), BASES.len() * EXCHANGES.len())];
    // Turned by the base, so that few files have all intervals as well.
    let turn = number / (BASES.len() * EXCHANGES.len() * QUOTES.len()) + number % BASES.len();
    let (interval, seconds) = INTERVALS[turn % INTERVALS.len()];
    let symbol = format!("{}{quote}", BASES[place(BASES.len(), 1)]);
    let first: f64 = 10_f64.powf(rng.random_range(-4.0..5.0));
    let scale = 10_f64.powf(5.0 - first.log10().ceil());
    let round = |price: f64| ((price * scale).round() / scale).max(1.0 / scale);
    let bars = i64::try_from(bars).unwrap_or_default();
    let start = CLOSED_AT_MS - bars * seconds * 1000;
    let (mut open, mut drift) = (round(first), 0.0);
    let bars = (0..bars).map(|bar| {
        drift = 0.98 * drift + rng.random_range(-0.0008..0.0008);
        let close = round(open * (1.0 + drift + rng.random_range(-0.01..0.01)));
        let high = round(open.max(close) * (1.0 + rng.random_range(0.0..0.006))).max(open).max(close);
        let low = round(open.min(close) * (1.0 - rng.random_range(0.0..0.006))).min(open).min(close);
        let volume = (rng.random_range(10.0..9_000.0_f64) * 1000.0).round() / 1000.0;
        let values = [open, high, low, close, volume];
        open = close;
        Bar { time: start + bar * seconds * 1000, values }
    });
    Facts { exchange, bars: bars.collect(), symbol, interval, seconds }
}

/// Names that say exchange, symbol and interval. An underscore between base and quote would be another symbol.
fn stem(facts: &Facts, number: usize) -> String {
    let Facts { exchange, symbol, interval, seconds, .. } = facts;
    match number % 5 {
        0 => format!("{}_{symbol}_{interval}", exchange.to_uppercase()),
        1 => format!("{}-{interval}.{exchange}", symbol.to_lowercase()),
        2 => format!("{exchange}/{symbol}/{interval}"),
        3 => format!("{exchange}/{symbol}{seconds}"),
        _ => format!("{symbol}.{}.{interval}", exchange.to_uppercase()),
    }
}

/// A file that is broken for the reason, from good facts.
fn wreck(facts: &Facts, number: usize) -> (&'static str, Vec<u8>) {
    let good = (SHAPES[2].write)(facts);
    let with = |change: &dyn Fn(usize, &mut Bar)| {
        let mut facts = facts.clone();
        facts.bars.iter_mut().enumerate().for_each(|(place, bar)| change(place, bar));
        (SHAPES[2].write)(&facts).into_bytes()
    };
    let first = |bars: usize| {
        let facts = Facts { bars: facts.bars[..bars].to_vec(), ..facts.clone() };
        (SHAPES[2].write)(&facts).into_bytes()
    };
    match number % 15 {
        0 => ("empty", Vec::new()),
        1 => ("malformed", good.as_bytes()[..good.len() * 2 / 3].to_vec()),
        2 => ("no_candles", br#"{"code":-1121,"msg":"Invalid symbol."}"#.to_vec()),
        3 => ("no_symbol", good.into_bytes()),
        4 => ("too_few_bars", first(1)),
        // Highs below everything.
        5 => ("inconsistent", with(&|_, bar| bar.values[1] = bar.values[2] * 0.5)),
        6 => ("no_interval", with(&|place, bar| bar.time -= i64::try_from(place * place * 1000).unwrap_or_default())),
        7 => ("malformed", b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>".to_vec()),
        8 => ("no_candles", b"[]".to_vec()),
        9 => ("too_few_bars", first(49)),
        // Of two markets.
        10 => ("inconsistent", {
            let other = Facts { symbol: format!("X{}", facts.symbol), ..facts.clone() };
            let one = (SHAPES[11].write)(facts).replace("\n]\n", ",");
            let two = (SHAPES[11].write)(&other).replacen('[', "", 1);
            format!("{one}{two}").into_bytes()
        }),
        11 => ("malformed", (0..999).map(|number| 0x80 ^ u8::try_from(number * 7 % 251).unwrap_or_default()).collect()),
        12 => ("empty", b"\n  \n".to_vec()),
        13 => ("inconsistent", with(&|_, bar| bar.values[3] = -bar.values[3])),
        // Only one, since it is as large as a file may not be.
        _ if number == 14 => ("too_large", vec![b' '; 64 * 1024 * 1024 + 1]),
        _ => ("no_candles", br#"{"symbols":[{"symbol":"AESUSDT","status":"ENABLED"}]}"#.to_vec()),
    }
}
