//! Histories from the wire to a context, by the recorded shapes and by what a hostile or lagging service may send.

use std::time::Duration;

use proptest::prelude::*;

use super::track::first;
use super::*;
use crate::model::{MarketContext, OiStatus};

const QUARTER_MS: i64 = 900_000;
/// 2026-11-22T12:00:00Z.
const NOON: Timestamp = Timestamp(1_795_348_800_000);

/// So many quarters of an hour before noon.
fn quarter(back: i64) -> Timestamp {
    Timestamp(NOON.0 - back * QUARTER_MS)
}

fn asked(from: Timestamp, at: Timestamp) -> Asked {
    Asked { from, at, interval: INTERVAL }
}

fn course(start: Timestamp, close: f64) -> Bucket {
    Bucket { start, values: Values::Course { open: close, high: close, low: close, close } }
}

fn subject() -> Subject<'static> {
    Subject { exchange: "mexc", symbol: "BTC_USDT", status: OiStatus::Aggregated, venue: "binance", run_id: "live" }
}

#[test]
fn recorded_answers_are_read_and_odd_points_left_out() {
    let daily = Interval::of_seconds(86_400).unwrap();
    let day = Timestamp(1_748_736_000_000);
    for (history, body, expected) in [
        (
            History::OpenInterest,
            r#"{"t":1748736000,"o":83549.607,"h":83849.979,"l":82405.547,"c":82802.078}"#,
            Some(vec![83_549.607, 83_849.979, 82_405.547, 82_802.078]),
        ),
        (
            History::FundingRate,
            r#"{"t":1748736000,"o":-0.004145,"h":0.01,"l":-0.01,"c":0.01}"#,
            Some(vec![-0.004_145, 0.01, -0.01, 0.01]),
        ),
        (History::Liquidations, r#"{"t":1748736000,"l":18.18,"s":36.237}"#, Some(vec![18.18, 36.237])),
        (History::Liquidations, r#"{"t":1748736000,"s":36.237}"#, Some(vec![0.0, 36.237])),
        (
            History::LongShortRatio,
            r#"{"t":1748736000,"r":1.1906,"l":54.35,"s":45.65}"#,
            Some(vec![1.1906, 54.35, 45.65]),
        ),
        (History::LongShortRatio, r#"{"t":"1748736000","r":"3"}"#, Some(vec![3.0, 75.0, 25.0])),
        (History::LongShortRatio, r#"{"t":1748736000,"l":60,"s":40}"#, Some(vec![1.5, 60.0, 40.0])),
        (History::LongShortRatio, r#"{"t":1748736000,"l":100,"s":0}"#, None),
        (History::Liquidations, r#"{"t":1748736000}"#, None),
        (History::Liquidations, r#"{"t":1748736000,"l":-1,"s":1}"#, None),
        (History::OpenInterest, r#"{"t":1748736000,"c":null}"#, None),
        (History::OpenInterest, r#"{"t":1748736000,"c":-5}"#, None),
        (History::OpenInterest, r#"{"t":1748736000,"c":1e999}"#, None),
        (History::OpenInterest, r#"{"t":1748736000,"c":"NaN"}"#, None),
        (History::OpenInterest, r#"{"t":1748736000000,"c":5}"#, None),
        (History::OpenInterest, r#"{"t":1748736001,"c":5}"#, None),
        (History::OpenInterest, r#"{"t":-1,"c":5}"#, None),
        (History::OpenInterest, r#"{"c":5}"#, None),
        (History::OpenInterest, r"[1748736000,5]", None),
        (History::FundingRate, r#"{"t":1748736000,"c":4000}"#, None),
    ] {
        let body =
            format!(r#"[7, {{"symbol":"A","history":[null, {body}, "x"]}}, {{"symbol":"B"}}, {{"history":[]}}]"#);
        let answered = read(history, daily, body.as_bytes()).unwrap();
        assert_eq!(answered.iter().map(|row| row.symbol.as_str()).collect::<Vec<_>>(), ["A", "B"], "{body}");
        let found: Vec<_> = answered[0].buckets.iter().map(|bucket| (bucket.start, bucket.values.to_vec())).collect();
        assert_eq!(found, expected.into_iter().map(|values| (day, values)).collect::<Vec<_>>(), "{body}");
        for bucket in &answered[0].buckets {
            assert_eq!(Values::of(history, &bucket.values.to_vec()), Some(bucket.values));
        }
    }
    for body in ["", "{}", "null", "[", "<html>", r#"{"message":"Invalid/Missing API key"}"#] {
        assert!(read(History::OpenInterest, daily, body.as_bytes()).is_err(), "{body}");
    }
    assert_eq!(read(History::OpenInterest, daily, b"[]").unwrap(), []);
    for history in History::ALL {
        assert_eq!(History::parse(history.as_str()), Some(history));
    }
    assert_eq!(interval_name(INTERVAL), Some("15min"));
}

#[test]
fn only_closed_buckets_are_kept_and_none_is_asked_for_again() {
    let mut known = Known::default();
    assert_eq!(known.states(true), [State::Unknown, State::Closed, State::Closed, State::Closed]);
    let start = first(State::Unknown, INTERVAL, NOON);
    assert_eq!(start, quarter(26 * 4));
    // At 12:01:55 the bucket of 11:45 may still change, at 12:01:56 it does not.
    let whole: Vec<Bucket> = (0..=26 * 4).rev().map(|back| course(quarter(back), 100.0)).collect();
    let at = Timestamp(NOON.0 + 116_000);
    let early = known.clone().absorb(History::OpenInterest, &asked(start, Timestamp(at.0 - 1)), Some(&whole));
    assert_eq!(early.last().unwrap().start, quarter(2));
    // A service that lags has no newer bucket: its newest may be partial.
    let lagging = known.clone().absorb(History::OpenInterest, &asked(start, at), Some(&whole[..whole.len() - 1]));
    assert_eq!(lagging.last().unwrap().start, quarter(2));
    let fresh = known.absorb(History::OpenInterest, &asked(start, at), Some(&whole));
    assert_eq!((fresh.len(), fresh.last().unwrap().start), (26 * 4, quarter(1)));
    let state = known.track(History::OpenInterest).state();
    assert_eq!(state, State::Known { until: NOON, asked_at: at });
    assert_eq!(first(state, INTERVAL, quarter(-1)), NOON);
    // What is kept stays as it is.
    let changed = [course(quarter(1), 999.0), course(NOON, 101.0), course(quarter(-1), 102.0)];
    let later = asked(NOON, Timestamp(quarter(-1).0 + 116_000));
    assert_eq!(known.absorb(History::OpenInterest, &later, Some(&changed)), [course(NOON, 101.0)]);
    assert_eq!(
        known.track(History::OpenInterest).buckets().iter().filter(|b| b.values.last() > Some(101.0)).count(),
        0
    );
    // After a long pause the question reaches back a day only, and what it covers begins anew.
    let state = known.track(History::OpenInterest).state();
    let monday = Timestamp(NOON.0 + 3 * 86_400_000);
    let from = first(state, INTERVAL, monday);
    assert!(from > quarter(-1));
    known.absorb(History::OpenInterest, &asked(from, monday), Some(&[course(from, 1.0), course(monday, 1.0)]));
    assert_eq!(known.track(History::OpenInterest).covered().unwrap().from, from);
    assert_eq!(known.track(History::OpenInterest).buckets(), [course(from, 1.0)]);
}

#[test]
fn who_is_left_out_is_unknown_silent_or_calm() {
    let start = quarter(26 * 4);
    let at = |minutes: i64| Timestamp(NOON.0 + minutes * 60_000);
    let partial = [course(quarter(1), 1.0), course(NOON, 1.0)];
    // Unknown there, not asked for elsewhere.
    let mut nobody = Known::default();
    nobody.absorb(History::OpenInterest, &asked(start, at(5)), None);
    assert_eq!(nobody.states(true), [State::Absent { asked_at: at(5) }, State::Closed, State::Closed, State::Closed]);
    let mut empty = Known::default();
    empty.absorb(History::OpenInterest, &asked(start, at(5)), Some(&[]));
    assert_eq!(empty.states(true)[0], State::Absent { asked_at: at(5) });
    // Calm: nothing was liquidated, whichever answer comes first.
    for order in [[History::OpenInterest, History::Liquidations], [History::Liquidations, History::OpenInterest]] {
        let mut calm = Known::default();
        for history in order {
            let buckets = (history == History::OpenInterest).then_some(&partial[..]);
            calm.absorb(history, &asked(start, at(5)), buckets);
        }
        let context = calm.context(&subject(), at(5));
        assert_eq!((context.liquidations_long_usd, context.liquidations_short_usd), (Some(0.0), Some(0.0)));
        assert_eq!(
            calm.states(false),
            [
                State::Known { until: NOON, asked_at: at(5) },
                State::Unknown,
                State::Closed,
                State::Known { until: NOON, asked_at: at(5) }
            ]
        );
    }
    // Silent: asked again from where it stood, and after a day given up.
    let mut silent = Known::default();
    silent.absorb(History::OpenInterest, &asked(start, at(5)), Some(&partial));
    silent.absorb(History::OpenInterest, &asked(NOON, at(20)), None);
    assert_eq!(silent.states(true)[0], State::Known { until: NOON, asked_at: at(20) });
    silent.absorb(History::OpenInterest, &asked(NOON, at(25 * 60)), Some(&[]));
    assert_eq!(silent.states(true)[0], State::Absent { asked_at: at(25 * 60) });
    // Listed a minute ago: nothing is closed, but it is known.
    let mut new = Known::default();
    new.absorb(History::OpenInterest, &asked(start, at(5)), Some(&[course(NOON, 1.0)]));
    assert_eq!(new.states(true)[0], State::Known { until: NOON, asked_at: at(5) });
}

/// A day and a bit of all four histories: open interest grows by 1 a quarter from 1000, 10 are liquidated each hour.
fn full(until: Timestamp) -> Known {
    let start = quarter(26 * 4);
    let asked = asked(start, until.plus(Duration::from_mins(15)));
    let mut known = Known::default();
    let starts: Vec<Timestamp> = (-4..=26 * 4).rev().map(quarter).filter(|start| *start <= until).collect();
    let number = |start: &Timestamp| f64::from(i32::try_from((start.0 - quarter(26 * 4).0) / QUARTER_MS).unwrap());
    for history in History::ALL {
        let bucket = |start: &Timestamp| match history {
            History::OpenInterest => Some(course(*start, 1_000.0 + number(start))),
            History::FundingRate => Some(course(*start, 0.01 + number(start) * 1e-6)),
            History::LongShortRatio => {
                Some(Bucket { start: *start, values: Values::Ratio { ratio: 2.0, long: 66.7, short: 33.3 } })
            }
            History::Liquidations => (start.0 % 3_600_000 == 0)
                .then_some(Bucket { start: *start, values: Values::Liquidated { long: 10.0, short: number(start) } }),
        };
        let buckets: Vec<Bucket> = starts.iter().filter_map(bucket).collect();
        known.absorb(history, &asked, Some(&buckets));
    }
    known
}

#[test]
fn a_context_is_what_had_been_closed_by_then() {
    let known = full(quarter(-4));
    let context = known.context(&subject(), Timestamp(NOON.0 + 7));
    // The bucket that ended at noon is number 103, the one of the day before number 7.
    assert_eq!(context.open_interest_usd, Some(1_103.0));
    assert!((context.open_interest_change.unwrap() - (1_103.0 / 1_007.0 - 1.0)).abs() < 1e-12);
    assert!((context.funding_rate.unwrap() - 0.010_103).abs() < 1e-12);
    assert_eq!(context.long_short_ratio, Some(2.0));
    assert_eq!(context.liquidations_long_usd, Some(240.0));
    assert_eq!(context.as_of, Some(NOON));
    assert_eq!((context.oi_status, context.venue.as_str()), (OiStatus::Aggregated, "binance"));
    // A millisecond before noon that bucket had not ended.
    let before = known.context(&subject(), Timestamp(NOON.0 - 1));
    assert_eq!((before.open_interest_usd, before.as_of), (Some(1_102.0), Some(quarter(1))));
    // Three hours in, no day is covered.
    let first_hours = known.context(&subject(), quarter(23 * 4));
    assert_eq!((first_hours.open_interest_change, first_hours.liquidations_long_usd), (None, None));
    assert_eq!(first_hours.open_interest_usd, Some(1_011.0));
    // A day after the last bucket nothing is said any more, and nobody is blamed for it.
    let stale = known.context(&subject(), Timestamp(quarter(-5).0 + 86_400_000));
    let neutral = MarketContext {
        exchange: "mexc".to_owned(),
        symbol: "BTC_USDT".to_owned(),
        oi_status: OiStatus::Neutral,
        venue: "binance".to_owned(),
        open_interest_usd: None,
        open_interest_change: None,
        funding_rate: None,
        long_short_ratio: None,
        liquidations_long_usd: None,
        liquidations_short_usd: None,
        as_of: None,
        fetched_at: stale.fetched_at,
        run_id: "live".to_owned(),
    };
    assert_eq!(stale, neutral);
    assert_eq!(Known::default().context(&subject(), NOON), MarketContext { fetched_at: None, ..neutral });
}

proptest! {
    #[test]
    fn nothing_that_comes_later_changes_a_context(cut in 0_i64..104, offset in 0_i64..QUARTER_MS) {
        // As known when the bucket `cut` quarters before noon was open, and as known an hour after noon.
        let as_of = Timestamp(quarter(cut).0 + offset);
        let then = full(quarter(cut)).context(&subject(), as_of);
        let now = full(quarter(-4)).context(&subject(), as_of);
        prop_assert_eq!(MarketContext { fetched_at: None, ..then }, MarketContext { fetched_at: None, ..now });
    }

    #[test]
    fn any_bytes_and_any_answers_keep_the_invariants(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        answers in prop::collection::vec((0_i64..300, prop::collection::btree_set(-300_i64..5, 0..40), any::<bool>()), 1..12),
    ) {
        let mut answers = answers;
        answers.sort_by_key(|(wait, _, _)| *wait);
        let _ = read(History::Liquidations, INTERVAL, &bytes);
        for history in History::ALL {
            let mut known = Known::default();
            for (wait, offsets, is_omitted) in &answers {
                let at = Timestamp(NOON.0 + wait * QUARTER_MS);
                let from = first(known.track(history).state(), INTERVAL, at);
                let values = Values::of(history, &[1.0; 4]).or(Values::of(history, &[1.0; 3])).or(Values::of(history, &[1.0; 2]));
                let buckets: Vec<Bucket> = offsets
                    .iter()
                    .map(|offset| Bucket { start: Timestamp(bucket_start(at, INTERVAL).0 + offset * QUARTER_MS), values: values.unwrap() })
                    .collect();
                let kept: Vec<Bucket> = known.track(history).buckets().to_vec();
                let fresh = known.absorb(history, &asked(from, at), (!is_omitted).then_some(&buckets[..]));
                prop_assert!(fresh.iter().all(|bucket| !kept.contains(bucket)), "kept twice");
                let track = known.track(history);
                prop_assert!(track.buckets().is_sorted_by(|a, b| a.start < b.start));
                if let Some(covered) = track.covered() {
                    prop_assert!(covered.from <= covered.until && covered.until <= at);
                    prop_assert!(track.buckets().iter().all(|bucket| (covered.from..covered.until).contains(&bucket.start)));
                    prop_assert!(covered.until.since(covered.from) <= Duration::from_hours(48));
                }
                if let (Some(covered), Some(asked_at)) = (track.covered(), track.asked_at()) {
                    let again = Track::restore(track.buckets().to_vec(), covered, asked_at);
                    prop_assert_eq!(again.buckets(), track.buckets());
                }
                let _ = known.context(&subject(), at);
            }
        }
    }
}
