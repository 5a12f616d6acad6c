//! Requests that nobody means well by, or that nobody thought about.

use super::TOKENS;
use super::client::Client;
use crate::mill::Mill;
use crate::stack::Stack;

#[test]
fn hostile_requests_are_refused_for_what_they_are() {
    let mill = Mill::on(Stack::shared(), "analysis_hostile").variable("SIGNALMILL_API_TOKENS", TOKENS);
    let mut serving = mill.serve();
    serving.until_ready();
    let client = Client::new(&serving.api()).with_token("token-of-ann");
    let long = "x".repeat(5_000);
    for (path, body, status) in [
        ("/analyze/BTC%20USDT/1h", "{}", 400),
        ("/analyze/%3Cscript%3E/1h", "{}", 400),
        ("/analyze/a%00b/1h", "{}", 400),
        ("/analyze/%ff%fe/1h", "{}", 400),
        (&format!("/analyze/{long}/1h"), "{}", 400),
        ("/analyze/BTCUSDT/1x", "{}", 400),
        ("/analyze/BTCUSDT/0m", "{}", 400),
        ("/analyze/BTCUSDT/99999999999999999999h", "{}", 400),
        ("/analyze/BTCUSDT/1h", r#"{"timeframe":"yesterday"}"#, 400),
        ("/analyze/BTCUSDT/1h", r#"{"timeframe":7}"#, 400),
        ("/analyze/BTCUSDT/1h", r#"{"exchange":"' OR 1=1 --"}"#, 400),
        ("/analyze/BTCUSDT/1h", r#"{"user_id":""}"#, 400),
        ("/analyze/BTCUSDT/1h", r#"{"candles":[[1,2]]}"#, 400),
        ("/analyze/BTCUSDT/1h", r#"{"candles":{"a":[1]}}"#, 400),
        ("/analyze/BTCUSDT/1h", "{", 400),
        ("/analyze/BTCUSDT/1h", "[]", 400),
        ("/analyze/BTCUSDT/1h", &"[".repeat(100_000), 400),
        ("/analyze-immediate/BTCUSDT/1h", r#"{"candles":[["a","b","c","d","e","f"]]}"#, 400),
    ] {
        let answer = client.ask("POST", path, &[], Some(body));
        let shown = &path[..path.len().min(60)];
        assert_eq!(answer.status, status, "{shown} {}: {}", &body[..body.len().min(60)], answer.text());
        assert!(!answer.code().is_empty());
    }
    let many = format!(r#"{{"candles":[{}[1,1,1,1,1,1]]}}"#, "[1,1,1,1,1,1],".repeat(50_000));
    assert_eq!(client.ask("POST", "/analyze/BTCUSDT/1h", &[], Some(&many)).code(), "too_many_candles");
    let large = format!(r#"{{"exchange":"{}"}}"#, " ".repeat(9 << 20));
    assert_eq!(client.ask("POST", "/analyze/BTCUSDT/1h", &[], Some(&large)).code(), "body_too_large");
    for (header, value) in
        [("Idempotency-Key", ""), ("Idempotency-Key", &"k".repeat(300)), ("Idempotency-Key", "\u{e9}")]
    {
        assert_eq!(client.ask("POST", "/analyze/BTCUSDT/1h", &[(header, value)], Some("{}")).status, 400, "{value}");
    }
    for (path, status) in [
        ("/analysis/status/%00", 404),
        (&format!("/analysis/status/{long}"), 404),
        ("/analysis/status/..%2F..%2Fetc", 404),
        ("/analysis/chart/x.gif", 404),
        ("/analysis/chart/x", 404),
        ("/analysis/chart/x.png?theme=pink", 400),
        ("/analysis/jobs?limit=0", 400),
        ("/analysis/jobs?limit=501", 400),
        ("/analysis/jobs?limit=many", 400),
        ("/analysis/jobs?cursor=%21", 400),
        ("/analysis/jobs?status=late", 400),
        ("/analysis/jobs?cursor=LTk5OTk5OTk5OTk5OTk5OTk6eA", 200),
        ("/analyze-stream/BTCUSDT/nope", 400),
        ("/analyze-stream/BTCUSDT/1h?timeframe=x", 400),
        ("/analyze/BTCUSDT/1h", 405),
    ] {
        let answer = client.get(path);
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
    }
    // A foreign event's id tells nothing, whatever it says.
    for id in ["", "x", "x@1-1", &format!("{}@completed", "0".repeat(32)), "@1-1", "x@99999999999999999999-1"] {
        let answer = client.ask("GET", "/analysis/stream/nobody", &[("Last-Event-ID", id)], None);
        assert_eq!(answer.status, 404, "{id}");
    }
    assert_eq!(mill.read("analysis.jobs").len(), 0, "none of it became a job");
}
