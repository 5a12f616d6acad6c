//! What the API says of articles and sessions, on the real engine: who is ready, what became of whom, pages, hostile input.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use signalmill::clickhouse::rows::{AnalysisRow, ArticleRow, EventRow, RecordRow, SessionRow, SignalRow, SpendRow};
use signalmill::model::{
    Analysis, Article, ArticleBatch, Id, NanoUsd, Outcome, Screen, SessionCommand, Spend, SpendOutcome, Timestamp,
    own_session_id,
};

use crate::asking::Asking;
use crate::facts::{NOON, ODD, analysis, article, batch, signal, spend};

const HOUR_MS: i64 = 3_600_000;

fn long(id: &str, publisher: &str, hours: i64) -> Article {
    Article {
        publisher: publisher.to_owned(),
        text: format!("{ODD} text of {id} ").repeat(60),
        text_chars: 2_500,
        published_at: Timestamp(NOON.0 + hours * HOUR_MS),
        ..article(id, 1)
    }
}

async fn articles(asking: &Asking, articles: &[Article]) {
    let rows: Vec<_> = articles.iter().map(|article| ArticleRow::new(article, "live")).collect();
    asking.store.insert::<ArticleRow>(&rows).await.unwrap();
}

async fn admitted(asking: &Asking, session_id: &str, batch_id: &str, ids: &[&str]) {
    let batch: ArticleBatch = batch(session_id, batch_id, ids, 0);
    asking.store.insert::<SessionRow>(&[SessionRow::new(&batch, NanoUsd(300_000_000))]).await.unwrap();
}

async fn ended(asking: &Asking, session_id: &str, batch_id: &str, analysis: Analysis) {
    let analysis = Analysis { session_id: session_id.to_owned(), batch_id: Id(batch_id.to_owned()), ..analysis };
    asking.store.insert::<RecordRow>(&[RecordRow::new(&analysis, NanoUsd(300_000_000))]).await.unwrap();
    if let Some(row) = AnalysisRow::new(&analysis) {
        asking.store.insert::<AnalysisRow>(&[row]).await.unwrap();
    }
}

fn ids(json: &Value, list: &str) -> Vec<String> {
    json[list].as_array().unwrap().iter().map(|row| row["article_id"].as_str().unwrap().to_owned()).collect()
}

/// Whatever can have become of an article.
async fn everything(asking: &Asking) {
    articles(
        asking,
        &[
            long("fresh", "Other", 1),
            long("coin", "coindesk", 2),
            long("btc", "NewsBTC", 3),
            long("read", "Other", 4),
            long("failed", "Other", 5),
            long("deferred", "Other", 6),
            long("queued", "Other", 7),
            long("let go", "Other", 8),
            long("own", "Other", 9),
            Article { text_chars: 1_500, ..long("brief", "Other", 10) },
            Article { screen: Screen::Short, ..long("short", "Other", 11) },
        ],
    )
    .await;
    let own = own_session_id("x", NanoUsd(1));
    admitted(asking, "daily", "b1", &["read", "failed", "deferred", "queued"]).await;
    admitted(asking, "gone", "b2", &["let go"]).await;
    admitted(asking, &own, "b3", &["own"]).await;
    ended(asking, "daily", "b1", analysis("read", 1, Outcome::Analyzed)).await;
    ended(asking, "daily", "b1", analysis("failed", 1, Outcome::Failed)).await;
    ended(asking, "daily", "b1", analysis("deferred", 1, Outcome::Deferred)).await;
    ended(asking, &own, "b3", analysis("own", 1, Outcome::Deferred)).await;
    let cancelled = EventRow::new("gone", SessionCommand::Cancel, Timestamp(NOON.0 + 1));
    asking.store.insert::<EventRow>(&[cancelled]).await.unwrap();
    let call = |hold: &str, outcome, cost| Spend {
        session_id: "daily".to_owned(),
        article_id: "read".to_owned(),
        ..spend(hold, outcome, cost)
    };
    let calls = [call("h1", SpendOutcome::Settled, 2_000_000), call("h2", SpendOutcome::Open, 0)];
    asking.store.insert::<SpendRow>(&calls.each_ref().map(SpendRow::from)).await.unwrap();
    asking.store.insert::<SignalRow>(&[(&signal("read", 1, 70.0)).into()]).await.unwrap();
}

#[tokio::test]
async fn who_is_ready_and_what_became_of_the_others() {
    let asking = Asking::start().await;
    assert_eq!(
        asking.ok("/api/articles/analysis-ready").await,
        json!({ "total": 0, "articles": [], "next_cursor": null })
    );
    everything(&asking).await;
    let ready = asking.ok("/api/articles/analysis-ready").await;
    assert_eq!(ids(&ready, "articles"), ["btc", "coin", "own", "let go", "failed", "fresh"]);
    assert_eq!(ready["total"], 6);
    let first = &ready["articles"][0];
    assert_eq!(first["excerpt"].as_str().unwrap().chars().count(), 280);
    assert_eq!((&first["published_at"], &first["text_chars"]), (&"2026-11-22T03:00:00Z".into(), &2_500.into()));
    let walked = asking.walk("/api/articles/analysis-ready?limit=1", "articles", "article_id", async |_| ()).await;
    assert_eq!(walked, ids(&ready, "articles"));
    assert_eq!(ids(&asking.ok("/api/articles/analysis-ready?publisher=NewsBTC").await, "articles"), ["btc"]);
    let shorter = asking.ok("/api/articles/analysis-ready?min_chars=1500").await;
    assert_eq!((&shorter["total"], shorter["articles"][2]["article_id"].as_str()), (&7.into(), Some("brief")));
    assert_eq!(asking.get("/api/articles/analysis-ready?min_chars=1000001").await.0, 400);

    for (status, expected) in [
        (
            "all",
            vec!["short", "brief", "own", "let go", "queued", "deferred", "failed", "read", "btc", "coin", "fresh"],
        ),
        ("analyzed", vec!["read"]),
        ("failed", vec!["failed"]),
        ("deferred", vec!["own", "deferred"]),
        ("screened", vec!["short"]),
        ("ready", vec!["own", "let go", "failed", "btc", "coin", "fresh"]),
    ] {
        let page = asking.ok(&format!("/api/articles?status={status}")).await;
        assert_eq!(ids(&page, "articles"), expected, "{status}");
        let walked = asking
            .walk(&format!("/api/articles?limit=2&status={status}"), "articles", "article_id", async |_| ())
            .await;
        assert_eq!(walked, expected, "{status}");
    }
    let all = asking.ok("/api/articles").await;
    let states: Vec<&str> =
        all["articles"].as_array().unwrap().iter().map(|row| row["status"].as_str().unwrap()).collect();
    assert_eq!(
        states,
        [
            "screened", "queued", "deferred", "queued", "queued", "deferred", "failed", "analyzed", "queued", "queued",
            "queued"
        ]
    );
    let read = &all["articles"][7];
    assert_eq!(
        (&read["direction"], &read["assets"], &read["session_id"]),
        (&"bearish".into(), &json!(["BTC", "ETH"]), &"daily".into())
    );
    assert!(all["articles"][0]["direction"].is_null() && all["articles"][0]["cost_usd"].is_null());
    assert_eq!(asking.ok("/api/articles?q=TITLE&publisher=NewsBTC").await["articles"].as_array().unwrap().len(), 1);
    assert_eq!(asking.get("/api/articles?status=x").await.0, 400);
    for path in ["/api/articles", "/api/articles/analysis-ready"] {
        asking.assert_hostile(path, "publisher", "articles", "eyJleGNoYW5nZSI6ImEiLCJzeW1ib2wiOiJiIn0").await;
    }
    assert_publishers(&asking).await;
}

async fn assert_publishers(asking: &Asking) {
    let publishers = asking.ok("/api/publishers").await;
    let other = &publishers["publishers"][0];
    assert_eq!(
        (&other["publisher"], &other["articles"], &other["analyzed"], &other["ready"], &other["screened"]),
        (&"Other".into(), &9.into(), &1.into(), &4.into(), &1.into())
    );
    assert_eq!((&other["failed"], &other["deferred"], &other["priority"]), (&1.into(), &2.into(), &false.into()));
    assert_eq!((&other["cost_usd"], &other["newest_at"]), (&4e-9.into(), &"2026-11-22T11:00:00Z".into()));
    assert_eq!(
        (&publishers["publishers"][1]["publisher"], &publishers["publishers"][1]["priority"]),
        (&"NewsBTC".into(), &true.into())
    );
    assert_eq!(publishers["publishers"][2]["priority"], true, "capital letters make no difference");
}

#[tokio::test]
async fn an_article_with_everything_that_is_known_of_it() {
    let asking = Asking::start().await;
    everything(&asking).await;
    let known = asking.ok("/api/articles/read").await;
    assert!(known["article"]["text"].as_str().unwrap().contains("🚀"));
    assert_eq!((&known["article"]["screen"], &known["analysis"]["event_type"]), (&"".into(), &"hack".into()));
    assert_eq!((&known["analysis"]["key_points"][0], &known["analysis"]["cost_usd"]), (&ODD.into(), &1e-9.into()));
    assert_eq!(
        (&known["attempts"][0]["status"], &known["attempts"][0]["session_id"]),
        (&"analyzed".into(), &"daily".into())
    );
    assert_eq!(known["spend"].as_array().unwrap().len(), 2);
    assert_eq!((&known["signal"]["score"], &known["sources"]), (&70.0.into(), &json!([])));
    let sourced = Analysis {
        sources: vec!["https://a.example".to_owned(), "https://b.example".to_owned()],
        source_dates: vec![Some(NOON), None],
        ..analysis("read", 2, Outcome::Analyzed)
    };
    ended(&asking, "daily", "b1", sourced).await;
    let known = asking.ok("/api/articles/read").await;
    assert_eq!(
        known["sources"],
        json!([{ "url": "https://a.example", "published_at": "2026-11-22T00:00:00Z" },
               { "url": "https://b.example", "published_at": null }])
    );
    let fresh = asking.ok("/api/articles/fresh").await;
    assert!(fresh["analysis"].is_null() && fresh["signal"].is_null());
    assert_eq!(asking.ok("/api/articles/let%20go").await["article"]["article_id"], "let go");
    for odd in ["none", "%27%20OR%201%3D1", "%00", "%3F", "a%2Fb"] {
        let (status, json) = asking.get(&format!("/api/articles/{odd}")).await;
        assert_eq!((status, &json["error"]["code"]), (404, &"not_found".into()), "{odd}");
    }
}

#[tokio::test]
async fn articles_are_walked_once_while_more_come_in() {
    let asking = Asking::start().await;
    // Three of each hour: the date alone is no place in the order.
    let old: Vec<Article> = (0..90).map(|number| long(&format!("a{number:03}"), "Other", -(number / 3) * 7)).collect();
    articles(&asking, &old).await;
    let grow = async |page: usize| articles(&asking, &[long(&format!("new{page}"), "Other", 100)]).await;
    let seen = asking.walk("/api/articles?limit=7", "articles", "article_id", grow).await;
    assert_eq!(seen.len(), 90);
    assert_eq!(
        seen.into_iter().collect::<BTreeSet<_>>(),
        old.iter().map(|article| article.article_id.clone()).collect()
    );
    let grow = async |page: usize| articles(&asking, &[long(&format!("newer{page}"), "Other", 200)]).await;
    let before = asking.ok("/api/articles/analysis-ready").await["total"].as_u64().unwrap();
    let seen = asking.walk("/api/articles/analysis-ready?limit=13", "articles", "article_id", grow).await;
    assert_eq!((seen.len() as u64, seen.into_iter().collect::<BTreeSet<_>>().len() as u64), (before, before));
}

#[tokio::test]
async fn sessions_and_what_they_did() {
    let asking = Asking::start().await;
    everything(&asking).await;
    for day in 1..=20 {
        let opened = ArticleBatch {
            opened_at: Timestamp(NOON.0 - day / 2 * 24 * HOUR_MS),
            ..batch(&format!("day{day:02}"), &format!("d{day}"), &["x"], 0)
        };
        asking.store.insert::<SessionRow>(&[SessionRow::new(&opened, NanoUsd(1))]).await.unwrap();
    }
    let seen = asking.walk("/api/sessions?limit=3", "sessions", "session_id", async |_| ()).await;
    assert_eq!((seen.len(), seen.iter().collect::<BTreeSet<_>>().len()), (23, 23));
    let gone = asking.ok("/api/sessions?status=cancelled").await;
    assert_eq!((gone["sessions"].as_array().unwrap().len(), &gone["sessions"][0]["session_id"]), (1, &"gone".into()));
    let daily = asking.ok("/api/sessions/daily").await;
    assert_eq!((&daily["session"]["status"], &daily["session"]["budget_usd"]), (&"exhausted".into(), &0.3.into()));
    assert_eq!(daily["records"].as_array().unwrap().len(), 3);
    assert_eq!(
        daily["spend"][1],
        json!({ "provider": "gemini", "model": "gemini-2.5-flash-002", "calls": 1, "cost_usd": 0.002,
                "input_tokens": 1_200, "output_tokens": 340 })
    );
    // Its limit is the one in its name.
    let own = asking.ok(&format!("/api/sessions/{}", own_session_id("x", NanoUsd(1)))).await;
    assert_eq!(own["session"]["budget_usd"], 1e-9);
    for odd in ["none", "%27%20OR%201%3D1", "%00", "%3F"] {
        assert_eq!(asking.get(&format!("/api/sessions/{odd}")).await.0, 404, "{odd}");
    }
    for odd in ["status=x", "limit=0", "cursor=*", "cursor=e30"] {
        assert_eq!(asking.get(&format!("/api/sessions?{odd}")).await.0, 400, "{odd}");
    }
    // A few seconds are enough for every question, however it is asked.
    let began = std::time::Instant::now();
    asking.ok("/api/sessions?limit=500").await;
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn ids_that_are_long_break_no_page() {
    let asking = Asking::start().await;
    // As long as is taken, each byte of which needs a backslash; and one that no version takes any more.
    let named = |number: usize| format!("{number:04}{}", "'\\".repeat(254));
    let mut all: Vec<Article> = (0..501).map(|number| long(&named(number), "Other", 1)).collect();
    all.push(long(&"x".repeat(300_000), "Other", 2));
    articles(&asking, &all).await;
    for path in ["/api/articles?limit=500", "/api/articles/analysis-ready?limit=500"] {
        let seen = asking.walk(path, "articles", "article_id", async |_| ()).await;
        assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), (0..501).map(named).collect(), "{path}");
    }
}
