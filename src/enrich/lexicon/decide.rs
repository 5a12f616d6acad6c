//! From evidence to a direction, and how sure of it.
//!
//! The model is a multinomial logit over three classes with two shared sums: bullish = polarity + salience,
//! bearish = salience - polarity, neutral = a constant. The constants were fitted, with the weights of the
//! lists, on two thirds of `sentiment-sentfin`; see the module's own doc.
//! Invariant: only additions, multiplications, divisions and bit patterns, no function of the platform's
//! mathematical library, so the same evidence gives the same bits on every machine.

use super::evidence::Tally;
use crate::model::Direction;

/// Log-odds of neutral when nothing was found.
const NEUTRAL: f64 = 0.4;
/// Lean of the training set, in polarity.
const LEAN: f64 = 0.01;
/// Temperature of the probabilities (Guo et al. 2017, "On Calibration of Modern Neural Networks").
const TEMPERATURE: f64 = 0.57;
/// How much each unit of doubt adds to the temperature.
const DOUBT_HEAT: f64 = 0.28;
/// Share of headlines whose label no evidence tells: probabilities are mixed with equal ones by it.
const BLIND: f64 = 0.046;
/// Doubt counts up to here.
const DOUBT_MAX: f64 = 3.0;
/// Evidence counts up to here, so that a pile of words cannot claim certainty.
const EVIDENCE_MAX: f64 = 8.0;

/// The reading's numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decision {
    /// The likeliest class; ties go to neutral.
    pub direction: Direction,
    /// Probability of bullish less that of bearish, -1 to 1.
    pub sentiment: f64,
    /// Probability that `direction` is right, 0 to 1.
    pub confidence: f64,
    /// Probability that a side is taken, 0 to 1.
    pub sided: f64,
}

/// Weighs the sums of a text.
pub fn decide(tally: &Tally) -> Decision {
    let heat = TEMPERATURE * (1.0 + DOUBT_HEAT * tally.doubt.clamp(0.0, DOUBT_MAX));
    let polarity = (tally.polarity + LEAN).clamp(-EVIDENCE_MAX, EVIDENCE_MAX) / heat;
    let salience = (tally.salience - NEUTRAL).clamp(-EVIDENCE_MAX, EVIDENCE_MAX) / heat;
    let up = exp(salience + polarity);
    let down = exp(salience - polarity);
    let total = up + down + 1.0;
    let (direction, best) = if up > 1.0 && up > down {
        (Direction::Bullish, up)
    } else if down > 1.0 && down > up {
        (Direction::Bearish, down)
    } else {
        (Direction::Neutral, 1.0)
    };
    Decision {
        direction,
        sentiment: (1.0 - BLIND) * (up - down) / total,
        confidence: (1.0 - BLIND) * best / total + BLIND / 3.0,
        sided: (1.0 - BLIND) * (up + down) / total + BLIND * 2.0 / 3.0,
    }
}

/// e to the `x`, within 4e-15 of exact for |x| up to 40 (clamped beyond): `x = k ln 2 + r`, a Taylor polynomial of
/// `r`, and `2^k` by its bits.
pub fn exp(x: f64) -> f64 {
    const TERMS: [f64; 14] = [
        1.0 / 6_227_020_800.0,
        1.0 / 479_001_600.0,
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5_040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    ];
    let x = x.clamp(-40.0, 40.0);
    let mut power = 1.0;
    let mut rest = x;
    // At most 58 steps; halves and doubles are exact.
    while rest > std::f64::consts::LN_2 / 2.0 {
        rest -= std::f64::consts::LN_2;
        power *= 2.0;
    }
    while rest < -std::f64::consts::LN_2 / 2.0 {
        rest += std::f64::consts::LN_2;
        power *= 0.5;
    }
    TERMS.iter().fold(0.0, |sum, term| sum * rest + term) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_close() {
        for step in -400..=400 {
            let x = f64::from(step) / 10.0;
            let error = (exp(x) / x.exp() - 1.0).abs();
            assert!(error < 1e-13, "{x}: {error}");
        }
    }

    #[test]
    fn doubt_lowers_confidence() {
        let sure = decide(&Tally { polarity: 2.0, salience: 1.5, doubt: 0.0 });
        let unsure = decide(&Tally { doubt: 2.0, polarity: 2.0, salience: 1.5 });
        assert!(unsure.confidence < sure.confidence);
        assert_eq!(unsure.direction, sure.direction);
    }
}
