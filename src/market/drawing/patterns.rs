//! Patterns over the candles: their points joined, and a label each that lies on no other and, where there is room, on no
//! candle.
//!
//! Many patterns end within a few bars of the right edge, so a label may stand far from its pattern: a thin line leads
//! from one to the other. Patterns of one name that follow one another share a label.

use super::PRICE;
use super::bars::{Bars, joined};
use super::glyphs::width;
use super::marks::{POINT_RADIUS, is_inside, sound, spot};
use super::scale::Scale;
use super::scene::{Anchor, Area, Role, Scene, Shape, Spot, Style, clean};
use crate::model::{Direction, Pattern};

/// Letters of a name at most.
const NAME_CHARS_MAX: usize = 32;
const LABEL_HEIGHT: f64 = 15.0;
/// From a label's edge to its text.
const PADDING: f64 = 4.0;
/// Places for a label: so many steps aside, and up or down from its pattern.
const STEPS_ASIDE: i32 = 16;
const STEPS_UP: i32 = 13;
const STEP_ASIDE: f64 = 24.0;
const STEP_UP: f64 = 17.0;
/// What covering one column of candles costs, in pixels of distance.
const COVER_COST: f64 = 60.0;
/// What a pixel aside costs, and standing on the side where labels of this direction do not.
const ASIDE_COST: f64 = 0.7;
const SIDE_COST: f64 = 4.0;
/// Pixels of a column.
const COLUMN: f64 = 8.0;
/// From a point to the nearest label.
const ROOM: f64 = 12.0;

fn role(direction: Direction) -> Role {
    match direction {
        Direction::Bullish => Role::Bullish,
        Direction::Bearish => Role::Bearish,
        Direction::Neutral => Role::Neutral,
    }
}

fn class(direction: Direction) -> &'static str {
    match direction {
        Direction::Bullish => "pattern bullish",
        Direction::Bearish => "pattern bearish",
        Direction::Neutral => "pattern neutral",
    }
}

/// A label that looks for its place.
struct Label {
    name: String,
    direction: Direction,
    count: usize,
    at: Spot,
}

/// Draws each pattern that has points in the pane, then the labels.
pub(super) fn draw(scene: &mut Scene, bars: &Bars<'_>, scale: &Scale, patterns: &[Pattern]) {
    let mut labels: Vec<Label> = Vec::new();
    for pattern in patterns {
        let name = readable(&pattern.name);
        let spots: Vec<Spot> = pattern.points.iter().filter_map(|point| spot(bars, scale, point)).collect();
        let centres: Vec<Spot> = spots.iter().copied().filter(|spot| is_inside(*spot)).collect();
        let Some(at) = centres.last().copied() else { continue };
        let about = format!("{name}, {}, confidence {:.2}", pattern.direction, sound(pattern.confidence));
        let (role, class) = (role(pattern.direction), class(pattern.direction));
        let lines = joined(&PRICE, spots.into_iter().map(Some));
        if !lines.is_empty() {
            scene.tell(role, Shape::Lines { lines, width: 1.6, dash: None }, class, about.clone());
        }
        scene.tell(role, Shape::Discs { centres, radius: POINT_RADIUS }, class, about);
        let same = labels.iter_mut().find(|label| label.name == name && label.direction == pattern.direction);
        match same {
            Some(label) => label.count += 1,
            None => labels.push(Label { name, direction: pattern.direction, count: 1, at }),
        }
    }
    place(scene, &labels, &columns(bars, scale));
}

/// `double_bottom` as people write it.
fn readable(name: &str) -> String {
    let mut letters = clean(name, NAME_CHARS_MAX).replace('_', " ");
    if let Some(first) = letters.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    letters
}

/// The heights that candles reach in each column of the pane.
fn columns(bars: &Bars<'_>, scale: &Scale) -> Vec<(f64, f64)> {
    let mut columns = vec![(f64::MAX, f64::MIN); column(PRICE.right) + 1];
    let half = bars.slot() / 2.0;
    for (bar, candle) in (bars.first..).zip(bars.shown()) {
        let x = bars.x(bar);
        for column in &mut columns[column(x - half)..=column(x + half)] {
            *column = (column.0.min(scale.y(candle.high)), column.1.max(scale.y(candle.low)));
        }
    }
    columns
}

fn column(x: f64) -> usize {
    let column = super::scene::pixel(((x.min(PRICE.right) - PRICE.left) / COLUMN).floor());
    usize::try_from(column).unwrap_or(0)
}

fn place(scene: &mut Scene, labels: &[Label], columns: &[(f64, f64)]) {
    let mut taken: Vec<Area> = Vec::new();
    for label in labels {
        let text = if label.count > 1 { format!("{} ×{}", label.name, label.count) } else { label.name.clone() };
        let Some(area) = free(label, width(&text, Style::Small), &taken, columns) else { continue };
        taken.push(Area { left: area.left - 2.0, top: area.top - 1.0, right: area.right + 2.0, ..area });
        let role = role(label.direction);
        let near = Spot {
            x: label.at.x.clamp(area.left, area.right),
            y: if area.middle() < label.at.y { area.bottom } else { area.top },
        };
        let lead = Shape::Lines { lines: vec![vec![near, label.at]], width: 0.8, dash: None };
        scene.tell(role, lead, "lead", String::new());
        scene.block(Role::Plate, area);
        let at = Spot { x: area.left + PADDING, y: area.bottom - PADDING };
        let shape = Shape::Text { at, anchor: Anchor::Start, style: Style::Small, text };
        scene.tell(role, shape, "label", String::new());
    }
}

/// The place of a label that costs the least: near its point, over few candles, on no other label.
fn free(label: &Label, text: f64, taken: &[Area], columns: &[(f64, f64)]) -> Option<Area> {
    let (width, at) = (text + 2.0 * PADDING, label.at);
    let inside = |area: &Area| {
        area.left > PRICE.left + 2.0
            && area.right < PRICE.right - 2.0
            && area.top > PRICE.top + 2.0
            && area.bottom < PRICE.bottom - 2.0
    };
    let mut best: Option<(f64, Area)> = None;
    // What rises is labelled from below, what falls from above, where both are as good.
    let sides = if label.direction == Direction::Bullish { [1.0, -1.0] } else { [-1.0, 1.0] };
    let right = PRICE.right - 3.0 - width;
    for up in 0..STEPS_UP {
        for (side, extra) in sides.into_iter().zip([0.0, SIDE_COST]) {
            let near = at.y + side * (ROOM + f64::from(up) * STEP_UP);
            let top = if side > 0.0 { near } else { near - LABEL_HEIGHT }.floor();
            for aside in -STEPS_ASIDE..=STEPS_ASIDE {
                let left = (at.x - width / 2.0 + f64::from(aside) * STEP_ASIDE).min(right).floor();
                let area = Area { left, top, right: left + width.ceil(), bottom: top + LABEL_HEIGHT };
                let cost = (left + width / 2.0 - at.x).abs() * ASIDE_COST + (near - at.y).abs() + extra;
                if best.as_ref().is_some_and(|(least, _)| *least <= cost) || !inside(&area) {
                    continue;
                }
                if taken.iter().any(|other| other.overlaps(&area)) {
                    continue;
                }
                let covered = columns[column(area.left)..=column(area.right)].iter();
                let count = covered.filter(|(high, low)| area.top < *low && *high < area.bottom).count();
                let cost = cost + COVER_COST * crate::market::line::bars(count).sqrt();
                if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                    best = Some((cost, area));
                }
            }
        }
    }
    best.map(|(_, area)| area)
}
