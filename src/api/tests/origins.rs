//! What a browser asks for a page of somebody else.

use super::*;

#[tokio::test]
async fn pages_of_others_change_nothing() {
    let (open, _stop) = api(&[("SIGNALMILL__API__CORS_ORIGINS", "[\"https://desk.example.com\"]")]);
    let router = router(&open);
    let rebound = ask(&router, "GET /health", &[("host", "evil.example.com")]).await;
    assert_eq!((rebound.status.as_u16(), rebound.code().as_str()), (403, "foreign_host"));
    for host in ["localhost:8080", "[::1]:8080", "127.0.0.1"] {
        assert_eq!(ask(&router, "GET /health", &[("host", host)]).await.status, 200, "{host}");
    }
    // What is refused for its origin is refused before it is looked for.
    for (origin, status) in [
        ("https://evil.example.com", 403),
        ("null", 403),
        ("http://127.0.0.1:8080", 405),
        ("https://desk.example.com", 405),
    ] {
        assert_eq!(ask(&router, "POST /health", &[("origin", origin)]).await.status, status, "{origin}");
    }
    let allowed = |origin| {
        let router = router.clone();
        async move {
            ask(&router, "GET /health", &[("origin", origin)]).await.header("access-control-allow-origin").to_owned()
        }
    };
    assert_eq!(allowed("https://desk.example.com").await, "https://desk.example.com");
    assert_eq!(allowed("https://evil.example.com").await, "");
    let (shut, _stop) = api(&[]);
    let preflight = [("origin", "https://desk.example.com"), ("access-control-request-method", "POST")];
    let answer = ask(&crate::api::router(&shut), "OPTIONS /health", &preflight).await;
    assert_eq!(answer.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn pages_of_others_queue_nothing() {
    let (api, _stop) = api(&[("SIGNALMILL__API__CORS_ORIGINS", "[\"https://desk.example.com\"]")]);
    let router = router(&api);
    let (desk, evil) = (("origin", "https://desk.example.com"), ("origin", "https://evil.example.com"));
    let site = |site| ("sec-fetch-site", site);
    // Who is let in hears that the interval is none.
    let queue = "GET /analyze-stream/BTCUSDT/nope";
    for (headers, status) in [
        (&[][..], 400),
        (&[site("same-origin")], 400),
        (&[site("none")], 400),
        (&[site("cross-site"), desk], 400),
        (&[site("same-origin"), ("origin", "http://127.0.0.1:8080")], 400),
        (&[site("cross-site")], 403),
        (&[site("same-site")], 403),
        (&[site("")], 403),
        (&[site("cross-site"), evil], 403),
        (&[evil], 403),
        (&[("origin", "null")], 403),
    ] {
        let answer = ask(&router, queue, headers).await;
        let code = if status == 403 { "foreign_origin" } else { "invalid_request" };
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{headers:?}");
    }
    let head = ask(&router, "HEAD /analyze-stream/BTCUSDT/1h", &[]).await;
    assert_eq!((head.status.as_u16(), head.header("allow")), (405, "GET"));
    assert_eq!(ask(&router, "GET /live", &[site("cross-site")]).await.status, 200, "what changes nothing is shown");
    assert_eq!(ask(&router, "POST /health", &[site("cross-site")]).await.code(), "foreign_origin");
}
