//! What the API says of markets, on the real engine: shapes, filters, pages, answers that are kept, hostile input.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::time::Duration;

use serde_json::{Value, json};
use signalmill::clickhouse::rows::SignalRow;
use signalmill::model::{Signal, Timestamp};

use crate::asking::Asking;
use crate::facts::{NOON, signal};
use crate::stack::until;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Signals of three months, some of one moment.
fn history() -> Vec<Signal> {
    let at = |number: i64| Timestamp(NOON.0 - (number / 3) * DAY_MS);
    (0..130).map(|number| Signal { event_time: at(number), ..signal(&format!("s{number}"), 1, 50.0) }).collect()
}

async fn insert(asking: &Asking, signals: &[Signal]) {
    let rows: Vec<_> = signals.iter().map(SignalRow::from).collect();
    asking.store.insert::<SignalRow>(&rows).await.unwrap();
}

#[tokio::test]
async fn a_history_is_walked_once_while_it_grows() {
    let asking = Asking::start().await;
    assert_eq!(asking.ok("/api/signals").await, json!({ "signals": [], "next_cursor": null }));
    let history = history();
    insert(&asking, &history).await;
    // A newer version of each: rows are told once.
    insert(&asking, &history.iter().map(|old| Signal { version: 2, score: 60.0, ..old.clone() }).collect::<Vec<_>>())
        .await;
    let grow = async |page: usize| {
        let at = Timestamp(NOON.0 + i64::try_from(page).unwrap());
        insert(&asking, &[Signal { event_time: at, ..signal(&format!("new{page}"), 1, 10.0) }]).await;
    };
    let seen = asking.walk("/api/signals?limit=17", "signals", "source_id", grow).await;
    assert_eq!(seen.len(), 130);
    let expected: BTreeSet<String> = history.iter().map(|signal| signal.source_id.clone()).collect();
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), expected);

    let first = &asking.ok("/api/signals?source_id=s5").await["signals"][0];
    assert_eq!(
        (&first["score"], &first["cost_usd"], &first["kind"]),
        (&60.0.into(), &0.000_125.into(), &"article".into())
    );
    assert_eq!(
        (&first["event_time"], &first["components"]["sentiment"]),
        (&"2026-11-21T00:00:00Z".into(), &(-2.0).into())
    );
    let count = async |query: &str| {
        asking.ok(&format!("/api/signals?limit=500&{query}")).await["signals"].as_array().unwrap().len()
    };
    assert_eq!(count("kind=market").await, 0);
    assert_eq!(count("kind=article&subject=BTC&direction=bullish&strategy=news").await, 138 - 1);
    assert_eq!(count("direction=bearish").await, 0);
    assert_eq!(count("since=2026-11-21T00:00:00Z&until=2026-11-22T00:00:00Z").await, 3);
    assert_eq!(count(&format!("until={}", NOON.0)).await, 127);
    for query in ["kind=x", "direction=up", "since=yesterday", "until=2026-13-01T00:00:00Z"] {
        assert_eq!(asking.get(&format!("/api/signals?{query}")).await.0, 400, "{query}");
    }
    asking.assert_hostile("/api/signals", "subject", "signals", "eyJleGNoYW5nZSI6ImEiLCJzeW1ib2wiOiJiIn0").await;
}

/// Two exchanges, five symbols, hourly and daily bars; one pair resolved.
async fn market(asking: &Asking) {
    for (exchange, symbol, interval, bars) in [
        ("binance", "AAAUSDT", "1h", 60),
        ("binance", "AAAUSDT", "1d", 10),
        ("binance", "BBBUSDT", "1h", 60),
        ("kraken", "AAAUSDT", "1h", 50),
        ("kraken", "CCCUSD", "1h", 50),
        ("unknown", "DDD", "4h", 50),
    ] {
        let sql = format!(
            "INSERT INTO candles (exchange, symbol, interval, open_time, open, high, low, close, volume, version) \
             SELECT '{exchange}', '{symbol}', '{interval}', fromUnixTimestamp64Milli(toInt64({}) + number * 3600000), \
             number + 1, number + 3, number, number + 2, 10, 1 FROM numbers({bars})",
            NOON.0
        );
        asking.sql(&sql).await;
        asking.sql(&sql).await;
    }
    asking
        .sql(
            "INSERT INTO instruments (exchange, symbol, base, quote, coinalyze_symbol, venue, oi_status, checked_at) \
             SELECT 'binance', 'AAAUSDT', 'AAA', 'USDT', 'AAAUSDT_PERP.A', 'binance', 'resolved', '2026-11-22 00:00:00'",
        )
        .await;
    asking
        .sql(&format!(
            "INSERT INTO market_contexts (run_id, exchange, symbol, known_at, oi_status, venue, funding_rate, as_of, fetched_at, version) \
             SELECT 'live', 'binance', 'AAAUSDT', fromUnixTimestamp64Milli(toInt64({0}) + number * 60000), 'resolved', 'binance', \
             number / 100, fromUnixTimestamp64Milli(toInt64({0}) + number * 60000), fromUnixTimestamp64Milli(toInt64({0})), number FROM numbers(3)",
            NOON.0
        ))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn instruments_their_candles_and_contexts() {
    let asking = Asking::start().await;
    assert_eq!(asking.ok("/api/instruments").await, json!({ "instruments": [], "next_cursor": null }));
    assert_eq!(asking.ok("/api/sparks").await, json!({ "sparks": {} }));
    market(&asking).await;
    let page = asking.ok("/api/instruments?limit=2").await;
    assert_eq!(
        page["instruments"],
        json!([
            { "exchange": "binance", "symbol": "AAAUSDT", "intervals": ["1d", "1h"], "base": "AAA", "quote": "USDT",
              "coinalyze_symbol": "AAAUSDT_PERP.A", "venue": "binance", "oi_status": "resolved",
              "checked_at": "2026-11-22T00:00:00Z", "candles": 70, "last_open_time": "2026-11-24T11:00:00Z", "last_close": 61.0 },
            { "exchange": "binance", "symbol": "BBBUSDT", "intervals": ["1h"], "base": null, "quote": null,
              "coinalyze_symbol": null, "venue": null, "oi_status": null, "checked_at": null, "candles": 60,
              "last_open_time": "2026-11-24T11:00:00Z", "last_close": 61.0 },
        ])
    );
    let names = async |query: &str| {
        asking.walk(&format!("/api/instruments?limit=2{query}"), "instruments", "symbol", async |_| ()).await
    };
    assert_eq!(names("").await, ["AAAUSDT", "BBBUSDT", "AAAUSDT", "CCCUSD", "DDD"]);
    assert_eq!(names("&q=aaa").await, ["AAAUSDT", "AAAUSDT"]);
    assert_eq!(names("&exchange=kraken&q=c").await, ["CCCUSD"]);
    assert_eq!(names("&oi_status=resolved").await, ["AAAUSDT"]);
    assert_eq!(names("&symbol=aaausdt").await, ["AAAUSDT", "AAAUSDT"]);
    assert_eq!(names("&symbol=AAAUSDT&exchange=binance&oi_status=resolved&q=usd").await, ["AAAUSDT"]);
    assert_eq!((names("&symbol=AAA").await, names("&symbol=").await.len()), (Vec::new(), 5));
    asking.assert_hostile("/api/instruments", "symbol", "instruments", "WzEsIjIiXQ").await;
    asking.assert_hostile("/api/instruments", "q", "instruments", "WzEsIjIiXQ").await;

    let series = "/api/candles?exchange=binance&symbol=AAAUSDT&interval=1h";
    let candles = asking.ok(&format!("{series}&limit=2")).await;
    let at = |hours: i64| NOON.0 + hours * 3_600_000;
    assert_eq!(
        candles["candles"],
        json!([[at(58), 59.0, 61.0, 58.0, 60.0, 10.0], [at(59), 60.0, 62.0, 59.0, 61.0, 10.0]])
    );
    let ranged = asking.ok(&format!("{series}&from={}&to=2026-11-22T12:00:00Z", at(10))).await;
    assert_eq!(ranged["candles"].as_array().unwrap().len(), 2);
    assert_eq!(asking.ok(&format!("{series}&to=2000-01-01T00:00:00Z")).await["candles"], json!([]));
    assert_eq!(asking.get("/api/candles?exchange=binance&symbol=AAAUSDT&interval=5m").await.0, 404);
    for odd in ["", "&limit=0", "&limit=5001", "&from=x"] {
        let path = if odd.is_empty() {
            "/api/candles?exchange=binance&symbol=&interval=1h".to_owned()
        } else {
            format!("{series}{odd}")
        };
        assert_eq!(asking.get(&path).await.0, 400, "{odd}");
    }
    let odd = "/api/candles?exchange=%27%3B%20DROP&symbol=%00&interval=%3F";
    assert_eq!(asking.get(odd).await.0, 404);

    assert_contexts(&asking).await;

    // What is kept is renewed once somebody asks, within a few seconds.
    let sparks = until_json(&asking, "/api/sparks", |json| json["sparks"].as_object().unwrap().len() == 6);
    let closes = sparks["sparks"]["binance:AAAUSDT:1h"].as_array().unwrap();
    assert_eq!((closes.len(), &closes[0], &closes[39]), (40, &22.0.into(), &61.0.into()));
    assert_eq!(sparks["sparks"]["binance:AAAUSDT:1d"].as_array().unwrap().len(), 10);
    assert_eq!(asking.ok("/api/sparks?interval=4h").await["sparks"].as_object().unwrap().len(), 1);
    assert_eq!(asking.ok("/api/sparks?interval=%27").await, json!({ "sparks": {} }));
    let tag = asking.get_with("/api/sparks", &[]).await.header("etag").to_owned();
    assert_eq!(asking.get_with("/api/sparks", &[("if-none-match", &tag)]).await.status, 304);
}

async fn assert_contexts(asking: &Asking) {
    let contexts = asking.ok("/api/contexts?exchange=binance&symbol=AAAUSDT").await;
    assert_eq!((&contexts["oi_status"], &contexts["venue"]), (&"resolved".into(), &"binance".into()));
    assert_eq!(contexts["contexts"].as_array().unwrap().len(), 3);
    assert_eq!(
        contexts["contexts"][1],
        json!({ "oi_status": "resolved", "venue": "binance", "as_of": "2026-11-22T00:01:00Z", "fetched_at": "2026-11-22T00:00:00Z", "open_interest_usd": null,
                "open_interest_change": null, "funding_rate": 0.01, "long_short_ratio": null,
                "liquidations_long_usd": null, "liquidations_short_usd": null })
    );
    let later = asking.ok("/api/contexts?exchange=binance&symbol=AAAUSDT&from=2026-11-22T00:02:00Z").await;
    assert_eq!(later["contexts"].as_array().unwrap().len(), 1);
    let none = asking.ok("/api/contexts?exchange=kraken&symbol=CCCUSD").await;
    assert_eq!((&none["oi_status"], &none["contexts"]), (&"neutral".into(), &json!([])));
    assert_eq!(asking.get("/api/contexts?exchange=kraken&symbol=ZZZ").await.0, 404);
}

/// Asks until the answer is as wanted.
fn until_json(asking: &Asking, path: &str, is: impl Fn(&Value) -> bool) -> Value {
    let handle = tokio::runtime::Handle::current();
    tokio::task::block_in_place(|| {
        until(path, Duration::from_secs(20), || {
            let json = handle.block_on(asking.ok(path));
            if is(&json) { Ok(json) } else { Err(json.to_string()) }
        })
    })
}

/// A market's signals, one a strategy.
async fn scored(asking: &Asking, symbol: &str, score: f64, version: i64) {
    for (strategy, less) in [("momentum", 0.0), ("breakout", 1.0), ("reversal", 2.0)] {
        let sql = format!(
            "INSERT INTO signals (signal_id, run_id, kind, source_id, subject, exchange, interval, strategy, score, direction, \
             confidence, strength, components, oi_status, oi_metadata, observability, event_time, produced_at, version) \
             SELECT '{symbol}-{strategy}', 'live', 'market', 'binance:{symbol}:1h', '{symbol}', 'binance', '1h', '{strategy}', \
             {score} - {less}, if({score} > 50, 'bullish', 'bearish'), 0.5, 0.25, map('trend', 10.5), 'neutral', \
             '{{\"status\":\"neutral\",\"venue\":\"\"}}', '{{\"trendlines\":[],\"levels\":[],\"patterns\":[],\"indicators\":{{}}}}', \
             now64(3), now64(3), {version}"
        );
        asking.sql(&sql).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_is_kept_told_apart_and_renewed() {
    let asking = Asking::start().await;
    let empty = asking.ok("/api/results").await;
    assert_eq!(empty["signals"], json!([]));
    scored(&asking, "AAA", 90.0, 1).await;
    scored(&asking, "BBB", 30.0, 1).await;
    let feed = until_json(&asking, "/api/results", |json| json["signals"].as_array().unwrap().len() == 6);
    let first = &feed["signals"][0];
    assert_eq!(
        (&first["symbol"], &first["strategy"], &first["score"]),
        (&"AAA".into(), &"momentum".into(), &90.0.into())
    );
    assert_eq!((&first["oi_metadata"]["status"], &first["components"]["trend"]), (&"neutral".into(), &10.5.into()));
    assert!(first["observability"]["levels"].is_array() && first["event_time"].is_i64());
    let scores: Vec<f64> =
        feed["signals"].as_array().unwrap().iter().map(|signal| signal["score"].as_f64().unwrap()).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");

    let brief = asking.ok("/api/results?observability=false&limit=4").await;
    assert_eq!(brief["signals"].as_array().unwrap().len(), 4);
    assert!(brief["signals"][0].get("observability").is_none());
    let count =
        async |query: &str| asking.ok(&format!("/api/results?{query}")).await["signals"].as_array().unwrap().len();
    assert_eq!(count("symbol=AAA&exchange=binance&interval=1h").await, 3);
    assert_eq!(count("strategy=breakout&direction=bearish").await, 1);
    assert_eq!((count("min_score=89").await, count("oi_status=resolved").await), (2, 0));
    assert_eq!(count("symbol=%27%20OR%201%3D1").await, 0);
    for odd in ["min_score=101", "min_score=nan", "limit=0", "direction=x", "observability=maybe"] {
        assert_eq!(asking.get(&format!("/api/results?{odd}")).await.0, 400, "{odd}");
    }

    let plain = asking.get_with("/api/results", &[]).await;
    let packed = asking.get_with("/api/results", &[("accept-encoding", "gzip")]).await;
    assert_eq!((plain.header("content-encoding"), packed.header("content-encoding")), ("", "gzip"));
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&*packed.body).read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked, plain.body);
    let tag = plain.header("etag");
    assert!(!tag.is_empty() && tag == packed.header("etag"));
    let again = asking.get_with("/api/results", &[("if-none-match", tag)]).await;
    assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, tag));

    // A new version of one signal is another feed.
    scored(&asking, "AAA", 95.0, 2).await;
    let feed = until_json(&asking, "/api/results", |json| json["signals"][2]["score"] == 93.0);
    assert_eq!(feed["signals"].as_array().unwrap().len(), 6);
    assert_eq!(asking.get_with("/api/results", &[("if-none-match", tag)]).await.status, 200);
}
