//! The sink hop: what every other hop wrote becomes rows.
//!
//! Rows are written until ClickHouse has them, and only then are the offsets committed. A crash in between writes them
//! again; their identity makes that invisible in the reading views. A row that ClickHouse refuses for what it is goes
//! to the dead letters of the topic that it came from, and the rows beside it pass.

mod direct;
mod facts;
mod rows;

pub use direct::{DirectSink, Landings, Replayed};
pub use facts::{Codecs, Fact, Facts};
pub use rows::ClickHouseSink;
