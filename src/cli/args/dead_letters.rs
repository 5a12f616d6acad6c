//! Arguments of the commands for dead letters.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use crate::model::{NanoUsd, Timestamp};
use crate::wire::headers::Origin;

/// What to do with dead letters.
#[derive(Debug, Clone, Subcommand)]
pub enum Dlq {
    /// List dead letters, the newest first, without their payloads
    List(DlqList),
    /// Show all of a dead letter: why it is one, its headers, its payload
    Show(DlqShow),
    /// Send dead letters again as they were, to the hop that gave them up
    Retry(DlqRetry),
    /// Put dead letters aside: nobody is shown them, and nothing is sent or deleted
    Drop(DlqDrop),
}

/// Which dead letters.
#[derive(Debug, Clone, Default, Args)]
pub struct Which {
    /// Of this topic, with or without `kafka.topic_prefix`
    #[arg(long)]
    pub topic: Option<String>,
    /// For this reason, such as `malformed` or `too_large`
    #[arg(long)]
    pub reason: Option<String>,
    /// Given up by this stage, such as `window/decode`
    #[arg(long)]
    pub stage: Option<String>,
    /// Not older than this: a time such as 2026-11-22T04:00:00Z, or so long ago, such as 2h
    #[arg(long, value_name = "TIME|DURATION")]
    pub since: Option<When>,
    /// Older than this
    #[arg(long, value_name = "TIME|DURATION")]
    pub until: Option<When>,
    /// That stand so; `open` are those about which nothing was done, or not to its end
    #[arg(long, value_enum, default_value = "open")]
    pub state: DlqState,
}

/// How a dead letter stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum DlqState {
    /// Nothing was done about it, or not to its end
    #[default]
    Open,
    /// It was being sent again when that was interrupted
    Sending,
    /// It was sent again
    Retried,
    /// It was put aside
    Dropped,
    /// All of them
    All,
}

/// A time, or so long before now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// This moment.
    At(Timestamp),
    /// So long ago.
    Ago(Duration),
}

impl FromStr for When {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(moment) = text.parse::<jiff::Timestamp>() {
            return Ok(Self::At(Timestamp(moment.as_millisecond())));
        }
        let ago = text.parse::<jiff::SignedDuration>().ok().and_then(|ago| Duration::try_from(ago).ok());
        ago.map(Self::Ago).ok_or("expected a time such as 2026-11-22T04:00:00Z, or a duration such as 2h")
    }
}

/// Arguments of `dlq list`.
#[derive(Debug, Clone, Args)]
pub struct DlqList {
    /// Which ones
    #[command(flatten)]
    pub which: Which,
    /// At most so many
    #[arg(long, value_name = "N", default_value = "100")]
    pub limit: u64,
}

/// Arguments of `dlq show`.
#[derive(Debug, Clone, Args)]
pub struct DlqShow {
    /// The record that died, or its place in the `.dlq` topic: TOPIC/PARTITION/OFFSET
    #[arg(value_name = "LETTER")]
    pub letter: Origin,
    /// The one for this reason, where the record died more than once
    #[arg(long)]
    pub reason: Option<String>,
    /// Write the payload to this file, byte for byte; `-` for standard output, and nothing else
    #[arg(long, value_name = "FILE")]
    pub payload_to: Option<PathBuf>,
}

/// Dead letters that something is done about.
#[derive(Debug, Clone, Default, Args)]
pub struct Chosen {
    /// The records that died, or their places in `.dlq` topics: TOPIC/PARTITION/OFFSET
    #[arg(value_name = "LETTER")]
    pub letters: Vec<Origin>,
    /// Which ones
    #[command(flatten)]
    pub which: Which,
    /// All of them: needed where neither letters nor a filter are given
    #[arg(long)]
    pub all: bool,
}

/// Arguments of `dlq retry`.
#[derive(Debug, Clone, Args)]
pub struct DlqRetry {
    /// Which ones
    #[command(flatten)]
    pub chosen: Chosen,
    /// Say what would be sent and what that may cost, and send nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Send only what may cost so much together, in dollars, at its worst
    #[arg(long, value_name = "USD")]
    pub max_usd: Option<NanoUsd>,
    /// Pass over what was sent again so often already, unless it is named
    #[arg(long, value_name = "N", default_value = "3")]
    pub retries_max: u32,
    /// At most so many
    #[arg(long, value_name = "N", default_value = "100000")]
    pub limit: u64,
}

/// Arguments of `dlq drop`.
#[derive(Debug, Clone, Args)]
pub struct DlqDrop {
    /// Which ones
    #[command(flatten)]
    pub chosen: Chosen,
    /// Say what would be put aside, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// At most so many
    #[arg(long, value_name = "N", default_value = "100000")]
    pub limit: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_moment_or_so_long_ago() {
        assert_eq!("2026-11-22T00:00:00Z".parse(), Ok(When::At(Timestamp(1_795_305_600_000))));
        assert_eq!("90m".parse(), Ok(When::Ago(Duration::from_mins(90))));
        for wrong in ["", "yesterday", "-2h", "7"] {
            assert!(wrong.parse::<When>().is_err(), "{wrong}");
        }
    }
}
