//! What computes within a request: off the threads that answer others, where it is large.
//!
//! # Why not always
//! Handing work over and back takes some ten microseconds and a thread more. What is read from a usual body takes less.

use super::Problem;
use crate::flow;

/// Work on fewer bytes is done where it comes up: at some hundred bytes a microsecond that is under a millisecond.
pub(super) const LARGE_BYTES: usize = 64 << 10;

/// Does `work`, which goes over so many bytes.
///
/// # Errors
/// 500 where it panics.
pub(super) async fn compute<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    if bytes < LARGE_BYTES {
        return Ok(work());
    }
    flow::compute(work).await.map_err(|error| Problem::internal(&format!("{error:#}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_large_runs_on_another_thread() {
        let here = std::thread::current().id();
        let thread = || std::thread::current().id();
        assert_eq!(compute(LARGE_BYTES - 1, thread).await.unwrap(), here);
        assert_ne!(compute(LARGE_BYTES, thread).await.unwrap(), here);
        assert_eq!(compute::<()>(LARGE_BYTES, || panic!("a law is broken")).await.unwrap_err().status(), 500);
    }
}
