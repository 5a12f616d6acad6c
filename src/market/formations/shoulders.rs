//! Head and shoulders: three tops of which the middle one is the highest, and then a fall below the line under them.
//!
//! Of six consecutive turns `low P`, `high L`, `low M`, `high H`, `low N`, `high R`, with the neckline `n(bar)` through
//! `M` and `N` and the height `h = H - n(H)`:
//!
//! ```text
//! H >= max(L, R) + 0.15 h                      the head above the shoulders (Lo, Mamaysky & Wang: E3 > E1, E3 > E5)
//! |L - R| <= 0.25 h                            equal shoulders (theirs: within 1.5 % of their mean)
//! |M - N| <= 0.25 h                            a neckline that is nearly level (theirs: the same)
//! min(L - n(L), R - n(R)) >= 0.25 h            shoulders that count
//! h >= 4 atr[R]
//! P < n(P)                                     a rise to reverse, from below the neckline (Bulkowski)
//! 0.4 <= (R - H) / (H - L) in bars <= 2.5      both sides alike in time (Bulkowski: symmetry)
//! R - L in bars <= 150
//! complete: the first close below n, from the bar on that confirms R, within as many bars after R as there are
//!           from L to R, and before any close above R
//! ```
//!
//! The inverse is the same of negated prices. It rests on `L`, `M`, `H`, `N` and `R`.
//!
//! `confidence` is the mean of: shoulders `1 - |L - R| / 0.25 h`; neckline `1 - |M - N| / 0.25 h`; the head above the
//! higher shoulder, as a share of `h`, from 0.15 to 0.4; symmetry, the shorter side in time over the longer, from 0.4
//! to 1; height `h / atr` from 4 to 10; the close below `n` from 0 to 1 `atr`.

use super::view::View;
use super::{Formation, LENGTH_MAX};
use crate::market::grade::{grade, mean};
use crate::market::line::{Line, bars};
use crate::market::swings::Swing;

/// Shares of the height.
const HEAD_MIN: f64 = 0.15;
const HEAD_FULL: f64 = 0.4;
const SHOULDERS_UNEQUAL_MAX: f64 = 0.25;
const NECK_UNEQUAL_MAX: f64 = 0.25;
const SHOULDER_MIN: f64 = 0.25;
/// In average true ranges.
const HEIGHT_MIN_ATRS: f64 = 4.0;
const HEIGHT_FULL_ATRS: f64 = 10.0;
/// The shorter side over the longer, in bars.
const SYMMETRY_MIN: f64 = 0.4;

pub(super) fn find(view: &View<'_>, found: &mut Vec<Formation>) {
    found.extend(view.turns.windows(6).filter_map(|turns| top(view, turns)));
}

fn top(view: &View<'_>, turns: &[Swing]) -> Option<Formation> {
    let [before, left, neck_left, head, neck_right, right] = turns else {
        return None;
    };
    let length = right.index - left.index;
    if !view.is_high(right) || length > LENGTH_MAX {
        return None;
    }
    let place = |turn: &Swing| (turn.index, view.price(turn));
    let neck = Line::between(place(neck_left), place(neck_right))?;
    let above = |turn: &Swing| view.price(turn) - neck.at(turn.index);
    let atr = view.atr(right.index)?;
    let height = above(head);
    if height < HEIGHT_MIN_ATRS * atr || above(before) >= 0.0 {
        return None;
    }
    let apart = |a: &Swing, b: &Swing| (view.price(a) - view.price(b)).abs() / height;
    let (shoulders, level) = (apart(left, right), apart(neck_left, neck_right));
    let head_over = (view.price(head) - view.price(left).max(view.price(right))) / height;
    let (rise, fall) = (bars(head.index - left.index), bars(right.index - head.index));
    let symmetry = rise.min(fall) / rise.max(fall);
    let is_one = head_over >= HEAD_MIN
        && shoulders <= SHOULDERS_UNEQUAL_MAX
        && level <= NECK_UNEQUAL_MAX
        && above(left).min(above(right)) >= SHOULDER_MIN * height
        && symmetry >= SYMMETRY_MIN;
    if !is_one {
        return None;
    }
    let end = view.breaks_below(&neck, view.price(right), right.confirmed, right.index + length)?;
    let confidence = mean([
        grade(shoulders, SHOULDERS_UNEQUAL_MAX, 0.0),
        grade(level, NECK_UNEQUAL_MAX, 0.0),
        grade(head_over, HEAD_MIN, HEAD_FULL),
        grade(symmetry, SYMMETRY_MIN, 1.0),
        grade(height / atr, HEIGHT_MIN_ATRS, HEIGHT_FULL_ATRS),
        grade(end.atrs, 0.0, 1.0),
    ]);
    Some(Formation {
        name: if view.is_mirrored { "inverse_head_and_shoulders" } else { "head_and_shoulders" },
        direction: view.down(),
        confidence,
        points: turns[1..].iter().map(|turn| turn.point).collect(),
        completed: end.bar,
    })
}
