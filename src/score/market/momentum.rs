//! Momentum: the trend goes on.
//!
//! Sources: cryptocurrency returns show strong time-series momentum (Liu and Tsyvinski, "Risks and Returns of
//! Cryptocurrency", RFS 34(6), 2021), and Bitcoin's are predictable by the ratio of its price to its moving averages
//! (Detzel, Liu, Strauss, Zhou and Zhu, "Learning and predictability via technical analysis", Financial Management
//! 50(1), 2021). Against it: small and illiquid coins reverse from day to day, and only the largest go on ("Up or down?
//! Short-term reversal, momentum, and liquidity effects in cryptocurrency markets", IRFA, 2021).
//!
//! * trend: direction · strength. Direction is the plain mean of five: close over EMA 20, EMA 20 over EMA 50, the MACD
//!   histogram, its change, and the RSI's side of 50. Strength grows with ADX.
//! * volume: body of the last bar · volume above its mean.
//! * pattern: patterns of the last bars.
//! * open interest: trend · growth; what is closed counts half.
//! * funding, long/short: against the crowded side.
//! * liquidations: with the forced side: shorts that must buy lift the price.

use crate::model::{Chart, MarketContext};

use super::reading::{body, mean, patterns, quotient, ramp, signed_ramp};
use super::{Components, Parameters, context as derivatives};

/// Assumption, to be evaluated: the trend decides, and what confirms it is worth more than what warns. The trend weighs
/// more than open interest, which its direction multiplies: that keeps the score monotone.
pub(super) const WEIGHTS: Components<f64> = Components {
    trend: 0.40,
    volume: 0.15,
    pattern: 0.10,
    open_interest: 0.15,
    funding: 0.10,
    long_short: 0.05,
    liquidations: 0.05,
};

const _: () = assert!(WEIGHTS.trend >= WEIGHTS.open_interest, "the score would not be monotone");

pub(super) fn views(
    chart: &Chart,
    context: Option<&MarketContext>,
    parameters: &Parameters,
) -> Components<Option<f64>> {
    let trend = trend(chart, parameters);
    let volume =
        chart.volume_ratio.map(|ratio| body(chart) * ramp(ratio, parameters.volume_from, parameters.volume_full));
    let confirmation = derivatives::confirmation(context, parameters);
    Components {
        trend,
        volume,
        pattern: patterns(chart, parameters.pattern_bars, parameters, |_| 1.0),
        open_interest: trend.zip(confirmation).map(|(trend, confirmation)| trend * confirmation),
        funding: derivatives::crowding(context, parameters).map(|crowding| -crowding),
        long_short: derivatives::lean(context, parameters).map(|lean| -lean),
        liquidations: derivatives::forced(context, parameters),
    }
}

fn trend(chart: &Chart, parameters: &Parameters) -> Option<f64> {
    let (now, before) = (&chart.indicators, &chart.before);
    let distance = |part: Option<f64>, full| Some(signed_ramp(quotient(part?, now.atr14?), 0.0, full));
    let over = |upper: Option<f64>, lower: Option<f64>| upper.zip(lower).map(|(upper, lower)| upper - lower);
    let direction = mean([
        distance(over(Some(chart.last.close), now.ema20), parameters.mean_distance_full_atr),
        distance(over(now.ema20, now.ema50), parameters.mean_distance_full_atr),
        distance(now.macd_hist, parameters.macd_full_atr),
        distance(over(now.macd_hist, before.macd_hist), parameters.macd_change_full_atr),
        now.rsi14.map(|rsi| signed_ramp(rsi - 50.0, 0.0, parameters.rsi_regime_full)),
    ])?;
    let weak = parameters.adx_weak_share.clamp(0.0, 1.0);
    // A strength that is not known yet is not claimed.
    let strength = now.adx14.map_or(0.0, |adx| ramp(adx, parameters.adx_weak, parameters.adx_strong));
    Some(direction * (weak + (1.0 - weak) * strength))
}
