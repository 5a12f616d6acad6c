//! Kafka, ClickHouse and a paid provider are away for seconds, or the disk is full, while articles come in: the program
//! waits, says so, and goes on by itself.
//!
//! # Why Kafka is paused under load, and restarted only when nothing is under way
//! Kafka 4.3.1 completes a transaction without writing its markers where a partition has no leader at that moment
//! (KAFKA-20734), as all partitions of a single node have around its restart. Readers of committed records stand still
//! behind such a transaction for good, whatever we do. A paused node answers nobody either, and keeps its partitions.
//!
//! Longer: `SIGNALMILL_OUTAGE_SECONDS=20 SIGNALMILL_OUTAGE_ARTICLES=20000`.

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use signalmill::embedded::providers::Provider;
use signalmill::embedded::providers::knobs::Outage;

use crate::audit::{audit, now_ms, recoveries};
use crate::crash::given;
use crate::mill::{Mill, Worker};
use crate::paid::{self, counted, stand_ins, until_all_ended};
use crate::stack::{Stack, until};

/// Time in which the program must have noticed, or recovered.
const NOTICE_MAX: Duration = Duration::from_secs(45);
/// A SIGTERM must have ended the process by then.
const STOP_MAX: Duration = Duration::from_secs(10);
/// Articles that come while there is no room for their signals.
const ROOMLESS: usize = 100;
/// How often `/live` is looked at during an outage.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// A node that was paused must not be taken for dead by its own controller.
const LONG_SESSION: &[(&str, &str)] = &[("broker.session.timeout.ms", "120000")];

fn away() -> Duration {
    Duration::from_secs(given("SIGNALMILL_OUTAGE_SECONDS", 5))
}

fn articles() -> usize {
    usize::try_from(given("SIGNALMILL_OUTAGE_ARTICLES", 1_500)).unwrap()
}

/// Lets an outage last, during which the process must stay alive.
fn outlive(worker: &mut Worker, began: Instant) {
    while began.elapsed() < away() {
        assert_eq!(worker.page("/live").unwrap().0, 200, "waiting is no reason to be restarted");
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Waits until Kafka, which has just come back, carries signals again, and looks whether all articles came through once.
fn recovers(mill: &Mill, worker: &mut Worker, feed: JoinHandle<()>, how: &str) {
    let back = now_ms();
    recovered(mill, worker, back);
    feed.join().unwrap();
    audit(mill, articles());
    eprintln!("outage of Kafka, {how}: first signal {:?} after it was back", recoveries(mill, &[back]));
}

/// Waits until signals are made again and every hop is ready; nothing asks for a restart meanwhile.
fn recovered(mill: &Mill, worker: &mut Worker, back_ms: i64) {
    let sql = format!("SELECT count() FROM signals_v WHERE toUnixTimestamp64Milli(produced_at) > {back_ms}");
    until("signals are made again", NOTICE_MAX, || {
        assert_eq!(worker.page("/live").unwrap().0, 200, "waiting is no reason to be restarted");
        let (ready, why) = worker.page("/ready")?;
        let since = mill.try_ask(&sql)?;
        if ready == 200 && since != "0" { Ok(()) } else { Err(format!("{since} signals since; {why}")) }
    });
}

#[test]
fn rows_wait_for_room_on_the_disk() {
    let mill = Mill::on(Stack::shared(), "outage_disk");
    let mut worker = mill.start_ready();
    // The server refuses inserts as it does on a disk that is full.
    let setting = "min_free_disk_bytes_to_perform_insert";
    mill.ask(&format!("ALTER TABLE signals MODIFY SETTING {setting} = 1000000000000000000"));
    mill.feed(ROOMLESS, Duration::ZERO).join().unwrap();
    let (why, _) = worker.until_page("/ready", 503, NOTICE_MAX);
    assert!(why.contains("sink") && why.contains("NOT_ENOUGH_SPACE"), "{why}");
    assert_eq!(mill.ask("SELECT count() FROM signals"), "0");
    mill.ask(&format!("ALTER TABLE signals RESET SETTING {setting}"));
    worker.until_page("/ready", 200, NOTICE_MAX);
    audit(&mill, ROOMLESS);
}

#[test]
fn a_provider_that_is_away_costs_nothing_and_loses_nothing() {
    let stand_ins = stand_ins(41);
    let mill = paid::mill("outage_provider", &stand_ins, "5").set("breaker.open", "1s");
    let mut worker = mill.start_ready();
    let feed = mill.feed(articles(), away() + Duration::from_secs(4));
    mill.until_answer("SELECT count() > 0 FROM article_analyses_v", "1", NOTICE_MAX);

    for outage in [Outage::Refused, Outage::Unavailable] {
        stand_ins.set(Provider::Gemini, |knobs| knobs.outage = Some(outage));
        let began = Instant::now();
        until("the breaker is open", NOTICE_MAX, || {
            let state = worker.try_metric(r#"signalmill_breaker_state{provider="gemini"}"#)?;
            if state > 1.0 { Ok(()) } else { Err(state.to_string()) }
        });
        let bill = stand_ins.bill().total();
        outlive(&mut worker, began);
        assert_eq!(stand_ins.bill().total(), bill, "{outage:?}");
    }
    stand_ins.set(Provider::Gemini, |knobs| knobs.outage = None);
    feed.join().unwrap();
    assert_eq!(until_all_ended(&mill, articles()), [articles(), 0, 0]);
    let bill = stand_ins.bill().total();
    let (spent, in_doubt) = counted(&mill);
    eprintln!("outage of a provider: {bill} billed, {spent} spent, {in_doubt} in doubt where calls were cut");
    assert!(spent + in_doubt >= bill.0 && in_doubt * 100 <= spent, "{spent} + {in_doubt}, {bill} billed");
    assert_eq!(mill.ask("SELECT count() FROM dead_letters_v"), "0");
}

#[test]
fn an_outage_of_clickhouse_loses_and_doubles_nothing() {
    let mut stack = Stack::own("outage_clickhouse", &[]);
    let mill = Mill::on(&stack, "outage");
    let mut worker = mill.start_ready();
    let feed = mill.feed(articles(), away() + Duration::from_secs(4));
    mill.until_answer("SELECT count() > 0 FROM signals_v", "1", NOTICE_MAX);

    stack.services.clickhouse.kill().unwrap();
    let began = Instant::now();
    until("the sink says that it waits", NOTICE_MAX, || {
        let (status, why) = worker.page("/ready")?;
        let is_told = status == 503 && why.contains("\"state\":\"waiting\"") && why.contains("sink");
        if is_told { Ok(()) } else { Err(why) }
    });
    let noticed = began.elapsed();
    outlive(&mut worker, began);
    stack.services.clickhouse.restart().unwrap();
    let back = now_ms();
    let (_, ready) = worker.until_page("/ready", 200, NOTICE_MAX);
    feed.join().unwrap();
    audit(&mill, articles());
    eprintln!(
        "outage of ClickHouse: noticed after {noticed:?}, /ready {ready:?} after it was back, first signal {:?}",
        recoveries(&mill, &[back])
    );

    stack.services.clickhouse.kill().unwrap();
    mill.feed(20, Duration::ZERO).join().unwrap();
    worker.until_page("/ready", 503, NOTICE_MAX);
    let (status, took) = worker.stop();
    eprintln!("sigterm: without ClickHouse, {status} after {took:?}");
    assert!(status.success() && took < STOP_MAX, "without ClickHouse: {status} after {took:?}");
}

#[test]
fn a_kafka_that_does_not_answer_under_load_loses_and_doubles_nothing() {
    let stack = Stack::own("outage_kafka", LONG_SESSION);
    let kafka = Pid::from_raw(i32::try_from(stack.services.kafka.pid()).unwrap()).unwrap();
    let mill = Mill::on(&stack, "outage");
    let mut worker = mill.start_ready();
    let feed = mill.feed(articles(), away() + Duration::from_secs(6));
    mill.until_answer("SELECT count() > 0 FROM signals_v", "1", NOTICE_MAX);

    kill_process(kafka, Signal::STOP).unwrap();
    outlive(&mut worker, Instant::now());
    kill_process(kafka, Signal::CONT).unwrap();
    recovers(&mill, &mut worker, feed, "paused");
}

#[test]
fn a_restart_of_kafka_loses_and_doubles_nothing() {
    let mut stack = Stack::own("outage_restart", LONG_SESSION);
    let mill = Mill::on(&stack, "outage");
    let mut worker = mill.start_ready();
    let before = articles() / 2;
    mill.feed(before, Duration::ZERO).join().unwrap();
    audit(&mill, before);

    stack.services.kafka.stop().unwrap();
    let began = Instant::now();
    // These wait in their producer until Kafka is back.
    let feed = mill.feed_range(before..articles(), Duration::ZERO);
    outlive(&mut worker, began);
    stack.services.kafka.restart().unwrap();
    recovers(&mill, &mut worker, feed, "restarted");
}

#[test]
fn a_process_that_starts_before_its_services_waits_for_them() {
    let mut stack = Stack::own("late", &[]);
    let mill = Mill::on(&stack, "late");
    stack.services.stop().unwrap();
    let mut worker = mill.start();
    let (why, _) = worker.until_page("/ready", 503, NOTICE_MAX);
    assert!(why.contains("not_ready"), "{why}");
    let (status, took) = worker.stop();
    assert!(status.success() && took < STOP_MAX, "before its services: {status} after {took:?}");
    let mut worker = mill.start();
    worker.until_page("/live", 200, NOTICE_MAX);
    stack.services.kafka.restart().unwrap();
    stack.services.clickhouse.restart().unwrap();
    worker.until_ready();
    mill.feed(20, Duration::ZERO).join().unwrap();
    audit(&mill, 20);
}
