//! Charts for the tests: drawn by corners, random, and real.

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::line::bars;
use crate::model::{Candle, Timestamp};

const HOUR_MS: i64 = 3_600_000;

/// A bar of an hourly chart that closes in its middle.
pub(super) fn candle(bar: usize, high: f64, low: f64) -> Candle {
    let middle = f64::midpoint(high, low);
    Candle { open_time: time(bar), open: middle, high, low, close: middle, volume: 0.0 }
}

/// When a bar began.
pub(super) fn time(bar: usize) -> Timestamp {
    Timestamp(i64::try_from(bar).unwrap() * HOUR_MS)
}

/// Bars whose closes run straight from corner to corner, with wicks of this length on both sides.
pub(super) fn path(corners: &[(usize, f64)], wick: f64) -> Vec<Candle> {
    let closes = corners.windows(2).flat_map(|pair| {
        let ((from, start), (to, end)) = (pair[0], pair[1]);
        let step = (end - start) / bars(to - from);
        (0..to - from).map(move |bar| start + step * bars(bar))
    });
    let closes: Vec<f64> = closes.chain(corners.last().map(|corner| corner.1)).collect();
    let opens = closes.iter().take(1).copied().chain(closes.windows(2).map(|pair| f64::midpoint(pair[0], pair[1])));
    let ends = opens.zip(&closes).enumerate();
    ends.map(|(bar, (open, &close))| Candle {
        open_time: time(bar),
        open,
        high: open.max(close) + wick,
        low: open.min(close) - wick,
        close,
        volume: 0.0,
    })
    .collect()
}

/// A geometric random walk: 8 steps of 0.3 % in a bar.
pub(super) fn walk(seed: u64, bars: usize) -> Vec<Candle> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut price: f64 = 100.0;
    (0..bars)
        .map(|bar| {
            let mut candle = Candle { high: price, low: price, open: price, ..candle(bar, price, price) };
            for _ in 0..8 {
                // The sum of uniform steps is near enough to a normal one.
                price *= 1.0 + 0.003 * (0..3).map(|_| rng.random_range(-1.0..1.0)).sum::<f64>();
                (candle.high, candle.low) = (candle.high.max(price), candle.low.min(price));
            }
            Candle { close: price, ..candle }
        })
        .collect()
}

/// Real charts of `../shared/data`, 1,000 bars each, an hour apart whatever they were; none where the folder is
/// missing.
pub(super) fn real() -> Vec<(String, Vec<Candle>)> {
    let environment = crate::config::Environment::process();
    let root = environment
        .get("SIGNALMILL_DATA")
        .map_or_else(|| format!("{}/../shared/data", env!("CARGO_MANIFEST_DIR")), str::to_owned);
    let mut charts = Vec::new();
    for file in
        ["candles-neurotrader/BTCUSDT3600.csv", "candles-neurotrader/BTCUSDT86400.csv", "indicators-talib/SPY_D.csv"]
    {
        let path = format!("{root}/{file}");
        let Ok(text) = std::fs::read_to_string(&path) else {
            println!("skipped: no {path}");
            continue;
        };
        let mut lines = text.lines();
        let names: Vec<&str> = lines.next().unwrap().split(',').collect();
        let columns =
            ["open", "high", "low", "close"].map(|name| names.iter().position(|column| *column == name).unwrap());
        let rows: Vec<[f64; 4]> = lines
            .map(|line| line.split(',').collect::<Vec<_>>())
            .map(|fields| columns.map(|column| fields[column].parse().unwrap()))
            .collect();
        for (part, rows) in rows.chunks(1000).enumerate().take(4) {
            let bars = rows.iter().enumerate();
            let chart = bars.map(|(bar, &[open, high, low, close])| Candle { open, close, ..candle(bar, high, low) });
            charts.push((format!("{file} {part}"), chart.collect()));
        }
    }
    charts
}

/// Random and real charts.
pub(super) fn charts() -> Vec<(String, Vec<Candle>)> {
    let walks = (0..8).map(|seed| (format!("walk {seed}"), walk(seed, 700)));
    walks.chain(real().into_iter().step_by(3)).collect()
}

/// Wilder's average true range over 14 bars.
pub(super) fn atr(candles: &[Candle]) -> Vec<Option<f64>> {
    let ranges = candles.windows(2).map(|pair| {
        let (before, bar) = (pair[0].close, pair[1]);
        bar.high.max(before) - bar.low.min(before)
    });
    let mut sum = 0.0;
    let mut atr = None;
    let mut column = vec![None; candles.len().min(1)];
    for (count, range) in (1..).zip(ranges) {
        sum += range;
        atr = match atr {
            Some(atr) => Some((atr * 13.0 + range) / 14.0),
            None => (count == 14).then_some(sum / 14.0),
        };
        column.push(atr);
    }
    column
}
