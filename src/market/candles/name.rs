//! What the name of a file says: `BINANCE_BTCUSDT_15m.json`, `BTC_USDT.MEXC.4h.json`, `mexc_BTC_USDT_Min15.json`,
//! `BTCUSDT3600.csv`, `binance/BTCUSDT/1h.json`, `SPY_D.csv`.
//!
//! # The rule
//! The name falls into words. A market is a word that ends in a quote currency, or a word before a quote currency; the
//! more common quote goes before the rarer one (`mexc_BTC_USDT` is `BTC_USDT`), and what marks a contract behind it
//! belongs to it (`BTCUSDT_PERP.A`). Exchanges are those of the table. An interval is a number with a unit. Where no word
//! is a market, the only word that is none of these, and no filler, is (`SPY_D`), where it stands alone, in capitals, or
//! beside an exchange or an interval. What the file's own name does not say,
//! its folders do, the nearest first.
//!
//! Symbols are kept as they are written, in capitals where they are all in small letters.

use super::spacing::Claim;
use super::venue;

/// Folders above the file that are looked at.
const FOLDERS_MAX: usize = 4;
/// Words of a name; those behind are left out.
const WORDS_MAX: usize = 32;
/// The longest base of a market, in letters and digits.
const BASE_MAX: usize = 20;
/// The longest word that is a market of itself.
const PLAIN_MAX: usize = 12;

/// Quote currencies; a market in an earlier group is believed before one in a later.
const QUOTES: &[&[&str]] = &[
    &["USDT", "USDC", "FDUSD", "BUSD", "TUSD", "USDE", "USD1", "PYUSD", "RLUSD", "DAI", "USDD"],
    &["USD", "EUR", "GBP", "JPY", "KRW", "TRY", "BRL", "AUD", "CAD", "CHF"],
    &["BTC", "XBT", "ETH", "BNB"],
];
/// Words behind a market that belong to its symbol.
const CONTRACTS: &[&str] = &["PERP", "PERPETUAL", "SWAP", "P", "UMCBL", "DMCBL", "CMCBL", "SPBL"];
/// Words before a market that belong to its symbol: Kraken's futures.
const PREFIXES: &[&str] = &["PI", "PF", "FI", "FF"];
/// Words that say nothing about the market.
const FILLERS: &[&str] = &[
    "BAR",
    "BARS",
    "CANDLE",
    "CANDLES",
    "CANDLESTICK",
    "CHART",
    "CLEAN",
    "DATA",
    "DATASET",
    "DEFAULT",
    "DOWNLOAD",
    "EXPORT",
    "FEED",
    "FILE",
    "FUTURE",
    "FUTURES",
    "HIST",
    "HISTORICAL",
    "HISTORY",
    "INPUT",
    "KLINE",
    "KLINES",
    "LINEAR",
    "INVERSE",
    "MARKET",
    "OHLC",
    "OHLCV",
    "OUT",
    "OUTPUT",
    "PRICE",
    "PRICES",
    "QUOTE",
    "QUOTES",
    "RAW",
    "RESPONSE",
    "RESULT",
    "RESULTS",
    "SAMPLE",
    "SERIES",
    "SPOT",
    "STANDARD",
    "TALIB",
    "TEST",
    "TMP",
    "UNKNOWN",
    "UM",
    "CM",
    "UTC",
];
/// Ends of names that say how a file is written.
const EXTENSIONS: &[&str] = &["json", "jsonl", "ndjson", "csv", "tsv", "txt", "py", "dat", "log"];

/// What a name says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Named {
    pub symbol: Option<String>,
    pub exchange: Option<&'static str>,
    pub interval: Option<Claim>,
}

/// What the name of a file and its folders say. `name` is a path with either kind of separator.
pub(super) fn read(name: &str) -> Named {
    let mut named = Named::default();
    let mut parts = name.rsplit(['/', '\\']);
    let file = parts.next().unwrap_or_default();
    let mut only_interval = Part::read(stem(file), true).tell(&mut named);
    for folder in parts.take(FOLDERS_MAX) {
        only_interval = Part::read(folder, only_interval).tell(&mut named) && only_interval;
    }
    named
}

/// Whether a text, all in capitals or all in small letters, is a base and a quote currency.
pub(super) fn is_market(text: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    let is_one_case = !text.bytes().any(|byte| byte.is_ascii_lowercase())
        || !text.bytes().any(|byte| byte.is_ascii_uppercase() || matches!(byte, b'_' | b' '));
    text.len() <= 2 * BASE_MAX && is_one_case && Part::read(text, false).market().is_some()
}

/// `symbol` in capitals where it has none.
pub(super) fn capitals(symbol: &str) -> String {
    let is_small = !symbol.bytes().any(|byte| byte.is_ascii_uppercase());
    if is_small { symbol.to_ascii_uppercase() } else { symbol.to_owned() }
}

fn stem(file: &str) -> &str {
    let mut stem = file;
    while let Some((rest, end)) = stem.rsplit_once('.') {
        if !EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(end)) {
            break;
        }
        stem = rest;
    }
    stem
}

#[derive(Debug, Clone, Copy)]
struct Word<'a> {
    text: &'a str,
    start: usize,
}

impl Word<'_> {
    fn end(&self) -> usize {
        self.start + self.text.len()
    }

    fn is_one_of(&self, words: &[&str]) -> bool {
        words.iter().any(|word| word.eq_ignore_ascii_case(self.text))
    }

    fn is_base(&self) -> bool {
        (1..=BASE_MAX).contains(&self.text.len()) && !self.is_one_of(FILLERS) && !venue::is_surely(self.text)
    }

    fn interval(&self) -> Option<Claim> {
        let has_digit = self.text.bytes().any(|byte| byte.is_ascii_digit());
        // A letter alone is an interval where it is no minute: names of months and markets end in M.
        let is_word = has_digit || self.is_one_of(&["D", "H", "W", "daily", "hourly", "weekly"]);
        is_word.then(|| Claim::parse(self.text)).flatten()
    }
}

/// A market among the words.
struct Market<'a> {
    symbol: &'a str,
    words: std::ops::Range<usize>,
    /// What is glued to it: `BTCUSDT3600`.
    interval: Option<Claim>,
}

/// The name of a file or a folder.
struct Part<'a> {
    text: &'a str,
    words: Vec<Word<'a>>,
    /// Whether a lone word may be the market.
    may_be_plain: bool,
}

impl<'a> Part<'a> {
    fn read(text: &'a str, may_be_plain: bool) -> Self {
        let mut start = 0;
        let mut words = Vec::new();
        for piece in text.split_inclusive(|letter: char| !letter.is_ascii_alphanumeric()).take(WORDS_MAX) {
            let text = piece.trim_end_matches(|letter: char| !letter.is_ascii_alphanumeric());
            if !text.is_empty() {
                words.push(Word { text, start });
            }
            start += piece.len();
        }
        Self { text, words, may_be_plain }
    }

    /// Adds what this part says to what is missing; whether it says nothing beside an interval and an exchange.
    fn tell(&self, named: &mut Named) -> bool {
        let market = self.market();
        let inside = market.as_ref().map_or(0..0, |market| market.words.clone());
        let rest = || self.words.iter().enumerate().filter(|(place, _)| !inside.contains(place)).map(|(_, word)| word);
        let exchange = rest().find_map(|word| venue::known(word.text)).or_else(|| {
            let two = |pair: &[Word<'_>]| venue::known(&self.text[pair[0].start..pair[1].end()]);
            self.words.windows(2).find_map(two)
        });
        let glued = market.as_ref().and_then(|market| market.interval);
        let claims = || rest().filter_map(Word::interval);
        let interval = claims().find(|claim| matches!(claim, Claim::Interval(_))).or(glued).or_else(|| claims().next());
        let mut plain = rest()
            .filter(|word| !word.is_one_of(FILLERS) && word.interval().is_none() && venue::known(word.text).is_none());
        let (one, two) = (plain.next(), plain.next());
        let is_sure = self.words.len() == 1 || exchange.is_some() || matches!(interval, Some(Claim::Interval(_)));
        let is_lone = |word: &&Word<'_>| two.is_none() && self.may_be_plain && is_plain(word.text, is_sure);
        let lone = one.filter(is_lone).map(|word| word.text);
        if named.symbol.is_none() {
            named.symbol = market.as_ref().map(|market| market.symbol).or(lone).map(capitals);
        }
        named.exchange = named.exchange.or(exchange);
        named.interval = named.interval.or(interval);
        market.is_none() && one.is_none() && interval.is_some_and(|claim| matches!(claim, Claim::Interval(_)))
    }

    /// The best market: by its quote, then a pair of words before a single one, then the first.
    fn market(&self) -> Option<Market<'a>> {
        let pairs =
            (0..self.words.len()).filter_map(|place| self.pair(place).map(|(rank, market)| ((rank, 0), market)));
        let singles =
            (0..self.words.len()).filter_map(|place| self.single(place).map(|(rank, market)| ((rank, 1), market)));
        let mut found: Vec<_> = pairs.chain(singles).collect();
        // Stable, so that of equals the first stays first.
        found.sort_by_key(|(rank, _)| *rank);
        found.into_iter().next().map(|(_, market)| market)
    }

    fn pair(&self, place: usize) -> Option<(usize, Market<'a>)> {
        let (base, quote) = (self.words.get(place)?, self.words.get(place + 1)?);
        let rank = QUOTES.iter().position(|group| quote.is_one_of(group))?;
        let has_letter = base.text.bytes().any(|byte| byte.is_ascii_alphabetic());
        (has_letter && base.is_base()).then(|| (rank, self.extended(place, place + 2, quote.end(), None)))
    }

    fn single(&self, place: usize) -> Option<(usize, Market<'a>)> {
        let word = self.words.get(place)?;
        for (rank, group) in QUOTES.iter().enumerate() {
            for quote in *group {
                if let Some((base, rest)) = split(word.text, quote)
                    && (Word { text: base, start: word.start }).is_base()
                {
                    let interval = if rest.is_empty() { None } else { Some(Claim::parse(rest)?) };
                    let end = word.end() - rest.len();
                    return Some((rank, self.extended(place, place + 1, end, interval)));
                }
            }
        }
        None
    }

    /// A market of these words, with what marks its contract.
    fn extended(&self, mut first: usize, mut last: usize, mut end: usize, interval: Option<Claim>) -> Market<'a> {
        if let Some(word) = self.words.get(last).filter(|word| interval.is_none() && word.is_one_of(CONTRACTS)) {
            (last, end) = (last + 1, word.end());
        }
        // Coinalyze's code of the exchange.
        if let Some(word) = self.words.get(last)
            && word.text.len() == 1
            && self.text.as_bytes().get(end) == Some(&b'.')
            && word.start == end + 1
        {
            (last, end) = (last + 1, word.end());
        }
        if first > 0 && self.words[first - 1].is_one_of(PREFIXES) {
            first -= 1;
        }
        Market { symbol: &self.text[self.words[first].start..end], words: first..last, interval }
    }
}

/// Base and rest of a word in which a quote currency is followed by nothing, or by an interval.
fn split<'a>(word: &'a str, quote: &str) -> Option<(&'a str, &'a str)> {
    let capitals = word.to_ascii_uppercase();
    let at = capitals.rfind(quote).filter(|at| *at > 0)?;
    let rest = &word[at + quote.len()..];
    let is_interval =
        rest.is_empty() || rest.starts_with(|letter: char| letter.is_ascii_digit()) && Claim::parse(rest).is_some();
    is_interval.then(|| (&word[..at], rest))
}

/// Whether a word may be a market of itself; in small letters, where the rest of the name makes it sure.
fn is_plain(word: &str, is_sure: bool) -> bool {
    let is_small = word.bytes().any(|byte| byte.is_ascii_lowercase());
    word.len() <= PLAIN_MAX && (is_sure || !is_small) && word.starts_with(|letter: char| letter.is_ascii_alphabetic())
}
