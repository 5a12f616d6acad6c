//! Reading a partition of the ledger back.

use std::ops::ControlFlow;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use tracing::debug;

use super::Settings;
use super::journal::Recent;
use crate::kafka::{Group, Partition, Stored, committed_by};
use crate::model::LedgerEntry;
use crate::provider::book::Book;
use crate::wire::Codec;

/// How far from the end a snapshot is looked for first. Beyond it, four times as far each time.
const LOOK_BACK: i64 = 20_000;

/// What the log said.
pub(super) struct Loaded {
    pub(super) book: Book,
    pub(super) recent: Recent,
    /// Entries since the last snapshot.
    pub(super) entries: usize,
    /// Where the owner's group stands in its own partition.
    pub(super) stands_at: i64,
}

/// Reads partition `number` back, on a thread that may block.
pub(super) async fn load(
    settings: Settings,
    group: Group,
    codec: Arc<Codec<LedgerEntry>>,
    number: i32,
) -> anyhow::Result<Loaded> {
    tokio::task::spawn_blocking(move || {
        let stands_at = group.stands_at(&settings.owner_topic, number)?;
        let partition = Partition::open(&settings.kafka, &settings.topic, number)?;
        let decided = partition.decided()?;
        let stored = committed_by(&settings.kafka, &settings.sink_group, &settings.topic, number)?;
        let stored = stored.unwrap_or(decided.start).clamp(decided.start, decided.end);
        let mut look_back = LOOK_BACK;
        loop {
            let from = (decided.end - look_back).min(stored).max(decided.start);
            // What begins with the log begins with an empty book.
            let book = (from == decided.start).then(Book::default);
            let mut reader = Reader { codec: &codec, book, recent: Recent::default(), entries: 0 };
            partition.read(from, |record| reader.take(record, stored))?;
            let Reader { book, recent, entries, .. } = reader;
            if let Some(book) = book {
                return Ok(Loaded { book, recent, entries, stands_at });
            }
            debug!(number, from, "no snapshot this close to the end of the ledger, looking further back");
            look_back *= 4;
        }
    })
    .await
    .context("reading the ledger panicked")?
}

/// The end of partition `number`, and how far the sink has taken it in.
pub(super) async fn progress(settings: Settings, number: i32) -> anyhow::Result<(i64, i64)> {
    tokio::task::spawn_blocking(move || {
        let decided = Partition::open(&settings.kafka, &settings.topic, number)?.decided()?;
        let stored = committed_by(&settings.kafka, &settings.sink_group, &settings.topic, number)?;
        Ok((decided.end, stored.unwrap_or(decided.start)))
    })
    .await
    .context("asking how far the sink is panicked")?
}

struct Reader<'a> {
    codec: &'a Codec<LedgerEntry>,
    /// `None` until a snapshot, or the beginning of the log, was seen.
    book: Option<Book>,
    recent: Recent,
    entries: usize,
}

impl Reader<'_> {
    fn take(&mut self, record: Stored<'_>, stored: i64) -> anyhow::Result<ControlFlow<()>> {
        let Stored { offset, value: Some(value), sent_again: false, .. } = record else {
            // What is sent again counts where it stands first: only the sink had not read it.
            return Ok(ControlFlow::Continue(()));
        };
        let LedgerEntry { spend, answer, snapshot, decision } =
            self.codec.read_blocking(value).with_context(|| format!("entry {offset} cannot be read"))?;
        if let Some(snapshot) = snapshot {
            self.book = Some(Book::from(&snapshot));
            self.entries = 0;
        }
        if let (Some(book), Some(spend)) = (&mut self.book, spend) {
            book.replay(&spend);
            self.entries += 1;
        }
        if let (Some(book), Some(decision)) = (&mut self.book, decision) {
            book.decide(&decision);
            self.entries += 1;
        }
        if let Some(answer) = answer.filter(|_| offset >= stored) {
            self.recent.keep(Arc::new(answer));
            if self.recent.is_full() {
                bail!("more paid answers than memory holds are not in ClickHouse yet: the sink must catch up first");
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}
