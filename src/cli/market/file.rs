//! One candle file, as somebody names it on the command line.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use anyhow::{Context as _, anyhow};

use crate::market::candles::{self, BYTES_MAX, Broken, Hints, Read, Reason};
use crate::model::Timestamp;

/// What standard input is called in messages, and as a market where nothing else names one.
const STDIN: &str = "stdin";

/// Reads a file, `-` for standard input, as of `now`. Where neither the content nor the name says the market, the name
/// without its end stands for it: a chart needs none.
///
/// # Errors
/// The file cannot be read, or is broken; the reason.
pub(in crate::cli) fn read(path: &Path, now: Timestamp) -> anyhow::Result<Read> {
    let name = path.display().to_string();
    let (bytes, name) = if name == "-" {
        (bytes(io::stdin().lock()), STDIN.to_owned())
    } else {
        (File::open(path).and_then(bytes), name)
    };
    let bytes = bytes.with_context(|| format!("reading {name}"))?;
    let plain = Hints::at(now);
    let read = match candles::read(&bytes, &name, &plain) {
        Err(Broken { reason: Reason::NoSymbol, .. }) => {
            let stem = Path::new(&name).file_stem().and_then(OsStr::to_str).unwrap_or(STDIN);
            candles::read(&bytes, &name, &Hints { symbol: Some(stem), ..plain })
        }
        read => read,
    };
    read.map_err(|broken| anyhow!("{name}: {broken}"))
}

/// All of it, or enough to see that it is too large.
fn bytes(input: impl io::Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
