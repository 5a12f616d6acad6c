//! `GET /analysis/workers`: how those are that make the analyses.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::follow;
use crate::api::{Api, Problem};
use crate::model::{Timestamp, WorkerReport};

/// Workers that are remembered: beyond it those that were heard of the longest ago are forgotten.
const WORKERS_MAX: usize = 1_000;
/// A worker that said nothing for so many of its intervals is not well.
const SILENT_INTERVALS: u32 = 2;
/// After so many it is taken for gone.
const GONE_INTERVALS: u32 = 10;
/// Workers that are gone are shown for so long.
const SHOWN: Duration = Duration::from_hours(24);

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(workers))
}

/// Every worker of lately.
#[derive(Debug, Serialize, ToSchema)]
struct All {
    /// Those that work first, the newest first
    workers: Vec<Worker>,
}

/// A worker.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "public names")]
pub(in crate::api) struct Worker {
    /// Unlike every other's
    #[schema(example = "host-1-4711")]
    worker_id: String,
    /// `healthy`; `unhealthy`, where what it needs does not answer or it has been silent; `gone`
    #[schema(example = "healthy")]
    status: &'static str,
    /// Jobs that it ended since it started
    #[schema(minimum = 0, example = 120)]
    analyses_processed: i64,
    /// Attempts that failed
    #[schema(minimum = 0, example = 1)]
    errors_total: i64,
    /// Seconds of a job
    #[schema(minimum = 0, example = 0.05)]
    avg_processing_time: f64,
    /// Seconds since it started; of one that is gone, until it was heard of last
    #[schema(minimum = 0, example = 3600.0)]
    uptime: f64,
    /// Whether it asks ClickHouse: `closed` (it does), `half_open`, `open`
    #[schema(example = "closed")]
    circuit_breaker_state: &'static str,
    /// When it was heard of last
    #[schema(format = DateTime)]
    last_seen: String,
}

/// How the workers are
#[utoipa::path(get, path = "/analysis/workers", tag = "analysis", responses((status = OK, body = All)))]
async fn workers(State(api): State<Api>) -> Result<Json<All>, Problem> {
    Ok(Json(All { workers: all(&api).await? }))
}

/// Every worker of lately.
///
/// # Errors
/// 503 while that is still being read.
pub(in crate::api) async fn all(api: &Api) -> Result<Vec<Worker>, Problem> {
    follow::kept(api).await?;
    let interval = api.config().analysis.metrics_publish_interval;
    Ok(api.analysis().workers.lock().shown(api.clock().now(), interval))
}

/// What workers said last.
#[derive(Debug, Default)]
pub(super) struct Workers(BTreeMap<String, WorkerReport>);

impl Workers {
    pub(super) fn heard(&mut self, report: WorkerReport) {
        self.0.insert(report.worker_id.clone(), report);
        if self.0.len() > WORKERS_MAX {
            let oldest = self.0.values().min_by_key(|report| report.at).map(|report| report.worker_id.clone());
            oldest.and_then(|oldest| self.0.remove(&oldest));
        }
    }

    fn shown(&self, now: Timestamp, interval: Duration) -> Vec<Worker> {
        let mut shown: Vec<(&WorkerReport, Worker)> = self
            .0
            .values()
            .filter(|report| now.since(report.at) <= SHOWN)
            .map(|report| (report, worker(report, now, interval)))
            .collect();
        shown.sort_by_key(|(report, worker)| (worker.status == "gone", std::cmp::Reverse(report.started_at)));
        shown.into_iter().map(|(_, worker)| worker).collect()
    }
}

fn worker(report: &WorkerReport, now: Timestamp, interval: Duration) -> Worker {
    let silent = now.since(report.at);
    let status = match () {
        () if report.stopped || silent > interval * GONE_INTERVALS => "gone",
        () if !report.healthy || silent > interval * SILENT_INTERVALS => "unhealthy",
        () => "healthy",
    };
    let until = if status == "gone" { report.at } else { now };
    #[expect(clippy::cast_precision_loss, reason = "jobs of one process are far below 2⁵³")]
    let jobs = report.analyses_processed.max(1) as f64;
    Worker {
        worker_id: report.worker_id.clone(),
        status,
        analyses_processed: report.analyses_processed,
        errors_total: report.errors_total,
        avg_processing_time: report.processing_seconds_total / jobs,
        uptime: until.since(report.started_at).as_secs_f64(),
        circuit_breaker_state: report.breaker.as_str(),
        last_seen: report.at.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::BreakerState;

    fn report(id: &str, at_s: i64) -> WorkerReport {
        WorkerReport {
            worker_id: id.to_owned(),
            started_at: Timestamp(0),
            at: Timestamp(at_s * 1000),
            analyses_processed: 4,
            errors_total: 1,
            processing_seconds_total: 2.0,
            breaker: BreakerState::Closed,
            healthy: true,
            stopped: false,
        }
    }

    #[test]
    fn workers_are_as_they_say_until_they_say_nothing() {
        let mut workers = Workers::default();
        let minute = Duration::from_mins(1);
        for (id, at, healthy, stopped) in [
            ("well", 990, true, false),
            ("ill", 990, false, false),
            ("silent", 870, true, false),
            ("ended", 990, true, true),
        ] {
            workers.heard(WorkerReport { healthy, stopped, ..report(id, at) });
        }
        workers.heard(report("lost", 300));
        let shown = workers.shown(Timestamp(1_000_000), minute);
        let mut found: Vec<(&str, &str)> =
            shown.iter().map(|worker| (worker.worker_id.as_str(), worker.status)).collect();
        assert!(found[..3].iter().all(|(_, status)| *status != "gone"));
        found.sort_unstable();
        assert_eq!(
            found,
            [("ended", "gone"), ("ill", "unhealthy"), ("lost", "gone"), ("silent", "unhealthy"), ("well", "healthy")]
        );
        assert!((shown[0].avg_processing_time - 0.5).abs() < 1e-9);
        assert!(workers.shown(Timestamp(990_000 + 86_401_000), minute).is_empty());
        for number in 0..2 * WORKERS_MAX {
            workers.heard(report(&format!("w{number}"), 1000 + i64::try_from(number).unwrap()));
        }
        assert_eq!(workers.0.len(), WORKERS_MAX);
        assert!(workers.0.contains_key("w1999") && !workers.0.contains_key("w1"));
    }
}
