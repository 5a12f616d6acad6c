//! Market files to charted series, and series to batches.
//!
//! A value that begins with an Avro frame is a [`Series`]; any other is a candle file as it was found, whose name stands in
//! the header `file`. Both are read as of the record's own time, so that a replay reads what was read then: a bar that was
//! not closed at that time does not exist yet.
//!
//! The window gathers instruments, in the order in which they come. A series that comes again inside a window closes it, so
//! that a batch holds each series once.

use std::sync::Arc;
use std::time::Duration;

use crate::flow::{Pushed, Reader, Record, Stage, Verdict, Window, read_all};
use crate::market::candles::{self, Hints};
use crate::market::chart;
use crate::model::{
    ChartedSeries, CloseReason, Id, LIVE_RUN, MARKET_ACCOUNT, MarketBatch, Series, Timestamp, identity,
};
use crate::wire::{Codec, SchemaId, Undecoded, headers, is_framed, registry};

use super::clean::version;

/// Reads candle files, whatever their shape, and what their charts show.
#[derive(Debug)]
pub struct ReadMarket {
    codec: Codec<Series>,
    bytes_max: usize,
}

impl ReadMarket {
    /// A stage that refuses files above `bytes_max`.
    #[must_use]
    pub fn new(codec: Codec<Series>, bytes_max: usize) -> Self {
        Self { codec, bytes_max }
    }
}

impl Reader for ReadMarket {
    type Out = ChartedSeries;

    fn read(&self, record: &Arc<Record>) -> Result<Verdict<ChartedSeries>, Undecoded> {
        let Some(value) = &record.value else { return Ok(Verdict::Drop("tombstone")) };
        let read = if is_framed(value) {
            candles::given(self.codec.decode(value)?, record.timestamp)
        } else if value.len() > self.bytes_max {
            let error =
                format!("{} bytes, at most {} are allowed (limits.record_bytes_max)", value.len(), self.bytes_max);
            return Ok(Verdict::Reject("too_large", error));
        } else {
            let name = headers::text(&record.headers, headers::FILE).unwrap_or_default();
            candles::read(value, name, &Hints::at(record.timestamp)).map(|read| read.series)
        };
        let charted = match read {
            Ok(series) => chart::read(&series).map(|chart| (series, chart)),
            Err(broken) => return Ok(Verdict::Reject(broken.reason.as_str(), broken.error)),
        };
        let Some((series, chart)) = charted else { return Ok(Verdict::Drop("nothing_admitted")) };
        Ok(Verdict::Keep(ChartedSeries {
            series,
            chart,
            received_at: record.timestamp,
            origin: record.origin().to_string(),
            version: version(record.timestamp, record.offset),
        }))
    }

    async fn learn(&self, _record: &Record, id: SchemaId) -> Result<(), registry::Error> {
        self.codec.learn(id).await
    }
}

impl Stage for ReadMarket {
    type In = Arc<Record>;
    type Out = ChartedSeries;

    fn name(&self) -> &'static str {
        "window/read"
    }

    async fn apply(self: Arc<Self>, records: Vec<Arc<Record>>) -> anyhow::Result<Vec<Verdict<ChartedSeries>>> {
        read_all(self, records).await
    }
}

/// What a window of series needs to know.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_field_names, reason = "each of them is a limit")]
pub struct Settings {
    /// Series in a batch.
    pub series_max: usize,
    /// Bytes of candles in a batch, about.
    pub bytes_max: usize,
    /// How long the first series waits for others.
    pub age_max: Duration,
}

/// The window.
#[derive(Debug)]
pub struct MarketWindow {
    settings: Settings,
    opened_at: Timestamp,
    bytes: usize,
    series: Vec<ChartedSeries>,
}

impl MarketWindow {
    /// An empty window.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { settings, opened_at: Timestamp(0), bytes: 0, series: Vec::new() }
    }
}

impl Window for MarketWindow {
    type In = ChartedSeries;
    type Out = MarketBatch;

    fn name(&self) -> &'static str {
        "window/market"
    }

    fn refuses(&self, item: &ChartedSeries) -> Option<CloseReason> {
        let is_same = |seen: &ChartedSeries| {
            let (seen, item) = (&seen.series, &item.series);
            (&seen.symbol, &seen.exchange, seen.interval) == (&item.symbol, &item.exchange, item.interval)
        };
        if self.series.is_empty() {
            None
        } else if self.bytes + bytes_of(item) > self.settings.bytes_max {
            Some(CloseReason::Bytes)
        } else if self.series.iter().any(is_same) {
            Some(CloseReason::Version)
        } else {
            None
        }
    }

    fn push(&mut self, item: ChartedSeries, now: Timestamp) -> Pushed {
        if self.series.is_empty() {
            self.opened_at = now;
        }
        self.bytes += bytes_of(&item);
        self.series.push(item);
        let full = if self.series.len() >= self.settings.series_max {
            Some(CloseReason::Count)
        } else if self.bytes >= self.settings.bytes_max {
            Some(CloseReason::Bytes)
        } else {
            None
        };
        Pushed { outcome: "ok", full }
    }

    fn deadline(&self) -> Option<Timestamp> {
        (!self.series.is_empty()).then(|| self.opened_at.plus(self.settings.age_max))
    }

    fn close(&mut self, reason: CloseReason, now: Timestamp) -> Option<MarketBatch> {
        if self.series.is_empty() {
            return None;
        }
        self.bytes = 0;
        let series = std::mem::take(&mut self.series);
        Some(MarketBatch {
            batch_id: batch_id(&series),
            account: MARKET_ACCOUNT.to_owned(),
            run_id: LIVE_RUN.to_owned(),
            opened_at: self.opened_at,
            closed_at: now,
            close_reason: reason,
            series,
        })
    }
}

fn bytes_of(charted: &ChartedSeries) -> usize {
    size_of_val(&*charted.series.candles)
}

/// Made of the origins, so that the same gathering always has the same name.
fn batch_id(series: &[ChartedSeries]) -> Id {
    let origins: Vec<&str> = series.iter().map(|charted| charted.origin.as_str()).collect();
    identity(&origins)
}
