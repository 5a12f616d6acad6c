//! Channels: a [`super::band`] whose lines are parallel.
//!
//! Of 6 consecutive turns that are a band, three on each line, with `closing = w(e) / w(s)` and the rises of both lines
//! in units of `w(s)`:
//!
//! ```text
//! 0.75 <= closing <= 1 / 0.75
//! rising:      both rises >  0.25     bullish
//! falling:     both rises < -0.25     bearish
//! horizontal:  both between           neutral (Lo, Mamaysky & Wang: a rectangle)
//! complete: at the bar that confirms the last turn, where all closes until then lie within
//! ```
//!
//! It rests on its turns. A channel goes on after that; it is reported once, when it is there: not again for six turns
//! that begin one turn later and are the same kind of channel.
//!
//! `confidence` is the mean of: fit `1 - off / 0.4 atr`, of the turn that is farthest from its line; parallelism, the
//! narrower end over the wider, from 0.75 to 1; evenness, the shortest leg between two turns over the longest in bars,
//! from 0 to 0.5.

use super::Formation;
use super::band::Band;
use super::view::View;
use crate::market::grade::{grade, mean};
use crate::market::line::bars;
use crate::model::Direction;

const TURNS: usize = 6;
/// The narrower end over the wider.
const PARALLEL_MIN: f64 = 0.75;
/// A channel that rises or falls by no more than this share of its width is horizontal.
const LEVEL_MAX: f64 = 0.25;

pub(super) fn find(view: &View<'_>, found: &mut Vec<Formation>) {
    let mut before = None;
    for turns in view.turns.windows(TURNS) {
        let now = Band::over(view, turns).and_then(|band| channel(view, &band));
        let name = now.as_ref().map(|channel| channel.name);
        found.extend(now.filter(|_| name != before));
        before = name;
    }
}

fn channel(view: &View<'_>, band: &Band<'_>) -> Option<Formation> {
    let parallel = band.closing().min(1.0 / band.closing());
    let (upper, lower) = band.rises();
    let (name, direction) = if upper > LEVEL_MAX && lower > LEVEL_MAX {
        ("rising_channel", Direction::Bullish)
    } else if upper < -LEVEL_MAX && lower < -LEVEL_MAX {
        ("falling_channel", Direction::Bearish)
    } else if upper.abs() <= LEVEL_MAX && lower.abs() <= LEVEL_MAX {
        ("horizontal_channel", Direction::Neutral)
    } else {
        return None;
    };
    let completed = band.turns.last()?.confirmed;
    if parallel < PARALLEL_MIN || !band.holds(view, completed) {
        return None;
    }
    let legs = || band.turns.windows(2).map(|pair| pair[1].index - pair[0].index);
    let evenness = bars(legs().min()?) / bars(legs().max()?);
    let confidence = mean([band.fit(), grade(parallel, PARALLEL_MIN, 1.0), grade(evenness, 0.0, 0.5)]);
    Some(Formation { name, direction, confidence, points: band.points(), completed })
}
