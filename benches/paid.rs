//! Paid analysis against stand-ins that answer after 100 ms, on real Kafka and the real engine:
//! `cargo bench --bench paid -- [--calls N] [--hold N] [--adaptive SECONDS] [--recovery N] [--usable CENTS] [--json]`,
//! where 0 leaves a part out.
//!
//! * `calls`: calls a second while [`FLOOR`] to [`CEILING`] of them are billed, by all stages but the sink and by all,
//!   against a bare loop that sends the same bodies to the same stand-in, [`IN_FLIGHT`] at a time, in the same round
//!   (`--rounds`, `--bytes`)
//! * `hold`: the time from the wish to hold money to the hold being in the log, one article at a time; that under load
//!   stands among the `calls`
//! * `adaptive`: the stand-in bears `--capacity` calls at a time, then a tenth of them, then all again, each for so many
//!   seconds: time until four fifths of it are used, and what became of the articles; its answers take `--latency` ms
//! * `recovery`: from the start of the process to the book of a ledger with so many entries
//! * `usable`: the share of a limit that is spent on settled calls when there is more work than money
//!
//! Budgets are out of reach where they are not what is measured. Everything runs on one machine: where its CPU is used
//! up, only ratios inside one round mean something.

mod adaptive;
mod articles;
mod asking;
mod calls;
mod child;
mod ledger;
mod options;
mod process;
mod recovery;
mod report;
#[expect(dead_code, reason = "other benchmarks ask more of it")]
mod site;
mod tail;
mod tally;
mod topics;
mod worker;

use std::time::Duration;

use signalmill::embedded::providers::Provider;
use signalmill::model::NanoUsd;

use adaptive::Bearing;
use options::Options;
use report::Report;
use site::Site;
use tail::Tail;

/// The longest that one measurement may take.
const PATIENCE: Duration = Duration::from_mins(10);
/// Calls in flight at most.
const IN_FLIGHT: usize = 256;
/// How long a stand-in takes for an answer.
const LATENCY: Duration = Duration::from_millis(100);
/// The steady state, as shares of all calls.
const FLOOR: f64 = 0.2;
const CEILING: f64 = 0.9;
/// Nano-dollars of a cent.
const CENT: u64 = 10_000_000;
/// Articles for each cent: an article costs some 0.03 cents, so there is twice as much work as money.
const ARTICLES_A_CENT: u64 = 60;

fn main() -> anyhow::Result<()> {
    if asking::run_if_asked()? {
        return Ok(());
    }
    let options = Options::of_process();
    let bytes = usize::try_from(options.number("--bytes", 4_400)?)?;
    let site = Site::start()?;
    let count = options.number("--calls", 5_000)?;
    if count > 0 {
        let mut report = Report::new("paid calls", options.json());
        calls::measure(&site, (count, bytes), options.number("--rounds", 3)?, &mut report)?;
        report.print();
    }
    let count = options.number("--hold", 200)?;
    if count > 0 {
        let mut report = Report::new("paid hold", options.json());
        report.row("one article at a time", calls::alone(&site, (count, bytes))?);
        report.print();
    }
    let span = Duration::from_secs(options.number("--adaptive", 25)?);
    if !span.is_zero() {
        let mut report = Report::new("paid adaptive", options.json());
        let capacity = usize::try_from(options.number("--capacity", 250)?)?;
        let latency = Duration::from_millis(options.number("--latency", 100)?);
        adaptive::measure(&site, &Bearing { capacity, latency }, span, &mut report)?;
        report.print();
    }
    let entries = options.number("--recovery", 1_000_000)?;
    if entries > 0 {
        let mut report = Report::new("paid recovery", options.json());
        recovery::measure(&site, entries, &mut report)?;
        report.print();
    }
    let cents = options.number("--usable", 30)?;
    if cents > 0 {
        let mut report = Report::new("paid usable", options.json());
        report.row(format!("a session of {cents} cents"), usable(&site, cents, bytes)?);
        report.print();
    }
    Ok(())
}

/// The share of a session's limit that is spent on settled calls when all its articles have ended.
fn usable(site: &Site, cents: u64, bytes: usize) -> anyhow::Result<Vec<(&'static str, f64)>> {
    let mut plot = site.plot("usable")?;
    let articles = cents * ARTICLES_A_CENT;
    topics::fill(&plot.kafka, articles, bytes)?;
    let ends = Tail::of(&plot.kafka, signalmill::kafka::ARTICLES_ANALYSES)?;
    let limit = NanoUsd(cents * CENT);
    let worker = plot.worker("window,enrich", limit, IN_FLIGHT, "")?;
    ends.wait_for(articles, PATIENCE)?;
    worker.stop()?;
    let ended = tally::articles(&plot.kafka)?;
    let settled = tally::settled(&plot.kafka)?;
    let billed = plot.stand_ins.bill().of(Provider::OpenAi);
    let dollars = |amount: NanoUsd| site::float(amount.0) / 1e9;
    Ok(vec![
        ("limit $", dollars(limit)),
        ("settled $", dollars(settled)),
        ("billed $", dollars(billed)),
        ("settled %", 100.0 * dollars(settled) / dollars(limit)),
        ("analysed", site::float(ended.analyzed)),
        ("deferred", site::float(ended.deferred)),
        ("failed", site::float(ended.failed)),
    ])
}
