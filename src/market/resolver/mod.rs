//! Which market at Coinalyze speaks for a series, in three tiers:
//!
//! 1. the file's own exchange (`resolved`);
//! 2. another venue, by [`venue::BY_LIQUIDITY`] (`aggregated`, and the venue is named);
//! 3. none (`neutral`).
//!
//! Invariants: a symbol is only ever taken from the list of markets and never built; a contract that ends is chosen only
//! for a series of that very contract; any text may be asked for, and what is not known is `neutral`.
//!
//! # What decides
//! On the file's own exchange a market with the file's own symbol comes before everything. Otherwise the same coin
//! decides, whatever it is called and by how many it is traded ([`Resolution::multiplier`] says by how many), in a
//! perpetual: margined in dollars before margined in coins (another venue's only if margined in dollars), the file's own
//! number of coins, then its own quote, then USDT, USDC, USD and the others, as positions concentrate in that order. A
//! pair that is priced in a coin, such as `ETHBTC`, tells about two coins: only a market of that pair fits it.
//!
//! Amounts are asked for in dollars, so a multiplier changes none of them; it is for comparing prices.

mod asset;
mod market;
mod symbol;
pub mod venue;

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use self::asset::Asset;
pub use self::market::{MARKETS_MAX, Market};
use self::symbol::{DOLLARS, Quote, bare, readings};
use self::venue::Venue;
use crate::model::OiStatus;

/// The market that speaks for a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instrument {
    /// By which Coinalyze is asked.
    pub coinalyze_symbol: Arc<str>,
    /// The venue's name, such as `binance`.
    pub venue: &'static str,
    /// As the venue writes it, such as `1000PEPE`.
    pub base: String,
    /// As the venue writes it, such as `USDT`.
    pub quote: String,
    /// Whether to ask for its ratio of long to short accounts.
    pub has_long_short_ratio: bool,
}

/// What became of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolution {
    /// Resolved, aggregated or neutral.
    pub status: OiStatus,
    /// Who is asked; `None` where the status is neutral.
    pub instrument: Option<Instrument>,
    /// The file's units in one unit of the instrument: 1000 where the file is of PEPE and the market of 1000PEPE. 1 where
    /// there is none.
    pub multiplier: f64,
}

/// The coin that a symbol is a market of, where its price is in dollars as the likeliest reading has it: `BTC` of
/// `BTCUSDT`, `PEPE` of `1000PEPE-USDC`. `None` for a price in anything else.
#[must_use]
pub fn coin_in_dollars(symbol: &str) -> Option<String> {
    let reading = readings(symbol).into_iter().next()?;
    match reading.quote {
        Quote::Money(name) if DOLLARS.contains(&name.as_str()) => Some(Asset::read(&reading.base).coin),
        Quote::Money(_) | Quote::Coin(_) | Quote::Unsaid => None,
    }
}

impl Resolution {
    const NEUTRAL: Self = Self { status: OiStatus::Neutral, instrument: None, multiplier: 1.0 };
}

/// A market, ready to be looked up.
#[derive(Debug)]
struct Entry {
    symbol: Arc<str>,
    market: Market,
    venue: &'static Venue,
    asset: Asset,
    quote: Quote,
}

/// The list of markets.
#[derive(Debug, Default)]
pub struct Markets {
    entries: Vec<Entry>,
    /// By coin.
    coins: HashMap<String, Vec<usize>>,
    /// By venue and its own symbol, capitals, letters and digits only.
    symbols: HashMap<(&'static str, String), usize>,
}

impl Markets {
    /// A list to look up in. Markets of venues that have no name here are left out: they could not be named on a row.
    #[must_use]
    pub fn new(markets: impl IntoIterator<Item = Market>) -> Self {
        let mut list = Self::default();
        for market in markets.into_iter().take(MARKETS_MAX) {
            let Some(venue) = venue::coded(&market.exchange) else { continue };
            let (at, asset) = (list.entries.len(), Asset::read(&market.base_asset));
            list.coins.entry(asset.coin.clone()).or_default().push(at);
            let (symbol, quote) = (market.symbol.as_str().into(), Quote::read(&market.quote_asset));
            list.entries.push(Entry { symbol, market, venue, asset, quote });
        }
        for (at, entry) in list.entries.iter().enumerate() {
            let own = bare(&entry.market.symbol_on_exchange);
            // A venue's own symbols differ; should two of them not, what never ends comes first.
            let rank = |at: usize| (!list.entries[at].market.is_perpetual, Arc::clone(&list.entries[at].symbol));
            let known = list.symbols.entry((entry.venue.code, own)).or_insert(at);
            if rank(at) < rank(*known) {
                *known = at;
            }
        }
        list
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing can be found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Which market speaks for `symbol` of `exchange`.
    #[must_use]
    pub fn resolve(&self, exchange: &str, symbol: &str) -> Resolution {
        let own = venue::of(exchange);
        if let Some(entry) = own.and_then(|venue| self.symbols.get(&(venue.code, bare(symbol)))) {
            return resolved(OiStatus::Resolved, &self.entries[*entry], 1.0);
        }
        let readings: Vec<(Asset, Quote)> =
            readings(symbol).into_iter().map(|reading| (Asset::read(&reading.base), reading.quote)).collect();
        let first = |status, is_fit: &dyn Fn(&Entry) -> bool| {
            let found = readings.iter().find_map(|(asset, quote)| Some((asset, self.best(asset, quote, is_fit)?)));
            found.map(|(asset, entry)| resolved(status, entry, f64::from(entry.asset.coins) / f64::from(asset.coins)))
        };
        let at_home = own.and_then(|own| first(OiStatus::Resolved, &|entry| entry.venue == own));
        let elsewhere = || {
            first(OiStatus::Aggregated, &|entry| {
                venue::liquidity(entry.venue.code).is_some() && entry.market.is_stable()
            })
        };
        at_home.or_else(elsewhere).unwrap_or(Resolution::NEUTRAL)
    }

    /// The best perpetual of a coin among those that are fit.
    fn best(&self, asset: &Asset, quote: &Quote, is_fit: &dyn Fn(&Entry) -> bool) -> Option<&Entry> {
        let entries = self.coins.get(&asset.coin)?.iter().map(|at| &self.entries[*at]);
        let fit =
            entries.filter(|entry| entry.market.is_perpetual && is_priced_alike(quote, &entry.quote) && is_fit(entry));
        fit.min_by_key(|entry| {
            (
                venue::liquidity(entry.venue.code).unwrap_or(usize::MAX),
                !entry.market.is_stable(),
                entry.asset.coins != asset.coins,
                preference(quote, &entry.quote),
                Reverse(entry.market.has_long_short_ratio),
                // The same list gives the same market, in whatever order it came.
                Arc::clone(&entry.symbol),
            )
        })
    }
}

fn resolved(status: OiStatus, entry: &Entry, multiplier: f64) -> Resolution {
    let instrument = Instrument {
        coinalyze_symbol: Arc::clone(&entry.symbol),
        venue: entry.venue.name,
        base: entry.market.base_asset.clone(),
        quote: entry.market.quote_asset.clone(),
        has_long_short_ratio: entry.market.has_long_short_ratio,
    };
    Resolution { status, instrument: Some(instrument), multiplier }
}

/// Whether a market's price tells about the same as the file's.
fn is_priced_alike(file: &Quote, market: &Quote) -> bool {
    match (file, market) {
        (Quote::Coin(file), Quote::Coin(market)) => file == market,
        (Quote::Coin(_), _) | (_, Quote::Coin(_)) => false,
        _ => true,
    }
}

/// Smaller is better.
fn preference(file: &Quote, market: &Quote) -> usize {
    let place = |name: &str| DOLLARS.iter().position(|known| *known == name).unwrap_or(DOLLARS.len());
    match market {
        _ if file == market => 0,
        Quote::Money(name) => 1 + place(name),
        Quote::Unsaid | Quote::Coin(_) => 2 + DOLLARS.len(),
    }
}
