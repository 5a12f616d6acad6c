//! What a chart shows, by rules that are written as formulas: swing points, levels, trendlines and classic formations.
//!
//! Pure: no clock, no I/O, no settings; every limit is a constant with a name. Prices are in the quote currency.
//! Distances in price are measured in average true ranges (ATR) or as shares of the figure itself, never in percent, so
//! that the same rule holds for a minute of a coin at 0.00001 and for a week of one at 100,000. Distances in time are
//! bars: a gap bends no line.
//!
//! # No look-ahead
//! A bar's result never changes when later bars arrive. What needs later bars to be known says when it was known
//! ([`swings::Swing::confirmed`], [`Pattern::confirmed_at`](crate::model::Pattern::confirmed_at)), and nothing is used
//! before that. Levels and trendlines are those of the last bar.

pub mod formations;
pub mod levels;
pub mod swings;
pub mod trendlines;

mod grade;
mod line;

#[cfg(test)]
mod drawn;
