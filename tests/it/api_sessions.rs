//! Sessions that the API starts, on the real services, against stand-ins that bill.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use signalmill::embedded::providers::StandIns;
use signalmill::model::NanoUsd;

use crate::mill::{Mill, Worker};
use crate::paid::{PAID, mill, stand_ins};
use crate::stack::until;
use crate::texts;

const PATIENCE: Duration = Duration::from_mins(2);
const ARTICLES: usize = 80;

/// Articles that came in and that nobody has analysed, as if their batches had been lost.
fn unread(mill: &Mill, count: usize) {
    let rows: Vec<String> = (0..count)
        .map(|number| {
            let (title, text) = texts::text(number);
            let publisher = if number % 10 == 0 { "NewsBTC" } else { "Other" };
            format!(
                "('live', '{}', '{title}', '{text}', '{publisher}', 'https://example.org/{number}', \
                 '2026-11-22 00:00:00', '2026-11-22 00:00:00', 'en', {}, '{number:032x}', '', 'articles.raw/0/{number}', 1)",
                texts::id(number),
                text.chars().count()
            )
        })
        .collect();
    let columns = "run_id, article_id, title, text, publisher, url, published_at, received_at, language, text_chars, \
                   content_hash, screen, origin, version";
    let types = columns.replace(',', " String,").replace("text_chars String", "text_chars UInt32");
    mill.ask(&format!("INSERT INTO articles ({columns}) SELECT * FROM values('{types} Int64', {})", rows.join(", ")));
}

/// Where the API listens.
fn address(worker: &Worker) -> String {
    until("the API listens", PATIENCE, || {
        let log = worker.log();
        let rest =
            log.split_once("address=").map(|(_, rest)| rest.split_whitespace().next().unwrap_or_default().to_owned());
        rest.ok_or(log)
    })
}

fn send(address: &str, method: &str, path: &str, headers: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
    .unwrap();
    stream
}

/// Status and JSON.
fn ask(address: &str, method: &str, path: &str, headers: &str, body: &str) -> (u16, Value) {
    let mut answer = String::new();
    send(address, method, path, headers, body).read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    (status, serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}")))
}

fn start(address: &str, wish: &Value) -> Value {
    let (status, accepted) = ask(address, "POST", "/api/sessions", "", &wish.to_string());
    assert_eq!((status, &accepted["status"], &accepted["dry_run"]), (202, &"open".into(), &false.into()), "{accepted}");
    accepted
}

/// What a session spent and may have spent, in nano-dollars; how many of its articles ended how.
fn standing(mill: &Mill, session_id: &str) -> (u64, [usize; 3]) {
    let counted = "toInt64((spent_usd + in_doubt_usd + reserved_usd) * 1000000000)";
    let sql = format!(
        "SELECT {counted}, articles_analyzed, articles_failed, articles_deferred FROM batch_processing_sessions_v \
         WHERE session_id = '{session_id}'"
    );
    let answer = mill.ask(&sql);
    let cells: Vec<u64> = answer.split('\t').map(|cell| cell.parse().unwrap_or(0)).collect();
    let [counted, analyzed, failed, deferred] = cells[..] else { return (0, [0; 3]) };
    (counted, [analyzed, failed, deferred].map(|count| usize::try_from(count).unwrap()))
}

/// How a session stands once every article of it has ended, and all tables say so.
fn until_ended(mill: &Mill, session_id: &str, count: usize) -> (u64, [usize; 3]) {
    until("every article of the session has ended", PATIENCE, || {
        let (_, ended) = standing(mill, session_id);
        if ended.iter().sum::<usize>() == count { Ok(()) } else { Err(format!("{ended:?}")) }
    });
    mill.until_landed(PAID);
    standing(mill, session_id)
}

/// The first events of a stream.
fn events(address: &str, count: usize) -> Vec<Value> {
    let stream = send(address, "GET", "/api/sessions/events", "", "");
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    let data =
        lines.filter_map(|line| line.strip_prefix("data:").map(|data| serde_json::from_str(data.trim()).unwrap()));
    data.take(count).collect()
}

/// An installation whose articles nobody has read.
fn waiting(name: &str, stand_ins: &StandIns) -> (Mill, Worker, String) {
    let mill = mill(name, stand_ins, "1").set("articles.ready_chars", "1000").set("api.listen", "127.0.0.1:0");
    let worker = mill.start_ready();
    unread(&mill, ARTICLES);
    let address = address(&worker);
    (mill, worker, address)
}

#[test]
fn a_session_keeps_a_limit_of_its_own_through_a_crash_and_what_is_left_waits_for_another() {
    let stand_ins = stand_ins(21);
    let (mill, worker, api) = waiting("api_sessions_own", &stand_ins);

    let wish = json!({ "limit": 100, "budget_usd": 0.01 });
    let (status, dry) = ask(&api, "POST", "/api/sessions?dry_run=true", "", &wish.to_string());
    assert_eq!(
        (status, &dry["dry_run"], &dry["articles"], &dry["batches"]),
        (200, &true.into(), &80.into(), &8.into()),
        "{dry}"
    );
    let estimate = |name: &str| dry["estimate"][name].as_f64().unwrap();
    assert!(estimate("usd_p50") > 0.01 && estimate("usd_worst") > estimate("usd_p50"), "{dry}");
    assert!((1.0..80.0).contains(&estimate("articles_affordable")) && dry.get("session_id").is_none(), "{dry}");
    assert_eq!(mill.ask("SELECT count() FROM batch_processing_sessions"), "0", "nothing was done");

    let started = start(&api, &wish);
    let poor = started["session_id"].as_str().unwrap().to_owned();
    assert!(poor.starts_with("api-") && poor.ends_with("-0.01usd"), "{poor}");
    // Known at once, before anything is stored; and its articles are ready no more.
    let (status, known) = ask(&api, "GET", started["check_status_url"].as_str().unwrap(), "", "");
    assert!(known["session"]["articles_total"].as_u64().unwrap() <= 80, "{known}");
    assert_eq!((status, &known["session"]["budget_usd"]), (200, &0.01.into()), "{known}");
    let (status, none) = ask(&api, "POST", "/api/sessions?dry_run=true", "", "{}");
    assert_eq!((status, &none["error"]["code"]), (409, &"nothing_ready".into()), "{none}");
    // Killed with calls under way, and with answers that are paid for.
    let settled = "SELECT count() > 0 FROM spend_v WHERE outcome = 'settled'";
    mill.until_answer(settled, "1", PATIENCE);
    worker.kill();
    let worker = mill.start_ready();
    let api = address(&worker);

    let (spent, ended) = until_ended(&mill, &poor, ARTICLES);
    assert!(spent <= 10_000_000 && ended[0] > 0 && ended[1] == 0 && ended[2] > 0, "{spent} {ended:?}");
    let shown = ask(&api, "GET", &format!("/api/sessions/{poor}"), "", "").1;
    assert_eq!((&shown["session"]["status"], &shown["session"]["budget_usd"]), (&"exhausted".into(), &0.01.into()));
    assert_eq!(events(&api, 1)[0]["session_id"], poor);

    // What is left over is ready for whoever pays, and the session of the configuration does not.
    let left = ended[2];
    let ready = until("what is left over is ready", PATIENCE, || {
        let ready = ask(&api, "GET", "/api/articles/analysis-ready?limit=1", "", "").1;
        if ready["total"] == left { Ok(ready) } else { Err(ready.to_string()) }
    });
    assert_eq!(ready["articles"].as_array().unwrap().len(), 1);
    let rich = start(&api, &json!({ "budget_usd": 0.9 }))["session_id"].as_str().unwrap().to_owned();
    assert_eq!(until_ended(&mill, &rich, left).1, [left, 0, 0]);
    assert_eq!(mill.ask("SELECT count(), uniqExact(article_id) FROM article_analyses_v"), "80\t80");
    assert!(standing(&mill, &poor).0 <= 10_000_000);
    let payers = mill.ask("SELECT DISTINCT session_id FROM spend_v ORDER BY session_id");
    assert_eq!(payers.lines().collect::<Vec<_>>().len(), 2, "{payers}");
    let bill = stand_ins.bill().total();
    assert!(bill.0 <= standing(&mill, &poor).0 + standing(&mill, &rich).0, "{bill}");

    let (status, told) = ask(&api, "POST", &format!("/api/sessions/{poor}/cancel"), "", "");
    assert_eq!((status, &told["command"]), (202, &"cancel".into()));
    until("what waited is let go", PATIENCE, || {
        let ended = standing(&mill, &poor).1;
        if ended[2] == 0 { Ok(()) } else { Err(format!("{ended:?}")) }
    });
    let status = format!("SELECT status FROM batch_processing_sessions_v WHERE session_id = '{poor}'");
    mill.until_answer(&status, "cancelled", PATIENCE);
    assert_eq!(stand_ins.bill().total(), bill, "nothing more was bought");
    let (status, told) = ask(&api, "POST", &format!("/api/sessions/{poor}/recover"), "", "");
    assert_eq!((status, &told["command"]), (202, &"recover".into()));
    for command in ["cancel", "recover"] {
        assert_eq!(ask(&api, "POST", &format!("/api/sessions/none/{command}"), "", "").0, 404);
    }
}

#[test]
fn the_same_wish_starts_one_session_and_what_cannot_be_met_is_refused() {
    let stand_ins = stand_ins(22);
    let (mill, worker, api) = waiting("api_sessions_wishes", &stand_ins);
    for (wish, expected, code) in [
        ("{\"limit\":9}", 400, "invalid_request"),
        ("{\"limit\":1001}", 400, "invalid_request"),
        ("{\"limits\":10}", 400, "invalid_request"),
        ("{\"budget_usd\":1.000000001}", 409, "budget_above_limit"),
        ("{\"budget_usd\":0}", 409, "budget_above_limit"),
        ("{\"budget_usd\":-1}", 409, "budget_above_limit"),
        ("{\"budget_usd\":\"1\"}", 400, "invalid_request"),
        ("{\"publisher\":\"Nobody' OR 1=1\"}", 409, "nothing_ready"),
        ("{\"min_chars\":1000000}", 409, "nothing_ready"),
        ("[]", 400, "invalid_request"),
        ("", 400, "invalid_request"),
    ] {
        let (status, problem) = ask(&api, "POST", "/api/sessions", "", wish);
        assert_eq!((status, &problem["error"]["code"]), (expected, &code.into()), "{wish} {problem}");
    }
    let odd = ask(&api, "POST", "/api/sessions", "Idempotency-Key: \r\n", "{}");
    assert_eq!(odd.0, 400, "{}", odd.1);

    let key = "Idempotency-Key: monday-1\r\n";
    let wish = "{\"limit\":20,\"budget_usd\":0.5}";
    let (status, first) = ask(&api, "POST", "/api/sessions", key, wish);
    assert_eq!((status, &first["articles"]), (202, &20.into()), "{first}");
    assert_eq!(ask(&api, "POST", "/api/sessions", key, wish), (202, first.clone()));
    let (status, other) = ask(&api, "POST", "/api/sessions", key, "{\"limit\":30}");
    assert_eq!((status, &other["error"]["code"]), (409, &"key_reused".into()), "{other}");
    let session_id = first["session_id"].as_str().unwrap().to_owned();
    assert_eq!(until_ended(&mill, &session_id, 20).1, [20, 0, 0]);
    // Publishers that come first did.
    let first_eight = "SELECT countIf(publisher = 'NewsBTC') FROM articles_v WHERE article_id IN (SELECT article_id FROM article_analyses_v)";
    assert_eq!(mill.ask(first_eight), "8");

    // Another process knows of it by its name.
    worker.kill();
    let worker = mill.start_ready();
    let api = address(&worker);
    let (status, again) = ask(&api, "POST", "/api/sessions", key, wish);
    assert_eq!((status, &again["session_id"], &again["articles"]), (202, &session_id.into(), &20.into()), "{again}");
    for wish in [
        "{\"limit\":20,\"budget_usd\":0.4}",
        "{\"limit\":30,\"budget_usd\":0.5}",
        "{\"limit\":20,\"budget_usd\":0.5,\"publisher\":\"NewsBTC\"}",
        "{\"limit\":20,\"budget_usd\":0.5,\"min_chars\":1001}",
    ] {
        let (status, other) = ask(&api, "POST", "/api/sessions", key, wish);
        assert_eq!((status, &other["error"]["code"]), (409, &"key_reused".into()), "{wish} {other}");
    }
    let limit: NanoUsd = "0.5".parse().unwrap();
    assert!(stand_ins.bill().total() <= limit);
    assert_eq!(mill.ask("SELECT count() FROM batch_processing_sessions_v"), "1");
}
