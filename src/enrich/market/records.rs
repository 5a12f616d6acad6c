//! What the hop writes: contexts, what waits, what was learned, and what was used.

use std::sync::Arc;

use bytes::Bytes;

use crate::flow::{Outgoing, written};
use crate::model::{ChartInContext, KeyUsage, Learned, MARKET_ACCOUNT, Pending, WaitingChart};
use crate::wire::headers::{Tags, set};
use crate::wire::{self, Codec, Unwritable, headers};

/// Before the source of a chart that waits.
const CHART: &str = "chart/";
/// Before the place of a key among the keys.
const QUOTA: &str = "quota/";

/// Writes records. Those that are read back are written to the partition that they are read from.
#[derive(Debug)]
pub(super) struct Records {
    pub(super) contexts: (Arc<str>, Codec<ChartInContext>),
    pub(super) pending: (Arc<str>, Codec<Pending>),
    pub(super) learned: (Arc<str>, Codec<Learned>),
}

/// Whose a record of `market.pending` is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Owner<'a> {
    /// A chart's, by its source.
    Chart(&'a str),
    /// That of the key at this place.
    Key(usize),
}

impl<'a> Owner<'a> {
    /// Whose key of a record it is; `None` for any other text.
    pub(super) fn read(key: &'a [u8]) -> Option<Self> {
        let key = std::str::from_utf8(key).ok()?;
        match (key.strip_prefix(CHART), key.strip_prefix(QUOTA)) {
            (Some(source_id), _) => Some(Self::Chart(source_id)),
            (_, Some(place)) => place.parse().ok().map(Self::Key),
            _ => None,
        }
    }
}

impl Records {
    /// A chart in its context, outside of any batch.
    pub(super) fn told(&self, chart: &ChartInContext) -> Result<Outgoing, Unwritable> {
        let mut record = self.context(chart)?;
        let tags = Tags { run_id: chart.context.run_id.clone(), trace: None, origin: None };
        tags.write(&mut record.headers);
        Ok(record)
    }

    /// A chart in its context; its tags are those of its batch.
    pub(super) fn context(&self, chart: &ChartInContext) -> Result<Outgoing, Unwritable> {
        written(&self.contexts.1, &self.contexts.0, chart)
    }

    /// A chart waits; `None`: no more.
    pub(super) fn waiting(
        &self,
        partition: i32,
        source_id: &str,
        chart: Option<WaitingChart>,
    ) -> Result<Outgoing, Unwritable> {
        let pending = chart.map(|chart| Pending { chart: Some(chart), quota: None });
        let (topic, codec) = &self.pending;
        remembered(topic, codec, partition, format!("{CHART}{source_id}"), pending.as_ref())
    }

    /// What counts of a key's quota.
    pub(super) fn usage(&self, partition: i32, key: usize, usage: KeyUsage) -> Result<Outgoing, Unwritable> {
        let (topic, codec) = &self.pending;
        let pending = Pending { chart: None, quota: Some(usage) };
        remembered(topic, codec, partition, format!("{QUOTA}{key}"), Some(&pending))
    }

    /// What was learned.
    pub(super) fn learned(&self, partition: i32, learned: &Learned) -> Result<Outgoing, Unwritable> {
        let (topic, codec) = &self.learned;
        remembered(topic, codec, partition, MARKET_ACCOUNT.to_owned(), Some(learned))
    }
}

fn remembered<T: wire::Record>(
    topic: &Arc<str>,
    codec: &Codec<T>,
    partition: i32,
    key: String,
    value: Option<&T>,
) -> Result<Outgoing, Unwritable> {
    let encode = |value: &T| {
        let mut bytes = Vec::new();
        codec.encode(value, &mut bytes).map(|()| Bytes::from(bytes))
    };
    let mut headers = headers::Headers::new();
    set(&mut headers, headers::RUN_ID, crate::model::LIVE_RUN);
    Ok(Outgoing {
        topic: Arc::clone(topic),
        partition: Some(partition),
        key: Some(key.into()),
        value: value.map(encode).transpose()?,
        headers,
    })
}
