//! Dead letters as somebody works with them: seen, shown byte for byte, sent again once what was wrong is mended, given up;
//! and the circuit that stops a hop before a whole topic becomes dead letters.

use std::process::Output;
use std::time::Duration;

use serde_json::{Value, json};
use signalmill::embedded::providers::Provider;
use signalmill::kafka::ARTICLES_BATCHES;

use crate::mill::{Mill, Worker};
use crate::paid::{mill as paid_mill, stand_ins, until_all_ended};
use crate::sessions::{assert_sound, done, until_counts};
use crate::stack::{Raw, Seen, Stack, until};
use crate::texts;

const PATIENCE: Duration = Duration::from_mins(1);
/// No text, no JSON, no Avro.
const GARBAGE: &[u8] = b"\xff\x00 no article \xfe";

fn sound(number: usize) -> Raw {
    Raw { partition: Some(0), value: Some(texts::json(number).into_bytes()), ..Raw::default() }
}

fn garbage() -> Raw {
    Raw { partition: Some(0), value: Some(GARBAGE.to_vec()), ..Raw::default() }
}

/// An article above the limit of a test, under a key and headers that are no text.
fn large() -> Raw {
    let mut article = texts::object(900);
    article["id"] = json!("large");
    article["body"] = json!(texts::text(900).1.repeat(20));
    Raw {
        partition: Some(0),
        key: Some(b"key \xff\x00".to_vec()),
        value: Some(article.to_string().into_bytes()),
        headers: vec![("source", b"feed \xff".to_vec()), ("source", b"again".to_vec())],
    }
}

fn signals(mill: &Mill, id: &str, expected: &str) {
    mill.until_answer(&format!("SELECT count() FROM signals_v WHERE source_id = '{id}'"), expected, PATIENCE);
}

/// The letters that a list shows.
fn listed(mill: &Mill, args: &[&str]) -> Vec<Value> {
    done(mill, &[&["dlq", "list"][..], args].concat()).as_array().unwrap().clone()
}

/// Waits until one open letter for this reason was sent so often.
fn until_retries(mill: &Mill, reason: &str, retries: u64) -> Value {
    until("the letter is there", PATIENCE, || {
        let open = listed(mill, &["--reason", reason]);
        match open.as_slice() {
            [letter] if letter["retries"] == retries => Ok(letter.clone()),
            other => Err(format!("{other:?}")),
        }
    })
}

fn name(letter: &Value) -> String {
    format!("{}/{}/{}", letter["topic"].as_str().unwrap(), letter["partition"], letter["offset"])
}

fn failed(mill: &Mill, args: &[&str], code: i32, says: &str) {
    let Output { status, stderr, .. } = mill.command(args, "");
    let stderr = String::from_utf8_lossy(&stderr);
    assert!(status.code() == Some(code) && stderr.contains(says), "{args:?}: {status} {stderr}");
}

fn shown_as_it_was(mill: &Mill, place: (i32, i64)) {
    let large = large();
    let [letter] = <[Value; 1]>::try_from(listed(mill, &["--reason", "too_large"])).unwrap();
    assert_eq!(name(&letter), format!("{}/{}/{}", mill.topic("articles.raw"), place.0, place.1));
    assert_eq!((&letter["stage"], &letter["state"]), (&json!("window/decode"), &json!("open")));
    assert_eq!(letter["payload_bytes"], large.value.as_ref().unwrap().len());
    assert!(letter["kept_in"].as_str().unwrap().starts_with(&mill.topic("articles.raw.dlq/")), "{letter}");
    // Without the prefix, and by its place in the topic of dead letters, it is the same one.
    let short = format!("articles.raw/{}/{}", place.0, place.1);
    for called in [short.as_str(), letter["kept_in"].as_str().unwrap()] {
        let shown = done(mill, &["dlq", "show", called]);
        assert_eq!(shown["payload"].as_str().unwrap().as_bytes(), large.value.as_deref().unwrap());
        assert_eq!(shown["headers"], json!([["source", { "base64": "ZmVlZCD/" }], ["source", "again"]]));
    }
    let raw = mill.command(&["dlq", "show", &short, "--payload-to", "-"], "");
    assert_eq!(Some(raw.stdout), large.value);
    let text = mill.command(&["dlq", "show", &short], "");
    assert!(String::from_utf8_lossy(&text.stdout).contains("header source: hex 66 65 65 64 20 ff"), "{text:?}");
    failed(mill, &["dlq", "show", "articles.raw/0/99999"], 1, "there is no dead letter");
}

#[test]
fn what_was_too_large_passes_once_the_limit_is_raised_and_poison_does_not_circle() {
    let mill = Mill::on(Stack::shared(), "dead_letters").set("kafka.worker_id", "only");
    let mill = mill.set("limits.record_bytes_max", "16 KiB");
    // What was sent again for another hop is nothing to this one.
    let for_another = Raw { headers: vec![("dlq.hop", b"sink".to_vec())], ..garbage() };
    let records = [sound(0), large(), garbage(), for_another, sound(1)];
    let places = mill.produce("articles.raw", &records);
    let worker = mill.start();
    mill.until_answer("SELECT count() FROM dead_letters_v", "2", PATIENCE);
    signals(&mill, &texts::id(1), "1");
    shown_as_it_was(&mill, places[1]);
    assert_eq!(listed(&mill, &["--topic", "articles.raw", "--since", "1h", "--stage", "window/decode"]).len(), 2);
    assert_eq!(listed(&mill, &["--until", "1h"]), Vec::<Value>::new());

    failed(&mill, &["dlq", "retry"], 2, "--all");
    let planned = done(&mill, &["dlq", "retry", "--all", "--dry-run"]);
    assert_eq!((&planned["letters"], &planned["unreadable"]), (&json!(2), &json!(2)), "{planned}");
    assert_eq!(mill.read("articles.raw").len(), records.len(), "nothing was sent");

    // A command that was killed before it knew of the arrival.
    mill.ask(
        "INSERT INTO dead_letter_actions (topic, partition, offset, reason, letter_at, action, retries, version) \
         SELECT topic, partition, offset, reason, at, 'sending', 0, 1 FROM dead_letters_v WHERE reason = 'too_large'",
    );
    assert_eq!(listed(&mill, &["--state", "sending"]).len(), 1);
    worker.kill();
    let mill = mill.set("limits.record_bytes_max", "1 MiB");
    let sent = done(&mill, &["dlq", "retry", "--reason", "too_large"]);
    assert_eq!(sent["topics"], json!({ "articles.raw": 1 }), "{sent}");
    assert_eq!((&sent["interrupted"], &sent["unreadable"]), (&json!(1), &json!(0)), "{sent}");
    let _worker = mill.start();
    signals(&mill, "large", "1");
    mill.until_landed(&[ARTICLES_BATCHES]);
    assert_eq!(mill.ask("SELECT count() FROM articles_v WHERE article_id = 'large'"), "1");
    let is_again = |seen: &Seen| seen.headers.iter().any(|(name, _)| name == "dlq.retries");
    let again = mill.read("articles.raw").into_iter().find(is_again).unwrap();
    assert_eq!((again.key.as_ref(), again.value.as_ref()), (large().key.as_ref(), large().value.as_ref()));
    let headers: Vec<(&str, &[u8])> =
        again.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
    assert_eq!(headers, [("source", &b"feed \xff"[..]), ("source", b"again"), ("dlq.retries", b"1")]);
    let [retried] = <[Value; 1]>::try_from(listed(&mill, &["--state", "retried"])).unwrap();
    assert_eq!((&retried["reason"], &retried["retries"]), (&json!("too_large"), &json!(1)));
    assert_eq!(done(&mill, &["dlq", "retry", "--reason", "too_large"])["letters"], 0, "it is sent once");

    poison(&mill);
}

/// What dies again keeps count, is passed over after three times, and can be put aside.
fn poison(mill: &Mill) {
    for retries in 0..3 {
        until_retries(mill, "malformed", retries);
        assert_eq!(done(mill, &["dlq", "retry", "--reason", "malformed"])["letters"], 1);
    }
    let letter = until_retries(mill, "malformed", 3);
    let passed = done(mill, &["dlq", "retry", "--all"]);
    assert_eq!((&passed["letters"], &passed["passed_over"]), (&json!(0), &json!({ "retries": 1 })), "{passed}");
    assert_eq!(done(mill, &["dlq", "retry", &name(&letter)])["letters"], 1, "but not where it is named");
    until_retries(mill, "malformed", 4);
    assert_eq!(mill.read("articles.raw.dlq").iter().filter(|seen| seen.value.as_deref() == Some(GARBAGE)).count(), 5);

    assert_eq!(done(mill, &["dlq", "drop", "--all", "--dry-run"])["letters"], 1);
    assert_eq!(done(mill, &["dlq", "drop", "--all"])["letters"], 1);
    assert_eq!(listed(mill, &[]), Vec::<Value>::new());
    assert_eq!(listed(mill, &["--state", "dropped"])[0]["retries"], 4);
    assert_eq!(listed(mill, &["--state", "all"]).len(), 6, "nothing is deleted");
    let plain = mill.command(&["dlq", "list", "--state", "dropped"], "");
    assert!(String::from_utf8_lossy(&plain.stdout).contains("malformed"), "{plain:?}");
}

#[test]
fn an_article_that_failed_for_good_is_one_article_of_its_session_however_often_it_is_sent() {
    let stand_ins = stand_ins(21);
    stand_ins.set(Provider::Gemini, |knobs| knobs.blocked = 1.0);
    let mill = paid_mill("dead_letters_paid", &stand_ins, "1");
    let _worker = mill.start_ready();
    mill.feed(5, Duration::ZERO).join().unwrap();
    assert_eq!(until_all_ended(&mill, 5), [0, 5, 0]);
    mill.until_answer("SELECT count(), any(reason) FROM dead_letters_v", "5\tfailed", PATIENCE);
    stand_ins.set(Provider::Gemini, |knobs| knobs.blocked = 0.0);

    let planned = done(&mill, &["dlq", "retry", "--all", "--dry-run"]);
    assert_eq!(planned["topics"], json!({ "articles.batches": 5 }), "{planned}");
    let worst = planned["usd_worst"].as_f64().unwrap();
    assert!(worst > 0.0 && planned["usd_p50"].as_f64().unwrap() <= worst, "{planned}");
    let nothing = done(&mill, &["dlq", "retry", "--all", "--max-usd", "0.000001"]);
    assert_eq!((&nothing["letters"], &nothing["passed_over"]), (&json!(0), &json!({ "max_usd": 5 })), "{nothing}");
    let half = done(&mill, &["dlq", "retry", "--all", "--max-usd", &format!("{:.9}", worst * 0.5)]);
    let first = half["letters"].as_u64().unwrap();
    assert!((1..5).contains(&first) && half["usd_worst"].as_f64().unwrap() <= worst * 0.5, "{half}");
    assert_eq!(done(&mill, &["dlq", "retry", "--all"])["letters"], 5 - first);
    until_counts(&mill, [5, 0, 0]);
    assert_sound(&mill, &stand_ins, 5, "1");
    let records = "SELECT attempt, status, count() FROM batch_processing_records_v GROUP BY 1, 2 ORDER BY 1";
    assert_eq!(mill.ask(records), "1\tfailed\t5\n2\tanalyzed\t5");

    // Whatever is asked for again, nothing is analysed or paid twice.
    let bill = stand_ins.bill().total();
    let settled = done(&mill, &["dlq", "retry", "--all", "--state", "retried"]);
    assert_eq!((&settled["letters"], &settled["passed_over"]), (&json!(0), &json!({ "analyzed": 5 })), "{settled}");
    send_as_it_was(&mill);
    done(&mill, &["sessions", "recover", "autumn"]);
    mill.feed_range(5..10, Duration::ZERO).join().unwrap();
    until_counts(&mill, [10, 0, 0]);
    assert_sound(&mill, &stand_ins, 10, "1");
    assert_eq!(mill.ask("SELECT articles_total FROM batch_processing_sessions_v"), "10");
    let paid_once = "SELECT max(calls) FROM (SELECT countIf(outcome = 'settled' AND operation != 'search' AND cost_usd > 0) \
                     AS calls FROM spend_v WHERE outcome != 'void' GROUP BY article_id)";
    assert!(stand_ins.bill().total() > bill);
    assert!(mill.ask(paid_once).parse::<u32>().unwrap() <= 2, "what was blocked, and what was read");
}

/// Sends all letters of failed articles past the look whether they were analysed: as if that had not been known yet.
fn send_as_it_was(mill: &Mill) {
    let letters = mill.read("articles.batches.dlq");
    assert_eq!(letters.len(), 5);
    let raw = |letter: Seen| Raw {
        key: letter.key,
        value: letter.value,
        headers: vec![
            ("dlq.retries", b"2".to_vec()),
            ("dlq.hop", b"enrich/articles".to_vec()),
            ("dlq.attempts", b"2".to_vec()),
            ("dlq.spent_usd", b"0.00".to_vec()),
        ],
        ..Raw::default()
    };
    mill.produce("articles.batches", &letters.into_iter().map(raw).collect::<Vec<_>>());
    let again =
        "SELECT count() FROM batch_processing_records_v WHERE attempt = 3 AND status = 'analyzed' AND cost_usd = 0";
    mill.until_answer(again, "5", PATIENCE);
}

/// What `/health` says of the articles' window.
fn health(worker: &mut Worker) -> String {
    let (_, page) = worker.page("/health").unwrap_or_default();
    page
}

#[test]
fn a_topic_of_garbage_stops_the_hop_and_goes_on_when_somebody_says_so() {
    let mill = Mill::on(Stack::shared(), "dead_letters_circuit")
        .set("kafka.worker_id", "only")
        .set("dead_letters.consecutive_max", "20")
        .set("dead_letters.pause", "300ms");
    let records: Vec<Raw> = (0..5).map(sound).chain((0..300).map(|_| garbage())).chain((5..10).map(sound)).collect();
    mill.produce("articles.raw", &records);
    let mut worker = mill.start();
    signals(&mill, &texts::id(4), "1");
    let open = "signalmill_dead_letter_circuit_open{hop=\"window/articles\"}";
    until("the circuit opens", PATIENCE, || match worker.try_metric(open) {
        Ok(state) if state > 0.5 => Ok(()),
        other => Err(format!("{other:?}")),
    });
    until("health says why", PATIENCE, || {
        let page = health(&mut worker);
        let says = page.contains("more than 20 in a row") && page.contains("dead_letters.consecutive_max");
        if says { Ok(()) } else { Err(page) }
    });
    let stops = |worker: &Worker| worker.log().matches("hop stopped before it made too many dead letters").count();
    until("it is tried again and again", PATIENCE, || if stops(&worker) >= 3 { Ok(()) } else { Err(worker.log()) });
    assert!(mill.read("articles.raw.dlq").len() <= 20, "{}", mill.read("articles.raw.dlq").len());
    assert_eq!(mill.ask(&format!("SELECT count() FROM signals_v WHERE source_id = '{}'", texts::id(9))), "0");
    worker.kill();

    let mill = mill.set("dead_letters.consecutive_max", "0").set("dead_letters.ratio_max", "1");
    let mut worker = mill.start();
    signals(&mill, &texts::id(9), "1");
    mill.until_answer("SELECT count() FROM dead_letters_v", "300", PATIENCE);
    assert!(worker.metric(open) < 0.5);
}
