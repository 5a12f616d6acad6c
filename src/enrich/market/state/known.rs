//! Who speaks for which series, and what their histories are.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Held, INSTRUMENTS_MAX, KNOWN_MAX, Series, Spokesman, State};
use crate::clickhouse::StoredSeries;
use crate::enrich::market::learned;
use crate::market::resolver::{Markets, Resolution};
use crate::model::{Instrument, Learned, OiStatus, Timestamp};

impl State {
    /// Those of `series` of which nothing is held.
    pub(in crate::enrich::market) fn strangers<'a>(&self, series: &'a [Series]) -> Vec<(&'a str, &'a str)> {
        let strangers = series.iter().filter(|series| !self.spokesmen.contains_key(*series));
        strangers.map(|(exchange, symbol)| (exchange.as_str(), symbol.as_str())).collect()
    }

    /// Takes in who speaks for series; of what is said twice the newest counts.
    pub(in crate::enrich::market) fn introduce(&mut self, instruments: impl IntoIterator<Item = Instrument>) {
        if self.spokesmen.len() > INSTRUMENTS_MAX {
            // They are in the table.
            let waited_for: HashSet<Series> = self.waited_for().into_iter().collect();
            self.spokesmen.retain(|series, _| waited_for.contains(series));
        }
        for instrument in instruments {
            let series = (instrument.exchange.clone(), instrument.symbol.clone());
            let is_older = |known: &Spokesman| known.instrument.checked_at > instrument.checked_at;
            if self.spokesmen.get(&series).is_some_and(is_older) {
                continue;
            }
            let is_asked = instrument.oi_status != OiStatus::Neutral && !instrument.coinalyze_symbol.is_empty();
            let symbol = is_asked.then(|| self.symbol(&instrument.coinalyze_symbol));
            self.spokesmen.insert(series, Spokesman { instrument, symbol });
        }
    }

    /// Takes in what an earlier owner has learned.
    pub(in crate::enrich::market) fn recall(&mut self, learned: Learned) {
        self.introduce(learned.instruments);
        for series in learned.series {
            self.recent.entry(series.coinalyze_symbol.clone()).or_default().push(series);
        }
    }

    /// One text for each symbol, however many series it speaks for.
    fn symbol(&self, symbol: &str) -> Arc<str> {
        self.histories.get_key_value(symbol).map_or_else(|| symbol.into(), |(known, _)| Arc::clone(known))
    }

    /// Whether the list of markets is needed to say who speaks for a series as of `moment`.
    pub(super) fn is_unresolved(&self, series: &Series, moment: Timestamp) -> bool {
        let is_old = |known: &Spokesman| moment.since(known.instrument.checked_at) >= self.rules.symbols_ttl;
        self.spokesmen.get(series).is_none_or(is_old)
    }

    /// Resolves by the list of markets, if it is held and fresh, whatever of `series` is not resolved freshly.
    pub(in crate::enrich::market) fn resolve(&mut self, series: &[Series], now: Timestamp) {
        let Some((markets, asked_at)) = self.markets.clone() else { return };
        if now.since(asked_at) >= self.rules.symbols_ttl {
            return;
        }
        let unresolved: Vec<&Series> = series.iter().filter(|series| self.is_unresolved(series, now)).collect();
        let found: Vec<Instrument> = unresolved.iter().map(|series| instrument(&markets, series, asked_at)).collect();
        self.unsaved.extend(found.iter().cloned());
        self.introduce(found);
    }

    /// The list of markets came; it was asked for at `asked_at`.
    pub(in crate::enrich::market) fn list(&mut self, markets: Arc<Markets>, asked_at: Timestamp) {
        self.markets = Some((markets, asked_at));
        let mut series: Vec<Series> = self.waiting.values().map(|waiting| waiting.series.clone()).collect();
        series.sort_unstable();
        series.dedup();
        self.resolve(&series, asked_at);
    }

    /// What the list said and is not written down yet.
    pub(in crate::enrich::market) fn unsaved(&mut self) -> Vec<Instrument> {
        std::mem::take(&mut self.unsaved)
    }

    /// The symbols that speak for `series` and whose histories are not held.
    pub(in crate::enrich::market) fn unread(&self, series: &[Series]) -> Vec<Arc<str>> {
        let symbols = series.iter().filter_map(|series| self.spokesmen.get(series)?.symbol.clone());
        let unread: HashSet<Arc<str>> = symbols.filter(|symbol| !self.histories.contains_key(symbol)).collect();
        unread.into_iter().collect()
    }

    /// The series of charts that wait for which one of these symbols speaks.
    pub(in crate::enrich::market) fn spoken_for(&self, symbols: &[Arc<str>]) -> HashSet<Series> {
        let speaks = |series: &Series| {
            let symbol = self.spokesmen.get(series).and_then(|spokesman| spokesman.symbol.as_ref());
            symbol.is_some_and(|symbol| symbols.contains(symbol))
        };
        self.waiting.values().map(|waiting| &waiting.series).filter(|series| speaks(series)).cloned().collect()
    }

    /// The series of all charts that wait.
    pub(in crate::enrich::market) fn waited_for(&self) -> Vec<Series> {
        self.waiting.values().map(|waiting| waiting.series.clone()).collect()
    }

    /// Takes in what is stored of `symbols`, from `since` on. What is held already is newer.
    pub(in crate::enrich::market) fn remember(
        &mut self,
        symbols: Vec<Arc<str>>,
        stored: Vec<StoredSeries>,
        since: Timestamp,
        now: Timestamp,
    ) {
        let mut by_symbol: std::collections::HashMap<String, Vec<StoredSeries>> = std::collections::HashMap::new();
        for series in stored {
            by_symbol.entry(series.coinalyze_symbol.clone()).or_default().push(series);
        }
        for symbol in symbols {
            let stored = by_symbol.remove(&*symbol).unwrap_or_default();
            if self.histories.contains_key(&symbol) {
                continue;
            }
            let recent = self.recent.remove(&*symbol).unwrap_or_default();
            let known = learned::known(&stored, &recent, since);
            self.histories.insert(symbol, Held { known, used_at: now });
        }
        self.forget();
    }

    /// Lets go of the histories that nobody waits for, those first that were not used for longest.
    fn forget(&mut self) {
        if self.histories.len() <= KNOWN_MAX {
            return;
        }
        let waited_for: HashSet<Arc<str>> =
            self.waiting.values().filter_map(|waiting| self.spokesmen.get(&waiting.series)?.symbol.clone()).collect();
        let idle = self.histories.iter().filter(|(symbol, _)| !waited_for.contains(*symbol));
        let mut idle: Vec<(Timestamp, Arc<str>)> =
            idle.map(|(symbol, held)| (held.used_at, Arc::clone(symbol))).collect();
        idle.sort_unstable();
        // A fourth at a time, so that it is not looked through for each batch.
        let surplus = self.histories.len() - KNOWN_MAX * 3 / 4;
        for (_, symbol) in idle.into_iter().take(surplus) {
            self.histories.remove(&symbol);
        }
    }
}

/// Who speaks for a series by the list of markets.
fn instrument(markets: &Markets, (exchange, symbol): &Series, checked_at: Timestamp) -> Instrument {
    let Resolution { status, instrument, .. } = markets.resolve(exchange, symbol);
    let spoken = |text: fn(&crate::market::resolver::Instrument) -> &str| {
        instrument.as_ref().map(text).unwrap_or_default().to_owned()
    };
    Instrument {
        exchange: exchange.clone(),
        symbol: symbol.clone(),
        base: spoken(|instrument| &instrument.base),
        quote: spoken(|instrument| &instrument.quote),
        coinalyze_symbol: spoken(|instrument| &instrument.coinalyze_symbol),
        venue: spoken(|instrument| instrument.venue),
        oi_status: status,
        has_long_short_ratio: instrument.as_ref().is_some_and(|instrument| instrument.has_long_short_ratio),
        checked_at,
    }
}
