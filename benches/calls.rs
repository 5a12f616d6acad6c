//! Calls a second in the steady state, the CPU time of each, and what a hold adds to it.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;
use signalmill::embedded::providers::StandIns;
use signalmill::kafka::{ARTICLES_RAW, Producer};

use crate::asking;
use crate::process::Usage;
use crate::report::Report;
use crate::site::{PLENTY, Site, float};
use crate::{CEILING, FLOOR, IN_FLIGHT, LATENCY, PATIENCE, articles, topics};

const LOOK_EVERY: Duration = Duration::from_millis(2);
/// Time between two articles of a system that has nearly nothing to do.
const PAUSE: Duration = Duration::from_millis(100);

/// A stretch of calls.
struct Steady {
    calls_a_second: f64,
    /// Of the process that calls, seconds a call.
    cpu_s: f64,
    peak_mib: f64,
    last_mib: f64,
}

impl Steady {
    /// Waits until `count` calls are billed; of these counts what lies between the floor and the ceiling.
    fn of(stand_ins: &StandIns, count: u64, pid: u32) -> anyhow::Result<Self> {
        let until = |share: f64| -> anyhow::Result<(Instant, f64, Usage)> {
            let deadline = Instant::now() + PATIENCE;
            loop {
                let billed = float(u64::try_from(stand_ins.billed())?);
                if billed >= share * float(count) {
                    return Ok((Instant::now(), billed, Usage::of(pid)?));
                }
                ensure!(Instant::now() < deadline, "{billed} of {count} calls came within {PATIENCE:?}");
                thread::sleep(LOOK_EVERY);
            }
        };
        let ((began, first, before), (ended, last, after)) = (until(FLOOR)?, until(CEILING)?);
        let (_, _, end) = until(1.0)?;
        let calls = last - first;
        Ok(Self {
            calls_a_second: calls / (ended - began).as_secs_f64(),
            cpu_s: (after.cpu_s - before.cpu_s) / calls,
            peak_mib: end.peak_mib,
            last_mib: end.resident_mib,
        })
    }

    fn row(&self, bare: f64, holds: &Holds) -> Vec<(&'static str, f64)> {
        let most = float(IN_FLIGHT as u64) / LATENCY.as_secs_f64();
        vec![
            ("calls/s", self.calls_a_second),
            ("x possible", self.calls_a_second / most),
            ("x bare", self.calls_a_second / bare),
            ("CPU ms/call", self.cpu_s * 1e3),
            ("hold p50 ms", holds.quantile(0.5) * 1e3),
            ("hold p99 ms", holds.quantile(0.99) * 1e3),
            ("peak MiB", self.peak_mib),
            ("last MiB", self.last_mib),
        ]
    }
}

/// Each round: the bare loop, all stages but the sink, and all.
///
/// # Errors
/// What fails, and what takes too long.
pub fn measure(site: &Site, (count, bytes): (u64, usize), rounds: u64, report: &mut Report) -> anyhow::Result<()> {
    let mut ratios: [Vec<f64>; 2] = Default::default();
    for round in 1..=rounds {
        let plot = site.plot(&format!("bare_{round}"))?;
        let asking = asking::start(&plot.stand_ins.openai_url(), count, bytes)?;
        let bare = Steady::of(&plot.stand_ins, count, asking.pid())?;
        drop(asking);
        report.row(format!("bare, round {round}"), bare.row(f64::NAN, &Holds::default()));
        let bare = bare.calls_a_second;
        for (place, what, stages) in
            [(0, "hops", "window,enrich,score"), (1, "hops + sink", "window,enrich,score,sink")]
        {
            let mut plot = site.plot(&format!("calls_{round}_{place}"))?;
            topics::fill(&plot.kafka, count, bytes)?;
            let worker = plot.worker(stages, PLENTY, IN_FLIGHT, "")?;
            let steady = Steady::of(&plot.stand_ins, count, worker.pid())?;
            ratios[place].push(steady.calls_a_second / bare);
            report.row(format!("{what}, round {round}"), steady.row(bare, &Holds::of(&worker.scrape()?)));
            worker.stop()?;
        }
    }
    for (what, mut ratios) in ["hops, median", "hops + sink, median"].into_iter().zip(ratios) {
        ratios.sort_by(f64::total_cmp);
        let median = ratios.get(ratios.len() / 2).copied().unwrap_or(f64::NAN);
        report.row(what, vec![("calls/s", f64::NAN), ("x possible", f64::NAN), ("x bare", median)]);
    }
    Ok(())
}

/// What a hold takes while there is nothing else to do.
///
/// # Errors
/// What fails, and what takes too long.
pub fn alone(site: &Site, (count, bytes): (u64, usize)) -> anyhow::Result<Vec<(&'static str, f64)>> {
    let mut plot = site.plot("alone")?;
    let worker = plot.worker("window,enrich", PLENTY, IN_FLIGHT, "articles.batch_size = 1")?;
    let producer = Producer::new(&plot.kafka)?;
    let topic = format!("{}{ARTICLES_RAW}", plot.kafka.topic_prefix);
    let send = |number| producer.send(&topic, None, &articles::json(number, bytes)?);
    send(0)?;
    worker.wait_for("enrich/decode", 1.0, PATIENCE)?;
    for number in 1..count {
        send(number)?;
        thread::sleep(PAUSE);
    }
    Steady::of(&plot.stand_ins, count, worker.pid())?;
    let holds = Holds::of(&worker.scrape()?);
    worker.stop()?;
    Ok(vec![
        ("holds", float(count)),
        ("hold p50 ms", holds.quantile(0.5) * 1e3),
        ("hold p99 ms", holds.quantile(0.99) * 1e3),
    ])
}

/// `signalmill_hold_seconds`: upper bounds, and how many holds took at most so long.
#[derive(Default)]
struct Holds(Vec<(f64, f64)>);

impl Holds {
    fn of(page: &str) -> Self {
        let bucket = |line: &str| -> Option<(f64, f64)> {
            let (bound, count) = line.strip_prefix("signalmill_hold_seconds_bucket{le=\"")?.split_once("\"} ")?;
            Some((bound.parse().ok()?, count.parse().ok()?))
        };
        Self(page.lines().filter_map(bucket).collect())
    }

    /// Seconds below which this share of the holds lies, as if those of a bucket were spread evenly.
    fn quantile(&self, share: f64) -> f64 {
        let wanted = self.0.last().map_or(0.0, |(_, all)| share * all);
        let (mut from, mut below) = (0.0, 0.0);
        for (bound, count) in &self.0 {
            if *count >= wanted && wanted > 0.0 {
                return if bound.is_finite() {
                    from + (bound - from) * (wanted - below) / (count - below)
                } else {
                    from
                };
            }
            (from, below) = (*bound, *count);
        }
        f64::NAN
    }
}
