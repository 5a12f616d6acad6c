//! A record of every topic of analyses, with something in every field.

use bytes::Bytes;
use signalmill::model::{
    BreakerState, Cancellation, Candle, Charts, Job, JobEvent, JobStatus, JobStep, NanoUsd, Timestamp, WorkerReport,
};

pub fn job() -> Job {
    Job {
        analysis_id: "a-1".into(),
        user_id: "ada".into(),
        symbol: "BTCUSDT".into(),
        exchange: "binance".into(),
        interval: "1h".into(),
        timeframe: "7d".into(),
        candles: vec![Candle {
            open_time: Timestamp(1_795_168_800_000),
            open: 1.5,
            high: 3.0,
            low: 1.0,
            close: 2.0,
            volume: 10.0,
        }],
        requested_at: Timestamp(1_795_168_806_500),
    }
}

pub fn job_event() -> JobEvent {
    JobEvent {
        analysis_id: "a-1".into(),
        user_id: "ada".into(),
        symbol: "BTCUSDT".into(),
        exchange: "binance".into(),
        interval: "1h".into(),
        timeframe: "7d".into(),
        status: JobStatus::Completed,
        progress: 100,
        step: Some(JobStep::Summarising),
        message: "Analysis completed.".into(),
        attempt: 2,
        error: "none".into(),
        summary: "It rises.".into(),
        summary_by: "template".into(),
        data: "{}".into(),
        charts: Some(Charts {
            svg_light: "<svg/>".into(),
            svg_dark: "<svg />".into(),
            png_light: Bytes::from_static(b"\x89PNG\0"),
            png_dark: Bytes::from_static(b"\x89PNG\xff"),
        }),
        cost: NanoUsd(125_000),
        created_at: Timestamp(1_795_168_806_500),
        at: Timestamp(1_795_168_807_250),
        worker: "w-1".into(),
        origin: "analysis.jobs/3/1".into(),
    }
}

pub fn cancellation() -> Cancellation {
    Cancellation { analysis_id: "a-1".into(), user_id: "ada".into(), at: Timestamp(1_795_168_807_000) }
}

pub fn worker_report() -> WorkerReport {
    WorkerReport {
        worker_id: "w-1".into(),
        started_at: Timestamp(1_795_168_800_000),
        at: Timestamp(1_795_168_860_000),
        analyses_processed: 42,
        errors_total: 1,
        processing_seconds_total: 1.25,
        breaker: BreakerState::HalfOpen,
        healthy: true,
        stopped: true,
    }
}
