//! `ingest market DIR`: every candle file of a folder into `market.files`, as it is. What its bytes are worth is judged by
//! whoever reads the topic; only what no record can hold is read here.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

use crate::cli::args::IngestMarket;
use crate::cli::commands::post::Post;
use crate::cli::commands::progress;
use crate::cli::market::{Content, Folder, Readers, Skipped, list};
use crate::cli::output;
use crate::clock::Clock;
use crate::config::Config;

/// Skipped files that are reported one by one while others are read; the result has all of them.
const REPORTED_MAX: usize = 100;

/// What came of it.
#[derive(Debug, Default, Serialize)]
struct Ingested {
    /// Files of the folder.
    files: usize,
    /// Bytes of those that were sent.
    bytes: u64,
    /// Files that were sent.
    sent: usize,
    /// Records that they became.
    records: u64,
    /// The other files.
    skipped: Vec<Skipped>,
}

pub(in crate::cli::commands) fn run(args: &IngestMarket, config: &Config, as_json: bool) -> anyhow::Result<()> {
    let Folder { files, skipped } = list(&args.dir)?;
    let files: Arc<[PathBuf]> = files.into();
    let mut done = Ingested { files: files.len() + skipped.len(), ..Ingested::default() };
    let mut bar = progress("files", u64::try_from(files.len()).ok());
    let skip = |skipped: Skipped, bar: &output::Progress, done: &mut Ingested| {
        if done.skipped.len() < REPORTED_MAX {
            bar.say(&format!("{}: {}: {}", skipped.file, skipped.reason, skipped.error));
        }
        done.skipped.push(skipped);
    };
    for skipped in skipped {
        skip(skipped, &bar, &mut done);
    }
    let clock = Clock::system();
    let mut post = Post::new(&config.kafka, clock.clone())?;
    let mut readers = Readers::start(&args.dir, files, config.limits.record_bytes_max.in_memory(), clock)?;
    while let Some(piece) = readers.next()? {
        post.send(&piece)?;
        match piece.content {
            Content::Part(_, false) => {}
            Content::Whole(_) | Content::Part(_, true) => {
                done.sent += 1;
                done.bytes += piece.bytes;
                bar.add(1);
            }
            Content::Skipped(skipped) => {
                skip(skipped, &bar, &mut done);
                bar.add(1);
            }
        }
    }
    done.records = post.finish()?;
    bar.finish();
    let out = &mut io::stdout().lock();
    if as_json {
        return Ok(output::write_json(out, &done)?);
    }
    let Ingested { files, bytes, sent, records, skipped } = done;
    let skipped = skipped.len();
    Ok(writeln!(out, "{sent} of {files} files sent ({bytes} bytes, {records} records), {skipped} skipped")?)
}
