//! The ledger: every hold is in the log before its call may leave, and every answer stays there.
//!
//! A partition of `spend.ledger` belongs to whoever owns the same partition of `articles.batches`. When a partition
//! comes, the ledger is read back ([`load`]): from the last snapshot, which is never far from the end, so that a start takes
//! the same time after a week and after a year; and from where the sink stands, because what is not in ClickHouse yet
//! must be remembered here ([`journal`]). What the last owner left open is in doubt from then on and counts in full.
//!
//! # Why the order of the log is the order of the book
//! A change enters the book and the queue of the next transaction under one lock ([`Owned::change`]). So the log tells
//! the book's story in its order, and every prefix of it is a state in which the limits hold.
//!
//! # Why a hold that does not fit waits in line
//! Open holds are worst cases and mostly end below. As long as they could make room, a new hold waits for its turn and
//! is not refused; nothing overtakes it, or small calls would starve a large one. It is refused when it would not fit
//! even if every open hold came to nothing.

pub mod journal;
mod load;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use bytes::Bytes;
use tokio::sync::{Notify, OnceCell, watch};
use tracing::{info, warn};

use self::journal::Recent;
use super::book::{Admission, Book, Budget, Limits, Standing};
use crate::clock::Clock;
use crate::config;
use crate::flow::{Outgoing, Position};
use crate::kafka::{Committing, Group, Place, Transactions};
use crate::model::{Answer, Id, LedgerEntry, NanoUsd, Spend, SpendOutcome, Timestamp};
use crate::wire::Codec;

/// Entries after which a snapshot is written: few enough to be read back in a fraction of a second.
const SNAPSHOT_EVERY: usize = 5_000;

/// Where the ledger is, and what it goes by.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The brokers.
    pub kafka: config::Kafka,
    /// `spend.ledger`, with its prefix.
    pub topic: String,
    /// The topic whose partitions own those of the ledger, with its prefix.
    pub owner_topic: String,
    /// The consumer group that takes the ledger into ClickHouse.
    pub sink_group: String,
    /// What every account may spend.
    pub limits: Limits,
}

/// The ledger, as one hop sees it. Clones share it.
#[derive(Clone)]
pub struct Ledger(Arc<Inner>);

struct Inner {
    settings: Settings,
    group: Group,
    transactions: Transactions,
    codec: Arc<Codec<LedgerEntry>>,
    clock: Clock,
    /// By partition and epoch: read back once an assignment.
    owned: Mutex<HashMap<i32, (u64, Arc<OnceCell<Arc<Owned>>>)>>,
    closing: watch::Sender<bool>,
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ledger({})", self.0.settings.topic)
    }
}

impl Ledger {
    /// The ledger of the hop that reads as `group` and commits by `transactions`.
    #[must_use]
    pub fn new(
        settings: Settings,
        group: Group,
        transactions: Transactions,
        codec: Codec<LedgerEntry>,
        clock: Clock,
    ) -> Self {
        let (owned, closing) = (Mutex::default(), watch::Sender::new(false));
        Self(Arc::new(Inner { settings, group, transactions, codec: Arc::new(codec), clock, owned, closing }))
    }

    /// The book of a partition that this worker owns under `epoch`; read back from the log at the first call.
    ///
    /// # Errors
    /// When it cannot be read, or the partition has moved away: the hop stops, and what is not committed is read again.
    pub async fn of(&self, partition: i32, epoch: u64) -> anyhow::Result<Arc<Owned>> {
        let cell = {
            let mut owned = self.0.owned.lock().unwrap_or_else(PoisonError::into_inner);
            let (known, cell) = owned.entry(partition).or_insert_with(|| (epoch, Arc::default()));
            if *known != epoch {
                // What was read under an earlier assignment has been another worker's since.
                (*known, *cell) = (epoch, Arc::default());
            }
            Arc::clone(cell)
        };
        let opened = cell.get_or_try_init(|| Owned::open(self.clone(), partition, epoch)).await;
        opened.cloned().with_context(|| format!("reading {}/{partition} back", self.0.settings.topic))
    }

    /// Returns when the hop is stopping.
    pub async fn closed(&self) {
        // The sender lives in `self`, so the channel cannot close first.
        let _ = self.0.closing.subscribe().wait_for(|closing| *closing).await;
    }

    /// No new hold is granted from now on; ends are still taken.
    pub fn close(&self) {
        self.0.closing.send_replace(true);
    }
}

/// Why there is no hold.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// This budget has no room, whatever becomes of the open holds.
    #[error("the {} budget is exhausted", .0.as_str())]
    Exhausted(Budget),
    /// The hop is stopping.
    #[error("the hop is stopping")]
    Closing,
    /// The ledger cannot be written: the hop must start again.
    #[error(transparent)]
    Ledger(#[from] anyhow::Error),
}

/// The book of one partition, for as long as this worker owns it.
pub struct Owned {
    ledger: Ledger,
    /// The fence of every change: the owner's partition, its epoch, and where its group stood at the beginning.
    fence: Position,
    state: Mutex<State>,
    /// Whoever waits for room, in line.
    line: tokio::sync::Mutex<()>,
    /// Told when a hold has ended.
    ended: Notify,
}

struct State {
    book: Book,
    recent: Recent,
    entries_since_snapshot: usize,
}

impl fmt::Debug for Owned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Owned({}, epoch {})", self.fence.partition, self.fence.epoch)
    }
}

impl Owned {
    async fn open(ledger: Ledger, partition: i32, epoch: u64) -> anyhow::Result<Arc<Self>> {
        let Inner { settings, group, codec, clock, .. } = &*ledger.0;
        let began = clock.now();
        let loaded = load::load(settings.clone(), group.clone(), Arc::clone(codec), partition).await?;
        let load::Loaded { mut book, recent, entries, stands_at } = loaded;
        let doubted = book.doubt(clock.now());
        let fence = Position { topic: settings.owner_topic.as_str().into(), partition, epoch, next: stands_at };
        let state = Mutex::new(State { book, recent, entries_since_snapshot: entries + doubted.len() });
        let owned = Arc::new(Self { ledger, fence, state, line: tokio::sync::Mutex::default(), ended: Notify::new() });
        info!(
            partition,
            entries,
            in_doubt = doubted.len(),
            took_ms = owned.ledger.0.clock.now().since(began).as_millis(),
            "ledger read back"
        );
        let place = owned.ledger.0.transactions.place().await?;
        let committing = {
            let mut state = owned.lock();
            let entries = doubted.into_iter().map(|spend| LedgerEntry { spend: Some(spend), ..LedgerEntry::default() });
            owned.queue(place, &mut state, entries.collect())?
        };
        committing.done().await?;
        Ok(owned)
    }

    /// Holds the worst case of a call. Returns when the hold is in the log: the call may leave.
    ///
    /// # Errors
    /// As [`Refused`] says.
    pub async fn hold(self: &Arc<Self>, hold: Spend) -> Result<Held, Refused> {
        let _turn = self.line.lock().await;
        let committing = loop {
            let ended = self.ended.notified();
            tokio::pin!(ended);
            // From here on no end is missed.
            ended.as_mut().enable();
            if *self.ledger.0.closing.borrow() {
                return Err(Refused::Closing);
            }
            let place = self.ledger.0.transactions.place().await?;
            {
                let mut state = self.lock();
                match state.book.admit(&hold, self.ledger.0.settings.limits) {
                    Admission::Exhausted(budget) => return Err(Refused::Exhausted(budget)),
                    Admission::Held => {
                        let entry = LedgerEntry { spend: Some(hold.clone()), ..LedgerEntry::default() };
                        break self.queue(place, &mut state, vec![entry])?;
                    }
                    Admission::Full => {}
                }
            }
            tokio::select! {
                () = ended => {}
                () = self.ledger.closed() => {}
            }
        };
        drop(_turn);
        committing.done().await?;
        Ok(Held { owned: Arc::clone(self), hold })
    }

    /// How far the budgets of an account are used.
    #[must_use]
    pub fn standing(&self, account: &str, session_id: &str, now: Timestamp) -> [(Budget, Standing); 3] {
        self.lock().book.standing(account, session_id, self.ledger.0.settings.limits, now)
    }

    /// The partition and the epoch that it is owned under.
    #[must_use]
    pub fn fence(&self) -> &Position {
        &self.fence
    }

    /// The answer to a question that was paid for so recently that ClickHouse may not have it yet.
    #[must_use]
    pub fn recent(&self, key: &Id) -> Option<Arc<Answer>> {
        self.lock().recent.get(key)
    }

    /// A place in the queue of the next transactions, for records that are this partition's.
    ///
    /// # Errors
    /// When the hop must start again.
    pub async fn place(&self) -> anyhow::Result<Place<'_>> {
        self.ledger.0.transactions.place().await
    }

    /// Puts entries into the log behind all that was queued before, with a snapshot where one is due. Called with the
    /// lock held that the change was made under.
    fn queue(
        &self,
        place: Place<'_>,
        state: &mut MutexGuard<'_, State>,
        entries: Vec<LedgerEntry>,
    ) -> anyhow::Result<Committing> {
        let now = self.ledger.0.clock.now();
        let mut records = Vec::with_capacity(entries.len() + 1);
        state.entries_since_snapshot += entries.len();
        for entry in &entries {
            records.push(self.record(entry)?);
        }
        if state.entries_since_snapshot >= SNAPSHOT_EVERY {
            state.entries_since_snapshot = 0;
            let snapshot = Some(state.book.snapshot(now));
            records.push(self.record(&LedgerEntry { snapshot, ..LedgerEntry::default() })?);
        }
        Ok(place.queue(records, self.fence.clone()))
    }

    fn record(&self, entry: &LedgerEntry) -> anyhow::Result<Outgoing> {
        let mut value = Vec::new();
        self.ledger.0.codec.encode(entry, &mut value)?;
        let account = entry.spend.as_ref().map(|spend| Bytes::copy_from_slice(spend.account.as_bytes()));
        Ok(Outgoing {
            topic: self.ledger.0.settings.topic.as_str().into(),
            partition: Some(self.fence.partition),
            key: account,
            value: Some(value.into()),
            headers: Vec::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

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
            at: owned.ledger.0.clock.now(),
            ..hold
        };
        let place = owned.place().await?;
        {
            let mut state = owned.lock();
            state.book.end(&spend);
            if let Some(answer) = &end.answer {
                state.recent.keep(Arc::new(answer.clone()));
            }
            let entry = LedgerEntry { spend: Some(spend), answer: end.answer, snapshot: None };
            // Whether it is committed is known by what is committed behind it.
            drop(owned.queue(place, &mut state, vec![entry])?);
        }
        owned.ended.notify_waiters();
        Ok(cost)
    }
}

/// A hold's name, never used again.
#[must_use]
pub fn new_hold_id() -> Id {
    Id(format!("{:032x}", rand::random::<u128>()))
}
