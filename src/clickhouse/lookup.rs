//! What the command line asks of the tables: sessions, and the summary that `demo` prints. Reads only the views.
//!
//! Money is read as the integer behind `Decimal(18, 9)` and shown in dollars; times are shown as RFC 3339.

use std::collections::HashMap;

use clickhouse::Row;
use serde::{Deserialize, Serialize, Serializer};

use super::{Failure, Store};
use crate::model::{NanoUsd, SignalKind, Timestamp};

/// A row of `batch_processing_sessions_v`. In JSON its fields have the names of the columns.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
pub struct SessionState {
    /// One session is one budget.
    pub session_id: String,
    /// `live`, or the replay's id.
    pub run_id: String,
    /// `open`, `completed`, `exhausted`, `cancelled`, `stalled`.
    pub status: String,
    /// The hard limit.
    #[serde(serialize_with = "dollars")]
    pub budget_usd: i64,
    /// Open holds.
    #[serde(serialize_with = "dollars")]
    pub reserved_usd: i64,
    /// Settled, lost and overrun.
    #[serde(serialize_with = "dollars")]
    pub spent_usd: i64,
    /// Open at a crash.
    #[serde(serialize_with = "dollars")]
    pub in_doubt_usd: i64,
    /// Admitted after screening.
    pub articles_total: u64,
    /// With a reading.
    pub articles_analyzed: u64,
    /// Without one, for good.
    pub articles_failed: u64,
    /// Waiting for a budget.
    pub articles_deferred: u64,
    /// Batches that the session has paid for.
    pub batches: u64,
    /// When the first batch was opened.
    #[serde(serialize_with = "moment")]
    pub started_at: i64,
    /// The newest thing known.
    #[serde(serialize_with = "moment")]
    pub updated_at: i64,
    /// `None` while there is, or may be, something to do.
    #[serde(serialize_with = "moment_or_null")]
    pub finished_at: Option<i64>,
}

/// Who pays for a session.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
pub struct Payer {
    /// The budget account.
    pub account: String,
    /// `live`, or the replay's id.
    pub run_id: String,
}

/// What a run has come to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Articles that could be decoded.
    pub articles: u64,
    /// Why some were not analysed.
    pub screened: Vec<Screened>,
    /// Articles marked as repeating another.
    pub duplicates: u64,
    /// Articles with a reading.
    pub analyzed: u64,
    /// Batches that were analysed together.
    pub batches: u64,
    /// Records that could not be processed.
    pub dead_letters: u64,
    /// What the analyses cost; in JSON `cost_usd`, in dollars.
    #[serde(rename = "cost_usd", serialize_with = "cost")]
    pub cost: NanoUsd,
    /// The signals that say most, strongest first.
    pub strongest: Vec<Strongest>,
}

/// Articles that were not analysed for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct Screened {
    /// `short`, `language`.
    pub screen: String,
    /// How many.
    pub articles: u64,
}

/// A signal with the headline it was made from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Strongest {
    /// The signal.
    #[serde(flatten)]
    pub signal: Board,
    /// The article's headline; empty for markets.
    pub title: String,
}

/// What a board shows of a signal.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
pub struct Board {
    /// `article` or `market`.
    pub kind: String,
    /// The article's id, or `exchange:symbol:interval`.
    pub source_id: String,
    /// `BTC`, `MARKET`, or a market's symbol.
    pub subject: String,
    /// 0 to 100.
    pub score: f64,
    /// `bullish`, `bearish`, `neutral`.
    pub direction: String,
    /// 0 to 1.
    pub confidence: f64,
    /// 0 to 1.
    pub strength: f64,
    /// Who analysed.
    pub analyzer: String,
}

/// A scalar subquery could be NULL for want of rows; a count never is.
const TOTALS: &str = "\
SELECT
    assumeNotNull((SELECT count() FROM articles_v)) AS articles,
    assumeNotNull((SELECT countIf(near_duplicate_of != '') FROM articles_v)) AS duplicates,
    assumeNotNull((SELECT count() FROM article_analyses_v)) AS analyzed,
    assumeNotNull((SELECT count() FROM batch_processing_sessions FINAL WHERE run_id = 'live')) AS batches,
    assumeNotNull((SELECT count() FROM dead_letters_v)) AS dead_letters,
    assumeNotNull((SELECT toInt64(sum(cost_usd) * 1000000000) FROM article_analyses_v)) AS cost";

const SCREENED: &str = "\
SELECT ?fields FROM (SELECT screen, count() AS articles FROM articles_v WHERE screen != '' GROUP BY screen)
ORDER BY screen";

/// How far a score lies from neutral (50) says how much a signal says; confidence and id break ties.
const STRONGEST: &str = "\
SELECT ?fields FROM signals_v
ORDER BY abs(score - 50) DESC, confidence DESC, signal_id
LIMIT ?";

/// Asked apart from the signals: a join over a sorted and limited view fails in 26.7 (`NOT_FOUND_COLUMN_IN_BLOCK`, lazy
/// materialization under FINAL), and this way only the articles needed are read.
const TITLES: &str = "SELECT ?fields FROM articles_v WHERE article_id IN ?";

/// Most signals that a summary shows.
const STRONGEST_MAX: u64 = 1000;

#[derive(Row, Deserialize)]
struct Title {
    article_id: String,
    title: String,
}

#[derive(Row, Deserialize)]
struct Totals {
    articles: u64,
    duplicates: u64,
    analyzed: u64,
    batches: u64,
    dead_letters: u64,
    cost: i64,
}

impl Store {
    /// The newest sessions first, at most `limit`.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn sessions(&self, limit: u64) -> Result<Vec<SessionState>, Failure> {
        let sql = "SELECT ?fields FROM batch_processing_sessions_v ORDER BY started_at DESC, session_id LIMIT ?";
        self.all(self.client.query(sql).bind(limit)).await
    }

    /// One session, or `None` where nothing was ever admitted to it.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn session(&self, session_id: &str) -> Result<Option<SessionState>, Failure> {
        let sql = "SELECT ?fields FROM batch_processing_sessions_v WHERE session_id = ?";
        let found: Vec<SessionState> = self.all(self.client.query(sql).bind(session_id)).await?;
        Ok(found.into_iter().next())
    }

    /// The accounts that have paid for batches of a session, each with its run; none where nothing was ever admitted to it.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn payers(&self, session_id: &str) -> Result<Vec<Payer>, Failure> {
        let sql = "SELECT account, argMax(run_id, version) AS run_id FROM batch_processing_sessions \
                   WHERE session_id = ? GROUP BY account ORDER BY account";
        self.all(self.client.query(sql).bind(session_id)).await
    }

    /// What the live run has come to, with its `strongest` signals (at most 1000).
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn summary(&self, strongest: u64) -> Result<Summary, Failure> {
        let totals: Totals = self.one(self.client.query(TOTALS)).await?;
        Ok(Summary {
            articles: totals.articles,
            screened: self.all(self.client.query(SCREENED)).await?,
            duplicates: totals.duplicates,
            analyzed: totals.analyzed,
            batches: totals.batches,
            dead_letters: totals.dead_letters,
            cost: NanoUsd(u64::try_from(totals.cost).unwrap_or(0)),
            strongest: self.strongest(strongest).await?,
        })
    }

    async fn strongest(&self, limit: u64) -> Result<Vec<Strongest>, Failure> {
        let query = self.client.query(STRONGEST).bind(limit.min(STRONGEST_MAX));
        let signals: Vec<Board> = self.all(query).await?;
        let ids: Vec<&str> = signals
            .iter()
            .filter(|signal| signal.kind == SignalKind::Article.as_str())
            .map(|signal| signal.source_id.as_str())
            .collect();
        // An empty list is no SQL.
        let titles: Vec<Title> = match ids.as_slice() {
            [] => Vec::new(),
            ids => self.all(self.client.query(TITLES).bind(ids)).await?,
        };
        let titles: HashMap<String, String> = titles.into_iter().map(|row| (row.article_id, row.title)).collect();
        Ok(signals
            .into_iter()
            .map(|signal| Strongest { title: titles.get(&signal.source_id).cloned().unwrap_or_default(), signal })
            .collect())
    }
}

/// Exact for every amount below nine million dollars, which is as far as a double counts in nano-dollars.
#[expect(clippy::trivially_copy_pass_by_ref, clippy::cast_precision_loss, reason = "serde's signature; see above")]
fn dollars<S: Serializer>(nanos: &i64, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_f64(*nanos as f64 / 1e9)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn cost<S: Serializer>(amount: &NanoUsd, to: S) -> Result<S::Ok, S::Error> {
    dollars(&amount.decimal(), to)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn moment<S: Serializer>(millis: &i64, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&Timestamp(*millis))
}

#[expect(clippy::ref_option, reason = "serde's signature")]
fn moment_or_null<S: Serializer>(millis: &Option<i64>, to: S) -> Result<S::Ok, S::Error> {
    match millis {
        Some(millis) => moment(millis, to),
        None => to.serialize_none(),
    }
}
