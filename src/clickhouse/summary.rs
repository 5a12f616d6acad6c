//! What a run has come to: the summary that `demo` prints. Reads only the views.
//!
//! Money is read as the integer behind `Decimal(18, 9)` and shown in dollars.

use std::collections::HashMap;

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use super::{Failure, Store, dollars};
use crate::model::SignalKind;

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
    /// What was bought.
    pub spending: Spending,
    /// The signals of articles that say most, strongest first.
    pub strongest: Vec<Strongest>,
}

/// What was bought, all sessions together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct Spending {
    /// Settled, lost and overrun.
    #[serde(serialize_with = "dollars")]
    pub spent_usd: i64,
    /// Open at a crash.
    #[serde(serialize_with = "dollars")]
    pub in_doubt_usd: i64,
    /// What counts of both for research.
    #[serde(serialize_with = "dollars")]
    pub research_usd: i64,
    /// Questions to a model that count.
    pub questions: u64,
    /// Of these, those that had an answer repaired.
    pub repairs: u64,
    /// Searches that count.
    pub searches: u64,
    /// Calls that failed at no cost.
    pub failed_free: u64,
    /// Articles whose question had been answered before.
    pub reused: u64,
    /// What that answer had cost: saved each time.
    #[serde(serialize_with = "dollars")]
    pub saved_usd: i64,
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
    /// The model version that answered; empty for the lexicon.
    pub model: String,
}

/// A scalar subquery could be NULL for want of rows; a count never is.
const TOTALS: &str = "\
SELECT
    assumeNotNull((SELECT count() FROM articles_v)) AS articles,
    assumeNotNull((SELECT countIf(near_duplicate_of != '') FROM articles_v)) AS duplicates,
    assumeNotNull((SELECT count() FROM article_analyses_v)) AS analyzed,
    assumeNotNull((SELECT count() FROM batch_processing_sessions FINAL WHERE run_id = 'live')) AS batches,
    assumeNotNull((SELECT count() FROM dead_letters_v)) AS dead_letters";

/// An article that was read by a model at no cost had its answer from the journal: the same title and text had been paid
/// for. Of the articles that share them, the dearest is the one that paid.
const SPENDING: &str = "\
SELECT ?fields FROM
(
    SELECT
        toInt64(sumIf(cost_usd, outcome IN ('settled', 'lost', 'overrun')) * 1000000000) AS spent_usd,
        toInt64(sumIf(cost_usd, outcome = 'in_doubt') * 1000000000) AS in_doubt_usd,
        toInt64(sumIf(cost_usd, operation = 'search') * 1000000000) AS research_usd,
        countIf(operation != 'search' AND outcome NOT IN ('open', 'void')) AS questions,
        countIf(operation = 'repair' AND outcome NOT IN ('open', 'void')) AS repairs,
        countIf(operation = 'search' AND outcome NOT IN ('open', 'void')) AS searches,
        countIf(outcome = 'void') AS failed_free
    FROM spend_v
    WHERE run_id = 'live'
) AS bought
CROSS JOIN
(
    SELECT sum(free) AS reused, toInt64(sum(free * paid) * 1000000000) AS saved_usd
    FROM
    (
        SELECT countIf(r.cost_usd = 0) AS free, max(r.cost_usd) AS paid
        FROM batch_processing_records_v AS r
        INNER JOIN (SELECT article_id, title, content_hash FROM articles_v) AS a ON a.article_id = r.article_id
        WHERE r.run_id = 'live' AND r.status = 'analyzed' AND r.analyzer != 'lexicon'
        GROUP BY a.title, a.content_hash
    )
) AS remembered";

const SCREENED: &str = "\
SELECT ?fields FROM (SELECT screen, count() AS articles FROM articles_v WHERE screen != '' GROUP BY screen)
ORDER BY screen";

/// How far a score lies from neutral (50) says how much a signal says; confidence and id break ties.
const STRONGEST: &str = "\
SELECT ?fields FROM signals_v
WHERE kind = 'article'
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
}

impl Store {
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
            spending: self.one(self.client.query(SPENDING)).await?,
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
