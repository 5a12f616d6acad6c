//! Analyses on demand: queued for the workers, followed while they are at it, and found again afterwards.
//!
//! ```text
//! POST /analyze ──────────► analysis.jobs ──► workers ──► analysis.events ──► board ──► status, streams, charts
//! DELETE /analysis/cancel ► analysis.cancellations ─┘          ▲                │ not here (any more)
//! POST /analyze-immediate ─► computed here ────────────────────┘                └──► ClickHouse
//! ```
//! Nothing is computed here but what fits into a request ([`immediate`]). How jobs stand is kept in memory ([`board`]),
//! as the topics tell it to every API process ([`follow`]): so any of them answers for a job that another one queued, and a
//! stream that breaks is resumed at any of them. Who queued a job is told at once that it is queued, as the board hears
//! of it with Kafka's acknowledgement.
//!
//! # Whose a job is
//! Everything about a job that is somebody else's is as if it were not there: 404, as for an id that there never was.
//! Admins see all; where a request names a `user_id`, it is about that user's jobs alone.

mod board;
mod bodies;
mod cancel;
mod chart;
mod depth;
mod find;
mod follow;
mod fuzzed;
mod immediate;
mod jobs;
mod queue;
mod request;
mod status;
mod stream;
mod workers;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use parking_lot::Mutex;
use tokio::sync::{OnceCell, Semaphore, watch};
use utoipa_axum::router::OpenApiRouter;

pub(crate) use self::fuzzed::read_question;

use self::board::{Board, Limits};
use self::depth::Depth;
pub(super) use self::follow::begin;
use self::workers::Workers;
pub(super) use self::workers::{Worker, all as workers};
use super::{Api, Problem};
use crate::model::{Cancellation, Job, JobEvent};
use crate::wire::{self, ALLOCATION_BYTES_MAX, Codec};

/// The endpoints.
pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .merge(queue::routes())
        .merge(immediate::routes())
        .merge(stream::routes())
        .merge(status::routes())
        .merge(jobs::routes())
        .merge(cancel::routes())
        .merge(depth::routes())
        .merge(workers::routes())
        .merge(chart::routes())
}

/// What all of them share.
#[derive(Debug)]
pub(super) struct Desk {
    board: Mutex<Board>,
    workers: Mutex<Workers>,
    depth: Depth,
    /// For analyses that are made here, one each.
    places: Arc<Semaphore>,
    codecs: OnceCell<Arc<Codecs>>,
    following: AtomicBool,
    /// How far the board is; see [`follow::Stand`].
    stand: watch::Sender<follow::Stand>,
}

/// Writes what we write.
#[derive(Debug)]
struct Codecs {
    jobs: Codec<Job>,
    events: Codec<JobEvent>,
    cancellations: Codec<Cancellation>,
}

impl Desk {
    pub(super) fn new() -> Self {
        Self {
            board: Mutex::new(Board::new(Limits::default())),
            workers: Mutex::default(),
            depth: Depth::default(),
            places: Arc::new(Semaphore::new(std::thread::available_parallelism().map_or(1, usize::from))),
            codecs: OnceCell::new(),
            following: AtomicBool::new(false),
            stand: watch::Sender::new(follow::Stand::Starting),
        }
    }

    /// The codecs; with a schema registry, it is asked once.
    async fn codecs(&self, api: &Api) -> Result<Arc<Codecs>, Problem> {
        let made = self.codecs.get_or_try_init(async || -> anyhow::Result<Arc<Codecs>> {
            let (jobs, events, cancellations) = (codec(api).await?, codec(api).await?, codec(api).await?);
            Ok(Arc::new(Codecs { jobs, events, cancellations }))
        });
        made.await.map(Arc::clone).map_err(|error| {
            tracing::warn!(error = format!("{error:#}"), "no codecs for requests");
            Problem::unavailable("registry_unavailable", "the schema registry does not answer: try again in a moment")
        })
    }
}

async fn codec<T: wire::Record>(api: &Api) -> anyhow::Result<Codec<T>> {
    Ok(match api.registry() {
        Some(registry) => Codec::connect(Arc::clone(registry), &api.topic(T::TOPIC), ALLOCATION_BYTES_MAX).await?,
        None => Codec::new(ALLOCATION_BYTES_MAX)?,
    })
}
