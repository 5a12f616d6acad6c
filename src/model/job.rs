//! Jobs: an analysis of one series that somebody asked for, what becomes of it, and how the workers are that do them.
//!
//! A job has one final event ([`JobStatus::is_final`]), whatever happens to its workers: it lands in the same transaction
//! as the job's offset. Ids are at most [`ID_CHARS_MAX`] characters.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::vocabulary::vocabulary;
use super::{Candle, NanoUsd, Timestamp, identity};

/// The longest id of a job or a user, in characters.
pub const ID_CHARS_MAX: usize = 128;

/// Who has asked for an analysis where nobody says so.
pub const USER_LOCAL: &str = "local";

/// A record of `analysis.jobs`: what is to be analysed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// The record's key, too. Empty: made of the record's place ([`Job::received`]).
    pub analysis_id: String,
    /// Who asked; empty: [`USER_LOCAL`].
    pub user_id: String,
    /// As the exchange writes it, such as `BTCUSDT`.
    pub symbol: String,
    /// Lower case; empty: whichever has the newest candles.
    pub exchange: String,
    /// As it was asked for, such as `1h`.
    pub interval: String,
    /// How far back, such as `7d`, `12h`, `90m` or `2w`; empty: the newest 1,000 bars.
    pub timeframe: String,
    /// The bars to be analysed; empty: those that are stored.
    pub candles: Vec<Candle>,
    /// When it was asked for; 0: when its record was written.
    pub requested_at: Timestamp,
}

impl Job {
    /// The job as everybody understands it who reads its record: what it leaves out, its place (`topic/partition/offset`)
    /// and the record's time say.
    #[must_use]
    pub fn received(mut self, origin: &str, at: Timestamp) -> Self {
        if self.analysis_id.is_empty() {
            self.analysis_id = identity(&["analysis", origin]).0;
        }
        if self.user_id.is_empty() {
            USER_LOCAL.clone_into(&mut self.user_id);
        }
        if self.requested_at == Timestamp(0) {
            self.requested_at = at;
        }
        self
    }
}

vocabulary! {
    /// How a job stands.
    JobStatus {
        /// It waits for a worker.
        Queued = "queued",
        /// A worker is at it.
        Processing = "processing",
        /// Its summary and its charts are there.
        Completed = "completed",
        /// It came to nothing, and the error says why.
        Failed = "failed",
        /// Its user did not want it any more.
        Cancelled = "cancelled",
    }
}

impl JobStatus {
    /// Whether nothing changes any more.
    #[must_use]
    pub fn is_final(self) -> bool {
        self.rank() == 2
    }

    /// Of two events of one job the one of the higher rank counts: what is final beats what is under way, and that beats
    /// what waits.
    #[must_use]
    pub fn rank(self) -> u8 {
        match self {
            Self::Queued => 0,
            Self::Processing => 1,
            Self::Completed | Self::Failed | Self::Cancelled => 2,
        }
    }
}

vocabulary! {
    /// What a worker does for a job, in this order.
    JobStep {
        /// Reading its candles.
        Loading = "loading",
        /// Reading what they show.
        Reading = "reading",
        /// Drawing it.
        Drawing = "drawing",
        /// Saying it.
        Summarising = "summarising",
    }
}

/// A chart as pictures.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charts {
    /// On a light ground.
    pub svg_light: String,
    /// On a dark ground.
    pub svg_dark: String,
    /// The bytes of a file.
    pub png_light: Bytes,
    /// The bytes of a file.
    pub png_dark: Bytes,
}

/// A record of `analysis.events`: how a job stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobEvent {
    /// Of the job, and the record's key.
    pub analysis_id: String,
    /// Of the job.
    pub user_id: String,
    /// Of the job.
    pub symbol: String,
    /// Of the candles, once they are there; before that as the job says.
    pub exchange: String,
    /// Of the job.
    pub interval: String,
    /// Of the job.
    pub timeframe: String,
    /// How it stands.
    pub status: JobStatus,
    /// 0 to 100.
    pub progress: i32,
    /// What is being done, or was when it ended; `None` before anything was.
    pub step: Option<JobStep>,
    /// The same for people.
    pub message: String,
    /// From 1; 0 where no worker was at it.
    pub attempt: i32,
    /// Why it failed; empty otherwise.
    pub error: String,
    /// What its chart shows, in words; only once it is completed.
    pub summary: String,
    /// Who said it: `template`, `gemini`, `openai`; empty before it is completed.
    pub summary_by: String,
    /// What its chart shows (JSON); only once it is completed.
    pub data: String,
    /// Its pictures; only once it is completed.
    pub charts: Option<Charts>,
    /// What the summary has cost.
    pub cost: NanoUsd,
    /// When the job was asked for.
    pub created_at: Timestamp,
    /// When it came to stand so.
    pub at: Timestamp,
    /// Who was at it.
    pub worker: String,
    /// `topic/partition/offset` of the job.
    pub origin: String,
}

/// A record of `analysis.cancellations`, keyed by the id: a job that is not wanted any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancellation {
    /// Which.
    pub analysis_id: String,
    /// Who says so, and may.
    pub user_id: String,
    /// Since when.
    pub at: Timestamp,
}

vocabulary! {
    /// Whether a worker asks ClickHouse.
    BreakerState {
        /// It does.
        Closed = "closed",
        /// It tries whether it is back.
        HalfOpen = "half_open",
        /// It does not.
        Open = "open",
    }
}

/// A record of `analysis.workers`, keyed by the worker: how a worker is, and what it has done since it started.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkerReport {
    /// Unlike every other's.
    pub worker_id: String,
    /// When it started.
    pub started_at: Timestamp,
    /// When it says so; the next report is due within `analysis.metrics_publish_interval`.
    pub at: Timestamp,
    /// Jobs that it ended, whatever became of them.
    pub analyses_processed: i64,
    /// Attempts that failed.
    pub errors_total: i64,
    /// Time at work on the jobs that it ended, waits aside.
    pub processing_seconds_total: f64,
    /// Whether it asks ClickHouse.
    pub breaker: BreakerState,
    /// Whether ClickHouse and Kafka answered when they were last asked.
    pub healthy: bool,
    /// It has ended: the last report of this worker.
    pub stopped: bool,
}
