//! Analyses on demand over HTTP, on the real services: jobs, streams, cancellations and charts, as those see them who may,
//! and those who may not.

pub mod client;
mod hostile;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use self::client::{Client, Event};
use crate::audit::now_ms;
use crate::mill::{Mill, Worker};
use crate::stack::{Stack, until};

const PATIENCE: Duration = Duration::from_mins(1);
const HOUR_MS: i64 = 3_600_000;
const TOKENS: &str = "token-of-ann=ann,token-of-bob=bob,token-of-root=root:admin";

/// Stores hourly bars of `symbol`, the last of which has just closed.
fn store(mill: &Mill, symbol: &str, bars: i64) {
    let end = now_ms() / HOUR_MS * HOUR_MS;
    mill.ask(&format!(
        "INSERT INTO candles SELECT 'binance', '{symbol}', '1h', fromUnixTimestamp64Milli(toInt64({end} - (number + 1) * \
         {HOUR_MS})), 100 + 10 * sin(number / 9), 112 + 10 * sin(number / 9), 88 + 10 * sin(number / 9), \
         101 + 10 * sin(number / 9), 5 + number % 7, 'test', 1 FROM numbers({bars})"
    ));
}

/// Bars for a request.
fn candles(bars: i64) -> Value {
    let end = now_ms() / HOUR_MS * HOUR_MS;
    let bar = |bar: i64| {
        let price = 100.0 + f64::from(i32::try_from(bar % 17).unwrap());
        json!([end - (bars - bar) * HOUR_MS, price, price + 2.0, price - 2.0, price + 1.0, 3.0])
    };
    (0..bars).map(bar).collect()
}

fn id_of(answer: &client::Answer) -> String {
    assert_eq!(answer.status, 202, "{}", answer.text());
    answer.json()["analysis_id"].as_str().unwrap().to_owned()
}

fn until_status(client: &Client, id: &str, status: &str) -> Value {
    until(&format!("{id} is {status}"), PATIENCE, || {
        let answer = client.get(&format!("/analysis/status/{id}"));
        match answer.json() {
            said if said["status"] == status => Ok(said),
            said => Err(said.to_string()),
        }
    })
}

fn ids(page: &Value) -> Vec<String> {
    page["jobs"].as_array().unwrap().iter().map(|job| job["analysis_id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_service_answers_as_the_one_that_it_replaces() {
    let mill = Mill::on(Stack::shared(), "analysis_http").set("analysis.metrics_publish_interval", "1s");
    let worker = mill.start_ready();
    store(&mill, "BTCUSDT", 1_200);
    let client = Client::new(&worker.api());

    let body = json!({ "user_id": "user123", "timeframe": "7d" });
    let queued = client.post("/analyze/BTCUSDT/1h", &body);
    let id = id_of(&queued);
    assert_eq!(
        queued.json(),
        json!({ "analysis_id": id, "status": "queued", "message": "Analysis job queued for background processing",
                "check_status_url": format!("/analysis/status/{id}") })
    );
    let at_once = client.get(&format!("/analysis/status/{id}?user_id=user123"));
    assert_eq!((at_once.status, at_once.json()["user_id"].as_str()), (200, Some("user123")), "it is known at once");
    let done = until_status(&client, &id, "completed");
    for (field, value) in [
        ("symbol", json!("BTCUSDT")),
        ("exchange", json!("binance")),
        ("interval", json!("1h")),
        ("timeframe", json!("7d")),
        ("progress", json!(100)),
        ("attempts", json!(1)),
        ("error", Value::Null),
        ("summary_by", json!("template")),
        ("image_url", json!(format!("/analysis/chart/{id}.png"))),
    ] {
        assert_eq!(done[field], value, "{field}");
    }
    assert_eq!(done["analysis_data"]["candles"], 168);
    assert!(
        done["llm_summary"].as_str().unwrap().len() > 10 && done["created_at"].as_str() <= done["updated_at"].as_str()
    );

    let events: Vec<Event> = client.stream("/analyze-stream/BTCUSDT/1h?user_id=user123&timeframe=7d", None).collect();
    let (first, last) = (&events[0], events.last().unwrap());
    assert_eq!(first.data["message"], "Analysis job queued for background processing.");
    assert_eq!((first.status(), last.status()), ("queued", "completed"));
    assert!(events[1..events.len() - 1].iter().all(|event| event.status() == "processing"), "{events:?}");
    let progress: Vec<_> = events.iter().map(|event| event.data["progress"].as_i64().unwrap()).collect();
    assert!(progress.is_sorted() && progress.starts_with(&[0, 5]) && progress.ends_with(&[100]), "{progress:?}");
    assert_eq!(last.data["data"]["symbol"], "BTCUSDT");
    let streamed = last.data["analysis_id"].as_str().unwrap();

    charts_are_there_in_every_look(&client, &id);
    the_queue_and_its_workers_are_shown(&client);

    let jobs = client.get("/analysis/jobs?user_id=user123").json();
    assert_eq!(ids(&jobs), [streamed, &id], "the newest first");
    assert_eq!((&jobs["next_cursor"], &jobs["jobs"][0]["llm_summary"]), (&Value::Null, &Value::Null));
    let failed = id_of(&client.post("/analyze/NOSUCH/1h", &json!({})));
    let failed = until_status(&client, &failed, "failed");
    assert!(failed["error"].as_str().unwrap().contains("no candles of NOSUCH"), "{failed}");
    assert_eq!((&failed["user_id"], &failed["image_url"]), (&json!("local"), &Value::Null));
}

fn charts_are_there_in_every_look(client: &Client, id: &str) {
    for (kind, mime, begin) in [("png", "image/png", &b"\x89PNG"[..]), ("svg", "image/svg+xml", b"<svg")] {
        for theme in ["", "?theme=light", "?theme=dark"] {
            let path = format!("/analysis/chart/{id}.{kind}{theme}");
            let chart = client.get(&path);
            assert_eq!((chart.status, chart.header("content-type")), (200, Some(mime)), "{path}");
            assert!(chart.bytes.starts_with(begin) && chart.header("cache-control").unwrap().contains("private"));
            let again = client.ask("GET", &path, &[("If-None-Match", chart.header("etag").unwrap())], None);
            assert_eq!((again.status, again.bytes.len()), (304, 0), "{path}");
        }
    }
    assert_eq!(client.get("/analysis/chart/nobody.png").code(), "not_found");
}

fn the_queue_and_its_workers_are_shown(client: &Client) {
    let stats = until("the queue is done", PATIENCE, || {
        let stats = client.get("/analysis/queue/stats").json();
        if stats["pending_jobs"] == 0 { Ok(stats) } else { Err(stats.to_string()) }
    });
    assert_eq!(
        (&stats["stream_name"], &stats["total_jobs_in_stream"]),
        (&json!("analysis_http.analysis.jobs"), &json!(2))
    );
    assert_eq!(stats["active_consumers"], 1);
    assert!(stats["timestamp"].as_f64().unwrap() > 1.7e9, "seconds: {stats}");
    let workers = until("the worker has told of its jobs", PATIENCE, || {
        let workers = client.get("/analysis/workers").json();
        let worker = &workers["workers"][0];
        let has_told = worker["analyses_processed"] == 2 && worker["status"] == "healthy";
        if has_told { Ok(workers) } else { Err(workers.to_string()) }
    });
    let of = |field: &str| workers["workers"][0][field].clone();
    assert_eq!((of("circuit_breaker_state"), of("errors_total")), (json!("closed"), json!(0)));
    assert!(of("avg_processing_time").as_f64().unwrap() > 0.0 && of("uptime").as_f64().unwrap() > 0.0);
}

#[test]
fn two_processes_know_the_same_jobs_and_whose_they_are() {
    let mill = Mill::on(Stack::shared(), "analysis_two")
        .set("analysis.jobs_waiting_max", "4")
        .variable("SIGNALMILL_API_TOKENS", TOKENS);
    let (mut first, mut second) = (mill.serve(), mill.serve());
    first.until_ready();
    second.until_ready();
    let [ann, bob, root] =
        ["ann", "bob", "root"].map(|name| Client::new(&first.api()).with_token(&format!("token-of-{name}")));
    let ann_there = Client::new(&second.api()).with_token("token-of-ann");
    store(&mill, "BTCUSDT", 300);

    // Nobody works yet: jobs wait.
    let keyed = |client: &Client, key: &str, body: &Value| {
        client.ask("POST", "/analyze/BTCUSDT/1h", &[("Idempotency-Key", key)], Some(&body.to_string()))
    };
    let wish = json!({ "timeframe": "7d" });
    let done = id_of(&keyed(&ann, "k-1", &wish));
    assert_eq!(id_of(&keyed(&ann, "k-1", &wish)), done);
    assert_eq!(id_of(&keyed(&ann_there, "k-1", &wish)), done, "at another process, too");
    let other = keyed(&ann, "k-1", &json!({ "timeframe": "8d" }));
    assert_eq!((other.status, other.code()), (409, "idempotency_mismatch".to_owned()));
    let of_bob = id_of(&keyed(&bob, "k-1", &wish));
    assert_ne!(of_bob, done, "keys are a user's own");
    let unwanted = id_of(&ann.post("/analyze/BTCUSDT/1h", &json!({ "user_id": "ann" })));

    what_is_anns_is_hers([&ann, &bob, &root], &first.api(), &done, &of_bob);

    let cancelling = ann_there.delete(&format!("/analysis/cancel/{unwanted}"));
    assert_eq!((cancelling.status, cancelling.json()["status"].as_str()), (202, Some("cancelling")));
    assert_eq!(ann.delete(&format!("/analysis/cancel/{unwanted}")).status, 202, "asking again says the same");

    let of_carl = id_of(&root.post("/analyze/BTCUSDT/1h", &json!({ "user_id": "carl", "exchange": "binance" })));
    let full = ann.post("/analyze/BTCUSDT/1h", &json!({}));
    assert_eq!((full.status, full.code()), (429, "queue_full".to_owned()));
    assert!(full.header("retry-after").is_some(), "{}", full.head);
    assert_eq!(id_of(&keyed(&ann, "k-1", &wish)), done, "what is there needs no room");

    let worker = followed_at_both(&mill, [&ann, &ann_there, &bob], &done);

    until_status(&ann, &unwanted, "cancelled");
    let cancelled = ann.delete(&format!("/analysis/cancel/{unwanted}"));
    assert_eq!((cancelled.status, cancelled.json()["status"].as_str()), (200, Some("cancelled")));
    let late = ann_there.delete(&format!("/analysis/cancel/{done}"));
    assert_eq!((late.status, late.code()), (409, "already_final".to_owned()));
    assert_eq!(until_status(&ann_there, &done, "completed")["status"], "completed", "it stays what it is");
    assert_eq!(ann_there.get(&format!("/analysis/chart/{done}.png")).status, 200);

    // What a worker has taken ends in its order: nothing is to be in front of the job that is cancelled.
    until_status(&bob, &of_bob, "completed");
    until_status(&root, &of_carl, "completed");
    cancelled_while_a_worker_is_at_it(&mill, &ann);
    pages_have_every_job_once(&mill, &ann, &root);
    worker.stop();
}

fn what_is_anns_is_hers([ann, bob, root]: [&Client; 3], address: &str, done: &str, of_bob: &str) {
    for path in ["/analysis/status/", "/analysis/stream/", "/analysis/chart/"] {
        let end = if path.contains("chart") { ".png" } else { "" };
        let foreign = bob.get(&format!("{path}{done}{end}"));
        let nobodys = bob.get(&format!("{path}{}{end}", "0".repeat(32)));
        assert_eq!((foreign.status, foreign.json()), (404, nobodys.json()), "{path}");
    }
    assert_eq!(bob.delete(&format!("/analysis/cancel/{done}")).status, 404);
    assert_eq!(bob.get(&format!("/analysis/status/{done}?user_id=ann")).status, 403);
    assert_eq!(bob.post("/analyze/BTCUSDT/1h", &json!({ "user_id": "ann" })).status, 403);
    assert_eq!(Client::new(address).get("/analysis/queue/stats").status, 401);
    assert_eq!(root.get(&format!("/analysis/status/{done}")).json()["status"], "queued");
    assert_eq!(root.get(&format!("/analysis/status/{done}?user_id=bob")).status, 404);
    assert_eq!(ids(&bob.get("/analysis/jobs").json()), [of_bob]);
    assert_eq!(ids(&root.get("/analysis/jobs").json()).len(), 3);
    assert_eq!(ann.get(&format!("/analysis/chart/{done}.svg")).status, 404, "not until it is completed");
}

/// Somebody who follows it at one process, and goes on at the other. Nobody has worked until then.
fn followed_at_both(mill: &Mill, [ann, ann_there, bob]: [&Client; 3], done: &str) -> Worker {
    let mut here = ann.stream(&format!("/analysis/stream/{done}"), None);
    let queued = here.next().unwrap();
    assert_eq!((queued.status(), queued.id.as_str()), ("queued", format!("{done}@queued").as_str()));
    let worker = mill.start_ready();
    let seen = here.next().unwrap();
    assert_eq!(seen.status(), "processing");
    drop(here);
    let path = format!("/analysis/stream/{done}");
    let rest: Vec<Event> = ann_there.stream(&path, Some(&seen.id)).collect();
    let all: Vec<Event> = ann_there.stream(&path, None).collect();
    let ids_of = |events: &[Event]| events.iter().map(|event| event.id.clone()).collect::<Vec<_>>();
    // Which of the first steps have an event of their own depends on when a process hears of them.
    let goes_on = |events: &[Event]| {
        let (ids, all) = (ids_of(events), ids_of(&all));
        let distinct: BTreeSet<_> = ids.iter().collect();
        assert!(distinct.len() == ids.len() && ids.last() == all.last(), "nothing twice, and the end: {ids:?} {all:?}");
    };
    goes_on(&rest);
    let end = all.last().unwrap();
    assert_eq!(end.status(), "completed");
    // Each process hears of it by itself.
    until_status(ann, done, "completed");
    assert_eq!(ann.stream(&path, Some(&end.id)).status, 204, "nothing comes any more");
    // Coming back to the address that queues a job goes on with that job.
    let again: Vec<Event> = ann.stream("/analyze-stream/BTCUSDT/1h", Some(&queued.id)).collect();
    goes_on(&again);
    assert_eq!(bob.stream("/analyze-stream/BTCUSDT/1h", Some(&queued.id)).status, 404);
    worker
}

/// A job whose candles take some seconds to load.
fn cancelled_while_a_worker_is_at_it(mill: &Mill, ann: &Client) {
    mill.ask("RENAME TABLE candles TO stored");
    mill.ask("CREATE VIEW candles AS SELECT * FROM stored WHERE sleep(2.5) = 0");
    let mut events = ann.stream("/analyze-stream/BTCUSDT/1h?exchange=binance", None);
    let id = events.next().unwrap().data["analysis_id"].as_str().unwrap().to_owned();
    assert_eq!(events.next().unwrap().status(), "processing");
    let asked = Instant::now();
    let ended = ann.delete(&format!("/analysis/cancel/{id}"));
    assert_eq!((ended.status, ended.json()["status"].as_str()), (200, Some("cancelled")));
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    assert_eq!(events.last().unwrap().status(), "cancelled");
    mill.ask("DROP VIEW candles");
    mill.ask("RENAME TABLE stored TO candles");
}

fn pages_have_every_job_once(mill: &Mill, ann: &Client, root: &Client) {
    mill.until_answer("SELECT count() FROM analysis_jobs_v WHERE status IN ('completed', 'cancelled')", "5", PATIENCE);
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = ann.get(&format!("/analysis/jobs?limit=1{cursor}")).json();
        seen.extend(ids(&page));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 3);
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 3);
    assert_eq!(ids(&ann.get("/analysis/jobs?status=cancelled").json()).len(), 2);
    assert_eq!(ids(&root.get("/analysis/jobs").json()).len(), 5);
}

#[test]
fn a_small_analysis_is_made_within_the_request() {
    let mill = Mill::on(Stack::shared(), "analysis_immediate").set("analysis.immediate_candles_max", "200");
    let worker = mill.start_ready();
    let client = Client::new(&worker.api());
    store(&mill, "BTCUSDT", 300);
    let made = client.post("/analyze-immediate/BTCUSDT/1h", &json!({ "user_id": "u", "timeframe": "5d" }));
    let said = made.json();
    assert_eq!((made.status, &said["status"]), (200, &json!("completed")), "{said}");
    assert_eq!((&said["analysis_data"]["candles"], &said["exchange"]), (&json!(120), &json!("binance")));
    assert!(said["llm_summary"].as_str().unwrap().len() > 50 && said["summary_by"] == "template", "{said}");
    let id = said["analysis_id"].as_str().unwrap();
    assert_eq!(client.get(&format!("/analysis/status/{id}")).json(), said);
    assert!(client.get(&format!("/analysis/chart/{id}.png?theme=dark")).bytes.starts_with(b"\x89PNG"));
    assert_eq!(client.stream(&format!("/analysis/stream/{id}"), None).last().unwrap().status(), "completed");

    let own = client.post("/analyze-immediate/MINE/1h", &json!({ "candles": candles(80) })).json();
    assert_eq!((&own["analysis_data"]["candles"], &own["exchange"]), (&json!(80), &json!("unknown")), "{own}");
    let many = client.post("/analyze-immediate/BTCUSDT/1h", &json!({}));
    assert_eq!((many.status, many.code()), (413, "too_many_candles".to_owned()));
    assert!(many.text().contains("POST /analyze/BTCUSDT/1h"), "{}", many.text());
    for (path, body, status) in [
        ("/analyze-immediate/NOSUCH/1h", json!({}), 404),
        ("/analyze-immediate/BTCUSDT/1h", json!({ "timeframe": "12h" }), 422),
        ("/analyze-immediate/MINE/1h", json!({ "candles": candles(49) }), 422),
        ("/analyze-immediate/MINE/1h", json!({ "candles": candles(201) }), 413),
    ] {
        assert_eq!(client.post(path, &body).status, status, "{path} {body}");
    }
    let key = [("Idempotency-Key", "once")];
    let body = json!({ "timeframe": "5d" }).to_string();
    let twice = [0, 1].map(|_| client.ask("POST", "/analyze-immediate/BTCUSDT/1h", &key, Some(&body)).json());
    assert_eq!(twice[0], twice[1]);
    let rows = "SELECT count(), countIf(status = 'completed' AND worker = 'api') FROM analysis_jobs_v";
    mill.until_answer(rows, "3\t3", PATIENCE);
    mill.until_answer("SELECT count() FROM analysis_charts_v", "3", PATIENCE);

    // A process that has just begun, and a job that only ClickHouse knows.
    drop(worker);
    let mut serving = mill.serve();
    serving.until_ready();
    let client = Client::new(&serving.api());
    assert_eq!(client.get(&format!("/analysis/status/{id}")).json(), said);
    let old = "f".repeat(32);
    for table in ["analysis_jobs", "analysis_charts"] {
        // The row is chosen apart: a WHERE beside the new id would mean that one.
        let row = format!("SELECT * FROM {table} WHERE analysis_id = '{id}'");
        mill.ask(&format!("INSERT INTO {table} SELECT * REPLACE('{old}' AS analysis_id) FROM ({row})"));
    }
    let found = client.get(&format!("/analysis/status/{old}")).json();
    assert_eq!(
        (&found["analysis_data"], &found["created_at"]),
        (&said["analysis_data"], &said["created_at"]),
        "{found}"
    );
    let theirs = client.get(&format!("/analysis/chart/{old}.png"));
    assert_eq!(theirs.bytes, client.get(&format!("/analysis/chart/{id}.png")).bytes);
    assert_eq!(client.get(&format!("/analysis/chart/{old}.svg?theme=dark")).status, 200);
    let events: Vec<Event> = client.stream(&format!("/analysis/stream/{old}"), None).collect();
    assert_eq!((events.len(), events[0].status()), (1, "completed"));
    assert_eq!(client.stream(&format!("/analysis/stream/{old}"), Some(&events[0].id)).status, 204);
    assert_eq!(client.delete(&format!("/analysis/cancel/{old}")).status, 409);
}
