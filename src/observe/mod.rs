//! What can be seen from outside: metrics, logs, health.
//!
//! [`TABLE`] is the one list of metrics. Callers never write a metric's name: they hold typed handles
//! ([`StageMetrics`], [`HopMetrics`], [`ProviderMetrics`] and the like) that were looked up once. No label has
//! unbounded values: stages, hops, topics, tables and reasons are named by the code and the configuration, never by data.
//!
//! # Why
//! Handles belong to a recorder of the process that exists from the first use, not to one that somebody must install
//! first: a handle can then never be silently dead, and tests see what they count.

mod analysis;
mod handles;
mod health;
mod http;
mod logs;
mod process;
mod registry;
mod requests;
mod share;
mod spending;
mod table;
#[cfg(test)]
mod tests;

pub use analysis::{AnalysisMetrics, Taken, analysis};
pub use handles::{
    CircuitMetrics, HopMetrics, StageMetrics, WindowMetrics, circuit, dead_letter, hop, inserted, sink, stage, window,
};
pub use health::{Component, Health, Kind, Report, State};
pub use http::{breakers, live, metrics, ready, render, router, serve, whole};
pub use logs::{Error as LogError, Format as LogFormat, init as init_logs};
pub use requests::{HttpMetrics, http};
pub use spending::{
    BacklogMetrics, Breaker, BudgetMetrics, GenAiMetrics, HoldMetrics, JournalMetrics, ProviderMetrics, QuotaMetrics,
    SpendMetrics, backlog, budget, gen_ai, holds, journal, provider, quota, spend,
};
pub use table::{Label, Metric, Shape, TABLE, Values};
