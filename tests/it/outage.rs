//! Kafka and ClickHouse are away for seconds while articles come in: the program waits, says so, and goes on by itself.
//!
//! Longer: `SIGNALMILL_OUTAGE_SECONDS=20 SIGNALMILL_OUTAGE_ARTICLES=20000`.

use std::time::{Duration, Instant};

use crate::audit::{audit, now_ms, recoveries};
use crate::crash::given;
use crate::mill::Mill;
use crate::stack::{Stack, until};

/// Time in which the program must have noticed, or recovered.
const NOTICE_MAX: Duration = Duration::from_secs(30);
/// A SIGTERM must have ended the process by then.
const STOP_MAX: Duration = Duration::from_secs(10);

#[test]
fn outages_of_kafka_and_clickhouse_lose_and_double_nothing() {
    let away = Duration::from_secs(given("SIGNALMILL_OUTAGE_SECONDS", 5));
    let articles = usize::try_from(given("SIGNALMILL_OUTAGE_ARTICLES", 1_500)).unwrap();
    let mut stack = Stack::own("outage");
    let mill = Mill::on(&stack, "outage");
    let mut worker = mill.start_ready();
    let feed = mill.feed(articles, away * 2 + Duration::from_secs(12));
    until_some_rows(&mill);

    stack.services.clickhouse.kill().unwrap();
    let began = Instant::now();
    let (why, noticed) = worker.until_page("/ready", 503, NOTICE_MAX);
    assert!(why.contains("\"state\":\"waiting\"") && why.contains("sink"), "{why}");
    assert_eq!(worker.page("/live").unwrap().0, 200, "waiting is no reason to be restarted");
    // The length of the outage is what is tested.
    std::thread::sleep(away.saturating_sub(began.elapsed()));
    stack.services.clickhouse.restart().unwrap();
    let (_, ready) = worker.until_page("/ready", 200, NOTICE_MAX);
    eprintln!("outage: ClickHouse's noticed after {noticed:?}, /ready {ready:?} after it was back");

    stack.services.kafka.stop().unwrap();
    let began = Instant::now();
    while began.elapsed() < away {
        assert_eq!(worker.page("/live").unwrap().0, 200, "waiting is no reason to be restarted");
        std::thread::sleep(Duration::from_millis(500));
    }
    stack.services.kafka.restart().unwrap();
    let back = now_ms();
    eprintln!("outage: Kafka is back at {back}");
    until("every article through after Kafka was back", NOTICE_MAX + away, || {
        assert_eq!(worker.page("/live").unwrap().0, 200, "waiting is no reason to be restarted");
        let (ready, why) = worker.page("/ready").unwrap();
        let late =
            mill.try_ask(&format!("SELECT count() FROM signals_v WHERE toUnixTimestamp64Milli(produced_at) > {back}"))?;
        if ready == 200 && late != "0" { Ok(()) } else { Err(format!("{late} signals since; {why}")) }
    });
    feed.join().unwrap();
    audit(&mill, articles);
    eprintln!("outage: first signal after Kafka was back {:?}", recoveries(&mill, &[back]));

    stack.services.clickhouse.kill().unwrap();
    let more = mill.feed(20, Duration::ZERO);
    worker.until_page("/ready", 503, NOTICE_MAX);
    more.join().unwrap();
    let (status, took) = worker.stop();
    assert!(status.success() && took < STOP_MAX, "without ClickHouse: {status} after {took:?}");
}

fn until_some_rows(mill: &Mill) {
    until("the first rows", NOTICE_MAX, || match mill.try_ask("SELECT count() FROM signals_v")?.as_str() {
        "0" => Err("none".to_owned()),
        _ => Ok(()),
    });
}

#[test]
fn a_process_that_starts_before_its_services_waits_for_them() {
    let mut stack = Stack::own("late");
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
