//! Which exit code an error has.

use std::io;

use crate::config::Problems;
use crate::observe;

/// The command cannot be carried out as it was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// 0 where only the reader of our output went away, 2 for usage and configuration, 1 for everything else.
#[must_use]
pub fn code(error: &anyhow::Error) -> u8 {
    let is = |test: fn(&(dyn std::error::Error + 'static)) -> bool| error.chain().any(test);
    if is(|cause| cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)) {
        return 0;
    }
    let wrong = is(|cause| cause.is::<Problems>() || cause.is::<Usage>() || cause.is::<observe::LogError>());
    if wrong { 2 } else { 1 }
}

#[cfg(test)]
mod tests {
    use anyhow::{Context, anyhow};

    use super::*;

    #[test]
    fn exit_codes() {
        let usage = Err::<(), _>(Usage("no".to_owned())).context("starting").unwrap_err();
        assert_eq!(code(&usage), 2);
        assert_eq!(code(&Problems(Vec::new()).into()), 2);
        assert_eq!(code(&anyhow!("broken")), 1);
        assert_eq!(code(&io::Error::from(io::ErrorKind::NotFound).into()), 1);
        assert_eq!(code(&io::Error::from(io::ErrorKind::BrokenPipe).into()), 0);
    }
}
