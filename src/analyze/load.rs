//! The candles of a job: those that it brings, or those that are stored.
//!
//! ClickHouse stands behind a [gate](crate::provider::gate) as a paid service does: while it is away its questions wait,
//! and the gate tells when it is back.

use std::time::Duration;

use rand::Rng as _;

use crate::clickhouse::{Decision, Failure, Store, Wanted};
use crate::clock::Clock;
use crate::market::candles::{self, BARS_MIN};
use crate::model::{Interval, Job, Series, Timestamp, timeframe};
use crate::provider::call::CallError;
use crate::provider::gate::Gate;

use super::case::Case;
use super::door::Door;

/// What is asked for, as metrics name it.
pub(super) const OPERATION: &str = "candles";
/// Bars where nobody says how far back.
const BARS_USUAL: usize = 1_000;
/// The most bars of an analysis, however far back it goes.
const BARS_MAX: usize = 5_000;
/// How long a question waits that the server did not answer, before it queues again.
const WAIT_MS: std::ops::RangeInclusive<u64> = 200..=1_000;

/// Why a job has no candles.
#[derive(Debug)]
pub(super) enum NoCandles {
    /// There are none, or too few, or it asks for none: a sentence.
    Hopeless(String),
    /// The question was refused: it may pass next time.
    Broken(String),
}

/// Loads candles.
#[derive(Debug)]
pub(super) struct Loader {
    pub(super) store: Store,
    pub(super) gate: Gate,
    pub(super) door: Door,
    pub(super) clock: Clock,
}

impl Loader {
    /// The candles of a job, clean: at least [`BARS_MIN`], closed by now.
    ///
    /// # Errors
    /// When the hop is stopping.
    pub(super) async fn load(&self, case: &Case) -> anyhow::Result<Result<Series, NoCandles>> {
        let job = &case.job;
        let (interval, back) = match asked(job) {
            Ok(asked) => asked,
            Err(error) => return Ok(Err(NoCandles::Hopeless(error))),
        };
        let series = if job.candles.is_empty() {
            match self.stored(case, interval, back).await? {
                Ok(Some(series)) => series,
                Ok(None) => return Ok(Err(NoCandles::Hopeless(nothing(job, interval)))),
                Err(failure) => return Ok(Err(NoCandles::Broken(failure.to_string()))),
            }
        } else {
            let candles = job.candles.clone();
            Series { exchange: job.exchange.clone(), symbol: job.symbol.clone(), interval, candles }
        };
        Ok(clean(series, back, self.clock.now()).map_err(NoCandles::Hopeless))
    }

    /// Asks until there is an answer: `Err` where the question itself is refused.
    async fn stored(
        &self,
        case: &Case,
        interval: Interval,
        back: Option<Duration>,
    ) -> anyhow::Result<Result<Option<Series>, Failure>> {
        let exchange = case.job.exchange.trim().to_lowercase();
        let bars_max = if back.is_some() { BARS_MAX } else { BARS_USUAL };
        let wanted = Wanted { exchange: &exchange, symbol: case.job.symbol.trim(), interval, back, bars_max };
        loop {
            let permit = self.door.wait(self.gate.enter(OPERATION)).await?;
            let failure = match case.works(self.store.newest_candles(wanted)).await {
                Ok(found) => {
                    permit.done(Ok(()));
                    return Ok(Ok(found));
                }
                Err(failure) => failure,
            };
            let error = failure.to_string();
            if failure.decision == Decision::Poison {
                permit.done(Err(&CallError::Permanent { error }));
                return Ok(Err(failure));
            }
            permit.done(Err(&CallError::Transient { retry_after: None, error: format!("ClickHouse: {error}") }));
            let wait = Duration::from_millis(rand::rng().random_range(WAIT_MS));
            self.door.wait(self.clock.sleep_until(self.clock.now().plus(wait))).await?;
        }
    }
}

/// The bars of `series` that are whole and closed at `now`, as far back as is asked for.
fn clean(series: Series, back: Option<Duration>, now: Timestamp) -> Result<Series, String> {
    let mut series = candles::given(series, now).map_err(|broken| broken.error)?;
    let bars = &mut series.candles;
    let end = bars.last().map(|newest| newest.open_time.plus(series.interval.duration()));
    if let (Some(end), Some(back)) = (end, back) {
        bars.retain(|candle| end.since(candle.open_time) <= back);
    }
    let bars_max = if back.is_some() { BARS_MAX } else { BARS_USUAL };
    bars.drain(..bars.len().saturating_sub(bars_max));
    if bars.len() < BARS_MIN {
        let error = format!("the timeframe has {} bars, at least {BARS_MIN} are needed: look further back", bars.len());
        return Err(error);
    }
    Ok(series)
}

/// Interval and timeframe of a job, or what is wrong with them.
fn asked(job: &Job) -> Result<(Interval, Option<Duration>), String> {
    let interval = Interval::parse(&job.interval)
        .ok_or_else(|| format!("{:?} is no interval between candles such as 15m, 4h or 1d", job.interval))?;
    if job.timeframe.trim().is_empty() {
        return Ok((interval, None));
    }
    let back = timeframe(&job.timeframe)
        .ok_or_else(|| format!("{:?} is no timeframe such as 90m, 12h, 7d or 2w", job.timeframe))?;
    Ok((interval, Some(back)))
}

fn nothing(job: &Job, interval: Interval) -> String {
    let Job { symbol, exchange, .. } = job;
    let at = if exchange.is_empty() { String::new() } else { format!(" at {exchange}") };
    format!("there are no candles of {symbol} of {interval}{at}: send its market file first")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Candle;

    const HOUR_MS: i64 = 3_600_000;

    fn series(bars: i64) -> Series {
        let bar = |bar| Candle {
            open_time: Timestamp(bar * HOUR_MS),
            open: 2.0,
            high: 3.0,
            low: 1.0,
            close: 2.0,
            volume: 0.0,
        };
        let interval = Interval::parse("1h").unwrap();
        // The newest first, and once more.
        let candles = (0..bars).rev().chain(0..1).map(bar).collect();
        Series { exchange: "Binance".to_owned(), symbol: " BTCUSDT ".to_owned(), interval, candles }
    }

    #[test]
    fn candles_are_cut_to_what_is_asked_for() {
        let day = Duration::from_hours(24);
        for (bars, back, now, expected) in [
            (60, None, 60, Ok((60, 0))),
            // The last one has not closed.
            (60, None, 59, Ok((59, 0))),
            (6_000, None, 6_000, Ok((BARS_USUAL, 5_000))),
            (6_000, Some(day * 3), 6_000, Ok((72, 5_928))),
            (6_000, Some(day * 3_000), 6_000, Ok((BARS_MAX, 1_000))),
            // As old as it is, it goes back from its own end.
            (100, Some(day * 3), 9_999, Ok((72, 28))),
            (100, Some(day), 100, Err("look further back")),
            (49, None, 49, Err("at least 50")),
            (0, None, 0, Err("at least 50")),
        ] {
            let found = clean(series(bars), back, Timestamp(now * HOUR_MS));
            let found = found.map(|series| (series.candles.len(), series.candles[0].open_time.0 / HOUR_MS));
            match expected {
                Ok(expected) => assert_eq!(found, Ok(expected), "{bars} {back:?} {now}"),
                Err(part) => assert!(found.as_ref().is_err_and(|error| error.contains(part)), "{found:?}"),
            }
        }
        let whole = clean(series(60), None, Timestamp(i64::MAX)).unwrap();
        assert_eq!((whole.exchange.as_str(), whole.symbol.as_str()), ("binance", "BTCUSDT"));
    }
}
