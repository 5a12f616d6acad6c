//! Ends in memory: a topic that is a list, and a sink that keeps what lands, with commits that only count when whole.
//! For tests of hops in simulated time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::bail;
use bytes::Bytes;
use tokio::sync::mpsc;

use super::batch::{Landed, Offsets, Reject};
use super::record::Record;
use super::{Batch, Delivery, Sink};
use crate::model::Timestamp;

/// A record of an in-memory topic.
#[must_use]
pub fn record(topic: &str, partition: i32, offset: i64, timestamp: Timestamp, value: &[u8]) -> Arc<Record> {
    Arc::new(Record {
        topic: topic.into(),
        partition,
        offset,
        epoch: 0,
        timestamp,
        key: None,
        value: Some(Bytes::copy_from_slice(value)),
        headers: Vec::new(),
        hold: None,
    })
}

/// A source that a test feeds by hand.
#[must_use]
pub fn source() -> (Feed, mpsc::Receiver<Delivery<Arc<Record>>>) {
    let (sender, receiver) = mpsc::channel(1);
    (Feed(sender), receiver)
}

/// The feeding end of [`source`]. Dropped, it ends the hop.
#[derive(Debug)]
pub struct Feed(mpsc::Sender<Delivery<Arc<Record>>>);

impl Feed {
    /// Delivers records as one batch; `false` once the hop has stopped.
    pub async fn records(&self, records: Vec<Arc<Record>>) -> bool {
        self.0.send(Delivery::Batch(Batch::of_records("test", records))).await.is_ok()
    }

    /// Delivers a barrier and waits for its answer; `false` where the hop stopped instead.
    pub async fn barrier(&self, reason: crate::model::CloseReason) -> bool {
        let (barrier, reached) = super::Barrier::new(reason);
        self.0.send(Delivery::Barrier(barrier)).await.is_ok() && reached.await.is_ok()
    }
}

/// What has been committed to a [`MemorySink`].
#[derive(Debug)]
pub struct Kept<T> {
    /// Items, in the order in which they landed.
    pub items: Vec<T>,
    /// Origins, codes and errors of the rejects.
    pub rejects: Vec<(String, &'static str, String)>,
    /// The next offset of each topic and partition.
    pub offsets: BTreeMap<(String, i32), i64>,
    /// How many commits there were.
    pub commits: usize,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self { items: Vec::new(), rejects: Vec::new(), offsets: BTreeMap::new(), commits: 0 }
    }
}

/// A sink that keeps what lands. Output and offsets become visible together.
#[derive(Debug)]
pub struct MemorySink<T> {
    kept: Arc<Mutex<Kept<T>>>,
    prepared: (Vec<T>, Vec<Reject>),
    fail_at: Option<usize>,
}

impl<T> MemorySink<T> {
    /// A sink into `kept`, which fails instead of making commit number `fail_at`.
    #[must_use]
    pub fn new(kept: Arc<Mutex<Kept<T>>>, fail_at: Option<usize>) -> Self {
        Self { kept, prepared: (Vec::new(), Vec::new()), fail_at }
    }
}

impl<T: Send> Sink<T> for MemorySink<T> {
    async fn write(&mut self, kept: Vec<Landed<T>>, rejected: Vec<Reject>) -> anyhow::Result<usize> {
        self.prepared.0.extend(kept.into_iter().map(|landed| landed.value));
        self.prepared.1.extend(rejected);
        Ok(0)
    }

    async fn commit(&mut self, offsets: Offsets) -> anyhow::Result<()> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.commits += 1;
        if self.fail_at == Some(kept.commits) {
            bail!("the sink was told to fail at this commit");
        }
        let (items, rejects) = std::mem::take(&mut self.prepared);
        kept.items.extend(items);
        kept.rejects.extend(
            rejects
                .into_iter()
                .map(|reject| (reject.record.origin().to_string(), reject.reason.code, reject.reason.error)),
        );
        for position in offsets.positions() {
            let known = kept.offsets.entry((position.topic.to_string(), position.partition)).or_default();
            assert!(*known < position.next, "commits only grow");
            *known = position.next;
        }
        Ok(())
    }
}
