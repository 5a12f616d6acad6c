//! Charts for the tests of this module: real ones from the shared data, random walks, and odd ones.

use std::ops::Range;

use proptest::prelude::*;
use serde_json::Value;

use crate::config::Environment;
use crate::model::{Candle, Timestamp};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// A file of the shared data; says so where it is not there.
pub fn shared(name: &str) -> Option<String> {
    let environment = Environment::process();
    let root = environment
        .get("SIGNALMILL_DATA")
        .map_or_else(|| format!("{}/../shared/data", env!("CARGO_MANIFEST_DIR")), str::to_owned);
    let path = format!("{root}/{name}");
    let text = std::fs::read_to_string(&path).ok();
    if text.is_none() {
        println!("skipped: no {path}");
    }
    text
}

/// The bars of a file of TA-Lib's results, with those results.
pub fn golden(name: &str) -> Option<(Vec<Candle>, Vec<Value>)> {
    let rows: Vec<Value> = shared(name)?.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let number = |row: &Value, name: &str| row[name].as_f64().unwrap();
    let candles = (0..).zip(&rows).map(|(day, row)| Candle {
        open_time: Timestamp(day * DAY_MS),
        open: number(row, "o"),
        high: number(row, "h"),
        low: number(row, "l"),
        close: number(row, "c"),
        volume: number(row, "v"),
    });
    Some((candles.collect(), rows))
}

/// A bar that stays at one price.
pub fn flat(day: usize, price: f64, volume: f64) -> Candle {
    let open_time = Timestamp(i64::try_from(day).unwrap() * DAY_MS);
    Candle { open_time, open: price, high: price, low: price, close: price, volume }
}

/// Random walks on a tick of one size or another.
pub fn walks(bars: Range<usize>) -> impl Strategy<Value = Vec<Candle>> {
    prop_oneof![Just(0.01), Just(0.1), Just(1e-9), Just(1e6)].prop_flat_map(move |tick| walks_by(tick, bars.clone()))
}

/// Random walks on this tick, so that bodies and shadows of equal size are frequent: the steps of a bar are its gap,
/// its body, its shadows (ticks) and its volume.
pub fn walks_by(tick: f64, bars: Range<usize>) -> impl Strategy<Value = Vec<Candle>> {
    let step = (-3..=3_i32, -9..=9_i32, 0..=6_i32, 0..=6_i32, 0..=5_u32);
    prop::collection::vec(step, bars).prop_map(move |steps| {
        let mut last = 1000;
        let bar = |(day, (gap, body, above, below, volume)): (i64, (i32, i32, i32, i32, u32))| {
            let open = (last + gap).max(20);
            let close = (open + body).max(20);
            last = close;
            let price = |ticks: i32| f64::from(ticks) * tick;
            Candle {
                open_time: Timestamp(day * DAY_MS),
                open: price(open),
                high: price(open.max(close) + above),
                low: price(open.min(close) - below),
                close: price(close),
                volume: f64::from(volume),
            }
        };
        (0..).zip(steps).map(bar).collect()
    })
}

/// Charts that break formulas: no bar, one bar, 50 bars; no movement, no volume; the smallest and the largest prices;
/// prices that jump between them; and what no chart should hold.
pub fn odd() -> Vec<(&'static str, Vec<Candle>)> {
    let chart = |bars: usize, bar: &dyn Fn(usize) -> Candle| (0..bars).map(bar).collect::<Vec<_>>();
    let wave = |day: usize, unit: f64| {
        let ticks = [10.0, 11.0, 12.0, 11.0, 10.0, 9.0, 8.0, 9.0][day % 8];
        let at = flat(day, ticks * unit, 5.0);
        Candle { high: at.high + unit, low: at.low - unit, open: at.open - unit / 2.0, ..at }
    };
    let then_flat = |day: usize| if day < 100 { wave(day, 1.0) } else { flat(day, 10.0, 0.0) };
    let jump = |day: usize| if day.is_multiple_of(2) { wave(day, 1e-9) } else { wave(day, 1e9) };
    vec![
        ("none", Vec::new()),
        ("one", chart(1, &|day| wave(day, 1.0))),
        ("fifty", chart(50, &|day| wave(day, 1.0))),
        ("flat", chart(300, &|day| flat(day, 0.1, 0.0))),
        ("flat with volume", chart(300, &|day| flat(day, 1e9, 1.0))),
        ("goes flat", chart(300, &then_flat)),
        ("no volume", chart(300, &|day| Candle { volume: 0.0, ..wave(day, 1.0) })),
        ("tiny", chart(300, &|day| wave(day, 1e-9))),
        ("huge", chart(300, &|day| wave(day, 1e9))),
        ("jumps", chart(300, &jump)),
        ("smallest", chart(300, &|day| wave(day, f64::MIN_POSITIVE))),
        ("largest", chart(300, &|day| wave(day, f64::MAX / 20.0))),
        ("zero", chart(300, &|day| flat(day, 0.0, 0.0))),
        ("negative", chart(300, &|day| wave(day, -1.0))),
        ("no number", chart(300, &|day| if day == 120 { flat(day, f64::NAN, f64::NAN) } else { wave(day, 1.0) })),
        ("infinite", chart(300, &|day| if day == 120 { flat(day, f64::INFINITY, 1.0) } else { wave(day, 1.0) })),
    ]
}
