//! Reads the files of a folder by several threads and hands them out in the folder's order.
//!
//! Each thread reads every n-th file into a short queue of its own, and the queues are emptied in turn: the order needs
//! no buffer that grows. In memory are at most [`QUEUE_FILES`] + 2 files a thread, none of them above the largest record,
//! and one file above it at a time.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::Context as _;

use crate::clock::Clock;
use crate::market::candles::{self, BYTES_MAX, Broken, Hints, Reason};
use crate::wire::headers::VALUE_BYTES_MAX;

use super::{Skipped, UNREADABLE, parts};

/// Threads that read, at most.
const THREADS_MAX: usize = 4;
/// Files, or parts of one, that wait in a thread's queue.
const QUEUE_FILES: usize = 4;
const DIED: &str = "a thread that reads files has died";

/// What is known of a file.
#[derive(Debug)]
pub(in crate::cli) struct Piece {
    /// Its place in the folder.
    pub(in crate::cli) file: usize,
    /// Its path below the folder, as the header `file` has it.
    pub(in crate::cli) name: String,
    /// Bytes of the file; with its last piece only.
    pub(in crate::cli) bytes: u64,
    /// What to send of it.
    pub(in crate::cli) content: Content,
}

/// What to send of a file.
#[derive(Debug)]
pub(in crate::cli) enum Content {
    /// All of it, as it is.
    Whole(Vec<u8>),
    /// A part of its series (Avro), and whether it is the last one.
    Part(Vec<u8>, bool),
    /// Nothing.
    Skipped(Skipped),
}

/// Threads at work; they end when this is dropped, each with its file.
#[derive(Debug)]
pub(in crate::cli) struct Readers {
    queues: Vec<Receiver<Piece>>,
    /// The file whose pieces come next.
    file: usize,
    files: usize,
}

#[derive(Debug)]
struct Work {
    root: PathBuf,
    files: Arc<[PathBuf]>,
    bytes_max: usize,
    clock: Clock,
    /// Whoever has a file above the largest record in memory.
    large: Mutex<()>,
}

impl Readers {
    /// Starts to read `files`, which stand below `root`. Those above `bytes_max` are sent as series.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(in crate::cli) fn start(
        root: &Path,
        files: Arc<[PathBuf]>,
        bytes_max: usize,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        let threads = thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX);
        let count = files.len();
        let work = Arc::new(Work { root: root.to_owned(), files, bytes_max, clock, large: Mutex::default() });
        let mut queues = Vec::with_capacity(threads);
        for number in 0..threads {
            let (queue, pieces) = sync_channel(QUEUE_FILES);
            let work = Arc::clone(&work);
            thread::Builder::new()
                .name(format!("read {number}"))
                .spawn(move || (number..work.files.len()).step_by(threads).all(|file| work.read(file, &queue)))
                .context("starting a thread that reads")?;
            queues.push(pieces);
        }
        Ok(Self { queues, file: 0, files: count })
    }

    /// The next piece; `None` behind the last.
    ///
    /// # Errors
    /// A thread has died, which is a defect.
    pub(in crate::cli) fn next(&mut self) -> anyhow::Result<Option<Piece>> {
        if self.file >= self.files {
            return Ok(None);
        }
        let place = self.file % self.queues.len();
        let piece = self.queues[place].recv().context(DIED)?;
        Ok(Some(self.taken(piece)))
    }

    fn taken(&mut self, piece: Piece) -> Piece {
        self.file = piece.file + usize::from(!matches!(piece.content, Content::Part(_, false)));
        piece
    }
}

impl Work {
    /// Reads one file into the queue; says whether anybody still listens.
    fn read(&self, file: usize, queue: &SyncSender<Piece>) -> bool {
        let path = &self.files[file];
        let name = name(path);
        let send = |content, bytes| queue.send(Piece { file, name: name.clone(), bytes, content }).is_ok();
        let skipped = |reason: &str, error: String| {
            let skipped = Skipped { file: path.display().to_string(), reason: reason.to_owned(), error };
            Content::Skipped(skipped)
        };
        match self.open(path) {
            Ok((opened, size)) if size <= self.bytes_max as u64 => match read(opened, self.bytes_max, size) {
                Ok(bytes) => {
                    let size = bytes.len() as u64;
                    send(Content::Whole(bytes), size)
                }
                Err(error) => send(skipped(UNREADABLE, error.to_string()), 0),
            },
            Ok((opened, size)) => {
                let mut heard = true;
                let send_part = |value, last| {
                    heard = send(Content::Part(value, last), if last { size } else { 0 });
                    heard
                };
                match self.large(opened, size, &name, send_part) {
                    Ok(()) => heard,
                    Err(Skipped { reason, error, .. }) => send(skipped(&reason, error), size),
                }
            }
            Err(error) => send(skipped(UNREADABLE, error.to_string()), 0),
        }
    }

    fn open(&self, path: &Path) -> io::Result<(File, u64)> {
        let file = File::open(self.root.join(path))?;
        let size = file.metadata()?.len();
        Ok((file, size))
    }

    /// A file that no record holds.
    fn large(&self, file: File, size: u64, name: &str, send: impl FnMut(Vec<u8>, bool) -> bool) -> Result<(), Skipped> {
        let skipped = |reason: &str, error: String| Skipped { file: name.to_owned(), reason: reason.to_owned(), error };
        let broken = |Broken { reason, error }: Broken| skipped(reason.as_str(), error);
        if size > BYTES_MAX as u64 {
            let error = format!("{size} bytes, at most {BYTES_MAX} are read: split the file by time");
            return Err(skipped(Reason::TooLarge.as_str(), error));
        }
        let _one_at_a_time = self.large.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = read(file, BYTES_MAX, size).map_err(|error| skipped(UNREADABLE, error.to_string()))?;
        let read = candles::read(&bytes, name, &Hints::at(self.clock.now())).map_err(broken)?;
        drop(bytes);
        parts::write(&read.series, name, self.bytes_max, send)
    }
}

/// At most one byte more than `bytes_max`, so that a file that has grown meanwhile is seen to be too large.
fn read(file: File, bytes_max: usize, size: u64) -> io::Result<Vec<u8>> {
    let limit = bytes_max as u64 + 1;
    let mut bytes = Vec::with_capacity(usize::try_from(size.min(limit)).unwrap_or_default() + 1);
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What the header `file` says: a path that no header holds is cut to the name of its file.
fn name(path: &Path) -> String {
    let name = path.to_string_lossy();
    if name.len() <= VALUE_BYTES_MAX {
        return name.into_owned();
    }
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn table(bars: i64) -> String {
        (0..bars).fold("time,open,high,low,close,volume\n".to_owned(), |text, bar| {
            text + &format!("{},2.5,3.5,1.5,2.75,1000.125\n", 1_700_000_000 + bar * 900)
        })
    }

    #[test]
    fn files_come_in_order_and_large_ones_in_parts() {
        let folder = tempfile::tempdir().unwrap();
        let names = ["a.csv", "b_BTCUSDT.csv", "c.csv", "d_BTCUSDT.csv", "e.csv", "absent.csv", "g.csv"];
        for name in names.iter().filter(|name| **name != "absent.csv") {
            let bars = if name.contains("BTCUSDT") { 6_000 } else { 60 };
            let text = if *name == "e.csv" { "x".repeat(200_000) } else { table(bars) };
            fs::write(folder.path().join(name), text).unwrap();
        }
        let files: Arc<[PathBuf]> = names.iter().map(PathBuf::from).collect();
        let mut readers = Readers::start(folder.path(), files, 150_000, Clock::system()).unwrap();
        let mut seen = Vec::new();
        while let Some(piece) = readers.next().unwrap() {
            let what = match &piece.content {
                Content::Whole(bytes) => format!("whole {}", bytes.len() as u64 == piece.bytes),
                Content::Part(_, last) => format!("part {last}"),
                Content::Skipped(skipped) => skipped.reason.clone(),
            };
            seen.push((piece.file, what));
        }
        let expected = [
            (0, "whole true"),
            (1, "part false"),
            (1, "part true"),
            (2, "whole true"),
            (3, "part false"),
            (3, "part true"),
            (4, "malformed"),
            (5, "unreadable"),
            (6, "whole true"),
        ];
        assert_eq!(seen, expected.map(|(file, what)| (file, what.to_owned())));
        assert!(readers.next().unwrap().is_none());
    }
}
