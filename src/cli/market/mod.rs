//! Candle files on the disk: one that is looked at.

mod file;

pub(super) use self::file::read;
