//! What holds for every chart and every context.

use proptest::prelude::*;

use super::super::observability::SHAPES_MAX;
use super::super::{Components, Observability, Parameters, Scored, breakout, momentum, reversal, score};
use super::charts::{
    LAST_MS, empty, flat, mirrored, mirrored_context, opposite, pattern, plausible, plausible_context, wild,
    wild_context,
};
use crate::model::{Chart, Direction, MarketContext, Point, Side, Strategy, Timestamp};

/// Rounding; scores are of the size of 100.
const CLOSE: f64 = 1e-9;

fn scored(strategy: Strategy, chart: &Chart, context: Option<&MarketContext>) -> Scored {
    score(strategy, chart, context, &Parameters::default())
}

fn weights(strategy: Strategy) -> &'static Components<f64> {
    match strategy {
        Strategy::Momentum => &momentum::WEIGHTS,
        Strategy::Breakout => &breakout::WEIGHTS,
        Strategy::Reversal => &reversal::WEIGHTS,
    }
}

fn assert_bounded(scored: &Scored) {
    assert!((0.0..=100.0).contains(&scored.score), "{scored:?}");
    assert!((0.0..=1.0).contains(&scored.confidence) && (0.0..=1.0).contains(&scored.strength), "{scored:?}");
    assert!(scored.components.values().all(|points| (0.0..=20.0).contains(points)), "{scored:?}");
    assert_eq!(scored.components.len(), 7);
    assert!(scored.missing.iter().all(|name| scored.components[*name].to_bits() == 10.0_f64.to_bits()), "{scored:?}");
}

#[test]
fn weights_sum_to_one_and_nothing_known_says_nothing() {
    for &strategy in Strategy::ALL {
        let named = weights(strategy).named();
        assert!((named.iter().map(|(_, weight)| weight).sum::<f64>() - 1.0).abs() < CLOSE, "{strategy}");
        assert!(named.iter().all(|(_, weight)| *weight > 0.0));
        let nothing = scored(strategy, &empty(), None);
        assert_eq!((nothing.score, nothing.confidence, nothing.strength), (50.0, 0.0, 0.0), "{strategy}");
        assert_eq!(nothing.direction, Direction::Neutral);
        assert_eq!(nothing.missing, named.map(|(name, _)| name));
    }
}

#[test]
fn any_parameters_keep_the_bounds() {
    let numbers = serde_json::to_value(Parameters::default()).unwrap();
    for number in [0.0, -1.0, 1.0, 1e-300, f64::MAX, f64::MIN] {
        let changed = numbers.as_object().unwrap().keys().map(|name| (name.clone(), number.into())).collect();
        let parameters: Parameters = serde_json::from_value(serde_json::Value::Object(changed)).unwrap();
        for &strategy in Strategy::ALL {
            let context = super::charts::context();
            assert_bounded(&score(strategy, &flat(), Some(&context), &parameters));
        }
    }
    assert!(serde_json::from_str::<Parameters>(r#"{"funding_base": 1.0}"#).is_err(), "a slip is no setting");
}

#[test]
fn what_is_observed_is_bounded() {
    let mut chart = flat();
    let point = |time| Point { time: Timestamp(LAST_MS + time), price: f64::MIN_POSITIVE / 3.0 };
    chart.levels = vec![super::charts::level(Side::Support, -f64::MAX / 3.0, 1.0 / 3.0); 100];
    chart.patterns = vec![pattern("inverse_head_and_shoulders", Direction::Bullish, 1.0 / 3.0, 0, 3); 100];
    chart.levels.iter_mut().for_each(|level| level.points = (0..100).map(point).collect());
    chart.patterns.iter_mut().for_each(|pattern| pattern.points = (0..100).map(point).collect());
    let all = Observability::of(&chart);
    assert_eq!((all.levels.len(), all.patterns.len(), all.trendlines.len()), (SHAPES_MAX, SHAPES_MAX, 0));
    assert_eq!(all.levels[0].points.last(), Some(&point(99)), "the newest points are kept");
    let json = all.to_json().unwrap();
    assert!(json.get().len() < 16 * 1024, "{} bytes", json.get().len());
    assert_eq!(serde_json::from_str::<Observability>(json.get()).unwrap(), all);
}

/// Makes one input more bullish.
type Improve<'a> = &'a dyn Fn(&mut Chart, &mut MarketContext);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_finite_input_keeps_the_bounds(chart in wild(), context in wild_context()) {
        for &strategy in Strategy::ALL {
            assert_bounded(&scored(strategy, &chart, Some(&context)));
            assert_bounded(&scored(strategy, &chart, None));
        }
    }

    #[test]
    fn upside_down_is_the_opposite(chart in plausible(), context in plausible_context()) {
        for &strategy in Strategy::ALL {
            let here = scored(strategy, &chart, Some(&context));
            let there = scored(strategy, &mirrored(&chart), Some(&mirrored_context(&context)));
            prop_assert!((here.score + there.score - 100.0).abs() < CLOSE, "{strategy}: {here:?} {there:?}");
            prop_assert!((here.strength - there.strength).abs() < CLOSE);
            for (name, points) in &here.components {
                prop_assert!((points + there.components[name] - 20.0).abs() < CLOSE, "{strategy}, {name}");
            }
            prop_assert_eq!(&here.missing, &there.missing);
            if (here.score - 50.0).abs() > CLOSE {
                prop_assert!((here.confidence - there.confidence).abs() < CLOSE);
            }
            if ((here.score - 50.0).abs() - Parameters::default().neutral_band).abs() > CLOSE {
                prop_assert_eq!(here.direction, opposite(there.direction));
            }
        }
    }

    #[test]
    fn what_is_missing_leaves_the_score_to_the_rest(chart in plausible(), context in plausible_context()) {
        for &strategy in Strategy::ALL {
            let whole = scored(strategy, &chart, Some(&context));
            let alone = scored(strategy, &chart, None);
            for name in ["trend", "volume", "pattern"] {
                prop_assert_eq!(whole.components[name].to_bits(), alone.components[name].to_bits());
            }
            let rest = weights(strategy).named().into_iter().filter(|(name, _)| !alone.missing.contains(name));
            let (sum, known) = rest.fold((0.0, 0.0), |(sum, known), (name, weight)| {
                (sum + weight * whole.components[name] * 5.0, known + weight)
            });
            let said = if known > 0.0 { sum / known } else { 50.0 };
            prop_assert!((alone.score - said).abs() < CLOSE, "{strategy}: {said}, {alone:?}");
        }
    }

    #[test]
    fn a_component_draws_the_score_its_own_way(chart in plausible(), context in plausible_context(), which in 0..3) {
        let mut less = context.clone();
        let name = match which {
            0 => { less.funding_rate = None; "funding" }
            1 => { less.long_short_ratio = None; "long_short" }
            _ => { less.liquidations_long_usd = None; "liquidations" }
        };
        for &strategy in Strategy::ALL {
            let with = scored(strategy, &chart, Some(&context));
            let without = scored(strategy, &chart, Some(&less));
            prop_assert!(without.missing.contains(&name));
            if with.missing.contains(&name) {
                continue;
            }
            let pull = with.components[name] * 5.0 - without.score;
            let moved = with.score - without.score;
            prop_assert!(moved * pull >= -CLOSE, "{strategy}: {with:?} {without:?}");
            prop_assert!(moved.abs() <= pull.abs() + CLOSE, "{strategy}: {with:?} {without:?}");
        }
    }

    #[test]
    fn a_better_bullish_input_never_lowers_momentum(
        chart in plausible(), context in plausible_context(), by in 0.0..1.0_f64,
    ) {
        let before = scored(Strategy::Momentum, &chart, Some(&context));
        let rises = before.components["trend"] >= 10.0;
        let is_up = chart.last.close >= chart.last.open;
        let signed = |is_positive: bool, size: f64| if is_positive { size } else { -size };
        let better: [(&str, Improve<'_>); 13] = [
            ("close", &|chart, _| chart.last.close += (chart.last.high - chart.last.close) * by),
            ("rsi", &|chart, _| raise(&mut chart.indicators.rsi14, 40.0 * by)),
            ("macd", &|chart, _| raise(&mut chart.indicators.macd_hist, by)),
            ("macd before", &|chart, _| raise(&mut chart.before.macd_hist, -by)),
            ("ema 50", &|chart, _| raise(&mut chart.indicators.ema50, -20.0 * by)),
            ("adx", &|chart, _| raise(&mut chart.indicators.adx14, signed(rises, 30.0 * by))),
            ("volume", &|chart, _| raise(&mut chart.volume_ratio, signed(is_up, 3.0 * by))),
            ("pattern", &|chart, _| chart.patterns.push(pattern("double_bottom", Direction::Bullish, by, 1, 20))),
            ("open interest", &|_, context| raise(&mut context.open_interest_change, signed(rises, 0.2 * by))),
            ("funding", &|_, context| raise(&mut context.funding_rate, -0.1 * by)),
            ("long/short", &|_, context| raise(&mut context.long_short_ratio, -0.19 * by)),
            ("shorts", &|_, context| raise(&mut context.liquidations_short_usd, 5e7 * by)),
            ("longs", &|_, context| raise(&mut context.liquidations_long_usd, -5e7 * by)),
        ];
        for (name, improve) in better {
            let (mut chart, mut context) = (chart.clone(), context.clone());
            improve(&mut chart, &mut context);
            let after = scored(Strategy::Momentum, &chart, Some(&context));
            prop_assert!(after.score >= before.score - CLOSE, "{name}: {before:?} {after:?}");
        }
    }
}

fn raise(value: &mut Option<f64>, by: f64) {
    *value = value.map(|value| value + by);
}
