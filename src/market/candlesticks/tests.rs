//! Candlestick patterns against TA-Lib's own answers, against prefixes, and what is made of an answer.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use ta_lib::Core;

use super::kind::KINDS;
use super::trend::{self, Trend};
use super::{Chart, REACH, Rule, find, find_by};
use crate::market::prices::Prices;
use crate::market::samples::{flat, golden, odd, shared, walks, walks_by};
use crate::model::Direction::{self, Bearish, Bullish};
use crate::model::{Candle, Pattern};

/// TA-Lib's answers over the whole chart at once, and ours bar by bar.
fn answers(candles: &[Candle]) -> [BTreeMap<String, Vec<(usize, i32)>>; 2] {
    let rule = Rule::default();
    let chart = Chart { candles, prices: Prices::of(candles), core: Core::new(), rule: &rule };
    let mut found = [BTreeMap::new(), BTreeMap::new()];
    for kind in KINDS {
        let mut out = vec![0; candles.len()];
        let range = (kind.detect)(&chart.core, 0, candles.len() - 1, &chart.prices, &mut out).unwrap();
        let hits =
            |answers: &mut dyn Iterator<Item = (usize, i32)>| answers.filter(|(_, answer)| *answer != 0).collect();
        let name = kind.function.to_uppercase();
        let mut at_once = out[..range.count].iter().enumerate().map(|(at, answer)| (at + range.beg_idx, *answer));
        let mut alone = (0..candles.len()).map(|bar| (bar, chart.answer(kind, bar)));
        found[0].insert(name.clone(), hits(&mut at_once));
        found[1].insert(name, hits(&mut alone));
    }
    found
}

#[test]
fn all_sixty_one_are_those_of_ta_lib() {
    assert_eq!(KINDS.len(), 61);
    assert_eq!(KINDS.iter().map(|kind| kind.name).collect::<BTreeSet<_>>().len(), 61);
    for name in ["spy_d", "skender_default"] {
        let Some((candles, _)) = golden(&format!("indicators-talib/{name}_talib.jsonl")) else { return };
        let Some(text) = shared(&format!("indicators-talib/{name}_cdl.json")) else { return };
        let theirs: BTreeMap<String, Vec<(usize, i32)>> = serde_json::from_str(&text).unwrap();
        let [at_once, alone] = answers(&candles);
        assert_eq!(at_once, theirs, "{name}: at once");
        assert_eq!(alone, theirs, "{name}: bar by bar");
        println!("{name}: {} answers", theirs.values().map(Vec::len).sum::<usize>());
    }
}

fn at_or_before(patterns: &[Pattern], candles: &[Candle]) -> Vec<Pattern> {
    let last = candles.last().map(|candle| candle.open_time);
    patterns.iter().filter(|pattern| Some(pattern.confirmed_at) <= last).cloned().collect()
}

#[test]
fn later_bars_change_no_pattern_of_a_real_chart() {
    let Some((candles, _)) = golden("indicators-talib/spy_d_talib.jsonl") else { return };
    let candles = &candles[..1500];
    let whole = find(candles, candles.len());
    for prefix in (1..100).chain((100..1500).step_by(37)) {
        let part = &candles[..prefix];
        assert_eq!(find(part, prefix), at_or_before(&whole, part), "{prefix} bars");
        // Nor does it matter where a file begins.
        let tail = &candles[prefix..];
        let inner = tail.len().saturating_sub(REACH);
        assert_eq!(find(tail, inner), find(candles, inner), "from bar {prefix}");
    }
}

proptest! {
    #[test]
    fn later_bars_change_no_pattern(candles in walks(1..120), prefix in 0..120_usize, within in 0..40_usize) {
        let whole = find(&candles, candles.len());
        let part = &candles[..prefix.min(candles.len())];
        prop_assert_eq!(find(part, part.len()), at_or_before(&whole, part));
        let first = candles[candles.len().saturating_sub(within)..].first().map(|candle| candle.open_time);
        let newest: Vec<_> =
            whole.iter().filter(|pattern| first.is_some_and(|first| pattern.confirmed_at >= first)).cloned().collect();
        prop_assert_eq!(find(&candles, within), newest);
    }

    #[test]
    fn asked_alone_a_bar_answers_as_in_a_chart_where_sums_are_exact(candles in walks_by(1e6, 1..200)) {
        let [at_once, alone] = answers(&candles);
        prop_assert_eq!(at_once, alone);
    }

    #[test]
    fn a_pattern_rests_on_its_bars(candles in walks(30..120)) {
        for pattern in find(&candles, candles.len()) {
            let kind = KINDS.iter().find(|kind| kind.name == pattern.name).unwrap();
            let waited = pattern.points.len() - kind.bars;
            prop_assert!(waited == 0 || (pattern.name.ends_with("hikkake") && waited <= 3), "{:?}", pattern);
            prop_assert!((0.0..=1.0).contains(&pattern.confidence));
            prop_assert_eq!(pattern.points.last().unwrap().time, pattern.confirmed_at);
            prop_assert!(pattern.points.is_sorted_by(|a, b| a.time < b.time));
            for point in &pattern.points {
                let bar = candles.iter().find(|candle| candle.open_time == point.time).unwrap();
                prop_assert_eq!(bar.close.to_bits(), point.price.to_bits());
            }
        }
    }
}

#[test]
fn a_bad_bar_is_forgotten() {
    let bar = |day: u16| {
        let (open, close) = (1000 + day * 7 % 23, 1000 + day * 11 % 19);
        let price = |ticks: u16| f64::from(ticks) * 1e-9;
        let (high, low) = (price(open.max(close) + day % 5), price(open.min(close) - day % 3));
        Candle { open: price(open), close: price(close), high, low, ..flat(day.into(), 0.0, 1.0) }
    };
    let good: Vec<_> = (0..200).map(bar).collect();
    let mut spiked = good.clone();
    spiked[30].high = 1e9;
    let within = good.len() - 31 - REACH;
    assert_eq!(find(&spiked, within), find(&good, within));
    let [at_once, alone] = answers(&spiked);
    assert_ne!(at_once, alone, "a running sum has the spike's rounding in it for good");
}

#[test]
fn odd_charts_give_patterns_or_none() {
    for (name, candles) in odd() {
        for pattern in find(&candles, candles.len()) {
            assert!((0.0..=1.0).contains(&pattern.confidence), "{name}: {pattern:?}");
        }
        assert!(find(&candles, 0).is_empty() && find(&candles, usize::MAX).len() <= 61 * candles.len());
    }
    let nothing = Rule { strength: 0.0, trend: 0.0, volume: 0.0, volume_ratio_min: 1.0 };
    let (_, candles) = odd().into_iter().find(|(name, _)| *name == "fifty").unwrap();
    assert!(find_by(&candles, 50, &nothing).iter().all(|pattern| pattern.confidence == 0.0));
}

/// Bodies of 4 that rise (1), fall (-1) or alternate (0) by a step of 1, then these two: open, close.
fn chart(trend: f64, last: [(f64, f64); 2], volume: f64) -> Vec<Candle> {
    let mut candles: Vec<Candle> = (0..30_u8)
        .map(|day| {
            let middle = 100.0 + trend * f64::from(day) + if trend == 0.0 { f64::from(day % 2) } else { 0.0 };
            let body = if trend < 0.0 { -2.0 } else { 2.0 };
            candle(day.into(), middle - body, middle + body, 10.0)
        })
        .collect();
    let end = 100.0 + trend * 30.0;
    candles.extend(
        [30, 31]
            .into_iter()
            .zip(last)
            .map(|(day, (open, close))| candle(day, end + open, end + close, if day == 31 { volume } else { 10.0 })),
    );
    candles
}

fn candle(day: usize, open: f64, close: f64, volume: f64) -> Candle {
    Candle { open, close, high: open.max(close) + 1.0, low: open.min(close) - 1.0, ..flat(day, open, volume) }
}

#[test]
fn direction_and_confidence_follow_from_the_answer_the_trend_and_the_volume() {
    let (black_white, white_black) = ([(2.0, -2.0), (-3.0, 3.0)], [(-2.0, 2.0), (3.0, -3.0)]);
    let shared_end = [(2.0, -2.0), (-2.0, 3.0)];
    for (what, trend, last, volume, direction, confidence) in [
        ("a fall turns on high volume", -1.0, black_white, 20.0, Bullish, 0.75),
        ("on low volume", -1.0, black_white, 5.0, Bullish, 0.55),
        ("without a fall before", 1.0, black_white, 20.0, Bullish, 0.45),
        ("without any trend", 0.0, black_white, 20.0, Bullish, 0.45),
        ("a rise turns", 1.0, white_black, 20.0, Bearish, 0.75),
        ("bodies share an end", -1.0, shared_end, 20.0, Bullish, 0.7),
    ] {
        let found = find(&chart(trend, last, volume), 1);
        let engulfing = found.iter().find(|pattern| pattern.name == "engulfing").unwrap();
        assert_eq!(engulfing.direction, direction, "{what}");
        assert!((engulfing.confidence - confidence).abs() < 1e-12, "{what}: {}", engulfing.confidence);
        assert_eq!(engulfing.points.len(), 2, "{what}");
    }
    // Without volume, the weights of the rest count: half of 5 and 3 of 8.
    let quiet: Vec<_> =
        chart(-1.0, black_white, 0.0).into_iter().map(|candle| Candle { volume: 0.0, ..candle }).collect();
    let found = find(&quiet, 1);
    let engulfing = found.iter().find(|pattern| pattern.name == "engulfing").unwrap();
    assert!((engulfing.confidence - 0.55 / 0.8).abs() < 1e-12, "{}", engulfing.confidence);
    // A doji with a long lower shadow is read against the trend; a plain doji has no side.
    for (trend, direction) in [(-1.0, Bullish), (1.0, Bearish), (0.0, Direction::Neutral)] {
        let mut candles = chart(trend, black_white, 20.0);
        let last = candles.last_mut().unwrap();
        (last.open, last.high, last.low) = (last.close, last.close, last.close - 10.0);
        let found = find(&candles, 1);
        let side = |name: &str| found.iter().find(|pattern| pattern.name == name).unwrap().direction;
        assert_eq!((side("dragonfly_doji"), side("doji")), (direction, Direction::Neutral), "trend {trend}");
    }
}

#[test]
fn trends_allow_one_exception() {
    let rising = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0];
    assert_eq!(trend::of(&rising), Some(Trend::Up));
    assert_eq!(trend::of(&rising.map(|close| -close)), Some(Trend::Down));
    assert_eq!(trend::of(&rising[1..]), None, "nine closes make seven means");
    for (closes, expected) in [
        ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 6.0], Trend::Up),
        ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 5.0, 6.0], Trend::Sideways),
        ([5.0; 9], Trend::Sideways),
    ] {
        assert_eq!(trend::of(&closes), Some(expected), "{closes:?}");
    }
}
