//! Sessions that somebody recovers or cancels, against stand-ins that bill.

use std::process::Output;
use std::time::Duration;

use serde_json::Value;
use signalmill::embedded::providers::{Provider, StandIns};
use signalmill::model::{ArticleBatch, NanoUsd};

use crate::mill::Mill;
use crate::paid::{PAID, counted, mill, stand_ins, until_all_ended};
use crate::stack::Stack;

/// Time for the last article to come through.
const PATIENCE: Duration = Duration::from_mins(1);

/// A command that must succeed, and its result.
pub fn done(mill: &Mill, args: &[&str]) -> Value {
    let Output { status, stdout, stderr } = mill.command(&[args, &["--json"]].concat(), "");
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{args:?}: {status} {stdout} {stderr}");
    serde_json::from_str(stdout.lines().last().unwrap()).unwrap()
}

/// Waits until so many articles are analysed, failed and deferred. All tables say by then what was paid for these.
pub fn until_counts(mill: &Mill, counts: [usize; 3]) {
    let sql = "SELECT articles_analyzed, articles_failed, articles_deferred FROM batch_processing_sessions_v";
    mill.until_answer(sql, &counts.map(|count| count.to_string()).join("\t"), PATIENCE);
    mill.until_landed(PAID);
}

/// What nobody may change: one row an article, and our books are the provider's.
pub fn assert_sound(mill: &Mill, stand_ins: &StandIns, analyzed: usize, limit: &str) {
    let rows = "SELECT count(), uniqExact(article_id) FROM article_analyses_v";
    assert_eq!(mill.ask(rows), format!("{analyzed}\t{analyzed}"));
    let (spent, in_doubt) = counted(mill);
    let limit: NanoUsd = limit.parse().unwrap();
    assert!(spent + in_doubt >= stand_ins.bill().total().0 && spent + in_doubt <= limit.0, "{spent} {in_doubt}");
}

#[test]
fn what_failed_for_good_is_analysed_once_somebody_asks() {
    let stand_ins = stand_ins(11);
    stand_ins.set(Provider::Gemini, |knobs| knobs.blocked = 1.0);
    let mill = mill("sessions_recover", &stand_ins, "1");
    let worker = mill.start_ready();
    mill.feed(30, Duration::ZERO).join().unwrap();
    assert_eq!(until_all_ended(&mill, 30), [0, 30, 0]);
    mill.until_answer("SELECT count(), any(reason) FROM dead_letters_v", "30\tfailed", PATIENCE);

    let unknown = mill.command(&["sessions", "recover", "winter"], "");
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("there is no session winter"), "{unknown:?}");

    stand_ins.set(Provider::Gemini, |knobs| knobs.blocked = 0.0);
    // Whoever owns the account by then takes it in.
    worker.kill();
    let asked = done(&mill, &["sessions", "recover", "autumn"]);
    assert_eq!((&asked["command"], &asked["accounts"][0]), (&"recover".into(), &"articles".into()));
    assert_eq!(asked["articles_failed"], 30);
    let _worker = mill.start_ready();
    until_counts(&mill, [30, 0, 0]);
    assert_sound(&mill, &stand_ins, 30, "1");
    assert_eq!(mill.ask("SELECT session_id, event FROM session_events_v"), "autumn\tresumed");
    let records = "SELECT attempt, status, count() FROM batch_processing_records_v GROUP BY 1, 2 ORDER BY 1";
    assert_eq!(mill.ask(records), "1\tfailed\t30\n2\tanalyzed\t30", "the audit trail keeps the failure");

    let shown = done(&mill, &["sessions", "show", "--watch"]);
    assert_eq!((&shown["session_id"], &shown["articles_analyzed"]), (&"autumn".into(), &30.into()));
    let plain = mill.command(&["sessions", "show", "autumn", "--watch"], "");
    let said = String::from_utf8_lossy(&plain.stderr);
    assert!(said.contains("completed: 30 analysed, 0 failed, 0 deferred of 30"), "{said}");
}

#[test]
fn a_cancelled_session_buys_nothing_more_across_a_restart() {
    let stand_ins = stand_ins(12);
    let poor = mill("sessions_cancel", &stand_ins, "0.01");
    let worker = poor.start_ready();
    poor.feed(80, Duration::ZERO).join().unwrap();
    let [analyzed, failed, deferred] = until_all_ended(&poor, 80);
    assert!(analyzed > 0 && failed == 0 && deferred > 0, "{analyzed} {failed} {deferred}");
    let asked = done(&poor, &["sessions", "cancel", "autumn"]);
    assert_eq!(asked["articles_deferred"], deferred);
    until_counts(&poor, [analyzed, deferred, 0]);
    assert_eq!(poor.ask("SELECT status FROM batch_processing_sessions_v"), "cancelled");
    let errors = "SELECT error, count() FROM batch_processing_records_v WHERE status = 'failed' GROUP BY 1";
    assert_eq!(poor.ask(errors), format!("session cancelled\t{deferred}"));
    let bill = stand_ins.bill().total();
    worker.kill();

    // With money enough, nothing of it is taken up, and what comes later is not bought.
    let rich = poor.set("budget.session_usd", "1");
    let worker = rich.start_ready();
    rich.feed_range(80..100, Duration::ZERO).join().unwrap();
    until_counts(&rich, [analyzed, deferred + 20, 0]);
    assert_eq!(stand_ins.bill().total(), bill);
    assert_eq!(rich.ask("SELECT count() FROM dead_letters_v"), "0");
    let shown = done(&rich, &["sessions", "show", "autumn", "--watch"]);
    assert_eq!(shown["status"], "cancelled");
    worker.kill();

    // Taken back: what comes now is analysed; what was let go stays so.
    let _worker = rich.start_ready();
    done(&rich, &["sessions", "recover", "autumn"]);
    rich.until_answer("SELECT status FROM batch_processing_sessions_v", "completed", PATIENCE);
    rich.feed_range(100..110, Duration::ZERO).join().unwrap();
    until_counts(&rich, [analyzed + 10, deferred + 20, 0]);
    assert_sound(&rich, &stand_ins, analyzed + 10, "1");
    let commands = rich.decoded::<ArticleBatch>();
    assert_eq!(commands.iter().filter(|(_, batch)| batch.articles.is_empty()).count(), 2);
}

#[test]
fn where_nothing_is_bought_a_command_is_noted_and_passed_over() {
    let mill = Mill::on(Stack::shared(), "sessions_free").set("articles.session", "autumn");
    let mut worker = mill.start_ready();
    mill.feed(10, Duration::ZERO).join().unwrap();
    assert_eq!(until_all_ended(&mill, 10), [10, 0, 0]);
    done(&mill, &["sessions", "cancel", "autumn"]);
    mill.until_answer("SELECT status FROM batch_processing_sessions_v", "cancelled", PATIENCE);
    mill.feed_range(10..20, Duration::ZERO).join().unwrap();
    until_counts(&mill, [20, 0, 0]);
    let passed_over = r#"signalmill_records_total{stage="enrich/articles",outcome="nothing_admitted"}"#;
    assert!(worker.metric(passed_over) >= 1.0);
}
