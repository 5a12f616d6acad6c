//! Charts: what they are told, and which of them wait for more.

use super::{Series, State, WAITING_MAX};
use crate::enrich::market::chart::{in_context, neutral};
use crate::market::contexts::{self, History, Known, Subject};
use crate::market::plan;
use crate::model::{ChartInContext, ChartedSeries, LIVE_RUN, MarketContext, OiStatus, Timestamp, WaitingChart};

/// Seconds of a day.
const DAY_S: f64 = 86_400.0;

/// A chart that waits.
#[derive(Debug)]
pub(in crate::enrich::market) struct Waiting {
    pub(super) series: Series,
    chart: Box<WaitingChart>,
    /// What it was told last; `None` where nobody knows any more.
    told: Option<MarketContext>,
    /// What a question about it is worth beside others.
    pub(super) stake: f64,
}

/// What is new about a chart.
#[derive(Debug)]
pub(in crate::enrich::market) struct News {
    /// Whose.
    pub(in crate::enrich::market) source_id: String,
    /// With another context than it was told before.
    pub(in crate::enrich::market) told: Option<Box<ChartInContext>>,
    /// It waits from now on, so.
    pub(in crate::enrich::market) waits: Option<WaitingChart>,
    /// It waits no more.
    pub(in crate::enrich::market) is_settled: bool,
}

impl Waiting {
    /// When it came to wait.
    pub(super) fn since(&self) -> Timestamp {
        self.chart.since
    }
}

/// What a question about a chart is worth beside others: how near it stands to a threshold, as far as the chart tells, and
/// the volume of a day in its market.
pub(in crate::enrich::market) fn stake(charted: &ChartedSeries) -> f64 {
    let last = &charted.chart.last;
    let bars_a_day = DAY_S / f64::from(charted.series.interval.seconds());
    plan::stake_of(&charted.chart, last.volume * last.close * bars_a_day)
}

impl State {
    /// A chart that waited when its partition came.
    pub(in crate::enrich::market) fn seat(&mut self, source_id: String, chart: WaitingChart) {
        let series = (chart.charted.series.exchange.clone(), chart.charted.series.symbol.clone());
        let stake = stake(&chart.charted);
        self.waiting.insert(source_id, Waiting { series, chart: Box::new(chart), told: None, stake });
    }

    /// Tells a chart what is known. `may_wait`: it is told again when more is known.
    pub(in crate::enrich::market) fn tell(
        &mut self,
        mut charted: ChartedSeries,
        run_id: &str,
        may_wait: bool,
        now: Timestamp,
    ) -> News {
        charted.series.candles = Vec::new();
        let source_id = charted.series.source_id();
        let series = (charted.series.exchange.clone(), charted.series.symbol.clone());
        let context = self.context(&series, &charted, run_id, now);
        let told = in_context(charted.clone(), context.clone(), now);
        let may_wait = may_wait && run_id == LIVE_RUN;
        let known = self.waiting.get(&source_id).map(|waiting| waiting.chart.charted.received_at);
        // A batch that is read again tells of a chart that is older than the one that waits.
        let is_old = known.is_some_and(|known| known > charted.received_at);
        let wants = self.wants(&series, now) && (known.is_some() || self.waiting.len() < WAITING_MAX);
        let mut news = News { source_id, told: None, waits: None, is_settled: false };
        if may_wait && !is_old && wants {
            let stake = stake(&charted);
            let version = told.version;
            let chart = WaitingChart { run_id: run_id.to_owned(), charted, since: now, version };
            news.waits = Some(chart.clone());
            let waiting = Waiting { series, chart: Box::new(chart), told: Some(context), stake };
            self.waiting.insert(news.source_id.clone(), waiting);
        } else if may_wait && !is_old && known.is_some() {
            self.waiting.remove(&news.source_id);
            news.is_settled = true;
        }
        news.told = Some(Box::new(told));
        news
    }

    /// What is new about the charts that wait for one of these series; all of them for `None`.
    pub(in crate::enrich::market) fn news(
        &mut self,
        is_touched: impl Fn(&Series) -> bool,
        now: Timestamp,
    ) -> Vec<News> {
        let touched: Vec<String> = self
            .waiting
            .iter()
            .filter(|(_, waiting)| is_touched(&waiting.series))
            .map(|(source_id, _)| source_id.clone())
            .collect();
        touched.into_iter().filter_map(|source_id| self.news_of(source_id, now)).collect()
    }

    fn news_of(&mut self, source_id: String, now: Timestamp) -> Option<News> {
        let mut waiting = self.waiting.remove(&source_id)?;
        let context = self.context(&waiting.series, &waiting.chart.charted, &waiting.chart.run_id, now);
        let is_new = waiting.told.as_ref().is_none_or(|told| !is_same(told, &context));
        let told = is_new.then(|| {
            let mut told = in_context(waiting.chart.charted.clone(), context.clone(), now);
            // Two contexts within a second are two versions all the same.
            told.version = told.version.max(waiting.chart.version + 1);
            waiting.chart.version = told.version;
            waiting.told = Some(context);
            Box::new(told)
        });
        let is_settled = !self.wants(&waiting.series, waiting.since());
        let news = News { source_id: source_id.clone(), told, waits: None, is_settled };
        if !is_settled {
            self.waiting.insert(source_id, waiting);
        }
        (news.told.is_some() || is_settled).then_some(news)
    }

    /// Whether a chart that came at `moment` wants to know more than is known.
    fn wants(&self, series: &Series, moment: Timestamp) -> bool {
        self.is_unresolved(series, moment)
            || History::ALL.into_iter().any(|history| self.is_wanted(series, history, moment))
    }

    /// Whether a history is to be asked for a chart that came at `moment`.
    pub(super) fn is_wanted(&self, series: &Series, history: History, moment: Timestamp) -> bool {
        let state = self.states(series).map(|states| states[history as usize]);
        state.is_some_and(|state| plan::is_due(state, history, &self.rules, moment))
    }

    /// What is known of the histories of a series; `None` where nobody speaks for it.
    pub(super) fn states(&self, series: &Series) -> Option<[contexts::State; History::ALL.len()]> {
        let spokesman = self.spokesmen.get(series)?;
        let held = self.histories.get(spokesman.symbol.as_ref()?);
        let has_ratio = spokesman.instrument.has_long_short_ratio;
        Some(held.map_or_else(|| Known::default().states(has_ratio), |held| held.known.states(has_ratio)))
    }

    fn context(&mut self, series: &Series, charted: &ChartedSeries, run_id: &str, now: Timestamp) -> MarketContext {
        let nothing = || neutral(&charted.series, run_id);
        let Some(spokesman) = self.spokesmen.get(series) else { return nothing() };
        let Some(held) = spokesman.symbol.as_ref().and_then(|symbol| self.histories.get_mut(symbol)) else {
            return nothing();
        };
        held.used_at = now;
        let instrument = &spokesman.instrument;
        let subject = Subject {
            exchange: &charted.series.exchange,
            symbol: &charted.series.symbol,
            status: instrument.oi_status,
            venue: &instrument.venue,
            run_id,
        };
        let context = held.known.context(&subject, now);
        // A venue that has told nothing is not where the numbers come from.
        if context.oi_status == OiStatus::Neutral { nothing() } else { context }
    }
}

/// Whether two contexts say the same.
fn is_same(one: &MarketContext, other: &MarketContext) -> bool {
    *one == MarketContext { fetched_at: one.fetched_at, ..other.clone() }
}
