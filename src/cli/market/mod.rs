//! Candle files on the disk: one that is looked at, or a folder of them that is sent.
//!
//! A folder is read in one order, by several threads, with a bounded number of files in memory ([`Readers`]). What is too
//! large for a record is read here and sent as series, cut by time ([`parts`]).

mod file;
mod folder;
mod parts;
mod readers;

use serde::Serialize;

pub(super) use self::file::read;
pub(super) use self::folder::{Folder, list};
pub(super) use self::readers::{Content, Piece, Readers};

/// A file that is not sent, or that was found broken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Skipped {
    /// Its path below the folder.
    pub(super) file: String,
    /// One word, such as `too_few_bars`.
    pub(super) reason: String,
    /// What is wrong, for people.
    pub(super) error: String,
}

/// The reason of files that the system does not let us read.
const UNREADABLE: &str = "unreadable";
