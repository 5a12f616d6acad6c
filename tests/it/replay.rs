//! History read again: for nothing where it was paid for, at the price that was said first where it was not, and with the
//! same rows however often it is interrupted.

use std::time::Duration;

use serde_json::Value;
use signalmill::config::Environment;

use crate::mill::{self, Mill};
use crate::paid::{PAID, stand_ins, until_all_ended};
use crate::sessions::done;
use crate::stack::{Raw, Stack, until};
use crate::texts;

/// Time for the last article to come through.
const PATIENCE: Duration = Duration::from_mins(2);

/// Everything that a run has written, but for its name and the times at which it was written.
fn rows(mill: &Mill, run_id: &str) -> [String; 4] {
    let of = |table: &str, columns: &str| {
        mill.ask(&format!(
            "SELECT count(), groupBitXor(cityHash64({columns})) FROM {table} FINAL WHERE run_id = '{run_id}'"
        ))
    };
    [
        of(
            "signals",
            "kind, source_id, subject, exchange, interval, strategy, score, direction, confidence, strength, \
             toString(components), oi_status, context_age_s, oi_metadata, observability, analyzer, model, \
             prompt_version, cost_usd, event_time, available_at, origin, version",
        ),
        of(
            "article_analyses",
            "article_id, batch_id, analyzer, model, prompt_version, tier, direction, sentiment, confidence, strength, \
             horizon, assets, event_type, key_points, rationale, novelty, sources, cost_usd, input_tokens, \
             output_tokens, published_at, received_at, near_duplicate_of, origin, version",
        ),
        of(
            "articles",
            "article_id, title, text, publisher, url, published_at, received_at, screen, near_duplicate_of, origin",
        ),
        of("batch_processing_sessions", "batch_id, articles_total, articles_screened, article_ids, close_reason"),
    ]
}

fn spent(mill: &Mill, session: &str) -> String {
    mill.ask(&format!("SELECT toString(spent_usd) FROM batch_processing_sessions_v WHERE session_id = '{session}'"))
}

#[test]
fn what_was_paid_for_is_read_again_for_nothing_and_shown_where_it_is_promoted() {
    let stand_ins = stand_ins(71);
    let mill = crate::paid::mill("replay_free", &stand_ins, "5")
        .set("tavily.enabled", "true")
        .set("tavily.min_strength", "0.3");
    let worker = mill.start_ready();
    mill.feed(120, Duration::ZERO).join().unwrap();
    assert_eq!(until_all_ended(&mill, 120), [120, 0, 0]);
    mill.until_answer("SELECT count() FROM signals_v", "120", PATIENCE);
    let bill = stand_ins.bill();
    let live = mill.ask("SELECT * FROM batch_processing_sessions_v");

    let plan = done(&mill, &["replay", "--topic", "articles.raw", "--plan"]);
    let cell = |plan: &Value, name: &str| plan[name].as_f64().unwrap_or_else(|| panic!("{name}: {plan}"));
    assert_eq!((&plan["records"], &plan["journal_hits"], &plan["calls"]), (&120.into(), &120.into(), &0.into()));
    assert!(cell(&plan, "usd_worst").abs() < f64::EPSILON && cell(&plan, "minutes").abs() < f64::EPSILON, "{plan}");
    assert_eq!(mill.ask("SELECT count() FROM runs"), "0", "a plan does nothing");

    for run_id in ["one", "two"] {
        let report = done(&mill, &["replay", "--topic", "articles.raw", "--run-id", run_id]);
        assert_eq!((&report["status"], &report["analyses"]), (&"completed".into(), &120.into()), "{report}");
    }
    assert_eq!(rows(&mill, "one"), rows(&mill, "two"));
    assert!(rows(&mill, "one")[0].starts_with("120\t"), "{:?}", rows(&mill, "one"));
    let found = done(&mill, &["replay", "diff", "one", "two"]);
    let counts = |row: &Value| ["both", "only_a", "only_b", "changed", "flips"].map(|name| row[name].as_i64().unwrap());
    assert_eq!(counts(&found[0]), [120, 0, 0, 0, 0], "{found}");

    // Scored again, from what was read live: the same scores.
    let report = done(&mill, &["replay", "--topic", "articles.analyses", "--run-id", "three"]);
    assert_eq!((&report["signals"], &report["records"]), (&120.into(), &120.into()), "{report}");
    assert_eq!(counts(&done(&mill, &["replay", "diff", "live", "three"])[0]), [120, 0, 0, 0, 0]);

    let after = stand_ins.bill();
    assert_eq!((after.total(), after.entries.len()), (bill.total(), bill.entries.len()), "nothing was bought");
    assert_eq!(mill.ask("SELECT * FROM batch_processing_sessions_v WHERE run_id = 'live'"), live);

    // Shown, until live traffic says something newer of an article.
    let shown = || mill.ask("SELECT run_id, count() FROM signals_v GROUP BY run_id ORDER BY run_id");
    assert_eq!(shown(), "live\t120");
    done(&mill, &["replay", "promote", "two"]);
    assert_eq!(shown(), "two\t120");
    assert_eq!(mill.ask("SELECT run_id, count() FROM article_analyses_v GROUP BY run_id"), "two\t120");
    let run_of = |number: usize| {
        let (.., article) = mill::get(&worker.api(), &format!("/api/articles/{}", texts::id(number)), "").unwrap();
        let article: Value = serde_json::from_str(&article).unwrap_or_else(|error| panic!("{error}: {article}"));
        article["analysis"]["run_id"].as_str().unwrap_or_else(|| panic!("{article}")).to_owned()
    };
    assert_eq!(run_of(7), "two");
    mill.feed_range(110..130, Duration::ZERO).join().unwrap();
    mill.until_answer(
        "SELECT run_id, count() FROM signals_v GROUP BY run_id ORDER BY run_id",
        "live\t20\ntwo\t110",
        PATIENCE,
    );
    mill.until_landed(PAID);
    assert_eq!([run_of(7), run_of(112)], ["two", "live"]);
    assert_eq!(done(&mill, &["replay", "promote", "live"])["before"], "two");
    assert_eq!([shown(), run_of(7)], ["live\t130", "live"]);

    let unknown = mill.command(&["replay", "diff", "live", "nine"], "");
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("there is no run nine"), "{unknown:?}");
    let other = mill.command(&["replay", "--topic", "articles.analyses", "--run-id", "one"], "");
    assert_eq!(other.status.code(), Some(2), "{other:?}");
}

#[test]
fn a_plan_says_what_buying_costs_and_the_run_keeps_to_its_limit() {
    let stand_ins = stand_ins(72);
    let mill = crate::paid::mill("replay_paid", &stand_ins, "5");
    let worker = mill.start_ready();
    mill.feed(60, Duration::ZERO).join().unwrap();
    assert_eq!(until_all_ended(&mill, 60), [60, 0, 0]);
    mill.until_answer("SELECT count() FROM signals_v", "60", PATIENCE);
    let live = [spent(&mill, "autumn"), mill.ask("SELECT count() FROM signals_v")];
    worker.stop();
    mill.feed_range(60..200, Duration::ZERO).join().unwrap();

    let plan = done(&mill, &["replay", "--topic", "articles.raw", "--plan"]);
    let cell = |name: &str| plan[name].as_f64().unwrap();
    assert_eq!((&plan["records"], &plan["journal_hits"], &plan["calls"]), (&200.into(), &60.into(), &140.into()));
    assert!(cell("usd_p50") <= cell("usd_p95") && cell("usd_p95") <= cell("usd_worst"), "{plan}");
    let before = stand_ins.bill().total();

    // Without money: what is known, and nothing else.
    let report = done(&mill, &["replay", "--topic", "articles.raw", "--run-id", "free"]);
    assert_eq!((&report["analyses"], &report["missing"]), (&60.into(), &140.into()), "{report}");
    assert_eq!(stand_ins.bill().total(), before);

    // With too little: as much as it buys, and the rest once there is more.
    let poor = ["replay", "--topic", "articles.raw", "--run-id", "paid", "--max-usd"];
    let report = done(&mill, &[&poor[..], &["0.01"]].concat());
    assert_eq!(report["status"], "incomplete", "{report}");
    let bought = stand_ins.bill().total().saturating_sub(before);
    let books =
        mill.ask("SELECT session_id, outcome, count(), sum(cost_usd), sum(held_usd) FROM spend_v GROUP BY 1, 2");
    assert!(bought.0 > 0 && bought.0 <= 10_000_000, "{bought} {report}\n{books}");
    let rich = plan["usd_worst"].as_f64().unwrap().to_string();
    let report = done(&mill, &[&poor[..], &[&rich]].concat());
    assert_eq!(report["status"], "completed", "{report}");
    let bought = stand_ins.bill().total().saturating_sub(before);
    #[expect(clippy::cast_precision_loss, reason = "some cents")]
    let usd = bought.0 as f64 / 1e9;
    assert!(usd <= cell("usd_worst"), "{usd} of {plan}");
    assert!((usd - cell("usd_p50")).abs() <= 0.1 * usd, "{usd}, and the plan said {plan}");
    assert!(stand_ins.bill().paid_again().is_empty());
    assert_eq!(mill.ask("SELECT count(), uniqExact(source_id) FROM signals FINAL WHERE run_id = 'paid'"), "200\t200");
    let session = "SELECT articles_total, articles_analyzed, articles_deferred FROM batch_processing_sessions_v \
                   WHERE session_id = 'replay:paid'";
    assert_eq!(mill.ask(session), "200\t200\t0");
    assert_eq!([spent(&mill, "autumn"), mill.ask("SELECT count() FROM signals_v")], live, "live traffic is as it was");

    // A single batch is bought as well as many are.
    mill.feed_range(200..203, Duration::ZERO).join().unwrap();
    let report = done(&mill, &["replay", "--topic", "articles.raw", "--run-id", "last", "--max-usd", "1"]);
    assert_eq!(report["status"], "completed", "{report}");
    assert_eq!(mill.ask("SELECT count(), uniqExact(source_id) FROM signals FINAL WHERE run_id = 'last'"), "203\t203");
}

/// Kills in the gate; more where `SIGNALMILL_REPLAY_KILLS` says so.
const KILLS: usize = 3;
/// More than two segments, for [`KILLS`].
const ARTICLES: usize = 40_000;

#[test]
fn a_killed_replay_ends_as_an_undisturbed_one() {
    let kills = Environment::process().get("SIGNALMILL_REPLAY_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    let mill = Mill::on(Stack::shared(), "replay_kills");
    let count = ARTICLES * kills.div_ceil(KILLS);
    let records: Vec<Raw> = (0..count)
        .map(|number| Raw {
            partition: Some(i32::from(number % 8 == 0)),
            key: Some(texts::id(number).into_bytes()),
            value: Some(texts::json(number).into_bytes()),
            ..Raw::default()
        })
        .collect();
    for some in records.chunks(ARTICLES) {
        mill.produce("articles.raw", some);
    }
    let order = |run_id| ["replay", "--topic", "articles.raw", "--json", "--run-id", run_id];
    let report = done(&mill, &order("whole")[..3].iter().copied().chain(["--run-id", "whole"]).collect::<Vec<_>>());
    assert_eq!((&report["records"], &report["status"]), (&count.into(), &"completed".into()), "{report}");
    for kill in 0..kills {
        let seen = mill.ask("SELECT count() FROM articles WHERE run_id = 'killed'").parse::<usize>().unwrap();
        let worker = mill.start_command(&order("killed"));
        // Amid a segment, a little later each time.
        until("the replay goes on", PATIENCE, || {
            let now: usize = mill.ask("SELECT count() FROM articles WHERE run_id = 'killed'").parse().unwrap();
            if now > seen + 500 * (kill + 1) { Ok(()) } else { Err(format!("{now} rows")) }
        });
        worker.kill();
        assert_eq!(mill.ask("SELECT status FROM runs_v WHERE run_id = 'killed'"), "running");
    }
    let report = done(&mill, &["replay", "--topic", "articles.raw", "--run-id", "killed"]);
    assert_eq!((&report["records"], &report["status"]), (&count.into(), &"completed".into()), "{report}");
    assert_eq!(rows(&mill, "killed"), rows(&mill, "whole"));
    assert!(rows(&mill, "whole")[0].starts_with(&format!("{count}\t")), "{:?}", rows(&mill, "whole"));
}
