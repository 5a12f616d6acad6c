//! Windows gather items. The window itself is a pure state machine; the engine keeps the clock and the records.
//!
//! The records of an open window stay uncommitted: after a crash the window is read again. That is what makes the
//! stage stateless. What was dropped or rejected while a window was open travels with it, because its offset may only
//! be committed together with the ones before it.

use std::mem;

use tokio::sync::mpsc;

use super::Delivery;
use super::batch::{Batch, Entry, State};
use super::record::Origins;
use crate::clock::Clock;
use crate::model::{CloseReason, Timestamp};
use crate::observe::{StageMetrics, WindowMetrics};

/// What a push did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pushed {
    /// The label `outcome` of `records_total`: `ok`, or why the item adds nothing.
    pub outcome: &'static str,
    /// Whether the window is full now.
    pub full: Option<CloseReason>,
}

/// Gathers items until it is full, or its time has come.
pub trait Window: Send + 'static {
    /// What is gathered.
    type In: Send + 'static;
    /// What a closed window becomes.
    type Out: Send + 'static;

    /// As metrics name it, such as `window/articles`.
    fn name(&self) -> &'static str;

    /// Why the window must be closed before `item` can be pushed, if it must.
    fn refuses(&self, item: &Self::In) -> Option<CloseReason>;

    /// Takes an item in.
    fn push(&mut self, item: Self::In, now: Timestamp) -> Pushed;

    /// When the window must be closed at the latest; `None` while it is empty.
    fn deadline(&self) -> Option<Timestamp>;

    /// Empties the window; `None` where it held nothing that goes on.
    fn close(&mut self, reason: CloseReason, now: Timestamp) -> Option<Self::Out>;
}

/// Runs `window` between two channels until the first closes.
pub(super) async fn run<W: Window>(
    window: W,
    clock: Clock,
    metrics: (StageMetrics, WindowMetrics),
    mut inlet: mpsc::Receiver<Delivery<W::In>>,
    outlet: mpsc::Sender<Delivery<W::Out>>,
) -> anyhow::Result<()> {
    let mut open = Open { window, owed: Origins::new(), aside: Vec::new(), metrics };
    loop {
        let deadline = open.deadline();
        let closing = async {
            match deadline {
                Some(moment) => clock.sleep_until(moment).await,
                None => std::future::pending().await,
            }
        };
        let ready = tokio::select! {
            biased;
            () = closing => open.close(CloseReason::Age, clock.now()),
            next = inlet.recv() => match next {
                None => return Ok(()),
                Some(Delivery::Batch(batch)) => open.take(batch, &clock),
                Some(Delivery::Barrier(barrier)) => {
                    let last = open.close(barrier.reason, clock.now());
                    if !last.is_empty() && outlet.send(Delivery::Batch(last)).await.is_err() {
                        return Ok(());
                    }
                    if outlet.send(Delivery::Barrier(barrier)).await.is_err() {
                        return Ok(());
                    }
                    continue;
                }
            },
        };
        if !ready.is_empty() && outlet.send(Delivery::Batch(ready)).await.is_err() {
            return Ok(());
        }
    }
}

struct Open<W: Window> {
    window: W,
    /// The records of the items in the window.
    owed: Origins,
    /// Entries that ended while the window was open.
    aside: Vec<Entry<W::Out>>,
    metrics: (StageMetrics, WindowMetrics),
}

impl<W: Window> Open<W> {
    fn deadline(&self) -> Option<Timestamp> {
        self.window.deadline()
    }

    /// Pushes a batch; returns what closed on the way.
    fn take(&mut self, batch: Batch<W::In>, clock: &Clock) -> Batch<W::Out> {
        let now = clock.now();
        let mut ready = Batch::empty();
        for Entry { state, from } in batch.entries {
            match state {
                State::Dropped => self.aside.push(Entry { state: State::Dropped, from }),
                State::Rejected(reason) => self.aside.push(Entry { state: State::Rejected(reason), from }),
                State::Kept(item) => {
                    if let Some(reason) = self.window.refuses(&item) {
                        ready.append(self.close(reason, now));
                    }
                    let pushed = self.window.push(item, now);
                    self.metrics.0.count(pushed.outcome);
                    self.owed.extend(from);
                    if let Some(reason) = pushed.full {
                        ready.append(self.close(reason, now));
                    }
                }
            }
        }
        if self.window.deadline().is_none() {
            // Nothing is being waited for, so what ended on the way can land now.
            ready.append(self.settle(None));
        }
        ready
    }

    fn close(&mut self, reason: CloseReason, now: Timestamp) -> Batch<W::Out> {
        let closed = self.window.close(reason, now);
        if closed.is_some() {
            self.metrics.1.closed(reason);
        }
        self.settle(closed)
    }

    /// Accounts for everything that is owed: one entry for the window, and what ended beside it.
    fn settle(&mut self, closed: Option<W::Out>) -> Batch<W::Out> {
        let owed = mem::take(&mut self.owed);
        let mut entries = Vec::with_capacity(self.aside.len() + 1);
        if !owed.is_empty() {
            entries.push(Entry { state: closed.map_or(State::Dropped, State::Kept), from: owed });
        }
        entries.append(&mut self.aside);
        Batch { entries }
    }
}
