//! Rows are inserted until they are there. The only other outcome is that a row is isolated as poison and returned.
//!
//! A batch is sealed: the caller keeps the rows, one INSERT carries a block of them, and after an error the same rows,
//! hence the same bytes, are sent again. The crate's `Inserter` resets its counts before it knows, so it is not used.
//! Blocks are bounded in rows and bytes. Time spent retrying is unbounded: while ClickHouse is away the caller waits,
//! which is the back-pressure, and the [`Observer`] tells health and metrics. Every function here may be cancelled by
//! dropping its future: an insert of unknown outcome is harmless, because rows have an identity.

use std::ops::Range;
use std::time::Duration;

use tracing::warn;

use super::backoff::{LASTING, PASSING};
use super::store::within;
use super::{Decision, Failure, Store, Stored, Table};

/// Rows of one INSERT. Far below `max_insert_block_size` (about 1,048,449), so that the server makes one block of it
/// and the insert is atomic.
pub const BLOCK_ROWS_MAX: usize = 100_000;
/// Bytes of one INSERT: what the server must hold in memory at once.
pub const BLOCK_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Is told how the inserts go.
pub trait Observer: Send + Sync {
    /// A block is stored.
    fn inserted(&self, table: Table, rows: usize, took: Duration);
    /// A block is not stored, and will be sent again after `wait`.
    fn waiting(&self, table: Table, failure: &Failure, wait: Duration);
    /// A row was isolated: it is returned to the caller of the insert.
    fn poisoned(&self, table: Table, failure: &Failure);
}

/// Nobody is told.
impl Observer for () {
    fn inserted(&self, _: Table, _: usize, _: Duration) {}
    fn waiting(&self, _: Table, _: &Failure, _: Duration) {}
    fn poisoned(&self, _: Table, _: &Failure) {}
}

/// A row that the table does not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poisoned {
    /// Its place among the rows.
    pub index: usize,
    /// What the server said about it.
    pub error: String,
}

impl Store {
    /// Sends `rows` as one INSERT and waits until they are stored. Nothing is retried or split.
    ///
    /// # Errors
    /// The rows may be stored or not; what to do stands in [`Failure::decision`].
    pub async fn insert<R: Stored>(&self, rows: &[R::Value<'_>]) -> Result<(), Failure> {
        if rows.is_empty() {
            return Ok(());
        }
        let opened = self.client.insert::<R>(R::TABLE.name());
        let mut insert = within(&self.settings, self.settings.query_timeout, opened)
            .await?
            // The server's default is to say yes before the rows are stored.
            .with_setting("async_insert", "0")
            .with_setting("wait_end_of_query", "1")
            // Years of candles in one block are no mistake.
            .with_setting("max_partitions_per_insert_block", "0")
            .with_timeouts(Some(self.settings.send_timeout), Some(self.settings.insert_timeout));
        for row in rows {
            insert.write(row).await.map_err(|error| self.settings.failure(error))?;
        }
        insert.end().await.map_err(|error| self.settings.failure(error))
    }

    /// Inserts every row, however long that takes, and returns those that the table refuses.
    ///
    /// Dropping the future cancels it.
    pub async fn insert_all<R: Stored>(&self, rows: &[R::Value<'_>], observer: &dyn Observer) -> Vec<Poisoned> {
        let mut poisoned = Vec::new();
        for block in blocks(rows.len(), |index| R::bytes(&rows[index])) {
            // Halves of a refused block wait here, the earlier one on top: at most one for each halving.
            let mut pending = vec![block];
            while let Some(range) = pending.pop() {
                let Err(refusal) = self.settle::<R>(&rows[range.clone()], observer).await else {
                    continue;
                };
                if range.len() == 1 {
                    observer.poisoned(R::TABLE, &refusal);
                    poisoned.push(Poisoned { index: range.start, error: refusal.message });
                } else {
                    let middle = range.start + range.len() / 2;
                    pending.push(middle..range.end);
                    pending.push(range.start..middle);
                }
            }
        }
        poisoned
    }

    /// Sends the same rows until they are stored (`Ok`) or refused for what they are (`Err`).
    async fn settle<R: Stored>(&self, rows: &[R::Value<'_>], observer: &dyn Observer) -> Result<(), Failure> {
        let mut backoff = self.backoff();
        loop {
            let sent_at = self.clock.now();
            let failure = match self.insert::<R>(rows).await {
                Ok(()) => {
                    observer.inserted(R::TABLE, rows.len(), self.clock.now().since(sent_at));
                    return Ok(());
                }
                Err(failure) => failure,
            };
            // The crate keeps the columns of a table for good; perhaps they were altered since.
            if failure.decision != Decision::Retry {
                self.client.clear_cached_metadata().await;
            }
            let bounds = match failure.decision {
                Decision::Poison => return Err(failure),
                Decision::Retry => PASSING,
                Decision::Stop => LASTING,
            };
            let wait = backoff.next(bounds);
            observer.waiting(R::TABLE, &failure, wait);
            let (table, rows) = (R::TABLE.name(), rows.len());
            warn!(table, rows, decision = failure.decision.as_str(), wait_ms = wait.as_millis(), error = %failure, "insert failed, sending the same rows again");
            self.clock.sleep_until(self.clock.now().plus(wait)).await;
        }
    }
}

/// Cuts rows into blocks of at most [`BLOCK_ROWS_MAX`] rows and [`BLOCK_BYTES_MAX`] bytes; a row that is larger than
/// that is a block of its own.
fn blocks(rows: usize, bytes_of: impl Fn(usize) -> usize) -> Vec<Range<usize>> {
    let mut cuts = Vec::new();
    let (mut start, mut bytes) = (0, 0_usize);
    for index in 0..rows {
        let row_bytes = bytes_of(index);
        let full = index - start == BLOCK_ROWS_MAX || bytes.saturating_add(row_bytes) > BLOCK_BYTES_MAX;
        if full && index > start {
            cuts.push(start..index);
            (start, bytes) = (index, 0);
        }
        bytes = bytes.saturating_add(row_bytes);
    }
    if start < rows {
        cuts.push(start..rows);
    }
    cuts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_hold_every_row_once_and_keep_their_bounds() {
        assert!(blocks(0, |_| 1).is_empty());
        assert_eq!(blocks(250_000, |_| 1), vec![0..100_000, 100_000..200_000, 200_000..250_000]);
        let half = BLOCK_BYTES_MAX / 2;
        assert_eq!(blocks(5, |_| half), vec![0..2, 2..4, 4..5]);
        assert_eq!(blocks(3, |_| usize::MAX), vec![0..1, 1..2, 2..3]);
        assert_eq!(blocks(3, |index| if index == 1 { BLOCK_BYTES_MAX * 2 } else { 1 }), vec![0..1, 1..2, 2..3]);
    }
}
