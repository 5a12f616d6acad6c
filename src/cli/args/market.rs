//! Arguments of the commands of the market.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand};

use crate::model::Strategy;

/// Arguments of `indicators`.
#[derive(Debug, Clone, Args)]
pub struct Indicators {
    /// Candle file of any known shape, `-` for standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// Arguments of `patterns`.
#[derive(Debug, Clone, Args)]
pub struct Patterns {
    /// Candle file of any known shape, `-` for standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Patterns that were complete within the last N bars [default: those that its chart still shows]
    #[arg(long, value_name = "N", conflicts_with = "all")]
    pub last: Option<usize>,
    /// Every pattern of the file
    #[arg(long)]
    pub all: bool,
    /// Only what is at least so certain, 0 to 1
    #[arg(long, value_name = "X", default_value = "0", value_parser = share)]
    pub min_confidence: f64,
}

pub(super) fn share(text: &str) -> Result<f64, &'static str> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("expected a number from 0 to 1"),
    }
}

/// Arguments of `ingest market`.
#[derive(Debug, Clone, Args)]
pub struct IngestMarket {
    /// Folder of candle files; hidden files are passed over
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
}

/// Arguments of `scan`.
#[derive(Debug, Clone, Args)]
pub struct Scan {
    /// Folder of candle files; hidden files are passed over
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// How series are scored: `all`, or some of momentum, breakout, reversal, comma-separated
    #[arg(long, value_name = "LIST", default_value = "all")]
    pub strategy: Choice,
    /// Where the feed goes
    #[arg(long, value_name = "FILE", default_value = "master_feed.json")]
    pub out: PathBuf,
    /// Use no services: the feed is all that comes of it, and nothing is known of derivatives
    #[arg(long)]
    pub local: bool,
    /// Exit with 1 if a file is broken
    #[arg(long)]
    pub strict: bool,
}

/// Strategies, in their order and without repetition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice(pub Vec<Strategy>);

impl FromStr for Choice {
    type Err = String;

    fn from_str(list: &str) -> Result<Self, Self::Err> {
        if list == "all" {
            return Ok(Self(Strategy::ALL.to_vec()));
        }
        let unknown = |word: &str| {
            let known: Vec<&str> = Strategy::ALL.iter().map(|strategy| strategy.as_str()).collect();
            format!("no strategy is called {word:?}: there are all, {}", known.join(", "))
        };
        let parse = |word: &str| Strategy::parse(word).ok_or_else(|| unknown(word));
        let mut chosen = list.split(',').map(|word| parse(word.trim())).collect::<Result<Vec<_>, _>>()?;
        chosen.sort_unstable();
        chosen.dedup();
        Ok(Self(chosen))
    }
}

/// What to write.
#[derive(Debug, Clone, Subcommand)]
pub enum Export {
    /// The newest signals of all markets, as `scan` writes them
    MasterFeed(MasterFeed),
}

/// Arguments of `export master-feed`.
#[derive(Debug, Clone, Args)]
pub struct MasterFeed {
    /// Where the feed goes, `-` for standard output
    #[arg(long, value_name = "FILE", default_value = "master_feed.json")]
    pub out: PathBuf,
}
