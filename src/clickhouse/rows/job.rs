//! `analysis_jobs` and `analysis_charts`: how a job stands, and its pictures.

use clickhouse::Row;
use serde::Serialize;

use super::cells::{Bytes, FIXED_BYTES, Moment, Money};
use crate::clickhouse::{Stored, Table};
use crate::model::{Charts, Job, JobEvent, JobStatus, NanoUsd, Timestamp};

/// Bits of a row's version below its time: its progress.
const PROGRESS_BITS: u32 = 7;
/// Bits below its rank: progress, and milliseconds until the year 10,000 and far beyond.
const RANK_BITS: u32 = 60;

/// A row of `analysis_jobs`.
#[derive(Debug, Clone, Row, Serialize)]
pub struct JobRow<'a> {
    analysis_id: &'a str,
    user_id: &'a str,
    symbol: &'a str,
    exchange: &'a str,
    interval: &'a str,
    timeframe: &'a str,
    status: &'a str,
    progress: u8,
    step: &'a str,
    message: &'a str,
    summary: &'a str,
    summary_by: &'a str,
    data: &'a str,
    error: &'a str,
    attempts: u16,
    cost_usd: Money,
    worker: &'a str,
    created_at: Moment,
    updated_at: Moment,
    origin: &'a str,
    version: i64,
}

/// What is final counts before what is under way, that before what waits, and of two alike the later one.
fn version(status: JobStatus, at: Timestamp, progress: u8) -> i64 {
    let time = at.0.clamp(0, (1 << (RANK_BITS - PROGRESS_BITS)) - 1);
    (i64::from(status.rank()) << RANK_BITS) | (time << PROGRESS_BITS) | i64::from(progress.min(100))
}

impl<'a> JobRow<'a> {
    /// The row of a job that waits, whose record is at `origin`.
    #[must_use]
    pub fn queued(job: &'a Job, origin: &'a str) -> Self {
        Self {
            analysis_id: &job.analysis_id,
            user_id: &job.user_id,
            symbol: &job.symbol,
            exchange: &job.exchange,
            interval: &job.interval,
            timeframe: &job.timeframe,
            status: JobStatus::Queued.as_str(),
            progress: 0,
            step: "",
            message: "",
            summary: "",
            summary_by: "",
            data: "",
            error: "",
            attempts: 0,
            cost_usd: NanoUsd::ZERO.into(),
            worker: "",
            created_at: job.requested_at.into(),
            updated_at: job.requested_at.into(),
            origin,
            version: version(JobStatus::Queued, job.requested_at, 0),
        }
    }
}

impl<'a> From<&'a JobEvent> for JobRow<'a> {
    fn from(event: &'a JobEvent) -> Self {
        let progress = u8::try_from(event.progress.clamp(0, 100)).unwrap_or(0);
        Self {
            analysis_id: &event.analysis_id,
            user_id: &event.user_id,
            symbol: &event.symbol,
            exchange: &event.exchange,
            interval: &event.interval,
            timeframe: &event.timeframe,
            status: event.status.as_str(),
            progress,
            step: event.step.map_or("", |step| step.as_str()),
            message: &event.message,
            summary: &event.summary,
            summary_by: &event.summary_by,
            data: &event.data,
            error: &event.error,
            attempts: u16::try_from(event.attempt.max(0)).unwrap_or(u16::MAX),
            cost_usd: event.cost.into(),
            worker: &event.worker,
            created_at: event.created_at.into(),
            updated_at: event.at.into(),
            origin: &event.origin,
            version: version(event.status, event.at, progress),
        }
    }
}

impl Stored for JobRow<'_> {
    const TABLE: Table = Table::Jobs;

    fn bytes(row: &JobRow<'_>) -> usize {
        let texts = [row.summary, row.data, row.error, row.message, row.origin, row.analysis_id, row.user_id];
        FIXED_BYTES + texts.iter().map(|text| text.len()).sum::<usize>()
    }
}

/// A row of `analysis_charts`.
#[derive(Debug, Clone, Row, Serialize)]
pub struct ChartRow<'a> {
    analysis_id: &'a str,
    svg_light: &'a str,
    svg_dark: &'a str,
    png_light: Bytes<'a>,
    png_dark: Bytes<'a>,
    created_at: Moment,
    version: i64,
}

impl<'a> ChartRow<'a> {
    /// The pictures of a job, if it has some.
    #[must_use]
    pub fn new(event: &'a JobEvent) -> Option<Self> {
        let Charts { svg_light, svg_dark, png_light, png_dark } = event.charts.as_ref()?;
        Some(Self {
            analysis_id: &event.analysis_id,
            svg_light,
            svg_dark,
            png_light: Bytes(png_light),
            png_dark: Bytes(png_dark),
            created_at: event.at.into(),
            version: event.at.0,
        })
    }
}

impl Stored for ChartRow<'_> {
    const TABLE: Table = Table::Charts;

    fn bytes(row: &ChartRow<'_>) -> usize {
        FIXED_BYTES + row.svg_light.len() + row.svg_dark.len() + row.png_light.0.len() + row.png_dark.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_final_counts_whatever_the_clocks_say() {
        let early = Timestamp(0);
        let late = Timestamp(253_402_300_799_999);
        let at = |status, time| version(status, time, 100);
        assert!(at(JobStatus::Failed, early) > at(JobStatus::Processing, late));
        assert!(at(JobStatus::Processing, early) > at(JobStatus::Queued, late));
        assert!(version(JobStatus::Processing, late, 5) < version(JobStatus::Processing, late, 30));
        assert!(at(JobStatus::Processing, early) < at(JobStatus::Processing, Timestamp(1)));
        assert!(at(JobStatus::Completed, Timestamp(i64::MAX)) > at(JobStatus::Completed, late));
        assert!(version(JobStatus::Queued, Timestamp(i64::MIN), 0) == 0);
    }
}
