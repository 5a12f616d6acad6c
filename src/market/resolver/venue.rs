//! The venues: their codes at Coinalyze, the names by which files call them, and which of them trade most.
//!
//! Codes and names: `wire-formats.md` 1.2, as `/exchanges` answered in 2025. A venue that is missing here is not asked
//! in its own name: its series resolve at another venue, which stands on their rows. MEXC, `KuCoin` and Bitget are such.

/// A venue of Coinalyze.
#[derive(Debug, PartialEq, Eq)]
pub struct Venue {
    /// The part of a symbol behind its last dot.
    pub code: &'static str,
    /// As rows show it.
    pub name: &'static str,
    /// How files call it besides: lower case, letters and digits only.
    aliases: &'static [&'static str],
}

const fn venue(code: &'static str, name: &'static str, aliases: &'static [&'static str]) -> Venue {
    Venue { code, name, aliases }
}

/// Every venue. `binanceus` and `okcoin` are other companies without derivatives, hence no aliases.
pub static VENUES: &[Venue] = &[
    venue("A", "binance", &["binanceusdm", "binancecoinm", "binancefutures", "binanceperp", "binanceperpetual"]),
    venue("6", "bybit", &["bybitlinear", "bybitinverse", "bybitperp", "bybitfutures", "bybitusdt"]),
    venue("3", "okx", &["okex", "okex5", "okxswap", "okxfutures", "okxperp", "okexswap"]),
    venue("Y", "gate", &["gateio", "gateiofutures", "gatefutures", "gateioswap"]),
    venue("H", "hyperliquid", &["hyperliquidperp"]),
    venue("4", "huobi", &["htx", "huobipro", "huobiswap", "huobilinearswap", "huobidm", "htxswap"]),
    venue("2", "deribit", &[]),
    venue("0", "bitmex", &[]),
    venue("K", "kraken", &["krakenfutures", "krakenpro"]),
    venue("W", "woo", &["woox", "woofi", "woofipro"]),
    venue("F", "bitfinex", &["bitfinex2", "bitfinexderivatives"]),
    venue("7", "phemex", &["phemexperp"]),
    venue("8", "dydx", &["dydxv3", "dydxv4"]),
    venue("V", "vertex", &[]),
    venue("C", "coinbase", &["coinbasepro", "coinbaseexchange", "coinbaseinternational", "coinbaseadvanced", "gdax"]),
    venue("P", "poloniex", &["poloniexfutures"]),
    venue("B", "bitstamp", &[]),
    venue("G", "gemini", &[]),
    venue("D", "bitforex", &["bitforexfutures"]),
    venue("L", "bitflyer", &[]),
    venue("U", "bithumb", &[]),
    venue("E", "mercadobitcoin", &["mercado"]),
    venue("I", "bit2c", &[]),
    venue("J", "luno", &[]),
    venue("M", "btcmarkets", &[]),
    venue("N", "independentreserve", &[]),
];

/// Codes of the venues that stand in for another one, the most liquid first.
///
/// Only venues with perpetuals margined in dollars on hundreds of coins: what a venue says about a coin is a measure of
/// the coin where many positions are open. The order is that of open interest in such perpetuals over all coins, as
/// public rankings had it in 2025 (Binance, then Bybit, then OKX, Gate and Hyperliquid close to each other, then HTX).
/// A ranking changes; as the venue stands on every row, an old order makes a row less telling and never untrue.
pub const BY_LIQUIDITY: [&str; 6] = ["A", "6", "3", "Y", "H", "4"];

/// The venue that a file means; `None` where Coinalyze does not know it.
#[must_use]
pub fn of(exchange: &str) -> Option<&'static Venue> {
    let letters = exchange.chars().filter(char::is_ascii_alphanumeric);
    let name: String = letters.map(|letter| letter.to_ascii_lowercase()).collect();
    VENUES.iter().find(|venue| venue.name == name || venue.aliases.contains(&name.as_str()))
}

/// The venue with this code.
#[must_use]
pub fn coded(code: &str) -> Option<&'static Venue> {
    VENUES.iter().find(|venue| venue.code == code)
}

/// Its place among the stand-ins; `None` where it is none.
pub(super) fn liquidity(code: &str) -> Option<usize> {
    BY_LIQUIDITY.iter().position(|known| *known == code)
}
