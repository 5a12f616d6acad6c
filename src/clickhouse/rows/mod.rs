//! Rows: what the tables are told of the model. One file a table; fields have the names of the columns.
//!
//! Rows borrow from the model they are made of: a batch is decoded once and its texts are copied only onto the wire.
//! Conversions never fail: what a column cannot hold is clamped to what it can (`cells.rs`).

mod analysis;
mod answer;
mod article;
mod candle;
mod cells;
mod context;
mod dead_letter;
mod evaluation;
mod event;
mod job;
mod record;
mod run;
mod series;
mod session;
mod signal;
mod spend;

pub use analysis::AnalysisRow;
pub use answer::AnswerRow;
pub use article::ArticleRow;
pub use candle::CandleRow;
pub use cells::{Bytes, Moment, Money};
pub use context::ContextRow;
pub use dead_letter::{DeadLetterActionRow, DeadLetterRow};
pub use evaluation::EvaluationRow;
pub use event::EventRow;
pub use job::{ChartRow, JobRow};
pub use record::RecordRow;
pub use run::RunRow;
pub use series::{InstrumentRow, SeriesRow};
pub use session::SessionRow;
pub use signal::SignalRow;
pub use spend::SpendRow;
