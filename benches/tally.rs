//! What became of the articles, and of the money, by the topics themselves.

use std::ops::ControlFlow;

use signalmill::config;
use signalmill::kafka::{Partition, Stored};
use signalmill::model::{Analysis, ArticleBatch, LedgerEntry, NanoUsd, Outcome, SpendOutcome};
use signalmill::wire::{ALLOCATION_BYTES_MAX, Codec, Record};

/// Outcomes of articles; one that was tried again has several.
#[derive(Debug, Default)]
pub struct Articles {
    /// With a reading.
    pub analyzed: u64,
    /// Waiting for a budget.
    pub deferred: u64,
    /// Without a reading, once more or for good.
    pub failed: u64,
}

/// Counts `articles.analyses`, and the dead letters of `articles.batches` as failed.
///
/// # Errors
/// When a topic cannot be read.
pub fn articles(kafka: &config::Kafka) -> anyhow::Result<Articles> {
    let mut articles = Articles::default();
    each::<Analysis>(kafka, Analysis::TOPIC, |analysis| match analysis.outcome {
        Outcome::Analyzed => articles.analyzed += 1,
        Outcome::Deferred => articles.deferred += 1,
        Outcome::Failed => articles.failed += 1,
    })?;
    each::<ArticleBatch>(kafka, "articles.batches.dlq", |_| articles.failed += 1)?;
    Ok(articles)
}

/// What the ledger says that settled calls cost.
///
/// # Errors
/// When it cannot be read.
pub fn settled(kafka: &config::Kafka) -> anyhow::Result<NanoUsd> {
    let mut settled = NanoUsd::ZERO;
    each::<LedgerEntry>(kafka, LedgerEntry::TOPIC, |entry| {
        let ends = entry.spend.filter(|spend| spend.outcome == SpendOutcome::Settled);
        settled = settled.saturating_add(ends.map_or(NanoUsd::ZERO, |spend| spend.cost));
    })?;
    Ok(settled)
}

fn each<T: Record>(kafka: &config::Kafka, topic: &str, mut visit: impl FnMut(T)) -> anyhow::Result<()> {
    let codec: Codec<T> = Codec::new(ALLOCATION_BYTES_MAX)?;
    for number in 0..kafka.partitions {
        let partition = Partition::open(kafka, &format!("{}{topic}", kafka.topic_prefix), number)?;
        let decided = partition.decided()?;
        partition.read(decided.start, |Stored { value, .. }| {
            if let Some(value) = value {
                visit(codec.decode(value)?);
            }
            Ok(ControlFlow::Continue(()))
        })?;
    }
    Ok(())
}
