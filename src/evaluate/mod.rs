//! Were the signals right? What prices did after each signal, and how much of that the signals knew.
//!
//! ```text
//! signals ──pricing──► markets ──candles──► outcomes ──report──► findings by strategy, analyzer, model, …
//!                                 (outcome)            (tally, resample)
//! ```
//! Everything but [`gather`] and [`stored`] is pure.
//!
//! # What a signal is measured on
//! A market's signal on its own market. An article's on the market of its main asset in which the most dollars were traded
//! in the evaluated time; an article about no asset on that of BTC ([`pricing`]). Of a market's intervals the finest one
//! that has the outcome counts. The entry is the open of the first bar that opens at or after `available_at`, the exit
//! the close of the last bar that ends by entry + horizon: nothing that was known before the signal was is used, and no
//! later bar changes an outcome ([`outcome`]).
//!
//! # What is said of them
//! With `up` a forward return above 0 and `down` one below (an unchanged price proves nobody right):
//! * hit rate: bullish signals that were followed by `up` and bearish ones by `down`, of all that say a direction;
//! * by chance: the hit rate of the same calls dealt at random, `P(bullish)·P(up) + P(bearish)·P(down)`, the reference of
//!   the Heidke score (Wilks, *Statistical Methods in the Atmospheric Sciences*, 4th ed., ch. 9); `edge` is what is above it;
//! * always long: the share of `up`, which whoever is always bullish hits;
//! * rank IC: Spearman's correlation of score and return, over every signal that has an outcome, neutral ones too;
//! * Brier score of the stated probability of `up`, with Murphy's reliability, resolution and uncertainty
//!   ([`tally::Brier`]).
//!
//! The stated probability is `½ ± ½·confidence`, upwards for bullish signals: no confidence is a coin toss, and a
//! confidence of 1 is certainty. Neutral signals state none: they are counted, and left out of hit rate and Brier score.
//!
//! # Why blocks
//! Signals of one day share its market, and horizons overlap, so signals are not independent (Hansen and Hodrick, JPE
//! 1980). Intervals are those of a circular block bootstrap over time ([`resample`]).
//!
//! # What it does not know
//! Costs, and whether anybody could have traded at these prices. A market's signal is scored again as contexts come, under
//! the same `available_at`: what derivatives said in the minutes after its chart is in it. And ranks are pooled over all
//! times and markets: a rank IC says whether higher scores had higher returns, not whether that held on each day.
//!
//! # Why no statistics crate
//! What is needed is ranks, sums and one loop of drawing; `statrs` has none of rank correlation, Brier's partition or
//! block resampling, and would bring linear algebra along.
//!
//! Missing is said: signals without a price, and those whose horizon is not over, are counted and never taken as zero.
//! Returns are shares (0.01 is 1 %), times are UTC milliseconds.

pub mod gather;
pub mod outcome;
pub mod picture;
pub mod pricing;
pub mod rank;
pub mod report;
pub mod resample;
pub mod stored;
pub mod tally;

pub use gather::{Asked, Unmeasured, evaluate};
pub use outcome::{Bar, Outcome};
pub use report::{By, Counts, Evaluation, Finding, Judged, Statistics};
pub use resample::{Range, Resampling};
