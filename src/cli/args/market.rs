//! Arguments of the commands of the market.

use std::path::PathBuf;

use clap::Args;

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

fn share(text: &str) -> Result<f64, &'static str> {
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
