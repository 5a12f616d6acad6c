//! How fast the adaptive limit finds the capacity of a provider that shrinks to a tenth and comes back.
//!
//! Use is the share of the capacity that the provider is working on, averaged over a second. There are always articles
//! waiting. The ceiling (`llm.concurrency_max`) is twice the capacity, so that the limit has to find it by itself.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use signalmill::embedded::providers::bill::Outcome;
use signalmill::embedded::providers::knobs::Latency;
use signalmill::embedded::providers::{Provider, StandIns};
use signalmill::kafka::{ARTICLES_RAW, Producer};

use crate::report::Report;
use crate::site::{PLENTY, Plot, Site, float};
use crate::{PATIENCE, articles, tally};

const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Looks that use is averaged over: those of a second.
const WINDOW_LOOKS: usize = 50;
/// What is to be used of the capacity.
const GOAL: f64 = 0.8;
/// Articles that wait at least.
const AHEAD: u64 = 4_000;
/// Enough for the program to take an article for one.
const BYTES: usize = 1_800;

/// What the provider bears.
pub struct Bearing {
    /// Calls at a time.
    pub capacity: usize,
    /// How long it takes for an answer.
    pub latency: Duration,
}

/// One capacity, for some time.
struct Phase {
    reached_s: f64,
    /// From then on, to the end of the phase.
    used: f64,
    /// Of the whole phase.
    calls_a_second: f64,
    refused: u64,
}

/// Full, a tenth, full: each for `span`.
///
/// # Errors
/// What fails.
pub fn measure(site: &Site, provider: &Bearing, span: Duration, report: &mut Report) -> anyhow::Result<()> {
    let Bearing { capacity, latency } = *provider;
    let mut plot = site.plot("adaptive")?;
    let worker = plot.worker("window,enrich", PLENTY, 2 * capacity, "")?;
    let stand_ins = &plot.stand_ins;
    let bear = |places| stand_ins.set(Provider::OpenAi, |knobs| knobs.requests_max = Some(places));
    stand_ins.set(Provider::OpenAi, |knobs| knobs.latency = Latency::fixed(latency));
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
                ("calls/s", phase.calls_a_second),
                ("refused", float(phase.refused)),
                ("failed, all", failed),
            ],
        );
    }
    Ok(())
}

impl Phase {
    fn of(stand_ins: &StandIns, places: usize, span: Duration) -> Self {
        let (began, billed) = (Instant::now(), stand_ins.billed());
        let refused = || stand_ins.bill().requests(Provider::OpenAi, Outcome::OverCapacity);
        let before = refused();
        let mut window = VecDeque::with_capacity(WINDOW_LOOKS);
        let mut reached_s = f64::NAN;
        let (mut sum, mut looks) = (0.0, 0.0);
        while began.elapsed() < span {
            thread::sleep(LOOK_EVERY);
            let used = float(stand_ins.in_flight(Provider::OpenAi).min(places) as u64) / float(places as u64);
            if window.len() == WINDOW_LOOKS {
                window.pop_front();
            }
            window.push_back(used);
            if reached_s.is_nan() && window.iter().sum::<f64>() >= GOAL * float(WINDOW_LOOKS as u64) {
                reached_s = began.elapsed().as_secs_f64();
            } else if !reached_s.is_nan() {
                (sum, looks) = (sum + used, looks + 1.0);
            }
        }
        Self {
            reached_s,
            used: sum / looks,
            calls_a_second: float((stand_ins.billed() - billed) as u64) / began.elapsed().as_secs_f64(),
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
