//! Classic formations: figures of turning points that are complete.
//!
//! | family | names | complete at |
//! |---|---|---|
//! | [`doubles`] | `double_top`, `double_bottom` | the close beyond the valley between |
//! | [`shoulders`] | `head_and_shoulders`, `inverse_head_and_shoulders` | the close beyond the neckline |
//! | [`triangles`] | `ascending_triangle`, `descending_triangle`, `symmetrical_triangle` | the close outside |
//! | [`wedges`] | `rising_wedge`, `falling_wedge` | the close outside |
//! | [`channels`] | `rising_channel`, `falling_channel`, `horizontal_channel` | the third touch of its second line |
//! | [`flags`] | `bull_flag`, `bear_flag`, `bull_pennant`, `bear_pennant` | the close beyond it, with the pole |
//!
//! What still forms is left out: a formation is reported from the bar on at whose close it was complete, and everything
//! about it, its confidence included, is reckoned from bars up to that one. More bars can add formations, but neither
//! change nor remove one.
//!
//! Sources: the definitions are those of Lo, Mamaysky & Wang, "Foundations of Technical Analysis", *Journal of Finance*
//! 55 (2000), section II.A (formations as inequalities between consecutive extremes `E1 E2 E3 …`); what they leave open
//! (the trend before, completion by a close, touches, proportions) follows the identification guidelines of Bulkowski,
//! *Encyclopedia of Chart Patterns* (2005). Their tolerances are percents of daily prices of shares; ours are average
//! true ranges and shares of the figure's own height, for any market and interval.
//!
//! # Two sizes
//! A figure of consecutive turns is blind for larger ones, whose legs have turns of their own. So turns of two sizes
//! are looked at ([`SIZES_ATRS`]).
//!
//! # One of each at a bar
//! Neighbouring turns often give the same figure twice. Of those with one name that are complete at a bar, the best is
//! kept, and none of those that share more than half of their points with an earlier one; so there is at most one for
//! each name and bar.
//!
//! # What they are worth
//! Random walks show about 15 formations in 1,000 bars, all names together; hourly Bitcoin and daily SPY show about 13.
//! So a formation describes a chart and is no evidence by itself, and `confidence` says how well it is drawn.

mod band;
mod channels;
mod doubles;
mod flags;
mod shoulders;
mod triangles;
mod view;
mod wedges;

#[cfg(test)]
mod tests;

use crate::model::{Candle, Direction, Pattern, Point};

use self::band::Band;
use self::view::View;
use super::swings::{self, REACH, Swing, TURN_ATRS};

/// Sizes of turns, in average true ranges.
const SIZES_ATRS: [f64; 2] = [TURN_ATRS, 2.0 * TURN_ATRS];
/// Bars from the first point of a formation to its last, at most.
const LENGTH_MAX: usize = 150;

/// Formations that are complete at bar `since` or later, the newest first; of one bar, by name.
///
/// `swings` are those of [`swings::find`]; `atr` has one value a bar, `None` where there is none, and where there is
/// none above 0 there are no formations. Swings that are not confirmed by the last bar are ignored. `find(…, since)` is
/// `find(…, 0)` without what is older, and takes less time.
#[must_use]
pub fn find(candles: &[Candle], swings: &[Swing], atr: &[Option<f64>], since: usize) -> Vec<Pattern> {
    let mut found = Vec::new();
    for size in SIZES_ATRS {
        let turns = swings::turns(candles, REACH, size, atr);
        let upright = View { candles, atr, turns: &turns, since, is_mirrored: false };
        for view in [&upright, &View { is_mirrored: true, ..upright }] {
            doubles::find(view, &mut found);
            shoulders::find(view, &mut found);
        }
        let bands: Vec<Band<'_>> = band::each(&upright).collect();
        triangles::find(&upright, &bands, &mut found);
        wedges::find(&upright, &bands, &mut found);
        channels::find(&upright, &mut found);
    }
    let upright = View { candles, atr, turns: &[], since, is_mirrored: false };
    for view in [&upright, &View { is_mirrored: true, ..upright }] {
        flags::find(view, swings, &mut found);
    }
    let kept = without_repetitions(found);
    let recent = kept.into_iter().filter(|formation| formation.completed >= since);
    let mut patterns: Vec<Pattern> = recent.filter_map(|formation| formation.pattern(candles)).collect();
    patterns.sort_by(|a, b| b.confirmed_at.cmp(&a.confirmed_at).then_with(|| a.name.cmp(&b.name)));
    patterns
}

/// A formation that is complete.
struct Formation {
    name: &'static str,
    direction: Direction,
    confidence: f64,
    points: Vec<Point>,
    /// The bar at whose close it was.
    completed: usize,
}

impl Formation {
    fn pattern(self, candles: &[Candle]) -> Option<Pattern> {
        Some(Pattern {
            name: self.name.to_owned(),
            direction: self.direction,
            confidence: self.confidence,
            points: self.points,
            confirmed_at: candles.get(self.completed)?.open_time,
        })
    }
}

/// In the order of completion, so that what is kept does not depend on what is completed later.
fn without_repetitions(mut found: Vec<Formation>) -> Vec<Formation> {
    found.sort_by(|a, b| a.completed.cmp(&b.completed).then(b.confidence.total_cmp(&a.confidence)));
    let mut kept: Vec<Formation> = Vec::with_capacity(found.len());
    for formation in found {
        let repeats = |other: &Formation| {
            let shared = formation.points.iter().filter(|point| other.points.contains(point)).count();
            other.name == formation.name
                && (other.completed == formation.completed || 2 * shared > formation.points.len())
        };
        if !kept.iter().any(repeats) {
            kept.push(formation);
        }
    }
    kept
}
