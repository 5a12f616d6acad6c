//! `market_series` and `instruments`: what was learned of derivatives markets.

use clickhouse::Row;
use serde::Serialize;

use super::cells::{FIXED_BYTES, Moment};
use crate::clickhouse::{Stored, Table};
use crate::model::{Instrument, LearnedSeries, SeriesBucket, Timestamp};

/// Where the mark of a symbol stands that the service does not know.
const NOWHERE: Timestamp = Timestamp(0);

/// A row of `market_series`.
#[derive(Debug, Clone, Row, Serialize)]
pub struct SeriesRow<'a> {
    coinalyze_symbol: &'a str,
    series: &'a str,
    interval: &'a str,
    bucket: Moment,
    values: &'a [f64],
    covered_from: Moment,
    fetched_at: Moment,
}

impl<'a> SeriesRow<'a> {
    /// The new buckets of an answer, and the mark that says what is known by now. `interval` is what theirs is called.
    pub fn all(learned: &'a LearnedSeries, interval: &'a str) -> impl Iterator<Item = Self> {
        let covered_from = learned.covered_from.unwrap_or(NOWHERE);
        let row = move |bucket: Timestamp, values| Self {
            coinalyze_symbol: &learned.coinalyze_symbol,
            series: &learned.series,
            interval,
            bucket: bucket.into(),
            values,
            covered_from: covered_from.into(),
            fetched_at: learned.asked_at.into(),
        };
        let buckets = learned.buckets.iter().map(move |SeriesBucket { start, values }| row(*start, values.as_slice()));
        buckets.chain([row(learned.covered_until.unwrap_or(NOWHERE), &[])])
    }
}

impl Stored for SeriesRow<'_> {
    const TABLE: Table = Table::Series;

    fn bytes(row: &SeriesRow<'_>) -> usize {
        FIXED_BYTES / 2 + row.coinalyze_symbol.len()
    }
}

/// A row of `instruments`.
#[derive(Debug, Clone, Row, Serialize)]
pub struct InstrumentRow<'a> {
    exchange: &'a str,
    symbol: &'a str,
    base: &'a str,
    quote: &'a str,
    coinalyze_symbol: &'a str,
    venue: &'a str,
    oi_status: &'a str,
    has_long_short_ratio: bool,
    checked_at: Moment,
}

impl<'a> From<&'a Instrument> for InstrumentRow<'a> {
    fn from(instrument: &'a Instrument) -> Self {
        Self {
            exchange: &instrument.exchange,
            symbol: &instrument.symbol,
            base: &instrument.base,
            quote: &instrument.quote,
            coinalyze_symbol: &instrument.coinalyze_symbol,
            venue: &instrument.venue,
            oi_status: instrument.oi_status.as_str(),
            has_long_short_ratio: instrument.has_long_short_ratio,
            checked_at: instrument.checked_at.into(),
        }
    }
}

impl Stored for InstrumentRow<'_> {
    const TABLE: Table = Table::Instruments;

    fn bytes(row: &InstrumentRow<'_>) -> usize {
        FIXED_BYTES + row.symbol.len()
    }
}
