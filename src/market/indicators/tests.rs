//! Indicators against two other libraries, against their own prefixes, and on charts that break formulas.

use proptest::prelude::*;
use serde_json::Value;

use super::{bars, of, write};
use crate::market::samples::{flat, golden, odd, shared, walks};
use crate::model::{Candle, Indicators};

/// Of the value where that is above 1.
const TOLERANCE: f64 = 1e-6;
/// Every field, in the order of the contract.
const FIELDS: [&str; 16] = [
    "rsi14",
    "macd",
    "macd_signal",
    "macd_hist",
    "atr14",
    "bb_upper",
    "bb_mid",
    "bb_lower",
    "adx14",
    "ema20",
    "ema50",
    "sma20",
    "sma200",
    "stoch_k",
    "stoch_d",
    "obv",
];

fn values(indicators: Indicators) -> [Option<f64>; 16] {
    let json = serde_json::to_value(indicators).unwrap();
    FIELDS.map(|field| json[field].as_f64())
}

fn differs(ours: f64, theirs: f64, tolerance: f64) -> bool {
    (ours - theirs).abs() > tolerance * theirs.abs().max(1.0)
}

#[test]
fn every_value_is_that_of_ta_lib() {
    for name in ["spy_d_talib.jsonl", "skender_default_talib.jsonl"] {
        let Some((candles, rows)) = golden(&format!("indicators-talib/{name}")) else { return };
        let columns = of(&candles);
        let mut worst = 0.0_f64;
        for (bar, row) in rows.iter().enumerate() {
            for (field, ours) in FIELDS.iter().zip(values(columns.at(bar))) {
                let theirs = row[field].as_f64();
                assert_eq!(ours.is_some(), theirs.is_some(), "{name}, bar {bar}: {field} is there for both or neither");
                if let (Some(ours), Some(theirs)) = (ours, theirs) {
                    assert!(!differs(ours, theirs, TOLERANCE), "{name}, bar {bar}: {field} {ours} is {theirs}");
                    worst = worst.max((ours - theirs).abs() / theirs.abs().max(1.0));
                }
            }
        }
        println!("{name}: {} bars, at most {worst:e} apart", rows.len());
        assert_eq!(columns.last(), columns.at(rows.len() - 1));
        assert_eq!(columns.before(), columns.at(rows.len() - 2));
    }
}

/// Theirs against ours: file, their field, our field, the bar from which both agree, how closely.
const SKENDER: [(&str, &str, &str, usize, f64); 15] = [
    ("rsi", "rsi", "rsi14", 14, 1e-9),
    ("atr", "atr", "atr14", 14, 1e-9),
    ("bb", "sma", "bb_mid", 19, 1e-9),
    ("bb", "upperBand", "bb_upper", 19, 1e-9),
    ("bb", "lowerBand", "bb_lower", 19, 1e-9),
    ("ema", "ema", "ema20", 19, 1e-9),
    ("sma", "sma", "sma20", 19, 1e-9),
    ("stoch", "oscillator", "stoch_k", 17, 1e-9),
    ("stoch", "signal", "stoch_d", 17, 1e-9),
    ("macd", "macd", "macd", 105, 1e-6),
    ("macd", "signal", "macd_signal", 105, 1e-6),
    ("macd", "histogram", "macd_hist", 105, 1e-6),
    ("macd", "macd", "macd", 145, 1e-9),
    ("adx", "adx", "adx14", 100, 1e-3),
    ("adx", "adx", "adx14", 195, 1e-6),
];

#[test]
fn another_library_agrees_once_starts_are_forgotten() {
    let Some((candles, _)) = golden("indicators-talib/skender_default_talib.jsonl") else { return };
    let columns = of(&candles);
    let read = |file: &str| -> Option<Vec<Value>> {
        let text = shared(&format!("indicators-skender/results_{file}.standard.json"))?;
        Some(serde_json::from_str(&text).unwrap())
    };
    for (file, their_field, field, from, tolerance) in SKENDER {
        let Some(rows) = read(file) else { return };
        assert_eq!(rows.len(), candles.len());
        let at = FIELDS.iter().position(|name| *name == field).unwrap();
        for (bar, row) in rows.iter().enumerate().skip(from) {
            let (ours, theirs) = (values(columns.at(bar))[at].unwrap(), row[their_field].as_f64().unwrap());
            assert!(!differs(ours, theirs, tolerance), "bar {bar}: {field} {ours} is {theirs} there");
        }
    }
    let Some(rows) = read("obv") else { return };
    for (bar, row) in rows.iter().enumerate() {
        let theirs = row["obv"].as_f64().unwrap() + candles[0].volume;
        assert!(!differs(columns.at(bar).obv.unwrap(), theirs, 1e-12), "bar {bar}");
    }
}

/// Bar by bar, to the last bit.
fn assert_no_look_ahead(candles: &[Candle], prefix: usize) {
    let (whole, part) = (of(candles), of(&candles[..prefix]));
    for bar in 0..prefix {
        assert_eq!(part.at(bar), whole.at(bar), "bar {bar} of {prefix} of {}", candles.len());
    }
}

#[test]
fn later_bars_change_no_earlier_value_of_a_real_chart() {
    let Some((candles, _)) = golden("indicators-talib/spy_d_talib.jsonl") else { return };
    for prefix in (1..300).chain((300..candles.len()).step_by(61)) {
        assert_no_look_ahead(&candles[..(prefix + 300).min(candles.len())], prefix);
    }
}

proptest! {
    #[test]
    fn later_bars_change_no_earlier_value(candles in walks(1..500), share in 0.0..1.0_f64) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss,
            reason = "a share of a few hundred")]
        let prefix = (candles.len() as f64 * share) as usize;
        assert_no_look_ahead(&candles, prefix);
        let stays_flat = |bar: usize| flat(bar, candles[candles.len() / 2].close, 0.0);
        let mut goes_flat = candles.clone();
        goes_flat.splice(candles.len() / 2.., (candles.len() / 2..candles.len()).map(stays_flat));
        assert_no_look_ahead(&goes_flat, prefix);
    }
}

#[test]
fn twice_the_bars_take_no_more_allocations() {
    let chart = |bars: usize| (0..bars).map(|day| flat(day, 1.0, 1.0)).collect::<Vec<_>>();
    let count = |candles: &[Candle]| allocation_counter::measure(|| drop(of(candles))).count_total;
    assert_eq!(count(&chart(500)), count(&chart(1000)));
}

#[test]
fn odd_charts_give_numbers_or_nothing() {
    for (name, candles) in odd() {
        let columns = of(&candles);
        assert_eq!((columns.len(), columns.is_empty()), (candles.len(), candles.is_empty()), "{name}");
        for bar in bars(&candles) {
            for value in values(bar.indicators).into_iter().flatten() {
                assert!(value.is_finite(), "{name}: {bar:?}");
            }
        }
        let mut lines = Vec::new();
        write(&candles, &mut lines).unwrap();
        assert_eq!(String::from_utf8(lines).unwrap().lines().count(), candles.len(), "{name}");
        assert_eq!(columns.at(candles.len()), Indicators::default(), "{name}: nothing beyond the end");
    }
}

#[test]
fn what_is_undefined_is_missing() {
    let chart = |name: &str| odd().into_iter().find(|(other, _)| *other == name).unwrap().1;
    // Nothing moved: no strength, no place in a range, no volume; all else is what it is of a line.
    let still = of(&chart("flat")).last();
    assert_eq!((still.rsi14, still.stoch_k, still.stoch_d, still.obv), (None, None, None, None));
    assert_eq!((still.atr14, still.adx14), (Some(0.0), Some(0.0)));
    for (value, expected) in [
        (still.macd, 0.0),
        (still.macd_signal, 0.0),
        (still.macd_hist, 0.0),
        (still.bb_upper, 0.1),
        (still.bb_mid, 0.1),
        (still.bb_lower, 0.1),
        (still.ema20, 0.1),
        (still.ema50, 0.1),
        (still.sma20, 0.1),
        (still.sma200, 0.1),
    ] {
        assert!(value.is_some_and(|value| !differs(value, expected, 1e-12)), "{value:?} is {expected}");
    }
    // Flat from bar 100 on: the first window without height ends at 113, and the last with it is in %K until 115.
    let gone = of(&chart("goes flat"));
    assert!(gone.at(112).stoch_k.is_some() && gone.at(113).stoch_k.is_none() && gone.at(299).stoch_k.is_none());
    assert!(gone.at(112).stoch_d.is_some() && gone.at(113).stoch_d.is_none());
    assert!(gone.at(299).rsi14.is_some() && gone.at(299).obv.is_some(), "what was is remembered");
    // And back: %K has three windows again after three bars, %D after five.
    let mut back = chart("goes flat");
    back.truncate(150);
    back.extend((150..160).map(|day| Candle { high: 12.0, ..flat(day, 10.0, 3.0) }));
    let back = of(&back);
    assert_eq!([151, 152].map(|bar| back.at(bar).stoch_k.is_some()), [false, true]);
    assert_eq!([153, 154].map(|bar| back.at(bar).stoch_d.is_some()), [false, true]);
    // Fifty bars are enough for all but the longest mean.
    let fifty = of(&chart("fifty")).last();
    assert_eq!(values(fifty).iter().filter(|value| value.is_none()).count(), 1);
    assert_eq!(fifty.sma200, None);
}

#[test]
fn a_bar_is_printed_as_the_contract_says() {
    let candles: Vec<_> = (0..2).map(|day| flat(day, 2.5, 10.0)).collect();
    let mut lines = Vec::new();
    write(&candles, &mut lines).unwrap();
    let text = String::from_utf8(lines).unwrap();
    let nulls = FIELDS[..15].join("\":null,\"");
    let expected = format!("{{\"time\":86400000,\"{nulls}\":null,\"obv\":10.0}}");
    assert_eq!(text.lines().last(), Some(expected.as_str()));
    assert_eq!(serde_json::from_str::<super::Bar>(&expected).unwrap(), bars(&candles).last().unwrap());
}
