//! Analyses on demand: a job says a series, and gets what its chart shows, as pictures, numbers and words.
//!
//! ```text
//! analysis.jobs ──► load ──► read ──► draw ──► summarise ──► analysis.events   the final event, with the job's offset
//!                    │         │        │          │                ▲
//!                    └─────────┴────────┴──────────┴────────────────┘          progress, ahead of it
//! analysis.cancellations ──► every worker                       analysis.workers ◄── every worker
//! ```
//! The worker that owns a job's partition does it. The final event and the job's offset are one transaction: a job has
//! exactly one final event, and a job whose worker died is read again by the next owner. Progress goes through the same
//! queue of transactions ([`kafka::Transactions::place`](crate::kafka::Transactions::place)), so that it is never seen
//! behind the end, and a worker that was replaced can write neither. That a job was begun is always told, a further step
//! only where it [lasts](lasting).
//!
//! # What fails, and how
//! What cannot come to anything (no candles, too few, no such interval) is `failed` at once and says why: the user's
//! error, and nobody else's. An attempt that breaks (a panic, a limit of time, a refused question) is made again, up to
//! `analysis.attempts_max`; then the job is `failed` and a dead letter. ClickHouse away is no failure of a job: a
//! [gate](crate::provider::gate) holds all back until it is there again, and no attempt is used up.
//!
//! # Why jobs of a worker land in their order
//! An offset says that everything before it is done. So a job that is tried again holds back the final events of the jobs
//! behind it, though they are done meanwhile: at most [`in_line`] of them, for some seconds. That is the price of one
//! final event without a memory of our own.

mod cancelled;
mod case;
mod door;
mod drawn;
mod guard;
mod lasting;
mod load;
mod records;
mod report;
mod seen;
mod setup;
mod stage;
pub(crate) mod summary;
mod tally;
mod worker;

use std::pin::pin;

pub use self::report::Reporter;
pub use self::setup::{Setup, Topics, in_line};
pub use self::stage::Received;

/// Runs the chain, and who reports beside it, until either fails or the chain ends.
///
/// # Errors
/// That of whichever failed.
pub async fn together(chain: impl Future<Output = anyhow::Result<()>>, reporter: Reporter) -> anyhow::Result<()> {
    let mut chain = pin!(chain);
    let ended = tokio::select! {
        ended = &mut chain => ended,
        failed = reporter.run() => Err(failed),
    };
    reporter.stopped().await;
    ended
}
