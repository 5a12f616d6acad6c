//! The pane of prices: its scale, the candles, and the means and bands around them.

use super::PRICE;
use super::bars::{Bars, PRICE_MAX};
use super::figures;
use super::marks;
use super::patterns;
use super::scale::Scale;
use super::scene::{Anchor, Role, Scene, Shape, Spot, Style};
use super::tags::{self, Tag};
use crate::model::Chart;

/// Room above the highest and below the lowest price, in pixels.
const ROOM: f64 = 18.0;
/// From one mark of the axis to the next.
const MARKS_APART: f64 = 42.0;
/// What lies outside the candles may make their part of the pane so much smaller, not more.
const STRETCH_MAX: f64 = 1.6;
/// A bar in so many may be a spike: without those, the others fill the pane.
const SPIKE_BARS: usize = 100;
/// Spikes are cut where the range without them is so many times smaller.
const SPIKE_TIMES: f64 = 6.0;
/// Room around the range without spikes, as a share of it.
const SPIKE_ROOM: f64 = 0.15;
/// Cut bars that are named with their price.
const SPIKES_NAMED_MAX: usize = 4;

/// The pane with all that is in it.
pub(super) fn draw(scene: &mut Scene, bars: &Bars<'_>, chart: &Chart) {
    let Some(last) = bars.shown().last() else { return };
    let (low, high) = range(bars, chart);
    let scale = Scale::new(low, high, &PRICE, ROOM, ROOM);
    let step = scale.step(MARKS_APART);
    let axis: Vec<f64> = scale.marks(step, &PRICE);
    let lines = axis.iter().map(|mark| {
        let y = crisp(scale.y(*mark));
        vec![Spot { x: PRICE.left, y }, Spot { x: PRICE.right, y }]
    });
    scene.lines(Role::Grid, 1.0, lines.collect());
    bands(scene, bars, &scale);
    candles(scene, bars, &scale);
    let y = |value: f64| scale.y(value);
    scene.lines(Role::Sma200, 1.4, bars.line(&PRICE, y, |at| at.sma200));
    scene.lines(Role::Ema50, 1.4, bars.line(&PRICE, y, |at| at.ema50));
    scene.lines(Role::Ema20, 1.4, bars.line(&PRICE, y, |at| at.ema20));
    let mut tags = marks::levels(scene, bars, &scale, step, &chart.levels);
    let role = if last.close >= last.open { Role::Up } else { Role::Down };
    let at = crisp(scale.y(last.close));
    let line = vec![Spot { x: PRICE.left, y: at }, Spot { x: PRICE.right, y: at }];
    let shape = Shape::Lines { lines: vec![line], width: 1.0, dash: Some((1.0, 2.0)) };
    scene.tell(role, shape, "last", String::new());
    tags.push(Tag { y: at, text: figures::price(last.close, step), role, is_filled: true });
    marks::trendlines(scene, bars, &scale, &chart.trendlines);
    patterns::draw(scene, bars, &scale, &chart.patterns);
    spikes(scene, bars, &scale, step);
    let axis: Vec<_> = axis.into_iter().map(|mark| (scale.y(mark), figures::on_axis(mark, step))).collect();
    tags::draw(scene, &PRICE, &axis, tags);
}

/// The middle of the pixel that a height lies in, where a line one pixel wide is sharp.
pub(super) fn crisp(y: f64) -> f64 {
    y.floor() + 0.5
}

/// From the lowest to the highest price of the pane.
fn range(bars: &Bars<'_>, chart: &Chart) -> (f64, f64) {
    let shown = bars.shown();
    let mut lows: Vec<f64> = shown.iter().map(|candle| candle.low).collect();
    let mut highs: Vec<f64> = shown.iter().map(|candle| candle.high).collect();
    lows.sort_by(f64::total_cmp);
    highs.sort_by(|a, b| b.total_cmp(a));
    let aside = shown.len() / SPIKE_BARS;
    let (Some(mut low), Some(mut high)) = (lows.first().copied(), highs.first().copied()) else {
        return (0.0, 1.0);
    };
    if let (Some(inner_low), Some(inner_high)) = (lows.get(aside), highs.get(aside))
        && *inner_high > *inner_low
        && high - low > SPIKE_TIMES * (inner_high - inner_low)
    {
        let room = SPIKE_ROOM * (inner_high - inner_low);
        let closes = shown.last().map_or((*inner_low, *inner_high), |last| (last.close, last.close));
        (low, high) = (low.max(inner_low - room).min(closes.0), high.min(inner_high + room).max(closes.1));
    }
    let span_max = STRETCH_MAX * (high - low);
    let indicators = bars.indicators[bars.first..].iter();
    let of_bands = indicators.flat_map(|at| [at.bb_lower, at.bb_upper]).flatten();
    let of_levels = chart.levels.iter().map(|level| level.price);
    let of_lines = chart.trendlines.iter().flat_map(|line| [line.to.price, line.from.price]);
    let of_patterns = chart.patterns.iter().flat_map(|pattern| &pattern.points).map(|point| point.price);
    for value in of_levels.chain(of_lines).chain(of_patterns).chain(of_bands).filter(|value| value.abs() <= PRICE_MAX) {
        let (lower, higher) = (low.min(value), high.max(value));
        if higher - lower <= span_max {
            (low, high) = (lower, higher);
        }
    }
    (low, high)
}

fn bands(scene: &mut Scene, bars: &Bars<'_>, scale: &Scale) {
    let y = |value: f64| scale.y(value).clamp(PRICE.top, PRICE.bottom);
    let mut outlines: Vec<Vec<Spot>> = Vec::new();
    let mut lower: Vec<Spot> = Vec::new();
    let mut upper: Vec<Spot> = Vec::new();
    let mut close = |upper: &mut Vec<Spot>, lower: &mut Vec<Spot>| {
        if upper.len() > 1 {
            outlines.push(upper.drain(..).chain(lower.drain(..).rev()).collect());
        }
        upper.clear();
        lower.clear();
    };
    for (bar, at) in (bars.first..).zip(&bars.indicators[bars.first..]) {
        let known = |value: Option<f64>| value.filter(|value| value.abs() <= PRICE_MAX);
        if let (Some(high), Some(low)) = (known(at.bb_upper), known(at.bb_lower)) {
            upper.push(Spot { x: bars.x(bar), y: y(high) });
            lower.push(Spot { x: bars.x(bar), y: y(low) });
        } else {
            close(&mut upper, &mut lower);
        }
    }
    close(&mut upper, &mut lower);
    if !outlines.is_empty() {
        scene.add(Role::BandFill, Shape::Fill(outlines));
    }
    let y = |value: f64| scale.y(value);
    scene.lines(Role::Band, 1.0, bars.line(&PRICE, y, |at| at.bb_upper));
    scene.lines(Role::Band, 1.0, bars.line(&PRICE, y, |at| at.bb_lower));
}

/// Wicks, then bodies over them.
fn candles(scene: &mut Scene, bars: &Bars<'_>, scale: &Scale) {
    let inside = |value: f64| scale.y(value).clamp(PRICE.top, PRICE.bottom);
    let wicks = bars.split(|bar, candle| Some(bars.block(bar, inside(candle.high), inside(candle.low), true)));
    let bodies = bars.split(|bar, candle| Some(bars.block(bar, inside(candle.open), inside(candle.close), false)));
    // Where a body is as narrow as its wick, the wick is paler, so that both are seen.
    let [up, down] =
        if bars.is_bodied() { [Role::Up, Role::Down] } else { [Role::UpFaint, Role::DownFaint] };
    for (kind, roles, blocks) in [("wick", [up, down], wicks), ("body", [Role::Up, Role::Down], bodies)] {
        for (role, blocks) in roles.into_iter().zip(blocks).filter(|(_, blocks)| !blocks.is_empty()) {
            scene.tell(role, Shape::Blocks(blocks), kind, String::new());
        }
    }
}

/// Marks where a bar leaves the pane, the farthest with their prices.
fn spikes(scene: &mut Scene, bars: &Bars<'_>, scale: &Scale, step: f64) {
    let mut found: Vec<(f64, f64, Spot, f64)> = Vec::new();
    for (bar, candle) in (bars.first..).zip(bars.shown()) {
        let x = bars.x(bar);
        if scale.y(candle.high) < PRICE.top {
            found.push((PRICE.top - scale.y(candle.high), candle.high, Spot { x, y: PRICE.top + 2.0 }, 1.0));
        }
        if scale.y(candle.low) > PRICE.bottom {
            found.push((scale.y(candle.low) - PRICE.bottom, candle.low, Spot { x, y: PRICE.bottom - 2.0 }, -1.0));
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    let arrow = |Spot { x, y }: Spot, down: f64| vec![
        Spot { x, y },
        Spot { x: x + 4.0 * down, y: y + 6.0 * down },
        Spot { x: x - 4.0 * down, y: y + 6.0 * down },
    ];
    if !found.is_empty() {
        let arrows = found.iter().map(|(_, _, tip, down)| arrow(*tip, *down)).collect();
        scene.tell(Role::Text, Shape::Fill(arrows), "beyond", "beyond the scale".to_owned());
    }
    for (_, price, tip, down) in found.into_iter().take(SPIKES_NAMED_MAX) {
        let is_right = tip.x > f64::midpoint(PRICE.left, PRICE.right);
        let (anchor, aside) = if is_right { (Anchor::End, -8.0) } else { (Anchor::Start, 8.0) };
        let at = Spot { x: tip.x + aside, y: tip.y + if down > 0.0 { 9.0 } else { -1.0 } };
        scene.text(Role::Text, Style::Small, anchor, at, figures::price(price, step));
    }
}
