//! The metric table: every name, what it counts, and which labels it has.
//!
//! Names and labels are public: dashboards and alerts use them. Times are seconds, sizes bytes.

/// One metric.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// The whole name, with its prefix.
    pub name: &'static str,
    /// Counter, gauge or histogram.
    pub shape: Shape,
    /// Its labels.
    pub labels: &'static [Label],
    /// `records`, `seconds`, `bytes` and the like; empty for a pure number.
    pub unit: &'static str,
    /// What it says, in a sentence.
    pub help: &'static str,
}

/// How values add up.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts by size, with these upper bounds.
    Histogram(&'static [f64]),
}

impl Shape {
    /// As the exposition format names it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram(_) => "histogram",
        }
    }
}

/// One label of a metric.
#[derive(Debug, Clone, Copy)]
pub struct Label {
    /// Its name.
    pub name: &'static str,
    /// What it can be.
    pub values: Values,
}

/// What a label can be.
#[derive(Debug, Clone, Copy)]
pub enum Values {
    /// One of these words. All of them exist at zero as soon as the metric does.
    Closed(&'static [&'static str]),
    /// Named by code or configuration; in words.
    Named(&'static str),
}

/// How records leave a stage. A stage of its own may add words; these are there from the start.
pub(super) const OUTCOMES: &[&str] =
    &["ok", "rejected", "duplicate", "short", "language", "tombstone", "nothing_admitted", "unanalysed"];
/// Why records become dead letters.
pub(super) const REASONS: &[&str] =
    &["malformed", "unknown_schema", "invalid", "too_large", "unwritable", "poison_row", "failed"];
/// How transactions end.
pub(super) const ENDS: &[&str] = &["committed", "aborted"];
/// Why windows close: [`CloseReason::ALL`](crate::model::CloseReason::ALL), as a test asserts.
pub(super) const CLOSES: &[&str] = &["count", "bytes", "age", "session", "version", "revoked", "shutdown"];

const STAGE: Label = Label { name: "stage", values: Values::Named("the stages, such as window/articles") };
const HOP: Label = Label { name: "hop", values: Values::Named("the hops, such as enrich/articles") };
const TOPIC: Label = Label { name: "topic", values: Values::Named("the topics that hops read") };

/// A stage judges a batch in microseconds (a score) to minutes (paid calls).
const STAGE_SECONDS: &[f64] =
    &[0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];
/// A transaction on a local broker takes about 10 ms, and is given up after seconds.
const TRANSACTION_SECONDS: &[f64] = &[0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// An insert takes milliseconds to seconds; beyond that the database is in trouble.
const SINK_SECONDS: &[f64] = &[0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

macro_rules! table {
    ($($NAME:ident: $name:literal, $shape:expr, [$($label:expr),*], $unit:literal, $help:literal;)*) => {
        $(pub(super) const $NAME: Metric = Metric {
            name: concat!("signalmill_", $name),
            shape: $shape,
            labels: &[$($label),*],
            unit: $unit,
            help: $help,
        };)*

        /// Every metric, in the order of the reference.
        pub const TABLE: &[Metric] = &[$($NAME),*];
    };
}

table! {
    RECORDS: "records_total", Shape::Counter,
        [STAGE, Label { name: "outcome", values: Values::Closed(OUTCOMES) }], "records",
        "Records that a stage judged, by what became of them.";
    STAGE_TIME: "stage_seconds", Shape::Histogram(STAGE_SECONDS), [STAGE], "seconds",
        "Time that a stage took for a batch.";
    BATCHES_CLOSED: "batches_closed_total", Shape::Counter,
        [STAGE, Label { name: "reason", values: Values::Closed(CLOSES) }], "batches",
        "Windows that closed, by why.";
    DEAD_LETTERS: "dead_letters_total", Shape::Counter,
        [TOPIC, Label { name: "reason", values: Values::Closed(REASONS) }], "records",
        "Records that became dead letters, by the topic they came from and why.";
    LAG_RECORDS: "consumer_lag_records", Shape::Gauge, [HOP, TOPIC], "records",
        "Records of a topic that a hop has not committed yet, in the partitions of this worker.";
    LAG_SECONDS: "consumer_lag_seconds", Shape::Gauge, [HOP, TOPIC], "seconds",
        "Age of the last record read while more are waiting, the oldest of this worker's partitions; 0 where none waits.";
    IN_FLIGHT_BYTES: "in_flight_bytes", Shape::Gauge, [HOP], "bytes",
        "Bytes of records that a hop has read and not committed yet.";
    REBALANCES: "rebalances_total", Shape::Counter, [HOP], "rebalances",
        "Changes of the partitions that a hop of this worker owns.";
    TRANSACTIONS: "transactions_total", Shape::Counter,
        [HOP, Label { name: "outcome", values: Values::Closed(ENDS) }], "transactions",
        "Transactions that a hop ended, by how.";
    TRANSACTION_TIME: "transaction_seconds", Shape::Histogram(TRANSACTION_SECONDS), [HOP], "seconds",
        "Time from the first record of a transaction to its end.";
    SINK_ROWS: "sink_rows_total", Shape::Counter,
        [Label { name: "table", values: Values::Named("the tables of ClickHouse that hops write") }], "rows",
        "Rows that ClickHouse acknowledged.";
    SINK_TIME: "sink_seconds", Shape::Histogram(SINK_SECONDS), [], "seconds",
        "Time that an insert took until ClickHouse acknowledged it.";
    BUILD_INFO: "build_info", Shape::Gauge,
        [Label { name: "version", values: Values::Named("the version of the binary") }], "",
        "Always 1; its label is what counts.";
    PROCESS_MEMORY: "process_resident_memory_bytes", Shape::Gauge, [], "bytes",
        "Memory of this process that is in RAM (Linux).";
    PROCESS_CPU: "process_cpu_seconds_total", Shape::Counter, [], "seconds",
        "CPU time that this process has used, user and system (Linux).";
}
