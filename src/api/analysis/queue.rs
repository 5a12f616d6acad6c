//! `POST /analyze/{symbol}/{interval}`: a job for the workers.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use rand::Rng as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::board::{Admission, Found};
use super::bodies::Queued;
use super::follow;
use super::request::{Asked, Market, Wish};
use crate::api::compute::compute;
use crate::api::extract::{Json, Path};
use crate::api::{Api, CANDLES_BYTES_MAX, Caller, Problem};
use crate::kafka::ANALYSIS_JOBS;
use crate::model::{Id, Job, JobEvent, JobStatus, NanoUsd, identity};
use crate::wire::headers::Headers;

/// When to ask again where another request is at it.
const AGAIN: Duration = Duration::from_secs(1);
/// What is said of a job that waits.
pub(super) const MESSAGE: &str = "Analysis job queued for background processing.";

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(analyze)).layer(DefaultBodyLimit::max(CANDLES_BYTES_MAX))
}

/// Queue an analysis
///
/// A worker makes it in the background. With an `Idempotency-Key`, asking again answers for the same job.
#[utoipa::path(
    post, path = "/analyze/{symbol}/{interval}", tag = "analysis",
    params(
        Market,
        ("Idempotency-Key" = Option<String>, Header, description = "The same key of the same user is the same job",
         max_length = 255, pattern = r"^[\x21-\x7e]{1,255}$"),
    ),
    request_body = Wish,
    responses(
        (status = ACCEPTED, description = "It is queued", body = Queued),
        (status = CONFLICT, description = "The key was used for something else", body = crate::api::Body),
        (status = TOO_MANY_REQUESTS, description = "Too many jobs wait already", body = crate::api::Body),
    )
)]
async fn analyze(
    State(api): State<Api>,
    caller: Caller,
    Path(market): Path<Market>,
    headers: HeaderMap,
    Json(wish): Json<Wish>,
) -> Result<Response, Problem> {
    let asked = Asked::read_apart(market, wish, &caller, &headers, api.clock().now()).await?;
    let event = queue(&api, asked).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(Queued::of(&event))).into_response())
}

/// Queues a job; returns how it stands, once Kafka has it.
///
/// # Errors
/// 409 where its key was used for another job, 413 where it is too large for its topic, 429 where too many wait, 503 where
/// Kafka does not answer.
pub(super) async fn queue(api: &Api, asked: Asked) -> Result<Arc<JobEvent>, Problem> {
    let Name { job, likeness, known } = named(api, asked).await?;
    if let Some(known) = known {
        return Ok(known);
    }
    let (job, desk) = (Arc::new(job), api.analysis());
    desk.depth.has_room(api).await?;
    let event = queued_event(&job);
    let admission = desk.board.lock().admit(event.clone(), likeness.clone());
    match admission {
        Admission::New => {}
        Admission::Known(found) => return same(found, &job, &likeness),
        Admission::Pending => return Err(pending()),
    }
    let waiting = Waiting { api, id: &job.analysis_id };
    send(api, &job).await?;
    desk.board.lock().admitted(&job.analysis_id);
    drop(waiting);
    desk.depth.one_more();
    Ok(event.into())
}

/// A job with its id.
pub(super) struct Name {
    pub job: Job,
    pub likeness: Id,
    /// How it stands, where its key was used before.
    pub known: Option<Arc<JobEvent>>,
}

/// Gives a job its id: of its user and key, or of nothing.
///
/// # Errors
/// 409 where its key was used for another job, 503 where that cannot be told.
pub(super) async fn named(api: &Api, asked: Asked) -> Result<Name, Problem> {
    follow::begin(api);
    let Asked { mut job, likeness, key } = asked;
    let Some(key) = key else {
        job.analysis_id = format!("{:032x}", rand::rng().random::<u128>());
        return Ok(Name { job, likeness, known: None });
    };
    job.analysis_id = identity(&["analysis", &job.user_id, &key]).0;
    let known = known(api, &job.analysis_id).await?.map(|found| same(found, &job, &likeness)).transpose()?;
    Ok(Name { job, likeness, known })
}

/// Takes a job back from the board that did not come to anything. Should the request be given up in the middle, the job
/// is as unknown as any other until its record says otherwise.
pub(super) struct Waiting<'a> {
    pub api: &'a Api,
    pub id: &'a str,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.api.analysis().board.lock().withdraw(self.id);
    }
}

/// 409: the other request says what becomes of the job.
pub(super) fn pending() -> Problem {
    let message = "another request with this Idempotency-Key is under way: try again in a moment";
    Problem::conflict("idempotency_pending", message).after(AGAIN)
}

async fn send(api: &Api, job: &Arc<Job>) -> Result<(), Problem> {
    let codecs = api.analysis().codecs(api).await?;
    let encoded = Arc::clone(job);
    let encode = move || {
        let mut value = Vec::new();
        codecs.jobs.encode(&encoded, &mut value).map(|()| value)
    };
    let value = compute(size_of_val(job.candles.as_slice()), encode).await?;
    let value = value.map_err(|error| Problem::internal(&error.to_string()))?;
    let bytes_max = api.config().limits.record_bytes_max.in_memory();
    if value.len() > bytes_max {
        let message = format!("these candles take {} bytes, and limits.record_bytes_max is {bytes_max}", value.len());
        return Err(Problem::too_large("too_many_candles", message));
    }
    let sent = api.post().send(&api.topic(ANALYSIS_JOBS), job.analysis_id.as_bytes(), &value, &Headers::new()).await;
    sent.map_err(|error| Problem::kafka(&error))?;
    Ok(())
}

/// A job that was queued by this name before.
async fn known(api: &Api, id: &str) -> Result<Option<Found>, Problem> {
    follow::kept(api).await?;
    if let Some(found) = api.analysis().board.lock().find(id) {
        return Ok(Some(found));
    }
    let stored = api.store().analysis_job(id).await?;
    Ok(stored.map(|event| Found { event: event.into(), cancelling: false, asked: None }))
}

/// The job of a key, where it is the one that is asked for. Of a job that only ClickHouse knows, whether it brought
/// candles and which exchange was named is not known any more.
pub(super) fn same(found: Found, job: &Job, likeness: &Id) -> Result<Arc<JobEvent>, Problem> {
    let event = &found.event;
    let is_same = if let Some(asked) = &found.asked {
        asked == likeness
    } else {
        let of_event = (&event.symbol, &event.interval, &event.timeframe);
        let exchange_fits = job.exchange.is_empty() || event.exchange == job.exchange;
        of_event == (&job.symbol, &job.interval, &job.timeframe) && exchange_fits
    };
    if is_same {
        return Ok(found.event);
    }
    let message = "this Idempotency-Key was used for another analysis: use a key of its own for each";
    Err(Problem::conflict("idempotency_mismatch", message))
}

/// That a job waits for a worker.
pub(super) fn queued_event(job: &Job) -> JobEvent {
    JobEvent {
        analysis_id: job.analysis_id.clone(),
        user_id: job.user_id.clone(),
        symbol: job.symbol.clone(),
        exchange: job.exchange.clone(),
        interval: job.interval.clone(),
        timeframe: job.timeframe.clone(),
        status: JobStatus::Queued,
        progress: 0,
        step: None,
        message: MESSAGE.to_owned(),
        attempt: 0,
        error: String::new(),
        summary: String::new(),
        summary_by: String::new(),
        data: String::new(),
        charts: None,
        cost: NanoUsd::ZERO,
        created_at: job.requested_at,
        at: job.requested_at,
        worker: String::new(),
        origin: String::new(),
    }
}
