//! Runs: live traffic and readings of history; how they stand, how two of them differ, and which one is shown.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use super::lookup::dollars;
use super::questions::{moment, moment_or_null};
use super::rows::RunRow;
use super::{Failure, Store};
use crate::model::Timestamp;

/// The column `kind` of live traffic.
pub const KIND_LIVE: &str = "live";
/// The column `kind` of a reading of history.
pub const KIND_REPLAY: &str = "replay";

/// A row of `runs_v`. In JSON its fields have the names of the columns.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
pub struct RunState {
    /// `live`, or the replay's id.
    pub run_id: String,
    /// [`KIND_LIVE`] or [`KIND_REPLAY`].
    pub kind: String,
    /// What is read, without its prefix.
    pub topic: String,
    /// The first offset of each partition: `0:17,1:4`.
    pub from: String,
    /// The offset behind the last of each partition.
    pub to: String,
    /// What was asked for, as JSON.
    pub settings: String,
    /// `running`, `completed`, or `incomplete`: something waits to be bought.
    pub status: String,
    /// Records that were read.
    pub records: u64,
    /// What it has cost, in nano-dollars; dollars in JSON.
    #[serde(serialize_with = "dollars")]
    pub cost_usd: i64,
    /// When it began.
    #[serde(serialize_with = "moment")]
    pub started_at: i64,
    /// When it ended.
    #[serde(serialize_with = "moment_or_null")]
    pub finished_at: Option<i64>,
    /// When it was promoted last.
    #[serde(serialize_with = "moment_or_null")]
    pub promoted_at: Option<i64>,
}

/// How the signals of two runs differ.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
pub struct Difference {
    /// `article` or `market`.
    pub kind: String,
    /// How they are scored.
    pub strategy: String,
    /// Signals that both have.
    pub both: u64,
    /// Signals that only the first has.
    pub only_a: u64,
    /// Signals that only the second has.
    pub only_b: u64,
    /// Of those that both have, with another score.
    pub changed: u64,
    /// Mean of the second's score less the first's.
    pub drift_mean: f64,
    /// Mean of the distance between the two.
    pub drift_absolute: f64,
    /// The greatest distance.
    pub drift_max: f64,
    /// Signals whose direction is another.
    pub flips: u64,
    /// Of these, from bullish to bearish or back.
    pub reversals: u64,
    /// What the first's cost, in nano-dollars; dollars in JSON.
    #[serde(serialize_with = "dollars")]
    pub cost_a_usd: i64,
    /// What the second's cost.
    #[serde(serialize_with = "dollars")]
    pub cost_b_usd: i64,
}

/// One signal of each run to a row. Live traffic is compared as far as the other run reaches.
const DIFFERENCE: &str = "\
WITH (SELECT (min(available_at), max(available_at)) FROM signals WHERE run_id IN (?, ?) AND run_id != 'live') AS reach \
SELECT kind, strategy, \
    countIf(a AND b) AS both, countIf(a AND NOT b) AS only_a, countIf(b AND NOT a) AS only_b, \
    countIf(a AND b AND score_a != score_b) AS changed, \
    ifNotFinite(avgIf(score_b - score_a, a AND b), 0.) AS drift_mean, \
    ifNotFinite(avgIf(abs(score_b - score_a), a AND b), 0.) AS drift_absolute, \
    maxIf(abs(score_b - score_a), a AND b) AS drift_max, \
    countIf(a AND b AND direction_a != direction_b) AS flips, \
    countIf(a AND b AND direction_a != direction_b AND direction_a != 'neutral' AND direction_b != 'neutral') AS reversals, \
    CAST(sum(cost_a), 'Decimal(18, 9)') AS cost_a_usd, CAST(sum(cost_b), 'Decimal(18, 9)') AS cost_b_usd \
FROM ( \
    SELECT kind, source_id, strategy, \
        countIf(run_id = ?) > 0 AS a, countIf(run_id = ?) > 0 AS b, \
        anyIf(score, run_id = ?) AS score_a, anyIf(score, run_id = ?) AS score_b, \
        anyIf(direction, run_id = ?) AS direction_a, anyIf(direction, run_id = ?) AS direction_b, \
        sumIf(cost_usd, run_id = ?) AS cost_a, sumIf(cost_usd, run_id = ?) AS cost_b \
    FROM signals FINAL \
    WHERE run_id IN (?, ?) AND (run_id != 'live' OR (available_at >= reach.1 AND available_at <= reach.2)) \
    GROUP BY kind, source_id, strategy \
) \
GROUP BY kind, strategy ORDER BY kind, strategy";

impl Store {
    /// A run, or `None` where there was none of this id.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn run(&self, run_id: &str) -> Result<Option<RunState>, Failure> {
        let sql = "SELECT ?fields FROM runs_v WHERE run_id = ?";
        let found: Vec<RunState> = self.all(self.client.query(sql).bind(run_id)).await?;
        Ok(found.into_iter().next())
    }

    /// The newest runs first, at most `limit`.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn runs(&self, limit: u64) -> Result<Vec<RunState>, Failure> {
        let sql = "SELECT ?fields FROM runs_v ORDER BY started_at DESC, run_id LIMIT ?";
        self.all(self.client.query(sql).bind(limit)).await
    }

    /// The run that the reading views show; `None`: live traffic alone.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn promoted(&self) -> Result<Option<String>, Failure> {
        let found: Vec<String> = self.all(self.client.query("SELECT run_id FROM promoted_runs_v")).await?;
        Ok(found.into_iter().next())
    }

    /// Writes down how a run stands at `now`.
    ///
    /// # Errors
    /// The server does not take it.
    pub async fn note_run(&self, run: &RunState, now: Timestamp) -> Result<(), Failure> {
        self.insert::<RunRow<'_>>(&[RunRow::new(run, now)]).await
    }

    /// How the signals of two runs differ, by kind and strategy.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn difference(&self, a: &str, b: &str) -> Result<Vec<Difference>, Failure> {
        let mut query = self.client.query(DIFFERENCE);
        for run_id in [a, b, a, b, a, b, a, b, a, b, a, b] {
            query = query.bind(run_id);
        }
        self.all(query).await
    }

    /// How long a reading takes that is bought, in milliseconds, as the newest ones have; `None` where there is none.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn reading_ms(&self) -> Result<Option<f64>, Failure> {
        let sql = "SELECT avg(duration_ms) FROM ( \
                   SELECT duration_ms FROM article_analyses WHERE cost_usd > 0 ORDER BY analyzed_at DESC LIMIT 1000)";
        let mean: f64 = self.one(self.client.query(sql)).await?;
        Ok(mean.is_finite().then_some(mean))
    }
}
