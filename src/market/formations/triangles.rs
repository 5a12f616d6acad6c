//! Triangles: a [`super::band`] whose lines run together, at least one of them towards the other.
//!
//! Of 5 to 8 consecutive turns that are a band, with `closing = w(e) / w(s)` and the rises of both lines in units of
//! `w(s)`:
//!
//! ```text
//! closing <= 0.65                                     (Lo, Mamaysky & Wang: E1 > E3 > E5 and E2 < E4)
//! symmetrical:  upper rise < -0.15, lower rise > 0.15
//! ascending:   |upper rise| <= 0.15, lower rise > 0.15
//! descending:  |lower rise| <= 0.15, upper rise < -0.15
//! complete: the first close outside, from the bar on that confirms the last turn, before the lines meet and within
//!           half as many bars after the last turn as the triangle has; the direction is its way
//! ```
//!
//! It rests on its turns.
//!
//! `confidence` is the mean of: fit `1 - off / 0.4 atr`, of the turn that is farthest from its line; `closing` from
//! 0.65 to 0.3; turns from 4 to 8; the close outside from 0 to 1 `atr`; and, where a way is usual (up out of an
//! ascending one, down out of a descending one), 1 for that and 0 for the other.

use super::Formation;
use super::band::{self, Band};
use super::view::View;
use crate::market::grade::{grade, mean};
use crate::market::line::bars;
use crate::model::Direction;

/// The width at the end over that at the start.
pub(super) const CLOSING_MAX: f64 = 0.65;
pub(super) const CLOSING_FULL: f64 = 0.3;
/// A line that rises or falls by no more than this share of the width at the start is level.
pub(super) const LEVEL_MAX: f64 = 0.15;

pub(super) fn find(view: &View<'_>, bands: &[Band<'_>], found: &mut Vec<Formation>) {
    found.extend(bands.iter().filter_map(|band| {
        let (name, usual) = name(band)?;
        left(view, band, name, usual)
    }));
}

fn name(band: &Band<'_>) -> Option<(&'static str, Option<Direction>)> {
    let (upper, lower) = band.rises();
    let is_level = |rise: f64| rise.abs() <= LEVEL_MAX;
    if upper < -LEVEL_MAX && lower > LEVEL_MAX {
        Some(("symmetrical_triangle", None))
    } else if is_level(upper) && lower > LEVEL_MAX {
        Some(("ascending_triangle", Some(Direction::Bullish)))
    } else if upper < -LEVEL_MAX && is_level(lower) {
        Some(("descending_triangle", Some(Direction::Bearish)))
    } else {
        None
    }
}

/// The formation of a band that runs together and was left; also for [wedges](super::wedges).
pub(super) fn left(
    view: &View<'_>,
    band: &Band<'_>,
    name: &'static str,
    usual: Option<Direction>,
) -> Option<Formation> {
    if band.closing() > CLOSING_MAX {
        return None;
    }
    let (end, direction) = band.left(view)?;
    let shape = [
        band.fit(),
        grade(band.closing(), CLOSING_MAX, CLOSING_FULL),
        grade(bars(band.turns.len()), bars(band::TURNS_MIN - 1), bars(band::TURNS_MAX)),
        grade(end.atrs, 0.0, 1.0),
    ];
    let [fit, closing, turns, beyond] = shape;
    let confidence = match usual {
        Some(usual) => mean([fit, closing, turns, beyond, if usual == direction { 1.0 } else { 0.0 }]),
        None => mean(shape),
    };
    Some(Formation { name, direction, confidence, points: band.points(), completed: end.bar })
}
