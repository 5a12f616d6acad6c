//! The indicators of a chart, at every bar, by TA-Lib.
//!
//! | field | TA-Lib function | first bar (from 0) | formula from |
//! |---|---|---|---|
//! | `rsi14` | RSI 14 | 14 | Wilder, "New Concepts in Technical Trading Systems" (1978) |
//! | `atr14` | ATR 14 | 14 | Wilder (1978) |
//! | `adx14` | ADX 14 | 27 | Wilder (1978) |
//! | `macd`, `macd_signal`, `macd_hist` | MACD 12, 26, 9 | 33 | Appel, "Technical Analysis: Power Tools" (2005) |
//! | `bb_upper`, `bb_mid`, `bb_lower` | BBANDS 20, 2, 2, SMA | 19 | Bollinger, "Bollinger on Bollinger Bands" (2001) |
//! | `ema20`, `ema50` | EMA | 19, 49 | seeded with the mean of the first 20, 50 closes |
//! | `sma20`, `sma200` | SMA | 19, 199 | mean of closes |
//! | `stoch_k`, `stoch_d` | STOCH 14, 3 SMA, 3 SMA | 17 | Lane, "Lane's Stochastics" (1984): slow %K, slow %D |
//! | `obv` | OBV | 0 | Granville (1963); starts at the first bar's volume |
//!
//! Formulas as computed: <https://ta-lib.org/functions/>, with TA-Lib's defaults: no unstable period is cut off, and a
//! deviation is the population's. Prices and their differences are in the quote currency; RSI, ADX and stochastic are
//! 0 to 100.
//!
//! # What is `None`
//! * Bars before the first: TA-Lib's look-back. A series shorter than that has none, and that is no error.
//! * `rsi14` before the first change of the close: 0/0. TA-Lib 0.8.1 says 0 there, and 0.8.3 says 50.
//! * `stoch_k` and `stoch_d` where a window of theirs has no height ([`FLAT_SHARE`]): 0/0. TA-Lib says 0, which would
//!   read as "oversold" of a market in which nobody trades.
//! * `obv` before the first bar with volume: the source has none.
//! * What is not finite, because prices near the end of what a number holds overflowed.
//!
//! All else is defined on flat bars: bands without width lie on their middle, ATR and ADX are 0, MACD is 0 but for
//! rounding.
//!
//! Means are running sums, as in TA-Lib: the rounding of a price a million times the others stays in all that follow.
//!
//! # Another library
//! Skender.Stock.Indicators agrees to 1e-9 from the first bar on RSI, ATR, Bollinger, EMA, SMA and stochastic. Its MACD
//! starts the mean of 12 at bar 11 where TA-Lib starts it with the mean of 26, and its ADX starts with sums of 14 moves
//! where TA-Lib's have 13; both forget their start exponentially, and agree to 1e-6 after 105 and 195 bars. Its OBV
//! starts at 0, so ours is higher by the first volume. The tests hold all of this.

mod defined;
#[cfg(test)]
mod tests;

use std::io;

use serde::{Deserialize, Serialize};
use ta_lib::{Core, MAType, OutRange, RetCode};

use super::prices::Prices;
use crate::model::{Candle, Indicators, Timestamp};

pub use self::defined::FLAT_SHARE;

const RSI: i32 = 14;
const ATR: i32 = 14;
const ADX: i32 = 14;
/// Fast, slow, signal.
const MACD: (i32, i32, i32) = (12, 26, 9);
const BANDS: i32 = 20;
const BANDS_DEVIATIONS: f64 = 2.0;
/// Window, bars in the mean of %K, bars in the mean of %D.
const STOCHASTIC: (i32, i32, i32) = (14, 3, 3);

/// Every indicator at every bar. A value that is not finite is missing.
#[derive(Debug, Clone)]
pub struct Columns {
    len: usize,
    rsi14: Vec<f64>,
    macd: [Vec<f64>; 3],
    atr14: Vec<f64>,
    /// Upper, middle, lower.
    bands: [Vec<f64>; 3],
    adx14: Vec<f64>,
    ema20: Vec<f64>,
    ema50: Vec<f64>,
    sma20: Vec<f64>,
    sma200: Vec<f64>,
    /// %K, %D.
    stochastic: [Vec<f64>; 2],
    obv: Vec<f64>,
}

impl Columns {
    /// Bars.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no bar.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// At bar `index`; all missing beyond the last.
    #[must_use]
    pub fn at(&self, index: usize) -> Indicators {
        let value = |column: &Vec<f64>| column.get(index).copied().filter(|value| value.is_finite());
        Indicators {
            rsi14: value(&self.rsi14),
            macd: value(&self.macd[0]),
            macd_signal: value(&self.macd[1]),
            macd_hist: value(&self.macd[2]),
            atr14: value(&self.atr14),
            bb_upper: value(&self.bands[0]),
            bb_mid: value(&self.bands[1]),
            bb_lower: value(&self.bands[2]),
            adx14: value(&self.adx14),
            ema20: value(&self.ema20),
            ema50: value(&self.ema50),
            sma20: value(&self.sma20),
            sma200: value(&self.sma200),
            stoch_k: value(&self.stochastic[0]),
            stoch_d: value(&self.stochastic[1]),
            obv: value(&self.obv),
        }
    }

    /// The average true range at every bar.
    #[must_use]
    pub fn atr14(&self) -> Vec<Option<f64>> {
        self.atr14.iter().map(|value| value.is_finite().then_some(*value)).collect()
    }

    /// At the last bar; all missing where there is none.
    #[must_use]
    pub fn last(&self) -> Indicators {
        self.len.checked_sub(1).map(|index| self.at(index)).unwrap_or_default()
    }

    /// At the bar before the last; all missing where there is none.
    #[must_use]
    pub fn before(&self) -> Indicators {
        self.len.checked_sub(2).map(|index| self.at(index)).unwrap_or_default()
    }
}

/// Every indicator at every bar of `candles`: one pass each, and no allocation that grows with the bars but the columns
/// (TA-Lib's stochastic takes two more for the time of the call).
#[must_use]
pub fn of(candles: &[Candle]) -> Columns {
    let prices = Prices::of(candles);
    let Prices { high, low, close, volume, .. } = &prices;
    let core = Core::new();
    let len = prices.len();
    let end = len.saturating_sub(1);
    let mean = |period| single(len, core.sma_lookback(period), |out| core.sma(0, end, close, period, out));
    let smooth = |period| single(len, core.ema_lookback(period), |out| core.ema(0, end, close, period, out));
    let (fast, slow, signal) = MACD;
    let (window, k, d) = STOCHASTIC;
    let (sma, up, down) = (MAType::SMA, BANDS_DEVIATIONS, BANDS_DEVIATIONS);
    let mut columns = Columns {
        len,
        rsi14: single(len, core.rsi_lookback(RSI), |out| core.rsi(0, end, close, RSI, out)),
        macd: several(len, core.macd_lookback(fast, slow, signal), |[macd, line, hist]| {
            core.macd(0, end, close, fast, slow, signal, macd, line, hist)
        }),
        atr14: single(len, core.atr_lookback(ATR), |out| core.atr(0, end, high, low, close, ATR, out)),
        bands: several(len, core.bbands_lookback(BANDS, up, down, sma), |[upper, mid, lower]| {
            core.bbands(0, end, close, BANDS, up, down, sma, upper, mid, lower)
        }),
        adx14: single(len, core.adx_lookback(ADX), |out| core.adx(0, end, high, low, close, ADX, out)),
        ema20: smooth(20),
        ema50: smooth(50),
        sma20: mean(20),
        sma200: mean(200),
        stochastic: several(len, core.stoch_lookback(window, k, sma, d, sma), |[slow_k, slow_d]| {
            core.stoch(0, end, high, low, close, window, k, sma, d, sma, slow_k, slow_d)
        }),
        obv: single(len, core.obv_lookback(), |out| core.obv(0, end, close, volume, out)),
    };
    columns.strike_undefined(&prices);
    columns
}

fn single(
    len: usize,
    lookback: Result<usize, RetCode>,
    fill: impl FnOnce(&mut [f64]) -> Result<OutRange, RetCode>,
) -> Vec<f64> {
    let [column] = several(len, lookback, |[out]| fill(out));
    column
}

/// Columns of which TA-Lib fills what lies behind its look-back; all missing where nothing does.
fn several<const N: usize>(
    len: usize,
    lookback: Result<usize, RetCode>,
    fill: impl FnOnce([&mut [f64]; N]) -> Result<OutRange, RetCode>,
) -> [Vec<f64>; N] {
    let mut columns = std::array::from_fn(|_| vec![f64::NAN; len]);
    if let Ok(lookback) = lookback
        && lookback < len
    {
        let filled = fill(columns.each_mut().map(|column| &mut column[lookback..]));
        // Periods and lengths are right by construction, so an error would be a law of TA-Lib broken.
        debug_assert_eq!(filled, Ok(OutRange { beg_idx: lookback, count: len - lookback }), "the look-back is exact");
    }
    columns
}

/// One bar as `indicators FILE` prints it: the fields of [`Indicators`], `null` while missing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bar {
    /// The bar's `open_time`, in epoch milliseconds as every time in our JSON.
    pub time: Timestamp,
    /// At this bar.
    #[serde(flatten)]
    pub indicators: Indicators,
}

/// Every bar of `candles` with its indicators, the oldest first.
pub fn bars(candles: &[Candle]) -> impl Iterator<Item = Bar> {
    let columns = of(candles);
    candles.iter().enumerate().map(move |(at, candle)| Bar { time: candle.open_time, indicators: columns.at(at) })
}

/// Writes [`bars`] as JSON, one object a line.
///
/// # Errors
/// Those of `out`.
pub fn write(candles: &[Candle], out: &mut impl io::Write) -> io::Result<()> {
    for bar in bars(candles) {
        serde_json::to_writer(&mut *out, &bar)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
