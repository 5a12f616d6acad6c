//! What is said of a job over HTTP, as the service said it that this one replaces, and more.

use form_urlencoded::byte_serialize;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::queue;
use crate::model::{JobEvent, JobStatus, JobStep};

/// A job that was queued.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Queued {
    /// Its id
    #[schema(example = "0f1e2d3c4b5a69788796a5b4c3d2e1f0")]
    pub analysis_id: String,
    /// `queued`, unless its `Idempotency-Key` was used before
    #[schema(example = "queued")]
    pub status: &'static str,
    /// The same for people
    #[schema(example = "Analysis job queued for background processing")]
    pub message: String,
    /// Where to ask how it stands
    #[schema(example = "/analysis/status/0f1e2d3c4b5a69788796a5b4c3d2e1f0")]
    pub check_status_url: String,
}

impl Queued {
    pub(super) fn of(event: &JobEvent) -> Self {
        let message = match event.status {
            JobStatus::Queued => message(event).trim_end_matches('.').to_owned(),
            _ => message(event).to_owned(),
        };
        Self {
            status: event.status.as_str(),
            message,
            check_status_url: format!("/analysis/status/{}", in_path(&event.analysis_id)),
            analysis_id: event.analysis_id.clone(),
        }
    }
}

/// How a job stands, in a few words.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Standing {
    /// Its id
    pub analysis_id: String,
    /// Whose it is
    #[schema(example = "user123")]
    pub user_id: String,
    /// The market
    #[schema(example = "BTCUSDT")]
    pub symbol: String,
    /// Where it trades; empty until the candles are found, where none was named
    #[schema(example = "binance")]
    pub exchange: String,
    /// From one bar to the next
    #[schema(example = "1h")]
    pub interval: String,
    /// How far back; empty: the newest 1,000 bars
    #[schema(example = "7d")]
    pub timeframe: String,
    /// `queued`, `processing`, `completed`, `failed` or `cancelled`
    #[schema(example = "completed")]
    pub status: &'static str,
    /// 0 to 100
    #[schema(minimum = 0, maximum = 100, example = 100)]
    pub progress: i32,
    /// `loading`, `reading`, `drawing` or `summarising`; null before any of them
    #[schema(example = "summarising")]
    pub step: Option<&'static str>,
    /// When it was asked for
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it came to stand so
    #[schema(format = DateTime)]
    pub updated_at: String,
    /// Attempts so far
    #[schema(minimum = 0, example = 1)]
    pub attempts: i32,
    /// Why it failed; null otherwise
    pub error: Option<String>,
    /// Its chart, once it is completed
    #[schema(example = "/analysis/chart/0f1e2d3c4b5a69788796a5b4c3d2e1f0.png")]
    pub image_url: Option<String>,
    /// Who wrote the summary: `template`, `gemini`, `openai`; null before that
    #[schema(example = "template")]
    pub summary_by: Option<String>,
}

impl Standing {
    pub(super) fn of(event: &JobEvent) -> Self {
        let filled = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let image = || format!("/analysis/chart/{}.png", in_path(&event.analysis_id));
        Self {
            analysis_id: event.analysis_id.clone(),
            user_id: event.user_id.clone(),
            symbol: event.symbol.clone(),
            exchange: event.exchange.clone(),
            interval: event.interval.clone(),
            timeframe: event.timeframe.clone(),
            status: event.status.as_str(),
            progress: event.progress.clamp(0, 100),
            step: event.step.map(JobStep::as_str),
            created_at: event.created_at.to_string(),
            updated_at: event.at.to_string(),
            attempts: event.attempt.max(0),
            error: filled(&event.error),
            image_url: (event.status == JobStatus::Completed).then(image),
            summary_by: filled(&event.summary_by),
        }
    }
}

/// How a job stands, and what it came to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AnalysisStatus)]
pub(super) struct Status {
    #[serde(flatten)]
    pub standing: Standing,
    /// What its chart shows, in words, once it is completed
    pub llm_summary: Option<String>,
    /// What its chart shows: exchange, symbol, interval, candles, from, to, `last_close`, change, indicators,
    /// levels, trendlines, patterns, `volume_ratio`, `volume_peak`
    #[schema(value_type = Option<Object>)]
    pub analysis_data: Option<Box<RawValue>>,
}

impl Status {
    pub(super) fn of(event: &JobEvent) -> Self {
        let is_completed = event.status == JobStatus::Completed;
        Self {
            standing: Standing::of(event),
            llm_summary: is_completed.then(|| event.summary.clone()),
            analysis_data: data(event),
        }
    }
}

/// An event of a stream.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Told<'a> {
    /// `queued`, `processing`, `completed`, `failed` or `cancelled`
    pub status: &'static str,
    /// The same for people
    pub message: &'a str,
    /// Of the job
    pub analysis_id: &'a str,
    /// 0 to 100
    pub progress: i32,
    /// What is being done
    pub step: Option<&'static str>,
    /// Why it failed
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'a str>,
    /// As `analysis_data` of its status, once it is completed
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub data: Option<Box<RawValue>>,
}

impl<'a> Told<'a> {
    pub(super) fn of(event: &'a JobEvent) -> Self {
        Self {
            status: event.status.as_str(),
            message: message(event),
            analysis_id: &event.analysis_id,
            progress: event.progress.clamp(0, 100),
            step: event.step.map(JobStep::as_str),
            error: (!event.error.is_empty()).then_some(event.error.as_str()),
            data: data(event),
        }
    }
}

/// What is said of it. ClickHouse has nothing of what waits.
fn message(event: &JobEvent) -> &str {
    if event.message.is_empty() && event.status == JobStatus::Queued { queue::MESSAGE } else { &event.message }
}

/// What the chart shows, where it is JSON: other workers than ours may have written it.
fn data(event: &JobEvent) -> Option<Box<RawValue>> {
    let is_there = event.status == JobStatus::Completed && !event.data.is_empty();
    is_there.then(|| RawValue::from_string(event.data.clone()).ok()).flatten()
}

/// An id in a path: those of other producers may be any text.
fn in_path(id: &str) -> String {
    byte_serialize(id.as_bytes()).collect::<String>().replace('+', "%20")
}
