//! Signals with their outcomes, read and judged in bounded memory.
//!
//! A signal takes about 150 bytes, and there are at most [`SIGNALS_MAX`]. Bars are read a range of a series at a time, of
//! at most [`BARS_MAX`] intervals and the longest horizon, and only as long as a finer series has left something open.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::outcome::{Bar, Outcome, outcome};
use super::pricing::{Market, Markets, asset_of, is_needed};
use super::report::{By, Evaluation, Judged, Labels, findings};
use super::resample::Resampling;
use crate::clickhouse::questions::{BarLine, CandleRange, SaidFilter, SaidSignal};
use crate::clickhouse::{Failure, Store};
use crate::flow::compute;
use crate::model::{Direction, Interval, LIVE_RUN, SignalKind, Timestamp, identity};

/// Signals of one evaluation.
pub const SIGNALS_MAX: usize = 1_000_000;
/// Intervals that the signals of one question about bars may span.
const BARS_MAX: i64 = 50_000;
/// Markets that are asked about side by side.
const MARKETS_AT_ONCE: usize = 4;

/// What is to be evaluated.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Which signals.
    pub filter: SaidFilter,
    /// Ascending, without repetition.
    pub horizons: Vec<Duration>,
    /// By what; each once.
    pub by: Vec<By>,
    /// How sure.
    pub resampling: Resampling,
}

impl Default for Asked {
    /// Every live signal, after 1, 4, 24 and 72 hours.
    fn default() -> Self {
        Self {
            filter: SaidFilter { run_id: LIVE_RUN.to_owned(), ..SaidFilter::default() },
            horizons: [1, 4, 24, 72].map(Duration::from_hours).to_vec(),
            by: By::USUAL.to_vec(),
            resampling: Resampling { resamples: 1_000, seed: 1 },
        }
    }
}

/// Why there is no evaluation.
#[derive(Debug, thiserror::Error)]
pub enum Unmeasured {
    /// ClickHouse does not answer.
    #[error(transparent)]
    Store(#[from] Failure),
    /// More than memory is meant for.
    #[error(
        "there are more than {SIGNALS_MAX} signals: narrow them by --from and --to, --kind, --strategy or --subject"
    )]
    TooMany,
    /// The statistics could not be reckoned.
    #[error("reckoning the statistics: {0}")]
    Reckoning(String),
}

/// Is told how many markets are looked through, of how many.
pub type Watcher<'a> = &'a mut (dyn FnMut(u64, u64) + Send);

/// Where a signal is measured: its place among the markets.
struct Said {
    judged: Vec<Judged>,
    /// For each market that there is, the signals that are measured on it, in the order of time.
    places: HashMap<usize, Vec<usize>>,
    markets: Markets,
}

/// Evaluates the signals of `asked` as of `now`.
///
/// # Errors
/// As [`Unmeasured`] says.
pub async fn evaluate(
    store: &Store,
    asked: &Asked,
    now: Timestamp,
    watcher: Watcher<'_>,
) -> Result<Evaluation, Unmeasured> {
    let mut said = read(store, asked).await?;
    measure(store, asked, &mut said, now, watcher).await?;
    let judged = said.judged;
    let (first_at, last_at) = (judged.first().map(|first| first.at), judged.last().map(|last| last.at));
    let (by, horizons, how) = (asked.by.clone(), asked.horizons.clone(), asked.resampling);
    let reckon = move || by.iter().flat_map(|by| findings(&judged, *by, &horizons, how)).collect();
    let findings = compute(reckon).await.map_err(|error| Unmeasured::Reckoning(error.to_string()))?;
    let (run_id, filter) = (asked.filter.run_id.clone(), said_filter(&asked.filter));
    Ok(Evaluation {
        evaluation_id: identity(&[&now.0.to_string(), &run_id, &filter]).0,
        evaluated_at: now,
        run_id,
        filter,
        first_at,
        last_at,
        resamples: how.resamples,
        seed: how.seed,
        findings,
    })
}

/// What signals had to meet, beside their run, in words.
fn said_filter(filter: &SaidFilter) -> String {
    let SaidFilter { run_id: _, kind, strategy, subject, from, to } = filter;
    let texts = [("kind", kind), ("strategy", strategy), ("subject", subject)];
    let texts = texts.into_iter().filter_map(|(name, text)| text.as_ref().map(|text| format!("{name}={text}")));
    let times = [("from", from), ("to", to)];
    let times = times.into_iter().filter_map(|(name, time)| time.map(|time| format!("{name}={time}")));
    texts.chain(times).collect::<Vec<_>>().join(" ")
}

/// Reads the signals, and finds out where each is measured.
async fn read(store: &Store, asked: &Asked) -> Result<Said, Unmeasured> {
    let mut rows = store.said_signals(&asked.filter, SIGNALS_MAX as u64 + 1)?;
    let mut same = Same::default();
    let mut judged = Vec::new();
    let mut wheres: Vec<(SignalKind, Arc<str>)> = Vec::new();
    while let Some(row) = rows.next().await? {
        if judged.len() == SIGNALS_MAX {
            return Err(Unmeasured::TooMany);
        }
        let kind = if row.kind == SignalKind::Market.as_str() { SignalKind::Market } else { SignalKind::Article };
        wheres.push((kind, same.text(&row.exchange)));
        judged.push(judge(row, &mut same, asked.horizons.len()));
    }
    let (Some(first), Some(last)) = (judged.first(), judged.last()) else {
        return Ok(Said { judged, places: HashMap::new(), markets: Markets::default() });
    };
    let longest = asked.horizons.iter().max().copied().unwrap_or_default();
    let (from, to) = (first.at, last.at.plus(longest));
    let mut pairs: HashSet<(String, String)> = HashSet::new();
    let mut assets: HashSet<String> = HashSet::new();
    for ((kind, exchange), signal) in wheres.iter().zip(&judged) {
        match kind {
            SignalKind::Market => drop(pairs.insert((exchange.to_string(), signal.subject.to_string()))),
            SignalKind::Article => drop(assets.insert(asset_of(&signal.subject))),
        }
    }
    let mut needed = store.candle_pairs().await?;
    needed.retain(|pair| is_needed(pair, |pair| pairs.contains(pair), |asset| assets.contains(asset)));
    let markets = Markets::of(store.traded_series(&needed, from, to).await?);
    let mut places: HashMap<usize, Vec<usize>> = HashMap::new();
    for (number, ((kind, exchange), signal)) in wheres.iter().zip(&judged).enumerate() {
        if let Some(place) = markets.place(*kind, exchange, &signal.subject) {
            places.entry(place).or_default().push(number);
        }
    }
    Ok(Said { judged, places, markets })
}

/// What many signals share is kept once.
#[derive(Default)]
struct Same {
    labels: HashSet<Arc<Labels>>,
    texts: HashSet<Arc<str>>,
}

impl Same {
    fn text(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.texts.get(text) {
            return known.clone();
        }
        let new: Arc<str> = text.into();
        self.texts.insert(new.clone());
        new
    }

    fn labels(&mut self, labels: Labels) -> Arc<Labels> {
        if let Some(known) = self.labels.get(&labels) {
            return known.clone();
        }
        let new = Arc::new(labels);
        self.labels.insert(new.clone());
        new
    }
}

/// A signal that nothing has become of yet.
fn judge(row: SaidSignal, same: &mut Same, horizons: usize) -> Judged {
    #[expect(clippy::cast_possible_truncation, reason = "a component is told to two digits")]
    let components = row.components.values().map(|value| *value as f32).collect();
    let labels = Labels {
        kind: row.kind,
        strategy: row.strategy,
        analyzer: row.analyzer,
        model: row.model,
        prompt_version: row.prompt_version,
        components: row.components.into_keys().collect(),
    };
    Judged {
        labels: same.labels(labels),
        subject: same.text(&row.subject),
        at: Timestamp(row.available_ms),
        direction: Direction::parse(&row.direction).unwrap_or(Direction::Neutral),
        score: row.score,
        confidence: row.confidence,
        components,
        outcomes: vec![Outcome::Missing; horizons].into(),
    }
}

/// Gives every signal its outcomes.
async fn measure(
    store: &Store,
    asked: &Asked,
    said: &mut Said,
    now: Timestamp,
    watcher: Watcher<'_>,
) -> Result<(), Failure> {
    let total = said.places.len() as u64;
    let mut order: Vec<(usize, Vec<usize>)> = said.places.drain().collect();
    order.sort_unstable();
    let (markets, judged) = (&said.markets, &said.judged);
    let asked_about = order.into_iter().map(|(place, numbers)| {
        let times: Vec<Timestamp> = numbers.iter().map(|number| judged[*number].at).collect();
        async move {
            let outcomes = of_market(store, markets.at(place), &times, &asked.horizons, now).await?;
            Ok::<_, Failure>((numbers, outcomes))
        }
    });
    let mut answers = stream::iter(asked_about.collect::<Vec<_>>()).buffer_unordered(MARKETS_AT_ONCE);
    let mut found: Vec<(usize, Vec<Outcome>)> = Vec::with_capacity(judged.len());
    let mut done = 0;
    while let Some((numbers, outcomes)) = answers.try_next().await? {
        found.extend(numbers.into_iter().zip(outcomes));
        done += 1;
        watcher(done, total);
    }
    drop(answers);
    for (number, outcomes) in found {
        said.judged[number].outcomes = outcomes.into();
    }
    Ok(())
}

/// The outcomes of signals at these ascending times on a market, one list a signal: from the finest interval that has them.
async fn of_market(
    store: &Store,
    market: &Market,
    times: &[Timestamp],
    horizons: &[Duration],
    now: Timestamp,
) -> Result<Vec<Vec<Outcome>>, Failure> {
    let mut outcomes = vec![vec![Outcome::Missing; horizons.len()]; times.len()];
    let longest = horizons.iter().max().copied().unwrap_or_default();
    for interval in market.intervals.iter().filter(|interval| interval.duration() <= longest) {
        let is_open = |outcomes: &Vec<Outcome>| outcomes.iter().any(|one| !matches!(one, Outcome::Finished(_)));
        let span_max = millis(interval.duration()).saturating_mul(BARS_MAX);
        let mut begin = 0;
        while begin < times.len() {
            let near = |time: &Timestamp| time.0.saturating_sub(times[begin].0) <= span_max;
            let end = begin + times[begin..].partition_point(near);
            if outcomes[begin..end].iter().any(is_open) {
                let bars = bars(store, market, *interval, times[begin], times[end - 1].plus(longest)).await?;
                for (time, outcomes) in times[begin..end].iter().zip(&mut outcomes[begin..end]) {
                    for (found, horizon) in outcomes.iter_mut().zip(horizons) {
                        *found = found.or(outcome(&bars, *interval, *time, *horizon, now));
                    }
                }
            }
            begin = end;
        }
    }
    Ok(outcomes)
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// The bars that open from one moment on, to a few behind another.
async fn bars(
    store: &Store,
    market: &Market,
    interval: Interval,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<Bar>, Failure> {
    let step = interval.duration();
    let to = to.plus(step * 4);
    let name = interval.to_string();
    let range = CandleRange {
        exchange: &market.pair.0,
        symbol: &market.pair.1,
        interval: &name,
        from: Some(from),
        to: Some(to),
    };
    // Cleaning leaves no two bars that are nearer than half an interval.
    let limit = 2 * to.since(from).as_millis() / step.as_millis().max(1) + 2;
    let found = store.first_bars(&range, u64::try_from(limit).unwrap_or(u64::MAX)).await?;
    let bar = |line: BarLine| Bar { open_time: Timestamp(line.open_ms), open: line.open, close: line.close };
    Ok(found.into_iter().map(bar).collect())
}
