//! Workers join and leave, in order and by SIGKILL, while articles come in: nothing is lost, nothing is there twice.
//!
//! Longer: `SIGNALMILL_REBALANCE_ARTICLES=20000 SIGNALMILL_REBALANCE_STEPS=10`; a failure is repeated with its
//! `SIGNALMILL_REBALANCE_SEED`.

use std::time::Duration;

use rand::Rng as _;

use crate::audit::audit;
use crate::crash::{given, seeded};
use crate::mill::{Mill, Worker};
use crate::stack::Stack;

/// Fewest and most workers at a time, after the first joined.
const WORKERS: std::ops::RangeInclusive<usize> = 2..=4;
/// Time between two changes, in milliseconds: shorter than a rebalance, up to longer than one.
const PAUSE_MS: std::ops::Range<u64> = 300..4_000;
/// A SIGTERM must have ended the process by then.
const STOP_MAX: Duration = Duration::from_secs(10);

#[test]
fn workers_that_join_and_leave_lose_and_double_nothing() {
    let articles = usize::try_from(given("SIGNALMILL_REBALANCE_ARTICLES", 2_000)).unwrap();
    let steps = given("SIGNALMILL_REBALANCE_STEPS", 6);
    let mut random = seeded("SIGNALMILL_REBALANCE_SEED");
    let mill = Mill::on(Stack::shared(), "rebalance");
    let mut workers: Vec<Worker> = vec![mill.start(), mill.start()];
    let pauses: Vec<Duration> = (0..steps).map(|_| Duration::from_millis(random.random_range(PAUSE_MS))).collect();
    let feed = mill.feed(articles, pauses.iter().sum());
    for pause in pauses {
        // The moment of the change is drawn: this wait is the test, not a hope that something is done by then.
        std::thread::sleep(pause);
        let joins = match workers.len() {
            few if few <= *WORKERS.start() => true,
            many if many >= *WORKERS.end() => false,
            _ => random.random(),
        };
        if joins {
            eprintln!("rebalance: a worker joins {}", workers.len());
            workers.push(mill.start());
            continue;
        }
        let leaver = workers.swap_remove(random.random_range(0..workers.len()));
        if random.random() {
            eprintln!("rebalance: a worker is killed");
            leaver.kill();
        } else {
            let (status, took) = leaver.stop();
            eprintln!("rebalance: a worker leaves, {status} after {took:?}");
            assert!(status.success() && took < STOP_MAX, "{status} after {took:?}");
        }
    }
    feed.join().unwrap();
    audit(&mill, articles);
    // One more worker than a topic has partitions: who has nothing to do is ready nevertheless.
    workers.resize_with(5, || mill.start());
    for worker in &mut workers {
        worker.until_ready();
    }
}
