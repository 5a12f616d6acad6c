//! Double tops and bottoms: the price turns twice at about the same height, and then falls below where it had held in
//! between.
//!
//! Of four consecutive turns `low P`, `high A`, `low B`, `high C`, with `h = (A + C) / 2 - B`:
//!
//! ```text
//! |A - C| <= 0.15 h                      equal tops (Lo, Mamaysky & Wang: within 1.5 % of their mean)
//! h >= 3 atr[C]                          a valley that counts
//! P < B                                  a rise to reverse, from below the valley (Bulkowski)
//! 8 <= C - A in bars <= 150              two tops, not one (Lo, Mamaysky & Wang: more than 22 days)
//! complete: the first close below B, from the bar on that confirms C, within as many bars after C as there are
//!           from A to C, and before any close above both tops
//! ```
//!
//! A double bottom is the same of negated prices. It rests on `A`, `B` and `C`.
//!
//! `confidence` is the mean of: equality `1 - |A - C| / 0.15 h`; height `h / atr` from 3 to 8; the rise `(A - P) / h`
//! from 1 to 2; the close below `B` from 0 to 1 `atr`.

use super::view::View;
use super::{Formation, LENGTH_MAX};
use crate::market::grade::{grade, mean};
use crate::market::line::Line;
use crate::market::swings::Swing;

/// Between the tops, as a share of the height.
const UNEQUAL_MAX: f64 = 0.15;
/// In average true ranges.
const HEIGHT_MIN_ATRS: f64 = 3.0;
const HEIGHT_FULL_ATRS: f64 = 8.0;
/// Between the tops, in bars.
const LENGTH_MIN: usize = 8;

pub(super) fn find(view: &View<'_>, found: &mut Vec<Formation>) {
    found.extend(view.turns.windows(4).filter_map(|turns| top(view, turns)));
}

fn top(view: &View<'_>, turns: &[Swing]) -> Option<Formation> {
    let [before, first, valley, second] = turns else {
        return None;
    };
    let length = second.index - first.index;
    if !view.is_high(second) || !(LENGTH_MIN..=LENGTH_MAX).contains(&length) {
        return None;
    }
    let [start, left, floor, right] = [before, first, valley, second].map(|turn| view.price(turn));
    let atr = view.atr(second.index)?;
    let height = f64::midpoint(left, right) - floor;
    let unequal = (left - right).abs();
    if unequal > UNEQUAL_MAX * height || height < HEIGHT_MIN_ATRS * atr || start >= floor {
        return None;
    }
    let end = view.breaks_below(&Line::flat(floor), left.max(right), second.confirmed, second.index + length)?;
    let confidence = mean([
        grade(unequal / height, UNEQUAL_MAX, 0.0),
        grade(height / atr, HEIGHT_MIN_ATRS, HEIGHT_FULL_ATRS),
        grade((left - start) / height, 1.0, 2.0),
        grade(end.atrs, 0.0, 1.0),
    ]);
    Some(Formation {
        name: if view.is_mirrored { "double_bottom" } else { "double_top" },
        direction: view.down(),
        confidence,
        points: vec![first.point, valley.point, second.point],
        completed: end.bar,
    })
}
