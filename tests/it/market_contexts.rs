//! Contexts of markets from the stand-in of Coinalyze, within its quota: told at once, told again when more is known,
//! across a kill, with several keys and with a wrong one.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use serde_json::json;
use signalmill::embedded::providers::knobs::Latency;
use signalmill::embedded::providers::units::Units;
use signalmill::embedded::providers::{Provider, Settings, StandIns, markets};
use signalmill::model::{ChartInContext, OiStatus, Signal, Timestamp};

use crate::audit::now_ms;
use crate::crash::given;
use crate::mill::Mill;
use crate::stack::{Raw, Stack, until};

/// Time for the last chart to be told.
const PATIENCE: Duration = Duration::from_mins(2);
/// What a minute of the quota lasts here.
const MINUTE: Duration = Duration::from_secs(4);
const UNITS_MAX: u32 = 40;
/// What a key looks like; it must never be seen anywhere.
const KEY: &str = "coinalyze-secret-4Hw8";
/// Requests that may be under way with a key when a process dies: they are asked again.
const UNDER_WAY_MAX: u64 = 8;
const BARS: i64 = 80;

fn stand_ins(key: Option<&str>) -> StandIns {
    let settings =
        Settings { key: key.map(str::to_owned), units_max: UNITS_MAX, minute: MINUTE, ..Settings::default() };
    let stand_ins = StandIns::start(settings).unwrap();
    stand_ins.set(Provider::Coinalyze, |knobs| knobs.latency = Latency::fixed(Duration::from_millis(10)));
    stand_ins
}

fn mill(name: &str, stand_ins: &StandIns, keys: &str) -> Mill {
    Mill::on(Stack::shared(), name)
        .set("coinalyze.enabled", "true")
        .set("coinalyze.base_url", &stand_ins.coinalyze_url())
        .set("coinalyze.units_per_minute", &UNITS_MAX.to_string())
        .set("coinalyze.quota_window", "4s")
        .variable("COINALYZE_API_KEYS", keys)
}

/// A candle file whose last bar has closed.
fn file(exchange: &str, symbol: &str) -> Raw {
    let last = now_ms() / 900_000 * 900_000 - 900_000;
    let bar = |bar: i64| {
        let price = 100.0 + f64::from(i32::try_from(bar % 17).unwrap());
        json!([last - (BARS - 1 - bar) * 900_000, price, price + 1.0, price - 1.0, price + 0.5, 10.0])
    };
    let candles: Vec<_> = (0..BARS).map(bar).collect();
    let file = json!({ "symbol": symbol, "exchange": exchange, "interval": "15m", "candles": candles });
    Raw { value: Some(file.to_string().into_bytes()), ..Raw::default() }
}

/// The first perpetuals of Binance, with or without data.
fn perpetuals(count: usize, is_delisted: bool) -> Vec<String> {
    let listed = markets::listed().iter().filter(|market| {
        market.exchange == "A" && market.is_perpetual && market.quote == "USDT" && market.is_delisted == is_delisted
    });
    listed.take(count).map(|market| market.own.clone()).collect()
}

/// The charts that wait, by the topic that remembers them.
fn waiting(mill: &Mill) -> BTreeSet<String> {
    let mut waiting = BTreeSet::new();
    for seen in mill.read("market.pending") {
        let key = String::from_utf8(seen.key.unwrap()).unwrap();
        if key.starts_with("chart/") {
            if seen.value.is_some() {
                waiting.insert(key)
            } else {
                waiting.remove(&key)
            };
        }
    }
    waiting
}

/// Waits until every one of `charts` was told something and none waits.
fn until_told(mill: &Mill, charts: usize, patience: Duration) -> HashMap<String, Vec<ChartInContext>> {
    let told = || {
        let mut told: HashMap<String, Vec<ChartInContext>> = HashMap::new();
        for (_, chart) in mill.decoded::<ChartInContext>() {
            told.entry(chart.source_id.clone()).or_default().push(chart);
        }
        told
    };
    until("every chart has its context", patience, || {
        let told_once = told().len();
        // Looked at once all were told: who has not come yet does not wait either.
        let waiting = waiting(mill).len();
        if told_once == charts && waiting == 0 {
            // Who waits no more was told its last context by then.
            Ok(told())
        } else {
            Err(format!("{told_once} told, {waiting} wait"))
        }
    })
}

/// The newest context of each chart.
fn newest(told: &HashMap<String, Vec<ChartInContext>>) -> BTreeMap<&str, &ChartInContext> {
    told.iter().map(|(id, charts)| (id.as_str(), charts.iter().max_by_key(|chart| chart.version).unwrap())).collect()
}

fn is_whole(chart: &ChartInContext) -> bool {
    let context = &chart.context;
    context.open_interest_usd.is_some()
        && context.open_interest_change.is_some()
        && context.funding_rate.is_some()
        && context.long_short_ratio.is_some()
        && context.liquidations_long_usd.is_some()
}

fn refused(units: &BTreeMap<String, Units>) -> u64 {
    units.values().map(|units| units.refused).sum()
}

fn total(stand_ins: &StandIns) -> u64 {
    stand_ins.bill().units.values().map(Units::total).sum()
}

#[test]
fn charts_are_told_at_once_and_again_within_the_quota() {
    let stand_ins = stand_ins(None);
    let mill = mill("contexts_plain", &stand_ins, KEY);
    let mut worker = mill.start_ready();
    let known = perpetuals(34, false);
    let (own, others) = known.split_at(30);
    let delisted = perpetuals(1, true).remove(0);
    let mut files: Vec<Raw> = own.iter().map(|symbol| file("binance", symbol)).collect();
    files.extend(others.iter().map(|symbol| file("mexc", symbol)));
    files.push(file("binance", "NOSUCHCOINUSDT"));
    files.push(file("binance", &delisted));
    mill.produce("market.files", &files);
    let told = until_told(&mill, files.len(), PATIENCE);

    let count = |status| newest(&told).values().filter(|chart| chart.context.oi_status == status).count();
    assert_eq!([OiStatus::Resolved, OiStatus::Aggregated, OiStatus::Neutral].map(count), [30, 4, 2]);
    for chart in newest(&told).values().filter(|chart| chart.context.oi_status != OiStatus::Neutral) {
        assert!(is_whole(chart), "{:?}", chart.context);
    }
    for symbol in own {
        let charts = &told[&format!("binance:{symbol}:15m")];
        let first = charts.iter().min_by_key(|chart| chart.version).unwrap();
        assert_eq!(first.context.oi_status, OiStatus::Neutral, "told at once, before anything is known");
        let versions: BTreeSet<i64> = charts.iter().map(|chart| chart.version).collect();
        assert!(versions.len() == charts.len() && charts.len() > 1, "{symbol}: {versions:?}");
    }
    // The list, four histories of each symbol, and the one question that finds the delisted one unknown.
    let expected = 1 + 4 * 34 + 1;
    let bill = stand_ins.bill();
    let [units] = bill.units.values().collect::<Vec<_>>()[..] else { panic!("one key: {:?}", bill.units) };
    assert_eq!((units.total(), units.refused), (expected, 0));
    assert!(units.most_within(MINUTE) <= u64::from(UNITS_MAX));
    assert!((worker.metric("signalmill_quota_units_total{provider=\"coinalyze\"}") - 138.0).abs() < 0.5);

    // The same signals, newer.
    let signals = (3 * files.len()).to_string();
    mill.until_answer("SELECT count() FROM signals_v WHERE kind = 'market'", &signals, PATIENCE);
    let statuses = "SELECT countIf(oi_status = 'resolved'), countIf(oi_status = 'aggregated'), \
                    countIf(oi_status = 'neutral') FROM signals_v";
    mill.until_answer(statuses, "90\t12\t6", PATIENCE);
    let ids: BTreeSet<String> = mill.decoded::<Signal>().into_iter().map(|(_, signal)| signal.signal_id.0).collect();
    assert_eq!(ids.len(), 3 * files.len());
    mill.until_answer("SELECT count() FROM instruments_v WHERE oi_status = 'neutral'", "1", PATIENCE);
    let stored = "SELECT uniqExact(coinalyze_symbol), uniqExact(series), min(length(values)) > 1 FROM market_series_v";
    mill.until_answer(stored, "34\t4\t1", PATIENCE);

    // They come again: everything is stored and fresh, nothing is asked, and a restart knows it too.
    let (status, _) = worker.stop();
    assert!(status.success(), "{status}");
    let worker = mill.start_ready();
    let came_again = now_ms();
    mill.produce("market.files", &files);
    until("the second time is told", PATIENCE, || {
        let told = mill.decoded::<ChartInContext>();
        let again = told.iter().filter(|(_, chart)| is_whole(chart) && chart.received_at.0 >= came_again).count();
        if again == 34 { Ok(()) } else { Err(format!("{again} told")) }
    });
    assert_eq!(total(&stand_ins), expected, "nothing is asked twice");
    assert!(!worker.log().contains(KEY));
}

#[test]
fn a_kill_amid_questions_exceeds_no_quota_and_loses_no_chart() {
    let stand_ins = stand_ins(None);
    let mill = mill("contexts_killed", &stand_ins, KEY).set("kafka.worker_id", "only");
    let symbols = perpetuals(40, false);
    let files: Vec<Raw> = symbols.iter().map(|symbol| file("binance", symbol)).collect();
    let mut worker = mill.start_ready();
    mill.produce("market.files", &files);
    for units in [30, 70, 110] {
        until("some questions were asked", PATIENCE, || match total(&stand_ins) {
            asked if asked >= units => Ok(()),
            asked => Err(format!("{asked} units")),
        });
        worker.kill();
        worker = mill.start();
    }
    let told = until_told(&mill, files.len(), PATIENCE);
    assert!(newest(&told).values().all(|chart| is_whole(chart)));
    let bill = stand_ins.bill();
    let expected = 1 + 4 * 40;
    assert_eq!(refused(&bill.units), 0);
    let total = total(&stand_ins);
    eprintln!("{total} units for {expected} questions");
    assert!((expected..=expected + 3 * UNDER_WAY_MAX).contains(&total), "{total} units for {expected} questions");
    drop(worker);
}

/// The use of the quota in full sliding windows: the mean share, and the units of the emptiest one.
fn use_of(units: &Units, window: Duration) -> (f64, u64) {
    (units.share_used(UNITS_MAX, window).unwrap(), units.fewest_within(window).unwrap())
}

#[test]
fn a_kill_costs_only_the_windows_that_it_falls_into() {
    // Longer than elsewhere, so that what a busy machine takes for a request is little beside it. How near a share is to
    // the whole is for a quiet machine and a whole minute: SIGNALMILL_QUOTA_MINUTE_SECONDS=60.
    let seconds = given("SIGNALMILL_QUOTA_MINUTE_SECONDS", 10);
    let share_min = if seconds < 60 { 0.8 } else { 0.98 };
    let (minute, patience) = (Duration::from_secs(seconds), Duration::from_secs(12 * seconds));
    let stand_ins = StandIns::start(Settings { units_max: UNITS_MAX, minute, ..Settings::default() }).unwrap();
    stand_ins.set(Provider::Coinalyze, |knobs| knobs.latency = Latency::fixed(Duration::from_millis(10)));
    let mill = mill("contexts_share", &stand_ins, KEY).set("coinalyze.quota_window", &format!("{seconds}s"));
    let mill = mill.set("kafka.worker_id", "only");
    let files: Vec<Raw> = perpetuals(60, false).iter().map(|symbol| file("binance", symbol)).collect();
    let worker = mill.start_ready();
    mill.produce("market.files", &files);
    until("half is asked", patience, || match total(&stand_ins) {
        asked if asked >= 140 => Ok(()),
        asked => Err(format!("{asked} units")),
    });
    worker.kill();
    let killed_at = Timestamp(now_ms());
    let _worker = mill.start();
    until_told(&mill, files.len(), patience);
    let bill = stand_ins.bill();
    let [units] = bill.units.values().collect::<Vec<_>>()[..] else { panic!("one key: {:?}", bill.units) };
    assert!(units.refused == 0 && units.most_within(minute) <= u64::from(UNITS_MAX));
    // The first charts find the whole quota and take it at once, so that the rest of that window is empty by law. Counted
    // are the windows behind it up to the kill, and those from the first request after it until nothing is left to ask.
    let (before, after) = units.split(killed_at);
    let (_, spread) = before.split(before.charges[0].at.plus(minute));
    let away_ms = after.charges[0].at.0 - before.charges[before.charges.len() - 1].at.0;
    let found = [&spread, &after].map(|units| use_of(units, minute));
    eprintln!("{away_ms} ms without a request; mean share and emptiest window before and after: {found:.3?}");
    for (share, fewest) in found {
        assert!(share > share_min && fewest >= 20, "{found:?}");
    }
}

#[test]
fn three_keys_bring_three_times_as_many_contexts_a_minute() {
    let stand_ins = stand_ins(None);
    let mill = mill("contexts_keys", &stand_ins, "key-one-1,key-two-2,key-three-3");
    let symbols = perpetuals(100, false);
    let files: Vec<Raw> = symbols.iter().map(|symbol| file("binance", symbol)).collect();
    let _worker = mill.start_ready();
    mill.produce("market.files", &files);
    until_told(&mill, files.len(), PATIENCE);
    let bill = stand_ins.bill();
    assert_eq!((bill.units.len(), refused(&bill.units)), (3, 0));
    assert_eq!(total(&stand_ins), 1 + 4 * 100);
    // In the first minute units go as charts come; behind it all of them wait for units.
    let crowded = |units: &Units| units.split(units.charges[0].at.plus(MINUTE)).1.share_used(UNITS_MAX, MINUTE);
    let shares: Vec<f64> = bill.units.values().filter_map(crowded).collect();
    eprintln!("{shares:.2?} of each quota used");
    assert!(shares.len() == 3 && shares.iter().all(|share| *share > 0.8), "{shares:?}");
}

#[test]
fn a_wrong_key_leaves_charts_neutral_and_loses_none() {
    let stand_ins = stand_ins(Some(KEY));
    let mill = mill("contexts_key", &stand_ins, "wrong-key-5Tq1");
    let files: Vec<Raw> = perpetuals(8, false).iter().map(|symbol| file("binance", symbol)).collect();
    let worker = mill.start_ready();
    mill.produce("market.files", &files);
    until("the key is refused", PATIENCE, || {
        if worker.log().contains("provider refuses us") { Ok(()) } else { Err("not yet".to_owned()) }
    });
    until("every chart is told", PATIENCE, || match mill.decoded::<ChartInContext>() {
        told if told.len() == 8 && told.iter().all(|(_, chart)| chart.context.oi_status == OiStatus::Neutral) => Ok(()),
        told => Err(format!("{} told", told.len())),
    });
    assert_eq!(worker.log().matches("provider refuses us").count(), 1);
    assert!(!worker.log().contains("wrong-key-5Tq1"));
    worker.stop();
    let mill = mill.variable("COINALYZE_API_KEYS", KEY);
    let worker = mill.start_ready();
    let told = until_told(&mill, files.len(), PATIENCE);
    assert!(newest(&told).values().all(|chart| is_whole(chart)));
    assert!(!worker.log().contains(KEY));
}

#[test]
fn without_keys_nothing_starts() {
    let stand_ins = stand_ins(None);
    let mill = mill("contexts_none", &stand_ins, "");
    let output = mill.command(&["run"], "");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && error.contains("COINALYZE_API_KEYS"), "{error}");
}
