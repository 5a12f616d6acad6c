//! The engine: records in, what became of every one of them out, and only then their offsets. Names no vendor.
//!
//! ```text
//! source ──► stage ──► window ──► stage ──► land
//!   ▲  records │ items    │ closed   │          │ offsets
//!   └──────────┴── budget freed when landed ◄───┘
//! ```
//!
//! A hop is one forward chain of steps with bounded channels between them. In them go [`Delivery`]s: batches, and
//! barriers. A barrier says that everything before it must have landed before something may happen (a partition
//! moves to another worker, the process ends); it goes through every step in its place in the order, closes windows
//! on its way, and is answered at the end. So a drain needs no counting and no second path.
//!
//! # Delivery semantics
//! * Items land in the order of their records; an offset is committed when everything before it is durable
//!   ([`batch`]). After a crash a hop reads again what was not committed.
//! * Between Kafka topics output and offsets are one transaction: exactly once for readers of committed records.
//! * An error stops a hop without a commit; whoever runs it starts it again from the last commit.
//! * A hop that would make dead letters of most of what it reads stops before it commits them ([`circuit`]).

pub mod batch;
pub mod circuit;
pub mod memory;
pub mod record;

mod codec;
mod hop;
mod sink;
mod stage;
mod window;

#[cfg(test)]
mod tests;

use tokio::sync::oneshot;

use crate::model::CloseReason;

pub use batch::{Batch, Landed, Offsets, Position, Reason, Reject};
pub use circuit::Circuit;
pub use codec::{Decode, Encode, Keyed, Outgoing, Reader, read_all, written};
pub use hop::{Hop, Together};
pub use record::{Origins, Record};
pub use sink::Sink;
pub use stage::{Stage, Verdict, compute};
pub use window::{Pushed, Window};

/// What goes from step to step.
#[derive(Debug)]
pub enum Delivery<T> {
    /// Items.
    Batch(Batch<T>),
    /// Everything before it must land.
    Barrier(Barrier),
}

/// A mark in the stream that is answered when everything before it has landed. Dropped unanswered, it tells the
/// one who waits that the hop has ended.
#[derive(Debug)]
pub struct Barrier {
    /// Why windows close.
    pub reason: CloseReason,
    answer: oneshot::Sender<()>,
}

impl Barrier {
    /// A barrier, and the end at which its answer arrives.
    #[must_use]
    pub fn new(reason: CloseReason) -> (Self, oneshot::Receiver<()>) {
        let (answer, reached) = oneshot::channel();
        (Self { reason, answer }, reached)
    }

    fn reached(self) {
        // Nobody may be waiting any more: the deadline of the drain has passed.
        let _ = self.answer.send(());
    }
}
