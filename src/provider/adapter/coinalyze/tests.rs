//! Coinalyze over a socket: what is sent, and what each answer means.

use crate::config::{HttpUrl, Secret};
use crate::market::contexts::{History, INTERVAL, Values};
use crate::model::Timestamp;

use super::super::stub::{Act, KEY, said, server};
use super::*;

/// 2026-11-22T12:00:00Z.
const NOON: i64 = 1_795_348_800;

fn client(url: &str) -> Coinalyze {
    let config = config::Coinalyze {
        base_url: HttpUrl::parse(url).unwrap(),
        api_keys: vec![Secret::new(KEY)],
        ..config::Coinalyze::default()
    };
    Coinalyze::new(&config, &Http::new().unwrap()).unwrap().remove(0)
}

fn request(history: History) -> Request {
    Request {
        history,
        symbols: vec!["BTCUSDT_PERP.A".into(), "BTC-PERPETUAL.2".into()],
        interval: INTERVAL,
        from: Timestamp((NOON - 900) * 1_000),
        to: Timestamp(NOON * 1_000 + 999),
    }
}

/// Asks for a history of a server that does this. Gives the request's first line, too.
async fn asked(act: Act, history: History) -> (String, Called<Vec<Answered>>) {
    let (url, server) = server(act).await;
    let client = client(&format!("{url}/v1"));
    assert!(!format!("{client:?}").contains(KEY), "{client:?}");
    let called = client.history(&request(history)).await;
    assert!(!format!("{called:?}").contains(KEY), "{called:?}");
    let sent = server.await.unwrap();
    let (line, headers) = sent.split_once("\r\n").unwrap_or_default();
    assert!(sent.is_empty() || headers.to_lowercase().contains(&format!("api_key: {KEY}\r\n")), "{headers}");
    assert!(!line.contains(KEY), "{line}");
    (line.to_owned(), called)
}

#[test]
fn a_client_for_each_key() {
    let http = Http::new().unwrap();
    let with = |keys: &[&str]| config::Coinalyze {
        api_keys: keys.iter().map(|key| Secret::new(*key)).collect(),
        ..config::Coinalyze::default()
    };
    assert_eq!(Coinalyze::new(&with(&["a", "b", "c"]), &http).unwrap().len(), 3);
    assert_eq!(Coinalyze::new(&with(&[]), &http).unwrap_err(), Unfit::NoKey("COINALYZE_API_KEYS"));
    assert_eq!(Coinalyze::new(&with(&["a", "b\n"]), &http).unwrap_err(), Unfit::Key("COINALYZE_API_KEYS"));
}

#[tokio::test]
async fn histories_are_asked_in_seconds_and_amounts_in_dollars() {
    let body = r#"[{"symbol":"BTCUSDT_PERP.A","history":[{"t":1795347900,"l":10,"s":20.5},{"t":1,"l":1,"s":1}]},
        {"symbol":"NOBODY.A","history":[]}]"#;
    let (line, called) = asked(said(200, body), History::Liquidations).await;
    let symbols = "symbols=BTCUSDT_PERP.A%2CBTC-PERPETUAL.2";
    let window = "interval=15min&from=1795347900&to=1795348800";
    assert_eq!(line, format!("GET /v1/liquidation-history?{symbols}&{window}&convert_to_usd=true HTTP/1.1"));
    let answered = called.result.unwrap();
    assert_eq!((answered.len(), answered[0].symbol.as_str()), (1, "BTCUSDT_PERP.A"));
    assert_eq!(answered[0].buckets[0].values, Values::Liquidated { long: 10.0, short: 20.5 });
    assert_eq!(answered[0].buckets.len(), 1);
    let (line, called) = asked(said(200, "[]"), History::FundingRate).await;
    assert_eq!(line, format!("GET /v1/funding-rate-history?{symbols}&{window} HTTP/1.1"));
    assert_eq!(called, Called { result: Ok(Vec::new()), bill: Bill::Nothing });
}

#[tokio::test]
async fn the_list_of_markets() {
    let row = r#"{"symbol":"BTC.H","exchange":"H","symbol_on_exchange":"BTC","base_asset":"BTC","quote_asset":"USDC",
        "is_perpetual":true,"margined":"STABLE","expire_at":null,"oi_lq_vol_denominated_in":"BASE_ASSET"}"#;
    let (url, server) = server(said(200, &format!("[{row},{{}}]"))).await;
    let called = client(&url).future_markets().await;
    assert!(server.await.unwrap().starts_with("GET /future-markets HTTP/1.1\r\n"));
    assert_eq!(called.result.unwrap().iter().map(|market| market.symbol.as_str()).collect::<Vec<_>>(), ["BTC.H"]);
}

#[tokio::test]
async fn every_failure_has_its_decision() {
    let limited = |header: &str| Act::Say(format!("HTTP/1.1 429 X\r\n{header}content-length: 0\r\n\r\n"));
    let wait = Some(Duration::from_millis(49_119));
    let told = |text: &str| format!("coinalyze answers {text}");
    let wrong = said(401, &format!(r#"{{"message":"Invalid/Missing API key {KEY}"}}"#));
    for (act, expected) in [
        (wrong, CallError::Denied { error: told("401: Invalid/Missing API key ***") }),
        (said(400, "bad parameter"), CallError::Permanent { error: told("400: bad parameter") }),
        (limited("retry-after: 49.119\r\n"), CallError::Limited { retry_after: wait, error: told("429") }),
        (limited(""), CallError::Limited { retry_after: None, error: told("429") }),
        (limited("retry-after: soon\r\n"), CallError::Limited { retry_after: None, error: told("429") }),
        (said(500, ""), CallError::Transient { retry_after: None, error: told("500") }),
        (said(503, "<html>"), CallError::Transient { retry_after: None, error: told("503: <html>") }),
    ] {
        let (_, called) = asked(act, History::OpenInterest).await;
        assert_eq!(called, Called { result: Err(expected), bill: Bill::Nothing });
    }
    for (act, is_lost) in [
        (Act::Close, true),
        (said(200, r#"[{"symbol":"#), true),
        (said(200, "{}"), false),
        (said(200, "<html>"), false),
    ] {
        let (_, called) = asked(act, History::OpenInterest).await;
        let error = called.result.unwrap_err();
        assert_eq!((matches!(error, CallError::Lost { .. }), called.bill), (is_lost, Bill::Nothing), "{error}");
        assert!(is_lost || matches!(error, CallError::Permanent { .. }), "{error}");
    }
}
