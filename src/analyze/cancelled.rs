//! Jobs that are not wanted any more: what every worker follows, from the oldest record on.
//!
//! Memory is bounded: of more than [`IDS_MAX`] the newest are known, and a job that was cancelled longer ago than that
//! many others has been read by then.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;
use tracing::debug;

use crate::config;
use crate::kafka::Following;
use crate::model::Cancellation;
use crate::wire::{Codec, Unread};

/// Ids that are known: some megabytes.
const IDS_MAX: usize = 100_000;

/// Who is not wanted any more.
#[derive(Debug)]
pub(super) struct Cancelled {
    known: Arc<Known>,
    /// Ends when this is dropped.
    _following: Option<Following>,
}

#[derive(Debug)]
struct Known {
    ids: Mutex<Ids>,
    changes: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Ids {
    all: HashSet<String>,
    in_order: VecDeque<String>,
}

impl Known {
    fn add(&self, id: String) {
        let mut ids = self.ids.lock();
        if ids.all.insert(id.clone()) {
            ids.in_order.push_back(id);
            if ids.in_order.len() > IDS_MAX
                && let Some(oldest) = ids.in_order.pop_front()
            {
                ids.all.remove(&oldest);
            }
        }
        drop(ids);
        self.changes.send_replace(());
    }
}

impl Cancelled {
    /// Follows `topic` (with its prefix); returns once everything was seen that is there.
    ///
    /// # Errors
    /// When the topic cannot be read.
    pub(super) async fn follow(kafka: &config::Kafka, topic: &str, codec: Codec<Cancellation>) -> anyhow::Result<Self> {
        let known = Arc::new(Known { ids: Mutex::default(), changes: watch::Sender::new(()) });
        let told = Arc::clone(&known);
        let runtime = tokio::runtime::Handle::current();
        let visit = move |_: Option<&[u8]>, value: Option<&[u8]>| {
            let Some(value) = value else { return };
            // On a thread of its own, which may wait for a schema.
            match runtime.block_on(codec.read(value)) {
                Ok(Cancellation { analysis_id, .. }) => told.add(analysis_id),
                Err(Unread::Refused(error)) => debug!(%error, "a cancellation cannot be read"),
                Err(Unread::Registry(error)) => debug!(%error, "a cancellation has an unknown schema"),
            }
        };
        let following = Following::begin(kafka, topic, visit).await?;
        following.caught_up().await?;
        Ok(Self { known, _following: Some(following) })
    }

    /// Returns as soon as the job of this id is not wanted any more.
    pub(super) async fn wait(&self, id: &str) {
        let mut changes = self.known.changes.subscribe();
        loop {
            changes.mark_unchanged();
            if self.known.ids.lock().all.contains(id) {
                return;
            }
            // The sender lives in `self`, so the channel cannot close.
            let _ = changes.changed().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_wait_ends_with_the_cancellation_and_old_ones_are_forgotten() {
        let known = Arc::new(Known { ids: Mutex::default(), changes: watch::Sender::new(()) });
        let cancelled = Arc::new(Cancelled { known: Arc::clone(&known), _following: None });
        let waiting = tokio::spawn({
            let cancelled = Arc::clone(&cancelled);
            async move { cancelled.wait("a").await }
        });
        known.add("b".to_owned());
        known.add("a".to_owned());
        known.add("a".to_owned());
        tokio::time::timeout(Duration::from_secs(30), waiting).await.unwrap().unwrap();
        cancelled.wait("b").await;
        for number in 0..IDS_MAX {
            known.add(number.to_string());
        }
        let ids = known.ids.lock();
        assert!(ids.all.len() == IDS_MAX && ids.in_order.len() == IDS_MAX && !ids.all.contains("a"));
    }
}
