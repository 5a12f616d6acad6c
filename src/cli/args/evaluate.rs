//! Arguments of `evaluate`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::evaluate::By;
use crate::evaluate::resample::RESAMPLES_MAX;
use crate::model::{SignalKind, Timestamp};

/// Shortest and longest horizon.
const HORIZONS: std::ops::RangeInclusive<u64> = 60..=60 * 86_400;

/// Arguments of `evaluate`.
#[derive(Debug, Clone, Args)]
pub struct Evaluate {
    /// Signals that were available at this time or later: a date, or RFC 3339
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub from: Option<Timestamp>,
    /// Signals that were available before this time
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub to: Option<Timestamp>,
    /// Only signals of articles, or of markets
    #[arg(long, value_enum)]
    pub kind: Option<Kind>,
    /// Only signals of this strategy
    #[arg(long, value_name = "NAME")]
    pub strategy: Option<String>,
    /// Only signals about this: an asset such as BTC, or a market's symbol
    #[arg(long, value_name = "NAME")]
    pub subject: Option<String>,
    /// Whose signals: live ones, or those of a replay
    #[arg(long, value_name = "ID", default_value = crate::model::LIVE_RUN)]
    pub run_id: String,
    /// How long prices have to prove a signal right, comma-separated: such as 30m, 4h, 7d
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "1h,4h,24h,72h", value_parser = horizon)]
    pub horizon: Vec<Duration>,
    /// What to show, comma-separated
    #[arg(long, value_enum, value_name = "LIST", value_delimiter = ',', default_value = "all,strategy")]
    pub by: Vec<Group>,
    /// Draws of the block bootstrap behind the 95 % intervals; 0 for none
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(..=i64::from(RESAMPLES_MAX)))]
    pub resamples: u32,
    /// Of these draws: the same seed gives the same intervals
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Draw how well stated probabilities are calibrated, as .svg or .png
    #[arg(long, value_name = "FILE", value_parser = picture)]
    pub out: Option<PathBuf>,
    /// Store nothing: otherwise the result is kept in the table `evaluations`, which the dashboard shows
    #[arg(long)]
    pub dry_run: bool,
}

/// What a signal was made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Articles
    Article,
    /// Market series
    Market,
}

impl Kind {
    /// As the column `kind` has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Article => SignalKind::Article,
            Self::Market => SignalKind::Market,
        }
        .as_str()
    }
}

/// What signals are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Group {
    /// All of them together
    All,
    /// Articles and markets
    Kind,
    /// How they were scored
    Strategy,
    /// Who analysed
    Analyzer,
    /// The model version that answered
    Model,
    /// The version of the prompt, the lexicon or the formulas
    PromptVersion,
    /// Each component of each strategy by itself: how its value ranks the returns
    Component,
    /// The asset or symbol
    Subject,
}

impl From<Group> for By {
    fn from(group: Group) -> Self {
        match group {
            Group::All => Self::All,
            Group::Kind => Self::Kind,
            Group::Strategy => Self::Strategy,
            Group::Analyzer => Self::Analyzer,
            Group::Model => Self::Model,
            Group::PromptVersion => Self::PromptVersion,
            Group::Component => Self::Component,
            Group::Subject => Self::Subject,
        }
    }
}

fn moment(text: &str) -> Result<Timestamp, &'static str> {
    let now = crate::clock::Clock::system().now();
    crate::model::parse_date(text, now).ok_or("expected a time such as 2026-11-20 or 2026-11-20T08:00:00Z")
}

fn horizon(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no horizon between 1m and 60d, such as 30m, 4h or 7d");
    let (number, unit) = text.split_at(text.len() - text.chars().last().map_or(0, char::len_utf8));
    let unit = match unit {
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    let seconds = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    seconds.filter(|seconds| HORIZONS.contains(seconds)).map(Duration::from_secs).ok_or_else(wrong)
}

fn picture(text: &str) -> Result<PathBuf, &'static str> {
    let path = PathBuf::from(text);
    let known = path.extension().is_some_and(|extension| extension == "svg" || extension == "png");
    if known { Ok(path) } else { Err("expected a file that ends with .svg or .png") }
}
