//! Arguments of `replay`.

use clap::{Args, Subcommand};

use crate::model::NanoUsd;

/// Arguments of `replay`, and what else is done about runs.
#[derive(Debug, Clone, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Replay {
    /// Something about runs that were made
    #[command(subcommand)]
    pub about: Option<AboutRuns>,
    /// What to read
    #[command(flatten)]
    pub order: ReplayOrder,
}

/// What is read again, and how.
#[derive(Debug, Clone, Args)]
pub struct ReplayOrder {
    /// Topic to read: articles.raw, articles.batches, articles.analyses, market.files, market.batches, market.contexts
    #[arg(long, value_name = "TOPIC", required = true)]
    pub topic: Option<String>,
    /// Begin at an offset (1200), a time (2026-11-22T04:00:00Z, 2026-11-22), or so long ago (P7D, PT36H) [default: the
    /// oldest record]
    #[arg(long, value_name = "BOUND")]
    pub from: Option<String>,
    /// End there, in the same forms [default: where the topic ends now]
    #[arg(long, value_name = "BOUND")]
    pub to: Option<String>,
    /// Name of the run; the name of one that was interrupted goes on with it [default: made of the time]
    #[arg(long, value_name = "ID")]
    pub run_id: Option<String>,
    /// Another value of a key of the configuration, in this run only; may be given more than once
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    pub set: Vec<(String, String)>,
    /// Buy what was never answered, for at most so many dollars [default: nothing is bought]
    #[arg(long, value_name = "USD")]
    pub max_usd: Option<NanoUsd>,
    /// Share of the provider's concurrent calls that the run may have beside live traffic, 0 to 1
    #[arg(long, value_name = "X", default_value = "0.5", value_parser = super::market::share)]
    pub share: f64,
    /// Say what it would do and cost, and do nothing
    #[arg(long)]
    pub plan: bool,
}

fn pair(text: &str) -> Result<(String, String), &'static str> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE, such as market.strategies=[\"momentum\"]")?;
    Ok((key.trim().to_owned(), value.to_owned()))
}

/// What else is done about runs.
#[derive(Debug, Clone, Subcommand)]
pub enum AboutRuns {
    /// The newest runs
    List,
    /// How the signals of two runs differ; `live` is one, too
    Diff(RunPair),
    /// Let the reading views show a run wherever live traffic says nothing newer; `live` takes it back
    Promote(RunName),
}

/// Arguments of `replay diff`.
#[derive(Debug, Clone, Args)]
pub struct RunPair {
    /// The first run
    #[arg(value_name = "RUN_A")]
    pub a: String,
    /// The run that is compared with it
    #[arg(value_name = "RUN_B")]
    pub b: String,
}

/// Arguments of `replay promote`.
#[derive(Debug, Clone, Args)]
pub struct RunName {
    /// The run
    #[arg(value_name = "RUN")]
    pub run: String,
}
