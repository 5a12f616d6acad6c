//! A hold from its grant to its end.
//!
//! # Why a hold that does not fit waits in line
//! Open holds are worst cases and mostly end below. As long as they could make room, a new hold waits for its turn and
//! is not refused; nothing overtakes it, or small calls would starve a large one. It is refused when it would not fit
//! even if every open hold came to nothing. Only a question that is asked again has a line of its own, which goes first:
//! what its article has cost so far would be lost, were the last money spent on first questions.

use std::sync::Arc;
use std::time::Duration;

use tracing::warn;

use super::{Ledger, Owned};
use crate::kafka::{Committing, Place};
use crate::model::{Answer, Budget, LedgerEntry, NanoUsd, Spend, SpendOutcome};
use crate::provider::book::Admission;

/// How long a hold waits before it looks again whether the sink has caught up.
const BEHIND_WAIT: Duration = Duration::from_secs(1);

/// Why there is no hold.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// This budget has no room, whatever becomes of the open holds.
    #[error("the {} budget is exhausted", .0.as_str())]
    Exhausted(Budget),
    /// Somebody cancelled the session.
    #[error("the session was cancelled")]
    Cancelled,
    /// The hop is stopping.
    #[error("the hop is stopping")]
    Closing,
    /// The ledger cannot be written: the hop must start again.
    #[error(transparent)]
    Ledger(#[from] anyhow::Error),
}

/// A hold that is in the log. Let go without an end it counts in full until the next owner makes it in doubt.
#[derive(Debug)]
#[must_use = "a hold without an end counts in full for ever"]
pub struct Held {
    owned: Arc<Owned>,
    hold: Spend,
    outstanding: Outstanding,
}

/// How a call ended.
#[derive(Debug, Clone)]
pub struct End {
    /// Settled, lost or void. A cost above the hold makes it an overrun.
    pub outcome: SpendOutcome,
    /// What counts; ignored where the whole hold does.
    pub cost: NanoUsd,
    /// The model version that answered; empty where none did.
    pub model: String,
    /// Tokens in, cached ones among them, and out.
    pub tokens: [u64; 3],
    /// Credits.
    pub units: u64,
    /// Why it was lost or void.
    pub error: String,
    /// What is kept for the same question.
    pub answer: Option<Answer>,
}

impl End {
    /// Nothing was charged.
    #[must_use]
    pub fn void(error: impl Into<String>) -> Self {
        Self {
            outcome: SpendOutcome::Void,
            cost: NanoUsd::ZERO,
            model: String::new(),
            tokens: [0; 3],
            units: 0,
            error: error.into(),
            answer: None,
        }
    }
}

impl Held {
    /// What may be spent on the call.
    #[must_use]
    pub fn amount(&self) -> NanoUsd {
        self.hold.held
    }

    /// Ends the hold. It is in the log before anything that is committed later; no need to wait for it. Says what counts.
    ///
    /// # Errors
    /// When the ledger cannot be written: the hop must start again.
    pub async fn end(self, end: End) -> anyhow::Result<NanoUsd> {
        let Self { owned, hold, outstanding } = self;
        let (outcome, cost) = match end.outcome {
            SpendOutcome::Void => (SpendOutcome::Void, NanoUsd::ZERO),
            SpendOutcome::Lost => (SpendOutcome::Lost, hold.held),
            _ if end.cost > hold.held => (SpendOutcome::Overrun, end.cost),
            _ => (SpendOutcome::Settled, end.cost),
        };
        if outcome == SpendOutcome::Overrun {
            warn!(provider = hold.provider, model = end.model, held = %hold.held, billed = %cost, "billed above its hold");
        }
        let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let [input_tokens, cached_tokens, output_tokens] = end.tokens.map(signed);
        let model = if end.model.is_empty() { hold.model.clone() } else { end.model };
        let spend = Spend {
            model,
            units: signed(end.units),
            input_tokens,
            cached_tokens,
            output_tokens,
            cost,
            outcome,
            error: end.error,
            at: owned.now(),
            ..hold
        };
        owned.end(spend, end.answer).await?;
        drop(outstanding);
        Ok(cost)
    }
}

impl Owned {
    /// Holds the worst case of a call; `again` says that its question was asked before. Returns when the hold is in the
    /// log: the call may leave.
    ///
    /// # Errors
    /// As [`Refused`] says.
    pub async fn hold(self: &Arc<Self>, hold: Spend, again: bool) -> Result<Held, Refused> {
        let first = again.then(|| First::of(self));
        let turn = self.lines[usize::from(again)].lock().await;
        let (committing, outstanding) = loop {
            let ended = self.ended.notified();
            tokio::pin!(ended);
            // From here on no end is missed.
            ended.as_mut().enable();
            if *self.ledger.0.closing.borrow() {
                return Err(Refused::Closing);
            }
            let place = self.place().await?;
            match self.try_hold(place, &hold, again)? {
                Tried::Held(committing, outstanding) => break (committing, outstanding),
                Tried::Full => tokio::select! {
                    () = ended => {}
                    () = self.ledger.closed() => {}
                },
                Tried::Behind => {
                    warn!("the sink is behind: nothing is bought until it has stored what was answered");
                    self.ledger.0.clock.sleep_until(self.now().plus(BEHIND_WAIT)).await;
                }
            }
        };
        drop((turn, first));
        committing.done().await?;
        Ok(Held { owned: Arc::clone(self), hold, outstanding })
    }

    fn try_hold(&self, place: Place<'_>, hold: &Spend, again: bool) -> Result<Tried, Refused> {
        let mut state = self.lock();
        if state.again > 0 && !again {
            return Ok(Tried::Full);
        }
        if state.recent.is_full() {
            return Ok(Tried::Behind);
        }
        match state.book.admit(hold, self.ledger.0.settings.limits) {
            Admission::Exhausted(budget) => Err(Refused::Exhausted(budget)),
            Admission::Cancelled => Err(Refused::Cancelled),
            Admission::Full => Ok(Tried::Full),
            Admission::Held => {
                let entry = LedgerEntry { spend: Some(hold.clone()), ..LedgerEntry::default() };
                let committing = self.queue(place, &mut state, &[entry])?;
                Ok(Tried::Held(committing, Outstanding::of(&self.ledger)))
            }
        }
    }

    /// Ends a hold, and keeps the answer that it bought.
    async fn end(&self, spend: Spend, answer: Option<Answer>) -> anyhow::Result<()> {
        let place = self.place().await?;
        {
            let mut state = self.lock();
            state.book.end(&spend);
            if let Some(answer) = &answer {
                state.recent.keep(Arc::new(answer.clone()));
            }
            let entry = LedgerEntry { spend: Some(spend), answer, ..LedgerEntry::default() };
            // Whether it is committed is known by what is committed behind it.
            drop(self.queue(place, &mut state, &[entry])?);
        }
        self.ended.notify_waiters();
        Ok(())
    }
}

/// Counts a hold from its grant until nobody can end it any more: it has ended, or its task was cut off.
#[derive(Debug)]
struct Outstanding(Ledger);

impl Outstanding {
    fn of(ledger: &Ledger) -> Self {
        ledger.0.outstanding.send_modify(|outstanding| *outstanding += 1);
        Self(ledger.clone())
    }
}

impl Drop for Outstanding {
    fn drop(&mut self) {
        self.0.0.outstanding.send_modify(|outstanding| *outstanding -= 1);
    }
}

/// Keeps others from the room that a question which is asked again waits for.
struct First<'a>(&'a Owned);

impl<'a> First<'a> {
    fn of(owned: &'a Owned) -> Self {
        owned.lock().again += 1;
        Self(owned)
    }
}

impl Drop for First<'_> {
    fn drop(&mut self) {
        self.0.lock().again -= 1;
        self.0.ended.notify_waiters();
    }
}

/// What became of an attempt to hold.
enum Tried {
    Held(Committing, Outstanding),
    /// There is no room until something ends.
    Full,
    /// Memory is full of answers that the sink has not stored.
    Behind,
}
