//! Analyses on demand.

pub mod summary;
