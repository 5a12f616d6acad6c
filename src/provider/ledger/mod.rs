//! The ledger: every hold is in the log before its call may leave, and every answer stays there.
//!
//! A partition of a ledger belongs to whoever owns the same partition of the hop's input: of `spend.ledger`, who has
//! that of `articles.batches`; of `analysis.ledger`, who has that of `analysis.jobs`. When a partition
//! comes, the ledger is read back ([`load`]): from the last snapshot, which is never far from the end, so that a start takes
//! the same time after a week and after a year; and from where the sink stands, because what is not in ClickHouse yet
//! must be remembered here ([`journal`]). What the last owner left open is in doubt from then on and counts in full.
//!
//! # Why the order of the log is the order of the book
//! A change enters the book and the queue of the next transaction under one lock ([`Owned::queue`]). So the log tells
//! the book's story in its order, and every prefix of it is a state in which the limits hold.

mod decision;
mod hold;
pub mod journal;
mod load;

use std::convert::Infallible;
use std::fmt;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use tokio::sync::{Notify, watch};
use tracing::{info, warn};

pub use self::hold::{End, Held, Refused};
use self::journal::Recent;
use super::book::{Book, Limits, Standing};
use crate::clock::Clock;
use crate::config;
use crate::flow::{Offsets, Outgoing, Position};
use crate::kafka::{Committing, Group, PerAssignment, Place, Transactions};
use crate::model::{Answer, Budget, Id, LedgerEntry, Timestamp};
use crate::wire::Codec;

/// Entries after which a snapshot is written: few enough to be read back in a fraction of a second.
const SNAPSHOT_EVERY: usize = 5_000;
/// How often it is looked whether the sink has stored what is remembered here.
const FORGET_EVERY: Duration = Duration::from_secs(5);

/// Where the ledger is, and what it goes by.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The brokers.
    pub kafka: config::Kafka,
    /// `spend.ledger` or `analysis.ledger`, with its prefix.
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
    owned: PerAssignment<Owned>,
    closing: watch::Sender<bool>,
    /// Holds of this process that have not ended.
    outstanding: watch::Sender<usize>,
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
        Self(Arc::new(Inner {
            settings,
            group,
            transactions,
            codec: Arc::new(codec),
            clock,
            owned: PerAssignment::default(),
            closing: watch::Sender::new(false),
            outstanding: watch::Sender::new(0),
        }))
    }

    /// The book of a partition that this worker owns under `epoch`; read back from the log at the first call.
    ///
    /// # Errors
    /// When it cannot be read, or the partition has moved away: the hop stops, and what is not committed is read again.
    pub async fn of(&self, partition: i32, epoch: u64) -> anyhow::Result<Arc<Owned>> {
        let opened = self.0.owned.of(partition, epoch, || Owned::open(self.clone(), partition, epoch)).await;
        opened.with_context(|| format!("reading {}/{partition} back", self.0.settings.topic))
    }

    /// Returns when the hop is stopping.
    pub async fn closed(&self) {
        // The sender lives in `self`, so the channel cannot close first.
        let _ = self.0.closing.subscribe().wait_for(|closing| *closing).await;
    }

    /// Returns when every hold has ended and every end is in the log. Call it when the ledger is closed: a hop that
    /// stops before loses answers that it has paid for.
    ///
    /// # Errors
    /// When the log cannot be written any more.
    pub async fn settled(&self) -> anyhow::Result<()> {
        // The sender lives in `self`, so the channel cannot close first.
        let _ = self.0.outstanding.subscribe().wait_for(|outstanding| *outstanding == 0).await;
        // Behind everything that was queued before.
        self.0.transactions.commit(Vec::new(), Offsets::default()).await
    }

    /// No new hold is granted from now on; ends are still taken.
    pub fn close(&self) {
        self.0.closing.send_replace(true);
    }

    /// Runs the chain of a hop, and `rest` beside it until the ledger closes, until either fails or the chain ends.
    ///
    /// # Errors
    /// That of whichever failed.
    pub async fn beside(
        &self,
        chain: impl Future<Output = anyhow::Result<()>>,
        rest: impl Future<Output = anyhow::Result<()>>,
    ) -> anyhow::Result<()> {
        let (mut chain, mut rest) = (pin!(chain), pin!(rest));
        tokio::select! {
            ended = &mut chain => {
                self.close();
                let rest = rest.await;
                ended.and(rest)
            }
            ended = &mut rest => {
                ended?;
                chain.await
            }
        }
    }
}

/// The book of one partition, for as long as this worker owns it.
pub struct Owned {
    ledger: Ledger,
    /// The fence of every change: the owner's partition, its epoch, and where its group stood at the beginning.
    fence: Position,
    state: Mutex<State>,
    /// Whoever waits for room, in line: with a first question, and with one that is asked again.
    lines: [tokio::sync::Mutex<()>; 2],
    /// Told when a hold has ended.
    ended: Notify,
}

struct State {
    book: Book,
    recent: Recent,
    entries_since_snapshot: usize,
    /// Holds for questions that are asked again and wait for room: while there are any, others are granted none.
    again: usize,
}

impl fmt::Debug for Owned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Owned({}, epoch {})", self.fence.partition, self.fence.epoch)
    }
}

impl Owned {
    async fn open(ledger: Ledger, partition: i32, epoch: u64) -> anyhow::Result<Arc<Self>> {
        let Inner { settings, group, codec, clock, .. } = &*ledger.0;
        ledger.0.owned.keep(&group.owned(&settings.owner_topic));
        let began = clock.now();
        let loaded = load::load(settings.clone(), group.clone(), Arc::clone(codec), partition).await?;
        let load::Loaded { mut book, recent, entries, stands_at } = loaded;
        let doubted = book.doubt(clock.now());
        let fence = Position { topic: settings.owner_topic.as_str().into(), partition, epoch, next: stands_at };
        let state = Mutex::new(State { book, recent, entries_since_snapshot: entries + doubted.len(), again: 0 });
        let owned = Arc::new(Self { ledger, fence, state, lines: Default::default(), ended: Notify::new() });
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
            let entry = |spend| LedgerEntry { spend: Some(spend), ..LedgerEntry::default() };
            let entries: Vec<LedgerEntry> = doubted.into_iter().map(entry).collect();
            owned.queue(place, &mut state, &entries)?
        };
        committing.done().await?;
        Ok(owned)
    }

    fn now(&self) -> Timestamp {
        self.ledger.0.clock.now()
    }

    /// How far the budgets of an account are used.
    #[must_use]
    pub fn standing(&self, account: &str, session_id: &str, now: Timestamp) -> [(Budget, Standing); 3] {
        self.lock().book.standing(account, session_id, self.ledger.0.settings.limits, now)
    }

    /// Whether anything was ever held for an account.
    #[must_use]
    pub fn knows(&self, account: &str) -> bool {
        self.lock().book.knows(account)
    }

    /// Lets go of answers that ClickHouse has by now, every so often.
    pub async fn forgets(&self) -> Infallible {
        loop {
            self.ledger.0.clock.sleep_until(self.now().plus(FORGET_EVERY)).await;
            if let Err(error) = self.forget_stored().await {
                // Calls go on: once memory is full of answers, nothing more is bought.
                warn!(error = format!("{error:#}"), "answers are kept, as nobody says how far the sink is");
            }
        }
    }

    async fn forget_stored(&self) -> anyhow::Result<()> {
        if !self.lock().recent.turns() {
            return Ok(());
        }
        // The end of the log is looked at once all answers of the old generation stand in it.
        self.place().await?.queue(Vec::new(), self.fence.clone()).done().await?;
        let (end, stored) = load::progress(self.ledger.0.settings.clone(), self.fence.partition).await?;
        self.lock().recent.forget(end, stored);
        Ok(())
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
        entries: &[LedgerEntry],
    ) -> anyhow::Result<Committing> {
        let now = self.ledger.0.clock.now();
        let mut records = Vec::with_capacity(entries.len() + 1);
        state.entries_since_snapshot += entries.len();
        for entry in entries {
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
        let account = entry.spend.as_ref().map(|spend| &spend.account);
        let account = account.or(entry.decision.as_ref().map(|decision| &decision.account));
        Ok(Outgoing {
            topic: self.ledger.0.settings.topic.as_str().into(),
            partition: Some(self.fence.partition),
            key: account.map(|account| Bytes::copy_from_slice(account.as_bytes())),
            value: Some(value.into()),
            headers: Vec::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A hold's name, never used again.
#[must_use]
pub fn new_hold_id() -> Id {
    Id(format!("{:032x}", rand::random::<u128>()))
}
