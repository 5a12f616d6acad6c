//! What a chart shows, in words.

use crate::model::{Chart, NanoUsd, Series};
use crate::provider::ledger::Refused;

/// Says what charts show.
#[derive(Debug)]
pub struct Writer;

/// A summary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// What the chart shows.
    pub text: String,
    /// Who said it: `template`, `gemini`, `openai`.
    pub by: &'static str,
    /// What it has cost.
    pub cost: NanoUsd,
    /// Why nobody else said it, where somebody was to; empty otherwise.
    pub note: String,
}

impl Writer {
    /// What `chart` shows of `series`, for a job of this partition, owned under `epoch`.
    ///
    /// # Errors
    /// When the hop must stop.
    #[expect(clippy::unused_async, reason = "whoever asks a model waits for it")]
    pub async fn write(
        &self,
        _partition: i32,
        _epoch: u64,
        series: &Series,
        chart: &Chart,
    ) -> Result<Written, Refused> {
        let text = format!("{} closed at {}.", series.symbol, chart.last.close);
        Ok(Written { text, by: "template", cost: NanoUsd::ZERO, note: String::new() })
    }
}
