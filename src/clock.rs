//! Where time comes from. Only the edges hold a [`Clock`]; everything else is told the time (law 9).

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

use crate::model::Timestamp;

/// The system's clock, or one that a test turns by hand.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    System,
    Manual(Arc<watch::Sender<Timestamp>>),
}

/// The hand of a manual clock.
#[derive(Debug, Clone)]
pub struct Hand(Arc<watch::Sender<Timestamp>>);

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `start` until its hand is moved.
    #[must_use]
    pub fn manual(start: Timestamp) -> (Self, Hand) {
        let sender = Arc::new(watch::Sender::new(start));
        (Self(Source::Manual(Arc::clone(&sender))), Hand(sender))
    }

    /// The time.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is where time comes from")]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
            }
            Source::Manual(time) => *time.borrow(),
        }
    }

    /// Returns when the clock shows `moment` or later; never where there is none.
    pub async fn passed(&self, moment: Option<Timestamp>) {
        match moment {
            Some(moment) => self.sleep_until(moment).await,
            None => std::future::pending().await,
        }
    }

    /// Returns when the clock shows `moment` or later.
    pub async fn sleep_until(&self, moment: Timestamp) {
        match &self.0 {
            Source::System => tokio::time::sleep(moment.since(self.now())).await,
            Source::Manual(time) => {
                // The sender lives in `self`, so the channel cannot close before the hand gets there.
                let _ = time.subscribe().wait_for(|now| *now >= moment).await;
            }
        }
    }
}

impl Hand {
    /// Moves the hand forward.
    pub fn advance(&self, by: Duration) {
        self.0.send_modify(|time| *time = time.plus(by));
    }
}
