//! The panes' borders, and the axis of time below them.
//!
//! Marks stand where a larger unit of time begins: a year before a month, a month before a day, noon before one o'clock.
//! The most important find room first.

use jiff::Zoned;
use jiff::tz::TimeZone;

use super::bars::Bars;
use super::scene::{Anchor, Area, Role, Scene, Shape, Spot, Style};
use super::{MACD, PANES};
use crate::model::{Interval, Timestamp};

/// From one mark to the next at least, in pixels.
const APART: f64 = 74.0;
/// From a mark to the edge of the picture at least: half a label.
const EDGE: f64 = 18.0;
/// Text stands so far below a pane.
const BELOW: f64 = 18.0;
/// A hole this many intervals wide is marked, while there are few of them.
const HOLE_INTERVALS: u32 = 5;
const HOLES_MAX: usize = 12;

/// Borders, marks of time with their lines through all panes, and where bars are missing.
pub(super) fn draw(scene: &mut Scene, bars: &Bars<'_>, interval: Interval) {
    for (x, label, is_major) in marks(bars) {
        let lines = PANES.iter().map(|pane| vec![Spot { x, y: pane.top }, Spot { x, y: pane.bottom }]);
        scene.lines(Role::Grid, 1.0, lines.collect());
        let (role, style) = if is_major { (Role::Text, Style::Strong) } else { (Role::Muted, Style::Small) };
        scene.text(role, style, Anchor::Middle, Spot { x, y: MACD.bottom + BELOW }, label);
    }
    holes(scene, bars, interval);
    for pane in PANES {
        border(scene, &pane);
    }
}

fn border(scene: &mut Scene, Area { left, top, right, bottom }: &Area) {
    scene.block(Role::Border, Area { left: *left, top: *top, right: *right, bottom: top + 1.0 });
    scene.block(Role::Border, Area { left: *left, top: bottom - 1.0, right: *right, bottom: *bottom });
    scene.block(Role::Border, Area { left: *left, top: *top, right: left + 1.0, bottom: *bottom });
    scene.block(Role::Border, Area { left: right - 1.0, top: *top, right: *right, bottom: *bottom });
}

fn holes(scene: &mut Scene, bars: &Bars<'_>, interval: Interval) {
    let wide = interval.duration() * HOLE_INTERVALS;
    let ends = (bars.first + 1..).zip(bars.shown().windows(2));
    let holes = ends.filter(|(_, two)| two[1].open_time.since(two[0].open_time) > wide);
    let middles: Vec<f64> = holes.map(|(bar, _)| f64::midpoint(bars.x(bar - 1), bars.x(bar)).floor() + 0.5).collect();
    if middles.is_empty() || middles.len() > HOLES_MAX {
        return;
    }
    let through = |x: f64| PANES.map(|pane| vec![Spot { x, y: pane.top }, Spot { x, y: pane.bottom }]);
    let lines = middles.into_iter().flat_map(through).collect();
    let shape = Shape::Lines { lines, width: 1.0, dash: Some((1.0, 3.0)) };
    scene.tell(Role::Muted, shape, "hole", "bars are missing here".to_owned());
}

pub(super) fn zoned(time: Timestamp) -> Zoned {
    time.calendar().to_zoned(TimeZone::UTC)
}

/// Units of time from the largest to the smallest: what changed from one bar to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Unit {
    Year,
    HalfYear,
    Quarter,
    Month,
    Week,
    Day,
    Hours(i8),
    Minutes(i8),
    Second,
}

fn unit(before: &Zoned, now: &Zoned) -> Unit {
    let block = |of: fn(&Zoned) -> i8, size: i8| of(before) / size != of(now) / size;
    let month = |at: &Zoned| at.month() - 1;
    if before.year() != now.year() {
        return Unit::Year;
    }
    if before.date() != now.date() {
        return match now {
            _ if block(month, 6) => Unit::HalfYear,
            _ if block(month, 3) => Unit::Quarter,
            _ if block(month, 1) => Unit::Month,
            _ if now.weekday().to_monday_zero_offset() < before.weekday().to_monday_zero_offset() => Unit::Week,
            _ => Unit::Day,
        };
    }
    // Negated, so that twelve hours come before one.
    let hours = [12, 6, 3, 1].into_iter().find(|size| block(Zoned::hour, *size)).map(|size| Unit::Hours(-size));
    let minutes = || [30, 15, 5, 1].into_iter().find(|size| block(Zoned::minute, *size));
    hours.or_else(|| minutes().map(|size| Unit::Minutes(-size))).unwrap_or(Unit::Second)
}

/// Where a mark stands, what it says, and whether it is the beginning of something larger than its neighbours.
fn marks(bars: &Bars<'_>) -> Vec<(f64, String, bool)> {
    let times: Vec<Zoned> = bars.shown().iter().map(|candle| zoned(candle.open_time)).collect();
    let mut wanted: Vec<(Unit, usize)> = match times.as_slice() {
        [only] => vec![(if only.hour() == 0 { Unit::Day } else { Unit::Hours(-1) }, 0)],
        several => (1..).zip(several.windows(2)).map(|(bar, two)| (unit(&two[0], &two[1]), bar)).collect(),
    };
    wanted.sort_unstable();
    let mut chosen: Vec<(f64, Unit, usize)> = Vec::new();
    for (unit, bar) in wanted {
        let x = bars.x(bars.first + bar).floor() + 0.5;
        let at = chosen.partition_point(|(other, ..)| *other < x);
        let near = |found: Option<&(f64, Unit, usize)>| found.is_some_and(|(other, ..)| (other - x).abs() < APART);
        let is_inside = x > MACD.left + EDGE && x < MACD.right - EDGE;
        if is_inside && !near(chosen.get(at)) && !near(at.checked_sub(1).and_then(|at| chosen.get(at))) {
            chosen.insert(at, (x, unit, bar));
        }
    }
    let largest = chosen.iter().map(|(_, unit, _)| class(*unit)).min();
    let smallest = chosen.iter().map(|(_, unit, _)| class(*unit)).max();
    let is_mixed = largest != smallest;
    let label = |(x, unit, bar): (f64, Unit, usize)| {
        let text = label(unit, &times[bar], bar.checked_sub(1).map(|before| &times[before]));
        (x, text, is_mixed && Some(class(unit)) != smallest)
    };
    chosen.into_iter().map(label).collect()
}

/// Years, months, days, times of day.
fn class(unit: Unit) -> u8 {
    match unit {
        Unit::Year => 0,
        Unit::HalfYear | Unit::Quarter | Unit::Month => 1,
        Unit::Week | Unit::Day => 2,
        Unit::Hours(_) | Unit::Minutes(_) | Unit::Second => 3,
    }
}

fn label(unit: Unit, at: &Zoned, before: Option<&Zoned>) -> String {
    match class(unit) {
        0 => at.strftime("%Y").to_string(),
        1 => at.strftime("%b").to_string(),
        2 if before.is_none() => at.strftime("%Y-%m-%d").to_string(),
        2 => at.strftime("%b %-d").to_string(),
        _ if unit == Unit::Second => at.strftime("%H:%M:%S").to_string(),
        _ => at.strftime("%H:%M").to_string(),
    }
}

/// What stands at the lower right: the zone of all times.
pub(super) fn zone(scene: &mut Scene) {
    let at = Spot { x: MACD.right + 8.0, y: MACD.bottom + BELOW };
    scene.text(Role::Muted, Style::Small, Anchor::Start, at, "UTC");
}
