//! The folder, outside the source tree, that keeps what was fetched.
//!
//! An entry is a folder that is either complete or absent: it is built under another name, gets its
//! `.complete` marker last and is moved into place by one rename. Builders take a file lock, so of two
//! first callers one fetches and the other waits and finds the result. A complete entry costs one look at
//! a file: no lock, no network.

use std::fs::{self, File, TryLockError};
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::config::Environment;

/// The file that says that an entry was built to its end.
const MARKER: &str = ".complete";
/// Bytes read at once while a checksum is taken.
const CHECKSUM_CHUNK_BYTES: usize = 1 << 20;

/// The root of the cache.
#[derive(Debug, Clone)]
pub struct Cache {
    root: PathBuf,
}

impl Cache {
    /// The user's cache: `$SIGNALMILL_CACHE`, else `$XDG_CACHE_HOME/signalmill`, else `~/.cache/signalmill`.
    ///
    /// # Errors
    /// When none of the three variables (the last is `$HOME`) is set.
    pub fn of_user() -> Result<Self> {
        let environment = Environment::process();
        let set = |name| environment.get(name);
        let root = set("SIGNALMILL_CACHE")
            .map(PathBuf::from)
            .or_else(|| set("XDG_CACHE_HOME").map(|xdg| Path::new(xdg).join("signalmill")))
            .or_else(|| set("HOME").map(|home| Path::new(home).join(".cache/signalmill")))
            .context("no folder for the cache: set SIGNALMILL_CACHE or HOME")?;
        Ok(Self::at(root))
    }

    /// A cache in the given folder, which is created when something is fetched into it.
    #[must_use]
    pub fn at(root: PathBuf) -> Self {
        Self { root }
    }

    /// The folder of the entry `name`, built by `build` when it is not there yet. `build` is given an
    /// empty folder that becomes the entry; what it leaves on failure is removed by the next attempt.
    ///
    /// # Errors
    /// When the folder cannot be written, or `build` fails.
    pub fn entry(&self, name: &str, build: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
        let entry = self.root.join(name);
        if entry.join(MARKER).exists() {
            return Ok(entry);
        }
        fs::create_dir_all(&self.root).with_context(|| format!("creating the cache folder {}", self.root.display()))?;
        let _lock = self.lock(name)?;
        if entry.join(MARKER).exists() {
            return Ok(entry);
        }
        self.build(name, &entry, build).with_context(|| format!("filling the cache folder {}", entry.display()))?;
        Ok(entry)
    }

    fn build(&self, name: &str, entry: &Path, build: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
        let partial = self.root.join(format!("{name}.partial"));
        remove_folder(&partial)?;
        remove_folder(entry)?;
        fs::create_dir(&partial)?;
        build(&partial)?;
        File::create(partial.join(MARKER))?.sync_all()?;
        fs::rename(&partial, entry)?;
        Ok(())
    }

    /// Held until the file is closed, also by the death of this process.
    fn lock(&self, name: &str) -> Result<File> {
        let path = self.root.join(format!("{name}.lock"));
        let file = File::create(&path).with_context(|| format!("creating {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => {
                tracing::info!(name, "waiting for another process that is fetching");
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("locking {}", path.display()));
            }
        }
        file.lock().with_context(|| format!("locking {}", path.display()))?;
        Ok(file)
    }
}

/// Checks the SHA-256 of `file` against `expected` (64 lower-case hexadecimal digits).
/// `remove` is what the message tells to remove before the next attempt.
///
/// # Errors
/// When the file cannot be read, or its sum differs; the text names the file, both sums and `remove`.
pub fn verify(file: &Path, expected: &str, remove: &Path) -> Result<()> {
    let actual = sha256(file).with_context(|| format!("reading {}", file.display()))?;
    if actual != expected {
        bail!(
            "checksum mismatch of {}: expected sha256 {expected}, found {actual}; \
             remove {} and run again",
            file.display(),
            remove.display()
        );
    }
    Ok(())
}

fn sha256(path: &Path) -> std::io::Result<String> {
    use std::fmt::Write;
    let mut file = File::open(path)?;
    let mut sum = Sha256::new();
    let mut chunk = vec![0; CHECKSUM_CHUNK_BYTES];
    loop {
        let n = file.read(&mut chunk)?;
        if n == 0 {
            break;
        }
        sum.update(&chunk[..n]);
    }
    let mut hex = String::with_capacity(64);
    for byte in sum.finalize() {
        let _ = write!(hex, "{byte:02x}");
    }
    Ok(hex)
}

fn remove_folder(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", path.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn entry_is_built_once_by_racing_callers() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path().join("cache"));
        let builds = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let entry = cache
                        .entry("thing", |partial| {
                            builds.fetch_add(1, Ordering::Relaxed);
                            Ok(fs::write(partial.join("file"), "content")?)
                        })
                        .unwrap();
                    assert_eq!(fs::read_to_string(entry.join("file")).unwrap(), "content");
                });
            }
        });
        assert_eq!(builds.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn failed_build_leaves_no_entry_and_is_tried_again() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path().to_owned());
        let failed = cache.entry("thing", |partial| {
            fs::write(partial.join("half"), "")?;
            bail!("the line was cut")
        });
        assert!(format!("{:#}", failed.unwrap_err()).contains("the line was cut"));
        let entry = cache.entry("thing", |_| Ok(())).unwrap();
        assert!(!entry.join("half").exists());
    }

    #[test]
    fn mismatch_names_file_sums_and_what_to_remove() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("abc");
        fs::write(&file, "abc").unwrap();
        // FIPS 180-2, appendix B.1.
        let sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        verify(&file, sum, folder.path()).unwrap();
        let wrong = "0".repeat(64);
        let text = verify(&file, &wrong, Path::new("/the/cache")).unwrap_err().to_string();
        for part in [file.to_str().unwrap(), sum, &wrong, "/the/cache"] {
            assert!(text.contains(part), "{text}");
        }
    }
}
