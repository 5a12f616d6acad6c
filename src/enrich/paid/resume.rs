//! Takes articles up again that had to wait: when a budget has room, when an attempt is due, when somebody asks for their
//! session's recovery; and lets them go when somebody cancels it.
//!
//! One task for each partition that this worker owns. It follows the partition of `articles.deferred` from its
//! beginning, so that it knows after a restart what it knew before; what it does for an article is committed together
//! with the record that ends its wait, under the same fence as everything else of the partition.

use std::collections::{HashMap, HashSet};
use std::pin::pin;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tracing::{debug, warn};

use super::article::{Analyst, Task};
use super::outcome::{Ended, Records};
use super::setup::Topics;
use super::tend::Tender;
use super::waiting::{Due, Seat, WaitingRoom};
use crate::clock::Clock;
use crate::config::Config;
use crate::flow::Record;
use crate::kafka::{Group, Partition, Start, Tail};
use crate::model::{Cadence, Deferral, Id, Timestamp, WaitsFor, own_limit, publisher_rank};
use crate::observe::Component;
use crate::provider::gate::State;
use crate::provider::ledger::{Ledger, Owned, Refused};
use crate::wire::{Codec, Unread};

/// Articles of one partition that are taken up at one time.
const AT_ONE_TIME_MAX: usize = 64;
/// Records that may wait to be looked at.
const RECORDS_WAITING_MAX: usize = 256;
/// How often it is looked whose time has come.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long the reading thread waits for a record.
const POLL: Duration = Duration::from_millis(200);

/// What resuming needs to know.
#[derive(Debug)]
pub struct Resumer {
    pub(super) config: Arc<Config>,
    pub(super) topics: Topics,
    pub(super) group: Group,
    pub(super) ledger: Ledger,
    pub(super) analyst: Arc<Analyst>,
    pub(super) records: Arc<Records>,
    pub(super) codec: Codec<Deferral>,
    pub(super) health: Component,
    pub(super) clock: Clock,
}

impl Resumer {
    /// Attends to every owned partition until the ledger closes.
    ///
    /// # Errors
    /// When a partition cannot be read or written: the hop must start again.
    pub async fn run(self) -> anyhow::Result<()> {
        let resumer = Arc::new(self);
        let mut provider = resumer.analyst.provider();
        let until = async {
            loop {
                tokio::select! {
                    () = resumer.ledger.closed() => break,
                    told = provider.changed() => {
                        if told.is_err() {
                            break;
                        }
                        resumer.show(&provider.borrow_and_update());
                    }
                }
            }
        };
        // What is under way ends with its holds; nothing new begins.
        let attend = |partition, epoch| Arc::clone(&resumer).attend(partition, epoch);
        resumer.group.attend(&resumer.topics.batches, attend, until).await
    }

    /// A provider that is out keeps the hop waiting, and says so.
    fn show(&self, provider: &State) {
        if provider.is_out() {
            self.health.waiting(format!("{}: {provider}", self.config.llm.provider.as_str()));
        } else {
            self.health.ready();
        }
    }

    async fn attend(self: Arc<Self>, partition: i32, epoch: u64) -> anyhow::Result<()> {
        let owned = self.ledger.of(partition, epoch).await?;
        let mut records = self.follow(partition)?;
        let bodies = self.bodies(partition).await?;
        let mut room = WaitingRoom::default();
        let mut under_way: HashSet<Id> = HashSet::new();
        // The sessions of each account that refused to pay, and what may give them room again.
        let mut exhausted: HashMap<String, HashSet<String>> = HashMap::new();
        let mut exhausted_in = String::new();
        let mut decisions = owned.decisions();
        let mut working = FuturesUnordered::new();
        let mut tender = Tender::new();
        let mut look_at = self.clock.now();
        let mut forgets = pin!(owned.forgets());
        loop {
            tokio::select! {
                () = self.ledger.closed() => break,
                never = &mut forgets => match never {},
                record = records.recv() => self.take_in(&mut room, record).await?,
                Some(done) = working.next(), if !working.is_empty() => {
                    let (key, seat, resumed): (Id, Seat, anyhow::Result<Resumed>) = done;
                    under_way.remove(&key);
                    if under_way.is_empty() {
                        look_at = self.clock.now();
                    }
                    match resumed? {
                        // What stands in the topic behind it is seen in its turn.
                        Resumed::Done => room.leave_seat(&key, seat.offset),
                        Resumed::Closing => break,
                        Resumed::Exhausted => {
                            let current = self.config.articles.session.session_id(self.clock.now());
                            let session_id = payer(&seat, &current).to_owned();
                            exhausted.entry(seat.account).or_default().insert(session_id);
                        }
                    }
                }
                () = self.clock.sleep_until(look_at) => {
                    let now = self.clock.now();
                    look_at = now.plus(LOOK_EVERY);
                    let backlog = self.analyst.pace().of(room.hopeful(), self.config.llm.concurrency_max);
                    tender.tend(&owned, &self.config, backlog, now);
                    let periods = self.periods(now);
                    if decisions != owned.decisions() || exhausted_in != periods {
                        decisions = owned.decisions();
                        exhausted_in = periods;
                        // What refused may have been a cancelled session that would have paid.
                        exhausted.clear();
                    }
                    let current = self.config.articles.session.session_id(now);
                    let may = |key: &Id, seat: &Seat, due: Due| {
                        let has_room = || {
                            let refused = exhausted.get(&seat.account);
                            refused.is_none_or(|sessions| !sessions.contains(payer(seat, &current)))
                        };
                        !under_way.contains(key) && (due == Due::LetGo || has_room())
                    };
                    let count = AT_ONE_TIME_MAX - working.len().min(AT_ONE_TIME_MAX);
                    for (key, seat, due) in room.next(count, now, &decisions, may) {
                        under_way.insert(key.clone());
                        working.push(self.resume(&owned, &bodies, key, seat, due));
                    }
                }
            }
        }
        while let Some((_, _, resumed)) = working.next().await {
            resumed?;
        }
        Ok(())
    }

    /// The session, day and month of `now`: as long as these are the same, an exhausted budget stays exhausted.
    fn periods(&self, now: Timestamp) -> String {
        format!("{} {}", self.config.articles.session.session_id(now), Cadence::Daily.session_id(now))
    }

    async fn take_in(&self, room: &mut WaitingRoom, record: Option<Record>) -> anyhow::Result<()> {
        let record = record.context("reading articles.deferred has ended")?;
        let Some(key) = record.key.as_deref().and_then(|key| std::str::from_utf8(key).ok()) else { return Ok(()) };
        let key = Id(key.to_owned());
        let Some(value) = &record.value else {
            room.leave(&key);
            return Ok(());
        };
        match self.codec.read(value).await {
            Ok(deferral) => {
                let first = &self.config.articles.publishers_first;
                let rank = publisher_rank(first, &deferral.article.publisher);
                room.seat(key, Seat::new(record.offset, &deferral, rank));
            }
            Err(Unread::Registry(error)) => return Err(error).context("reading articles.deferred"),
            Err(Unread::Refused(refusal)) => {
                warn!(offset = record.offset, %refusal, "an article of articles.deferred cannot be read and waits for good");
            }
        }
        Ok(())
    }

    async fn resume(
        &self,
        owned: &Arc<Owned>,
        bodies: &Arc<Mutex<Partition>>,
        key: Id,
        seat: Seat,
        due: Due,
    ) -> (Id, Seat, anyhow::Result<Resumed>) {
        let resumed = self.try_resume(owned, bodies, &seat, due).await;
        (key, seat, resumed)
    }

    async fn try_resume(
        &self,
        owned: &Arc<Owned>,
        bodies: &Arc<Mutex<Partition>>,
        seat: &Seat,
        due: Due,
    ) -> anyhow::Result<Resumed> {
        let Some(deferral) = self.fetch(bodies, seat.offset).await? else {
            // A newer record of the same key stands behind it and is about to be seen.
            return Ok(Resumed::Done);
        };
        let now = self.clock.now();
        let session_id = payer(seat, &self.config.articles.session.session_id(now)).to_owned();
        let task = Task::resumed(owned, &deferral, session_id.clone(), now);
        let task = if let Due::Anew(asked_at) = due { task.anew(asked_at) } else { task };
        let analyzed = match due {
            Due::LetGo => Ok(Ended::let_go(&task)),
            Due::Work | Due::Anew(_) => self.analyst.analyze(&task).await,
        };
        let ended = match analyzed {
            Ok(ended) => ended,
            Err(Refused::Closing) => return Ok(Resumed::Closing),
            Err(Refused::Exhausted(_) | Refused::Cancelled) => return Ok(Resumed::Exhausted),
            Err(Refused::Ledger(error)) => return Err(error),
        };
        // Whoever waited for something else waits for a budget from now on, as the next session may pay.
        if ended.is_deferred() && seat.waits_for == WaitsFor::Budget {
            return Ok(Resumed::Exhausted);
        }
        let records = self.records.of(&task, ended)?;
        debug!(article_id = deferral.article.article_id, session_id, "an article that waited was taken up");
        owned.place().await?.queue(records, owned.fence().clone()).done().await?;
        Ok(Resumed::Done)
    }

    /// A second reader of the partition, for the articles themselves.
    async fn bodies(&self, partition: i32) -> anyhow::Result<Arc<Mutex<Partition>>> {
        let (kafka, topic) = (self.config.kafka.clone(), self.topics.deferred.clone());
        let open = move || Partition::open(&kafka, &topic, partition);
        let opened = tokio::task::spawn_blocking(open).await.context("opening articles.deferred panicked")??;
        Ok(Arc::new(Mutex::new(opened)))
    }

    async fn fetch(&self, bodies: &Arc<Mutex<Partition>>, offset: i64) -> anyhow::Result<Option<Deferral>> {
        let bodies = Arc::clone(bodies);
        let value = tokio::task::spawn_blocking(move || bodies.lock().get(offset))
            .await
            .context("reading an article that waits panicked")??;
        let Some(value) = value else { return Ok(None) };
        self.codec.read(&value).await.context("an article that waits cannot be read").map(Some)
    }

    /// Every record of a partition, from the first one on, until the receiver is dropped.
    fn follow(&self, partition: i32) -> anyhow::Result<mpsc::Receiver<Record>> {
        let (sender, records) = mpsc::channel(RECORDS_WAITING_MAX);
        let (kafka, topic) = (self.config.kafka.clone(), self.topics.deferred.clone());
        let read = move || -> anyhow::Result<()> {
            let tail = Tail::open_partition(&kafka, &topic, partition, Start::Earliest)?;
            while !sender.is_closed() {
                if let Some(record) = tail.next(POLL)?
                    && sender.blocking_send(record).is_err()
                {
                    break;
                }
            }
            Ok(())
        };
        thread::Builder::new()
            .name(format!("waiting {partition}"))
            .spawn(move || {
                if let Err(error) = read() {
                    debug!(partition, error = format!("{error:#}"), "reading articles.deferred ended");
                }
            })
            .context("starting the thread that reads articles.deferred")?;
        Ok(records)
    }
}

/// The session that pays for whoever waits; `current` is the one that new articles are admitted to.
fn payer<'a>(seat: &'a Seat, current: &'a str) -> &'a str {
    match seat.waits_for {
        // What waited for a budget is paid from the one that has room now. Not so where somebody set a limit of its own:
        // it waits for another day or month of its account, or to be let go.
        WaitsFor::Budget if own_limit(&seat.session_id).is_none() => current,
        _ => &seat.session_id,
    }
}

/// What came of taking an article up.
enum Resumed {
    /// Its wait is over, or it waits for something else.
    Done,
    /// There is no room in its budget after all.
    Exhausted,
    /// The hop is stopping.
    Closing,
}
