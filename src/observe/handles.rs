//! Typed handles. Each is looked up once; counting is then an atomic addition, without allocation or lock.

use std::sync::Arc;
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram};

use crate::model::CloseReason;

use super::registry::Registry;
use super::table::{
    BATCHES_CLOSED, CIRCUIT_OPEN, CLOSES, DEAD_LETTERS, ENDS, IN_FLIGHT_BYTES, LAG_RECORDS, LAG_SECONDS, Metric,
    OUTCOMES, REASONS, REBALANCES, RECORDS, SINK_ROWS, SINK_TIME, STAGE_TIME, TRANSACTION_TIME, TRANSACTIONS,
};

/// The counters of a closed set of words, all there from the start.
#[derive(Debug, Clone)]
struct Words {
    metric: &'static Metric,
    /// The value of the label before the word.
    of: String,
    counters: Vec<(&'static str, Counter)>,
}

impl Words {
    fn new(metric: &'static Metric, of: &str, words: &'static [&'static str]) -> Self {
        let counter = |word: &&'static str| (*word, Registry::process().counter(metric, &[of, word]));
        Self { metric, of: of.to_owned(), counters: words.iter().map(counter).collect() }
    }

    /// A word that the table does not know is code newer than the table: it is looked up each time, and not lost.
    fn count(&self, word: &'static str, count: u64) {
        match self.counters.iter().find(|(known, _)| *known == word) {
            Some((_, counter)) => counter.increment(count),
            None => Registry::process().counter(self.metric, &[&self.of, word]).increment(count),
        }
    }
}

/// What a stage counts.
#[derive(Debug, Clone)]
pub struct StageMetrics(Arc<(Words, Histogram)>);

/// The metrics of the stage `name`, such as `window/articles`.
#[must_use]
pub fn stage(name: &'static str) -> StageMetrics {
    let seconds = Registry::process().histogram(&STAGE_TIME, &[name]);
    StageMetrics(Arc::new((Words::new(&RECORDS, name, OUTCOMES), seconds)))
}

impl StageMetrics {
    /// A record left the stage: `ok`, `rejected`, or the word for why it was dropped.
    pub fn count(&self, outcome: &'static str) {
        self.0.0.count(outcome, 1);
    }

    /// A batch was judged in this time.
    pub fn took(&self, time: Duration) {
        self.0.1.record(time);
    }
}

/// What a window counts.
#[derive(Debug, Clone)]
pub struct WindowMetrics(Arc<Words>);

/// The metrics of the window `name`, such as `window/articles`.
#[must_use]
pub fn window(name: &'static str) -> WindowMetrics {
    WindowMetrics(Arc::new(Words::new(&BATCHES_CLOSED, name, CLOSES)))
}

impl WindowMetrics {
    /// A batch was closed.
    pub fn closed(&self, reason: CloseReason) {
        self.0.count(reason.as_str(), 1);
    }
}

/// What a hop counts around its stages.
#[derive(Debug, Clone)]
pub struct HopMetrics(Arc<Hop>);

#[derive(Debug)]
struct Hop {
    rebalances: Counter,
    in_flight: Gauge,
    transactions: Words,
    transaction_seconds: Histogram,
    /// Topic, records, seconds.
    lags: Vec<(String, Gauge, Gauge)>,
}

/// The metrics of the hop `name`, which reads `topics`. Its dead letters and its lag exist at zero from here on.
#[must_use]
pub fn hop(name: &'static str, topics: &[String]) -> HopMetrics {
    let registry = Registry::process();
    for topic in topics {
        // Only made to exist: they are counted by `dead_letter`.
        let _ = Words::new(&DEAD_LETTERS, topic, REASONS);
    }
    let lag = |topic: &String| {
        let of = [name, topic.as_str()];
        (topic.clone(), registry.gauge(&LAG_RECORDS, &of), registry.gauge(&LAG_SECONDS, &of))
    };
    HopMetrics(Arc::new(Hop {
        rebalances: registry.counter(&REBALANCES, &[name]),
        in_flight: registry.gauge(&IN_FLIGHT_BYTES, &[name]),
        transactions: Words::new(&TRANSACTIONS, name, ENDS),
        transaction_seconds: registry.histogram(&TRANSACTION_TIME, &[name]),
        lags: topics.iter().map(lag).collect(),
    }))
}

impl HopMetrics {
    /// Partitions came or went.
    pub fn rebalanced(&self) {
        self.0.rebalances.increment(1);
    }

    /// A transaction ended after this time.
    pub fn transaction(&self, committed: bool, time: Duration) {
        self.0.transactions.count(if committed { "committed" } else { "aborted" }, 1);
        self.0.transaction_seconds.record(time);
    }

    /// So many bytes are read and not committed.
    pub fn in_flight(&self, bytes: u64) {
        self.0.in_flight.set(float(bytes));
    }

    /// So far the hop is behind in one of its topics.
    pub fn lag(&self, topic: &str, records: i64, seconds: f64) {
        if let Some((_, behind, age)) = self.0.lags.iter().find(|(name, ..)| name == topic) {
            behind.set(float(u64::try_from(records).unwrap_or(0)));
            age.set(seconds);
        }
    }
}

/// Whether a hop was stopped for its dead letters.
#[derive(Debug, Clone)]
pub struct CircuitMetrics(Gauge);

/// The circuit of the hop `name`, closed.
#[must_use]
pub fn circuit(name: &'static str) -> CircuitMetrics {
    let metrics = CircuitMetrics(Registry::process().gauge(&CIRCUIT_OPEN, &[name]));
    metrics.open(false);
    metrics
}

impl CircuitMetrics {
    /// The hop is stopped, or runs.
    pub fn open(&self, open: bool) {
        self.0.set(f64::from(u8::from(open)));
    }
}

/// Makes the rows of `tables` exist at zero, before the first insert.
pub fn sink(tables: &[&str]) {
    let _ = Registry::process().histogram(&SINK_TIME, &[]);
    for table in tables {
        let _ = Registry::process().counter(&SINK_ROWS, &[table]);
    }
}

/// Rows of one table were acknowledged after this time. At most a few times a second, and therefore looked up each time.
pub fn inserted(table: &str, rows: usize, time: Duration) {
    let rows = u64::try_from(rows).unwrap_or(u64::MAX);
    Registry::process().counter(&SINK_ROWS, &[table]).increment(rows);
    Registry::process().histogram(&SINK_TIME, &[]).record(time);
}

/// A record of `topic` became a dead letter. Rare, and therefore looked up each time.
pub fn dead_letter(topic: &str, reason: &'static str) {
    debug_assert!(REASONS.contains(&reason), "the reason {reason} is missing in the table");
    Registry::process().counter(&DEAD_LETTERS, &[topic, reason]).increment(1);
}

#[expect(clippy::cast_precision_loss, reason = "exact below 2⁵³, and a gauge is read by eye above")]
fn float(number: u64) -> f64 {
    number as f64
}
