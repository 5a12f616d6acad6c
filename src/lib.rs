//! signalmill: crypto news and market data from Kafka, as signals in ClickHouse.
//!
//! # The way of the data
//! ```text
//! producers ──► articles.raw ──window──► articles.batches ──enrich──► articles.analyses ──score──► signals
//!                    │                          │          ▲      ▲           │                       │
//!                    │                          │          ▼      ▼           │                       │
//!                    │                          │ articles.   spend.          │                       │
//!                    │                          │ deferred    ledger          │                       │
//!                    │ rejects                  └────────────────┴─────┬──────┴───────────────────────┘
//!                    ▼                                                 ▼
//!              <topic>.dlq ───────────────────────────────────────► sink ──► ClickHouse
//!                    ▲                                                 ▲
//!                    │ rejects                  ┌───────────────────┬──┴──────────────────────────────┐
//! producers ──► market.files ──window──► market.batches ──enrich──► market.contexts ──score──► signals
//!                                                             ▲
//!                                                             ▼
//!                                             market.pending, market.series ──► sink
//!
//! people ──► analysis.jobs ──analyze──► analysis.events ──► sink
//! ```
//! One binary runs every hop, or some of them. A hop is a consumer group; its stages keep no state on disk: what is
//! not committed is read again, and what the hops that ask providers must remember (who waits, what was spent or used of a
//! quota, what was learned) is in topics of its own.
//!
//! # The map
//! A module imports only what stands above it here; the hops do not see each other. `tests/it/tidy.rs` holds that.
//!
//! * [`model`]: nouns that cross a border between two hops; money, time, ids
//! * [`clock`], [`config`]: where time comes from; every key, its default and its rules
//! * [`observe`]: the metric table, logs, health
//! * [`wire`]: Avro and JSON, the schema registry, headers
//! * [`flow`]: the engine: batches, stages, windows, and the only source of offsets; names no vendor
//! * [`kafka`]: the ends of a hop at Kafka: the polling thread, transactions, topics
//! * [`clickhouse`]: rows, inserts, migrations, look-ups
//! * [`market`]: the science of candles and of what derivatives say about them, and the master feed; pure
//! * [`provider`]: the one door to services that cost money or are limited
//! * [`embedded`]: real Kafka and the ClickHouse engine on this machine, and stand-ins for what costs money, for the
//!   demo and the tests
//! * [`evaluate`]: whether the signals were right
//! * [`api`]: what is asked over HTTP, and the web page
//! * `window`, [`enrich`], `score`, `analyze`, `sink`: the hops
//! * [`pipeline`]: the program on one screen; [`supervise`]: keeps its hops running
//! * [`replay`]: reading history again, into a run of its own
//! * [`bare`]: the work of the hops without the engine, for `benches/`
//! * [`cli`]: the commands
//! * [`fuzzed`]: the parsers of what comes from outside, without the program around them, for `tests/fuzz/`
//!
//! # The laws
//! 1. Nothing is lost: an offset is committed only when what became of its record is durable
//!    ([`flow::Batch::land`] is the only source of [`flow::Offsets`]).
//! 2. Effectively once: Kafka to Kafka in transactions, read committed; rows have a deterministic identity, so that a
//!    repeated insert changes no answer of the reading views.
//! 3. settled + reserved ≤ limit, always and across crashes: no paid call leaves before its worst case is committed to
//!    the ledger, and a hold without an end counts in full ([`provider::book`] has the proof, and its one exception).
//! 4. Paid answers are kept: the same question is not paid for again ([`provider::journal`]).
//! 5. A budget has one owner: whoever owns the partition of `articles.batches` that its account is in; an owner that was
//!    replaced can commit nothing, hence spend nothing.
//! 6. Missing is said: a validation that could not be had is absent from its row; nothing invented is written as if it
//!    had been measured.
//! 7. Bounded: every queue, batch, body and wait has a named limit; a full queue pauses the source, never the poll.
//! 8. Degrade, reject, stop are three things: an item is marked, or waits; a poison record goes to `<topic>.dlq` as it
//!    was; a broken dependency stops the hop without a commit, and the hop resumes. So does a topic of which hardly anything
//!    can be read ([`flow::circuit`]).
//! 9. Time comes from a [`clock::Clock`]: every hop runs in simulated time in tests.

pub mod model;

pub mod clock;
pub mod config;
pub mod observe;
pub mod wire;

pub mod flow;

pub mod clickhouse;
pub mod embedded;
pub mod kafka;
pub mod market;
pub mod provider;

pub mod evaluate;

pub mod api;

mod analyze;
pub mod enrich;
mod score;
mod sink;
mod window;

#[doc(hidden)]
pub mod bare;
pub mod pipeline;
pub mod supervise;

pub mod replay;

pub mod cli;

#[doc(hidden)]
pub mod fuzzed;
