//! Analyses on demand: how a job stands, a user's jobs, and the pictures of one.
//!
//! The tables are read and not their views: `FINAL` would merge granules of other jobs. Of several rows of one job the one
//! with the highest version counts.
//!
//! Jobs lie by their ids, which are random. So the ids of a page are looked for first, in the newest stretch of time that
//! fills it (an index knows the times), and only their rows are read whole.

use bytes::Bytes;
use clickhouse::Row;
use serde::Deserialize;

use super::looks::looks;
use super::moment_of;
use super::question::{Question, rows};
use crate::clickhouse::{Failure, Store};
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
        let question = Question::new("SELECT ")
            .and(COLUMNS)
            .and(", summary, data FROM analysis_jobs")
            .with(" WHERE analysis_id = ? ORDER BY version DESC LIMIT 1", analysis_id);
        Ok(question.first::<FoundJob>(self).await?.map(JobEvent::from))
    }

    /// Jobs without summary and data, the newest first.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn analysis_jobs(&self, which: &WhichJobs<'_>) -> Result<Vec<JobEvent>, Failure> {
        let newest = which.after.map_or(self.clock.now(), |(at, _)| at);
        let mut found: Vec<FoundJob> = Vec::new();
        for since in looks(newest, None) {
            found = question(which, since).all(self).await?;
            if found.len() as u64 >= which.limit.min(JOBS_MAX) {
                break;
            }
        }
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
        let question = Question::new("SELECT ")
            .and(column)
            .and(" AS picture FROM analysis_charts")
            .with(" WHERE analysis_id = ? ORDER BY version DESC LIMIT 1", analysis_id);
        Ok(question.first::<FoundPicture>(self).await?.map(|found| found.picture))
    }
}

/// Jobs that were asked for since then. A job's user and moment are the same in all of its rows, how it stands is not.
fn question(which: &WhichJobs<'_>, since: Option<Timestamp>) -> Question {
    let question = Question::new("SELECT ")
        .and(COLUMNS)
        .and(", '' AS summary, '' AS data FROM analysis_jobs")
        .and(" WHERE analysis_id IN (SELECT analysis_id FROM analysis_jobs WHERE true")
        .when(" AND created_at >= fromUnixTimestamp64Milli(toInt64(?))", since.map(moment_of))
        .when(" AND user_id = ?", which.user_id);
    let question = match which.after {
        // The first condition is one that an index knows.
        Some((at, id)) => question
            .with(" AND created_at <= fromUnixTimestamp64Milli(toInt64(?))", moment_of(at))
            .with(" AND (toUnixTimestamp64Milli(created_at), analysis_id) < (toInt64(?), ?)", moment_of(at))
            .bound(id),
        None => question,
    };
    question
        .and(" GROUP BY analysis_id")
        .when(" HAVING argMax(status, version) = ?", which.status.map(JobStatus::as_str))
        .with(" ORDER BY max(created_at) DESC, analysis_id DESC LIMIT toInt64(?))", rows(which.limit.min(JOBS_MAX)))
        .when(" AND user_id = ?", which.user_id)
        .and(" ORDER BY created_at DESC, analysis_id DESC, version DESC LIMIT 1 BY analysis_id")
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
