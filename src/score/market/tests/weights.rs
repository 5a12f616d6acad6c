//! What is asked first follows from what moves scores most.

use super::super::{Parameters, breakout, momentum, reversal};
use crate::market::contexts::History;
use crate::market::plan;

#[test]
fn questions_are_worth_what_their_answers_weigh() {
    let weights = [momentum::WEIGHTS, breakout::WEIGHTS, reversal::WEIGHTS];
    for history in History::ALL {
        let weight = weights.iter().map(|weights| match history {
            History::OpenInterest => weights.open_interest,
            History::FundingRate => weights.funding,
            History::LongShortRatio => weights.long_short,
            History::Liquidations => weights.liquidations,
        });
        let (weight, planned) = (weight.sum::<f64>(), plan::WEIGHTS[history as usize]);
        assert!((weight - planned).abs() < 1e-9, "{}: {weight}, planned {planned}", history.as_str());
    }
}

#[test]
fn questions_go_by_the_thresholds_of_signals() {
    assert!((Parameters::default().neutral_band - plan::SIDE).abs() < 1e-9);
}
