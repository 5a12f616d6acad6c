//! Analysis by a paid provider, within a budget, against stand-ins that bill: what they billed is what we counted.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::Rng as _;
use signalmill::embedded::providers::knobs::Latency;
use signalmill::embedded::providers::{Provider, Settings, StandIns};
use signalmill::kafka::{ARTICLES_ANALYSES, ARTICLES_BATCHES, SPEND_LEDGER};
use signalmill::model::{Analysis, NanoUsd, Outcome};

use crate::crash::{given, seeded};
use crate::mill::Mill;
use crate::stack::{Stack, until};
use crate::texts;

/// Time for the last article to come through.
const PATIENCE: Duration = Duration::from_mins(2);
/// What the paid hop reads and writes.
pub const PAID: &[&str] = &[ARTICLES_BATCHES, ARTICLES_ANALYSES, SPEND_LEDGER];
/// What a key looks like; it must never be seen anywhere.
const KEY: &str = "sk-secret-7Qm2x";

/// An installation that asks Gemini's stand-in.
pub fn mill(name: &str, stand_ins: &StandIns, session_usd: &str) -> Mill {
    Mill::on(Stack::shared(), name)
        .set("llm.provider", "gemini")
        .set("llm.base_url", &stand_ins.gemini_url())
        .set("tavily.base_url", &stand_ins.tavily_url())
        .set("articles.session", "autumn")
        .set("budget.session_usd", session_usd)
        .variable("GEMINI_API_KEY", KEY)
        .variable("TAVILY_API_KEY", KEY)
}

pub fn stand_ins(seed: u64) -> StandIns {
    let settings = Settings { seed, key: Some(KEY.to_owned()), ..Settings::default() };
    let stand_ins = StandIns::start(settings).unwrap();
    stand_ins.set_all(|knobs| {
        knobs.latency = Latency::fixed(Duration::from_millis(20));
        knobs.retry_after = Duration::from_millis(50);
    });
    stand_ins
}

/// Waits until every one of `count` articles has its latest outcome: analysed, failed, deferred. All tables say by then
/// what was paid for these.
pub fn until_all_ended(mill: &Mill, count: usize) -> [usize; 3] {
    let sql = "SELECT articles_total, articles_analyzed, articles_failed, articles_deferred, reserved_usd \
               FROM batch_processing_sessions_v";
    let counts = until("every article has ended", PATIENCE, || {
        let answer = mill.try_ask(sql)?;
        let cells: Vec<&str> = answer.split('\t').collect();
        let [total, analyzed, failed, deferred, reserved] = cells[..] else { return Err(answer) };
        let counts = [analyzed, failed, deferred].map(|cell| cell.parse().unwrap_or(0));
        if total == count.to_string() && counts.iter().sum::<usize>() == count && reserved == "0" {
            Ok(counts)
        } else {
            Err(answer)
        }
    });
    mill.until_landed(PAID);
    counts
}

/// What our tables say that counts: settled, lost and overrun; in doubt, or still held. In nano-dollars.
pub fn counted(mill: &Mill) -> (u64, u64) {
    let answer = mill.ask(
        "SELECT toInt64(sumIf(cost_usd, outcome IN ('settled', 'lost', 'overrun')) * 1000000000), \
                toInt64(sum(multiIf(outcome = 'in_doubt', cost_usd, outcome = 'open', held_usd, 0)) * 1000000000) \
         FROM spend_v",
    );
    let (spent, in_doubt) = answer.split_once('\t').unwrap();
    (spent.parse().unwrap(), in_doubt.parse().unwrap())
}

#[test]
fn what_is_billed_is_what_is_counted_and_the_same_question_costs_once() {
    let stand_ins = stand_ins(1);
    let mill = mill("paid_plain", &stand_ins, "5").set("tavily.enabled", "true").set("tavily.min_strength", "0.3");
    let worker = mill.start_ready();
    mill.feed(60, Duration::ZERO).join().unwrap();
    assert_eq!(until_all_ended(&mill, 60), [60, 0, 0]);
    let bill = stand_ins.bill();
    assert_eq!(counted(&mill), (bill.total().0, 0), "our books are the provider's");
    assert!(bill.paid_again().is_empty());
    assert!(bill.of(Provider::Tavily).0 > 0, "some claims are strong enough to be researched");
    mill.until_answer(
        "SELECT analyzer, model, count(), countIf(validation_score >= 0) > 0 FROM article_analyses_v GROUP BY 1, 2",
        "gemini\tgemini-2.5-flash-lite\t60\t1",
        PATIENCE,
    );
    let (status, _) = worker.stop();
    assert!(status.success(), "{status}");

    // The same articles under other ids, after a restart: nothing is asked.
    let again: Vec<_> = (0..60)
        .map(|number| crate::stack::Raw {
            value: Some(texts::json(number).replace(&texts::id(number), &format!("copy-{number}")).into_bytes()),
            ..Default::default()
        })
        .collect();
    let mut worker = mill.start_ready();
    mill.produce("articles.raw", &again);
    assert_eq!(until_all_ended(&mill, 120), [120, 0, 0]);
    assert_eq!(stand_ins.bill().total(), bill.total());
    assert_eq!(stand_ins.bill().entries.len(), bill.entries.len());
    assert!(worker.metric("signalmill_journal_hits_total") >= 60.0);
    assert!(!worker.log().contains(KEY));
}

#[test]
fn a_spent_budget_defers_the_rest_and_a_higher_one_takes_it_up() {
    let stand_ins = stand_ins(2);
    let limit: NanoUsd = "0.01".parse().unwrap();
    let mill = mill("paid_deferred", &stand_ins, "0.01").set("articles.session", "autumn");
    let worker = mill.start_ready();
    mill.feed(80, Duration::ZERO).join().unwrap();
    let [analyzed, failed, deferred] = until_all_ended(&mill, 80);
    assert!(analyzed > 0 && deferred > 0 && failed == 0, "{analyzed} {deferred}");
    let (spent, in_doubt) = counted(&mill);
    assert_eq!((spent, in_doubt), (stand_ins.bill().total().0, 0));
    assert!(spent <= limit.0 && spent * 100 >= limit.0 * 90, "{spent} of {limit}");
    assert_eq!(mill.ask("SELECT status FROM batch_processing_sessions_v"), "exhausted");
    worker.stop();

    let mill = mill.set("budget.session_usd", "5");
    let _worker = mill.start_ready();
    let analyzed = "SELECT articles_analyzed, articles_deferred FROM batch_processing_sessions_v";
    mill.until_answer(analyzed, "80\t0", PATIENCE);
    assert_eq!(until_all_ended(&mill, 80), [80, 0, 0]);
    assert_eq!(counted(&mill).0, stand_ins.bill().total().0);
    assert!(stand_ins.bill().paid_again().is_empty());
    let analyses = mill.decoded::<Analysis>();
    let mut ends: BTreeMap<String, Vec<Outcome>> = BTreeMap::new();
    for (_, analysis) in analyses {
        ends.entry(analysis.article_id).or_default().push(analysis.outcome);
    }
    let once = |outcomes: &Vec<Outcome>| outcomes.iter().filter(|outcome| **outcome == Outcome::Analyzed).count() == 1;
    assert!(ends.len() == 80 && ends.values().all(once), "{ends:?}");
}

#[test]
fn a_wrong_key_stops_the_provider_and_loses_nothing() {
    let stand_ins = stand_ins(3);
    let mill = mill("paid_key", &stand_ins, "5").variable("GEMINI_API_KEY", "wrong-key-9Zk");
    let worker = mill.start_ready();
    mill.feed(30, Duration::ZERO).join().unwrap();
    until("the provider is stopped", PATIENCE, || {
        if worker.log().contains("provider refuses us") { Ok(()) } else { Err("not yet".to_owned()) }
    });
    worker.stop();
    assert_eq!(stand_ins.bill().total(), NanoUsd::ZERO);
    let mill = mill.variable("GEMINI_API_KEY", KEY);
    let worker = mill.start_ready();
    assert_eq!(until_all_ended(&mill, 30), [30, 0, 0]);
    assert_eq!(counted(&mill), (stand_ins.bill().total().0, 0));
    let log = worker.log();
    assert!(!log.contains("wrong-key-9Zk") && !log.contains(KEY));
}

/// Kills at random moments while the provider loses, limits, breaks and garbles answers.
fn killed(name: &str, seed: u64, kills: usize, articles: usize) {
    let mut random = seeded("SIGNALMILL_PAID_SEED");
    let stand_ins = stand_ins(seed);
    stand_ins.set(Provider::Gemini, |knobs| {
        knobs.latency = Latency { min: Duration::from_millis(20), max: Duration::from_millis(200) };
        (knobs.lost, knobs.malformed) = (0.05, 0.05);
        (knobs.rate_limited, knobs.unavailable) = (0.05, 0.05);
    });
    let limit: NanoUsd = "0.04".parse().unwrap();
    let mill = mill(name, &stand_ins, "0.04").set("retry.attempts_max", "2");
    let feed = mill.feed(articles, Duration::from_secs(2));
    let named = |number: usize| mill.named(&format!("worker-{number}"));
    let mut other = named(1).start();
    for kill in 0..kills {
        let worker = named(0).start();
        // The moment of the kill is drawn: this wait is the test, not a hope that something is done by then.
        std::thread::sleep(Duration::from_millis(random.random_range(500..4_000)));
        worker.kill();
        if kill % 2 == 1 {
            other.kill();
            other = named(1).start();
        }
    }
    feed.join().unwrap();
    let _worker = named(0).start();
    let ended = until_all_ended(&mill, articles);
    // What failed may be asked again meanwhile: what was billed by now has its hold in the log.
    let bill = stand_ins.bill().total();
    mill.until_landed(PAID);
    let (spent, in_doubt) = counted(&mill);
    eprintln!("{name}: {ended:?}, billed {bill}, spent {}, in doubt {}", NanoUsd(spent), NanoUsd(in_doubt));
    assert!(bill <= limit, "{bill} of {limit} billed");
    assert!(spent + in_doubt >= bill.0 && spent + in_doubt <= limit.0, "{spent} + {in_doubt}, {bill} billed");
    drop(other);
}

#[test]
fn kills_amid_paid_calls_hold_the_budget() {
    let runs = given("SIGNALMILL_PAID_RUNS", 6);
    for run in 0..runs {
        killed(&format!("paid_killed_{run}"), 100 + run, 4, 120);
    }
}
