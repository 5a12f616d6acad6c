//! Tests of the whole program through its public surface, on the real services.

mod clickhouse;
mod clickhouse_rows;
mod embedded_front;
mod embedded_kafka;
mod embedded_services;
mod engine;
mod facts;
mod lexicon;
mod wire;
