//! `replay`: a range of a topic read again into a run of its own, what that would cost, and what is done about runs.

use std::io::{self, Write as _};
use std::sync::Mutex;
use std::sync::PoisonError;

use anyhow::Context as _;
use serde::Serialize;

use super::{check_providers, progress, stop_signal, store, surroundings};
use crate::cli::Usage;
use crate::cli::args::{AboutRuns, Replay, ReplayOrder};
use crate::cli::output::{self, Progress, Table};
use crate::clickhouse::{Difference, KIND_LIVE, RunState, Store};
use crate::clock::Clock;
use crate::config::{Config, Environment, Problems};
use crate::model::{LIVE_RUN, NanoUsd, Timestamp};
use crate::replay::{self, Order, Plan, Report, Topic, Unfit, parse_bound};

/// Runs that are listed at most.
const SHOWN_MAX: u64 = 100;

/// `load` reads the configuration from an environment.
pub(super) async fn run(
    asked: Replay,
    environment: &Environment,
    load: impl Fn(&Environment) -> Result<Config, Problems>,
    as_json: bool,
) -> anyhow::Result<()> {
    let Some(about) = asked.about else {
        return order(asked.order, environment, load, as_json).await;
    };
    let clock = Clock::system();
    let store = store(&load(environment)?, &clock)?;
    match about {
        AboutRuns::List => list(&store.runs(SHOWN_MAX).await?, as_json),
        AboutRuns::Diff(pair) => {
            for run_id in [&pair.a, &pair.b] {
                found(&store, run_id).await?;
            }
            diff(&store.difference(&pair.a, &pair.b).await?, as_json)
        }
        AboutRuns::Promote(name) => promote(&store, &name.run, &clock, as_json).await,
    }
}

async fn order(
    asked: ReplayOrder,
    environment: &Environment,
    load: impl Fn(&Environment) -> Result<Config, Problems>,
    as_json: bool,
) -> anyhow::Result<()> {
    let stop = stop_signal()?;
    let mut changed = environment.clone();
    for (key, value) in &asked.set {
        changed = changed.with(&format!("SIGNALMILL__{}", key.replace('.', "__").to_uppercase()), value);
    }
    let surroundings = surroundings(load(&changed)?)?;
    let now = surroundings.clock.now();
    let order = ordered(&asked, now).map_err(|unfit| Usage(unfit.to_string()))?;
    if asked.plan {
        let bar = Bar::new("records");
        let plan = replay::plan(&surroundings, &order, asked.share, &|done, total| bar.show(done, total), stop).await?;
        bar.finish();
        return show_plan(&plan, as_json);
    }
    check_providers(&replay::hops(&order), &surroundings.config, &surroundings.clock)?;
    let bar = Bar::new("offsets");
    let told = |done, total| bar.show(done, total);
    let report = match replay::run(surroundings, order, asked.share, &told, stop).await {
        Err(error) if error.is::<Unfit>() => return Err(Usage(format!("{error:#}")).into()),
        ended => ended?,
    };
    bar.finish();
    show(&report, as_json)
}

fn ordered(asked: &ReplayOrder, now: Timestamp) -> Result<Order, Unfit> {
    let bound = |text: &Option<String>| text.as_deref().map(|text| parse_bound(text, now)).transpose();
    let order = Order {
        run_id: asked.run_id.clone().unwrap_or_else(|| format!("replay-{}", now.compact())),
        topic: Topic::parse(asked.topic.as_deref().unwrap_or_default())?,
        from: bound(&asked.from)?,
        to: bound(&asked.to)?,
        set: asked.set.clone(),
        max: asked.max_usd,
    };
    order.checked()
}

/// A bar whose length is known once it begins.
struct Bar {
    what: &'static str,
    shown: Mutex<Option<(Progress, u64)>>,
}

impl Bar {
    fn new(what: &'static str) -> Self {
        Self { what, shown: Mutex::new(None) }
    }

    fn show(&self, done: u64, total: u64) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let (bar, before) = shown.get_or_insert_with(|| (progress(self.what, Some(total)), 0));
        bar.add(done.saturating_sub(*before));
        *before = done;
    }

    fn finish(self) {
        if let Some((bar, _)) = self.shown.into_inner().unwrap_or_else(PoisonError::into_inner) {
            bar.finish();
        }
    }
}

fn show_plan(plan: &Plan, as_json: bool) -> anyhow::Result<()> {
    let out = &mut io::stdout().lock();
    if as_json {
        return Ok(output::write_json(out, plan)?);
    }
    let Plan { records, journal_hits, calls, usd_p50, usd_p95, usd_worst, minutes, .. } = plan;
    writeln!(
        out,
        "{records} records; {journal_hits} articles were answered before, {calls} questions would be bought"
    )?;
    writeln!(out, "cost: ${usd_p50} (p50), ${usd_p95} (p95), ${usd_worst} at worst; {minutes:.1} minutes of calls")?;
    if *calls > 0 {
        writeln!(
            out,
            "nothing is bought without --max-usd; --max-usd {usd_worst} is enough for all of it where no answer is lost"
        )?;
    }
    Ok(())
}

fn show(report: &Report, as_json: bool) -> anyhow::Result<()> {
    let out = &mut io::stdout().lock();
    if as_json {
        return Ok(output::write_json(out, report)?);
    }
    let Report { run, analyses, signals, missing, rejected, seconds } = report;
    let RunState { run_id, status, records, cost_usd, .. } = run;
    writeln!(out, "run {run_id} is {status}: {records} records, ${}", dollars(*cost_usd))?;
    writeln!(
        out,
        "{analyses} articles read from what was paid for, {signals} signals, {missing} never answered, {rejected} \
         unreadable, {seconds:.1} s"
    )?;
    writeln!(out, "compare: signalmill replay diff {LIVE_RUN} {run_id}; show: signalmill replay promote {run_id}")?;
    Ok(())
}

fn dollars(nanos: i64) -> NanoUsd {
    NanoUsd(u64::try_from(nanos).unwrap_or(0))
}

fn list(runs: &[RunState], as_json: bool) -> anyhow::Result<()> {
    let out = &mut io::stdout().lock();
    if as_json {
        return Ok(output::write_json(out, &runs)?);
    }
    let mut table = Table::new(&["run", "topic", "status", "records", "cost", "started", "promoted"]);
    for run in runs {
        table.row([
            run.run_id.clone(),
            run.topic.clone(),
            run.status.clone(),
            run.records.to_string(),
            format!("${}", dollars(run.cost_usd)),
            Timestamp(run.started_at).to_string(),
            run.promoted_at.map(|at| Timestamp(at).to_string()).unwrap_or_default(),
        ]);
    }
    Ok(table.write(out)?)
}

fn diff(differences: &[Difference], as_json: bool) -> anyhow::Result<()> {
    let out = &mut io::stdout().lock();
    if as_json {
        return Ok(output::write_json(out, &differences)?);
    }
    let mut table = Table::new(&[
        "kind",
        "strategy",
        "both",
        "only A",
        "only B",
        "changed",
        "drift",
        "|drift|",
        "max",
        "flips",
        "reversals",
        "cost A",
        "cost B",
    ]);
    for row in differences {
        table.row([
            row.kind.clone(),
            row.strategy.clone(),
            row.both.to_string(),
            row.only_a.to_string(),
            row.only_b.to_string(),
            row.changed.to_string(),
            format!("{:.3}", row.drift_mean),
            format!("{:.3}", row.drift_absolute),
            format!("{:.3}", row.drift_max),
            row.flips.to_string(),
            row.reversals.to_string(),
            format!("${}", dollars(row.cost_a_usd)),
            format!("${}", dollars(row.cost_b_usd)),
        ]);
    }
    Ok(table.write(out)?)
}

/// The run of this id; live traffic needs no row.
async fn found(store: &Store, run_id: &str) -> anyhow::Result<Option<RunState>> {
    let run = store.run(run_id).await?;
    if run.is_none() && run_id != LIVE_RUN {
        anyhow::bail!("there is no run {run_id}: `signalmill replay list` shows them");
    }
    Ok(run)
}

/// Who is shown now.
#[derive(Debug, Serialize)]
struct Promoted<'a> {
    promoted: &'a str,
    before: Option<String>,
}

async fn promote(store: &Store, run_id: &str, clock: &Clock, as_json: bool) -> anyhow::Result<()> {
    let before = store.promoted().await?;
    let now = clock.now();
    let live = || RunState {
        run_id: LIVE_RUN.to_owned(),
        kind: KIND_LIVE.to_owned(),
        topic: String::new(),
        from: String::new(),
        to: String::new(),
        settings: "{}".to_owned(),
        status: "running".to_owned(),
        records: 0,
        cost_usd: 0,
        started_at: now.0,
        finished_at: None,
        promoted_at: None,
    };
    let mut run = found(store, run_id).await?.unwrap_or_else(live);
    run.promoted_at = Some(now.0);
    store.note_run(&run, now).await.context("promoting the run")?;
    let out = &mut io::stdout().lock();
    if as_json {
        return Ok(output::write_json(out, &Promoted { promoted: run_id, before })?);
    }
    let before = before.as_deref().unwrap_or(LIVE_RUN);
    Ok(writeln!(
        out,
        "the reading views show {run_id} now, wherever live traffic says nothing newer (before: {before})"
    )?)
}
