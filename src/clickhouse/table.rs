//! The tables that rows are inserted into.

use clickhouse::{Row, RowWrite};

macro_rules! tables {
    ($($variant:ident $name:literal $doc:literal;)*) => {
        /// A table that rows are inserted into.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Table { $(#[doc = $doc] $variant,)* }

        impl Table {
            /// Every table, for metrics that exist at zero and for checks.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its name, and the label `table` of metrics.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The reading view without duplicates.
            #[must_use]
            pub fn view(self) -> &'static str {
                match self { $(Self::$variant => concat!($name, "_v"),)* }
            }
        }
    };
}

tables! {
    Articles "articles" "Every article that could be decoded.";
    Analyses "article_analyses" "What an analyzer read in an article.";
    Sessions "batch_processing_sessions" "What each batch adds to its session.";
    SessionEvents "session_events" "What somebody decided about a session.";
    Records "batch_processing_records" "Each attempt at an article of a batch.";
    Spend "spend" "Each hold, and how it ended.";
    Answers "paid_answers" "Answers that were paid for, by question.";
    Signals "signals" "Scored signals.";
    DeadLetters "dead_letters" "Records that could not be processed.";
    DeadLetterActions "dead_letter_actions" "What somebody did about them.";
    Candles "candles" "Bars of market series.";
    Contexts "market_contexts" "What derivatives said of an instrument.";
    Instruments "instruments" "What a market series is called at the data provider.";
    Series "market_series" "Closed buckets of what derivatives markets said.";
    Jobs "analysis_jobs" "How each analysis on demand stands.";
    Charts "analysis_charts" "The pictures of analyses on demand.";
    Runs "runs" "Live traffic and replays.";
    Evaluations "evaluations" "What became of signals, by what they have in common.";
}

/// A row that belongs into one table.
pub trait Stored: Row + RowWrite {
    /// The table.
    const TABLE: Table;

    /// About how many bytes the row takes on the wire: what blocks are bounded by.
    fn bytes(row: &Self::Value<'_>) -> usize;
}
