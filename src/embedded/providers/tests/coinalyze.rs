//! Coinalyze's interface, against what is written down of the real one.

use std::collections::BTreeSet;

use super::*;
use crate::clock::Hand;
use crate::embedded::providers::markets::{coins, listed};

const NOON_S: i64 = NOON.0 / 1_000;

fn open(settings: Settings) -> (Till, Hand) {
    let (clock, hand) = Clock::manual(NOON);
    let settings = Arc::new(Settings { seed: 1, clock, ..settings });
    let book = Arc::new(Book::default());
    let desk = Desk::new(SERVICES[Provider::Coinalyze as usize], settings, Arc::clone(&book));
    (Till { desk, book, provider: Provider::Coinalyze }, hand)
}

fn get(till: &Till, key: &str, path: &str) -> Came {
    came(till.send(Request::get(format!("/v1/{path}")), &[("api_key", key)], b""))
}

fn history(till: &Till, key: &str, path: &str, symbols: &str, rest: &str) -> Came {
    get(till, key, &format!("{path}-history?symbols={symbols}&{rest}"))
}

/// The last day in quarters of an hour.
fn day() -> String {
    format!("interval=15min&from={}&to={NOON_S}", NOON_S - 86_400)
}

#[test]
fn a_few_thousand_markets_of_many_venues() {
    let (till, _hand) = open(Settings::default());
    let body = get(&till, "a", "future-markets").json();
    let rows = body.as_array().unwrap();
    let distinct = |name: &str| rows.iter().map(|row| row[name].as_str().unwrap()).collect::<BTreeSet<_>>().len();
    assert!((2_000..6_000).contains(&rows.len()) && distinct("exchange") >= 20, "{}", rows.len());
    assert_eq!((distinct("symbol"), coins().iter().collect::<BTreeSet<_>>().len()), (rows.len(), coins().len()));
    let row = |symbol: &str| rows.iter().find(|row| row["symbol"] == symbol).unwrap_or_else(|| panic!("{symbol}"));
    for (symbol, own, base) in [
        ("BTCUSDT_PERP.A", "BTCUSDT", "BTC"),
        ("1000PEPEUSDT_PERP.A", "1000PEPEUSDT", "1000PEPE"),
        ("1MBABYDOGEUSDT_PERP.A", "1MBABYDOGEUSDT", "1MBABYDOGE"),
        ("SHIB1000USDT.6", "SHIB1000USDT", "SHIB1000"),
        ("BTCUSDT_PERP.3", "BTC-USDT-SWAP", "BTC"),
        ("BTC-PERPETUAL.2", "BTC-PERPETUAL", "BTC"),
        ("kPEPE.H", "kPEPE", "kPEPE"),
        ("XBTUSDT.0", "XBTUSDT", "XBT"),
    ] {
        assert_eq!(
            (row(symbol)["symbol_on_exchange"].as_str(), row(symbol)["base_asset"].as_str()),
            (Some(own), Some(base))
        );
    }
    assert_eq!(row("BTCUSDT_270326.A")["is_perpetual"], false);
    assert_eq!(row("BTCUSD_PERP.A")["margined"], "COIN");
    assert!(rows.len() == listed().len() && till.bill().units["a"].total() == 1);
    // What is listed is what the program resolves by.
    let markets = crate::market::resolver::Market::read_all(body.to_string().as_bytes()).unwrap();
    let markets = crate::market::resolver::Markets::new(markets);
    assert_eq!(markets.len(), rows.len());
    let resolved =
        coins().iter().filter(|coin| markets.resolve("binance", &format!("{coin}USDT")).instrument.is_some());
    assert!(resolved.count() * 10 > coins().len() * 7);
}

#[test]
fn histories_have_the_shapes_and_the_gaps_of_the_real_ones() {
    let (till, _hand) = open(Settings { units_max: 1_000, ..Settings::default() });
    let points = |path: &str, symbol: &str, rest: &str| -> Vec<Value> {
        let body = history(&till, "a", path, symbol, rest).json();
        body.as_array().unwrap().iter().flat_map(|row| row["history"].as_array().unwrap().clone()).collect()
    };
    let interest = points("open-interest", "BTCUSDT_PERP.A", &day());
    let starts: Vec<i64> = interest.iter().map(|point| point["t"].as_i64().unwrap()).collect();
    assert_eq!(
        starts,
        (0..96).map(|number| NOON_S - 86_400 + number * 900).collect::<Vec<_>>(),
        "lags: no bucket of noon"
    );
    assert!(
        interest.windows(2).all(|pair| pair[0]["c"] == pair[1]["o"] && pair[0]["h"].as_f64() >= pair[0]["l"].as_f64())
    );
    let again =
        points("open-interest", "BTCUSDT_PERP.A", &format!("interval=15min&from={}&to={NOON_S}", NOON_S - 1_800));
    assert_eq!(again, interest[94..], "the same however it is asked for");
    let dollars = points("open-interest", "BTCUSDT_PERP.A", &format!("{}&convert_to_usd=true", day()));
    assert!(dollars[0]["c"].as_f64() > interest[0]["c"].as_f64());
    let funding = points("funding-rate", "BTCUSDT_PERP.A", &day());
    assert!(funding.iter().all(|point| point["c"].as_f64().unwrap().abs() < 0.05), "percent");
    let ratio = &points("long-short-ratio", "BTCUSDT_PERP.A", &day())[0];
    assert!((ratio["l"].as_f64().unwrap() + ratio["s"].as_f64().unwrap() - 100.0).abs() < 1e-9);
    let rare = points("liquidation", "SHIB1000USDT.6", &day());
    assert!((1..96).contains(&rare.len()), "{}", rare.len());
    assert!(rare.iter().all(|point| point["l"].as_f64().unwrap() + point["s"].as_f64().unwrap() > 0.0));
    // No ratio by the minute, nothing of milliseconds, nothing of the delisted and the unknown.
    let minutes = format!("interval=1min&from={}&to={NOON_S}", NOON_S - 3_600);
    assert!(points("long-short-ratio", "BTCUSDT_PERP.A", &minutes).is_empty());
    assert_eq!(points("open-interest", "BTCUSDT_PERP.A", &minutes).len(), 60);
    let millis = format!("interval=15min&from={}&to={}", NOON.0 - 86_400_000, NOON.0);
    assert_eq!(history(&till, "a", "open-interest", "BTCUSDT_PERP.A", &millis).body, "[]");
    let delisted = &listed().iter().find(|market| market.is_delisted).unwrap().symbol;
    let mixed = history(&till, "a", "open-interest", &format!("NOBODY.A,{delisted},ETHUSDT_PERP.A"), &day()).json();
    assert_eq!(
        mixed.as_array().unwrap().iter().map(|row| row["symbol"].as_str().unwrap()).collect::<Vec<_>>(),
        ["ETHUSDT_PERP.A"]
    );
}

#[test]
fn the_newest_bucket_changes_until_it_is_closed() {
    let (till, hand) = open(Settings::default());
    let newest = || {
        let window = format!("interval=15min&from={NOON_S}&to={}", NOON_S + 899);
        history(&till, "a", "open-interest", "BTCUSDT_PERP.A", &window).body
    };
    hand.advance(MINUTE * 5);
    let partial = newest();
    hand.advance(MINUTE * 5);
    let later = newest();
    assert_ne!(partial, later);
    hand.advance(MINUTE * 6);
    let closed = newest();
    hand.advance(MINUTE * 5);
    assert_eq!(newest(), closed);
    assert_ne!(later, closed);
}

#[test]
fn units_are_counted_by_key_in_a_sliding_minute() {
    let (till, hand) = open(Settings::default());
    let ask = |key: &str, count: usize| {
        let symbols: Vec<&str> = listed()[..count].iter().map(|market| market.symbol.as_str()).collect();
        history(&till, key, "funding-rate", &symbols.join(","), &day())
    };
    assert_eq!([ask("a", 20).status, ask("a", 19).status, ask("b", 20).status], [200, 200, 200]);
    hand.advance(Duration::from_millis(10_881));
    assert_eq!(ask("a", 1).status, 200);
    let refused = ask("a", 1);
    assert_eq!((refused.status, refused.header("retry-after").unwrap_or("49.119")), (429, "49.119"));
    let renewed = ask("a", 1);
    assert_eq!(renewed.header("retry-after").unwrap_or("60.0"), "60.0");
    hand.advance(Duration::from_millis(59_999));
    assert_eq!(ask("a", 1).status, 429);
    hand.advance(MINUTE);
    assert_eq!(ask("a", 20).status, 200);
    let bill = till.bill();
    assert_eq!((bill.units["a"].total(), bill.units["a"].refused, bill.units["a"].most_within(MINUTE)), (60, 3, 40));
    assert_eq!((bill.units["b"].total(), bill.requests(Provider::Coinalyze, Outcome::RateLimited)), (20, 3));
    assert_eq!(bill.total(), NanoUsd::ZERO);
    // A minute may be shorter.
    let (till, hand) = open(Settings { minute: Duration::from_secs(1), ..Settings::default() });
    let ask = || history(&till, "a", "funding-rate", "BTCUSDT_PERP.A", &day()).status;
    assert_eq!((0..41).map(|_| ask()).filter(|status| *status == 200).count(), 40);
    hand.advance(Duration::from_secs(1));
    assert_eq!(ask(), 200);
}

#[test]
fn refusals_and_faults() {
    let (till, _hand) = open(Settings { units_max: 1_000, ..Settings::default() });
    for bad in [
        String::new(),
        "symbols=&interval=15min&from=1&to=2".to_owned(),
        format!("symbols={}&interval=15min&from=1&to=2", ["A"; 21].join(",")),
        "symbols=A&interval=15m&from=1&to=2".to_owned(),
        "symbols=A&interval=15min&from=x&to=2".to_owned(),
        "symbols=A&interval=15min&from=1".to_owned(),
        "symbols=A&interval=15min&from=1&to=2&convert_to_usd=yes".to_owned(),
    ] {
        assert_eq!(get(&till, "a", &format!("open-interest-history?{bad}")).status, 400, "{bad}");
    }
    assert_eq!(get(&till, "a", "nothing").status, 404);
    assert_eq!(get(&till, "", "future-markets").status, 401);
    assert_eq!(came(till.send(Request::get("/v1/future-markets?api_key=a"), &[], b"")).status, 200);
    let odd = format!("interval=15min&from={}&to={}", i64::MIN, i64::MAX);
    assert_eq!(history(&till, "a", "open-interest", "BTCUSDT_PERP.A", &odd).status, 200);
    let keyed = Till::open(Provider::Coinalyze, Knobs::default());
    assert_eq!(get(&keyed, KEY, "future-markets").status, 200);
    assert_eq!(get(&keyed, "wrong", "future-markets").status, 401);
    for (knobs, status, body) in [
        (Knobs { omitted: 1.0, ..Knobs::default() }, 200, "[]"),
        (Knobs { empty: 1.0, ..Knobs::default() }, 200, "[]"),
        (Knobs { broken: 1.0, ..Knobs::default() }, 500, r#"{"message":"Internal Server Error"}"#),
        (Knobs { rate_limited: 1.0, ..Knobs::default() }, 429, r#"{"message":"Too Many Requests"}"#),
    ] {
        let (till, _hand) = open(Settings { knobs, ..Settings::default() });
        let came = history(&till, "a", "open-interest", "BTCUSDT_PERP.A", &day());
        assert_eq!((came.status, came.body.as_str()), (status, body));
    }
    let knobs = Knobs { truncated: 1.0, ..Knobs::default() };
    let (torn, _hand) = open(Settings { knobs, ..Settings::default() });
    let torn = history(&torn, "a", "open-interest", "BTCUSDT_PERP.A", &day());
    assert!(serde_json::from_str::<Value>(&torn.body).is_err());
}
