//! How fast the adaptive limit finds the capacity of a provider that shrinks to a tenth and comes back.
//!
//! Use is the rate of admitted calls over the last second against what the capacity allows. There are always articles
//! waiting. The ceiling (`llm.concurrency_max`) is twice the capacity, so that the limit has to find it by itself.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use signalmill::embedded::providers::bill::Outcome;
use signalmill::embedded::providers::{Provider, StandIns};
use signalmill::kafka::{ARTICLES_RAW, Producer};

use crate::report::Report;
use crate::site::{PLENTY, Plot, Site, float};
use crate::{LATENCY, PATIENCE, articles, tally};

/// What use is measured over.
const WINDOW: Duration = Duration::from_secs(1);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// What is to be used of the capacity.
const GOAL: f64 = 0.8;
/// Articles that wait at least.
const AHEAD: u64 = 4_000;
/// Enough for the program to take an article for one.
const BYTES: usize = 1_800;

/// One capacity, for some time.
struct Phase {
    reached_s: f64,
    /// From then on, to the end of the phase.
    used: f64,
    refused: u64,
}

/// Full, a tenth, full: each for `span`.
///
/// # Errors
/// What fails.
pub fn measure(site: &Site, capacity: usize, span: Duration, report: &mut Report) -> anyhow::Result<()> {
    let mut plot = site.plot("adaptive")?;
    let worker = plot.worker("window,enrich", PLENTY, 2 * capacity, "")?;
    let stand_ins = &plot.stand_ins;
    let bear = |places| stand_ins.set(Provider::OpenAi, |knobs| knobs.requests_max = Some(places));
    bear(capacity);
    let done = AtomicBool::new(false);
    let phases = thread::scope(|scope| -> anyhow::Result<Vec<(usize, Phase)>> {
        let feeder = scope.spawn(|| keep_fed(&plot, &done));
        let phases = || -> anyhow::Result<Vec<(usize, Phase)>> {
            worker.wait_for("enrich/decode", 1.0, PATIENCE)?;
            let phase = |places| {
                bear(places);
                (places, Phase::of(stand_ins, places, span))
            };
            Ok([capacity, capacity / 10, capacity].map(phase).into())
        };
        let phases = phases();
        done.store(true, Ordering::Relaxed);
        feeder.join().map_err(|_panic| anyhow!("feeding articles panicked"))?.context("feeding articles")?;
        phases
    })?;
    worker.stop()?;
    let failed = float(tally::articles(&plot.kafka)?.failed);
    for (places, phase) in phases {
        report.row(
            format!("{places} places"),
            vec![
                ("s to 80 %", phase.reached_s),
                ("used % then", 100.0 * phase.used),
                ("refused", float(phase.refused)),
                ("failed, all", failed),
            ],
        );
    }
    Ok(())
}

impl Phase {
    fn of(stand_ins: &StandIns, places: usize, span: Duration) -> Self {
        let began = Instant::now();
        let refused = || stand_ins.bill().requests(Provider::OpenAi, Outcome::OverCapacity);
        let before = refused();
        let billed = || float(stand_ins.billed() as u64);
        let possible = float(places as u64) / LATENCY.as_secs_f64();
        let mut seen = VecDeque::from([(began, billed())]);
        let mut reached = None;
        while began.elapsed() < span {
            thread::sleep(LOOK_EVERY);
            let (now, count) = (Instant::now(), billed());
            seen.push_back((now, count));
            // The first one of the window: one second old, or a little more.
            while seen.get(1).is_some_and(|(at, _)| now - *at >= WINDOW) {
                seen.pop_front();
            }
            let Some((at, earlier)) = seen.front().copied() else { continue };
            let full = now - at >= WINDOW;
            if reached.is_none() && full && (count - earlier) / (now - at).as_secs_f64() >= GOAL * possible {
                reached = Some((now, count));
            }
        }
        let used = |(at, count): (Instant, f64)| (billed() - count) / at.elapsed().as_secs_f64() / possible;
        Self {
            reached_s: reached.map_or(f64::NAN, |(at, _)| (at - began).as_secs_f64()),
            used: reached.map_or(f64::NAN, used),
            refused: refused() - before,
        }
    }
}

/// Sends articles so that enough of them wait, until there is nothing more to measure.
fn keep_fed(plot: &Plot, done: &AtomicBool) -> anyhow::Result<()> {
    let producer = Producer::new(&plot.kafka)?;
    let topic = format!("{}{ARTICLES_RAW}", plot.kafka.topic_prefix);
    let mut sent = 0;
    while !done.load(Ordering::Relaxed) {
        let wanted = plot.stand_ins.billed() as u64 + AHEAD;
        for number in sent..wanted {
            producer.send(&topic, None, &articles::json(number, BYTES)?)?;
        }
        sent = sent.max(wanted);
        thread::sleep(LOOK_EVERY);
    }
    producer.finish()?;
    Ok(())
}
