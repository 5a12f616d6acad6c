//! Every hop, in the order in which records go through them: what it reads, writes and remembers.

use crate::kafka::{
    ANALYSIS_EVENTS, ANALYSIS_JOBS, ANALYSIS_LEDGER, ARTICLES_ANALYSES, ARTICLES_BATCHES, ARTICLES_DEFERRED,
    ARTICLES_RAW, MARKET_BATCHES, MARKET_CONTEXTS, MARKET_FILES, MARKET_PENDING, MARKET_SERIES, SIGNALS, SPEND_LEDGER,
};

/// One hop: what it reads, what it writes, and what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// As `--stages` selects it.
    pub name: &'static str,
    /// Topics that it reads.
    pub inputs: &'static [&'static str],
    /// Where its output goes.
    pub outputs: &'static [&'static str],
    /// Topics that it writes and reads back itself: what it must remember, as it keeps nothing on disk.
    pub remembers: &'static [&'static str],
    /// In a few words.
    pub does: &'static str,
}

/// The hop whose `stage`, such as `window/decode`, gave up a record of `topic` (without its prefix); `None` where nobody who
/// reads the topic has such a stage.
#[must_use]
pub fn hop_of(topic: &str, stage: &str) -> Option<&'static str> {
    let kind = |name: &str| name.split('/').next().map(str::to_owned);
    HOPS.iter().find(|hop| hop.inputs.contains(&topic) && kind(hop.name) == kind(stage)).map(|hop| hop.name)
}

/// The hops whose names are selected, in their order.
#[must_use]
pub fn hops(is_selected: impl Fn(&str) -> bool) -> Vec<Line> {
    HOPS.iter().filter(|hop| is_selected(hop.name)).copied().collect()
}

/// Every hop there is.
pub const HOPS: &[Line] = &[
    Line {
        name: "window/articles",
        inputs: &[ARTICLES_RAW],
        outputs: &[ARTICLES_BATCHES],
        remembers: &[],
        does: "decode, clean, screen, gather",
    },
    Line {
        name: "enrich/articles",
        inputs: &[ARTICLES_BATCHES],
        outputs: &[ARTICLES_ANALYSES],
        remembers: &[ARTICLES_DEFERRED, SPEND_LEDGER],
        does: "analyse each article",
    },
    Line {
        name: "score/articles",
        inputs: &[ARTICLES_ANALYSES],
        outputs: &[SIGNALS],
        remembers: &[],
        does: "score each analysis",
    },
    Line {
        name: "window/market",
        inputs: &[MARKET_FILES],
        outputs: &[MARKET_BATCHES],
        remembers: &[],
        does: "read candles, see what their charts show, gather",
    },
    Line {
        name: "enrich/market",
        inputs: &[MARKET_BATCHES],
        outputs: &[MARKET_CONTEXTS],
        remembers: &[MARKET_PENDING, MARKET_SERIES],
        does: "find what derivatives say",
    },
    Line {
        name: "score/market",
        inputs: &[MARKET_CONTEXTS],
        outputs: &[SIGNALS],
        remembers: &[],
        does: "score each chart by each strategy",
    },
    Line {
        name: "analyze",
        inputs: &[ANALYSIS_JOBS],
        outputs: &[ANALYSIS_EVENTS],
        remembers: &[ANALYSIS_LEDGER],
        does: "analyse a series on demand",
    },
    Line {
        name: "sink",
        inputs: &[
            ARTICLES_BATCHES,
            ARTICLES_ANALYSES,
            MARKET_BATCHES,
            MARKET_CONTEXTS,
            MARKET_SERIES,
            SIGNALS,
            SPEND_LEDGER,
            ANALYSIS_JOBS,
            ANALYSIS_EVENTS,
            ANALYSIS_LEDGER,
        ],
        outputs: &["ClickHouse"],
        remembers: &[],
        does: "write rows",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_belongs_to_one_reader_of_a_topic() {
        for (topic, stage, hop) in [
            ("articles.raw", "window/decode", Some("window/articles")),
            ("articles.batches", "enrich/decode", Some("enrich/articles")),
            ("articles.batches", "enrich/articles", Some("enrich/articles")),
            ("articles.batches", "sink", Some("sink")),
            ("market.contexts", "score/encode", Some("score/market")),
            ("analysis.jobs", "analyze/decode", Some("analyze")),
            ("signals", "window/decode", None),
            ("nobodys", "sink", None),
        ] {
            assert_eq!(hop_of(topic, stage), hop, "{topic} {stage}");
        }
    }
}
