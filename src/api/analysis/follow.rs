//! Keeps the board: reads the topics of analyses as they grow, on a thread of its own, from a little before now on.
//!
//! It begins with the listener. Where Kafka is away, or a topic gets more partitions, it begins anew a
//! little before where it was, as the board hears nothing twice.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::runtime::Handle;
use tokio::time::timeout;
use tracing::{debug, warn};

use super::board::Place;
use super::queue::queued_event;
use super::request::likeness;
use crate::api::{Api, Problem};
use crate::flow::Record;
use crate::kafka::{ANALYSIS_CANCELLATIONS, ANALYSIS_EVENTS, ANALYSIS_JOBS, ANALYSIS_WORKERS, Heard, Recent, Since};
use crate::model::{Cancellation, Job, JobEvent, Timestamp, WorkerReport};
use crate::wire::{self, ALLOCATION_BYTES_MAX, Codec, Unread};

/// How far back it begins.
const RECENT: Duration = Duration::from_mins(10);
/// At most so many events of a partition: some carry pictures.
const EVENTS_MAX: i64 = 500;
/// The same for records that are small.
const RECORDS_MAX: i64 = 5_000;
/// How long a poll waits.
const POLL: Duration = Duration::from_millis(100);
/// The wait before it begins anew.
const PAUSE: Duration = Duration::from_secs(1);
/// How often it looks whether topics have grown.
const LOOK_EVERY: Duration = Duration::from_mins(1);
/// How long a request waits for the board to be complete.
const PATIENCE: Duration = Duration::from_secs(5);

/// How far the board is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stand {
    /// What is of lately is being read.
    Starting,
    /// It knows what there is, and hears what comes.
    Live,
    /// Kafka is away: it knows what it knew.
    Away,
}

/// Lets the board be kept from now on, and waits until it knows what is of lately. Where Kafka has been away since, what
/// it knew is what there is.
///
/// # Errors
/// 503 where that takes too long.
pub(super) async fn kept(api: &Api) -> Result<Stand, Problem> {
    begin(api);
    let mut stand = api.analysis().stand.subscribe();
    let known = timeout(PATIENCE, stand.wait_for(|stand| *stand != Stand::Starting)).await;
    match known {
        Ok(Ok(stand)) => Ok(*stand),
        _ => Err(Problem::unavailable(
            "starting",
            "what became of jobs lately is still being read: try again in a moment",
        )),
    }
}

/// Lets the board be kept from now on.
pub(in crate::api) fn begin(api: &Api) {
    if api.analysis().following.swap(true, Ordering::Relaxed) {
        return;
    }
    let (own, handle) = (api.clone(), Handle::current());
    let began = thread::Builder::new().name("analysis-board".to_owned()).spawn(move || run(&own, &handle));
    if let Err(error) = began {
        warn!(%error, "the board of analyses cannot be kept");
        api.analysis().following.store(false, Ordering::Relaxed);
    }
}

fn run(api: &Api, handle: &Handle) {
    let stop = api.stop();
    let stopped = || *stop.borrow() || stop.has_changed().is_err();
    let mut warned = false;
    while !stopped() {
        if let Err(error) = follow(api, handle, &stopped) {
            if std::mem::replace(&mut warned, true) {
                debug!(error = format!("{error:#}"), "following analyses failed again");
            } else {
                warn!(error = format!("{error:#}"), "following analyses failed, beginning anew");
            }
            api.analysis().stand.send_if_modified(|stand| std::mem::replace(stand, Stand::Away) != Stand::Away);
            let until = Instant::now() + PAUSE;
            while !stopped() && Instant::now() < until {
                thread::sleep(POLL);
            }
        } else {
            warned = false;
        }
    }
}

/// Until the end, or until a topic has grown.
fn follow(api: &Api, handle: &Handle, stopped: &impl Fn() -> bool) -> anyhow::Result<()> {
    let readers = Readers::new(api)?;
    let began = api.clock().now();
    let since = Some(before(began));
    let topic = |name: &str, records_max| Since { topic: api.topic(name), since, records_max };
    let topics = [
        topic(ANALYSIS_JOBS, RECORDS_MAX),
        topic(ANALYSIS_EVENTS, EVENTS_MAX),
        topic(ANALYSIS_CANCELLATIONS, RECORDS_MAX),
        Since { since: None, ..topic(ANALYSIS_WORKERS, RECORDS_MAX) },
    ];
    let mut recent = Recent::open(&api.config().kafka, &topics)?;
    let (mut looked, mut is_history) = (Instant::now(), true);
    while !stopped() {
        match recent.next(POLL)? {
            Heard::Record(record) => {
                handle.block_on(readers.tell(api, &record, is_history && record.timestamp < began));
            }
            Heard::CaughtUp => {
                is_history = false;
                api.analysis().stand.send_replace(Stand::Live);
            }
            Heard::Nothing => {}
        }
        if looked.elapsed() >= LOOK_EVERY {
            looked = Instant::now();
            if !recent.is_whole(&api.config().kafka)? {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Where to begin, and a little earlier than where it was.
fn before(now: Timestamp) -> Timestamp {
    Timestamp(now.0.saturating_sub(i64::try_from(RECENT.as_millis()).unwrap_or(i64::MAX)))
}

struct Readers {
    jobs: Codec<Job>,
    events: Codec<JobEvent>,
    cancellations: Codec<Cancellation>,
    workers: Codec<WorkerReport>,
    topics: [String; 4],
}

impl Readers {
    fn new(api: &Api) -> anyhow::Result<Self> {
        Ok(Self {
            jobs: reader(api)?,
            events: reader(api)?,
            cancellations: reader(api)?,
            workers: reader(api)?,
            topics: [ANALYSIS_JOBS, ANALYSIS_EVENTS, ANALYSIS_CANCELLATIONS, ANALYSIS_WORKERS]
                .map(|name| api.topic(name)),
        })
    }

    /// Tells the board what a record says. What cannot be read is the business of those who work on it.
    ///
    /// A job of before we listened may have ended before the first event that we hear: of those, events tell, and
    /// ClickHouse.
    async fn tell(&self, api: &Api, record: &Record, is_history: bool) {
        let Some(value) = &record.value else { return };
        let desk = api.analysis();
        let [jobs, events, cancellations, workers] = &self.topics;
        let told = match &*record.topic {
            topic if topic == jobs && is_history => Ok(()),
            topic if topic == jobs => self.jobs.read(value).await.map(|job| {
                let job = job.received(&record.origin().to_string(), record.timestamp);
                desk.board.lock().queued(queued_event(&job), likeness(&job));
            }),
            topic if topic == events => self.events.read(value).await.map(|event| {
                let place = Place { partition: record.partition, offset: record.offset };
                desk.board.lock().hear(event, place);
            }),
            topic if topic == cancellations => self.cancellations.read(value).await.map(|cancellation| {
                desk.board.lock().cancelling(&cancellation.analysis_id);
            }),
            topic if topic == workers => self.workers.read(value).await.map(|report| desk.workers.lock().heard(report)),
            _ => Ok(()),
        };
        if let Err(error) = told {
            match error {
                Unread::Refused(refusal) => debug!(origin = %record.origin(), %refusal, "a record is passed over"),
                Unread::Registry(error) => warn!(origin = %record.origin(), %error, "a record is passed over"),
            }
        }
    }
}

fn reader<T: wire::Record>(api: &Api) -> anyhow::Result<Codec<T>> {
    let made = match api.registry() {
        Some(registry) => Codec::reading(Arc::clone(registry), ALLOCATION_BYTES_MAX),
        None => Codec::new(ALLOCATION_BYTES_MAX),
    };
    made.context("making a codec")
}
