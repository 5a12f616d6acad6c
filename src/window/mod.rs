//! The window hop: raw records become clean articles, and articles become batches that are analysed together.

mod articles;
mod clean;
mod market;
mod recent;
mod text;

pub use articles::{ArticleWindow, Settings as WindowSettings};
pub use clean::{Clean, Settings as CleanSettings};
pub use market::{MarketWindow, ReadMarket, Settings as MarketWindowSettings};
pub(crate) use text::{clean_url, prepare};
