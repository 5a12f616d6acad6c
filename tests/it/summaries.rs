//! Summaries of analyses, bought within a day's budget of their own: what is billed is what is counted, and a job ends
//! whatever becomes of its summary.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use rand::Rng as _;
use signalmill::embedded::providers::knobs::{Latency, Outage};
use signalmill::embedded::providers::{Provider, StandIns};
use signalmill::kafka::{ANALYSIS_EVENTS, ANALYSIS_LEDGER};
use signalmill::model::{JobEvent, JobStep, NanoUsd};

use crate::crash::{given, seeded};
use crate::mill::Mill;
use crate::paid::{counted, stand_ins};
use crate::stack::{Raw, until};

/// Time for the last job to end.
const PATIENCE: Duration = Duration::from_mins(2);
const PARTITIONS: u64 = 4;
/// An answer that takes so long is told of.
const LASTING: Duration = Duration::from_secs(1);

/// An installation that asks Gemini's stand-in, and may spend so much a day on summaries.
fn mill(name: &str, stand_ins: &StandIns, daily_usd: &str) -> Mill {
    crate::paid::mill(name, stand_ins, "5")
        .set("analysis.daily_usd", daily_usd)
        .set("analysis.batch_size", "16")
        .set("breaker.open", "1s")
}

/// Jobs with candles of their own: chart `number` is unlike every other, and the same whenever it is asked for.
fn jobs(ids: &str, numbers: std::ops::Range<u32>) -> Vec<Raw> {
    numbers.map(|number| job(&format!("{ids}-{number}"), number)).collect()
}

fn job(id: &str, number: u32) -> Raw {
    let mut candles = String::new();
    let price = |bar: u32| {
        let (bar, number) = (f64::from(bar), f64::from(number));
        100.0 + number + bar / 20.0 + 9.0 * (bar / (11.0 + number % 7.0)).sin()
    };
    for bar in 0..120_u32 {
        let (open, close) = (price(bar), price(bar + 1));
        let time = 1_795_305_600_000 + u64::from(bar) * 3_600_000;
        let comma = if bar == 0 { "" } else { "," };
        let (high, low, volume) = (open.max(close) + 1.0, open.min(close) - 1.0, 10 + bar % 5);
        write!(candles, "{comma}[{time},{open},{high},{low},{close},{volume}]").unwrap();
    }
    let value = format!(
        r#"{{"analysis_id":"{id}","user_id":"ann","symbol":"C{number}USDT","interval":"1h","candles":[{candles}]}}"#
    );
    Raw { key: Some(id.as_bytes().to_vec()), value: Some(value.into_bytes()), ..Raw::default() }
}

/// Waits until `count` jobs of these ids have ended, and no hold is open; says how many were summarised by whom.
fn until_all_ended(mill: &Mill, ids: &str, count: usize) -> BTreeMap<String, usize> {
    let ended = format!(
        "SELECT countIf(status = 'completed'), countIf(status IN ('failed', 'cancelled')), \
         (SELECT count() FROM spend_v WHERE outcome = 'open') FROM analysis_jobs_v WHERE analysis_id LIKE '{ids}-%'"
    );
    mill.until_answer(&ended, &format!("{count}\t0\t0"), PATIENCE);
    mill.until_landed(&[ANALYSIS_EVENTS, ANALYSIS_LEDGER]);
    let by = format!(
        "SELECT summary_by, count() FROM analysis_jobs_v WHERE analysis_id LIKE '{ids}-%' AND length(summary) > 50 \
         GROUP BY summary_by"
    );
    let answer = mill.ask(&by);
    let pairs = answer.lines().filter_map(|line| line.split_once('\t'));
    pairs.map(|(by, count)| (by.to_owned(), count.parse().unwrap())).collect()
}

fn by(gemini: usize, template: usize) -> BTreeMap<String, usize> {
    let counts = [("gemini".to_owned(), gemini), ("template".to_owned(), template)];
    counts.into_iter().filter(|(_, count)| *count > 0).collect()
}

/// No partition spent more than its share, all of it under its own account and on a day.
fn shares_hold(mill: &Mill, limit: NanoUsd) {
    let answer = mill.ask(
        "SELECT toInt64(max(total) * 1000000000) FROM (SELECT sum(if(outcome = 'open', held_usd, cost_usd)) AS total \
         FROM spend_v GROUP BY account, session_id)",
    );
    assert!(answer.parse::<u64>().unwrap() <= limit.0 / PARTITIONS, "{answer} of {limit}");
    let odd = "SELECT count() FROM spend_v WHERE NOT match(account, '^analysis/[0-3]$') \
               OR NOT match(session_id, '^analysis:[0-9]{4}-[0-9]{2}-[0-9]{2}$') OR operation != 'summarize'";
    assert_eq!(mill.ask(odd), "0");
}

#[test]
fn a_summary_is_bought_once_and_is_no_session_of_articles() {
    let stand_ins = stand_ins(11);
    let limit: NanoUsd = "0.30".parse().unwrap();
    let mill = mill("summaries_plain", &stand_ins, "0.30");
    let worker = mill.start_ready();
    mill.produce("analysis.jobs", &jobs("first", 0..24));
    assert_eq!(until_all_ended(&mill, "first", 24), by(24, 0));
    let bill = stand_ins.bill();
    assert!(bill.total() > NanoUsd::ZERO && bill.paid_again().is_empty());
    assert_eq!(counted(&mill), (bill.total().0, 0), "our books are the provider's");
    assert_eq!(mill.ask("SELECT toInt64(sum(cost_usd) * 1000000000) FROM analysis_jobs_v"), bill.total().0.to_string());
    assert_eq!(mill.ask("SELECT count() FROM batch_processing_sessions_v"), "0");
    shares_hold(&mill, limit);
    let summary = mill.ask("SELECT summary FROM analysis_jobs_v WHERE analysis_id = 'first-7'");
    assert!(summary.starts_with("A stand-in read these facts of a chart: symbol C7USDT"), "{summary}");
    let (status, _) = worker.stop();
    assert!(status.success(), "{status}");

    // The same charts under other ids, after a restart, twice at a time: nothing is asked.
    let mut worker = mill.start_ready();
    mill.produce("analysis.jobs", &[jobs("again", 0..24), jobs("again-too", 0..24)].concat());
    assert_eq!(until_all_ended(&mill, "again", 48), by(48, 0));
    assert_eq!(stand_ins.bill().entries.len(), bill.entries.len());
    assert_eq!(mill.ask("SELECT sum(cost_usd) FROM analysis_jobs_v WHERE analysis_id LIKE 'again%'"), "0");
    assert!(worker.metric("signalmill_journal_hits_total") >= 48.0);
    assert!((worker.metric("signalmill_budget_limit_usd{budget=\"analysis\"}") - 0.30).abs() < 1e-9);
    assert!(worker.metric("signalmill_budget_spent_usd{budget=\"analysis\"}") > 0.0);

    // A step that lasts is told of.
    stand_ins.set(Provider::Gemini, |knobs| knobs.latency = Latency { min: LASTING, max: LASTING });
    mill.produce("analysis.jobs", &jobs("slow", 100..101));
    assert_eq!(until_all_ended(&mill, "slow", 1), by(1, 0));
    let events = mill.decoded::<JobEvent>().into_iter().map(|(_, event)| event);
    let writes = |event: &JobEvent| event.step == Some(JobStep::Summarising) && !event.status.is_final();
    let told: Vec<String> = events.filter(writes).map(|event| event.analysis_id).collect();
    assert!(told.contains(&"slow-100".to_owned()), "{told:?}");
}

#[test]
fn a_spent_budget_and_a_provider_that_is_away_leave_it_to_the_template() {
    let stand_ins = stand_ins(12);
    let limit: NanoUsd = "0.006".parse().unwrap();
    let mill = mill("summaries_spent", &stand_ins, "0.006");
    let worker = mill.start_ready();
    stand_ins.set(Provider::Gemini, |knobs| knobs.outage = Some(Outage::Refused));
    mill.produce("analysis.jobs", &jobs("away", 0..40));
    assert_eq!(until_all_ended(&mill, "away", 40), by(0, 40));
    let noted = |ids: &str, words: &str| {
        mill.ask(&format!(
            "SELECT count() FROM analysis_jobs_v WHERE analysis_id LIKE '{ids}-%' AND message LIKE '%{words}%'"
        ))
    };
    assert_eq!(noted("away", "as gemini brought none."), "40");
    assert_eq!(counted(&mill), (0, 0));

    stand_ins.set(Provider::Gemini, |knobs| knobs.outage = None);
    // A call at a time finds out that it is back; until then the template goes on.
    let mut asked = 0;
    until("the provider is back", PATIENCE, || {
        mill.produce("analysis.jobs", &jobs("back", asked..asked + 1));
        asked += 1;
        let answers = until_all_ended(&mill, "back", asked as usize);
        if worker.log().contains("provider is back") { Ok(()) } else { Err(format!("{answers:?}")) }
    });
    mill.produce("analysis.jobs", &jobs("spent", 1_000..1_080));
    let summaries = until_all_ended(&mill, "spent", 80);
    assert!(summaries["gemini"] >= 8 && summaries["template"] >= 20, "{summaries:?}");
    assert_eq!(noted("spent", "budget for summaries is spent."), summaries["template"].to_string());
    let bill = stand_ins.bill().total();
    assert!(bill <= limit && bill.0 * 2 > limit.0, "{bill} of {limit}");
    assert_eq!(counted(&mill), (bill.0, 0));
    shares_hold(&mill, limit);
    let (status, _) = worker.stop();
    assert!(status.success(), "{status}");
}

/// Kills at random moments while the provider loses, limits, breaks and garbles answers.
fn killed(name: &str, seed: u64, kills: usize, count: u32) {
    let mut random = seeded("SIGNALMILL_SUMMARIES_SEED");
    let stand_ins = stand_ins(seed);
    stand_ins.set(Provider::Gemini, |knobs| {
        knobs.latency = Latency { min: Duration::from_millis(20), max: Duration::from_millis(300) };
        (knobs.lost, knobs.malformed) = (0.05, 0.05);
        (knobs.rate_limited, knobs.unavailable) = (0.05, 0.05);
    });
    let limit: NanoUsd = "0.02".parse().unwrap();
    let mill = mill(name, &stand_ins, "0.02").set("retry.attempts_max", "2");
    let named = |number: usize| mill.named(&format!("worker-{number}"));
    let mut other = named(1).start();
    let each = count / u32::try_from(kills).unwrap();
    for (kill, from) in (0..kills).zip((0..).step_by(each as usize)) {
        mill.produce("analysis.jobs", &jobs("job", from..from + each));
        let worker = named(0).start();
        // The moment of the kill is drawn: this wait is the test, not a hope that something is done by then.
        std::thread::sleep(Duration::from_millis(random.random_range(500..4_000)));
        worker.kill();
        if kill % 2 == 1 {
            other.kill();
            other = named(1).start();
        }
    }
    let _worker = named(0).start();
    let count = each as usize * kills;
    let summaries = until_all_ended(&mill, "job", count);
    let bill = stand_ins.bill().total();
    let (spent, in_doubt) = counted(&mill);
    eprintln!("{name}: {summaries:?}, billed {bill}, spent {}, in doubt {}", NanoUsd(spent), NanoUsd(in_doubt));
    assert!(bill <= limit, "{bill} of {limit} billed");
    assert!(spent + in_doubt >= bill.0 && spent + in_doubt <= limit.0, "{spent} + {in_doubt}, {bill} billed");
    shares_hold(&mill, limit);
    let mut finals: BTreeMap<String, usize> = BTreeMap::new();
    for (_, event) in mill.decoded::<JobEvent>() {
        *finals.entry(event.analysis_id).or_default() += usize::from(event.status.is_final());
    }
    assert!(finals.len() == count && finals.values().all(|finals| *finals == 1), "{finals:?}");
    drop(other);
}

#[test]
fn kills_amid_summaries_hold_the_budget_and_lose_no_job() {
    for run in 0..given("SIGNALMILL_SUMMARIES_RUNS", 2) {
        killed(&format!("summaries_killed_{run}"), 200 + run, 4, 120);
    }
}
