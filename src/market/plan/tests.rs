//! Plans: who is asked for, in which order, in which requests.

use proptest::prelude::*;

use super::*;
use crate::market::chart;
use crate::market::contexts::{Asked, Bucket, INTERVAL, Known, Values};
use crate::model::{Candle, Indicators, Series};

/// 2026-11-22T12:00:00Z.
const NOON: Timestamp = Timestamp(1_795_348_800_000);
const WEIGHTS: [f64; 4] = [0.4, 0.3, 0.2, 0.1];

fn rules() -> Rules {
    let hours = Duration::from_hours;
    Rules {
        interval: INTERVAL,
        data_ttl: Duration::from_mins(15),
        symbols_ttl: hours(24),
        symbols_max: 20,
        weights: WEIGHTS,
    }
}

fn minutes(minutes: i64) -> Timestamp {
    Timestamp(NOON.0 + minutes * 60_000)
}

fn candidate(symbol: &str, states: [State; 4], stake: f64) -> Candidate {
    Candidate { symbol: symbol.into(), states, stake }
}

fn known(until: Timestamp, asked_at: Timestamp) -> State {
    State::Known { until, asked_at }
}

fn words(requests: &[Request]) -> Vec<(&'static str, Vec<&str>, i64)> {
    let minutes_back = |request: &Request| (NOON.0 - request.from.0) / 60_000;
    let symbols = |request: &'_ Request| request.symbols.len();
    assert!(requests.iter().all(|request| request.units() as usize == symbols(request)));
    requests
        .iter()
        .map(|request| {
            (request.history.as_str(), request.symbols.iter().map(|symbol| &**symbol).collect(), minutes_back(request))
        })
        .collect()
}

#[test]
fn only_what_is_due_is_asked_and_the_most_valuable_first() {
    use State::{Absent, Closed, Unknown};
    let (fresh, old) = (known(minutes(-15), minutes(-14)), known(minutes(-360), minutes(-355)));
    // Nothing has closed since.
    let still = known(NOON, minutes(-20));
    let candidates = [
        candidate("A", [Unknown, Closed, Closed, Closed], 1.0),
        candidate("B", [old, Unknown, fresh, still], 1.0),
        candidate("C", [old, old, Closed, Absent { asked_at: minutes(-60) }], 8.0),
        candidate("D", [Absent { asked_at: minutes(-60 * 24) }, Closed, Closed, Closed], 0.5),
        candidate("E", [Closed; 4], 99.0),
    ];
    assert_eq!(wanted(&candidates, &rules(), NOON), 6);
    let day = 26 * 60;
    let all = [
        ("open_interest", vec!["C", "B"], 360),
        ("funding_rate", vec!["C"], 360),
        ("open_interest", vec!["A", "D"], day),
        ("funding_rate", vec!["B"], day),
    ];
    assert_eq!(words(&next(&candidates, &rules(), 40, NOON)), all);
    assert_eq!(
        words(&next(&candidates, &rules(), 3, NOON)),
        [("open_interest", vec!["C"], 360), ("funding_rate", vec!["C"], 360), ("open_interest", vec!["A"], day),]
    );
    assert_eq!(next(&candidates, &rules(), 0, NOON), []);
    assert_eq!(next(&[], &rules(), 40, NOON), []);
    let single = Rules { symbols_max: 1, ..rules() };
    assert_eq!(next(&candidates, &single, 40, NOON).iter().map(Request::units).collect::<Vec<_>>(), [1; 6]);
}

#[test]
fn a_signal_near_its_threshold_in_a_large_market_is_worth_most() {
    let near = stake(59.0, 60.0, 1e9);
    assert!(near > stake(40.0, 60.0, 1e9) && near > stake(59.0, 60.0, 1e6) && near > stake(80.0, 60.0, 1e9));
    assert!((stake(0.0, 60.0, 1e9) - STAKE_FLOOR * 9.0).abs() < 1e-6);
    for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -5.0, 1e300] {
        for stake in [stake(odd, 60.0, 1.0), stake(50.0, odd, 1.0), stake(50.0, 60.0, odd)] {
            assert!(stake.is_finite() && stake > 0.0);
        }
    }
}

#[test]
fn a_market_near_its_threshold_goes_before_one_that_runs_away() {
    let chart = |rise: f64| {
        let bar = |bar: i32| {
            let open = 1000.0 + rise * f64::from(bar) + f64::from(bar % 2);
            let [high, low, close] = [open + 2.0, open - 2.0, open + rise];
            Candle { open_time: minutes(15 * i64::from(bar)), open, high, low, close, volume: 1.0 }
        };
        let (exchange, symbol) = ("mexc".to_owned(), "BTCUSDT".to_owned());
        let series = Series { exchange, symbol, interval: INTERVAL, candles: (0..120).map(bar).collect() };
        chart::read(&series).unwrap()
    };
    let stakes = |volume: f64| [0.0, 0.1, 3.0, -3.0].map(|rise| stake_of(&chart(rise), volume));
    let [still, slow, up, down] = stakes(1e3);
    assert!(still > up && slow > up && (up - down).abs() < 0.2 * up, "{still} {slow} {up} {down}");
    let larger = stakes(1e12);
    assert!(larger[2] > still, "a market a billion times as large all the same");
    let fresh = Chart { indicators: Indicators::default(), ..chart(0.0) };
    assert!((stake_of(&fresh, 1e6) - stake(NEUTRAL, NEUTRAL + SIDE, 1e6)).abs() < 1e-9);
}

/// A scan of `count` instruments with so many units at a time, until nothing is due. Gives the units of it.
fn scan(store: &mut [(Arc<str>, Known)], at: Timestamp, units: u32) -> u32 {
    let mut spent = 0;
    loop {
        let candidates: Vec<Candidate> = store
            .iter()
            .map(|(symbol, known)| Candidate { symbol: Arc::clone(symbol), states: known.states(true), stake: 1.0 })
            .collect();
        let requests = next(&candidates, &rules(), units, at);
        if requests.is_empty() {
            return spent;
        }
        for request in requests {
            spent += request.units();
            let asked = Asked { from: request.from, at, interval: request.interval };
            for symbol in &request.symbols {
                let (_, known) = store.iter_mut().find(|(known, _)| known == symbol).unwrap();
                let is_unknown = symbol.starts_with('X');
                let buckets: Vec<Bucket> = if is_unknown || request.history == History::Liquidations {
                    Vec::new()
                } else {
                    let length = i64::from(request.interval.seconds()) * 1_000;
                    let starts = (request.from.0..=at.0).step_by(usize::try_from(length).unwrap());
                    let values = [1.0; 4];
                    let width = if request.history == History::LongShortRatio { 3 } else { 4 };
                    let values = Values::of(request.history, &values[..width]).unwrap();
                    starts.map(|start| Bucket { start: Timestamp(start), values }).collect()
                };
                let answer = (!buckets.is_empty()).then_some(&buckets[..]);
                known.absorb(request.history, &asked, answer);
            }
        }
    }
}

#[test]
fn a_second_scan_asks_for_missing_tails_only() {
    // A tenth of them is not known to the service.
    let symbol = |number: u32| format!("{}{number}", if number.is_multiple_of(10) { "X" } else { "S" }).into();
    let mut store: Vec<(Arc<str>, Known)> = (0..300).map(|number| (symbol(number), Known::default())).collect();
    assert_eq!(scan(&mut store, minutes(5), 40), 270 * 4 + 30, "who is unknown costs one unit");
    assert_eq!(scan(&mut store, minutes(6), 40), 0, "what is fresh costs nothing");
    assert_eq!(scan(&mut store, minutes(19), 40), 0);
    assert_eq!(scan(&mut store, minutes(20), 40), 270 * 4, "a unit for each tail, none for the unknown");
    assert_eq!(scan(&mut store, minutes(20 + 24 * 60), 40), 270 * 4 + 30, "the unknown are asked again after a day");
}

fn state() -> impl Strategy<Value = State> {
    prop_oneof![
        Just(State::Unknown),
        Just(State::Closed),
        (-3_000_i64..10).prop_map(|ago| State::Absent { asked_at: minutes(ago) }),
        (-300_i64..0, -3_000_i64..10).prop_map(|(until, ago)| known(minutes(until * 15), minutes(ago))),
    ]
}

proptest! {
    #[test]
    fn plans_keep_their_laws(
        candidates in prop::collection::btree_map("[A-Z]{1,3}", (prop::array::uniform4(state()), any::<f64>()), 0..60),
        units in 0_u32..60,
    ) {
        let candidates: Vec<Candidate> =
            candidates.into_iter().map(|(symbol, (states, stake))| candidate(&symbol, states, stake)).collect();
        let plan = next(&candidates, &rules(), units, NOON);
        let spent: u32 = plan.iter().map(Request::units).sum();
        prop_assert_eq!(spent, units.min(wanted(&candidates, &rules(), NOON)), "all units that can be used are");
        let mut asked = std::collections::BTreeSet::new();
        for request in &plan {
            prop_assert!((1..=20).contains(&request.symbols.len()) && request.from < request.to);
            for symbol in &request.symbols {
                prop_assert!(asked.insert((request.history, Arc::clone(symbol))), "nothing is asked twice");
                let found = candidates.iter().find(|candidate| candidate.symbol == *symbol).unwrap();
                match found.states[request.history as usize] {
                    State::Known { until, .. } => prop_assert!(until <= request.from),
                    state => prop_assert!(state != State::Closed),
                }
            }
        }
        let mut reversed = candidates.clone();
        reversed.reverse();
        prop_assert_eq!(&plan, &next(&reversed, &rules(), units, NOON));
        // With fewer units, the same beginning.
        let fewer: u32 = next(&candidates, &rules(), units / 2, NOON).iter().map(Request::units).sum();
        prop_assert!(fewer <= units / 2);
    }
}
