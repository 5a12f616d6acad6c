//! Market science: what a chart says (indicators, candlestick patterns, volume), and the feed that tells of it.
//!
//! Pure, except where the feed's file is written by name: candles in, numbers out; nothing here knows a clock or a
//! vendor. Two laws hold everywhere.
//!
//! 1. No look-ahead: what is said of a bar is made from that bar and those before it, so a later bar never changes it.
//! 2. Missing is said: what is warming up, undefined (0/0) or beyond what a number can hold is `None`, never a number
//!    made up for it, and never NaN or infinity.
//!
//! Candles are strictly ascending by time. Prices are in the quote currency and volumes as the venue gave them; every
//! result is in the same unit unless it says otherwise.

mod prices;
#[cfg(test)]
mod samples;

pub mod candlesticks;
pub mod feed;
pub mod indicators;
pub mod volume;
