//! Exchanges as files name them.

use crate::market::venue::{coded, find};

/// The longest name that is kept of an exchange nobody knows, in characters.
const NAME_CHARS_MAX: usize = 32;

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
    let code = symbol.rsplit_once('.').map(|(_, code)| code);
    // `.P` is also how charts mark a perpetual, of any exchange.
    (code.filter(|code| *code != "P").and_then(coded).map(|venue| venue.name), symbol)
}
