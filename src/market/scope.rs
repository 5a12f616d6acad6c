//! Which bars an analysis on demand is of, how many there may be, and what they must be: what workers and requests go by
//! alike.

use std::time::Duration;

use super::candles::{self, BARS_MIN};
use crate::model::{Interval, Job, Series, Timestamp, timeframe};

/// Bars where nobody says how far back.
const BARS_USUAL: usize = 1_000;
/// The most bars of an analysis, however far back it goes.
const BARS_MAX: usize = 5_000;

/// What a job asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    /// From one bar to the next.
    pub interval: Interval,
    /// Back from the end of the newest bar; `None`: the usual number of bars.
    pub back: Option<Duration>,
}

impl Scope {
    /// What `job` asks for.
    ///
    /// # Errors
    /// What is wrong with its interval or its timeframe.
    pub fn of(job: &Job) -> Result<Self, String> {
        let interval = Interval::parse(&job.interval)
            .ok_or_else(|| format!("{:?} is no interval between candles such as 15m, 4h or 1d", job.interval))?;
        if job.timeframe.trim().is_empty() {
            return Ok(Self { interval, back: None });
        }
        let back = timeframe(&job.timeframe)
            .ok_or_else(|| format!("{:?} is no timeframe such as 90m, 12h, 7d or 2w", job.timeframe))?;
        Ok(Self { interval, back: Some(back) })
    }

    /// The most bars.
    #[must_use]
    pub fn bars_max(&self) -> usize {
        if self.back.is_some() { BARS_MAX } else { BARS_USUAL }
    }

    /// The bars of `series` that are asked for, clean and closed by `now`: at least [`BARS_MIN`].
    ///
    /// # Errors
    /// What is wrong with them, or that there are too few.
    pub fn cut(&self, series: Series, now: Timestamp) -> Result<Series, String> {
        let mut series = candles::given(series, now).map_err(|broken| broken.error)?;
        let bars = &mut series.candles;
        let end = bars.last().map(|newest| newest.open_time.plus(series.interval.duration()));
        if let (Some(end), Some(back)) = (end, self.back) {
            bars.retain(|candle| end.since(candle.open_time) <= back);
        }
        bars.drain(..bars.len().saturating_sub(self.bars_max()));
        if bars.len() < BARS_MIN {
            let error =
                format!("the timeframe has {} bars, at least {BARS_MIN} are needed: look further back", bars.len());
            return Err(error);
        }
        Ok(series)
    }

    /// What is said where nothing is stored of what `job` asks for.
    #[must_use]
    pub fn nothing(&self, job: &Job) -> String {
        let Job { symbol, exchange, .. } = job;
        let at = if exchange.is_empty() { String::new() } else { format!(" at {exchange}") };
        format!("there are no candles of {symbol} of {}{at}: send its market file first", self.interval)
    }
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
            let scope = Scope { interval: series(0).interval, back };
            let found = scope.cut(series(bars), Timestamp(now * HOUR_MS));
            let found = found.map(|series| (series.candles.len(), series.candles[0].open_time.0 / HOUR_MS));
            match expected {
                Ok(expected) => assert_eq!(found, Ok(expected), "{bars} {back:?} {now}"),
                Err(part) => assert!(found.as_ref().is_err_and(|error| error.contains(part)), "{found:?}"),
            }
        }
        let scope = Scope { interval: series(0).interval, back: None };
        let whole = scope.cut(series(60), Timestamp(i64::MAX)).unwrap();
        assert_eq!((whole.exchange.as_str(), whole.symbol.as_str()), ("binance", "BTCUSDT"));
    }
}
