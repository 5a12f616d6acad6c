//! Sums over signals, and the statistics that are functions of them.
//!
//! Everything that is said of a group of signals can be told from these sums, which is what makes resampling cheap.

use serde::Serialize;

use crate::model::Direction;

/// Bins of equal width that probabilities are sorted into.
pub const BINS: usize = 10;
/// With fewer outcomes a rank correlation says nothing.
const RANKED_MIN: f64 = 3.0;

/// Places of the sums. First those over every outcome: their number, and what a correlation of two columns of ranks needs.
const OUTCOMES: usize = 0;
const X: usize = 1;
const Y: usize = 2;
const XX: usize = 3;
const YY: usize = 4;
const XY: usize = 5;
/// Then those over calls, that is outcomes of signals that say a direction.
const CALLS: usize = 6;
const HITS: usize = 7;
const RISES: usize = 8;
const FALLS: usize = 9;
const BULLISH: usize = 10;
/// Returns with the sign of the call, and as they were.
const EARNED: usize = 11;
const HELD: usize = 12;
/// Then for each bin its calls, p, o, p² and p·o, with p the stated probability of a rise and o whether one came.
const BINNED: usize = 13;
const BIN_WIDTH: usize = 5;

/// How many sums there are.
pub const WIDTH: usize = BINNED + BINS * BIN_WIDTH;

/// What one signal adds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Call {
    /// Which way it says; neutral ones are no calls.
    pub direction: Direction,
    /// 0 to 1.
    pub confidence: f64,
    /// What the price did.
    pub change: f64,
    /// The rank of what it says.
    pub said_rank: f64,
    /// The rank of what the price did.
    pub change_rank: f64,
}

/// The stated probability of a rise: `½ ± ½·confidence`. `None` for a neutral signal.
#[must_use]
pub fn probability(direction: Direction, confidence: f64) -> Option<f64> {
    let half = confidence.clamp(0.0, 1.0) / 2.0;
    match direction {
        Direction::Bullish => Some(0.5 + half),
        Direction::Bearish => Some(0.5 - half),
        Direction::Neutral => None,
    }
}

/// Adds a signal to sums.
pub fn add(sums: &mut [f64], call: &Call) {
    let Call { direction, confidence, change, said_rank, change_rank } = *call;
    for (place, part) in [
        (OUTCOMES, 1.0),
        (X, said_rank),
        (Y, change_rank),
        (XX, said_rank * said_rank),
        (YY, change_rank * change_rank),
        (XY, said_rank * change_rank),
    ] {
        sums[place] += part;
    }
    let Some(stated) = probability(direction, confidence) else { return };
    let is_bullish = direction == Direction::Bullish;
    let (rises, falls) = (share(change > 0.0), share(change < 0.0));
    for (place, part) in [
        (CALLS, 1.0),
        (HITS, if is_bullish { rises } else { falls }),
        (RISES, rises),
        (FALLS, falls),
        (BULLISH, share(is_bullish)),
        (EARNED, if is_bullish { change } else { -change }),
        (HELD, change),
    ] {
        sums[place] += part;
    }
    let bin = BINNED + bin_of(stated) * BIN_WIDTH;
    for (place, part) in [1.0, stated, rises, stated * stated, stated * rises].into_iter().enumerate() {
        sums[bin + place] += part;
    }
}

fn share(is_so: bool) -> f64 {
    f64::from(u8::from(is_so))
}

/// The bin of a probability; the last one holds 1 as well.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "0 to 10")]
fn bin_of(stated: f64) -> usize {
    ((stated.clamp(0.0, 1.0) * BINS as f64) as usize).min(BINS - 1)
}

/// What is said of one group of signals within one horizon; `None` where nothing is known of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Rates {
    /// Calls that were right, of all.
    pub hit_rate: Option<f64>,
    /// The hit rate of the same calls dealt at random.
    pub by_chance: Option<f64>,
    /// The hit rate of whoever is always bullish.
    pub always_long: Option<f64>,
    /// Hit rate above that by chance.
    pub edge: Option<f64>,
    /// Mean return in the direction of the call, before costs.
    pub mean_return: Option<f64>,
    /// Mean return of whoever is always long.
    pub long_return: Option<f64>,
    /// Spearman's rank correlation of what was said and what the price did.
    pub rank_ic: Option<f64>,
    /// Mean square of stated probability less what came (Brier, Monthly Weather Review 78, 1950): 0 is best, and 0.25 is
    /// what a coin toss has.
    pub brier: Option<f64>,
}

/// The rates that sums tell.
#[must_use]
pub fn rates(sums: &[f64]) -> Rates {
    let calls = sums[CALLS];
    let rank_ic = rank_correlation(sums);
    if calls <= 0.0 {
        return Rates { rank_ic, ..Rates::default() };
    }
    let of = |place: usize| sums[place] / calls;
    let bullish = of(BULLISH);
    let (hit_rate, by_chance) = (of(HITS), bullish * of(RISES) + (1.0 - bullish) * of(FALLS));
    Rates {
        hit_rate: Some(hit_rate),
        by_chance: Some(by_chance),
        always_long: Some(of(RISES)),
        edge: Some(hit_rate - by_chance),
        mean_return: Some(of(EARNED)),
        long_return: Some(of(HELD)),
        rank_ic,
        brier: Some(brier(sums)),
    }
}

/// Pearson's correlation of two columns of ranks.
fn rank_correlation(sums: &[f64]) -> Option<f64> {
    let count = sums[OUTCOMES];
    if count < RANKED_MIN {
        return None;
    }
    let (x, y) = (sums[X] / count, sums[Y] / count);
    let (xx, yy, xy) = (sums[XX] / count - x * x, sums[YY] / count - y * y, sums[XY] / count - x * y);
    // Ranks lie between −½ and ½: a variance as small as this is that of equal ones.
    (xx > 1e-12 && yy > 1e-12).then(|| (xy / (xx * yy).sqrt()).clamp(-1.0, 1.0))
}

fn bins(sums: &[f64]) -> impl Iterator<Item = &[f64]> {
    sums[BINNED..].chunks(BIN_WIDTH)
}

fn brier(sums: &[f64]) -> f64 {
    // (p − o)² = p² − 2po + o, as o is 0 or 1.
    bins(sums).map(|bin| bin[3] - 2.0 * bin[4] + bin[2]).sum::<f64>() / sums[CALLS]
}

/// The Brier score in parts: `reliability − resolution + uncertainty + within_bins`, exactly.
///
/// The first three are Murphy's (Journal of Applied Meteorology 12, 1973): how far stated probabilities are from what came
/// (0 is best), how far what came differs from bin to bin (the more the better), and how uncertain the thing itself is.
/// They take the forecasts of a bin as equal; `within_bins` is what that leaves out, the variance within bins less twice
/// the covariance (Stephenson, Coelho and Jolliffe, Weather and Forecasting 23, 2008).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Brier {
    /// Mean squared distance of a bin's mean forecast from what came in it.
    pub reliability: f64,
    /// Mean squared distance of what came in a bin from what came on the whole.
    pub resolution: f64,
    /// `ō·(1 − ō)`, with ō the share of rises.
    pub uncertainty: f64,
    /// Of forecasts that differ within a bin.
    pub within_bins: f64,
}

/// The parts of the Brier score; `None` without a call.
#[must_use]
pub fn partition(sums: &[f64]) -> Option<Brier> {
    let calls = sums[CALLS];
    if calls <= 0.0 {
        return None;
    }
    let overall = sums[RISES] / calls;
    let mut parts =
        Brier { reliability: 0.0, resolution: 0.0, uncertainty: overall * (1.0 - overall), within_bins: 0.0 };
    for bin in bins(sums).filter(|bin| bin[0] > 0.0) {
        let (count, stated, came) = (bin[0], bin[1] / bin[0], bin[2] / bin[0]);
        parts.reliability += count / calls * (stated - came).powi(2);
        parts.resolution += count / calls * (came - overall).powi(2);
        let (variance, covariance) = (bin[3] - count * stated * stated, bin[4] - count * stated * came);
        parts.within_bins += (variance - 2.0 * covariance) / calls;
    }
    Some(parts)
}

/// A bin: how many calls, their mean stated probability, and the share of them that a rise came after.
#[must_use]
pub fn bin(sums: &[f64], number: usize) -> Option<(f64, f64, f64)> {
    let bin = bins(sums).nth(number).filter(|bin| bin[0] > 0.0)?;
    Some((bin[0], bin[1] / bin[0], bin[2] / bin[0]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::evaluate::rank::centred;

    fn call(direction: Direction, confidence: f64, change: f64) -> Call {
        Call { direction, confidence, change, said_rank: 0.0, change_rank: 0.0 }
    }

    fn tallied(calls: &[Call]) -> Vec<f64> {
        let mut sums = vec![0.0; WIDTH];
        for call in calls {
            add(&mut sums, call);
        }
        sums
    }

    fn near(one: f64, other: f64) -> bool {
        (one - other).abs() < 1e-12
    }

    #[test]
    fn rates_are_those_reckoned_by_hand() {
        use Direction::{Bearish, Bullish, Neutral};
        let sums = tallied(&[
            call(Bullish, 0.6, 0.02),
            call(Bullish, 0.6, -0.01),
            call(Bullish, 0.2, 0.03),
            call(Bearish, 0.4, -0.04),
            // An unchanged price is nobody's hit.
            call(Bearish, 0.4, 0.0),
            call(Neutral, 0.9, 0.5),
        ]);
        let rates = rates(&sums);
        assert_eq!((rates.hit_rate, rates.always_long), (Some(0.6), Some(0.4)));
        // 3/5 · 2/5 + 2/5 · 2/5.
        assert!(near(rates.by_chance.unwrap(), 0.4) && near(rates.edge.unwrap(), 0.2));
        assert!(near(rates.mean_return.unwrap(), 0.08 / 5.0) && near(rates.long_return.unwrap(), 0.0));
        // p = 0.8, 0.8, 0.6, 0.3, 0.3 and o = 1, 0, 1, 0, 0.
        assert!(near(rates.brier.unwrap(), (0.04 + 0.64 + 0.16 + 0.09 + 0.09) / 5.0));
        let parts = partition(&sums).unwrap();
        // Bins: 0.8 twice with ½, 0.6 once with 1, 0.3 twice with 0; ō = 2/5.
        assert!(near(parts.reliability, (2.0 * 0.09 + 0.16 + 2.0 * 0.09) / 5.0));
        assert!(near(parts.resolution, (2.0 * 0.01 + 0.36 + 2.0 * 0.16) / 5.0));
        assert!(near(parts.uncertainty, 0.24) && near(parts.within_bins, 0.0));
        assert_eq!(bin(&sums, 6), Some((1.0, 0.6, 1.0)));
        assert_eq!(bin(&sums, 0), None);
    }

    #[test]
    fn nothing_is_said_of_nothing() {
        let none = vec![0.0; WIDTH];
        assert_eq!((rates(&none), partition(&none)), (Rates::default(), None));
        let neutral = tallied(&[call(Direction::Neutral, 0.5, 0.1); 4]);
        assert_eq!(rates(&neutral), Rates::default(), "equal ranks correlate with nothing");
    }

    #[test]
    fn spearman_is_that_of_the_textbook() {
        // Hours of television and IQ: 1 − 6·194/(10·99) = −29/165 (Wikipedia, Spearman's rank correlation coefficient).
        let iq = [106.0, 100.0, 86.0, 101.0, 99.0, 103.0, 97.0, 113.0, 112.0, 110.0];
        let hours = [7.0, 27.0, 2.0, 50.0, 28.0, 29.0, 20.0, 12.0, 6.0, 17.0];
        let calls: Vec<Call> = centred(&iq)
            .into_iter()
            .zip(centred(&hours))
            .map(|(said_rank, change_rank)| Call { said_rank, change_rank, ..call(Direction::Neutral, 0.0, 0.0) })
            .collect();
        assert!(near(rates(&tallied(&calls)).rank_ic.unwrap(), -29.0 / 165.0));
    }

    proptest! {
        #[test]
        fn the_brier_score_is_the_sum_of_its_parts(
            calls in prop::collection::vec((any::<bool>(), 0.0..=1.0_f64, -1.0..1.0_f64), 1..80),
        ) {
            let calls: Vec<Call> = calls
                .into_iter()
                .map(|(up, confidence, change)| {
                    call(if up { Direction::Bullish } else { Direction::Bearish }, confidence, change)
                })
                .collect();
            let sums = tallied(&calls);
            let parts = partition(&sums).unwrap();
            let direct = calls.iter().map(|call| {
                let came = if call.change > 0.0 { 1.0 } else { 0.0 };
                (probability(call.direction, call.confidence).unwrap() - came).powi(2)
            });
            let mean = direct.sum::<f64>() / sums[CALLS];
            let together = parts.reliability - parts.resolution + parts.uncertainty + parts.within_bins;
            prop_assert!((mean - together).abs() < 1e-9, "{mean} {parts:?}");
            prop_assert!((mean - rates(&sums).brier.unwrap()).abs() < 1e-9);
            prop_assert!(parts.resolution <= parts.uncertainty + 1e-9);
        }
    }
}
