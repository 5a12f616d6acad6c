//! Analyses on demand: how a job stands, a user's jobs, and the pictures of one.
//!
//! The tables are read and not their views: `FINAL` would merge granules of other jobs. Of several rows of one job the one
//! with the highest version counts.

use bytes::Bytes;
use clickhouse::Row;
use serde::Deserialize;

use super::{Failure, Store};
use crate::model::{JobEvent, JobStatus, JobStep, NanoUsd, Timestamp};

/// Most jobs of one answer.
pub const JOBS_MAX: u64 = 501;

const COLUMNS: &str = "analysis_id, user_id, symbol, exchange, interval, timeframe, status, progress, step, message, \
summary_by, error, attempts, toInt64(cost_usd * 1000000000) AS cost_nanos, \
toUnixTimestamp64Milli(created_at) AS created_ms, toUnixTimestamp64Milli(updated_at) AS updated_ms, worker, origin";

/// A row of `analysis_jobs`.
#[derive(Row, Deserialize)]
struct FoundJob {
    analysis_id: String,
    user_id: String,
    symbol: String,
    exchange: String,
    interval: String,
    timeframe: String,
    status: String,
    progress: u8,
    step: String,
    message: String,
    summary_by: String,
    error: String,
    attempts: u16,
    cost_nanos: i64,
    created_ms: i64,
    updated_ms: i64,
    worker: String,
    origin: String,
    summary: String,
    data: String,
}

/// Which jobs.
#[derive(Debug, Clone, Default)]
pub struct WhichJobs<'a> {
    /// Of this user; `None`: everybody's.
    pub user_id: Option<&'a str>,
    /// That stand so.
    pub status: Option<JobStatus>,
    /// Those behind this one: the moment that it was asked for, and its id.
    pub after: Option<(Timestamp, &'a str)>,
    /// At most so many, and [`JOBS_MAX`].
    pub limit: u64,
}

/// Which picture of a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Picture {
    /// On a light ground.
    SvgLight,
    /// On a dark ground.
    SvgDark,
    /// On a light ground.
    PngLight,
    /// On a dark ground.
    PngDark,
}

#[derive(Row, Deserialize)]
struct FoundPicture {
    picture: Bytes,
}

impl Store {
    /// How a job stands; `None` where there is no row of it (yet).
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn analysis_job(&self, analysis_id: &str) -> Result<Option<JobEvent>, Failure> {
        let sql = format!(
            "SELECT {COLUMNS}, summary, data FROM analysis_jobs WHERE analysis_id = ? ORDER BY version DESC LIMIT 1"
        );
        let found: Vec<FoundJob> = self.all(self.client.query(&sql).bind(analysis_id)).await?;
        Ok(found.into_iter().next().map(JobEvent::from))
    }

    /// Jobs without summary and data, the newest first.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn analysis_jobs(&self, which: &WhichJobs<'_>) -> Result<Vec<JobEvent>, Failure> {
        let everybody = which.user_id.is_none();
        let (before, id) = which.after.unwrap_or((Timestamp(i64::MAX / 2_000_000), ""));
        // A job's user and moment are the same in all of its rows, how it stands is not.
        let sql = format!(
            "SELECT * FROM (SELECT {COLUMNS}, '' AS summary, '' AS data FROM analysis_jobs \
             WHERE (? OR user_id = ?) AND created_at <= fromUnixTimestamp64Milli(toInt64(?)) \
             AND (toUnixTimestamp64Milli(created_at), analysis_id) < (toInt64(?), ?) \
             ORDER BY created_at DESC, analysis_id DESC, version DESC LIMIT 1 BY analysis_id) \
             WHERE (? OR status = ?) LIMIT ?"
        );
        let query = self
            .client
            .query(&sql)
            .bind(everybody)
            .bind(which.user_id.unwrap_or_default())
            .bind(before.0)
            .bind(before.0)
            .bind(id)
            .bind(which.status.is_none())
            .bind(which.status.map_or("", JobStatus::as_str))
            .bind(which.limit.min(JOBS_MAX));
        let found: Vec<FoundJob> = self.all(query).await?;
        Ok(found.into_iter().map(JobEvent::from).collect())
    }

    /// A picture of a job's chart; `None` where there is no row of it (yet).
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn analysis_picture(&self, analysis_id: &str, picture: Picture) -> Result<Option<Bytes>, Failure> {
        let column = match picture {
            Picture::SvgLight => "svg_light",
            Picture::SvgDark => "svg_dark",
            Picture::PngLight => "png_light",
            Picture::PngDark => "png_dark",
        };
        let sql = format!(
            "SELECT {column} AS picture FROM analysis_charts WHERE analysis_id = ? ORDER BY version DESC LIMIT 1"
        );
        let found: Vec<FoundPicture> = self.all(self.client.query(&sql).bind(analysis_id)).await?;
        Ok(found.into_iter().next().map(|found| found.picture))
    }
}

impl From<FoundJob> for JobEvent {
    fn from(row: FoundJob) -> Self {
        Self {
            // A word of a later version is something that is under way.
            status: JobStatus::parse(&row.status).unwrap_or(JobStatus::Processing),
            step: JobStep::parse(&row.step),
            progress: row.progress.into(),
            attempt: row.attempts.into(),
            cost: NanoUsd(u64::try_from(row.cost_nanos).unwrap_or(0)),
            created_at: Timestamp(row.created_ms),
            at: Timestamp(row.updated_ms),
            charts: None,
            analysis_id: row.analysis_id,
            user_id: row.user_id,
            symbol: row.symbol,
            exchange: row.exchange,
            interval: row.interval,
            timeframe: row.timeframe,
            message: row.message,
            error: row.error,
            summary: row.summary,
            summary_by: row.summary_by,
            data: row.data,
            worker: row.worker,
            origin: row.origin,
        }
    }
}
