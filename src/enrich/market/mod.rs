//! Charts get what derivatives markets say about their instruments.
//!
//! ```text
//! batch ──► Stage: the freshest that is stored ──────────────────────────────► market.contexts
//!              │ not fresh, or nothing                                              ▲
//!              ▼                                                                    │
//!        market.pending ──► Asker: plan → quota → ask → learn ──► market.series ────┘ fresher
//! ```
//! No chart waits for the service: it goes on at once with what is known, its age said, and again, as a newer version,
//! with every answer that changes its context. What is not known, or was asked longer than `coinalyze.data_ttl` ago when
//! the chart came, keeps the chart in `market.pending` until each of its histories was asked once.
//!
//! # Whose the quota is
//! Every key's quota belongs to whoever owns the partition of `market.batches` that has the batches of
//! [`MARKET_ACCOUNT`](crate::model::MARKET_ACCOUNT): only charts of that account wait, so only there anybody asks. Other
//! accounts (replays) are told what is stored. What was used of a quota is in the log before the request leaves, under
//! the fence of that partition (law 5); how a restart goes on from there is said in [`quota`](crate::provider::quota).
//!
//! # Why charts are told with every answer
//! A chart's four histories come up to hours apart, as the plan asks for what is worth most over all charts. Waiting for
//! the last of them would keep from a score what is known. So each answer that changes a context makes a version; with
//! the last one the wait ends.
//!
//! # Why what was learned is read back from Kafka
//! An answer is in `market.series` in the same transaction as the contexts that follow from it, and in ClickHouse a little
//! later. Whoever owns the partition next reads from where the sink stands, so that nothing is asked twice.

mod as_of;
mod asker;
mod chart;
mod desk;
mod key;
mod learned;
mod load;
mod nobody;
mod records;
mod setup;
mod stage;
mod state;
#[cfg(test)]
mod tests;

use std::pin::pin;

pub use self::as_of::AsOf;
pub use self::asker::Asker;
pub use self::chart::{in_context, neutral};
pub use self::desk::Desk;
pub use self::nobody::NobodyAsked;
pub use self::setup::{Parts, Setup, Topics, check};
pub use self::stage::{Known, Received};

/// Runs the chain, and who asks beside it, until either fails or the chain ends.
///
/// # Errors
/// That of whichever failed.
pub async fn together(chain: impl Future<Output = anyhow::Result<()>>, asker: Asker, desk: Desk) -> anyhow::Result<()> {
    let (mut chain, mut asker) = (pin!(chain), pin!(asker.run()));
    tokio::select! {
        ended = &mut chain => {
            desk.close();
            let rest = asker.await;
            ended.and(rest)
        }
        ended = &mut asker => {
            ended?;
            chain.await
        }
    }
}
