//! How far a statistic may be from what it says: a circular block bootstrap over time.
//!
//! # How
//! Time is cut into periods as long as the horizon, so that signals whose horizons overlap are in the same period or in
//! neighbours; what all signals of a period say is drawn together, which keeps signals of the same hour together as well.
//! Blocks of consecutive periods are drawn with replacement (Künsch, Annals of Statistics 17, 1989), around the end where
//! a block passes it, so that every period is drawn as often as any other (Politis and Romano, *A circular
//! block-resampling procedure for stationary data*, 1992). A block is n^⅓ periods long, the rate that is best for
//! variances (Hall, Horowitz and Jing, Biometrika 82, 1995), and two at least, as neighbours overlap. Periods without a
//! signal are passed over. The interval is that of the percentiles.
//!
//! A statistic is a function of sums over signals, so a draw adds a few differences of running sums and never looks at a
//! signal again. Ranks are those of the whole sample.

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde::Serialize;

/// With fewer periods an interval would look surer than it is: there is none.
pub const PERIODS_MIN: usize = 10;
/// Shortest block, in periods.
const BLOCK_MIN: usize = 2;
/// Most draws that may be asked for.
pub const RESAMPLES_MAX: u32 = 100_000;

/// How to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resampling {
    /// Samples that are drawn; 0 draws none, and gives no intervals.
    pub resamples: u32,
    /// The same seed gives the same intervals.
    pub seed: u64,
}

/// Where 95 of 100 resamples lie.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Range {
    /// The 2.5th percentile.
    pub low: f64,
    /// The 97.5th.
    pub high: f64,
}

/// The interval of each statistic; `None` where there are too few periods, or where fewer than half of the draws have one.
/// `periods` are sums of the same length, in the order of time; `statistics` makes of such sums always as many numbers.
#[must_use]
pub fn ranges(
    periods: &[Vec<f64>],
    how: Resampling,
    statistics: impl Fn(&[f64]) -> Vec<Option<f64>>,
) -> Vec<Option<Range>> {
    let width = periods.first().map_or(0, Vec::len);
    let wanted = statistics(&vec![0.0; width]).len();
    if periods.len() < PERIODS_MIN || how.resamples == 0 {
        return vec![None; wanted];
    }
    let running = running(periods, width);
    let count = periods.len();
    let block = block_of(count);
    let mut rng = StdRng::seed_from_u64(how.seed);
    let mut drawn: Vec<Vec<f64>> = vec![Vec::new(); wanted];
    let mut sums = vec![0.0; width];
    for _ in 0..how.resamples {
        sums.fill(0.0);
        let mut missing = count;
        while missing > 0 {
            let start = rng.random_range(0..count);
            let end = start + block.min(missing);
            missing -= end - start;
            for (sum, (before, after)) in sums.iter_mut().zip(running[start].iter().zip(&running[end])) {
                *sum += after - before;
            }
        }
        for (found, of) in statistics(&sums).into_iter().zip(&mut drawn) {
            of.extend(found.filter(|number| number.is_finite()));
        }
    }
    let half = usize::try_from(how.resamples / 2).unwrap_or(usize::MAX);
    drawn.into_iter().map(|draws| (draws.len() > half).then(|| percentiles(draws))).collect()
}

/// Periods of a block.
fn block_of(periods: usize) -> usize {
    (BLOCK_MIN..=periods).find(|block| block.saturating_pow(3) >= periods).unwrap_or(BLOCK_MIN)
}

/// Running sums over the periods, and over the first ones once more, as a block may pass the end.
fn running(periods: &[Vec<f64>], width: usize) -> Vec<Vec<f64>> {
    let mut sum = vec![0.0; width];
    let mut running = vec![sum.clone()];
    for period in periods.iter().chain(&periods[..block_of(periods.len()).min(periods.len())]) {
        assert_eq!(period.len(), width, "every period has the same sums");
        for (sum, part) in sum.iter_mut().zip(period) {
            *sum += part;
        }
        running.push(sum.clone());
    }
    running
}

/// Percentiles of draws, of which there is one at least: Hyndman and Fan's seventh definition (1996).
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a place among at most RESAMPLES_MAX draws"
)]
fn percentiles(mut draws: Vec<f64>) -> Range {
    draws.sort_by(f64::total_cmp);
    let last = draws.len() - 1;
    let at = |share: f64| {
        let place = share * last as f64;
        let below = place.floor() as usize;
        let above = (below + 1).min(last);
        draws[below] + (place - place.floor()) * (draws[above] - draws[below])
    };
    Range { low: at(0.025), high: at(0.975) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOW: Resampling = Resampling { resamples: 1_000, seed: 7 };

    fn mean(sums: &[f64]) -> Vec<Option<f64>> {
        vec![(sums[0] > 0.0).then(|| sums[1] / sums[0])]
    }

    fn uniform(rng: &mut StdRng) -> f64 {
        rng.random_range(-1.0..1.0)
    }

    #[test]
    fn an_interval_covers_a_known_mean_about_as_often_as_it_says() {
        let mut rng = StdRng::seed_from_u64(1);
        let mut covered = 0;
        for seed in 0..200 {
            // A moving average of two: neighbours depend on one another, as overlapping horizons do.
            let noise: Vec<f64> = (0..201).map(|_| uniform(&mut rng)).collect();
            let periods: Vec<Vec<f64>> = noise.windows(2).map(|two| vec![1.0, 0.3 + two[0] + two[1]]).collect();
            let range = ranges(&periods, Resampling { resamples: 400, seed }, mean)[0].unwrap();
            covered += usize::from(range.low <= 0.3 && 0.3 <= range.high);
        }
        assert!((172..=198).contains(&covered), "{covered} of 200");
    }

    #[test]
    fn blocks_see_dependence_that_single_draws_do_not() {
        let mut rng = StdRng::seed_from_u64(2);
        let mut level = 0.0;
        let periods: Vec<Vec<f64>> = (0..400)
            .map(|_| {
                level = 0.8 * level + uniform(&mut rng);
                vec![1.0, level]
            })
            .collect();
        let range = ranges(&periods, HOW, mean)[0].unwrap();
        let values: Vec<f64> = periods.iter().map(|period| period[1]).collect();
        let middle = values.iter().sum::<f64>() / 400.0;
        let variance = values.iter().map(|value| (value - middle).powi(2)).sum::<f64>() / 400.0;
        let independent = 2.0 * 1.96 * (variance / 400.0).sqrt();
        assert!(range.high - range.low > 1.6 * independent, "{range:?} against {independent}");
    }

    #[test]
    fn a_seed_decides_and_too_few_periods_give_nothing() {
        let periods: Vec<Vec<f64>> = (0..30).map(|number| vec![1.0, f64::from(number % 7)]).collect();
        assert_eq!(ranges(&periods, HOW, mean), ranges(&periods, HOW, mean));
        assert_ne!(ranges(&periods, HOW, mean), ranges(&periods, Resampling { seed: 8, ..HOW }, mean));
        assert_eq!(ranges(&periods[..PERIODS_MIN - 1], HOW, mean), [None]);
        assert_eq!(ranges(&periods, Resampling { resamples: 0, seed: 7 }, mean), [None]);
        assert_eq!(ranges(&[], HOW, |_| vec![None, None]), [None, None]);
        let constant = vec![vec![2.0, 3.0]; 12];
        assert_eq!(ranges(&constant, HOW, mean), [Some(Range { low: 1.5, high: 1.5 })]);
    }

    #[test]
    fn a_block_is_the_third_root_of_the_periods() {
        assert_eq!([1, 8, 9, 27, 28, 1_000].map(block_of), [2, 2, 3, 3, 4, 10]);
    }
}
