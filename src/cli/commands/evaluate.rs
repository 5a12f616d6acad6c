//! `evaluate`: were the signals right? Tables or JSON, a picture, and rows for the dashboard.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;

use super::{progress, store};
use crate::cli::args::Evaluate;
use crate::cli::output::{self, Table};
use crate::clickhouse::questions::SaidFilter;
use crate::clock::Clock;
use crate::config::Config;
use crate::evaluate::{Asked, By, Evaluation, Finding, Range, Resampling, evaluate, picture, stored};
use crate::market::drawing::Theme;

/// Horizons of one evaluation.
const HORIZONS_MAX: usize = 12;

pub(super) async fn run(args: Evaluate, config: Config, as_json: bool) -> anyhow::Result<()> {
    let clock = Clock::system();
    let store = store(&config, &clock)?;
    let shown: Vec<By> = args.by.iter().copied().map(By::from).collect();
    let asked = asked(&args, &shown)?;
    let mut bar = None;
    let mut watch = |_: u64, total: u64| {
        bar.get_or_insert_with(|| progress("markets looked through", Some(total))).add(1);
    };
    let mut evaluation = evaluate(&store, &asked, clock.now(), &mut watch).await?;
    if let Some(bar) = bar {
        bar.finish();
    }
    if !args.dry_run {
        stored::store(&store, &evaluation).await.context("storing the evaluation")?;
    }
    if let Some(path) = &args.out {
        draw(path, &evaluation).with_context(|| format!("writing {}", path.display()))?;
    }
    evaluation.findings.retain(|finding| shown.contains(&finding.by));
    let out = &mut io::stdout().lock();
    if as_json {
        return Ok(output::write_json(out, &evaluation)?);
    }
    Ok(show(&evaluation, out)?)
}

/// What is always reckoned, and what is to be shown.
fn asked(args: &Evaluate, shown: &[By]) -> anyhow::Result<Asked> {
    let mut horizons: Vec<Duration> = args.horizon.clone();
    horizons.sort_unstable();
    horizons.dedup();
    if horizons.len() > HORIZONS_MAX {
        return Err(crate::cli::Usage(format!("at most {HORIZONS_MAX} horizons can be looked at together")).into());
    }
    let mut by = By::USUAL.to_vec();
    by.extend(shown);
    by.sort_unstable();
    by.dedup();
    Ok(Asked {
        filter: SaidFilter {
            run_id: args.run_id.clone(),
            kind: args.kind.map(|kind| kind.as_str().to_owned()),
            strategy: args.strategy.clone(),
            subject: args.subject.clone(),
            from: args.from,
            to: args.to,
        },
        horizons,
        by,
        resampling: Resampling { resamples: args.resamples, seed: args.seed },
    })
}

fn draw(path: &Path, evaluation: &Evaluation) -> io::Result<()> {
    let drawing = picture::draw(evaluation);
    if path.extension().is_some_and(|extension| extension == "png") {
        return fs::write(path, drawing.png(Theme::Light)?);
    }
    fs::write(path, drawing.svg(Theme::Light))
}

/// First what prices did, then how good the stated probabilities were.
fn show(evaluation: &Evaluation, out: &mut impl io::Write) -> io::Result<()> {
    let (Some(first), Some(last)) = (evaluation.first_at, evaluation.last_at) else {
        return writeln!(out, "no signals to evaluate");
    };
    writeln!(out, "signals that were available from {first} to {last}\n")?;
    let mut returns = Table::new(&[
        "by",
        "group",
        "after",
        "signals",
        "measured",
        "pending",
        "no price",
        "neutral",
        "hit rate",
        "by chance",
        "always long",
        "edge",
        "return",
        "rank IC",
    ]);
    let mut probabilities = Table::new(&[
        "by",
        "group",
        "after",
        "calls",
        "Brier score",
        "reliability",
        "resolution",
        "uncertainty",
        "within bins",
    ]);
    for finding in &evaluation.findings {
        returns.row(row_of_returns(finding));
        if let Some(row) = row_of_probabilities(finding) {
            probabilities.row(row);
        }
    }
    returns.write(out)?;
    writeln!(out, "\nin brackets: 95 % intervals of {} draws; absent where there are too few", evaluation.resamples)?;
    if evaluation.findings.iter().any(|finding| finding.statistics.brier_parts.is_some()) {
        writeln!(out, "\nprobability of a rise, stated as ½ ± ½ confidence, and what came of it\n")?;
        probabilities.write(out)?;
    }
    Ok(())
}

fn row_of_returns(finding: &Finding) -> [String; 14] {
    let Finding { by, group, horizon, counts, statistics, .. } = finding;
    let rates = &statistics.rates;
    [
        by.as_str().to_owned(),
        named(group),
        horizon.clone(),
        counts.signals.to_string(),
        counts.measured.to_string(),
        counts.pending.to_string(),
        counts.no_price.to_string(),
        counts.neutral.to_string(),
        percent(rates.hit_rate, statistics.hit_rate_range, 1),
        percent(rates.by_chance, None, 1),
        percent(rates.always_long, None, 1),
        percent(rates.edge, statistics.edge_range, 1),
        percent(rates.mean_return, statistics.mean_return_range, 2),
        number(rates.rank_ic, statistics.rank_ic_range),
    ]
}

fn row_of_probabilities(finding: &Finding) -> Option<[String; 9]> {
    let Finding { by, group, horizon, counts, statistics, .. } = finding;
    let parts = statistics.brier_parts?;
    Some([
        by.as_str().to_owned(),
        named(group),
        horizon.clone(),
        (counts.measured - counts.neutral).to_string(),
        number(statistics.rates.brier, statistics.brier_range),
        number(Some(parts.reliability), None),
        number(Some(parts.resolution), None),
        number(Some(parts.uncertainty), None),
        number(Some(parts.within_bins), None),
    ])
}

fn named(group: &str) -> String {
    if group.is_empty() { "(none)".to_owned() } else { group.to_owned() }
}

/// With its interval; empty where it is not known.
fn percent(share: Option<f64>, range: Option<Range>, decimals: usize) -> String {
    let Some(share) = share else { return String::new() };
    let shown = |share: f64| rounded(share * 100.0, decimals);
    match range {
        Some(Range { low, high }) => format!("{}% [{}, {}]", shown(share), shown(low), shown(high)),
        None => format!("{}%", shown(share)),
    }
}

/// The same to three digits.
fn number(value: Option<f64>, range: Option<Range>) -> String {
    let Some(value) = value else { return String::new() };
    let shown = |value: f64| rounded(value, 3);
    match range {
        Some(Range { low, high }) => format!("{} [{}, {}]", shown(value), shown(low), shown(high)),
        None => shown(value),
    }
}

/// Nothing below zero is shown as a zero with a sign.
fn rounded(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(digits) if digits.bytes().all(|digit| matches!(digit, b'0' | b'.')) => digits.to_owned(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_shown_with_how_sure_they_are() {
        let range = Some(Range { low: -0.000_1, high: 0.25 });
        assert_eq!(percent(Some(0.123), range, 1), "12.3% [0.0, 25.0]");
        assert_eq!(percent(Some(-0.123), None, 2), "-12.30%");
        assert_eq!((percent(None, None, 1), number(None, range)), (String::new(), String::new()));
        assert_eq!(number(Some(-7e-17), range), "0.000 [0.000, 0.250]");
        assert_eq!(named(""), "(none)");
    }
}
