//! A hold from its grant to its end.

use std::sync::Arc;

use tracing::warn;

use super::Owned;
use crate::model::{Answer, NanoUsd, Spend, SpendOutcome};

/// A hold that is in the log. Let go without an end it counts in full until the next owner makes it in doubt.
#[derive(Debug)]
#[must_use = "a hold without an end counts in full for ever"]
pub struct Held {
    owned: Arc<Owned>,
    hold: Spend,
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
    pub(super) fn new(owned: Arc<Owned>, hold: Spend) -> Self {
        Self { owned, hold }
    }

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
        let Self { owned, hold } = self;
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
        Ok(cost)
    }
}
