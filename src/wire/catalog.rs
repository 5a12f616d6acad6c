//! Which topic carries which type, by which schemas.
//!
//! A topic is one line here and one folder in `schemas/avro/`; a new version of it is one file and one number. The
//! versions stand oldest first, and the last one writes. A test keeps folder and table equal.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::refusal::{Reason, Refusal};
use crate::model::{
    ARTICLE_ID_BYTES_MAX, Analysis, ArticleBatch, Cancellation, ChartInContext, Deferral, ID_CHARS_MAX, Job, JobEvent,
    Learned, LedgerEntry, MarketBatch, Pending, RawArticle, Series, Signal, WorkerReport,
};

/// The reads that a record may take unless its type says otherwise. A raw article takes about 20.
const READS_MAX: u32 = 1 << 18;

/// A type that travels over a topic.
pub trait Record: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The topic, without a prefix.
    const TOPIC: &'static str;
    /// The text of every schema version, oldest first.
    const VERSIONS: &'static [&'static str];
    /// The most reads that decoding one record may take: one for each byte of a number and one for each text. It
    /// bounds what a small hostile record can become in memory.
    const READS_MAX: u32 = READS_MAX;

    /// The record that JSON `text` says, for topics that take JSON; `None` for those that do not.
    #[must_use]
    fn from_json(_text: &str) -> Option<Result<Self, Refusal>> {
        None
    }

    /// What a schema cannot say about a record.
    ///
    /// # Errors
    /// [`Reason::Invalid`] for a record that must not go on.
    fn check(&self) -> Result<(), Refusal> {
        Ok(())
    }
}

/// A line of the catalog, for listings.
#[derive(Debug, Clone, Copy)]
pub struct Topic {
    /// The topic, without a prefix.
    pub name: &'static str,
    /// The text of every schema version, oldest first.
    pub versions: &'static [&'static str],
}

macro_rules! catalog {
    ($($record:ty: $topic:literal [$($version:literal),+] $({ $($item:tt)* })?)*) => {
        $(impl Record for $record {
            const TOPIC: &'static str = $topic;
            const VERSIONS: &'static [&'static str] = &[$(include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"), "/schemas/avro/", $topic, "/v", $version, ".avsc"
            ))),+];
            $($($item)*)?
        })*

        /// Every topic that has schemas.
        pub const CATALOG: &[Topic] = &[$(Topic {
            name: <$record as Record>::TOPIC,
            versions: <$record as Record>::VERSIONS,
        }),*];
    };
}

catalog! {
    RawArticle: "articles.raw" [1] {
        fn from_json(text: &str) -> Option<Result<Self, Refusal>> {
            Some(super::json::article(text))
        }

        fn check(&self) -> Result<(), Refusal> {
            if self.id.trim().is_empty() {
                return Err(Refusal::new(Reason::Invalid, "id: missing or empty"));
            }
            if self.id.len() > ARTICLE_ID_BYTES_MAX || self.id.chars().any(char::is_control) {
                let error = format!("id: more than {ARTICLE_ID_BYTES_MAX} bytes, or a control character");
                return Err(Refusal::new(Reason::Invalid, error));
            }
            Ok(())
        }
    }
    ArticleBatch: "articles.batches" [1] {
        // An article takes about 50: this is 40,000 of them, more than fit into a record, most of them screened.
        const READS_MAX: u32 = 1 << 21;
    }
    Analysis: "articles.analyses" [1, 2]
    Series: "market.files" [1] {
        // Some fifty reads a bar: as many bars as a record holds.
        const READS_MAX: u32 = 1 << 25;
    }
    MarketBatch: "market.batches" [1] {
        // As many bars as a record holds.
        const READS_MAX: u32 = 1 << 25;
    }
    ChartInContext: "market.contexts" [1]
    Learned: "market.series" [1] {
        // Some sixty reads a bucket: a first answer about 20 symbols has two thousand buckets.
        const READS_MAX: u32 = 1 << 21;
    }
    Pending: "market.pending" [1]
    Signal: "signals" [1, 2]
    Deferral: "articles.deferred" [1]
    LedgerEntry: "spend.ledger" [1] {
        // A snapshot of thousands of periods, each of some ten reads.
        const READS_MAX: u32 = 1 << 21;
    }
    Job: "analysis.jobs" [1] {
        // As many bars as a record holds.
        const READS_MAX: u32 = 1 << 25;

        fn from_json(text: &str) -> Option<Result<Self, Refusal>> {
            Some(super::json::job(text))
        }

        fn check(&self) -> Result<(), Refusal> {
            let Self { analysis_id, user_id, symbol, exchange, interval, timeframe, .. } = self;
            let needed = [("symbol", symbol), ("interval", interval)];
            if let Some((name, _)) = needed.iter().find(|(_, text)| text.trim().is_empty()) {
                return Err(Refusal::new(Reason::Invalid, format!("{name}: missing or empty")));
            }
            let texts = [("analysis_id", analysis_id), ("user_id", user_id), ("exchange", exchange), ("timeframe", timeframe)];
            let is_odd = |text: &str| text.chars().count() > ID_CHARS_MAX || text.chars().any(char::is_control);
            match needed.iter().chain(&texts).find(|(_, text)| is_odd(text)) {
                Some((name, _)) => {
                    let error = format!("{name}: more than {ID_CHARS_MAX} characters, or a control character");
                    Err(Refusal::new(Reason::Invalid, error))
                }
                None => Ok(()),
            }
        }
    }
    JobEvent: "analysis.events" [1]
    Cancellation: "analysis.cancellations" [1]
    WorkerReport: "analysis.workers" [1]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_schema_file_is_in_the_catalog() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/avro");
        let mut files = BTreeSet::new();
        for topic in std::fs::read_dir(&folder).unwrap() {
            let topic = topic.unwrap();
            for file in std::fs::read_dir(topic.path()).unwrap() {
                let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
                files.insert((topic.file_name().into_string().unwrap(), text));
            }
        }
        let listed: BTreeSet<_> = CATALOG
            .iter()
            .flat_map(|topic| topic.versions.iter().map(|text| (topic.name.to_owned(), (*text).to_owned())))
            .collect();
        assert_eq!(files, listed);
    }
}
