//! The books at the end of a run that was disturbed: nothing lost, nothing twice, in tables and in topics.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use signalmill::kafka::{ARTICLES_ANALYSES, ARTICLES_BATCHES, SIGNALS};
use signalmill::model::{Analysis, ArticleBatch, Signal};

use crate::mill::Mill;
use crate::stack::until;
use crate::texts;

/// Time for the last record to come through, beside what the articles themselves take.
const SETTLE_PATIENCE: Duration = Duration::from_mins(1);
/// Articles a second that the slowest machine must do.
const RATE_MIN: usize = 50;

/// What is written of an article that is read.
pub const READ: &[&str] = &[ARTICLES_BATCHES, ARTICLES_ANALYSES, SIGNALS];

/// Articles `0..count` were sent, each once: waits for the last row, then looks at everything.
pub fn audit(mill: &Mill, count: usize) {
    let patience = SETTLE_PATIENCE + Duration::from_secs((count / RATE_MIN) as u64);
    let seen = "SELECT (SELECT count() FROM articles_v), (SELECT count() FROM article_analyses_v), \
                (SELECT count() FROM signals_v), \
                (SELECT toInt64(sum(articles_total)) - sum(articles_analyzed) FROM batch_processing_sessions_v)";
    until("every article has its rows", patience, || {
        let answer = mill.try_ask(seen)?;
        if answer == format!("{count}\t{count}\t{count}\t0") { Ok(()) } else { Err(answer) }
    });
    mill.until_landed(READ);
    let ids: BTreeSet<String> = (0..count).map(texts::id).collect();
    for (view, id) in [("articles_v", "article_id"), ("article_analyses_v", "article_id"), ("signals_v", "source_id")] {
        let rows = mill.ask(&format!("SELECT {id} FROM {view}"));
        once(view, &ids, rows.lines().map(str::to_owned));
    }
    assert_eq!(mill.ask("SELECT count() FROM dead_letters_v"), "0");
    let totals = "SELECT sum(articles_total), sum(articles_analyzed), sum(articles_failed), sum(articles_deferred) \
                  FROM batch_processing_sessions_v";
    assert_eq!(mill.ask(totals), format!("{count}\t{count}\t0\t0"));
    topics(mill, &ids);
}

fn topics(mill: &Mill, ids: &BTreeSet<String>) {
    let batches = mill.decoded::<ArticleBatch>();
    let mut origins = BTreeMap::new();
    for (place, batch) in &batches {
        assert!(batch.articles.len() <= 10 && batch.screened.is_empty(), "{place:?}");
        for article in &batch.articles {
            if let Some(before) = origins.insert(&article.origin, (place.partition, place.offset)) {
                panic!("{} is in batches at {before:?} and {}/{}", article.origin, place.partition, place.offset);
            }
        }
    }
    let gathered = batches.iter().flat_map(|(_, batch)| &batch.articles).map(|article| article.article_id.clone());
    once("articles.batches", ids, gathered);
    let analyses = mill.decoded::<Analysis>();
    once("articles.analyses", ids, analyses.iter().map(|(_, analysis)| analysis.article_id.clone()));
    let signals = mill.decoded::<Signal>();
    once("signals", ids, signals.iter().map(|(_, signal)| signal.source_id.clone()));
    let signal_ids: BTreeSet<&str> = signals.iter().map(|(_, signal)| signal.signal_id.0.as_str()).collect();
    assert_eq!(signal_ids.len(), signals.len(), "a signal stands twice in signals");
    for topic in
        ["articles.raw.dlq", "articles.batches.dlq", "articles.analyses.dlq", "signals.dlq", "spend.ledger.dlq"]
    {
        assert_eq!(mill.read(topic), [], "{topic}");
    }
}

/// Every expected id exactly once.
fn once(place: &str, expected: &BTreeSet<String>, found: impl Iterator<Item = String>) {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for id in found {
        *counts.entry(id).or_default() += 1;
    }
    let lost: Vec<_> = expected.iter().filter(|id| !counts.contains_key(*id)).take(10).collect();
    let doubled: Vec<_> = counts.iter().filter(|(_, count)| **count > 1).take(10).collect();
    let strange: Vec<_> = counts.keys().filter(|id| !expected.contains(*id)).take(10).collect();
    assert!(
        lost.is_empty() && doubled.is_empty() && strange.is_empty(),
        "{place}: lost {lost:?}, doubled {doubled:?}, strange {strange:?}"
    );
}

/// The time of day in milliseconds, as rows have it.
pub fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(now.as_millis()).unwrap()
}

/// How long after each moment the first signal was made that got through, where one was made before the next moment.
pub fn recoveries(mill: &Mill, moments_ms: &[i64]) -> Vec<Option<Duration>> {
    let ends = moments_ms.iter().skip(1).copied().chain([i64::MAX]);
    let first = |(began, ended): (&i64, i64)| {
        let sql = format!(
            "SELECT min(toUnixTimestamp64Milli(produced_at)) FROM signals_v \
             WHERE toUnixTimestamp64Milli(produced_at) BETWEEN {began} AND {ended}"
        );
        let first: i64 = mill.ask(&sql).parse().unwrap();
        u64::try_from(first - began).ok().map(Duration::from_millis)
    };
    moments_ms.iter().zip(ends).map(first).collect()
}
