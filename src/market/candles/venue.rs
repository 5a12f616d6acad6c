//! Exchanges by the names that files and venues give them. One name stands for all markets of an exchange, spot and
//! futures: which market it is, the symbol says.
//!
//! Source of the codes: Coinalyze, `/exchanges`, 22 Jun 2025; its symbols end in a dot and the exchange's code
//! (`BTCUSDT_PERP.A`).

/// The longest name that is kept of an exchange nobody knows, in characters.
const NAME_CHARS_MAX: usize = 32;

/// An exchange.
struct Venue {
    /// As signals name it.
    name: &'static str,
    /// Other names, lower case without separators.
    aliases: &'static [&'static str],
    /// At Coinalyze.
    code: Option<u8>,
    /// The name is a coin's too, so that it may be a part of a symbol.
    is_coin: bool,
}

const fn venue(name: &'static str, code: Option<u8>, aliases: &'static [&'static str]) -> Venue {
    Venue { name, aliases, code, is_coin: false }
}

const fn coin(name: &'static str, code: Option<u8>, aliases: &'static [&'static str]) -> Venue {
    Venue { name, aliases, code, is_coin: true }
}

const VENUES: &[Venue] = &[
    venue(
        "binance",
        Some(b'A'),
        &["binanceusdm", "binancecoinm", "binancefutures", "binancef", "binanceperp", "binanceusd", "bnc"],
    ),
    venue("binanceus", None, &[]),
    venue("bybit", Some(b'6'), &["bybitlinear", "bybitinverse", "bybitspot", "bybitfutures"]),
    venue("okx", Some(b'3'), &["okex", "okex5", "okexswap", "okxswap"]),
    venue("mexc", None, &["mexcglobal", "mexcfutures", "mxc"]),
    venue("gate", Some(b'Y'), &["gateio", "gateiofutures"]),
    venue("kucoin", None, &["kucoinfutures", "kcex"]),
    venue("bitget", None, &["bitgetfutures"]),
    venue("bitmex", Some(b'0'), &[]),
    venue("kraken", Some(b'K'), &["krakenfutures", "krakenpro"]),
    venue("coinbase", Some(b'C'), &["coinbasepro", "coinbaseexchange", "coinbaseadvanced", "cbpro", "gdax"]),
    venue("bitfinex", Some(b'F'), &["bitfinex2"]),
    venue("deribit", Some(b'2'), &[]),
    coin("huobi", Some(b'4'), &["htx", "huobipro", "huobiglobal", "hbdm"]),
    venue("bitstamp", Some(b'B'), &[]),
    venue("hyperliquid", Some(b'H'), &[]),
    coin("dydx", Some(b'8'), &["dydxv4"]),
    venue("phemex", Some(b'7'), &[]),
    venue("bingx", None, &[]),
    coin("woox", Some(b'W'), &["woo"]),
    venue("cryptocom", None, &["cdc"]),
    venue("poloniex", Some(b'P'), &[]),
    coin("gemini", Some(b'G'), &[]),
    venue("bithumb", Some(b'U'), &[]),
    venue("upbit", None, &[]),
    venue("bitflyer", Some(b'L'), &[]),
    coin("luno", Some(b'J'), &[]),
    coin("vertex", Some(b'V'), &[]),
    venue("lbank", None, &[]),
    venue("bitmart", None, &[]),
    venue("whitebit", None, &[]),
    venue("coinex", None, &[]),
    venue("bitforex", Some(b'D'), &[]),
    venue("mercadobitcoin", Some(b'E'), &["mercado"]),
    venue("bit2c", Some(b'I'), &[]),
    venue("btcmarkets", Some(b'M'), &[]),
    venue("independentreserve", Some(b'N'), &[]),
];

fn find(text: &str) -> Option<&'static Venue> {
    let letters: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
    let is = |known: &str| known.eq_ignore_ascii_case(&letters);
    VENUES.iter().find(|venue| is(venue.name) || venue.aliases.iter().any(|alias| is(alias)))
}

/// The name of a known exchange, whatever its spelling (`Gate.io`, `OKEx`, `binance-futures`).
#[must_use]
pub fn known(text: &str) -> Option<&'static str> {
    find(text).map(|venue| venue.name)
}

/// Whether a word names an exchange and no coin.
pub(super) fn is_surely(word: &str) -> bool {
    find(word).is_some_and(|venue| !venue.is_coin)
}

/// The name of an exchange that a file names: a known one's, or its own in lower case.
pub(super) fn named(text: &str) -> Option<String> {
    let text = text.trim();
    let own = || text.to_lowercase().chars().filter(|letter| !letter.is_control()).take(NAME_CHARS_MAX).collect();
    (!text.is_empty()).then(|| known(text).map_or_else(own, str::to_owned))
}

/// The exchange that a symbol names: before a colon (`BINANCE:BTCUSDT`), or as Coinalyze's code; and the symbol without
/// the former.
pub(super) fn of_symbol(symbol: &str) -> (Option<&'static str>, &str) {
    if let Some((exchange, rest)) = symbol.split_once(':')
        && let Some(name) = known(exchange)
    {
        return (Some(name), rest);
    }
    let code = match symbol.as_bytes() {
        [.., b'.', code] => Some(*code),
        _ => None,
    };
    let venue = VENUES.iter().find(|venue| code.is_some() && venue.code == code);
    // `.P` is also how charts mark a perpetual, of any exchange.
    (venue.filter(|_| code != Some(b'P')).map(|venue| venue.name), symbol)
}
