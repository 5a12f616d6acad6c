//! The jobs of lately, as the topics tell of them: how each stands, the few events that led there, and who waits for more.
//!
//! Pure: it is told what came, in any order, and keeps the laws of [`JobStatus`]: what is final
//! stays as it is, and an event that was heard before is not heard again. Bounded by [`Limits`]; what nobody listens to
//! goes first, the longest unchanged first. Whoever looks for a job that is not here any more finds it in ClickHouse.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use tokio::sync::Notify;

use crate::model::{Charts, Id, JobEvent, JobStatus};

/// Events of one job that are kept: all there are unless it is tried again and again. Beyond it the middle goes.
const TOLD_MAX: usize = 24;
/// What an event takes beside its texts, in bytes.
const EVENT_BYTES: usize = 400;
/// Jobs with listeners that one change passes over while it looks for what may go.
const PASSED_MAX: usize = 32;

/// How much is kept at most.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Jobs.
    pub jobs: usize,
    /// Bytes of their events.
    pub bytes: usize,
    /// Bytes of pictures: the sink has them in ClickHouse a moment later.
    pub charts_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { jobs: 20_000, bytes: 64 << 20, charts_bytes: 32 << 20 }
    }
}

/// Where an event stands in `analysis.events`. All events of a job stand in one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub partition: i32,
    pub offset: i64,
}

impl Place {
    /// Whether this is news to somebody who has heard everything up to `heard`.
    fn is_after(self, heard: Self) -> bool {
        self.partition != heard.partition || self.offset > heard.offset
    }
}

/// An event of a job.
#[derive(Debug, Clone)]
pub(super) struct Told {
    /// From 0, in the order in which this process heard of them.
    pub number: u32,
    /// `None` for what is known from elsewhere: that it was queued, or how it stood in ClickHouse.
    pub place: Option<Place>,
    /// Without pictures.
    pub event: Arc<JobEvent>,
}

/// A job as it is found.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// How it stands.
    pub event: Arc<JobEvent>,
    /// Somebody has asked for its end.
    pub cancelling: bool,
    /// What was asked for, as [`Admission`] compares it; `None` where that is not known.
    pub asked: Option<Id>,
}

/// What becomes of somebody's wish to queue a job of this id.
#[derive(Debug)]
pub(super) enum Admission {
    /// It is theirs to queue: then [`Board::admitted`] or [`Board::withdraw`].
    New,
    /// Somebody is at it at this moment.
    Pending,
    /// It is there.
    Known(Found),
}

#[derive(Debug)]
struct Job {
    told: VecDeque<Told>,
    next: u32,
    asked: Option<Id>,
    cancelling: bool,
    /// Not acknowledged by Kafka yet: nobody is told of it.
    pending: bool,
    heard: Option<Arc<Notify>>,
    turn: u64,
    bytes: usize,
}

/// The board.
#[derive(Debug, Default)]
pub(super) struct Board {
    limits: Limits,
    jobs: HashMap<Arc<str>, Job>,
    /// The longest unchanged first.
    turns: BTreeMap<u64, Arc<str>>,
    turn: u64,
    bytes: usize,
    charts: HashMap<Arc<str>, Arc<Charts>>,
    charts_order: VecDeque<Arc<str>>,
    charts_bytes: usize,
}

impl Board {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Takes a place for a job that is about to be queued, so that the same wish is not granted twice.
    pub(super) fn admit(&mut self, queued: JobEvent, asked: Id) -> Admission {
        match self.jobs.get(queued.analysis_id.as_str()) {
            Some(job) if job.pending => Admission::Pending,
            Some(job) => Admission::Known(found(job)),
            None => {
                let id = self.insert(queued, None);
                self.change(&id, |job| (job.pending, job.asked) = (true, Some(asked)));
                Admission::New
            }
        }
    }

    /// Kafka has it.
    pub(super) fn admitted(&mut self, id: &str) {
        self.change(id, |job| job.pending = false);
    }

    /// Kafka does not have it, as far as is known: should it have it after all, its record says so.
    pub(super) fn withdraw(&mut self, id: &str) {
        if self.jobs.get(id).is_some_and(|job| job.pending) {
            self.remove(id);
        }
    }

    /// A job was read from its topic.
    pub(super) fn queued(&mut self, queued: JobEvent, asked: Id) {
        let id: Arc<str> = queued.analysis_id.as_str().into();
        if !self.jobs.contains_key(&id) {
            self.insert(queued, None);
        }
        self.change(&id, |job| {
            job.pending = false;
            job.asked.get_or_insert(asked);
        });
    }

    /// An event was read from its topic, or has just been written to it.
    pub(super) fn hear(&mut self, mut event: JobEvent, place: Place) {
        let charts = event.charts.take();
        let id: Arc<str> = event.analysis_id.as_str().into();
        if let Some(job) = self.jobs.get(&id) {
            let known = job.told.iter().filter_map(|told| told.place);
            let is_old =
                known.into_iter().any(|known| known.partition == place.partition && known.offset >= place.offset);
            // A dead letter that is sent again may end again.
            let status = newest(job).status;
            let goes_on = !status.is_final() || (status == JobStatus::Failed && event.status.is_final());
            if is_old || !goes_on {
                return;
            }
            self.push(&id, event, Some(place));
        } else {
            self.insert(event, Some(place));
        }
        if let Some(charts) = charts {
            self.keep(&id, charts);
        }
    }

    /// Takes in how a job stands that was found elsewhere, unless that is known.
    pub(super) fn adopt(&mut self, event: &JobEvent) {
        let id: Arc<str> = event.analysis_id.as_str().into();
        match self.jobs.get(&id) {
            None => {
                self.insert(event.clone(), None);
            }
            Some(job) if event.status.rank() > newest(job).status.rank() => self.push(&id, event.clone(), None),
            Some(_) => {}
        }
    }

    /// Somebody has asked for the end of a job.
    pub(super) fn cancelling(&mut self, id: &str) {
        self.change(id, |job| job.cancelling = true);
    }

    /// How a job stands.
    pub(super) fn find(&self, id: &str) -> Option<Found> {
        self.jobs.get(id).filter(|job| !job.pending).map(found)
    }

    /// What wakes whoever waits for events of a job. The job is kept for as long as somebody has this.
    pub(super) fn listen(&mut self, id: &str) -> Option<Arc<Notify>> {
        let job = self.jobs.get_mut(id)?;
        Some(Arc::clone(job.heard.get_or_insert_default()))
    }

    /// The events of a job from number `next` on.
    pub(super) fn told(&self, id: &str, next: u32) -> Vec<Told> {
        let told = self.jobs.get(id).into_iter().flat_map(|job| &job.told);
        told.filter(|told| told.number >= next).cloned().collect()
    }

    /// The number of the first event that is news to somebody who has heard everything up to `heard`, or only that the
    /// job was queued (`None`).
    pub(super) fn resume(&self, id: &str, heard: Option<Place>) -> u32 {
        let Some(job) = self.jobs.get(id) else { return 0 };
        let is_news = |told: &&Told| match (told.place, heard) {
            (Some(place), Some(heard)) => place.is_after(heard),
            (Some(_), None) => true,
            (None, _) => told.event.status != JobStatus::Queued,
        };
        job.told.iter().find(is_news).map_or(job.next, |told| told.number)
    }

    /// The pictures of a job that was completed a moment ago.
    pub(super) fn charts(&self, id: &str) -> Option<Arc<Charts>> {
        self.charts.get(id).cloned()
    }

    /// How the jobs stand that are here.
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<JobEvent>> {
        self.jobs.values().filter(|job| !job.pending).map(newest)
    }

    fn insert(&mut self, event: JobEvent, place: Option<Place>) -> Arc<str> {
        let id: Arc<str> = event.analysis_id.as_str().into();
        let bytes = bytes(&event) + EVENT_BYTES;
        self.turn += 1;
        let mut job = Job {
            told: VecDeque::with_capacity(1),
            next: 0,
            asked: None,
            cancelling: false,
            pending: false,
            heard: None,
            turn: self.turn,
            bytes,
        };
        push(&mut job, event, place);
        self.bytes += bytes;
        self.turns.insert(job.turn, Arc::clone(&id));
        self.jobs.insert(Arc::clone(&id), job);
        self.shrink(&id);
        id
    }

    /// Adds an event to a job and wakes who listens.
    fn push(&mut self, id: &str, event: JobEvent, place: Option<Place>) {
        let bytes = bytes(&event);
        self.bytes += bytes;
        self.change(id, |job| {
            job.pending = false;
            job.bytes += bytes;
            push(job, event, place);
            if let Some(heard) = &job.heard {
                heard.notify_waiters();
            }
        });
        self.shrink(id);
    }

    /// Changes a job, which thereby is the newest.
    fn change(&mut self, id: &str, change: impl FnOnce(&mut Job)) {
        let Some(job) = self.jobs.get_mut(id) else { return };
        change(job);
        self.turn += 1;
        if let Some(id) = self.turns.remove(&job.turn) {
            job.turn = self.turn;
            self.turns.insert(self.turn, id);
        }
    }

    fn remove(&mut self, id: &str) {
        if let Some(job) = self.jobs.remove(id) {
            self.turns.remove(&job.turn);
            self.bytes -= job.bytes;
        }
    }

    /// Lets the oldest go until the limits hold, but never `newest`.
    fn shrink(&mut self, newest: &str) {
        let mut passed = 0;
        while (self.jobs.len() > self.limits.jobs || self.bytes > self.limits.bytes) && passed < PASSED_MAX {
            let Some((_, id)) = self.turns.first_key_value() else { return };
            let id = Arc::clone(id);
            if &*id == newest {
                return;
            }
            let is_heard = |job: &Job| job.heard.as_ref().is_some_and(|heard| Arc::strong_count(heard) > 1);
            if self.jobs.get(&id).is_some_and(|job| is_heard(job) || job.pending) {
                self.change(&id, |_| {});
                passed += 1;
            } else {
                self.remove(&id);
            }
        }
    }

    fn keep(&mut self, id: &Arc<str>, charts: Charts) {
        self.charts_bytes += size(&charts);
        if let Some(before) = self.charts.insert(Arc::clone(id), Arc::new(charts)) {
            self.charts_bytes -= size(&before);
        } else {
            self.charts_order.push_back(Arc::clone(id));
        }
        while self.charts_bytes > self.limits.charts_bytes {
            let Some(oldest) = self.charts_order.pop_front() else { return };
            self.charts_bytes -= self.charts.remove(&oldest).map_or(0, |charts| size(&charts));
        }
    }
}

fn found(job: &Job) -> Found {
    Found { event: Arc::clone(newest(job)), cancelling: job.cancelling, asked: job.asked.clone() }
}

fn newest(job: &Job) -> &Arc<JobEvent> {
    match job.told.back() {
        Some(told) => &told.event,
        None => unreachable!("a job is made with an event, and keeps the newest"),
    }
}

fn push(job: &mut Job, event: JobEvent, place: Option<Place>) {
    job.told.push_back(Told { number: job.next, place, event: Arc::new(event) });
    job.next += 1;
    if job.told.len() > TOLD_MAX {
        // The first says that it was queued.
        job.told.remove(1);
    }
}

fn bytes(event: &JobEvent) -> usize {
    let texts = [
        &event.analysis_id,
        &event.user_id,
        &event.symbol,
        &event.exchange,
        &event.interval,
        &event.timeframe,
        &event.message,
        &event.error,
        &event.summary,
        &event.summary_by,
        &event.data,
        &event.worker,
        &event.origin,
    ];
    EVENT_BYTES + texts.iter().map(|text| text.len()).sum::<usize>()
}

fn size(charts: &Charts) -> usize {
    charts.svg_light.len() + charts.svg_dark.len() + charts.png_light.len() + charts.png_dark.len()
}

#[cfg(test)]
#[path = "board/tests.rs"]
mod tests;
