//! Breakout: the price leaves its range. Without a break, of a barrier by the last bar or of a formation within the
//! last bars, everything is neutral: derivatives alone break nothing.
//!
//! Sources: trading-range breaks were followed by returns that four null models do not explain on 90 years of the Dow
//! Jones (Brock, Lakonishok and others, "Simple technical trading rules and the stochastic properties of stock
//! returns", JF 47, 1992; studies since disagree on whether it lasted). Closes outside the Bollinger bands are at first
//! signals of continuation (Bollinger's rules, number 8). Volume and past returns together predict returns of
//! cryptocurrencies (Bianchi and Dickerson, "Trading Volume in Cryptocurrency Markets", 2019).
//!
//! * trend: the break: a level or trendline that lies between open and close, and how far the close stands outside the
//!   bands; less where the bands before it were wide.
//! * pattern: formations complete within the last bars, which is when their line broke.
//! * volume: direction of the break · body of the last bar along it · volume above its mean.
//! * open interest: direction · growth; what is closed counts half.
//! * funding, long/short: against the crowded side, as far as something broke.
//! * liquidations: with the forced side, as far as something broke.
//!
//! The chart holds the last bar only, so a break is seen on the bar that makes it: these markets have no sessions, and
//! a bar opens where the one before closed.

use crate::model::{Chart, Level, MarketContext, Trendline};

use super::reading::{body, is_of_candles, patterns, quotient, ramp};
use super::{Components, Parameters, context as derivatives};

/// Assumption, to be evaluated: the break decides, and volume and formations tell a true one from a false one.
pub(super) const WEIGHTS: Components<f64> = Components {
    trend: 0.35,
    volume: 0.20,
    pattern: 0.20,
    open_interest: 0.10,
    funding: 0.05,
    long_short: 0.03,
    liquidations: 0.07,
};

pub(super) fn views(
    chart: &Chart,
    context: Option<&MarketContext>,
    parameters: &Parameters,
) -> Components<Option<f64>> {
    let broken = broken(chart, parameters);
    let pattern = patterns(chart, parameters.break_pattern_bars, parameters, |pattern| {
        // Candles break no line.
        if is_of_candles(chart, pattern) { 0.0 } else { 1.0 }
    });
    // Which way, and how surely, something broke; `None` where nobody could look.
    let direction = (broken.is_some() || pattern.is_some())
        .then(|| (broken.unwrap_or(0.0) + pattern.unwrap_or(0.0)).clamp(-1.0, 1.0));
    let as_far_as_broken = |view: Option<f64>| direction.zip(view).map(|(direction, view)| direction.abs() * view);
    // A bar that goes the other way confirms nothing, however much was traded in it.
    let volume = direction.zip(chart.volume_ratio).map(|(direction, ratio)| {
        let along = (body(chart) * direction.signum()).max(0.0);
        direction * along * ramp(ratio, parameters.break_volume_from, parameters.break_volume_full)
    });
    let confirmation = derivatives::confirmation(context, parameters);
    Components {
        trend: broken,
        volume,
        pattern,
        open_interest: direction.zip(confirmation).map(|(direction, confirmation)| direction * confirmation),
        funding: as_far_as_broken(derivatives::crowding(context, parameters).map(|crowding| -crowding)),
        long_short: as_far_as_broken(derivatives::lean(context, parameters).map(|lean| -lean)),
        liquidations: as_far_as_broken(derivatives::forced(context, parameters)),
    }
}

fn broken(chart: &Chart, parameters: &Parameters) -> Option<f64> {
    let (now, before) = (&chart.indicators, &chart.before);
    let atr = now.atr14?;
    let crossing = barriers(chart)
        .map(|(price, confidence)| crossing(chart, price, atr, parameters) * confidence.clamp(0.0, 1.0))
        // A bar crosses one way only, so the largest is the surest.
        .fold(0.0, |surest: f64, crossing| if crossing.abs() > surest.abs() { crossing } else { surest });
    let beyond = |distance: f64| ramp(quotient(distance, atr), 0.0, parameters.break_full_atr);
    let exit = now
        .bb_upper
        .zip(now.bb_lower)
        .map_or(0.0, |(upper, lower)| beyond(chart.last.close - upper) - beyond(lower - chart.last.close));
    let squeeze = before.bb_upper.zip(before.bb_lower).zip(before.atr14).map_or(0.0, |((upper, lower), atr)| {
        1.0 - ramp(quotient(upper - lower, atr), parameters.squeeze_on_atr, parameters.squeeze_off_atr)
    });
    let loose = parameters.squeeze_loose_share.clamp(0.0, 1.0);
    Some((crossing + exit).clamp(-1.0, 1.0) * (loose + (1.0 - loose) * squeeze))
}

/// Prices that may break, each with its confidence.
fn barriers(chart: &Chart) -> impl Iterator<Item = (f64, f64)> {
    let level = |level: &Level| (level.price, level.confidence);
    let line = |line: &Trendline| (line.to.price, line.confidence);
    chart.levels.iter().map(level).chain(chart.trendlines.iter().map(line))
}

/// Whether the last bar opened on one side of a price and closed on the other, and how far beyond.
fn crossing(chart: &Chart, price: f64, atr: f64, parameters: &Parameters) -> f64 {
    let (open, close) = (chart.last.open, chart.last.close);
    let sign = if open <= price && price < close {
        1.0
    } else if open >= price && price > close {
        -1.0
    } else {
        return 0.0;
    };
    let at_all = parameters.break_cross_share.clamp(0.0, 1.0);
    let far = ramp(quotient((close - price).abs(), atr), 0.0, parameters.break_full_atr);
    sign * (at_all + (1.0 - at_all) * far)
}
