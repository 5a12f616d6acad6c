//! One paid call, from the hold to its end: hold → request → classify → settle.
//!
//! # Why the hold comes before the place at the provider
//! A hold takes as long as a transaction. Taken with a place in hand it would make every call that much longer, and the
//! provider's limit of calls under way would be filled with calls that have not left. Taken ahead it costs throughput
//! nothing. No more may hold ahead than may be under way, which bridges a broker that takes four times as long as usual,
//! and one call while the provider is out: a hold whose call never left is money in doubt when the process dies.
//!
//! # Why the reading comes before the settlement
//! An answer is kept for the same question only if it can be read, and it is committed in the same entry as its cost:
//! there is no moment at which it is paid for and not kept.
//!
//! # Why some calls wait for nothing
//! Most have nothing else to go on with, and wait for as long as an outage lasts. A call that has ([`Quote::until`])
//! leaves by then or is not made: it does not wait for a service that is known to be away, nor behind the one call that
//! finds out whether it is back. What was held for it by then is given back.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::call::{Bill, CallError, Called, Usage};
use super::gate::{Gate, State};
use super::ledger::{End, Held, Ledger, Owned, Refused, new_hold_id};
use crate::clock::Clock;
use crate::model::{Answer, Id, NanoUsd, Spend, SpendOutcome, Timestamp};
use crate::observe::{self, HoldMetrics};

/// So many calls may hold ahead, however few may be under way.
const AHEAD_MIN: usize = 8;

/// Who pays, and for what.
#[derive(Debug, Clone)]
pub struct Purse {
    /// The book.
    pub owned: Arc<Owned>,
    /// The account.
    pub account: String,
    /// The session whose budget pays.
    pub session_id: String,
    /// `live`, or the replay's id.
    pub run_id: String,
    /// What it is spent on.
    pub article_id: String,
}

/// What a call will be, and what it may cost at most.
#[derive(Debug, Clone, Copy)]
pub struct Quote<'a> {
    /// Who is asked.
    pub provider: &'static str,
    /// Which model; empty where there is none.
    pub model: &'a str,
    /// `analyze`, `repair`, `search`, `summarize`.
    pub operation: &'static str,
    /// The question, for whoever asks it again.
    pub key: &'a Id,
    /// The worst case.
    pub worst: NanoUsd,
    /// Whether the question was asked before: then it goes ahead of those that were not.
    pub again: bool,
    /// From this moment on it may not leave any more; `None`: whenever it can.
    pub until: Option<Timestamp>,
}

/// A call that was made, and paid for if it was billed.
#[derive(Debug)]
pub struct Bought<T> {
    /// The answer, or why there is none.
    pub result: Result<T, Miss>,
    /// What counts against the budget.
    pub cost: NanoUsd,
    /// What it used, where the provider said so.
    pub usage: Option<Usage>,
}

/// Why a call that was made brought nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Miss {
    /// The call failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// There was an answer, and this is wrong with it.
    #[error("{0}")]
    Unreadable(String),
    /// It was not made: it could not have left in time. This is why.
    #[error("{0}")]
    Away(String),
}

/// The right to hold money for a call that has not left yet.
struct Ready<'a> {
    _ahead: Option<SemaphorePermit<'a>>,
    _scout: Option<SemaphorePermit<'a>>,
}

/// A door to one provider. Clones share it.
#[derive(Debug, Clone)]
pub struct Door {
    ledger: Ledger,
    gate: Gate,
    ahead: Arc<Semaphore>,
    scout: Arc<Semaphore>,
    holds: HoldMetrics,
    clock: Clock,
}

impl Door {
    /// A door through `gate`, which lets at most `limit` calls be under way.
    #[must_use]
    pub fn new(ledger: Ledger, gate: Gate, limit: usize, clock: Clock) -> Self {
        let ahead = Arc::new(Semaphore::new(limit.max(AHEAD_MIN)));
        Self { ledger, gate, ahead, scout: Arc::new(Semaphore::new(1)), holds: observe::holds(), clock }
    }

    /// Holds the worst case, makes the call, reads the answer and settles.
    ///
    /// `ask` makes the request, `read` makes something of the answer and names the text that is kept of it, `cost` prices
    /// what was used; an amount that cannot be priced counts as its hold.
    ///
    /// # Errors
    /// As [`Refused`] says; then no call was made.
    pub async fn call<R, T>(
        &self,
        purse: &Purse,
        quote: Quote<'_>,
        ask: impl Future<Output = Called<R>>,
        read: impl FnOnce(R) -> Result<(T, String), String>,
        cost: impl FnOnce(&Usage) -> Option<NanoUsd>,
    ) -> Result<Bought<T>, Refused> {
        let ready = tokio::select! {
            ready = self.ready(quote) => ready?,
            () = self.ledger.closed() => return Err(Refused::Closing),
            () = self.clock.passed(quote.until) => None,
        };
        let Some(ready) = ready else { return Ok(self.not_made()) };
        let wished = Instant::now();
        let held = purse.owned.hold(self.wish(purse, quote), quote.again).await?;
        self.holds.took(wished.elapsed());
        let permit = tokio::select! {
            biased;
            permit = self.gate.enter(quote.operation) => permit,
            () = self.ledger.closed() => {
                held.end(End::void("the hop stopped before the call left")).await?;
                return Err(Refused::Closing);
            }
            () = self.shut(quote.until) => {
                held.end(End::void("the call could not leave in time")).await?;
                return Ok(self.not_made());
            }
        };
        drop(ready);
        let Called { result, bill } = ask.await;
        permit.done(result.as_ref().map(|_reply| ()));
        let (result, text) = match result.map_err(Miss::Call).and_then(|reply| read(reply).map_err(Miss::Unreadable)) {
            Ok((value, text)) => (Ok(value), Some(text)),
            Err(miss) => (Err(miss), None),
        };
        let end = self.end(quote, &bill, &held, result.as_ref().err(), text, cost);
        let cost = held.end(end).await?;
        let usage = match bill {
            Bill::Usage(usage) => Some(usage),
            Bill::Nothing | Bill::Unknown => None,
        };
        let model = usage.as_ref().map_or(quote.model, |usage| usage.model.as_str());
        let metrics = observe::spend(quote.provider, model);
        metrics.spent(cost);
        if let Some(Usage { input_tokens, cached_tokens, output_tokens, .. }) = &usage {
            metrics.tokens(*input_tokens, *cached_tokens, *output_tokens);
        }
        Ok(Bought { result, cost, usage })
    }

    /// The right to hold ahead; `None` where the call has no time to wait for it.
    async fn ready(&self, quote: Quote<'_>) -> anyhow::Result<Option<Ready<'_>>> {
        let ahead = self.ahead(quote).await?;
        let Some(until) = quote.until else {
            return Ok(Some(Ready { _ahead: ahead, _scout: self.scout().await? }));
        };
        let scout = if self.gate.state().is_out() {
            let Ok(scout) = self.scout.try_acquire() else { return Ok(None) };
            Some(scout)
        } else {
            None
        };
        Ok(self.gate.may_open_by(until).then_some(Ready { _ahead: ahead, _scout: scout }))
    }

    /// Returns when a call that has to leave by `until` will not; never where it has time.
    async fn shut(&self, until: Option<Timestamp>) {
        let Some(until) = until else { return std::future::pending().await };
        let mut states = self.gate.watch();
        while self.gate.may_open_by(until) {
            tokio::select! {
                // The sender lives in the gate, so the channel cannot close first.
                _ = states.changed() => {}
                () = self.clock.sleep_until(until) => return,
            }
        }
    }

    /// A call that could not leave in time.
    fn not_made<T>(&self) -> Bought<T> {
        let why = match self.gate.state() {
            State::Closed => "it is busy".to_owned(),
            state => state.to_string(),
        };
        Bought { result: Err(Miss::Away(why)), cost: NanoUsd::ZERO, usage: None }
    }

    /// A question that is asked again needs no leave to hold ahead: those who have it may all be waiting for room that is
    /// kept for it. There are never more of them than calls that were under way.
    async fn ahead(&self, quote: Quote<'_>) -> anyhow::Result<Option<SemaphorePermit<'_>>> {
        if quote.again {
            return Ok(None);
        }
        self.ahead.acquire().await.map(Some).context("the semaphore is never closed")
    }

    /// While the provider is out only one call at a time holds ahead, the one that will find out whether it is back.
    async fn scout(&self) -> anyhow::Result<Option<SemaphorePermit<'_>>> {
        if !self.gate.state().is_out() {
            return Ok(None);
        }
        self.scout.acquire().await.map(Some).context("the semaphore is never closed")
    }

    fn wish(&self, purse: &Purse, quote: Quote<'_>) -> Spend {
        let now = self.clock.now();
        Spend {
            hold_id: new_hold_id(),
            account: purse.account.clone(),
            session_id: purse.session_id.clone(),
            run_id: purse.run_id.clone(),
            article_id: purse.article_id.clone(),
            provider: quote.provider.to_owned(),
            model: quote.model.to_owned(),
            operation: quote.operation.to_owned(),
            units: 0,
            input_tokens: 0,
            cached_tokens: 0,
            output_tokens: 0,
            held: quote.worst,
            cost: NanoUsd::ZERO,
            outcome: SpendOutcome::Open,
            error: String::new(),
            held_at: now,
            at: now,
        }
    }

    fn end(
        &self,
        quote: Quote<'_>,
        bill: &Bill,
        held: &Held,
        miss: Option<&Miss>,
        text: Option<String>,
        price: impl FnOnce(&Usage) -> Option<NanoUsd>,
    ) -> End {
        let error = miss.map(ToString::to_string).unwrap_or_default();
        let usage = match bill {
            Bill::Nothing => return End::void(error),
            // Answered without a bill: the worst case counts, and the answer is kept all the same.
            Bill::Unknown => None,
            Bill::Usage(usage) => Some(usage),
        };
        let cost = usage.and_then(|usage| usage.charged.or_else(|| price(usage))).unwrap_or(held.amount());
        let Usage { model, input_tokens, cached_tokens, output_tokens, credits, .. } =
            usage.cloned().unwrap_or_default();
        let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let answer = text.map(|text| Answer {
            key: quote.key.clone(),
            provider: quote.provider.to_owned(),
            model: model.clone(),
            text,
            input_tokens: signed(input_tokens),
            output_tokens: signed(output_tokens),
            cost,
            at: self.clock.now(),
        });
        let lost = matches!(miss, Some(Miss::Call(CallError::Lost { .. }))) || (usage.is_none() && answer.is_none());
        End {
            outcome: if lost { SpendOutcome::Lost } else { SpendOutcome::Settled },
            cost,
            model,
            tokens: [input_tokens, cached_tokens, output_tokens],
            units: credits,
            error,
            answer,
        }
    }
}
