//! The volume profile by hand, by its laws, and on charts that break formulas.

use proptest::prelude::*;

use super::{BINS_MAX, Profile, VALUE_AREA, profile, ratio};
use crate::market::samples::{flat, odd, walks};
use crate::model::Candle;

fn bar(low: f64, high: f64, volume: f64) -> Candle {
    Candle { high, low, ..flat(0, low, volume) }
}

#[test]
fn a_profile_by_hand() {
    // Ten bins of 1. Evenly over 0 to 10, then most of it at 6 to 7, then some above.
    let found =
        profile(&[bar(0.0, 10.0, 10.0), bar(6.0, 7.0, 20.0), bar(7.0, 9.0, 6.0), bar(3.5, 5.5, 4.0)], 10).unwrap();
    let bins = [1.0, 1.0, 1.0, 2.0, 3.0, 2.0, 21.0, 4.0, 4.0, 1.0];
    // 70 % of 40 is 28: the peak has 21, the two bins above it 8, those below it 5.
    let expected = Profile { low: 0.0, high: 10.0, bins: bins.to_vec(), peak: 6.5, value_low: 6.0, value_high: 9.0 };
    assert_eq!(found, expected);
    let one_price = profile(&[bar(3.0, 3.0, 2.0), bar(3.0, 3.0, 5.0)], 24).unwrap();
    assert_eq!(one_price, Profile { low: 3.0, high: 3.0, bins: vec![7.0], peak: 3.0, value_low: 3.0, value_high: 3.0 });
    // Two equal peaks: the one nearer to the middle, and the lower of two as near.
    let peak = |bars: &[Candle]| profile(bars, 10).unwrap().peak;
    assert_eq!(peak(&[bar(0.0, 10.0, 10.0), bar(0.1, 0.9, 5.0), bar(6.1, 6.9, 5.0)]).to_bits(), 6.5_f64.to_bits());
    assert_eq!(peak(&[bar(0.0, 10.0, 10.0), bar(3.1, 3.9, 5.0), bar(6.1, 6.9, 5.0)]).to_bits(), 3.5_f64.to_bits());
    // Bars without volume do not widen the range.
    assert_eq!(profile(&[bar(1.0, 2.0, 1.0), bar(0.0, 99.0, 0.0)], 10).unwrap().high.to_bits(), 2.0_f64.to_bits());
    assert_eq!(profile(&[bar(1.0, 2.0, 0.0)], 10), None);
    assert_eq!(profile(&[], 10), None);
    assert_eq!(profile(&[bar(1.0, 2.0, 1.0)], 0), None);
    assert_eq!(profile(&[bar(1.0, 2.0, 1.0)], usize::MAX).unwrap().bins.len(), BINS_MAX);
}

proptest! {
    #[test]
    fn a_profile_holds_all_volume_and_its_area_enough(candles in walks(1..200), bins in 1..100_usize) {
        let traded: f64 = candles.iter().map(|candle| candle.volume).sum();
        let found = profile(&candles, bins);
        prop_assert_eq!(found.is_some(), traded > 0.0);
        let Some(found) = found else { return Ok(()) };
        let total: f64 = found.bins.iter().sum();
        prop_assert!((total - traded).abs() <= 1e-9 * traded, "{} of {}", total, traded);
        prop_assert!(found.low <= found.value_low && found.value_low <= found.peak);
        prop_assert!(found.peak <= found.value_high && found.value_high <= found.high);
        let height = (found.high - found.low) / f64::from(u32::try_from(found.bins.len()).unwrap());
        let inside = (0_u32..).zip(&found.bins).filter(|(bin, _)| {
            let middle = found.low + (f64::from(*bin) + 0.5) * height;
            found.value_low <= middle && middle <= found.value_high
        });
        let held: f64 = inside.map(|(_, volume)| volume).sum();
        prop_assert!(held >= VALUE_AREA * total * (1.0 - 1e-9), "{} of {}", held, total);
    }
}

#[test]
fn the_last_volume_is_compared_with_the_twenty_before() {
    let chart = |volumes: &[f64]| -> Vec<Candle> { volumes.iter().map(|volume| flat(0, 1.0, *volume)).collect() };
    let mut volumes = vec![900.0];
    volumes.extend([1.0, 3.0].repeat(10));
    volumes.push(5.0);
    assert_eq!(ratio(&chart(&volumes)), Some(2.5));
    assert_eq!(ratio(&chart(&volumes[2..])), None, "twenty bars are not enough");
    assert_eq!(ratio(&chart(&[0.0; 30])), None);
    assert_eq!(ratio(&[]), None);
}

#[test]
fn odd_charts_give_numbers_or_nothing() {
    for (name, candles) in odd() {
        assert!(ratio(&candles).is_none_or(f64::is_finite), "{name}");
        if let Some(found) = profile(&candles, 50) {
            let edges = [found.low, found.value_low, found.peak, found.value_high, found.high];
            assert!(found.bins.iter().chain(&edges).all(|number| number.is_finite()), "{name}: {found:?}");
            assert!(edges.is_sorted(), "{name}: {edges:?}");
        }
    }
}
