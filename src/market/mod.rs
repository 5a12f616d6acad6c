//! Market science: what a candle file holds, what its chart shows, what derivatives say about it, and the feed that tells
//! of it.
//!
//! Pure, except where the feed's file is written by name: bytes, candles and `now` in, facts out; nothing here knows a
//! clock or a vendor. Candles are strictly ascending by time. Prices are in the quote currency and volumes as the venue
//! gave them; every result is in the same unit unless it says otherwise. Distances in price are measured in average true
//! ranges (ATR) or as shares of the figure itself, never in percent, so that the same rule holds for a minute of a coin at
//! 0.00001 and for a week of one at 100,000. Distances in time are bars: a gap bends no line. Two laws hold everywhere.
//!
//! 1. No look-ahead: what is said of a bar is made from that bar and those before it, so a later bar never changes it. What
//!    needs later bars to be known says when it was known ([`swings::Swing::confirmed`],
//!    [`Pattern::confirmed_at`](crate::model::Pattern::confirmed_at)), and nothing is used before that. Levels and
//!    trendlines are those of the last bar.
//! 2. Missing is said: what is warming up, undefined (0/0) or beyond what a number can hold is `None`, never a number
//!    made up for it, and never NaN or infinity.

pub mod candles;
pub mod candlesticks;
pub mod chart;
pub mod contexts;
pub mod drawing;
pub mod feed;
pub mod findings;
pub mod formations;
pub mod indicators;
pub mod levels;
pub mod plan;
pub mod resolver;
pub mod swings;
pub mod trendlines;
pub mod venue;
pub mod volume;

#[cfg(test)]
mod drawn;
mod grade;
mod line;
mod prices;
#[cfg(test)]
pub(crate) mod samples;
