//! The ClickHouse end: rows that are inserted until they are there, migrations, and a few look-ups.
//!
//! ```text
//! model ──rows──► Store::insert_all ──decision──► inserted | retried | isolated as poison
//! schemas/clickhouse/*.sql ──► Store::migrate, Store::check
//! *_v views ──► Store::sessions, Store::summary, Store::answers, Store::market_signals, Store::newest_candles;
//!             questions/ ──► the API
//! ```
//!
//! # Why repeated inserts are harmless
//! A window that closes by time re-forms differently after a crash, so no token of a block can tell a repeated row.
//! Identity belongs to the row: every table is a `ReplacingMergeTree` whose sort key is the identity of its rows, and
//! readers use the views (`signals_v`), which read `FINAL`. The same rows may be inserted any number of times.
//!
//! Invariants: a row given to [`Store::insert_all`] is in its table or in the returned list when it returns. No block
//! is larger than [`insert::BLOCK_ROWS_MAX`] rows, so that an insert is atomic. The `clickhouse` crate is named only here.

mod answers;
mod backoff;
mod candles;
mod check;
mod decision;
pub mod insert;
mod letters;
mod lookup;
mod markets;
mod migrate;
mod migrations;
pub mod questions;
pub mod rows;
mod runs;
mod series;
mod settings;
mod standing;
mod store;
mod summary;
mod table;

pub use candles::Wanted;
pub use check::{Migration, Report, State};
pub use decision::{Decision, Failure, known_codes};
pub use insert::{Observer, Poisoned};
pub use letters::{Action, DeadLetterBody, DeadLetterFilter, DeadLetterState, LastAttempt};
pub(crate) use lookup::dollars;
pub use lookup::{Payer, SessionState};
pub use markets::{MarketSignal, MarketSignals};
pub use migrate::{Applied, Unmigrated};
pub use runs::{Difference, KIND_LIVE, KIND_REPLAY, RunState};
pub use series::StoredSeries;
pub use settings::{Settings, Unusable};
pub use standing::{Letters, SessionCounts, Spent};
pub use store::Store;
pub use summary::{Board, Screened, Spending, Strongest, Summary};
pub use table::{Stored, Table};
