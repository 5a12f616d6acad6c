//! Tests of the whole program through its public surface, on the real services.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, also in its shared parts")]
#![expect(clippy::disallowed_methods, reason = "tests find their data and their tools by the environment")]

mod alerts;
mod analysis;
mod analysis_api;
mod api;
mod api_articles;
mod api_market;
mod api_sessions;
mod asking;
mod audit;
mod bad_input;
mod behind;
mod clickhouse;
mod clickhouse_rows;
mod commands;
mod crash;
mod dashboards;
mod dead_letters;
mod demo;
mod deployment;
mod docs;
mod embedded_front;
mod embedded_kafka;
mod embedded_services;
mod engine;
mod evaluate;
mod facts;
mod flow_once;
mod fuzz;
mod keys;
mod lexicon;
mod market;
mod market_contexts;
mod mill;
mod outage;
mod page;
mod paid;
mod rebalance;
mod replay;
mod secrets;
mod security;
mod sessions;
mod stack;
mod summaries;
mod texts;
mod tidy;
mod wire;
