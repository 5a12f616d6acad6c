//! `GET /admin/status`: everything that somebody who operates the program wants to see at one look.
//!
//! It answers while services are away, as that is when it is asked: what could not be learned is empty, and named in
//! `unknown`. Kafka is asked at most every few seconds, however many ask.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use jiff::tz::TimeZone;
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::warn;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Api;
use super::analysis::{self, Worker};
use crate::clickhouse::{Failure, SessionState, Spent, dollars};
use crate::kafka;
use crate::model::{NanoUsd, Timestamp};
use crate::observe::{self, Kind, Report, State as Stands};

/// How long what Kafka said is good for.
const QUEUES_FRESH: Duration = Duration::from_secs(3);
/// How long one service may take.
const PATIENCE: Duration = Duration::from_secs(8);

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(status))
}

/// How the installation is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Installation)]
struct Status {
    /// The version of the binary.
    version: &'static str,
    /// Time since this process started.
    uptime_s: u64,
    /// When it did.
    started_at: String,
    /// The stages of this process.
    hops: Vec<Part>,
    /// What they need.
    services: Vec<Part>,
    /// What waits for each hop, wherever it runs.
    queues: Vec<Queue>,
    /// Sessions that are not over, and the newest one.
    sessions: Sessions,
    /// What may be spent, and what was.
    budgets: Vec<Budget>,
    /// The providers that this process asks.
    breakers: Vec<Breaker>,
    /// The workers that make analyses, as `/analysis/workers` has them.
    workers: Vec<Worker>,
    /// What could not be processed.
    dead_letters: Vec<Letters>,
    /// The database.
    tables: Tables,
    /// Parts of this answer that are empty because a service did not say.
    unknown: Vec<&'static str>,
}

/// A stage or a service.
#[derive(Debug, Serialize, ToSchema)]
struct Part {
    name: String,
    /// `starting`, `ready`, `waiting`, `failed`.
    state: &'static str,
    /// Why it waits or failed.
    why: Option<String>,
    /// Since when it is so.
    since: String,
}

/// What waits for a hop in one of its topics.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct Queue {
    topic: String,
    hop: &'static str,
    /// Records that the hop has not committed.
    lag_records: u64,
    /// Age of the oldest of them.
    lag_seconds: f64,
}

/// Sessions that are not over.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = SessionsNow)]
struct Sessions {
    open: u64,
    /// Their budget is used up while articles wait.
    exhausted: u64,
    /// As `/api/sessions` has it.
    #[schema(value_type = Option<Object>)]
    newest: Option<SessionState>,
}

/// A limit on spending.
#[derive(Debug, Serialize, ToSchema)]
struct Budget {
    /// `session` (the newest one), `daily`, `monthly`; where there is such a limit.
    #[serde(rename = "budget")]
    of: &'static str,
    #[serde(serialize_with = "dollars")]
    #[schema(value_type = f64)]
    limit_usd: i64,
    /// In doubt included.
    #[serde(serialize_with = "dollars")]
    #[schema(value_type = f64)]
    spent_usd: i64,
    #[serde(serialize_with = "dollars")]
    #[schema(value_type = f64)]
    reserved_usd: i64,
}

/// Whether a provider is asked.
#[derive(Debug, Serialize, ToSchema)]
struct Breaker {
    provider: String,
    /// `closed` (it is), `half_open` (a few calls try), `open` (it is not).
    state: &'static str,
}

/// Dead letters of one topic for one reason.
#[derive(Debug, Serialize, ToSchema)]
struct Letters {
    topic: String,
    reason: String,
    count: u64,
    newest_at: String,
}

/// The database.
#[derive(Debug, Default, Serialize, ToSchema)]
struct Tables {
    /// Migrations that were applied.
    migrations: u64,
}

/// What Kafka said last, and when.
#[derive(Debug, Default)]
pub(super) struct Queues(Mutex<Option<(Timestamp, Option<Vec<Queue>>)>>);

/// How the installation is
#[utoipa::path(get, path = "/admin/status", tag = "operation", responses((status = OK, body = Status)))]
async fn status(State(api): State<Api>) -> Json<Status> {
    let now = api.clock().now();
    let (health, store) = (api.health(), api.store());
    let (queues, workers, counts, newest, letters, migrations, spending) = tokio::join!(
        queues(&api),
        timeout(PATIENCE, analysis::workers(&api)),
        said(store.session_counts()),
        said(store.sessions(1)),
        said(store.letters()),
        said(store.migrations()),
        said(spending(&api, now)),
    );
    let newest = newest.map(|sessions| sessions.into_iter().next());
    let workers = workers.ok().and_then(Result::ok);
    let missing = [
        ("queues", queues.is_none()),
        ("workers", workers.is_none()),
        ("sessions", counts.is_none() || newest.is_none()),
        ("budgets", spending.is_none() || newest.is_none()),
        ("dead_letters", letters.is_none()),
        ("tables", migrations.is_none()),
    ];
    let newest = newest.flatten();
    let counts = counts.unwrap_or_default();
    let (hops, services): (Vec<_>, Vec<_>) = health.reports().into_iter().partition(|report| report.kind == Kind::Hop);
    Json(Status {
        version: env!("CARGO_PKG_VERSION"),
        uptime_s: health.uptime().as_secs(),
        started_at: health.started().to_string(),
        hops: hops.into_iter().map(part).collect(),
        services: services.into_iter().map(part).collect(),
        queues: queues.unwrap_or_default(),
        budgets: newest.iter().map(of_session).chain(spending.unwrap_or_default()).collect(),
        sessions: Sessions { open: counts.open, exhausted: counts.exhausted, newest },
        breakers: observe::breakers().into_iter().map(|(provider, state)| Breaker { provider, state }).collect(),
        workers: workers.unwrap_or_default(),
        dead_letters: letters.unwrap_or_default().into_iter().map(shown).collect(),
        tables: Tables { migrations: migrations.unwrap_or_default() },
        unknown: missing.into_iter().filter(|(_, missing)| *missing).map(|(name, _)| name).collect(),
    })
}

fn part(report: Report) -> Part {
    let (state, why) = match report.state {
        Stands::Starting => ("starting", None),
        Stands::Ready => ("ready", None),
        Stands::Waiting(why) => ("waiting", Some(why)),
        Stands::Failed(why) => ("failed", Some(why)),
    };
    Part { name: report.name, state, why, since: report.since.to_string() }
}

fn of_session(session: &SessionState) -> Budget {
    Budget {
        of: "session",
        limit_usd: session.budget_usd,
        spent_usd: session.spent_usd + session.in_doubt_usd,
        reserved_usd: session.reserved_usd,
    }
}

fn shown(letters: crate::clickhouse::Letters) -> Letters {
    let crate::clickhouse::Letters { topic, reason, count, newest_at } = letters;
    Letters { topic, reason, count, newest_at: Timestamp(newest_at).to_string() }
}

/// What ClickHouse says, if it does in time. That it does not is logged.
async fn said<T>(asked: impl Future<Output = Result<T, Failure>>) -> Option<T> {
    match timeout(PATIENCE, asked).await {
        Ok(Ok(said)) => Some(said),
        Ok(Err(error)) => {
            warn!(%error, "ClickHouse did not say how things stand");
            None
        }
        Err(_) => None,
    }
}

/// The limits of the day and of the month, where they are set.
async fn spending(api: &Api, now: Timestamp) -> Result<Vec<Budget>, Failure> {
    let config = &api.config().budget;
    let mut budgets = Vec::new();
    for (of, limit, from) in [("daily", config.daily_usd, day(now)), ("monthly", config.monthly_usd, month(now))] {
        let Some(limit) = limit else { continue };
        let Spent { spent_usd, reserved_usd } = api.store().spent_since(&config.account, from).await?;
        budgets.push(Budget { of, limit_usd: NanoUsd::decimal(limit), spent_usd, reserved_usd });
    }
    Ok(budgets)
}

/// When the day of `now` began, UTC.
fn day(now: Timestamp) -> Timestamp {
    const DAY_MS: i64 = 86_400_000;
    Timestamp(now.0.div_euclid(DAY_MS) * DAY_MS)
}

/// When its month began.
fn month(now: Timestamp) -> Timestamp {
    let first = now.calendar().to_zoned(TimeZone::UTC).date().first_of_month().to_zoned(TimeZone::UTC);
    first.map_or_else(|_| day(now), |first| Timestamp(first.timestamp().as_millisecond()))
}

/// What waits for each hop; `None` where Kafka does not say.
async fn queues(api: &Api) -> Option<Vec<Queue>> {
    // Held while Kafka is asked: whoever comes meanwhile waits, and is told the same.
    let mut kept = api.0.queues.0.lock().await;
    let now = api.clock().now();
    if let Some((at, queues)) = &*kept
        && now.since(*at) < QUEUES_FRESH
    {
        return queues.clone();
    }
    let queues = match timeout(PATIENCE, ask(api, now)).await {
        Ok(Ok(queues)) => Some(queues),
        Ok(Err(error)) => {
            warn!(error = format!("{error:#}"), "Kafka did not say what waits");
            None
        }
        Err(_) => None,
    };
    *kept = Some((api.clock().now(), queues.clone()));
    queues
}

async fn ask(api: &Api, now: Timestamp) -> anyhow::Result<Vec<Queue>> {
    let mut asked = JoinSet::new();
    for (order, (hop, topics)) in api.0.parts.hops.iter().copied().enumerate() {
        let kafka = api.config().kafka.clone();
        asked.spawn_blocking(move || {
            let group = kafka::group_name(&kafka, hop);
            let real: Vec<String> = topics.iter().map(|topic| format!("{}{topic}", kafka.topic_prefix)).collect();
            let waiting = kafka::waiting(&kafka, &group, &real)?;
            let queue = |(topic, waiting): (&&str, kafka::Waiting)| Queue {
                topic: (*topic).to_owned(),
                hop,
                lag_records: waiting.records,
                lag_seconds: waiting.oldest.map_or(0.0, |oldest| now.since(oldest).as_secs_f64()),
            };
            anyhow::Ok((order, topics.iter().zip(waiting).map(queue).collect::<Vec<_>>()))
        });
    }
    let mut queues = Vec::new();
    while let Some(hop) = asked.join_next().await {
        queues.push(hop??);
    }
    queues.sort_by_key(|(order, _)| *order);
    Ok(queues.into_iter().flat_map(|(_, queues)| queues).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_months_begin_in_utc() {
        let now = Timestamp(1_795_305_600_123);
        assert_eq!(now.to_string(), "2026-11-22T00:00:00.123Z");
        assert_eq!(day(now).to_string(), "2026-11-22T00:00:00Z");
        assert_eq!(month(now).to_string(), "2026-11-01T00:00:00Z");
        assert_eq!(month(Timestamp(0)), Timestamp(0));
    }
}
