//! Decisions about sessions: in the log like everything else that bounds spending, so that every owner knows them.

use super::Owned;
use crate::model::{Decision, LedgerEntry};
use crate::provider::book::Decisions;

impl Owned {
    /// Takes a decision in. Returns when it is in the log: no hold of a cancelled session comes behind it. One that is
    /// read again changes nothing.
    ///
    /// # Errors
    /// When the ledger cannot be written: the hop must start again.
    pub async fn decide(&self, decision: Decision) -> anyhow::Result<()> {
        let place = self.place().await?;
        let committing = {
            let mut state = self.lock();
            if !state.book.decide(&decision) {
                return Ok(());
            }
            let entry = LedgerEntry { decision: Some(decision), ..LedgerEntry::default() };
            self.queue(place, &mut state, &[entry])?
        };
        // Whoever waits for room in a cancelled session waits no more.
        self.ended.notify_waiters();
        committing.done().await
    }

    /// What was decided about sessions.
    #[must_use]
    pub fn decisions(&self) -> Decisions {
        self.lock().book.decisions().clone()
    }

    /// Whether a session was cancelled, and the cancellation not taken back.
    #[must_use]
    pub fn is_cancelled(&self, account: &str, session_id: &str) -> bool {
        self.lock().book.decisions().is_cancelled(account, session_id)
    }
}
