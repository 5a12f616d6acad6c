//! The files of a folder and of the folders in it, in one order: by name, so that the same folder is always read the same.
//!
//! Hidden files and folders are passed over, links to files followed, links to folders not, since they may lead back.
//! What cannot be looked at is named, and costs nobody else anything.

use std::fs::{self, DirEntry};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::{Skipped, UNREADABLE};

/// Files of a folder. Their paths are all that is kept of each.
pub const FILES_MAX: usize = 1_000_000;
/// Folders inside each other.
const DEPTH_MAX: usize = 64;

/// What there is below a folder. Paths are those below it.
#[derive(Debug, Default)]
pub(in crate::cli) struct Folder {
    /// In their order.
    pub(in crate::cli) files: Vec<PathBuf>,
    /// What cannot be looked at.
    pub(in crate::cli) skipped: Vec<Skipped>,
}

/// Looks through `root`.
///
/// # Errors
/// It is no folder that can be read, or holds more than [`FILES_MAX`] files.
pub(in crate::cli) fn list(root: &Path) -> anyhow::Result<Folder> {
    let mut folder = Folder::default();
    let first = entries(root).with_context(|| format!("reading the folder {}", root.display()))?;
    folder.add(root, Path::new(""), first, 1)?;
    Ok(folder)
}

impl Folder {
    fn add(&mut self, root: &Path, below: &Path, entries: Vec<DirEntry>, depth: usize) -> anyhow::Result<()> {
        for entry in entries {
            if self.files.len() >= FILES_MAX {
                bail!("more than {FILES_MAX} files below {}: send its folders one by one", root.display());
            }
            let path = below.join(entry.file_name());
            let looked = entry.file_type().and_then(|kind| {
                if kind.is_dir() {
                    return Ok(Found::Folder(self::entries(&root.join(&path))?));
                }
                let target = if kind.is_symlink() { fs::metadata(root.join(&path))?.file_type() } else { kind };
                Ok(if target.is_file() { Found::File } else { Found::Other })
            });
            match looked {
                Ok(Found::File) => self.files.push(path),
                Ok(Found::Folder(entries)) if depth < DEPTH_MAX => self.add(root, &path, entries, depth + 1)?,
                Ok(Found::Folder(_)) => self.skip(&path, format!("a folder inside {DEPTH_MAX} others")),
                // Links to folders, sockets, pipes, devices.
                Ok(Found::Other) => {}
                Err(error) => self.skip(&path, error.to_string()),
            }
        }
        Ok(())
    }

    fn skip(&mut self, path: &Path, error: String) {
        self.skipped.push(Skipped { file: path.display().to_string(), reason: UNREADABLE.to_owned(), error });
    }
}

enum Found {
    File,
    Folder(Vec<DirEntry>),
    Other,
}

/// What stands in a folder, without what is hidden, by name.
fn entries(folder: &Path) -> io::Result<Vec<DirEntry>> {
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.retain(|entry| !entry.file_name().as_bytes().starts_with(b"."));
    entries.sort_by_key(DirEntry::file_name);
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_read_in_one_order_without_what_is_hidden() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for name in ["b.json", "a/2.json", "a/1.json", ".hidden/x.json", "a/.DS_Store", "c/d/e.csv"] {
            fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
            fs::write(root.join(name), "x").unwrap();
        }
        std::os::unix::fs::symlink(root, root.join("a/loop")).unwrap();
        std::os::unix::fs::symlink(root.join("b.json"), root.join("linked.json")).unwrap();
        std::os::unix::fs::symlink(root.join("nowhere"), root.join("dangling.json")).unwrap();
        let Folder { files, skipped } = list(root).unwrap();
        let files: Vec<_> = files.iter().map(|path| path.to_str().unwrap()).collect();
        assert_eq!(files, ["a/1.json", "a/2.json", "b.json", "c/d/e.csv", "linked.json"]);
        assert_eq!((skipped.len(), skipped[0].file.as_str()), (1, "dangling.json"));
        assert!(list(&root.join("b.json")).is_err() && list(&root.join("absent")).is_err());
    }
}
