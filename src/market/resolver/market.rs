//! Rows of `/future-markets` (`wire-formats.md` 1.3).
//!
//! Tolerant: a row that cannot be used costs nobody else anything, and fields that are not needed are not read.

use serde::Deserialize;
use serde_json::value::RawValue;

/// Markets that are kept; the service has some five thousand.
pub const MARKETS_MAX: usize = 50_000;
/// The longest name in bytes that is believed.
const NAME_BYTES_MAX: usize = 64;

/// A derivatives market.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Market {
    /// By which it is asked for, such as `BTCUSDT_PERP.A`. Only taken from here, never built.
    pub symbol: String,
    /// The venue's code.
    pub exchange: String,
    /// As the venue writes it.
    #[serde(default)]
    pub symbol_on_exchange: String,
    /// Such as `1000PEPE`.
    pub base_asset: String,
    /// Such as `USDT`.
    #[serde(default)]
    pub quote_asset: String,
    /// It never ends.
    pub is_perpetual: bool,
    /// `STABLE` or `COIN`.
    #[serde(default)]
    pub margined: String,
    /// `BASE_ASSET` or `QUOTE_ASSET`: what amounts are in where they are not converted.
    #[serde(default, rename = "oi_lq_vol_denominated_in")]
    pub denominated_in: String,
    /// Whether there is a ratio of long to short accounts. Asked for where the row does not say.
    #[serde(default = "yes", rename = "has_long_short_ratio_data")]
    pub has_long_short_ratio: bool,
}

fn yes() -> bool {
    true
}

impl Market {
    /// The rows of an answer that can be used, [`MARKETS_MAX`] at most.
    ///
    /// # Errors
    /// It is no list.
    pub fn read_all(body: &[u8]) -> Result<Vec<Self>, serde_json::Error> {
        let rows: Vec<&RawValue> = serde_json::from_slice(body)?;
        let read = rows.iter().filter_map(|row| serde_json::from_str(row.get()).ok());
        Ok(read.filter(Self::is_usable).take(MARKETS_MAX).collect())
    }

    fn is_usable(&self) -> bool {
        let is_name = |name: &str| {
            (1..=NAME_BYTES_MAX).contains(&name.len()) && !name.contains(|c: char| c.is_control() || c.is_whitespace())
        };
        // Symbols are sent separated by commas.
        is_name(&self.symbol) && !self.symbol.contains(',') && is_name(&self.exchange) && is_name(&self.base_asset)
    }

    /// Margined in dollars, as far as the row says.
    pub(super) fn is_stable(&self) -> bool {
        self.margined != "COIN"
    }
}
