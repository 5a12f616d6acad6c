//! Exchanges: one name for each, the names that files and venues give it, and its code at Coinalyze. One name stands for all
//! markets of an exchange, spot and futures: which market it is, the symbol says.
//!
//! Codes and names: `wire-formats.md` 1.2, as `/exchanges` answered in 2025. A venue without a code is not asked in its own
//! name: its series resolve at another venue, which stands on their rows.

/// An exchange.
#[derive(Debug, PartialEq, Eq)]
pub struct Venue {
    /// As rows show it.
    pub name: &'static str,
    /// At Coinalyze: the part of a symbol behind its last dot; empty where it has none.
    pub code: &'static str,
    /// Other names, lower case without separators.
    aliases: &'static [&'static str],
    /// Whether the name is a coin's too, so that it may be a part of a symbol.
    pub is_coin: bool,
}

const fn venue(name: &'static str, code: &'static str, aliases: &'static [&'static str]) -> Venue {
    Venue { name, code, aliases, is_coin: false }
}

const fn coin(name: &'static str, code: &'static str, aliases: &'static [&'static str]) -> Venue {
    Venue { name, code, aliases, is_coin: true }
}

/// Every exchange. `binanceus` and `okcoin` are other companies without derivatives, hence no aliases.
pub static VENUES: &[Venue] = &[
    venue(
        "binance",
        "A",
        &[
            "binanceusdm",
            "binancecoinm",
            "binancefutures",
            "binancef",
            "binanceperp",
            "binanceusd",
            "bnc",
            "binanceperpetual",
        ],
    ),
    venue("binanceus", "", &[]),
    venue("bybit", "6", &["bybitlinear", "bybitinverse", "bybitspot", "bybitfutures", "bybitperp", "bybitusdt"]),
    venue("okx", "3", &["okex", "okex5", "okexswap", "okxswap", "okxfutures", "okxperp"]),
    venue("mexc", "", &["mexcglobal", "mexcfutures", "mxc"]),
    venue("gate", "Y", &["gateio", "gateiofutures", "gatefutures", "gateioswap"]),
    venue("kucoin", "", &["kucoinfutures", "kcex"]),
    venue("bitget", "", &["bitgetfutures"]),
    venue("bitmex", "0", &[]),
    venue("kraken", "K", &["krakenfutures", "krakenpro"]),
    venue(
        "coinbase",
        "C",
        &["coinbasepro", "coinbaseexchange", "coinbaseadvanced", "cbpro", "gdax", "coinbaseinternational"],
    ),
    venue("bitfinex", "F", &["bitfinex2", "bitfinexderivatives"]),
    venue("deribit", "2", &[]),
    coin(
        "huobi",
        "4",
        &["htx", "huobipro", "huobiglobal", "hbdm", "huobiswap", "huobilinearswap", "huobidm", "htxswap"],
    ),
    venue("bitstamp", "B", &[]),
    venue("hyperliquid", "H", &["hyperliquidperp"]),
    coin("dydx", "8", &["dydxv4", "dydxv3"]),
    venue("phemex", "7", &["phemexperp"]),
    venue("bingx", "", &[]),
    coin("woox", "W", &["woo", "woofi", "woofipro"]),
    venue("cryptocom", "", &["cdc"]),
    venue("poloniex", "P", &["poloniexfutures"]),
    coin("gemini", "G", &[]),
    venue("bithumb", "U", &[]),
    venue("upbit", "", &[]),
    venue("bitflyer", "L", &[]),
    coin("luno", "J", &[]),
    coin("vertex", "V", &[]),
    venue("lbank", "", &[]),
    venue("bitmart", "", &[]),
    venue("whitebit", "", &[]),
    venue("coinex", "", &[]),
    venue("bitforex", "D", &["bitforexfutures"]),
    venue("mercadobitcoin", "E", &["mercado"]),
    venue("bit2c", "I", &[]),
    venue("btcmarkets", "M", &[]),
    venue("independentreserve", "N", &[]),
];

/// The exchange of this name, whatever its spelling (`Gate.io`, `OKEx`, `binance-futures`).
#[must_use]
pub fn find(text: &str) -> Option<&'static Venue> {
    let letters: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
    let is = |known: &str| known.eq_ignore_ascii_case(&letters);
    VENUES.iter().find(|venue| is(venue.name) || venue.aliases.iter().any(|alias| is(alias)))
}

/// The exchange with this code at Coinalyze.
#[must_use]
pub fn coded(code: &str) -> Option<&'static Venue> {
    VENUES.iter().find(|venue| !code.is_empty() && venue.code == code)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_exchanges_share_a_name_or_a_code() {
        let mut names = BTreeSet::new();
        let mut codes = BTreeSet::new();
        for venue in VENUES {
            let all = [venue.name].into_iter().chain(venue.aliases.iter().copied());
            for name in all {
                assert!(names.insert(name), "{name} stands twice");
                assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()), "{name}");
            }
            assert!(venue.code.is_empty() || codes.insert(venue.code), "{}", venue.code);
        }
    }
}
