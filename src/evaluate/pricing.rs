//! Which candles a signal is measured on.
//!
//! * A market's signal: its own exchange and symbol.
//! * An article's: of the markets of its asset that are priced in dollars, as symbols are read when charts are resolved,
//!   the one in which the most dollars were traded in the evaluated time; of equal ones the first by name. An article
//!   about no asset ([`MARKET`]) is measured on [`MARKET_ASSET`], which the others follow.
//!
//! Dollars are volume times close, as the venue counts volume. Intervals are offered from the finest to the coarsest.

use std::collections::HashMap;

use crate::clickhouse::questions::TradedSeries;
use crate::market::resolver;
use crate::model::{Interval, SignalKind};

/// The subject of an article that names no asset.
pub const MARKET: &str = "MARKET";
/// What such an article is measured on.
pub const MARKET_ASSET: &str = "BTC";

/// An exchange and a symbol there.
pub type Pair = (String, String);

/// A market, and the intervals that there are bars of, ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Market {
    /// Lower case, and as the exchange writes it.
    pub pair: Pair,
    /// From the finest on.
    pub intervals: Vec<Interval>,
}

/// The markets that there are prices of.
#[derive(Debug, Default)]
pub struct Markets {
    all: Vec<Market>,
    by_pair: HashMap<Pair, usize>,
    by_asset: HashMap<String, usize>,
}

/// The asset that an article's subject is measured on, in capitals.
#[must_use]
pub fn asset_of(subject: &str) -> String {
    if subject == MARKET { MARKET_ASSET.to_owned() } else { subject.to_uppercase() }
}

/// Whether a market may be needed: of one of these pairs, or of one of these assets in dollars.
#[must_use]
pub fn is_needed(pair: &Pair, is_pair: impl Fn(&Pair) -> bool, is_asset: impl Fn(&str) -> bool) -> bool {
    is_pair(pair) || resolver::coin_in_dollars(&pair.1).is_some_and(|coin| is_asset(&coin))
}

impl Markets {
    /// Of the series that were traded.
    #[must_use]
    pub fn of(series: Vec<TradedSeries>) -> Self {
        let mut markets = Self::default();
        let mut dollars: Vec<f64> = Vec::new();
        for TradedSeries { exchange, symbol, interval, turnover } in series {
            let Some(interval) = Interval::parse(&interval) else { continue };
            let pair = (exchange, symbol);
            let place = *markets.by_pair.entry(pair.clone()).or_insert_with(|| {
                markets.all.push(Market { pair, intervals: Vec::new() });
                dollars.push(0.0);
                dollars.len() - 1
            });
            markets.all[place].intervals.push(interval);
            // Every interval tells of the same trades: the one that covers the most counts.
            dollars[place] = dollars[place].max(turnover);
        }
        for market in &mut markets.all {
            market.intervals.sort_unstable();
            market.intervals.dedup();
        }
        let mut order: Vec<usize> = (0..dollars.len()).collect();
        order.sort_by(|one, other| {
            let names = || markets.all[*one].pair.cmp(&markets.all[*other].pair);
            dollars[*other].total_cmp(&dollars[*one]).then_with(names)
        });
        for place in order {
            if let Some(coin) = resolver::coin_in_dollars(&markets.all[place].pair.1) {
                markets.by_asset.entry(coin).or_insert(place);
            }
        }
        markets
    }

    /// Where a signal is measured; `None` where there is no price of its subject.
    #[must_use]
    pub fn place(&self, kind: SignalKind, exchange: &str, subject: &str) -> Option<usize> {
        match kind {
            SignalKind::Market => self.by_pair.get(&(exchange.to_owned(), subject.to_owned())),
            SignalKind::Article => self.by_asset.get(&asset_of(subject)),
        }
        .copied()
    }

    /// The market at a place.
    #[must_use]
    pub fn at(&self, place: usize) -> &Market {
        &self.all[place]
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(exchange: &str, symbol: &str, interval: &str, turnover: f64) -> TradedSeries {
        TradedSeries {
            exchange: exchange.to_owned(),
            symbol: symbol.to_owned(),
            interval: interval.to_owned(),
            turnover,
        }
    }

    #[test]
    fn an_asset_is_measured_where_the_most_dollars_are() {
        let markets = Markets::of(vec![
            series("binance", "BTCUSDT", "1h", 50.0),
            series("bybit", "BTCUSDT", "1d", 70.0),
            series("bybit", "BTCUSDT", "1m", 60.0),
            series("okx", "ETHBTC", "1h", 900.0),
            series("okx", "ETH-USDT-SWAP", "1h", 5.0),
            series("okx", "BTC-EUR", "1h", 500.0),
            series("gate", "1000PEPE_USDT", "4h", 1.0),
        ]);
        let place = |kind, exchange, subject| markets.place(kind, exchange, subject).map(|place| markets.at(place));
        let article = |subject| place(SignalKind::Article, "", subject).map(|market| market.pair.0.as_str());
        assert_eq!(
            ["BTC", "btc", "MARKET", "ETH", "PEPE", "DOGE"].map(article),
            [Some("bybit"), Some("bybit"), Some("bybit"), Some("okx"), Some("gate"), None]
        );
        let bybit = place(SignalKind::Market, "bybit", "BTCUSDT").unwrap();
        assert_eq!(bybit.intervals.iter().map(ToString::to_string).collect::<Vec<_>>(), ["1m", "1d"]);
        assert_eq!(place(SignalKind::Market, "binance", "BTCUSDT").unwrap().pair.0, "binance");
        assert_eq!(place(SignalKind::Market, "mexc", "BTCUSDT"), None);
        assert!(markets.len() == 6 && !markets.is_empty());
    }
}
