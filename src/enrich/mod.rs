//! The enrich hop: what an analyzer says about each article of a batch.

mod articles;
pub mod lexicon;
pub mod paid;

pub use articles::ByLexicon;
pub use paid::Setup;
