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
pub(super) const OUTCOMES: &[&str] = &[
    "ok",
    "rejected",
    "duplicate",
    "short",
    "language",
    "tombstone",
    "nothing_admitted",
    "recover",
    "cancel",
    "unanalysed",
    "unreadable",
];
/// Why records become dead letters.
pub(super) const REASONS: &[&str] = &[
    "malformed",
    "unknown_schema",
    "invalid",
    "too_large",
    "unwritable",
    "poison_row",
    "failed",
    "empty",
    "no_candles",
    "no_symbol",
    "no_interval",
    "too_few_bars",
    "inconsistent",
];
/// How transactions end.
pub(super) const ENDS: &[&str] = &["committed", "aborted"];
/// Why windows close: [`CloseReason::ALL`](crate::model::CloseReason::ALL), as a test asserts.
pub(super) const CLOSES: &[&str] = &["count", "bytes", "age", "session", "version", "revoked", "shutdown"];

/// How calls to a provider end: `ok`, the word of an error
/// ([`CallError::as_str`](crate::provider::call::CallError::as_str), as a test asserts), or `cancelled`.
pub(super) const CALLS: &[&str] =
    &["ok", "transient", "limited", "permanent", "exhausted", "denied", "lost", "cancelled"];
/// How jobs end: the final words of [`JobStatus`](crate::model::JobStatus), as a test asserts.
pub(super) const JOB_ENDS: &[&str] = &["completed", "failed", "cancelled"];
/// Kinds of tokens; those of the input that were read from a cache are `cached` and not `input`.
pub(super) const TOKENS: &[&str] = &["input", "cached", "output"];
/// What a budget is for: articles in the open session, on the day and in the month; summaries of analyses on the day.
pub(super) const BUDGETS: &[&str] = &["session", "daily", "monthly", "analysis"];
/// Kinds of tokens as OpenTelemetry knows them; cached ones are `input`.
pub(super) const GEN_AI_TOKENS: &[&str] = &["input", "output"];

const STAGE: Label = Label { name: "stage", values: Values::Named("the stages, such as window/articles") };
const HOP: Label = Label { name: "hop", values: Values::Named("the hops, such as enrich/articles") };
const TOPIC: Label = Label { name: "topic", values: Values::Named("the topics that hops read") };
const PROVIDER: Label = Label { name: "provider", values: Values::Named("the providers, such as gemini") };
const OPERATION: Label = Label { name: "operation", values: Values::Named("what providers are asked for") };
const MODEL: Label = Label { name: "model", values: Values::Named("the models of the price catalog that answered") };
const BUDGET: Label = Label { name: "budget", values: Values::Closed(BUDGETS) };
const GEN_AI_OPERATION: Label =
    Label { name: "gen_ai_operation_name", values: Values::Named("generate_content, chat: as the provider calls it") };
const GEN_AI_PROVIDER: Label =
    Label { name: "gen_ai_provider_name", values: Values::Named("the providers by OpenTelemetry's names") };
const GEN_AI_MODEL: Label =
    Label { name: "gen_ai_request_model", values: Values::Named("the models that are asked, as configured") };
const ROUTE: Label = Label {
    name: "route",
    values: Values::Named("the paths of the API as it names them, such as /api/articles/{id}; none"),
};
const METHOD: Label = Label { name: "method", values: Values::Named("GET, HEAD, POST, DELETE, OPTIONS, other") };
const STATUS: Label = Label { name: "status", values: Values::Named("the status that was answered, such as 200") };
const ERROR_TYPE: Label =
    Label { name: "error_type", values: Values::Named("empty, or how the call ended where it brought no answer") };

/// A stage judges a batch in microseconds (a score) to minutes (paid calls).
const STAGE_SECONDS: &[f64] =
    &[0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];
/// A transaction on a local broker takes about 10 ms, and is given up after seconds.
const TRANSACTION_SECONDS: &[f64] = &[0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// A hold takes a transaction, or two where one is on its way already; at the end of a budget it waits for room.
const HOLD_SECONDS: &[f64] =
    &[0.002, 0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.04, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0];
/// An insert takes milliseconds to seconds; beyond that the database is in trouble.
const SINK_SECONDS: &[f64] = &[0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
/// A call takes tens of milliseconds (a search) to minutes (a long answer), and is given up after five.
const CALL_SECONDS: &[f64] =
    &[0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 180.0, 300.0];
/// A request takes milliseconds, or seconds where the database is busy; it is given up after `api.timeout`.
const REQUEST_SECONDS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
/// An analysis takes tens of milliseconds, and as long as a model does where one writes its summary.
const ANALYSIS_SECONDS: &[f64] =
    &[0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0];
/// As OpenTelemetry's conventions have them for generative AI, which recommend these bounds:
/// <https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-metrics.md>.
const GEN_AI_COUNTS: &[f64] = &[
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1024.0,
    4096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];
const GEN_AI_SECONDS: &[f64] =
    &[0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];

/// The prefix of the names that follow stands in brackets.
macro_rules! table {
    ($([$prefix:literal] $($NAME:ident: $name:literal, $shape:expr, [$($label:expr),*], $unit:literal, $help:literal;)*)*) => {
        $($(pub(super) const $NAME: Metric = Metric {
            name: concat!($prefix, $name),
            shape: $shape,
            labels: &[$($label),*],
            unit: $unit,
            help: $help,
        };)*)*

        /// Every metric, in the order of the reference.
        pub const TABLE: &[Metric] = &[$($($NAME),*),*];
    };
}

table! {
    ["signalmill_"]
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
    HOP_READY: "hop_ready", Shape::Gauge, [HOP], "",
        "Whether a hop, or the API as serve, works: 1, or 0 while it starts or waits for what it needs.";
    CIRCUIT_OPEN: "dead_letter_circuit_open", Shape::Gauge, [HOP], "",
        "Whether a hop was stopped because too much of what it reads would become dead letters: 1, otherwise 0.";
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
    PROVIDER_REQUESTS: "provider_requests_total", Shape::Counter,
        [PROVIDER, OPERATION, Label { name: "outcome", values: Values::Closed(CALLS) }], "requests",
        "Calls to a provider, by what became of them.";
    PROVIDER_TIME: "provider_request_seconds", Shape::Histogram(CALL_SECONDS), [PROVIDER], "seconds",
        "Time that a call to a provider took, whatever became of it.";
    PROVIDER_IN_FLIGHT: "provider_in_flight", Shape::Gauge, [PROVIDER], "requests",
        "Calls to a provider that are under way.";
    PROVIDER_LIMIT: "provider_concurrency_limit", Shape::Gauge, [PROVIDER], "requests",
        "Calls that may be under way at a provider at one time, as the adaptive limit has it now.";
    BREAKER_STATE: "breaker_state", Shape::Gauge, [PROVIDER], "",
        "Whether a provider is asked: 0 closed (it is), 1 half-open (a few calls try), 2 open (it is not).";
    HOLD_TIME: "hold_seconds", Shape::Histogram(HOLD_SECONDS), [], "seconds",
        "Time from the wish to hold money to the hold being in the log, waiting for room in the budget included.";
    SPEND: "spend_usd_total", Shape::Counter, [PROVIDER, MODEL], "dollars",
        "Money that counts as spent at a provider, by the model that answered.";
    SPEND_TOKENS: "tokens_total", Shape::Counter,
        [PROVIDER, MODEL, Label { name: "kind", values: Values::Closed(TOKENS) }], "tokens",
        "Tokens that a provider billed, by the model that answered; cached ones are not among the input.";
    QUOTA_UNITS: "quota_units_total", Shape::Counter, [PROVIDER], "units",
        "Units of a provider's quota that were used.";
    BUDGET_LIMIT: "budget_limit_usd", Shape::Gauge, [BUDGET], "dollars",
        "What may be spent; 0 where there is no such limit.";
    BUDGET_SPENT: "budget_spent_usd", Shape::Gauge, [BUDGET], "dollars",
        "What counts as spent of it.";
    BUDGET_RESERVED: "budget_reserved_usd", Shape::Gauge, [BUDGET], "dollars",
        "What is held of it for calls that are under way or in doubt.";
    JOURNAL_HITS: "journal_hits_total", Shape::Counter, [], "answers",
        "Questions that were answered from the journal, at no cost.";
    BACKLOG_COST: "backlog_cost_usd", Shape::Gauge, [], "dollars",
        "What the work that waits is expected to cost; what waits for somebody's help is no part of it.";
    DRAIN_TIME: "drain_seconds", Shape::Gauge, [], "seconds",
        "Time in which the work that waits is expected to be done; what waits for somebody's help is no part of it.";
    HTTP_REQUESTS: "http_requests_total", Shape::Counter, [ROUTE, METHOD, STATUS], "requests",
        "Requests that the API answered, by the status.";
    HTTP_TIME: "http_request_seconds", Shape::Histogram(REQUEST_SECONDS), [ROUTE], "seconds",
        "Time that the API took to begin an answer.";
    HTTP_STREAMS: "http_streams", Shape::Gauge, [], "streams",
        "Streams of events that are open.";
    ANALYSIS_JOBS: "analysis_jobs_total", Shape::Counter,
        [Label { name: "outcome", values: Values::Closed(JOB_ENDS) }], "jobs",
        "Analyses on demand that this worker ended, by how.";
    ANALYSIS_ERRORS: "analysis_errors_total", Shape::Counter, [], "attempts",
        "Attempts at an analysis on demand that failed.";
    ANALYSIS_TIME: "analysis_seconds", Shape::Histogram(ANALYSIS_SECONDS), [], "seconds",
        "Time of work on an analysis on demand until it ended, waits between attempts aside.";
    ANALYSIS_QUEUE: "analysis_queue", Shape::Gauge, [], "jobs",
        "Analyses on demand that this worker has taken in and not ended.";
    BUILD_INFO: "build_info", Shape::Gauge,
        [Label { name: "version", values: Values::Named("the version of the binary") }], "",
        "Always 1; its label is what counts.";
    PROCESS_MEMORY: "process_resident_memory_bytes", Shape::Gauge, [], "bytes",
        "Memory of this process that is in RAM (Linux).";
    PROCESS_CPU: "process_cpu_seconds_total", Shape::Counter, [], "seconds",
        "CPU time that this process has used, user and system (Linux).";
    ["gen_ai_client_"]
    GEN_AI_USAGE: "token_usage", Shape::Histogram(GEN_AI_COUNTS),
        [
            GEN_AI_OPERATION,
            GEN_AI_PROVIDER,
            GEN_AI_MODEL,
            Label { name: "gen_ai_token_type", values: Values::Closed(GEN_AI_TOKENS) }
        ], "tokens",
        "Number of input and output tokens used, a sample a call (OpenTelemetry's gen_ai.client.token.usage).";
    GEN_AI_TIME: "operation_duration_seconds", Shape::Histogram(GEN_AI_SECONDS),
        [GEN_AI_OPERATION, GEN_AI_PROVIDER, GEN_AI_MODEL, ERROR_TYPE], "seconds",
        "GenAI operation duration (OpenTelemetry's gen_ai.client.operation.duration).";
}
