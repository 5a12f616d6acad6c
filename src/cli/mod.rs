//! The command line: what can be asked, and how answers are shown.
//!
//! Results go to standard output, progress and logs to standard error, so that output can be piped. Exit codes: 0 ok,
//! 1 failed, 2 usage or configuration.

pub mod args;
mod commands;
mod exit;
pub(crate) mod feed;
mod market;
pub mod output;
pub mod reference;
mod stages;
#[cfg(test)]
mod tests;

pub use commands::execute;
pub use exit::{Usage, code};
pub use stages::{SERVE, Stages, Unknown};
