//! What many ask for and few changes touch: made once for each change, and kept.
//!
//! # Why nobody waits for a change
//! Whoever asks gets what is kept, as long as somebody has looked for a change within [`STALE_MAX`]. The first to ask
//! after [`Kept::every`] makes one look, in the background, and only one is under way at a time. So a thousand requests a
//! second cost one look, and a change that takes a tenth of a second to be prepared delays none of them. After a quiet
//! time what is kept may be old: then the first to ask waits for the look, and the others with it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::OwnedMutexGuard;
use tracing::warn;

use super::Problem;
use crate::clickhouse::Failure;
use crate::model::Timestamp;

/// The oldest look that an answer may rest on.
const STALE_MAX: Duration = Duration::from_secs(5);
/// After a look that failed nobody looks for so long.
const FAILED_WAIT: Duration = Duration::from_secs(1);

/// One thing that is kept.
pub(super) struct Kept<T> {
    every: Duration,
    held: Mutex<Held<T>>,
    looking: Arc<tokio::sync::Mutex<()>>,
}

struct Held<T> {
    value: Option<Arc<T>>,
    looked_at: Timestamp,
    failed: Option<(Timestamp, Failure)>,
}

impl<T> fmt::Debug for Kept<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept")
    }
}

impl<T: Send + Sync + 'static> Kept<T> {
    /// Nothing yet; it is looked for changes at most once in `every`.
    pub(super) fn new(every: Duration) -> Arc<Self> {
        let held = Held { value: None, looked_at: Timestamp(i64::MIN), failed: None };
        Arc::new(Self { every, held: Mutex::new(held), looking: Arc::default() })
    }

    /// What is kept. `look` is given it, and says what is to be kept from now on: the same where nothing has changed.
    ///
    /// # Errors
    /// Nothing is kept, or only what is too old, and the look has failed.
    pub(super) async fn get<F>(
        self: &Arc<Self>,
        now: Timestamp,
        look: impl FnOnce(Option<Arc<T>>) -> F,
    ) -> Result<Arc<T>, Problem>
    where
        F: Future<Output = Result<Arc<T>, Failure>> + Send + 'static,
    {
        if let Some(value) = self.younger_than(self.every, now) {
            return Ok(value);
        }
        if let Some(value) = self.younger_than(STALE_MAX, now) {
            if let Ok(turn) = Arc::clone(&self.looking).try_lock_owned() {
                let (kept, look) = (Arc::clone(self), look(Some(Arc::clone(&value))));
                tokio::spawn(async move { kept.renew(turn, look, now).await.map(drop) });
            }
            return Ok(value);
        }
        let turn = Arc::clone(&self.looking).lock_owned().await;
        // Somebody else may have looked meanwhile.
        if let Some(value) = self.younger_than(self.every, now) {
            return Ok(value);
        }
        if let Some((at, failure)) = &self.held.lock().failed
            && now.since(*at) < FAILED_WAIT
        {
            return Err(failure.clone().into());
        }
        let before = self.held.lock().value.clone();
        self.renew(turn, look(before), now).await
    }

    fn younger_than(&self, age: Duration, now: Timestamp) -> Option<Arc<T>> {
        let held = self.held.lock();
        held.value.clone().filter(|_| now.since(held.looked_at) < age)
    }

    async fn renew(
        &self,
        _turn: OwnedMutexGuard<()>,
        look: impl Future<Output = Result<Arc<T>, Failure>>,
        now: Timestamp,
    ) -> Result<Arc<T>, Problem> {
        match look.await {
            Ok(value) => {
                *self.held.lock() = Held { value: Some(Arc::clone(&value)), looked_at: now, failed: None };
                Ok(value)
            }
            Err(failure) => {
                warn!(error = %failure, "what is kept of ClickHouse could not be renewed");
                self.held.lock().failed = Some((now, failure.clone()));
                Err(failure.into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn one_look_serves_many_and_nobody_waits_for_a_change() {
        let kept: Arc<Kept<u32>> = Kept::new(Duration::from_secs(1));
        let looks = Arc::new(AtomicU32::new(0));
        let get = |at: i64| {
            let (kept, looks) = (Arc::clone(&kept), Arc::clone(&looks));
            async move {
                let look = |_| async move { Ok(Arc::new(looks.fetch_add(1, Ordering::SeqCst))) };
                *kept.get(Timestamp(at), look).await.unwrap()
            }
        };
        let (first, second) = tokio::join!(get(0), get(0));
        assert_eq!((first, second), (0, 0), "the second waits for the look of the first");
        assert_eq!(get(999).await, 0);
        assert_eq!(get(1_000).await, 0, "it is looked in the background");
        while looks.load(Ordering::SeqCst) < 2 {
            tokio::task::yield_now().await;
        }
        tokio::task::yield_now().await;
        assert_eq!(get(1_500).await, 1);
        assert_eq!(get(60_000).await, 2, "what is old is not shown");
    }
}
