//! `POST /analyze-immediate/{symbol}/{interval}`: an analysis made within the request.
//!
//! The same science, drawing and words as a worker's, for few candles; no model is asked. It runs off the threads that
//! answer requests, as many at a time as there are processors, and ends with an event as a worker's does, so that it is
//! found again, and its chart, like any other.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::board::{Admission, Place};
use super::bodies::Status;
use super::queue::{self, Name, Waiting, queued_event};
use super::request::{Asked, Market, Wish};
use crate::api::extract::{Json as Body, Path};
use crate::api::{Api, CANDLES_BYTES_MAX, Caller, Problem};
use crate::clickhouse::Wanted;
use crate::kafka::ANALYSIS_EVENTS;
use crate::market::scope::Scope;
use crate::market::words::{self, Facts};
use crate::market::{chart, findings, pictures};
use crate::model::{Charts, Job, JobEvent, JobStatus, JobStep, Series};
use crate::wire::headers::Headers;

/// When to ask again where all processors are busy.
const AGAIN: Duration = Duration::from_secs(1);
/// Who makes it, as events name workers.
const WORKER: &str = "api";
const MESSAGE: &str = "Analysis completed successfully.";

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(analyze)).layer(DefaultBodyLimit::max(CANDLES_BYTES_MAX))
}

/// Analyse now
///
/// For few candles (`analysis.immediate_candles_max`): the answer is the analysis. More are refused; queue them.
#[utoipa::path(
    post, path = "/analyze-immediate/{symbol}/{interval}", tag = "analysis",
    params(
        Market,
        ("Idempotency-Key" = Option<String>, Header, description = "The same key of the same user is the same job",
         max_length = 255, pattern = r"^[\x21-\x7e]{1,255}$"),
    ),
    request_body = Wish,
    responses(
        (status = OK, body = Status),
        (status = NOT_FOUND, description = "There are no candles of it", body = crate::api::Body),
        (status = CONFLICT, description = "The key was used for something else", body = crate::api::Body),
        (status = PAYLOAD_TOO_LARGE, description = "Too many candles: queue it", body = crate::api::Body),
        (status = UNPROCESSABLE_ENTITY, description = "Too few candles, or broken ones", body = crate::api::Body),
        (status = SERVICE_UNAVAILABLE, description = "As many are being made as can be", body = crate::api::Body),
    )
)]
async fn analyze(
    State(api): State<Api>,
    caller: Caller,
    Path(market): Path<Market>,
    headers: HeaderMap,
    Body(wish): Body<Wish>,
) -> Result<Json<Status>, Problem> {
    let asked = Asked::read_apart(market, wish, &caller, &headers, api.clock().now()).await?;
    let Name { job, likeness, known } = queue::named(&api, asked).await?;
    if let Some(known) = known {
        return Ok(Json(Status::of(&known)));
    }
    let place = Arc::clone(&api.analysis().places).try_acquire_owned();
    let place = place.map_err(|_| {
        let message = "as many analyses are being made as there are processors: try again in a moment, or queue it";
        Problem::unavailable("busy", message).after(AGAIN)
    })?;
    let admission = api.analysis().board.lock().admit(queued_event(&job), likeness.clone());
    match admission {
        Admission::New => {}
        Admission::Known(found) => return Ok(Json(Status::of(&*queue::same(found, &job, &likeness)?))),
        Admission::Pending => return Err(queue::pending()),
    }
    let waiting = Waiting { api: &api, id: &job.analysis_id };
    let event = make(&api, &job, place).await?;
    let told = Status::of(&event);
    tell(&api, event).await?;
    drop(waiting);
    Ok(Json(told))
}

async fn make(api: &Api, job: &Job, place: OwnedSemaphorePermit) -> Result<JobEvent, Problem> {
    let series = load(api, job).await?;
    let exchange = series.exchange.clone();
    let limit = api.config().analysis.timeout;
    let work = tokio::task::spawn_blocking(move || {
        // Held until the work is done, also where nobody waits for it any more.
        let _place = place;
        work(&series)
    });
    let worked = timeout(limit, work).await.map_err(|_| {
        let message = format!("it took longer than {limit:?} (analysis.timeout)");
        Problem::new(StatusCode::GATEWAY_TIMEOUT, "timeout", message)
    })?;
    let worked = worked.map_err(|panic| Problem::internal(&panic.to_string()))?;
    let Some(Worked { data, charts, summary }) = worked else {
        return Err(unprocessable("there are no candles in it".to_owned()));
    };
    let charts = charts.map_err(|error| Problem::internal(&error.to_string()))?;
    Ok(JobEvent {
        exchange,
        status: JobStatus::Completed,
        progress: 100,
        step: Some(JobStep::Summarising),
        message: MESSAGE.to_owned(),
        attempt: 1,
        summary,
        summary_by: words::BY_TEMPLATE.to_owned(),
        data,
        charts: Some(charts),
        at: api.clock().now(),
        worker: WORKER.to_owned(),
        ..queued_event(job)
    })
}

struct Worked {
    data: String,
    charts: io::Result<Charts>,
    summary: String,
}

fn work(series: &Series) -> Option<Worked> {
    let chart = chart::read(series)?;
    let summary = words::write(&Facts::of(series, &chart));
    Some(Worked { data: findings::json(series, &chart), charts: pictures::of(series, &chart), summary })
}

/// The candles, where there are as few as may be.
async fn load(api: &Api, job: &Job) -> Result<Series, Problem> {
    let scope = Scope::of(job).map_err(Problem::invalid)?;
    let most = api.config().analysis.immediate_candles_max;
    let series = if job.candles.is_empty() {
        let wanted = Wanted {
            exchange: &job.exchange,
            symbol: &job.symbol,
            interval: scope.interval,
            back: scope.back,
            // One more than may be says that there are more.
            bars_max: scope.bars_max().min(most + 1),
        };
        let found = api.store().newest_candles(wanted).await?;
        found.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "no_candles", scope.nothing(job)))?
    } else {
        let candles = job.candles.clone();
        Series { exchange: job.exchange.clone(), symbol: job.symbol.clone(), interval: scope.interval, candles }
    };
    if series.candles.len() > most {
        let message = format!(
            "more than {most} candles (analysis.immediate_candles_max): queue it by POST /analyze/{}/{}",
            job.symbol, job.interval
        );
        return Err(Problem::too_large("too_many_candles", message));
    }
    scope.cut(series, api.clock().now()).map_err(unprocessable)
}

fn unprocessable(message: String) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_candles", message)
}

/// Writes down how it ended, and tells the board.
async fn tell(api: &Api, event: JobEvent) -> Result<(), Problem> {
    let mut value = Vec::new();
    let codecs = api.analysis().codecs(api).await?;
    codecs.events.encode(&event, &mut value).map_err(|error| Problem::internal(&error.to_string()))?;
    let sent =
        api.post().send(&api.topic(ANALYSIS_EVENTS), event.analysis_id.as_bytes(), &value, &Headers::new()).await;
    let (partition, offset) = sent.map_err(|error| Problem::kafka(&error))?;
    api.analysis().board.lock().hear(event, Place { partition, offset });
    Ok(())
}
