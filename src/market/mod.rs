//! Markets: the science of candles and of what derivatives say, without I/O and without a clock.
//!
//! Everything here follows from its arguments. Prices are in the quote currency, amounts in US dollars where a name says
//! so, rates of funding in percent.

pub mod contexts;
pub mod plan;
pub mod resolver;
