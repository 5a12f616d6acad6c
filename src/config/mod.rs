//! The configuration: one TOML file, every key overridable by an environment variable, secrets by the environment
//! alone.
//!
//! `articles.batch_size` of the file is `SIGNALMILL__ARTICLES__BATCH_SIZE` in the environment. The value of a variable is
//! read as TOML where it is TOML (`5`, `true`, `["en", "de"]`), as text otherwise, and as a list where `a,b` is set for
//! one; an empty one unsets a key that can be unset. Unknown keys and variables are errors that name the nearest known
//! key, and a load tells all its errors at once.
//!
//! Invariants: a loaded [`Config`] obeys every rule of the table; a [`Secret`] prints as `***`; no error repeats a
//! secret, a line of the file or the value of an unknown key. This module is the only one that reads environment
//! variables.

mod choice;
mod entries;
mod environment;
mod leaf;
mod load;
mod problem;
mod secret;
mod sections;
mod source;
#[cfg(test)]
mod tests;
mod units;
mod value;
mod visit;

pub use choice::{Action, HttpUrl, Mechanism, Protocol, Provider, Rung};
pub use entries::Entry;
pub use environment::Environment;
pub use problem::{Problem, Problems};
pub use secret::{REDACTED, REDACTED_BYTES_MIN, Secret, Token};
pub use sections::{
    Analysis, Api, Articles, Breaker, Budget, ClickHouse, Coinalyze, Config, DeadLetters, Flow, Kafka, Limits, Llm,
    Market, Metrics, Retry, SchemaRegistry, Security, Sink, Tavily,
};
pub use units::Bytes;

/// Names the configuration file.
pub const FILE_VARIABLE: &str = "SIGNALMILL_CONFIG";

/// What the variables of keys start with.
const PREFIX: &str = "SIGNALMILL__";
/// What stands in a variable for the dot of a path.
const SEPARATOR: &str = "__";

/// A variable of the service that the analysis part replaces.
struct Alias {
    variable: &'static str,
    key: &'static str,
    /// A bare number is in seconds.
    seconds: bool,
}

/// They set their keys where no `SIGNALMILL__…` does.
const ALIASES: &[Alias] = &[
    Alias { variable: "ANALYSIS_WORKER_BATCH_SIZE", key: "analysis.batch_size", seconds: false },
    Alias { variable: "BACKGROUND_ANALYSIS_THRESHOLD", key: "analysis.immediate_candles_max", seconds: false },
    Alias { variable: "ANALYSIS_HEALTH_CHECK_INTERVAL", key: "analysis.health_check_interval", seconds: true },
    Alias { variable: "ANALYSIS_METRICS_PUBLISH_INTERVAL", key: "analysis.metrics_publish_interval", seconds: true },
];
