//! The state in simulated time: what is asked, in which order charts end, what fails and what is left of a quota.

use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::key::Key;
use super::learned::{known, written};
use super::state::{Question, State, Turn, What};
use crate::clickhouse::StoredSeries;
use crate::config::Retry;
use crate::market::chart;
use crate::market::contexts::{Answered, Bucket, History, INTERVAL, Values, bucket_start};
use crate::market::plan::{Rules, WEIGHTS};
use crate::market::resolver::{Market, Markets};
use crate::model::{self, Candle, ChartedSeries, Interval, LIVE_RUN, OiStatus, Timestamp};
use crate::provider::call::CallError;
use crate::provider::retry::Policy;

const NOW: Timestamp = Timestamp(1_795_168_806_501);
const QUARTER: Duration = Duration::from_mins(15);

fn state(units_max: u32) -> State {
    let rules = Rules {
        interval: INTERVAL,
        data_ttl: QUARTER,
        symbols_ttl: Duration::from_hours(24),
        symbols_max: 20,
        weights: WEIGHTS,
    };
    let key = Key::new(units_max, Duration::from_mins(1), None, NOW);
    State::new(rules, Policy::new(&Retry::default()), vec![key])
}

fn market(symbol: &str) -> Market {
    Market {
        symbol: format!("{symbol}_PERP.A"),
        exchange: "A".to_owned(),
        symbol_on_exchange: symbol.to_owned(),
        base_asset: symbol.trim_end_matches("USDT").to_owned(),
        quote_asset: "USDT".to_owned(),
        is_perpetual: true,
        margined: "STABLE".to_owned(),
        denominated_in: "BASE_ASSET".to_owned(),
        has_long_short_ratio: true,
    }
}

fn charted(symbol: &str, received_at: Timestamp) -> ChartedSeries {
    let bar = |bar: i64| Candle {
        open_time: Timestamp(bucket_start(received_at, INTERVAL).0 - (60 - bar) * 900_000),
        open: 10.0,
        high: 12.0,
        low: 9.0,
        close: 11.0,
        volume: 5.0,
    };
    let series = model::Series {
        exchange: "binance".to_owned(),
        symbol: symbol.to_owned(),
        interval: Interval::QUARTER_HOUR,
        candles: (0..60).map(bar).collect(),
    };
    let chart = chart::read(&series).unwrap();
    ChartedSeries { series, chart, received_at, origin: "market.files/0/1".to_owned(), version: 1 }
}

/// As the stage and those who ask look up what is stored: nothing is.
fn read_nothing(state: &mut State, now: Timestamp) {
    let waited_for = state.waited_for();
    let unread = state.unread(&waited_for);
    state.remember(unread, Vec::new(), Timestamp(0), now);
}

/// Charts of these symbols that wait, with the list of markets read.
fn waiting(state: &mut State, symbols: &[&str], now: Timestamp) {
    for symbol in symbols {
        assert!(state.tell(charted(symbol, now), LIVE_RUN, true, now).waits.is_some(), "{symbol}");
    }
    let Question { what, .. } = ask(state, now).unwrap();
    assert!(matches!(what, What::List));
    state.list(Arc::new(Markets::new(symbols.iter().map(|symbol| market(symbol)))), now);
    state.list_answered();
    read_nothing(state, now);
}

fn ask(state: &mut State, now: Timestamp) -> Option<Question> {
    match state.turn(0, now) {
        Turn::Ask(operation) => state.ask(0, operation, now),
        Turn::Wait(_) => None,
    }
}

fn buckets(history: History, from: Timestamp, to: Timestamp) -> Vec<Bucket> {
    let values = match history {
        History::OpenInterest | History::FundingRate => {
            Values::Course { open: 0.01, high: 0.02, low: 0.01, close: 0.015 }
        }
        History::LongShortRatio => Values::Ratio { ratio: 1.5, long: 60.0, short: 40.0 },
        History::Liquidations => Values::Liquidated { long: 1.0, short: 2.0 },
    };
    let starts = (0..).map(|count| from.plus(QUARTER * count)).take_while(|start| *start <= to);
    starts.map(|start| Bucket { start, values }).collect()
}

/// Answers everything but what `is_unknown`; gives the symbols of each request.
fn answer_all(state: &mut State, now: Timestamp, is_unknown: impl Fn(&str) -> bool) -> Vec<(History, Vec<String>)> {
    let mut asked = Vec::new();
    while let Some(question) = ask(state, now) {
        let What::History(request) = &question.what else { panic!("the list is read") };
        let known = request.symbols.iter().filter(|symbol| !is_unknown(symbol));
        let answered: Vec<Answered> = known
            .map(|symbol| Answered {
                symbol: symbol.to_string(),
                buckets: buckets(request.history, request.from, request.to),
            })
            .collect();
        state.ended(0, &question, now);
        let learned = state.absorb(request, &answered, now);
        assert_eq!(learned.len(), request.symbols.len());
        asked.push((request.history, request.symbols.iter().map(ToString::to_string).collect()));
        assert!(asked.len() < 100);
    }
    asked
}

#[test]
fn a_chart_waits_until_each_history_was_asked_once() {
    let mut state = state(1_000);
    waiting(&mut state, &["AUSDT", "BUSDT"], NOW);
    let asked = answer_all(&mut state, NOW, |symbol| symbol == "BUSDT_PERP.A");
    let units: usize = asked.iter().map(|(_, symbols)| symbols.len()).sum();
    assert_eq!((asked[0].0, units), (History::OpenInterest, 2 + 3), "{asked:?}");
    let mut news = state.news(|_| true, NOW);
    news.sort_by(|one, other| one.source_id.cmp(&other.source_id));
    assert!(news.iter().all(|news| news.is_settled) && state.waiting() == 0);
    let told = news[0].told.as_ref().unwrap();
    assert_eq!((told.context.oi_status, told.context.venue.as_str()), (OiStatus::Resolved, "binance"));
    assert!(told.context.liquidations_long_usd.is_some() && told.context.open_interest_change.is_some());
    assert!(news[1].told.is_none(), "who is unknown stays neutral, as told before");

    // They come again: fresh, so nobody waits; later only the tail is asked, and not for the unknown one.
    let again = state.tell(charted("AUSDT", NOW), LIVE_RUN, true, NOW);
    assert!(again.waits.is_none() && again.told.unwrap().context.oi_status == OiStatus::Resolved);
    let later = NOW.plus(QUARTER);
    assert!(state.tell(charted("BUSDT", later), LIVE_RUN, true, later).waits.is_none());
    assert!(state.tell(charted("AUSDT", later), LIVE_RUN, true, later).waits.is_some());
    let question = ask(&mut state, later).unwrap();
    let What::History(request) = &question.what else { panic!("the list is fresh") };
    assert!(later.since(request.from) < 3 * QUARTER, "{request:?}");
}

#[test]
fn a_chart_of_another_account_or_run_does_not_wait() {
    let mut state = state(40);
    assert!(state.tell(charted("AUSDT", NOW), LIVE_RUN, false, NOW).waits.is_none());
    assert!(state.tell(charted("AUSDT", NOW), "replay-1", true, NOW).waits.is_none());
    assert_eq!(state.turn(0, NOW), Turn::Wait(None));
}

#[test]
fn contexts_within_a_second_are_versions_in_their_order() {
    let mut state = state(1_000);
    waiting(&mut state, &["AUSDT"], NOW);
    let mut versions = Vec::new();
    let question = ask(&mut state, NOW).unwrap();
    let What::History(request) = &question.what else { panic!("the list is read") };
    let answered =
        [Answered { symbol: "AUSDT_PERP.A".into(), buckets: buckets(request.history, request.from, request.to) }];
    state.ended(0, &question, NOW);
    state.absorb(request, &answered, NOW);
    versions.extend(state.news(|_| true, NOW).into_iter().filter_map(|news| news.told).map(|told| told.version));
    assert!(state.news(|_| true, NOW).is_empty(), "nothing is new");
    answer_all(&mut state, NOW, |_| false);
    versions.extend(state.news(|_| true, NOW).into_iter().filter_map(|news| news.told).map(|told| told.version));
    assert!(versions.len() == 2 && versions[0] < versions[1], "{versions:?}");
}

#[test]
fn what_is_refused_together_is_asked_alone_and_keeps_nobody_waiting() {
    let mut state = state(1_000);
    let mut rng = StdRng::seed_from_u64(1);
    waiting(&mut state, &["AUSDT", "BUSDT", "CUSDT"], NOW);
    let together = ask(&mut state, NOW).unwrap();
    assert_eq!(together.what.units(), 3);
    let refused = CallError::Permanent { error: "Bad request".to_owned() };
    state.ended(0, &together, NOW);
    state.failed(0, &together.what, &refused, false, NOW, &mut rng);
    let bad = |question: &Question| match &question.what {
        What::History(request) => &*request.symbols[0] == "BUSDT_PERP.A",
        What::List => false,
    };
    for _ in 0..20 {
        let Some(question) = ask(&mut state, NOW) else { break };
        assert!(question.what.units() == 1 || !bad(&question));
        state.ended(0, &question, NOW);
        if bad(&question) {
            state.failed(0, &question.what, &refused, false, NOW, &mut rng);
        } else if let What::History(request) = &question.what {
            let answer = |symbol: &Arc<str>| Answered {
                symbol: symbol.to_string(),
                buckets: buckets(request.history, request.from, request.to),
            };
            let answered: Vec<Answered> = request.symbols.iter().map(answer).collect();
            state.absorb(request, &answered, NOW);
        }
    }
    assert_eq!(state.news(|_| true, NOW).into_iter().filter(|news| news.is_settled).count(), 2);
    let Turn::Wait(Some(again)) = state.turn(0, NOW) else { panic!("it is tried again") };
    assert!(again > NOW && matches!(state.turn(0, again), Turn::Ask("open_interest")));
}

#[test]
fn a_restart_counts_what_was_used() {
    let window = Duration::from_mins(1);
    let mut key = Key::new(40, window, None, NOW);
    let first = key.take(30, NOW).unwrap();
    key.ended(&first, NOW.plus(Duration::from_secs(1)));
    let _never_ended = key.take(5, NOW.plus(Duration::from_secs(2))).unwrap();
    let usage = key.usage(NOW.plus(Duration::from_secs(2)));
    let restarted_at = NOW.plus(Duration::from_secs(30));
    let mut restarted = Key::new(40, window, Some(&usage), restarted_at);
    assert_eq!(restarted.grant(5, restarted_at), Ok(5));
    assert!(restarted.take(6, restarted_at).is_err());
    // What has no end counts from the restart, also for whoever comes next.
    let next = NOW.plus(Duration::from_secs(80));
    let again = Key::new(40, window, Some(&restarted.usage(next)), next);
    assert_eq!((again.grant(35, next), again.grant(36, next).is_ok_and(|granted| granted == 36)), (Ok(35), false));
}

#[test]
fn histories_read_back_as_they_were_learned() {
    let symbol: Arc<str> = "AUSDT_PERP.A".into();
    let mut state = state(1_000);
    waiting(&mut state, &["AUSDT"], NOW);
    let question = ask(&mut state, NOW).unwrap();
    let What::History(request) = &question.what else { panic!("the list is read") };
    let answered =
        [Answered { symbol: symbol.to_string(), buckets: buckets(request.history, request.from, request.to) }];
    let learned = state.absorb(request, &answered, NOW);
    let from_log = known(&[], &learned, Timestamp(0));
    let row = StoredSeries {
        coinalyze_symbol: symbol.to_string(),
        series: learned[0].series.clone(),
        buckets: learned[0].buckets.iter().map(|bucket| bucket.start.0).collect(),
        numbers: learned[0].buckets.iter().flat_map(|bucket| bucket.values.clone()).collect(),
        since: learned[0].covered_from.unwrap().0,
        until: learned[0].covered_until.unwrap().0,
        asked_at: NOW.0,
    };
    let from_table = known(std::slice::from_ref(&row), &learned, Timestamp(0));
    assert_eq!(from_log, from_table);
    let track = from_table.track(History::OpenInterest);
    assert_eq!(written(&symbol, History::OpenInterest, track, track.buckets()).as_ref(), learned.first());
    // What is older than was read is not known.
    let since = Timestamp(row.until - 900_000);
    assert_eq!(known(&[row], &[], since).track(History::OpenInterest).buckets().len(), 1);
}
