//! Reversal: the trend turns.
//!
//! Sources: cryptocurrencies overreact on all frequencies (Borgards and Czudaj, "The prevalence of price overreactions
//! in the cryptocurrency market", JIFMIM 65, 2020) and reverse from day to day, month to month, most where they are
//! small and illiquid (Kozlowski, Puleo and Zhou, "Cryptocurrency return reversals", Applied Economics Letters 28(11),
//! 2021). Formations such as head-and-shoulders and double bottoms carry some information (Lo, Mamaysky and Wang,
//! "Foundations of Technical Analysis", JF 55, 2000). Against it: prices can walk along a Bollinger band (his rule 7),
//! hence the damping in strong trends.
//!
//! * trend: exhaustion: the mean of RSI and stochastic beyond their extremes and the distance outside the Bollinger
//!   bands; damped by ADX.
//! * volume: shadow of the last bar against the move · volume above its mean, as far as there is something to turn.
//! * pattern: formations of the last bars that turn (flags, pennants, triangles and channels do not); less away from a
//!   level.
//! * open interest: exhaustion · what was closed within the day: positions given up.
//! * funding, long/short: against the crowded side.
//! * liquidations: against the forced side: who had to sell has sold.
//!
//! Divergences need two turning points of price and indicator, and a chart holds the indicators of two bars: none here.

use crate::model::{Chart, Direction, MarketContext, Pattern, Side};

use super::reading::{mean, patterns, quotient, ramp, rejection, signed_ramp};
use super::{Components, Parameters, context as derivatives};

/// Assumption, to be evaluated: exhaustion and a formation that turns decide together; of derivatives, what extremes of
/// positioning say counts more here than in the other strategies.
pub(super) const WEIGHTS: Components<f64> = Components {
    trend: 0.30,
    volume: 0.10,
    pattern: 0.25,
    open_interest: 0.05,
    funding: 0.12,
    long_short: 0.08,
    liquidations: 0.10,
};

/// Parts of the names of formations after which a trend goes on: they turn nothing.
const CONTINUATIONS: [&str; 4] = ["flag", "pennant", "triangle", "channel"];

pub(super) fn views(
    chart: &Chart,
    context: Option<&MarketContext>,
    parameters: &Parameters,
) -> Components<Option<f64>> {
    let exhaustion = exhaustion(chart, parameters);
    let pattern = patterns(chart, parameters.turn_pattern_bars, parameters, |pattern| fit(chart, pattern, parameters));
    let turn = (exhaustion.is_some() || pattern.is_some())
        .then(|| (exhaustion.unwrap_or(0.0) + pattern.unwrap_or(0.0)).clamp(-1.0, 1.0));
    let volume = chart
        .volume_ratio
        .map(|ratio| rejection(chart) * ramp(ratio, parameters.climax_volume_from, parameters.climax_volume_full));
    let closed = derivatives::growth(context, parameters).map(|growth| (-growth).max(0.0));
    Components {
        trend: exhaustion,
        volume: turn.zip(volume).map(|(turn, volume)| turn.abs() * volume),
        pattern,
        open_interest: exhaustion.zip(closed).map(|(exhaustion, closed)| exhaustion * closed),
        funding: derivatives::crowding(context, parameters).map(|crowding| -crowding),
        long_short: derivatives::lean(context, parameters).map(|lean| -lean),
        liquidations: derivatives::forced(context, parameters).map(|forced| -forced),
    }
}

/// How far a move has gone too far: positive after a fall.
fn exhaustion(chart: &Chart, parameters: &Parameters) -> Option<f64> {
    let now = &chart.indicators;
    let rsi = now.rsi14.map(|rsi| signed_ramp(50.0 - rsi, parameters.rsi_extreme_from, parameters.rsi_extreme_full));
    let stochastic = now
        .stoch_k
        .map(|k| signed_ramp(50.0 - k, parameters.stochastic_extreme_from, parameters.stochastic_extreme_full));
    let beyond = |distance: f64, atr: f64| ramp(quotient(distance, atr), 0.0, parameters.band_distance_full_atr);
    let bands = now
        .bb_upper
        .zip(now.bb_lower)
        .zip(now.atr14)
        .map(|((upper, lower), atr)| beyond(lower - chart.last.close, atr) - beyond(chart.last.close - upper, atr));
    let trend = now.adx14.map_or(0.0, |adx| ramp(adx, parameters.turn_adx_from, parameters.turn_adx_full));
    let damping = 1.0 - parameters.turn_trend_damping.clamp(0.0, 1.0) * trend;
    Some(mean([rsi, stochastic, bands])? * damping)
}

/// What a pattern is worth here, 0 to 1.
fn fit(chart: &Chart, pattern: &Pattern, parameters: &Parameters) -> f64 {
    if CONTINUATIONS.iter().any(|name| pattern.name.contains(name)) {
        0.0
    } else if is_at_level(chart, pattern.direction, parameters) {
        1.0
    } else {
        parameters.away_from_level_share.clamp(0.0, 1.0)
    }
}

/// Whether the last bar reached down to a support, or up to a resistance, on the side that the pattern turns from.
fn is_at_level(chart: &Chart, direction: Direction, parameters: &Parameters) -> bool {
    let (side, reached) = match direction {
        Direction::Bullish => (Side::Support, chart.last.low),
        Direction::Bearish => (Side::Resistance, chart.last.high),
        Direction::Neutral => return false,
    };
    let Some(atr) = chart.indicators.atr14 else { return false };
    let is_near = |price: f64| (reached - price).abs() <= parameters.level_distance_atr * atr;
    chart.levels.iter().any(|level| level.side == side && is_near(level.price))
        || chart.trendlines.iter().any(|line| line.side == side && is_near(line.to.price))
}
