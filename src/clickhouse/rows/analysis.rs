//! `article_analyses`: what an analyzer read. An attempt without a reading is in `batch_processing_records` only.

use clickhouse::Row;
use serde::Serialize;

use super::cells::{FIXED_BYTES, Moment, Money, millis};
use crate::clickhouse::{Stored, Table};
use crate::model::Analysis;

/// A row of `article_analyses`.
#[derive(Debug, Clone, Row, Serialize)]
pub struct AnalysisRow<'a> {
    analysis_id: &'a str,
    article_id: &'a str,
    run_id: &'a str,
    session_id: &'a str,
    batch_id: &'a str,
    analyzer: &'a str,
    model: &'a str,
    prompt_version: &'a str,
    tier: &'a str,
    direction: &'a str,
    sentiment: f64,
    confidence: f64,
    strength: f64,
    horizon: &'a str,
    assets: &'a [String],
    event_type: &'a str,
    key_points: &'a [String],
    rationale: &'a str,
    novelty: f64,
    validation_score: Option<f64>,
    sources: &'a [String],
    source_dates: Vec<Option<Moment>>,
    cost_usd: Money,
    input_tokens: i64,
    output_tokens: i64,
    duration_ms: f64,
    analyzed_at: Moment,
    published_at: Moment,
    received_at: Moment,
    near_duplicate_of: &'a str,
    origin: &'a str,
    version: i64,
}

impl<'a> AnalysisRow<'a> {
    /// The row of an analysis, or `None` where nothing was read.
    #[must_use]
    pub fn new(analysis: &'a Analysis) -> Option<Self> {
        let reading = analysis.reading.as_ref()?;
        Some(Self {
            analysis_id: &analysis.analysis_id.0,
            article_id: &analysis.article_id,
            run_id: &analysis.run_id,
            session_id: &analysis.session_id,
            batch_id: &analysis.batch_id.0,
            analyzer: &analysis.analyzer,
            model: &analysis.model,
            prompt_version: &analysis.prompt_version,
            tier: &analysis.tier,
            direction: reading.direction.as_str(),
            sentiment: reading.sentiment,
            confidence: reading.confidence,
            strength: reading.strength,
            horizon: reading.horizon.as_str(),
            assets: &reading.assets,
            event_type: reading.event_type.as_str(),
            key_points: &reading.key_points,
            rationale: &reading.rationale,
            novelty: reading.novelty,
            validation_score: analysis.validation_score,
            sources: &analysis.sources,
            source_dates: analysis.source_dates.iter().map(|date| date.map(Moment::from)).collect(),
            cost_usd: analysis.cost.into(),
            input_tokens: analysis.input_tokens,
            output_tokens: analysis.output_tokens,
            duration_ms: millis(analysis.duration_us),
            analyzed_at: analysis.analyzed_at.into(),
            published_at: analysis.published_at.into(),
            received_at: analysis.received_at.into(),
            near_duplicate_of: &analysis.near_duplicate_of,
            origin: &analysis.origin,
            version: analysis.version,
        })
    }
}

impl Stored for AnalysisRow<'_> {
    const TABLE: Table = Table::Analyses;

    fn bytes(row: &AnalysisRow<'_>) -> usize {
        let listed = |list: &[String]| list.iter().map(|text| text.len() + 1).sum::<usize>();
        let lists = listed(row.assets) + listed(row.key_points) + listed(row.sources);
        2 * FIXED_BYTES + lists + row.rationale.len() + row.article_id.len()
    }
}
