//! Series that come as types and not as a file: the same rules, as far as a type leaves anything to judge.

use crate::model::{Candle, EXCHANGE_UNKNOWN, Series, Timestamp};

use super::broken::{Broken, Reason};
use super::clean::{self, BARS_MIN, REJECTED_SHARE_MAX};
use super::{SYMBOL_CHARS_MAX, venue};

/// A series of which every bar is whole and closed at `now`.
///
/// # Errors
/// No symbol, too many bars that contradict themselves, or fewer than [`BARS_MIN`] that do not.
pub fn given(series: Series, now: Timestamp) -> Result<Series, Broken> {
    let Series { exchange, symbol, interval, mut candles } = series;
    let symbol = symbol.trim();
    if symbol.is_empty() || symbol.chars().count() > SYMBOL_CHARS_MAX || symbol.chars().any(char::is_control) {
        let error = format!("`symbol` must have 1 to {SYMBOL_CHARS_MAX} characters");
        return Err(Broken::new(Reason::NoSymbol, error));
    }
    clean::sort(&mut candles);
    let all = candles.len();
    candles.retain(is_whole);
    let rejected = all - candles.len();
    #[expect(clippy::cast_precision_loss, reason = "counts of bars are far below 2⁵³")]
    let share = rejected as f64 / all.max(1) as f64;
    if share > REJECTED_SHARE_MAX {
        let error = format!("{rejected} of {all} bars have a price that is none, or a high below a low");
        return Err(Broken::new(Reason::Inconsistent, error));
    }
    candles.retain(|candle| candle.open_time.plus(interval.duration()) <= now);
    if candles.len() < BARS_MIN {
        let error = format!("{} closed bars of {all}, at least {BARS_MIN} are needed", candles.len());
        return Err(Broken::new(Reason::TooFewBars, error));
    }
    let exchange = venue::named(&exchange).unwrap_or_else(|| EXCHANGE_UNKNOWN.to_owned());
    Ok(Series { exchange, symbol: symbol.to_owned(), interval, candles })
}

fn is_whole(candle: &Candle) -> bool {
    let Candle { open, high, low, close, volume, .. } = *candle;
    [open, high, low, close].iter().all(|price| price.is_finite() && *price > 0.0)
        && high >= open.max(close)
        && low <= open.min(close)
        && volume.is_finite()
        && volume >= 0.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Interval;

    const HOUR_MS: i64 = 3_600_000;

    fn series(bars: i64) -> Series {
        let bar = |number| Candle {
            open_time: Timestamp(number * HOUR_MS),
            open: 2.0,
            high: 3.0,
            low: 1.0,
            close: 2.5,
            volume: 0.0,
        };
        let interval = Interval::parse("1h").unwrap();
        let candles = (0..bars).rev().map(bar).collect();
        Series { exchange: "Binance".to_owned(), symbol: "BTCUSDT".to_owned(), interval, candles }
    }

    #[test]
    fn a_given_series_is_judged_like_a_file() {
        let now = Timestamp(60 * HOUR_MS);
        let read = given(series(61), now).unwrap();
        assert_eq!((read.candles.len(), read.exchange.as_str()), (60, "binance"), "the last bar is not closed");
        assert!(read.candles.windows(2).all(|pair| pair[0].open_time < pair[1].open_time));
        let mut odd = series(61);
        odd.candles[3].high = f64::NAN;
        assert_eq!(given(odd.clone(), now).unwrap().candles.len(), 59);
        for candle in odd.candles.iter_mut().take(10) {
            candle.low = 9.0;
        }
        let no_symbol = Series { symbol: " ".to_owned(), ..series(60) };
        for (series, reason) in
            [(series(40), Reason::TooFewBars), (odd, Reason::Inconsistent), (no_symbol, Reason::NoSymbol)]
        {
            assert_eq!(given(series, now).unwrap_err().reason, reason);
        }
    }
}
