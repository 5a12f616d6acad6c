//! Who owns which partition, and what the owner knows: the desk at which the stage and those who ask meet.
//!
//! A partition of `market.pending` and of `market.series` belongs to whoever owns the same partition of
//! `market.batches`. When it comes, both are read back ([`load`](super::load)).
//!
//! # Why the order of the log is the order of the state
//! A change enters the state and the queue of the next transaction under one lock ([`Owned::queue`]), as in the
//! [ledger](crate::provider::ledger): a chart that comes to wait is never ended by a record that was made before it. What
//! is queued need not be waited for, as nothing that is queued behind it is committed without it; only what permits a
//! request to leave is.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::watch;
use tracing::info;

use super::key::Key;
use super::load::{Loaded, load};
use super::records::Records;
use super::setup::Topics;
use super::state::{News, Series, State};
use crate::clickhouse::Store;
use crate::clock::Clock;
use crate::config;
use crate::flow::{Outgoing, Position};
use crate::kafka::{Committing, Group, PerAssignment, Place, Transactions};
use crate::market::contexts::{DAY, INTERVAL};
use crate::market::plan::Rules;
use crate::model::{Learned, LearnedSeries, Timestamp};
use crate::provider::retry::Policy;

/// What is read back of a history: a value of a day ago and the change over the day before it, with what may be missing.
const READ_BACK: Duration = DAY.saturating_add(DAY).saturating_add(Duration::from_hours(1));

/// What the desk goes by.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) kafka: config::Kafka,
    pub(super) topics: Topics,
    pub(super) rules: Rules,
    pub(super) policy: Policy,
    /// Units of a key in a window, and how long that is.
    pub(super) quota: (u32, Duration),
    pub(super) keys: usize,
}

/// The desk. Clones share it.
#[derive(Clone)]
pub struct Desk(Arc<Inner>);

struct Inner {
    settings: Settings,
    group: Group,
    transactions: Transactions,
    store: Store,
    records: Arc<Records>,
    clock: Clock,
    owned: PerAssignment<Owned>,
    closing: watch::Sender<bool>,
    /// Nothing is under way any more.
    finished: watch::Sender<bool>,
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Desk({})", self.0.settings.topics.pending)
    }
}

impl Desk {
    pub(super) fn new(
        settings: Settings,
        group: Group,
        transactions: Transactions,
        store: Store,
        records: Records,
        clock: Clock,
    ) -> Self {
        Self(Arc::new(Inner {
            settings,
            group,
            transactions,
            store,
            records: Arc::new(records),
            clock,
            owned: PerAssignment::default(),
            closing: watch::Sender::new(false),
            finished: watch::Sender::new(false),
        }))
    }

    /// Nothing more is asked from now on; answers are still taken.
    pub fn close(&self) {
        self.0.closing.send_replace(true);
    }

    /// Closes, and returns when every answer that was under way is in the log.
    pub async fn finish(&self) {
        self.close();
        // The sender lives in `self`, so the channel cannot close first.
        let _ = self.0.finished.subscribe().wait_for(|finished| *finished).await;
    }

    /// Says that nothing is under way any more.
    pub(super) fn finished(&self) {
        self.0.finished.send_replace(true);
    }

    /// Returns when the hop is stopping.
    pub(super) async fn closed(&self) {
        // The sender lives in `self`, so the channel cannot close first.
        let _ = self.0.closing.subscribe().wait_for(|closing| *closing).await;
    }

    pub(super) fn records(&self) -> &Records {
        &self.0.records
    }

    pub(super) fn keys(&self) -> usize {
        self.0.settings.keys
    }

    /// What this worker owns, and changes of it.
    pub(super) fn group(&self) -> (&Group, &str) {
        (&self.0.group, &self.0.settings.topics.batches)
    }

    /// The state of a partition that this worker owns under `epoch`; read back from the log at the first call.
    ///
    /// # Errors
    /// When it cannot be read, or the partition has moved away: the hop stops, and what is not committed is read again.
    pub(super) async fn of(&self, partition: i32, epoch: u64) -> anyhow::Result<Arc<Owned>> {
        let opened = self.0.owned.of(partition, epoch, || Owned::open(self.clone(), partition, epoch)).await;
        opened.with_context(|| format!("reading {}/{partition} back", self.0.settings.topics.pending))
    }
}

/// The state of one partition, for as long as this worker owns it.
pub(super) struct Owned {
    desk: Desk,
    /// The fence of every change: the owner's partition, its epoch, and where its group stood at the beginning.
    fence: Position,
    state: Mutex<State>,
    /// Told when there may be something to ask.
    changes: watch::Sender<()>,
}

impl fmt::Debug for Owned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Owned({}, epoch {})", self.fence.partition, self.fence.epoch)
    }
}

/// What is to be written, beside what the list of markets has said.
#[derive(Debug, Default)]
pub(super) struct Writing {
    /// What was told to whom.
    pub(super) news: Vec<News>,
    /// What was learned.
    pub(super) series: Vec<LearnedSeries>,
    /// The key whose use has changed.
    pub(super) key: Option<usize>,
}

impl Owned {
    async fn open(desk: Desk, partition: i32, epoch: u64) -> anyhow::Result<Arc<Self>> {
        let Inner { settings, group, records, clock, .. } = &*desk.0;
        desk.0.owned.keep(&group.owned(&settings.topics.batches));
        let loaded =
            load(settings.kafka.clone(), settings.topics.clone(), group.clone(), Arc::clone(records), partition)
                .await?;
        let Loaded { charts, usage, learned, stands_at } = loaded;
        let now = clock.now();
        let (units_max, window) = settings.quota;
        let keys = (0..settings.keys).map(|place| Key::new(units_max, window, usage.get(&place), now));
        let mut state = State::new(settings.rules, settings.policy, keys.collect());
        let (waiting, not_stored) = (charts.len(), learned.len());
        for learned in learned {
            state.recall(learned);
        }
        for (source_id, chart) in charts {
            state.seat(source_id, chart);
        }
        let waited_for = state.waited_for();
        let fence = Position { topic: settings.topics.batches.as_str().into(), partition, epoch, next: stands_at };
        let owned = Arc::new(Self { desk, fence, state: Mutex::new(state), changes: watch::Sender::new(()) });
        if waiting + not_stored > 0 {
            info!(partition, waiting, not_stored, "charts that wait read back");
        }
        owned.prepare(&waited_for).await?;
        let place = owned.place().await?;
        let committing = {
            let mut state = owned.lock();
            let news = state.news(|_| true, now);
            owned.queue(place, &mut state, Writing { news, ..Writing::default() }, now)?
        };
        committing.done().await?;
        Ok(owned)
    }

    /// Looks up what is stored about these series and not held.
    ///
    /// # Errors
    /// When ClickHouse does not answer.
    pub(super) async fn prepare(&self, series: &[Series]) -> anyhow::Result<()> {
        let Inner { store, clock, .. } = &*self.desk.0;
        let strangers = self.lock().strangers(series);
        if !strangers.is_empty() {
            let found = store.instruments(&strangers).await.context("looking up instruments")?;
            self.lock().introduce(found);
        }
        let unread = {
            let mut state = self.lock();
            state.resolve(series, clock.now());
            state.unread(series)
        };
        if !unread.is_empty() {
            let now = clock.now();
            let since = Timestamp(now.0.saturating_sub(i64::try_from(READ_BACK.as_millis()).unwrap_or(i64::MAX)));
            let symbols: Vec<&str> = unread.iter().map(|symbol| &**symbol).collect();
            let stored =
                store.histories(&symbols, &INTERVAL.to_string(), since).await.context("looking up histories")?;
            self.lock().remember(unread, stored, since, now);
        }
        Ok(())
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    pub(super) fn partition(&self) -> i32 {
        self.fence.partition
    }

    /// Says that there may be something to ask.
    pub(super) fn changed(&self) {
        self.changes.send_replace(());
    }

    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// A place in the queue of the next transactions.
    ///
    /// # Errors
    /// When the hop must start again.
    pub(super) async fn place(&self) -> anyhow::Result<Place<'_>> {
        self.desk.0.transactions.place().await
    }

    /// Returns when everything that was queued is durable.
    ///
    /// # Errors
    /// When it never will be.
    pub(super) async fn settled(&self) -> anyhow::Result<()> {
        self.place().await?.queue(Vec::new(), self.fence.clone()).done().await
    }

    /// Puts what has changed behind all that was queued before. Called with the lock held that the change was made under.
    ///
    /// # Errors
    /// What does not fit its schema, which no answer can bring about.
    pub(super) fn queue(
        &self,
        place: Place<'_>,
        state: &mut State,
        writing: Writing,
        now: Timestamp,
    ) -> anyhow::Result<Committing> {
        let Writing { news, series, key } = writing;
        let (records, partition) = (self.desk.records(), self.partition());
        let mut written: Vec<Outgoing> = Vec::new();
        let learned = Learned { instruments: state.unsaved(), series };
        if learned != Learned::default() {
            written.push(records.learned(partition, &learned)?);
        }
        for News { source_id, told, waits, is_settled } in news {
            if let Some(told) = told {
                written.push(records.told(&told)?);
            }
            if waits.is_some() || is_settled {
                written.push(records.waiting(partition, &source_id, waits)?);
            }
        }
        if let Some((place, key)) = key.and_then(|place| Some((place, state.key(place)?))) {
            written.push(records.usage(partition, place, key.usage(now))?);
        }
        Ok(place.queue(written, self.fence.clone()))
    }
}
