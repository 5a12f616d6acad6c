//! What the pipeline does to one article, without the engine: what `benches/` hold the engine against.
//!
//! Not part of the program's interface. It lets the benchmarks do exactly the work of the hops, step by step, on one
//! thread, with no window (an article is a batch of its own) and no bytes between the steps.

use crate::clock::Clock;
use crate::enrich::ByLexicon;
use crate::flow::Record;
use crate::model::{Analysis, Article, ArticleBatch, CloseReason, Id, LIVE_RUN, RawArticle, Signal};
use crate::score;
use crate::window::{Clean, CleanSettings};
use crate::wire::{ALLOCATION_BYTES_MAX, Codec, Undecoded, Unfit, Unwritable};

/// The steps, each ready to be called.
#[derive(Debug)]
pub struct Bare {
    read: Codec<RawArticle>,
    write: Codec<Signal>,
    clean: Clean,
    lexicon: ByLexicon,
    clock: Clock,
}

impl Bare {
    /// The steps as the hops have them by default.
    ///
    /// # Errors
    /// A schema of the catalog is broken.
    pub fn new(clock: Clock) -> Result<Self, Unfit> {
        Ok(Self {
            read: Codec::new(ALLOCATION_BYTES_MAX)?,
            write: Codec::new(ALLOCATION_BYTES_MAX)?,
            clean: Clean::new(CleanSettings { chars_min: 0, languages: Vec::new() }),
            lexicon: ByLexicon::new(clock.clone()),
            clock,
        })
    }

    /// Bytes of a record of `articles.raw` to what its producer wrote.
    ///
    /// # Errors
    /// The bytes are no article.
    pub fn decode(&self, value: &[u8]) -> Result<RawArticle, Undecoded> {
        self.read.decode(value)
    }

    /// As the window hop cleans it; of `record` only place and time count.
    #[must_use]
    pub fn clean(&self, raw: RawArticle, record: &Record) -> Article {
        self.clean.clean(raw, record).article
    }

    /// As the enrich hop analyses it.
    #[must_use]
    pub fn analyze(&self, article: Article) -> Option<Analysis> {
        let now = self.clock.now();
        let batch = ArticleBatch {
            batch_id: Id::default(),
            session_id: String::new(),
            account: String::new(),
            run_id: LIVE_RUN.to_owned(),
            opened_at: now,
            closed_at: now,
            close_reason: CloseReason::Count,
            articles: vec![article],
            screened: Vec::new(),
        };
        self.lexicon.analyze(&batch, 0).pop()
    }

    /// As the score hop scores it.
    #[must_use]
    pub fn score(&self, analysis: Analysis) -> Option<Signal> {
        score::signal(analysis, self.clock.now())
    }

    /// Appends the bytes of `signal` to `out`.
    ///
    /// # Errors
    /// The signal does not fit its schema.
    pub fn encode(&self, signal: &Signal, out: &mut Vec<u8>) -> Result<(), Unwritable> {
        self.write.encode(signal, out)
    }
}
