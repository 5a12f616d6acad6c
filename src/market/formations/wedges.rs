//! Wedges: a [`super::band`] whose lines run together and the same way.
//!
//! Of 5 to 8 consecutive turns that are a band, with `closing = w(e) / w(s)` and the rises of both lines in units of
//! `w(s)`:
//!
//! ```text
//! closing <= 0.65
//! rising:   upper rise > 0.15, lower rise > 0.15
//! falling:  upper rise < -0.15, lower rise < -0.15
//! complete: as a triangle
//! ```
//!
//! It rests on its turns. `confidence` is that of a [triangle](super::triangles); a rising wedge is usually left
//! downwards, a falling one upwards (Bulkowski).

use super::Formation;
use super::band::Band;
use super::triangles::{self, LEVEL_MAX};
use super::view::View;
use crate::model::Direction;

pub(super) fn find(view: &View<'_>, bands: &[Band<'_>], found: &mut Vec<Formation>) {
    found.extend(bands.iter().filter_map(|band| {
        let (upper, lower) = band.rises();
        if upper > LEVEL_MAX && lower > LEVEL_MAX {
            triangles::left(view, band, "rising_wedge", Some(Direction::Bearish))
        } else if upper < -LEVEL_MAX && lower < -LEVEL_MAX {
            triangles::left(view, band, "falling_wedge", Some(Direction::Bullish))
        } else {
            None
        }
    }));
}
