//! Tests of the whole program through its public surface, on the real services.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, also in its shared parts")]
#![expect(clippy::disallowed_methods, reason = "tests find their data and their tools by the environment")]

mod clickhouse;
mod clickhouse_rows;
mod embedded_front;
mod embedded_kafka;
mod embedded_services;
mod engine;
mod facts;
mod lexicon;
mod wire;
