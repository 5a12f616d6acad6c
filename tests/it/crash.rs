//! The process is killed at random moments while articles come in: nothing is lost, nothing is there twice.
//!
//! Longer: `SIGNALMILL_CRASH_ARTICLES=20000 SIGNALMILL_CRASH_KILLS=20 cargo test --test it crash -- --nocapture`; a
//! failure is repeated with its `SIGNALMILL_CRASH_SEED`.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use signalmill::config::Environment;

use crate::audit::{audit, now_ms, recoveries};
use crate::mill::Mill;
use crate::stack::Stack;

/// Lives between two kills, in milliseconds: from the middle of a start to some seconds of steady work.
const LIFE_MS: std::ops::Range<u64> = 300..4_000;

/// A number from the environment.
pub fn given(variable: &str, default: u64) -> u64 {
    let environment = Environment::process();
    environment.get(variable).map_or(default, |text| text.parse().unwrap())
}

/// The seed of a run, said so that a failure can be repeated.
pub fn seeded(variable: &str) -> StdRng {
    let seed = given(variable, rand::random());
    eprintln!("{variable}={seed}");
    StdRng::seed_from_u64(seed)
}

fn killed_again_and_again(name: &str, worker_id: Option<&str>, articles: u64, kills: u64) {
    let mut random = seeded("SIGNALMILL_CRASH_SEED");
    let lives: Vec<Duration> = (0..kills).map(|_| Duration::from_millis(random.random_range(LIFE_MS))).collect();
    let mut mill = Mill::on(Stack::shared(), name);
    if let Some(worker_id) = worker_id {
        mill = mill.set("kafka.worker_id", worker_id);
    }
    let articles = usize::try_from(articles).unwrap();
    let feed = mill.feed(articles, lives.iter().sum());
    let mut starts = Vec::new();
    for life in lives {
        starts.push(now_ms());
        let worker = mill.start();
        // The moment of the kill is drawn: this wait is the test, not a hope that something is done by then.
        std::thread::sleep(life);
        worker.kill();
    }
    starts.push(now_ms());
    let _worker = mill.start();
    feed.join().unwrap();
    audit(&mill, articles);
    eprintln!("{name}: from start to first signal that got through {:?}", recoveries(&mill, &starts));
}

#[test]
fn kills_of_a_named_worker_lose_and_double_nothing() {
    let articles = given("SIGNALMILL_CRASH_ARTICLES", 3_000);
    let kills = given("SIGNALMILL_CRASH_KILLS", 6);
    killed_again_and_again("crash_named", Some("only"), articles, kills);
}

#[test]
fn kills_of_a_nameless_worker_lose_and_double_nothing() {
    let articles = given("SIGNALMILL_CRASH_ARTICLES", 500);
    let kills = given("SIGNALMILL_CRASH_KILLS", 2);
    killed_again_and_again("crash_nameless", None, articles, kills);
}
