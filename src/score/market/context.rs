//! Readings of derivatives data that the strategies share, within −1…1; `None` where what they need is missing. The
//! hypotheses behind them, and their sources, stand at the [`Parameters`] that measure them.

use crate::model::MarketContext;

use super::Parameters;
use super::reading::{quotient, signed_ramp};

/// How dearly longs (positive) or shorts (negative) pay for their side.
pub(super) fn crowding(context: Option<&MarketContext>, parameters: &Parameters) -> Option<f64> {
    let excess = context?.funding_rate? - parameters.funding_baseline;
    Some(signed_ramp(excess, parameters.funding_excess_from, parameters.funding_excess_full))
}

/// How far accounts lean to the long (positive) or the short side. A ratio of 2 leans as far as one of ½ does.
pub(super) fn lean(context: Option<&MarketContext>, parameters: &Parameters) -> Option<f64> {
    let ratio = context?.long_short_ratio.filter(|ratio| *ratio > 0.0)?;
    let from = parameters.long_short_from.max(1.0).ln();
    Some(signed_ramp(ratio.ln(), from, parameters.long_short_full.max(1.0).ln()))
}

/// Positions opened (positive) or closed within the day.
pub(super) fn growth(context: Option<&MarketContext>, parameters: &Parameters) -> Option<f64> {
    Some(signed_ramp(context?.open_interest_change?, 0.0, parameters.open_interest_change_full))
}

/// What growth says of a move: for it where positions are opened, less against it where they are closed.
pub(super) fn confirmation(context: Option<&MarketContext>, parameters: &Parameters) -> Option<f64> {
    let unwinding = parameters.open_interest_unwind_weight.clamp(0.0, 1.0);
    growth(context, parameters).map(|growth| if growth < 0.0 { growth * unwinding } else { growth })
}

/// Forced buying (shorts liquidated, positive) less forced selling, as a share of all that is open.
pub(super) fn forced(context: Option<&MarketContext>, parameters: &Parameters) -> Option<f64> {
    let context = context?;
    let open = context.open_interest_usd.filter(|open| *open > 0.0)?;
    let share = quotient(context.liquidations_short_usd? - context.liquidations_long_usd?, open);
    Some(signed_ramp(share, 0.0, parameters.liquidations_share_full))
}
