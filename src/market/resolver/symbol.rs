//! What a file's symbol may mean: readings, the likeliest first. Which of them is so is decided by the list of markets.
//!
//! Read are the ways of venues (`BTCUSDT`, `BTC_USDT`, `BTC-USDT-SWAP`, `BTCUSDT_PERP`, `XBTUSDTM`, `PF_XBTUSD`,
//! `PERP_BTC_USDT`, `tBTCF0:USTF0`, `BTC`), of ccxt (`BTC/USDT:USDT`) and of `TradingView` (`BINANCE:BTCUSDT.P`). Any text
//! may come in; what is no symbol has no readings.

use super::venue;

/// The longest symbol in bytes that is read.
const BYTES_MAX: usize = 64;
const SEPARATORS: [char; 5] = ['-', '_', '/', '.', ' '];

/// Words that tell which kind of contract it is, and nothing else.
const KINDS: &[&str] =
    &["PERP", "PERPETUAL", "SWAP", "FUTURES", "SPOT", "LINEAR", "INVERSE", "UMCBL", "DMCBL", "CMCBL", "PF", "PI"];
/// `TradingView`'s word for a perpetual.
const KIND_BEHIND: &str = "P";

/// Dollars in order of preference: where most positions are open comes first.
pub(super) const DOLLARS: &[&str] =
    &["USDT", "USDC", "USD", "FDUSD", "USDE", "USD1", "BUSD", "TUSD", "DAI", "UST", "ZUSD"];
/// Money of states: a coin's price in it tells about the coin.
const MONEY: &[&str] =
    &["EUR", "GBP", "JPY", "KRW", "TRY", "BRL", "AUD", "CAD", "CHF", "IDR", "INR", "RUB", "UAH", "ZAR", "MXN", "ARS"];
/// Coins that others are priced in: such a price tells about two coins.
const COINS: &[&str] = &["BTC", "XBT", "ETH", "BNB", "SOL"];

/// What a price is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Quote {
    /// Not said.
    Unsaid,
    /// A dollar or another currency, by its name.
    Money(String),
    /// A coin, or what is not known.
    Coin(String),
}

impl Quote {
    /// Reads the name of a quote as a venue or a file writes it.
    pub fn read(name: &str) -> Self {
        let name = name.to_uppercase();
        match name.as_str() {
            "" => Self::Unsaid,
            "UST" => Self::Money("USDT".to_owned()),
            "ZUSD" => Self::Money("USD".to_owned()),
            known if DOLLARS.contains(&known) || MONEY.contains(&known) => Self::Money(name),
            "XBT" => Self::Coin("BTC".to_owned()),
            _ => Self::Coin(name),
        }
    }
}

/// One way to read a symbol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reading {
    /// As it is written, case included.
    pub base: String,
    /// What its price is in.
    pub quote: Quote,
}

/// A symbol without what differs in writing only: capitals, letters and digits.
pub(super) fn bare(symbol: &str) -> String {
    symbol.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_uppercase).collect()
}

/// All ways to read a symbol, the likeliest first.
pub(super) fn readings(symbol: &str) -> Vec<Reading> {
    let symbol = symbol.trim();
    if symbol.is_empty() || symbol.len() > BYTES_MAX {
        return Vec::new();
    }
    let symbol = match symbol.split_once(':') {
        None => symbol,
        // ccxt names what settles it behind the colon.
        Some((pair, _)) if pair.contains('/') => pair,
        Some((exchange, symbol)) if venue::of(exchange).is_some() => symbol,
        Some((base, quote)) => return bitfinex(base, quote).into_iter().collect(),
    };
    let words: Vec<&str> = symbol.split(SEPARATORS).filter(|word| !word.is_empty()).collect();
    let telling: Vec<&str> = words
        .iter()
        .enumerate()
        .filter(|(at, word)| if *at == 0 { !is_kind_before(&words) } else { !is_kind(word) && !is_date(word) })
        .map(|(_, word)| *word)
        .collect();
    match telling.as_slice() {
        [] => Vec::new(),
        [word] => split(word),
        [base, quote, ..] if is_quote(quote) => vec![Reading { base: (*base).to_owned(), quote: Quote::read(quote) }],
        // `BTCUSDT_PERP.A`, or what a venue adds of its own.
        [pair, ..] => split(pair).into_iter().filter(|reading| reading.quote != Quote::Unsaid).collect(),
    }
}

/// `tBTCF0:USTF0`, or `tDOGE:USD`.
fn bitfinex(base: &str, quote: &str) -> Option<Reading> {
    let base = base.strip_prefix('t')?;
    let [base, quote] = [base, quote].map(|name| name.strip_suffix("F0").unwrap_or(name));
    (!base.is_empty()).then(|| Reading { base: base.to_owned(), quote: Quote::read(quote) })
}

fn is_kind(word: &str) -> bool {
    let word = word.to_uppercase();
    KINDS.contains(&word.as_str()) || word == KIND_BEHIND
}

/// `PF_XBTUSD` and `PERP_BTC_USDT` begin with a kind; `PI_USDT`, `PERP_USDT` and `P_USDT` with a coin.
fn is_kind_before(words: &[&str]) -> bool {
    match words {
        [first, second, rest @ ..] => {
            let is_pair_behind = rest.first().is_some_and(|third| is_quote(third));
            KINDS.contains(&first.to_uppercase().as_str()) && (is_pair_behind || !is_quote(second))
        }
        _ => false,
    }
}

/// Whether prices are known to be in it.
fn is_quote(word: &str) -> bool {
    match Quote::read(word) {
        Quote::Money(_) => true,
        Quote::Coin(name) => COINS.contains(&name.as_str()),
        Quote::Unsaid => false,
    }
}

/// `240628`, `20240628`, `28JUN24`: when a contract ends.
fn is_date(word: &str) -> bool {
    let digits = word.bytes().all(|byte| byte.is_ascii_digit());
    let is_day = digits && matches!(word.len(), 6 | 8);
    let letters = word.bytes().filter(u8::is_ascii_alphabetic).count();
    let is_named = word.is_ascii()
        && matches!(word.len(), 6 | 7)
        && letters == 3
        && word.starts_with(|c: char| c.is_ascii_digit());
    is_day || is_named
}

/// A base and a quote written together, or a base alone. A longer quote is likelier: `BTCFDUSD` is no `BTCFD`.
fn split(word: &str) -> Vec<Reading> {
    let mut readings = Vec::new();
    let mut quotes: Vec<&str> = [DOLLARS, MONEY, COINS].concat();
    quotes.sort_by_key(|quote| std::cmp::Reverse(quote.len()));
    // KuCoin marks its contracts by an M, Bybit some by PERP.
    let bodies = [
        Some(word),
        cut(word, "PERP"),
        cut(word, "M").filter(|rest| cut(rest, "USDT").or(cut(rest, "USDC")).or(cut(rest, "USD")).is_some()),
    ];
    for body in bodies.into_iter().flatten() {
        let split = quotes.iter().filter_map(|quote| Some((cut(body, quote)?, quote)));
        readings.extend(split.map(|(base, quote)| Reading { base: base.to_owned(), quote: Quote::read(quote) }));
    }
    for base in [Some(word), cut(word, "PERP")].into_iter().flatten() {
        readings.push(Reading { base: base.to_owned(), quote: Quote::Unsaid });
    }
    readings
}

/// A word without its ending, whatever its case; `None` where it does not end so, or is nothing else.
fn cut<'a>(word: &'a str, ending: &str) -> Option<&'a str> {
    let at = word.len().checked_sub(ending.len()).filter(|at| *at > 0 && word.is_char_boundary(*at))?;
    word[at..].eq_ignore_ascii_case(ending).then(|| &word[..at])
}
