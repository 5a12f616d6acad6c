//! What has become of each file of a scan, and of each series in them. Pure: signals and stories in, counts and a feed out.
//!
//! Invariants: files = good + broken; a series counts once, however many files have it, with its newest version.
//!
//! What a chart shows is by far the most of a signal, and every signal waits here for the last one: it is kept once a
//! chart, compressed.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use lz4_flex::{compress_prepend_size, decompress_size_prepended};

use crate::cli::market::Skipped;
use crate::market::feed::{self, FeedSignal};
use crate::model::{OiStatus, Signal};

#[derive(Debug)]
pub(super) struct Tally {
    names: Arc<[PathBuf]>,
    /// Reason and story, by the file's place in the folder.
    broken: BTreeMap<usize, (String, String)>,
    series: HashMap<String, Scored>,
}

/// The newest of a series.
#[derive(Debug)]
struct Scored {
    version: i64,
    status: OiStatus,
    signals: Vec<Kept>,
}

/// A signal whose observability stands beside it, compressed.
#[derive(Debug)]
pub(super) struct Kept {
    /// Without what it rests on.
    pub(super) signal: FeedSignal,
    /// What it rests on; signals of one chart share it.
    observability: Arc<[u8]>,
}

impl Kept {
    /// The signal as the feed has it.
    ///
    /// # Errors
    /// None for what was compressed here.
    pub(super) fn whole(self) -> io::Result<FeedSignal> {
        let json = decompress_size_prepended(&self.observability).map_err(io::Error::other)?;
        let json = String::from_utf8(json).map_err(io::Error::other)?;
        Ok(FeedSignal { observability: feed::observability(json)?, ..self.signal })
    }
}

/// The counts of a scan. Statuses count series.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub(super) struct Counts {
    pub(super) files: usize,
    pub(super) good: usize,
    pub(super) broken: Vec<Skipped>,
    pub(super) series: usize,
    pub(super) signals: usize,
    pub(super) resolved: usize,
    pub(super) aggregated: usize,
    pub(super) neutral: usize,
}

impl Tally {
    /// Of these files, none of them read yet.
    pub(super) fn new(names: Arc<[PathBuf]>) -> Self {
        Self { names, broken: BTreeMap::new(), series: HashMap::new() }
    }

    /// A file, or a part of it, came to nothing. Its first story counts.
    pub(super) fn broken(&mut self, file: usize, reason: String, error: String) {
        self.broken.entry(file).or_insert((reason, error));
    }

    /// Takes in what the strategies say of a chart, unless something newer is known of its series.
    ///
    /// # Errors
    /// None for what our own strategies have written.
    pub(super) fn scored(&mut self, signals: Vec<Signal>) -> serde_json::Result<()> {
        let Some(first) = signals.first() else { return Ok(()) };
        let (source_id, version, status) = (first.source_id.clone(), first.version, first.oi_status);
        if self.series.get(&source_id).is_some_and(|known| known.version > version) {
            return Ok(());
        }
        let mut shared: Option<(String, Arc<[u8]>)> = None;
        let mut kept = Vec::with_capacity(signals.len());
        for mut signal in signals {
            let json = std::mem::take(&mut signal.observability);
            let observability = match shared.take().filter(|(seen, _)| *seen == json) {
                Some((_, observability)) => observability,
                None => compress_prepend_size(json.as_bytes()).into(),
            };
            shared = Some((json, Arc::clone(&observability)));
            kept.push(Kept { signal: FeedSignal::try_from(signal)?, observability });
        }
        self.series.insert(source_id, Scored { version, status, signals: kept });
        Ok(())
    }

    /// The counts, and the signals of the feed. `unread` are further files of the folder.
    pub(super) fn into_counts(self, unread: Vec<Skipped>) -> (Counts, Vec<Kept>) {
        let Self { names, broken, series } = self;
        let broken = broken.into_iter().map(|(file, (reason, error))| {
            let file = names.get(file).map(|name| name.display().to_string()).unwrap_or_default();
            Skipped { file, reason, error }
        });
        let mut counts = Counts { files: names.len() + unread.len(), series: series.len(), ..Counts::default() };
        counts.broken = unread.into_iter().chain(broken).collect();
        counts.good = counts.files - counts.broken.len();
        let mut all = Vec::with_capacity(series.values().map(|scored| scored.signals.len()).sum());
        for Scored { status, signals, .. } in series.into_values() {
            match status {
                OiStatus::Resolved => counts.resolved += 1,
                OiStatus::Aggregated => counts.aggregated += 1,
                OiStatus::Neutral | OiStatus::None => counts.neutral += 1,
            }
            all.extend(signals);
        }
        counts.signals = all.len();
        (counts, all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Direction, Id, NanoUsd, SignalKind, Strategy, Timestamp};

    fn signals(source: &str, version: i64, score: f64, oi_status: OiStatus) -> Vec<Signal> {
        let signal = |strategy: Strategy| Signal {
            signal_id: Id(String::new()),
            run_id: "live".to_owned(),
            kind: SignalKind::Market,
            source_id: source.to_owned(),
            subject: source.to_owned(),
            exchange: String::new(),
            interval: String::new(),
            strategy: strategy.as_str().to_owned(),
            score,
            direction: Direction::Neutral,
            confidence: 0.0,
            strength: 0.0,
            components: BTreeMap::new(),
            oi_status,
            context_age_s: 0.0,
            oi_metadata: String::new(),
            observability: format!("{{\"of\":\"{source}\"}}"),
            analyzer: String::new(),
            model: String::new(),
            prompt_version: String::new(),
            cost: NanoUsd::ZERO,
            event_time: Timestamp(0),
            available_at: Timestamp(0),
            produced_at: Timestamp(0),
            origin: String::new(),
            version,
        };
        [Strategy::Momentum, Strategy::Reversal].map(signal).into()
    }

    #[test]
    fn files_are_good_or_broken_and_a_series_counts_once_with_its_newest_version() {
        let names = ["good.json", "broken.json", "again.json", "other.json"];
        let mut tally = Tally::new(names.iter().map(PathBuf::from).collect());
        tally.broken(1, "malformed".to_owned(), "at byte 1".to_owned());
        tally.broken(1, "malformed".to_owned(), "at byte 7".to_owned());
        for (source, version, score, status) in [
            ("series", 1, 1.0, OiStatus::Neutral),
            ("series", 3, 3.0, OiStatus::Resolved),
            ("series", 2, 2.0, OiStatus::Neutral),
            ("other", 1, 1.0, OiStatus::Aggregated),
        ] {
            tally.scored(signals(source, version, score, status)).unwrap();
        }
        let unread = Skipped { file: "link.json".to_owned(), reason: "unreadable".to_owned(), error: String::new() };
        let (counts, signals) = tally.into_counts(vec![unread]);
        let broken: Vec<_> = counts.broken.iter().map(|broken| (broken.file.as_str(), broken.error.as_str())).collect();
        assert_eq!(broken, [("link.json", ""), ("broken.json", "at byte 1")]);
        assert_eq!((counts.files, counts.good, counts.series, counts.signals), (5, 3, 2, 4));
        assert_eq!((counts.resolved, counts.aggregated, counts.neutral), (1, 1, 0));
        assert!(Arc::ptr_eq(&signals[0].observability, &signals[1].observability), "what is the same is kept once");
        for signal in signals.into_iter().map(|kept| kept.whole().unwrap()) {
            let newest = match signal.observability.get() {
                r#"{"of":"series"}"# => 3.0,
                _ => 1.0,
            };
            assert!((signal.score - newest).abs() < f64::EPSILON);
        }
    }
}
