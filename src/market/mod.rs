//! Markets: what charts show, and the feed that tells of them. Pure, except where a file is read or written by name.

pub mod feed;
