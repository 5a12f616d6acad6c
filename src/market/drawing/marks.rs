//! Levels and trendlines over the candles.

use super::PRICE;
use super::bars::{Bars, PRICE_MAX};
use super::figures;
use super::price::crisp;
use super::scale::Scale;
use super::scene::{Role, Scene, Shape, Spot};
use super::tags::Tag;
use crate::model::{Level, Point, Side, Trendline};

/// Half the size of the mark at a turning point.
pub(super) const POINT_RADIUS: f64 = 2.5;

pub(super) fn role(side: Side) -> Role {
    match side {
        Side::Support => Role::Support,
        Side::Resistance => Role::Resistance,
    }
}

/// The place of a point, where its bar is there; of one before the first bar that is shown, where it would be.
pub(super) fn spot(bars: &Bars<'_>, scale: &Scale, point: &Point) -> Option<Spot> {
    let bar = bars.at(point.time)?;
    (point.price.abs() <= PRICE_MAX).then(|| Spot { x: bars.x(bar), y: scale.y(point.price) })
}

/// A confidence, 0 where it is no number.
pub(super) fn sound(confidence: f64) -> f64 {
    if confidence.is_finite() { confidence } else { 0.0 }
}

/// Whether a place is in the pane.
pub(super) fn is_inside(spot: Spot) -> bool {
    (PRICE.left..=PRICE.right).contains(&spot.x) && (PRICE.top..=PRICE.bottom).contains(&spot.y)
}

/// A line at each level, from its first turn on, and their tags. A level beyond the scale has its tag at the edge.
pub(super) fn levels(scene: &mut Scene, bars: &Bars<'_>, scale: &Scale, step: f64, levels: &[Level]) -> Vec<Tag> {
    let mut tags = Vec::new();
    for level in levels.iter().filter(|level| level.price.abs() <= PRICE_MAX) {
        let y = scale.y(level.price);
        let price = figures::price(level.price, step);
        if (PRICE.top..=PRICE.bottom).contains(&y) {
            let first = level.points.iter().find_map(|point| bars.at(point.time)).map(|bar| bars.x(bar));
            let x = first.unwrap_or(PRICE.left).clamp(PRICE.left, PRICE.right - 1.0);
            let line = vec![Spot { x, y: crisp(y) }, Spot { x: PRICE.right, y: crisp(y) }];
            let about =
                format!("{} {price}, {} turns, confidence {:.2}", level.side, level.points.len(), sound(level.confidence));
            let shape = Shape::Lines { lines: vec![line], width: 1.0, dash: Some((6.0, 4.0)) };
            scene.tell(role(level.side), shape, class(level.side, "level support", "level resistance"), about);
        }
        tags.push(Tag { y: y.clamp(PRICE.top, PRICE.bottom), text: price, role: role(level.side), is_filled: false });
    }
    tags
}

/// Each line from its first point to the last bar, and its turns.
pub(super) fn trendlines(scene: &mut Scene, bars: &Bars<'_>, scale: &Scale, trendlines: &[Trendline]) {
    // The most certain last, above the others.
    for line in trendlines.iter().rev() {
        let (Some(from), Some(to)) = (spot(bars, scale, &line.from), spot(bars, scale, &line.to)) else { continue };
        let Some((from, to)) = PRICE.clip(from, to) else { continue };
        let about =
            format!("{} trendline, {} turns, confidence {:.2}", line.side, line.points.len(), sound(line.confidence));
        let shape = Shape::Lines { lines: vec![vec![from, to]], width: 1.6, dash: None };
        scene.tell(role(line.side), shape, class(line.side, "trendline support", "trendline resistance"), about);
        let turns = line.points.iter().filter_map(|point| spot(bars, scale, point));
        let centres: Vec<Spot> = turns.filter(|turn| is_inside(*turn)).collect();
        if !centres.is_empty() {
            scene.add(role(line.side), Shape::Discs { centres, radius: POINT_RADIUS });
        }
    }
}

fn class(side: Side, support: &'static str, resistance: &'static str) -> &'static str {
    match side {
        Side::Support => support,
        Side::Resistance => resistance,
    }
}
