//! Reading history again: a range of a topic through the same stages, straight into rows of a run of its own.
//!
//! ```text
//!              ┌─ articles.raw ──decode──clean──window─┐
//! topic ──span─┼─ articles.batches ────────────decode──┴──recall──score──► rows of the run
//!   (no group) ├─ articles.analyses ───────────decode─────────────score──►      │
//!              ├─ market.contexts ─────────────decode─────────────score──►      │ what was never answered
//!              ├─ market.files ──decode──window─┐                               ▼
//!              └─ market.batches ───────decode──┴──as of──score──►      topics of the run ──► the paid hop
//! ```
//! # Why no live reader notices
//! A span is read without a group and lands without a topic: nothing is committed for the live groups, and nothing comes
//! into their topics. What has to be bought goes through the paid hop in topics of the run (their prefix names it), by an
//! account, a session and a ledger of the run. So every law of money holds as it does live, and no live budget moves.
//!
//! # Why a killed run ends as an undisturbed one
//! The range is fixed when the run begins and written into `runs`. It is read in segments whose borders depend on nothing
//! else; windows begin and end with them, on a clock that stands still, so that they close by what is in them and never
//! by how fast it came. A segment lands whole before it is noted as done; one that was begun twice has the same rows
//! twice, and rows have an identity. Near-duplicates are looked for within a segment.
//!
//! # Why a segment lands in few large inserts
//! An insert becomes a part of its table, and small parts are merged again and again: with an insert for every thousand
//! articles, merging them took more of the machine than everything else a replay does. So much of a segment is held as
//! memory allows, and a landing waits for what comes within two seconds.
//!
//! # Why the market is taken as of then
//! A chart in `market.contexts` carries the context that was known when it was scored. One of `market.files` or
//! `market.batches` gets what the stored histories say as of the record's time, and what they do not hold is missing:
//! nothing is asked for, as a provider would tell of today.

mod chain;
mod order;
mod patience;
mod plan;
mod purchase;
mod range;
mod reading;
mod run;
mod settle;

pub use self::order::{Order, Topic, Unfit};
pub use self::plan::{Plan, plan};
pub use self::purchase::hops;
pub use self::range::{Bound, parse_bound};
pub use self::run::{Report, run};

use tokio::sync::watch;

use crate::clickhouse::KIND_REPLAY;

/// The status of a run that is not over.
const RUNNING: &str = "running";
/// The status of a run of which everything has landed.
const COMPLETED: &str = "completed";
/// The status of a run that has read everything, and of which something waits to be bought.
const INCOMPLETE: &str = "incomplete";

/// The name of a run's account, and of its session.
fn account(run_id: &str) -> String {
    format!("replay:{run_id}")
}

/// Resolves once `stop` says so: never, where whoever could have said it is gone.
async fn told(stop: &watch::Receiver<bool>) {
    let mut stop = stop.clone();
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}
