//! Where a hop ends.

use std::future::Future;

use super::batch::{Landed, Offsets, Reject};

/// The end of a hop: makes things durable, then says so to Kafka.
///
/// Either `write` is durable when it returns (`ClickHouse`), or it only prepares and `commit` makes output and
/// offsets durable in one transaction (Kafka). An error from either stops the hop: nothing is committed, and the hop
/// starts again from the last commit.
pub trait Sink<T>: Send {
    /// Takes what became of a batch; says how many of `kept` it refused for what they are, which become dead letters too.
    fn write(
        &mut self,
        kept: Vec<Landed<T>>,
        rejected: Vec<Reject>,
    ) -> impl Future<Output = anyhow::Result<usize>> + Send;

    /// Commits what was written so far.
    fn commit(&mut self, offsets: Offsets) -> impl Future<Output = anyhow::Result<()>> + Send;
}
