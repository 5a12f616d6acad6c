//! Candle files of all shapes, real ones, broken ones, and what nobody should send.

#[path = "../../../benches/market_files.rs"]
mod market_files;
mod real;

use proptest::prelude::*;

use self::market_files::shapes::{Bar, Facts, SHAPES, Shape as Written};
use super::*;
use crate::model::Candle;

const NOW: Timestamp = Timestamp(market_files::CLOSED_AT_MS);

fn candles(bars: &[Bar], has_volume: bool) -> Vec<Candle> {
    let candle = |bar: &Bar| {
        let [open, high, low, close, volume] = bar.values;
        let volume = if has_volume { volume } else { 0.0 };
        Candle { open_time: Timestamp(bar.time), open, high, low, close, volume }
    };
    bars.iter().map(candle).collect()
}

/// Facts of a series of so many bars, some of them without a move.
fn facts(bars: usize) -> Facts {
    let mut facts = market_files::facts(1, bars, 7);
    for bar in facts.bars.iter_mut().skip(5).step_by(9) {
        bar.values = [bar.values[0], bar.values[0], bar.values[0], bar.values[0], 0.0];
    }
    facts
}

fn written(name: &str) -> &'static Written {
    SHAPES.iter().find(|shape| shape.name == name).unwrap()
}

fn read_at(text: &str, name: &str) -> Result<Read, Broken> {
    read(text.as_bytes(), name, &Hints::at(NOW))
}

#[test]
fn every_shape_reads_back_equal() {
    let facts = facts(300);
    for shape in SHAPES {
        let name = if shape.is_labelled { "some.json" } else { "MEXC_ETHUSDT_1h.json" };
        let facts = Facts { exchange: "mexc", symbol: "ETHUSDT".to_owned(), ..facts.clone() };
        let text = (shape.write)(&facts);
        let found = read_at(&text, name).unwrap_or_else(|broken| panic!("{}: {broken}", shape.name));
        assert_eq!(found.series.source_id(), "mexc:ETHUSDT:1h", "{}", shape.name);
        assert_eq!(found.series.candles, candles(&facts.bars, shape.has_volume), "{}", shape.name);
        assert_eq!(found.counts, Counts { rows: 300, ..Counts::default() }, "{}", shape.name);
        assert!(found.notes().is_empty(), "{}: {:?}", shape.name, found.notes());
    }
}

#[test]
fn a_directory_of_all_shapes_reads_as_it_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let written = market_files::write(dir.path(), 300, 120, 30, 11).unwrap();
    assert_eq!((written.good.len(), written.broken.len()), (300, 30));
    let mut series = std::collections::BTreeSet::new();
    for (path, facts) in &written.good {
        let bytes = std::fs::read(dir.path().join(path)).unwrap();
        let found = read(&bytes, path, &Hints::at(NOW)).unwrap_or_else(|broken| panic!("{path}: {broken}"));
        let expected = format!("{}:{}:{}", facts.exchange, facts.symbol, facts.interval);
        assert_eq!(found.series.source_id(), expected, "{path}");
        assert_eq!(found.series.candles.len(), 120, "{path}");
        assert!(series.insert(expected), "{path}: the same series twice");
    }
    let mut reasons = std::collections::BTreeSet::new();
    for (path, reason) in &written.broken {
        let bytes = std::fs::read(dir.path().join(path)).unwrap();
        let broken = read(&bytes, path, &Hints::at(NOW)).unwrap_err();
        assert_eq!(broken.reason.as_str(), *reason, "{path}: {broken}");
        reasons.insert(broken.reason);
    }
    assert_eq!(reasons.len(), Reason::ALL.len(), "every reason occurs: {reasons:?}");
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let good = (written("contract").write)(&facts(60));
    let cut = &good[..good.len() - 20];
    let row = |text: &str| good.replacen('[', &format!("[{text},"), 1);
    let deep = "[".repeat(1_000_000);
    let bad = ["[1,2,3,4,5,6]"; 7].join(",");
    for (text, reason, part) in [
        ("", Reason::Empty, "nothing"),
        ("\u{feff} \n", Reason::Empty, "nothing"),
        (cut, Reason::Malformed, "ends inside a list"),
        (&row("[1 2]"), Reason::Malformed, "a comma or a closing bracket is missing at byte"),
        ("{\"symbol\" 5}", Reason::Malformed, "colon is missing at byte 11 (line 1)"),
        ("{\n\"a\": truth}", Reason::Malformed, "at byte 8 (line 2)"),
        ("{\"a\": \"x", Reason::Malformed, "closing quote"),
        (&deep, Reason::Malformed, "nested deeper than 24"),
        ("hello, world", Reason::Malformed, "neither JSON"),
        ("[]", Reason::NoCandles, "another kind of file"),
        ("[[1,2,3,4,5],[2,3,4,5]]", Reason::NoCandles, "another kind"),
        ("[[1795000000,2,3,1,2]]", Reason::TooFewBars, "at least 50"),
        ("{\"candles\":[null,\"x\",{}]}", Reason::NoCandles, "another kind"),
        (&row(&bad), Reason::Inconsistent, "7 of 67 bars are not usable (of bar 1, its time"),
    ] {
        let shown = &text[..text.len().min(80)];
        match read_at(text, "x.json") {
            Err(broken) => {
                assert_eq!(broken.reason, reason, "{shown}: {broken}");
                assert!(broken.error.contains(part), "{shown}: {broken}");
            }
            Ok(found) => panic!("{shown}: {} bars", found.series.candles.len()),
        }
    }
    let large = vec![b' '; BYTES_MAX + 1];
    assert_eq!(read(&large, "", &Hints::at(NOW)).unwrap_err().reason, Reason::TooLarge);
    let many = format!("[{}]", "[1,1,1,1,1],".repeat(ROWS_MAX + 1));
    let long = format!("{{\"t\":[{0}],\"o\":[{0}],\"h\":[{0}],\"l\":[{0}],\"c\":[{0}]}}", "1,".repeat(ROWS_MAX + 1));
    for text in [&many, &long] {
        let broken = read_at(text, "").unwrap_err();
        assert_eq!(broken.reason, Reason::TooLarge, "{broken}");
    }
}

#[test]
fn bars_are_repaired_dropped_or_rejected_by_the_rules() {
    let facts = facts(100);
    let text = |change: &dyn Fn(&mut Vec<Bar>)| {
        let mut bars = facts.bars.clone();
        change(&mut bars);
        (written("contract").write)(&Facts { bars, ..facts.clone() })
    };
    let good = candles(&facts.bars, true);
    let counts = |counts: Counts| Counts { rows: 100, ..counts };

    let swapped = read_at(&text(&|bars| bars[3].values.swap(1, 2)), "").unwrap();
    assert_eq!(swapped.counts, counts(Counts { repaired: 1, ..Counts::default() }));
    assert_eq!(swapped.series.candles, good);

    let rounded = read_at(&text(&|bars| bars[4].values[1] = bars[4].values[0].max(bars[4].values[3]) * 0.99995), "");
    let rounded = rounded.unwrap();
    assert_eq!(rounded.counts.repaired, 1);
    let high = good[4].open.max(good[4].close);
    assert_eq!(rounded.series.candles[4], Candle { high, ..good[4] });

    for (what, value) in [(0, f64::NAN), (1, f64::INFINITY), (2, 0.0), (3, -5.0), (4, -1.0), (4, f64::NAN)] {
        let found = read_at(&text(&|bars| bars[10].values[what] = value), "").unwrap();
        assert_eq!(found.counts, counts(Counts { rejected: 1, ..Counts::default() }), "{what} {value}");
        let gap = Gap { from: good[9].open_time, to: good[11].open_time, missing: 1 };
        assert_eq!(found.gaps, [gap], "{what} {value}");
    }
    for null in ["null", "\"NaN\"", "None", "1e400", "\"\"", "{}"] {
        let close = format!("{}, {}]", facts.bars[10].values[3], facts.bars[10].values[4]);
        let found = read_at(&text(&|_| ()).replace(&close, &format!("{null}, 1]")), "").unwrap();
        assert_eq!((found.counts.rejected, found.series.candles.len()), (1, 99), "{null}");
    }

    let mixed = read_at(&text(&|bars| bars.push(Bar { time: bars[50].time + 900_000, ..bars[50] })), "").unwrap();
    assert_eq!((mixed.counts.rejected, mixed.series.candles.clone()), (1, good.clone()), "a bar of another interval");

    let newer = Bar { values: [1.0, 2.0, 0.5, 1.5, 9.0], ..facts.bars[20] };
    let again = read_at(&text(&|bars| bars.push(newer)), "").unwrap();
    assert_eq!(again.counts.duplicates, 1);
    assert_eq!(again.series.candles[20], candles(&[newer], true)[0], "the last one counts");
}

#[test]
fn nothing_is_read_from_a_bar_that_is_not_closed() {
    let facts = facts(100);
    let text = (written("contract").write)(&facts);
    let last = facts.bars[99].time;
    for (now, left) in [(last + 3_600_000, 100), (last + 3_599_999, 99), (last, 99), (last - 1, 98)] {
        let found = read(text.as_bytes(), "", &Hints::at(Timestamp(now))).unwrap();
        assert_eq!((found.series.candles.len(), found.counts.unfinished), (left, 100 - left), "{now}");
    }
    // A day ahead is a time zone, more is a mistake.
    let broken = read(text.as_bytes(), "", &Hints::at(Timestamp(last - 50 * 3_600_000))).unwrap_err();
    assert_eq!(broken.reason, Reason::Inconsistent, "{broken}");
}

#[test]
fn the_market_is_what_the_content_the_caller_or_the_name_says() {
    let list = (written("six numbers").write)(&facts(60));
    for (name, expected) in [
        ("BINANCE_BTCUSDT_15m.json", "binance:BTCUSDT:1h"),
        ("btcusdt-1h.csv", "unknown:BTCUSDT:1h"),
        ("BTC_USDT.MEXC.4h.json", "mexc:BTC_USDT:1h"),
        ("mexc_BTC_USDT_Min60.json", "mexc:BTC_USDT:1h"),
        ("BTCUSDT3600.csv", "unknown:BTCUSDT:1h"),
        ("1000PEPEUSDT_PERP.A_1d.json", "binance:1000PEPEUSDT_PERP.A:1h"),
        ("binance/BTCUSDT/1h.json", "binance:BTCUSDT:1h"),
        ("data\\gate.io\\ETH_BTC\\1h.json", "gate:ETH_BTC:1h"),
        ("BTCUSDT–1h.json", "unknown:BTCUSDT:1h"),
        ("EURUSD_M60.csv", "unknown:EURUSD:1h"),
        ("okx/BTC-USDT-SWAP_60m.jsonl", "okx:BTC-USDT-SWAP:1h"),
        ("PF_XBTUSD_1h.json", "unknown:PF_XBTUSD:1h"),
        ("WOO_USDT-1h.json", "unknown:WOO_USDT:1h"),
        ("binance_btc_1h.json", "binance:BTC:1h"),
        ("W_USDT_1h.json", "unknown:W_USDT:1h"),
        ("SPY_D.csv", "unknown:SPY:1h"),
        ("AAPL.csv", "unknown:AAPL:1h"),
        ("binance/kPEPE/1h.json", "binance:kPEPE:1h"),
        ("BTCUSDT-1h-2024-01.csv", "unknown:BTCUSDT:1h"),
    ] {
        assert_eq!(read_at(&list, name).map(|read| read.series.source_id()), Ok(expected.to_owned()), "{name}");
    }
    for name in [
        "",
        "data.json",
        "candles_1h.json",
        "test_candles_indicators.py",
        "12345.json",
        "klines/1h.json",
        "ünïcödé.json",
    ] {
        assert_eq!(read_at(&list, name).unwrap_err().reason, Reason::NoSymbol, "{name}");
    }
    let said = |labels: &str| list.replacen('[', &format!("{{{labels},\"x\":["), 1).trim_end().to_owned() + "}";
    for (labels, expected) in [
        (r#""symbol":"BTC\/USDT","venue":"OKEx","tf":"60""#, "okx:BTC/USDT:1h"),
        (r#""pair":"btcusdt","exchange":"My Exchange""#, "my exchange:BTCUSDT:1h"),
        (r#""symbol":"BYBIT:ETHUSD","timeframe":"1 hour""#, "bybit:ETHUSD:1h"),
        (r#""symbol":"BTCUSDT_PERP.6","interval":3600"#, "bybit:BTCUSDT_PERP.6:1h"),
        (r#""meta":{"symbol":"XRPUSDT","exchange":"binance"}"#, "binance:XRPUSDT:1h"),
        (r#""s":"ok","symbol":null"#, "caller:CALLED:1h"),
    ] {
        let hints = Hints { symbol: Some("CALLED"), exchange: Some("caller"), ..Hints::at(NOW) };
        let hints = if labels.contains("ok\"") { hints } else { Hints { exchange: None, ..hints } };
        let found = read(said(labels).as_bytes(), "mine_LTCUSDT_1h.json", &hints);
        assert_eq!(found.map(|read| read.series.source_id()), Ok(expected.to_owned()), "{labels}");
    }
}

#[test]
fn lists_of_one_market_are_read_and_of_several_refused() {
    let facts = facts(60);
    let list = (written("six numbers").write)(&facts);
    let page = |number: usize| {
        (written("six numbers").write)(&Facts { bars: facts.bars[number..][..30].to_vec(), ..facts.clone() })
    };
    let pages = read_at(&(page(0) + &page(30)), "binance_BTCUSDT.json").unwrap();
    assert_eq!((pages.series.candles, pages.counts.rows), (candles(&facts.bars, true), 60));
    for (one, two, expected) in [("BTCUSDT", "BTCUSDT", Ok(60)), ("BTCUSDT", "ETHUSDT", Err(Reason::Inconsistent))] {
        let more = format!("[[1795000000000,1,1,1,1,1],{}", &list[1..]);
        for (left, right) in [(&list, &list), (&list, &more), (&more, &list)] {
            let keys = format!("{{\"{one}\":{left},\"{two}\":{right}}}").replace("\"BTCUSDT\",", "");
            let labels = format!(r#"[{{"symbol":"{one}","history":{left}}},{{"symbol":"{two}","history":{right}}}]"#);
            for text in [keys, labels] {
                let found =
                    read_at(&text, "").map(|read| read.counts.elsewhere.min(60)).map_err(|broken| broken.reason);
                assert_eq!(found, expected, "{one} {two}");
            }
        }
    }
    let kraken = format!(r#"{{"error":[],"result":{{"XXBTZUSD":{list},"last":1}}}}"#);
    assert_eq!(read_at(&kraken, "").unwrap().series.symbol, "XXBTZUSD");
}

#[test]
fn bars_decide_about_the_interval() {
    let facts = facts(60);
    let list = (written("six numbers").write)(&facts);
    let contradicted = read_at(&list, "BTCUSDT_15m.json").unwrap();
    assert_eq!(contradicted.contradicted.map(|interval| interval.to_string()).as_deref(), Some("15m"));
    assert_eq!(contradicted.notes(), ["said to be of 15m, but the bars are of 1h"]);
    assert_eq!(read_at(&list, "BTCUSDT_2024.json").unwrap().contradicted, None, "a year is no claim");
    // A market that trades now and then: the label stands.
    let scattered = |step: i64| {
        let mut bars = facts.bars.clone();
        bars.iter_mut().zip(0..).for_each(|(bar, place)| bar.time -= (60 - place) * (60 - place) * step);
        (written("six numbers").write)(&Facts { bars, ..facts.clone() })
    };
    let found = read_at(&scattered(60_000), "BTCUSDT_1m.json").unwrap();
    assert_eq!((found.series.interval.seconds(), found.gaps.len(), found.contradicted), (60, 59, None));
    assert_eq!(read_at(&scattered(60_000), "BTCUSDT.json").unwrap_err().reason, Reason::NoInterval);
    assert_eq!(read_at(&scattered(1_000), "BTCUSDT_1m.json").unwrap_err().reason, Reason::Inconsistent);
}

/// What is read of bytes, in bars, whatever they are.
fn bars_of(bytes: &[u8], name: &str) -> Option<usize> {
    let found = read(bytes, name, &Hints::at(NOW)).ok()?;
    let candles = &found.series.candles;
    assert!(candles.len() >= BARS_MIN && candles.windows(2).all(|pair| pair[0].open_time < pair[1].open_time));
    for candle in candles {
        let Candle { open, high, low, close, volume, .. } = *candle;
        assert!(low > 0.0 && high.is_finite() && high >= open.max(close) && low <= open.min(close) && volume >= 0.0);
    }
    Some(candles.len())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), name in ".{0,40}") {
        bars_of(&bytes, &name);
        // The same behind each beginning of a form.
        for start in ["[", "{", "{\"t\":", "[[1795000000000,", "((", "a,b,c,d,e\n", "time,open,high,low,close\n"] {
            bars_of(&[start.as_bytes(), &bytes].concat(), &name);
        }
    }

    #[test]
    fn no_text_panics(text in r#"[\[\](){}",:'#a-z0-9.eE+_ \n-]{0,200}"#, name in "[A-Za-z0-9_./-]{0,40}") {
        bars_of(text.as_bytes(), &name);
    }

    #[test]
    fn a_changed_file_never_panics(
        shape in 0..SHAPES.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..8),
    ) {
        let mut bytes = (SHAPES[shape].write)(&facts(70)).into_bytes();
        for (place, byte, how) in changes {
            let place = place.index(bytes.len());
            match how {
                0 => bytes[place] = byte,
                1 => bytes.insert(place, byte),
                _ => drop(bytes.drain(place..(place + usize::from(byte)).min(bytes.len()))),
            }
        }
        if let Some(bars) = bars_of(&bytes, "ETHUSDT.json") {
            prop_assert!(bars <= 71);
        }
    }

    #[test]
    fn order_and_repetition_change_nothing(
        shape in prop::sample::select(vec!["six numbers", "objects a line", "table", "columns", "eight fields", "python"]),
        order in Just((0..80_usize).collect::<Vec<_>>()).prop_shuffle(),
        again in prop::collection::vec(0..80_usize, 0..30),
    ) {
        let (facts, shape) = (facts(80), written(shape));
        let bars = order.iter().chain(&again).map(|place| facts.bars[*place]).collect();
        let found = read_at(&(shape.write)(&Facts { bars, ..facts.clone() }), "ETHUSDT.json").unwrap();
        prop_assert_eq!(found.counts.duplicates, again.len());
        prop_assert_eq!(found.series.candles, candles(&facts.bars, true));
    }
}

#[test]
fn hostile_files_cost_little() {
    let cases = [
        "[".repeat(1 << 20),
        "((".repeat(1 << 19),
        format!("x {}", "[[1],[1],".repeat(1 << 17)),
        "{\"t\":[".repeat(1 << 17),
        format!("{{\"t\":[{}", "1,".repeat(1 << 19)),
        format!("[{}]", "[1,1,1,1,1],".repeat(1 << 16)),
        format!("[{}]", "{},".repeat(1 << 18)),
        "\"".repeat(1 << 20),
        "1,2,3,4,5,6\n".repeat(1 << 16),
        format!("{}{}", "time,open,high,low,close\n", ",,,,\n".repeat(1 << 17)),
        "9".repeat(1 << 20),
        "#".repeat(1 << 20),
    ];
    for text in cases {
        let mut found = Err(Broken::new(Reason::Empty, ""));
        let spent = allocation_counter::measure(|| found = read_at(&text, &text));
        let shown = &text[..24];
        assert!(found.is_err(), "{shown}");
        // Lists double as they grow, and the old one stands beside the new one meanwhile.
        assert!(spent.bytes_max < 24 * text.len() as u64 + 100_000, "{shown}: {} bytes at once", spent.bytes_max);
    }
}
