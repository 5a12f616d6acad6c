//! The commands as a user runs them: output, reports and exit codes.

use std::process::Output;
use std::time::Duration;

use serde_json::Value;
use signalmill::config;
use signalmill::kafka::{ARTICLES_BATCHES, SPEND_LEDGER, TOPICS, ensure};

use crate::audit::audit;
use crate::mill::Mill;
use crate::stack::{Raw, Stack, until};
use crate::texts;

const PATIENCE: Duration = Duration::from_secs(30);

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Everything that a user sees.
fn said(output: &Output) -> String {
    out(output) + &String::from_utf8_lossy(&output.stderr)
}

fn json(output: &Output) -> Value {
    assert_eq!(code(output), 0, "{}", said(output));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(output)))
}

#[test]
fn check_and_migrate_say_what_is_missing_and_make_it() {
    let mill = Mill::on(Stack::shared(), "commands_check");
    let before = mill.command(&["check"], "");
    assert_eq!(code(&before), 1, "{}", said(&before));
    assert!(out(&before).contains("failed"), "{}", said(&before));

    let applied = json(&mill.command(&["migrate", "--json"], ""));
    assert!(applied.as_array().unwrap().len() >= 3, "{applied}");
    let again = mill.command(&["migrate"], "");
    assert_eq!((code(&again), out(&again).contains("up to date")), (0, true), "{}", said(&again));

    let findings = json(&mill.command(&["check", "--json"], ""));
    let findings = findings.as_array().unwrap();
    assert!(findings.iter().all(|finding| finding["ok"] == true), "{findings:?}");
    assert!(findings.iter().filter(|finding| finding["subject"] == "topic").count() >= 4);

    let elsewhere = mill.set("kafka.topic_prefix", "nothing_here.");
    let missing = elsewhere.command(&["check"], "");
    assert_eq!(code(&missing), 1);
    assert!(said(&missing).contains("nothing_here.articles.raw"), "{}", said(&missing));
    let refused = elsewhere.command(&["run", "--no-create"], "");
    assert_eq!(code(&refused), 1);
    assert!(said(&refused).contains("topic nothing_here.articles.raw is missing"), "{}", said(&refused));
    for wrong in [&["run", "--nonsense"][..], &["run", "--stages", "nonsense"], &[], &["nonsense"]] {
        assert_eq!(code(&elsewhere.command(wrong, "")), 2, "{wrong:?}");
    }
    let unknown = elsewhere.set("kafka.broker", "x").command(&["check"], "");
    assert_eq!(code(&unknown), 2);
    assert!(said(&unknown).contains("SIGNALMILL__KAFKA__BROKERS"), "the nearest key is named: {}", said(&unknown));
}

#[test]
fn files_of_every_form_are_ingested_and_bad_lines_reported() {
    let mill = Mill::on(Stack::shared(), "commands_ingest");
    let lines = format!("{}\nno article\n{}\n{{\"id\":\"x\"}}\n", texts::json(0), texts::json(1));
    mill.file("articles.jsonl", &lines);
    let (title, body) = texts::text(2);
    mill.file("articles.csv", &format!("id;title;body;publisher\n{};{title};\"{body}\";CoinDesk\n", texts::id(2)));
    let (title, body) = texts::text(3);
    let item =
        format!("<item><guid>{}</guid><title>{title}</title><description>{body}</description></item>", texts::id(3));
    mill.file(
        "feed.xml",
        &format!("<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>T</title>{item}</channel></rss>"),
    );
    let done = mill.command(&["ingest", "articles", "articles.jsonl", "articles.csv", "feed.xml"], "");
    assert_eq!(code(&done), 0, "{}", said(&done));
    assert!(out(&done).contains("4 articles sent, 2 lines were no article"), "{}", said(&done));
    for line in ["articles.jsonl:2: ", "articles.jsonl:4: "] {
        assert!(said(&done).contains(line), "{line}: {}", said(&done));
    }
    let strict = mill.command(&["ingest", "articles", "--strict", "-"], "{\"id\":\"x\"}\n");
    assert_eq!(code(&strict), 1, "{}", said(&strict));
    assert!(said(&strict).contains("-:1: "), "{}", said(&strict));
    let piped = json(&mill.command(&["ingest", "articles", "-", "--json"], &texts::json(4)));
    assert_eq!((&piped["sent"], &piped["bad"]), (&1.into(), &Value::Array(Vec::new())));
    let absent = mill.command(&["ingest", "articles", "absent.jsonl"], "");
    assert_eq!(code(&absent), 1);
    assert!(said(&absent).contains("absent.jsonl"), "{}", said(&absent));
    assert_eq!(code(&mill.command(&["ingest", "articles"], "")), 2);

    let _worker = mill.start();
    audit(&mill, 5);
}

#[test]
fn tap_and_sessions_show_what_went_through() {
    let mill = Mill::on(Stack::shared(), "commands_tap").set("articles.session", "spring");
    let _worker = mill.start_ready();
    let raw = |number| Raw { value: Some(texts::json(number).into_bytes()), ..Raw::default() };
    mill.produce("articles.raw", &(0..12).map(raw).collect::<Vec<_>>());
    mill.until_answer("SELECT count() FROM signals_v", "12", PATIENCE);

    let tapped = mill.command(&["tap", "signals", "--from", "earliest", "--limit", "12", "--json"], "");
    let signals: Vec<Value> = out(&tapped).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((code(&tapped), signals.len()), (0, 12), "{}", said(&tapped));
    assert!(signals.iter().all(|signal| signal["headers"]["run_id"] == "live"), "{signals:?}");
    let filter = format!("article_id={}", texts::id(7));
    let one = ["tap", "articles.analyses", "--from", "earliest", "--limit", "1", "--json", "--filter", &filter];
    assert_eq!(json(&mill.command(&one, ""))["value"]["article_id"], texts::id(7));
    let absent = mill.command(&["tap", "absent"], "");
    assert_eq!(code(&absent), 1);
    assert!(said(&absent).contains("commands_tap.absent"), "{}", said(&absent));

    mill.until_answer("SELECT status FROM batch_processing_sessions_v", "completed", PATIENCE);
    let session = json(&mill.command(&["sessions", "show", "spring", "--json"], ""));
    for (column, expected) in [
        ("session_id", Value::from("spring")),
        ("status", "completed".into()),
        ("articles_total", 12.into()),
        ("articles_analyzed", 12.into()),
        ("articles_failed", 0.into()),
        ("articles_deferred", 0.into()),
        ("budget_usd", 0.3.into()),
        ("spent_usd", 0.0.into()),
    ] {
        assert_eq!(session[column], expected, "{column} of {session}");
    }
    assert_eq!(json(&mill.command(&["sessions", "show", "--json"], "")).as_array().unwrap().len(), 1);
    assert!(out(&mill.command(&["sessions", "show"], "")).contains("spring"));
    let absent = mill.command(&["sessions", "show", "absent"], "");
    assert_eq!(code(&absent), 1);
    assert!(said(&absent).contains("no session absent"), "{}", said(&absent));
}

#[test]
fn a_ledger_with_other_partitions_than_its_owner_is_refused() {
    // Somebody has made these two; the others are made by the program, the one of the same owner like its owner.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for (name, partitions) in [(SPEND_LEDGER, 2), (ARTICLES_BATCHES, 3)] {
        let kafka = config::Kafka {
            brokers: Stack::shared().brokers.clone(),
            topic_prefix: "commands_owner.".to_owned(),
            partitions,
            ..config::Kafka::default()
        };
        let topic: Vec<_> = TOPICS.iter().filter(|topic| topic.name == name).copied().collect();
        runtime.block_on(ensure(&kafka, &topic, true)).unwrap();
    }
    let mill = Mill::on(Stack::shared(), "commands_owner");
    assert_eq!(code(&mill.command(&["migrate"], "")), 0);
    let checked = mill.command(&["check", "--json"], "");
    assert_eq!(code(&checked), 1, "{}", said(&checked));
    let findings: Vec<Value> = serde_json::from_slice(&checked.stdout).unwrap();
    let failed: Vec<&Value> = findings.iter().filter(|finding| finding["ok"] == false).collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!(failed[0]["name"], "commands_owner.spend.ledger");
    let detail = failed[0]["detail"].as_str().unwrap();
    assert!(detail.contains("--topic commands_owner.spend.ledger --partitions 3"), "{detail}");

    let mill = mill.set("llm.provider", "gemini").variable("GEMINI_API_KEY", "no-key-4Rt");
    let mut worker = mill.start();
    until("the paid stage refuses to start", PATIENCE, || match worker.page("/health")? {
        (_, body) if body.contains("topic commands_owner.spend.ledger: it has 2 partitions") => Ok(()),
        (_, body) => Err(body),
    });
    assert_eq!(worker.page("/ready").unwrap().0, 503);
}
