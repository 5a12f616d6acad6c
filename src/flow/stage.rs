//! One step of a hop. A stage sees items, never offsets, and judges every item it is given.
//!
//! Batches are worked on side by side and handed on in the order in which they came: a slow batch holds back the ones
//! behind it, so that what has landed is always everything before some offset.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use anyhow::{Context as _, anyhow};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesOrdered;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::Delivery;
use super::batch::{Batch, Entry, Reason, State};
use crate::observe::StageMetrics;

/// What becomes of one item.
#[derive(Debug)]
pub enum Verdict<T> {
    /// It goes on.
    Keep(T),
    /// It ends here, on purpose; the word is the label `outcome` of `records_total`.
    Drop(&'static str),
    /// It cannot be processed; it goes to the dead letters with this code and error.
    Reject(&'static str, String),
}

/// One step of a hop.
pub trait Stage: Send + Sync + 'static {
    /// What comes in.
    type In: Send + 'static;
    /// What goes on.
    type Out: Send + 'static;

    /// As metrics, spans and dead letters name it, such as `enrich/articles`.
    fn name(&self) -> &'static str;

    /// Batches worked on side by side.
    fn concurrency(&self) -> usize {
        std::thread::available_parallelism().map_or(1, usize::from)
    }

    /// Judges every item, in order.
    ///
    /// An error means: stop the hop and commit nothing. It is for what the stage needs and has not got, never for a
    /// bad item.
    fn apply(
        self: Arc<Self>,
        items: Vec<Self::In>,
    ) -> impl Future<Output = anyhow::Result<Vec<Verdict<Self::Out>>>> + Send;
}

/// Runs work that computes off the threads that wait.
///
/// # Errors
/// When the work panicked.
pub async fn compute<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> anyhow::Result<T> {
    tokio::task::spawn_blocking(work).await.context("a stage panicked")
}

/// Runs `stage` between two channels until the first closes.
pub(super) async fn run<S: Stage>(
    stage: Arc<S>,
    metrics: StageMetrics,
    mut inlet: mpsc::Receiver<Delivery<S::In>>,
    outlet: mpsc::Sender<Delivery<S::Out>>,
) -> anyhow::Result<()> {
    let side_by_side = stage.concurrency().max(1);
    let mut working = FuturesOrdered::new();
    let mut open = true;
    while open || !working.is_empty() {
        tokio::select! {
            biased;
            Some(done) = working.next(), if !working.is_empty() => {
                let done: anyhow::Result<Delivery<S::Out>> = done;
                if outlet.send(done?).await.is_err() {
                    return Ok(());
                }
            }
            next = inlet.recv(), if open && working.len() < side_by_side => match next {
                None => open = false,
                Some(Delivery::Barrier(barrier)) => {
                    working.push_back(Work::Done(Some(Delivery::Barrier(barrier))));
                }
                Some(Delivery::Batch(batch)) => {
                    let task = tokio::spawn(judge(Arc::clone(&stage), metrics.clone(), batch));
                    working.push_back(Work::Running(task));
                }
            },
        }
    }
    Ok(())
}

/// Work in its place in the queue.
enum Work<T> {
    Running(JoinHandle<anyhow::Result<Batch<T>>>),
    Done(Option<Delivery<T>>),
}

// No part of it is pinned by address: a join handle is `Unpin`.
impl<T> Unpin for Work<T> {}

impl<T> Future for Work<T> {
    type Output = anyhow::Result<Delivery<T>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut *self {
            Self::Running(task) => {
                Pin::new(task).poll(context).map(|joined| Ok(Delivery::Batch(joined.context("a stage panicked")??)))
            }
            Self::Done(delivery) => {
                Poll::Ready(delivery.take().ok_or_else(|| anyhow!("a finished delivery was asked for twice")))
            }
        }
    }
}

impl<T> Drop for Work<T> {
    fn drop(&mut self) {
        // A hop that stops must not leave work behind that a restarted hop does again at the same time.
        if let Self::Running(task) = self {
            task.abort();
        }
    }
}

async fn judge<S: Stage>(stage: Arc<S>, metrics: StageMetrics, batch: Batch<S::In>) -> anyhow::Result<Batch<S::Out>> {
    let started = Instant::now();
    let name = stage.name();
    let mut values = Vec::with_capacity(batch.entries.len());
    let mut frame = Vec::with_capacity(batch.entries.len());
    for Entry { state, from } in batch.entries {
        frame.push(match state {
            State::Kept(value) => {
                values.push(value);
                (None, from)
            }
            State::Dropped => (Some(State::Dropped), from),
            State::Rejected(reason) => (Some(State::Rejected(reason)), from),
        });
    }
    let items = values.len();
    let verdicts = if items == 0 { Vec::new() } else { stage.apply(values).await? };
    assert_eq!(verdicts.len(), items, "a stage judges every item");
    let mut verdicts = verdicts.into_iter();
    let entries = frame
        .into_iter()
        .map(|(settled, from)| {
            let judged = settled.unwrap_or_else(|| match verdicts.next() {
                Some(Verdict::Keep(value)) => {
                    metrics.count("ok");
                    State::Kept(value)
                }
                Some(Verdict::Drop(outcome)) => {
                    metrics.count(outcome);
                    State::Dropped
                }
                Some(Verdict::Reject(code, error)) => {
                    metrics.count("rejected");
                    State::Rejected(Reason { code, error, stage: name })
                }
                None => unreachable!("as many verdicts as kept entries were counted above"),
            });
            Entry { state: judged, from }
        })
        .collect();
    metrics.took(started.elapsed());
    Ok(Batch { entries })
}
