//! Charts of the past get what derivatives markets said then: what is stored, as of the time of each chart's record, and
//! nothing that ended later. Nobody is asked, as the service would tell of today; what is not stored is missing.
//!
//! Who speaks for a series is taken from the newest list of markets: which venue lists an instrument changes rarely, and
//! says nothing of its price.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use anyhow::Context as _;

use super::chart::{in_context, neutral};
use super::learned;
use crate::clickhouse::{Store, StoredSeries};
use crate::flow::{Stage, Verdict, compute};
use crate::market::contexts::{self, FIRST_WINDOW, Known, Subject};
use crate::model::{ChartInContext, ChartedSeries, Instrument, OiStatus, Timestamp};

/// The stage.
pub struct AsOf<I> {
    store: Option<Store>,
    run_id: String,
    split: fn(I) -> Vec<ChartedSeries>,
}

impl<I> fmt::Debug for AsOf<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AsOf({})", self.run_id)
    }
}

/// Who speaks for which series, and what their histories are.
#[derive(Default)]
struct Past {
    spokesmen: HashMap<(String, String), Instrument>,
    histories: HashMap<String, Known>,
}

impl<I: Send + 'static> AsOf<I> {
    /// A stage of the run `run_id`, whose items have the charts that `split` gives. Without a store nothing is known.
    #[must_use]
    pub fn new(store: Option<Store>, run_id: &str, split: fn(I) -> Vec<ChartedSeries>) -> Self {
        Self { store, run_id: run_id.to_owned(), split }
    }

    async fn past(&self, charts: &[Vec<ChartedSeries>]) -> anyhow::Result<Past> {
        let Some(store) = &self.store else { return Ok(Past::default()) };
        let all = || charts.iter().flatten();
        let series: BTreeSet<(&str, &str)> =
            all().map(|charted| (charted.series.exchange.as_str(), charted.series.symbol.as_str())).collect();
        let series: Vec<(&str, &str)> = series.into_iter().collect();
        let instruments = store.instruments(&series).await.context("looking up who speaks for series")?;
        // The newest comes last.
        let spokesmen: HashMap<(String, String), Instrument> = instruments
            .into_iter()
            .map(|instrument| ((instrument.exchange.clone(), instrument.symbol.clone()), instrument))
            .collect();
        let symbols: BTreeSet<&str> = spokesmen
            .values()
            .filter(|instrument| instrument.oi_status != OiStatus::Neutral && !instrument.coinalyze_symbol.is_empty())
            .map(|instrument| instrument.coinalyze_symbol.as_str())
            .collect();
        let symbols: Vec<&str> = symbols.into_iter().collect();
        let earliest = all().map(|charted| charted.received_at.0).min().unwrap_or(0);
        let back = i64::try_from(FIRST_WINDOW.as_millis()).unwrap_or(i64::MAX);
        let since = Timestamp(earliest.saturating_sub(back));
        let interval = contexts::INTERVAL.to_string();
        let stored = store.histories(&symbols, &interval, since).await.context("looking up histories")?;
        let mut by_symbol: BTreeMap<String, Vec<StoredSeries>> = BTreeMap::new();
        for series in stored {
            by_symbol.entry(series.coinalyze_symbol.clone()).or_default().push(series);
        }
        let known = |(symbol, stored): (String, Vec<StoredSeries>)| (symbol, learned::known(&stored, &[], since));
        Ok(Past { spokesmen, histories: by_symbol.into_iter().map(known).collect() })
    }

    fn told(&self, charted: ChartedSeries, past: &Past) -> ChartInContext {
        let at = charted.received_at;
        let series = &charted.series;
        let spokesman = past.spokesmen.get(&(series.exchange.clone(), series.symbol.clone()));
        let context = spokesman.and_then(|instrument| {
            let subject = Subject {
                exchange: &series.exchange,
                symbol: &series.symbol,
                status: instrument.oi_status,
                venue: &instrument.venue,
                run_id: &self.run_id,
            };
            Some(past.histories.get(&instrument.coinalyze_symbol)?.context(&subject, at))
        });
        // A venue that has told nothing is not where the numbers come from.
        let context = context.filter(|context| context.oi_status != OiStatus::Neutral);
        let context = context.unwrap_or_else(|| neutral(series, &self.run_id));
        in_context(charted, context, at)
    }
}

impl<I: Send + 'static> Stage for AsOf<I> {
    type In = I;
    type Out = Vec<ChartInContext>;

    fn name(&self) -> &'static str {
        "enrich/market"
    }

    async fn apply(self: Arc<Self>, items: Vec<I>) -> anyhow::Result<Vec<Verdict<Vec<ChartInContext>>>> {
        let charts: Vec<Vec<ChartedSeries>> = items.into_iter().map(self.split).collect();
        let past = self.past(&charts).await?;
        compute(move || {
            let told =
                |charts: Vec<ChartedSeries>| charts.into_iter().map(|charted| self.told(charted, &past)).collect();
            charts.into_iter().map(|charts| Verdict::Keep(told(charts))).collect()
        })
        .await
    }
}
