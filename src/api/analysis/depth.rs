//! How many jobs wait, and `GET /analysis/queue/stats`.
//!
//! Kafka is asked at most once a [`LOOK_AGE_MAX`], whoever asks; jobs that this process has queued since count as waiting.
//! So the bound holds up to what is under way at this moment, and what other processes queue within that time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::{Api, Problem};
use crate::kafka::{ANALYSIS_JOBS, Backlog, Queued};

/// How old a look may be.
const LOOK_AGE_MAX: Duration = Duration::from_secs(1);
/// How long one may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// When to ask again where the queue is full.
const AGAIN: Duration = Duration::from_secs(10);
/// The hop that works on the jobs.
const HOP: &str = "analyze";

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(stats))
}

/// The queue as it is.
#[derive(Debug, Serialize, ToSchema)]
struct Stats {
    /// The topic of jobs
    #[schema(example = "analysis.jobs")]
    stream_name: String,
    /// Jobs that the topic holds, those that are done included, as long as it keeps them
    #[schema(example = 15)]
    total_jobs_in_stream: u64,
    /// Jobs that are not done
    #[schema(example = 3)]
    pending_jobs: u64,
    /// Workers
    #[schema(example = 2)]
    active_consumers: u64,
    /// Now, in epoch seconds
    #[schema(example = 1_704_067_200.0)]
    timestamp: f64,
}

/// How many jobs wait, and for how many workers
#[utoipa::path(get, path = "/analysis/queue/stats", tag = "analysis", responses((status = OK, body = Stats)))]
async fn stats(State(api): State<Api>) -> Result<Json<Stats>, Problem> {
    let Queued { records, pending, consumers } = api.analysis().depth.look(&api).await?;
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of this era are far below 2⁵³")]
    let timestamp = api.clock().now().0 as f64 / 1e3;
    Ok(Json(Stats {
        stream_name: api.topic(ANALYSIS_JOBS),
        total_jobs_in_stream: records,
        pending_jobs: pending,
        active_consumers: consumers as u64,
        timestamp,
    }))
}

/// What is known of the queue.
#[derive(Debug, Default)]
pub(super) struct Depth {
    /// Locked while Kafka is asked, so that it is asked once.
    looked: Mutex<Looked>,
    /// Jobs that were queued since.
    since: AtomicU64,
}

#[derive(Debug, Default)]
struct Looked {
    backlog: Option<Arc<Backlog>>,
    found: Option<(Instant, Queued)>,
    /// When Kafka did not answer last: those who wait meanwhile do not all wait for it again.
    failed: Option<Instant>,
}

impl Depth {
    /// How it is, at most a moment ago.
    ///
    /// # Errors
    /// 503 where Kafka does not answer.
    pub(super) async fn look(&self, api: &Api) -> Result<Queued, Problem> {
        let mut looked = self.looked.lock().await;
        let waiting = match looked.found {
            Some((at, waiting)) if at.elapsed() < LOOK_AGE_MAX => waiting,
            _ => {
                if looked.failed.is_some_and(|at| at.elapsed() < LOOK_AGE_MAX) {
                    return Err(away());
                }
                let before = self.since.load(Ordering::Relaxed);
                let waiting = match timeout(PATIENCE, ask(api, &mut looked.backlog)).await {
                    Ok(Ok(waiting)) => waiting,
                    Ok(Err(error)) => {
                        looked.failed = Some(Instant::now());
                        return Err(Problem::kafka(&error));
                    }
                    Err(_) => {
                        looked.failed = Some(Instant::now());
                        return Err(away());
                    }
                };
                self.since.fetch_sub(before, Ordering::Relaxed);
                looked.found = Some((Instant::now(), waiting));
                waiting
            }
        };
        let since = self.since.load(Ordering::Relaxed);
        Ok(Queued { records: waiting.records + since, pending: waiting.pending + since, ..waiting })
    }

    /// Whether another job may be queued.
    ///
    /// # Errors
    /// 429 where as many wait as may, 503 where Kafka does not answer.
    pub(super) async fn has_room(&self, api: &Api) -> Result<(), Problem> {
        let waiting = self.look(api).await?;
        let most = api.config().analysis.jobs_waiting_max;
        if waiting.pending < most as u64 {
            return Ok(());
        }
        let message = format!("{} jobs wait, and analysis.jobs_waiting_max is {most}", waiting.pending);
        Err(Problem::new(axum::http::StatusCode::TOO_MANY_REQUESTS, "queue_full", message).after(AGAIN))
    }

    /// A job was queued.
    pub(super) fn one_more(&self) {
        self.since.fetch_add(1, Ordering::Relaxed);
    }
}

fn away() -> Problem {
    Problem::unavailable("kafka_unavailable", "Kafka does not answer: try again in a moment")
}

async fn ask(api: &Api, backlog: &mut Option<Arc<Backlog>>) -> anyhow::Result<Queued> {
    let backlog = if let Some(backlog) = backlog {
        Arc::clone(backlog)
    } else {
        let opened = Backlog::open(&api.config().kafka, HOP, &api.topic(ANALYSIS_JOBS))?;
        Arc::clone(backlog.insert(Arc::new(opened)))
    };
    tokio::task::spawn_blocking(move || backlog.look()).await?
}
