//! Market strategies: what a chart shows and what derivatives say becomes a score, by pure functions.
//!
//! # Formula
//! A strategy has an opinion on each of seven components: a *view* between −1 (bearish) and 1 (bullish), or none where
//! what it needs is missing. A component's score is `10 + 10 · view`, hence 0 to 20, and 10 where it is missing. With w
//! the strategy's weights (they sum to 1):
//! ```text
//! score      = 50 + 50 · Σ w·view / Σ w                over the components that are known
//! confidence = max(0, sign(score − 50) · Σ w·voice)    voice = view / voice_full, within −1…1, 0 where missing
//! strength   = |score − 50| / 50
//! ```
//! So the weights of what is missing go to the rest, and nothing missing moves the score: it is what the rest says.
//! What is missing costs confidence instead, and so do components that say nothing or the contrary: confidence is 1
//! only where all seven are known and all point the same way. With nothing known the score is 50 and the confidence 0.
//!
//! # Laws
//! * Every view is odd: a chart and a context turned upside down (a high for a low, longs for shorts) give 100 − score.
//!   Volume, open interest and the strength of a trend have no side, so they only ever multiply a direction.
//! * Momentum is monotone: a better bullish input never lowers its score. Trend multiplies open interest there, so its
//!   own weight is at least as large as that of open interest.
//! * Any finite input gives finite numbers within their bounds; a price unit of 0 (a flat market) is no distance.
//!
//! # Why a mean of views and not rules
//! Rules with hard edges turn a score over for one tick. Each input is a ramp between two named [`Parameters`], so that
//! the score moves as much as what it rests on.

mod breakout;
mod components;
mod context;
mod momentum;
mod observability;
mod parameters;
mod reading;
mod reversal;
mod signals;

use std::collections::BTreeMap;

pub use self::components::Components;
pub use self::observability::Observability;
pub use self::parameters::Parameters;
pub(crate) use self::signals::signals;
use crate::model::{Chart, Direction, MarketContext, Strategy};

const NEUTRAL: f64 = 50.0;

/// What a strategy says about a series.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// 0 (bearish) over 50 (neutral) to 100 (bullish).
    pub score: f64,
    /// The side of the score, neutral within [`Parameters::neutral_band`] points of 50.
    pub direction: Direction,
    /// 0 to 1: how many of the components, by weight, are known and say the same.
    pub confidence: f64,
    /// 0 to 1: the distance of the score from 50.
    pub strength: f64,
    /// Seven scores of 0 to 20 by name; 10 is neutral, or missing.
    pub components: BTreeMap<String, f64>,
    /// The components that are missing, in the order of [`Components`].
    pub missing: Vec<&'static str>,
}

/// Scores a chart, with what derivatives say where that is known.
#[must_use]
pub fn score(strategy: Strategy, chart: &Chart, context: Option<&MarketContext>, parameters: &Parameters) -> Scored {
    let (views, weights) = match strategy {
        Strategy::Momentum => (momentum::views(chart, context, parameters), &momentum::WEIGHTS),
        Strategy::Breakout => (breakout::views(chart, context, parameters), &breakout::WEIGHTS),
        Strategy::Reversal => (reversal::views(chart, context, parameters), &reversal::WEIGHTS),
    };
    combine(&views, weights, parameters)
}

fn combine(views: &Components<Option<f64>>, weights: &Components<f64>, parameters: &Parameters) -> Scored {
    let mut components = BTreeMap::new();
    let mut missing = Vec::new();
    let (mut known, mut sum, mut voices) = (0.0, 0.0, 0.0);
    for ((name, view), (_, weight)) in views.named().into_iter().zip(weights.named()) {
        let view = view.map(|view| view.clamp(-1.0, 1.0));
        components.insert(name.to_owned(), components::points(view));
        if let Some(view) = view {
            known += weight;
            sum += weight * view;
            voices += weight * reading::signed_ramp(view, 0.0, parameters.voice_full);
        } else {
            missing.push(name);
        }
    }
    let lean = if known > 0.0 { (sum / known).clamp(-1.0, 1.0) } else { 0.0 };
    let agreement = if lean > 0.0 {
        voices
    } else if lean < 0.0 {
        -voices
    } else {
        0.0
    };
    let score = NEUTRAL + NEUTRAL * lean;
    Scored {
        score,
        direction: direction(score, parameters.neutral_band),
        confidence: agreement.clamp(0.0, 1.0),
        strength: lean.abs(),
        components,
        missing,
    }
}

fn direction(score: f64, neutral_band: f64) -> Direction {
    if score >= NEUTRAL + neutral_band {
        Direction::Bullish
    } else if score <= NEUTRAL - neutral_band {
        Direction::Bearish
    } else {
        Direction::Neutral
    }
}

#[cfg(test)]
mod tests;
