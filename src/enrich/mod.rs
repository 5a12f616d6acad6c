//! The enrich hop: what an analyzer says about each article of a batch, and what derivatives say about each market.

mod articles;
pub mod content;
mod findings;
pub mod lexicon;
pub mod market;
pub mod paid;
pub mod recall;
pub mod validation;
pub mod worth;

pub use articles::ByLexicon;
pub use paid::Setup;
