//! Reads the spans of a run, a segment at a time, some partitions side by side.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::Context as _;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use tokio::sync::watch;

use crate::config::Config;
use crate::flow::record::Limits;
use crate::kafka::{Segment, Span, SpanReading, read_span};

use super::order::Topic;
use super::told;

/// Offsets of a segment of articles or readings.
const SEGMENT: i64 = 16_384;
/// Offsets of a segment of charts, whose records are hundreds of times as large.
const SEGMENT_OF_CHARTS: i64 = 512;
/// Partitions that are read side by side.
const SIDE_BY_SIDE: usize = 2;
/// What a partition may hold that has not landed, at least: what lands together becomes one part of each table, and small
/// parts cost ClickHouse more to merge than to take in.
const IN_FLIGHT_BYTES_MIN: usize = 64 << 20;

/// Spans to be read, with where they began and where their reading goes on.
#[derive(Debug, Clone)]
pub(super) struct Rest {
    /// Where the first segment began.
    pub(super) origin: i64,
    /// What is left.
    pub(super) span: Span,
}

/// Reads `rests` of `topic` (with its prefix); `land` is given each segment, and `done` is told of it and of how many
/// records it had. Ends early once `stop` says so: with `false`.
///
/// # Errors
/// What `land` or `done` says, or when Kafka cannot be read.
pub(super) async fn read<L, D>(
    config: &Config,
    (topic, name): (Topic, &str),
    rests: Vec<Rest>,
    stop: &watch::Receiver<bool>,
    land: L,
    done: D,
) -> anyhow::Result<bool>
where
    L: AsyncFn(Segment) -> anyhow::Result<()>,
    D: AsyncFn(i32, i64, u64) -> anyhow::Result<()>,
{
    let name: Arc<str> = name.into();
    let segment = if topic.asks() || topic == Topic::ArticlesAnalyses { SEGMENT } else { SEGMENT_OF_CHARTS };
    let limits = Limits {
        bytes_max: config.flow.in_flight_bytes_max.in_memory().max(IN_FLIGHT_BYTES_MIN),
        records_max: config.flow.in_flight_records_max.max(usize::try_from(segment).unwrap_or(0)),
    };
    let (land, done) = (&land, &done);
    let partition = |Rest { origin, span }: Rest| {
        let reading = SpanReading { topic: Arc::clone(&name), origin, segment, limits };
        async move {
            let partition = span.partition;
            let mut segments = read_span(&config.kafka, reading, span)?;
            while let Some(segment) = segments.recv().await {
                let segment = segment?;
                let (end, records) = (segment.end, Arc::clone(&segment.records));
                tokio::select! {
                    landed = land(segment) => landed?,
                    () = told(stop) => return Ok(false),
                }
                done(partition, end, records.load(Ordering::Relaxed)).await?;
            }
            Ok::<_, anyhow::Error>(true)
        }
    };
    let ended: Vec<bool> = stream::iter(rests)
        .map(partition)
        .buffer_unordered(SIDE_BY_SIDE)
        .try_collect()
        .await
        .context("reading history")?;
    Ok(ended.into_iter().all(|whole| whole))
}
