//! `indicators FILE`: every indicator at every bar of a candle file, a JSON object a line.

use std::io::{self, BufWriter, Write as _};

use crate::cli::args::Indicators;
use crate::cli::market;
use crate::cli::output::harmless;
use crate::clock::Clock;
use crate::market::candles::Read;
use crate::market::indicators;

pub(super) fn run(args: &Indicators) -> anyhow::Result<()> {
    let read = market::read(&args.file, Clock::system().now())?;
    note(&read)?;
    let out = &mut BufWriter::new(io::stdout().lock());
    indicators::write(&read.series.candles, out)?;
    Ok(out.flush()?)
}

/// What a reader of the file should know, on standard error.
pub(super) fn note(read: &Read) -> io::Result<()> {
    read.notes().iter().try_for_each(|note| writeln!(io::stderr(), "{}", harmless(note)))
}
