//! Whether the hop is stopping. Whoever would have to wait then gives up, as what is not done is read again.

use std::sync::Arc;

use anyhow::bail;
use tokio::sync::watch;

/// Open until it is closed. Clones share it.
#[derive(Debug, Clone)]
pub struct Door(Arc<watch::Sender<bool>>);

impl Door {
    pub(super) fn open() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// The hop is stopping.
    pub fn close(&self) {
        self.0.send_replace(true);
    }

    /// Waits for something that may take long.
    ///
    /// # Errors
    /// When the hop is stopping.
    pub(super) async fn wait<T>(&self, until: impl Future<Output = T>) -> anyhow::Result<T> {
        let mut closed = self.0.subscribe();
        tokio::select! {
            biased;
            there = until => Ok(there),
            // The sender lives in `self`, so the channel cannot close first.
            _ = closed.wait_for(|closed| *closed) => bail!("the hop is stopping: jobs that wait are read again"),
        }
    }
}
