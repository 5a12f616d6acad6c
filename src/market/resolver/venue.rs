//! Which venues of Coinalyze a file may mean, and which stand in for others.

use crate::market::venue;
pub use crate::market::venue::{VENUES, Venue, coded};

/// Codes of the venues that stand in for another one, the most liquid first.
///
/// Only venues with perpetuals margined in dollars on hundreds of coins: what a venue says about a coin is a measure of
/// the coin where many positions are open. The order is that of open interest in such perpetuals over all coins, as
/// public rankings had it in 2025 (Binance, then Bybit, then OKX, Gate and Hyperliquid close to each other, then HTX).
/// A ranking changes; as the venue stands on every row, an old order makes a row less telling and never untrue.
pub const BY_LIQUIDITY: [&str; 6] = ["A", "6", "3", "Y", "H", "4"];

/// The venue that a file means; `None` where Coinalyze does not know it.
#[must_use]
pub fn of(exchange: &str) -> Option<&'static Venue> {
    venue::find(exchange).filter(|venue| !venue.code.is_empty())
}

/// Its place among the stand-ins; `None` where it is none.
pub(super) fn liquidity(code: &str) -> Option<usize> {
    BY_LIQUIDITY.iter().position(|known| *known == code)
}
