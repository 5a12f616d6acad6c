//! Replacing a file whole. This is the one place of the feed that touches the disk.

use std::fs::{self, File, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::{FeedSignal, MasterFeed};
use crate::model::Timestamp;

/// Written at once; the feed itself is never held as text.
const BUFFER_BYTES: usize = 256 * 1024;
/// What a new file may at most be to anybody; the process's umask takes its part away.
const NEW_FILE_MODE: u32 = 0o666;

/// Writes a feed to `path`, so that a reader at any moment, and whoever looks after a crash, finds the old file or the
/// new one: the feed goes to a temporary file in the same folder, is flushed to the disk, and takes the name in one
/// step, which is flushed too. A new file has the permissions that any new file gets, a replaced one keeps its own; a
/// link is followed. A process that is killed meanwhile leaves a hidden `.master_feed-…` beside it, which nobody reads.
///
/// # Errors
/// The folder does not exist, `path` names something that is no file, or the disk failed. The old file is then as it
/// was and nothing is left beside it, except where only the last flush failed: then the new one stands, but might not
/// outlive a loss of power.
pub fn write_atomically(path: &Path, feed: &MasterFeed) -> io::Result<()> {
    replace(path, |file| serde_json::to_writer(file, feed).map_err(io::Error::from))
}

/// The same with signals that come one by one, in the order of a feed; none is kept.
///
/// # Errors
/// As [`write_atomically`], and the first error among the signals.
pub fn stream_atomically(
    path: &Path,
    last_updated: Timestamp,
    signals: impl IntoIterator<Item = io::Result<FeedSignal>>,
) -> io::Result<()> {
    replace(path, |file| stream(file, last_updated, signals))
}

/// Writes a feed of signals that come one by one.
///
/// # Errors
/// Those of `out`, and the first one among the signals; what was written is then no feed.
pub fn stream(
    out: &mut impl Write,
    last_updated: Timestamp,
    signals: impl IntoIterator<Item = io::Result<FeedSignal>>,
) -> io::Result<()> {
    write!(out, "{{\"last_updated\":{},\"signals\":[", last_updated.0)?;
    for (place, signal) in signals.into_iter().enumerate() {
        if place > 0 {
            out.write_all(b",")?;
        }
        serde_json::to_writer(&mut *out, &signal?)?;
    }
    out.write_all(b"]}")
}

pub(super) fn replace(path: &Path, write: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>) -> io::Result<()> {
    let (target, permissions) = target(path)?;
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let created = permissions.clone().unwrap_or_else(|| Permissions::from_mode(NEW_FILE_MODE));
    let temporary = tempfile::Builder::new().prefix(".master_feed-").permissions(created).tempfile_in(folder)?;
    if let Some(permissions) = permissions {
        // The umask took its part of what was asked for above.
        temporary.as_file().set_permissions(permissions)?;
    }
    let mut file = BufWriter::with_capacity(BUFFER_BYTES, temporary.as_file());
    write(&mut file)?;
    file.flush()?;
    drop(file);
    temporary.as_file().sync_all()?;
    temporary.persist(&target)?;
    File::open(folder)?.sync_all()
}

/// The file behind `path`, with its permissions where it exists.
fn target(path: &Path) -> io::Result<(PathBuf, Option<Permissions>)> {
    let target = match fs::canonicalize(path) {
        Ok(target) => target,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((path.to_owned(), None)),
        Err(error) => return Err(error),
    };
    let metadata = fs::metadata(&target)?;
    if !metadata.is_file() {
        // A rename would put a file in the place of a device or a pipe.
        let what = format!("{} is no file", path.display());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    }
    Ok((target, Some(metadata.permissions())))
}
