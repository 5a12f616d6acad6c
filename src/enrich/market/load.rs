//! Reading back what an earlier owner of a partition left: charts that wait, what counts of each quota, and what was
//! learned that the sink has not stored yet.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use anyhow::Context as _;

use super::records::{Owner, Records};
use super::setup::Topics;
use crate::config;
use crate::kafka::{Group, Partition, Stored, committed_by};
use crate::model::{KeyUsage, Learned, WaitingChart};

/// What the log said.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    /// Charts that wait, by source.
    pub(super) charts: HashMap<String, WaitingChart>,
    /// What counts of each key's quota.
    pub(super) usage: HashMap<usize, KeyUsage>,
    /// In the order in which it was learned.
    pub(super) learned: Vec<Learned>,
    /// Where the hop's group stands in its own partition.
    pub(super) stands_at: i64,
}

/// Reads partition `number` back, on a thread that may block.
pub(super) async fn load(
    kafka: config::Kafka,
    topics: Topics,
    group: Group,
    records: Arc<Records>,
    number: i32,
) -> anyhow::Result<Loaded> {
    let read = move || -> anyhow::Result<Loaded> {
        let mut loaded = Loaded { stands_at: group.stands_at(&topics.batches, number)?, ..Loaded::default() };
        let pending = Partition::open(&kafka, &topics.pending, number)?;
        let decided = pending.decided()?;
        pending.read(decided.start, |Stored { offset, key, value, .. }| {
            loaded.take(&records, key, value).with_context(|| format!("{}/{number}/{offset}", topics.pending))?;
            Ok(ControlFlow::Continue(()))
        })?;
        let learned = Partition::open(&kafka, &topics.series, number)?;
        let decided = learned.decided()?;
        let stored = committed_by(&kafka, &topics.sink_group, &topics.series, number)?;
        let from = stored.unwrap_or(decided.start).clamp(decided.start, decided.end);
        learned.read(from, |Stored { offset, value, .. }| {
            if let Some(value) = value {
                let read = records.learned.1.read_blocking(value);
                loaded.learned.push(read.with_context(|| format!("{}/{number}/{offset}", topics.series))?);
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(loaded)
    };
    tokio::task::spawn_blocking(read).await.context("reading back panicked")?
}

impl Loaded {
    fn take(&mut self, records: &Records, key: Option<&[u8]>, value: Option<&[u8]>) -> anyhow::Result<()> {
        let pending = value.map(|value| records.pending.1.read_blocking(value)).transpose()?.unwrap_or_default();
        match key.and_then(Owner::read) {
            Some(Owner::Chart(source_id)) => {
                match pending.chart {
                    Some(chart) => self.charts.insert(source_id.to_owned(), chart),
                    None => self.charts.remove(source_id),
                };
            }
            Some(Owner::Key(place)) => {
                self.usage.insert(place, pending.quota.unwrap_or_default());
            }
            None => {}
        }
        Ok(())
    }
}
