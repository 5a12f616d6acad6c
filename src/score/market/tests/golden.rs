//! Five charts made by hand, and what each strategy says of them.

use std::fmt::Write as _;

use super::super::{Parameters, score};
use super::charts::{candle, context, flat, level, pattern};
use crate::model::{Chart, Direction, Indicators, MarketContext, Side, Strategy};

/// A strong uptrend on rising volume, into which new positions are opened.
fn uptrend() -> (Chart, MarketContext) {
    let mut chart = flat();
    chart.last = candle([108.0, 110.5, 107.5, 110.0]);
    chart.volume_ratio = Some(1.8);
    chart.indicators = Indicators {
        rsi14: Some(66.0),
        macd_hist: Some(0.6),
        bb_upper: Some(111.0),
        bb_lower: Some(99.0),
        adx14: Some(38.0),
        ema20: Some(105.0),
        ema50: Some(101.0),
        stoch_k: Some(78.0),
        ..chart.indicators
    };
    chart.before = Indicators { macd_hist: Some(0.5), ..chart.indicators };
    chart.patterns = vec![pattern("bull_flag", Direction::Bullish, 0.7, 4, 20)];
    let opened = MarketContext {
        open_interest_change: Some(0.08),
        funding_rate: Some(0.012),
        long_short_ratio: Some(1.2),
        liquidations_short_usd: Some(8e6),
        ..context()
    };
    (chart, opened)
}

/// The same chart, but everybody is long and pays for it.
fn overheated() -> (Chart, MarketContext) {
    let (chart, context) = uptrend();
    (chart, MarketContext { funding_rate: Some(0.06), long_short_ratio: Some(3.2), ..context })
}

/// A close above resistance and the bands, out of a squeeze, on three times the volume.
fn breakout() -> (Chart, MarketContext) {
    let mut chart = flat();
    chart.last = candle([100.4, 102.7, 100.2, 102.5]);
    chart.volume_ratio = Some(3.2);
    chart.before = Indicators {
        atr14: Some(1.1),
        bb_upper: Some(101.5),
        bb_lower: Some(98.5),
        macd_hist: Some(0.02),
        ..chart.indicators
    };
    chart.indicators = Indicators {
        rsi14: Some(64.0),
        macd_hist: Some(0.2),
        atr14: Some(1.2),
        bb_upper: Some(102.0),
        bb_lower: Some(98.3),
        adx14: Some(18.0),
        ema20: Some(100.2),
        stoch_k: Some(90.0),
        ..chart.indicators
    };
    chart.levels = vec![level(Side::Support, 101.0, 0.8)];
    chart.patterns = vec![pattern("ascending_triangle", Direction::Bullish, 0.7, 0, 30)];
    let squeezed = MarketContext { open_interest_change: Some(0.06), liquidations_short_usd: Some(1.5e7), ..context() };
    (chart, squeezed)
}

/// A long fall into support, rejected by a hammer on high volume; longs are out and shorts pay.
fn exhausted() -> (Chart, MarketContext) {
    let mut chart = flat();
    chart.last = candle([90.5, 91.0, 87.5, 90.75]);
    chart.volume_ratio = Some(2.6);
    chart.indicators = Indicators {
        rsi14: Some(18.0),
        macd_hist: Some(-0.5),
        bb_upper: Some(101.5),
        bb_lower: Some(91.5),
        adx14: Some(34.0),
        ema20: Some(96.0),
        ema50: Some(100.0),
        stoch_k: Some(6.0),
        ..chart.indicators
    };
    chart.before = Indicators { macd_hist: Some(-0.52), ..chart.indicators };
    chart.levels = vec![level(Side::Support, 87.75, 0.8)];
    chart.patterns = vec![pattern("hammer", Direction::Bullish, 0.7, 0, 0)];
    let given_up = MarketContext {
        open_interest_change: Some(-0.09),
        funding_rate: Some(-0.03),
        long_short_ratio: Some(0.6),
        liquidations_long_usd: Some(3e7),
        ..context()
    };
    (chart, given_up)
}

/// One line a chart and strategy: score, direction, confidence, and the seven components in their order.
fn table() -> String {
    let cases = [
        ("uptrend", uptrend()),
        ("overheated", overheated()),
        ("breakout", breakout()),
        ("exhausted", exhausted()),
        ("flat", (flat(), context())),
    ];
    let mut table = String::new();
    for &strategy in Strategy::ALL {
        let mut lines = cases
            .iter()
            .map(|(name, (chart, context))| {
                let scored = score(strategy, chart, Some(context), &Parameters::default());
                assert!(scored.missing.is_empty(), "{name}: {:?}", scored.missing);
                (*name, scored)
            })
            .collect::<Vec<_>>();
        lines.sort_by(|(_, a), (_, b)| b.score.total_cmp(&a.score));
        for (name, scored) in lines {
            let of = |name: &str| scored.components[name];
            writeln!(
                table,
                "{strategy:8} {name:10} {:4.1} {:7} {:.2} | {:4.1} {:4.1} {:4.1} | {:4.1} {:4.1} {:4.1} {:4.1}",
                scored.score,
                scored.direction.as_str(),
                scored.confidence,
                of("trend"),
                of("volume"),
                of("pattern"),
                of("open_interest"),
                of("funding"),
                of("long_short"),
                of("liquidations"),
            )
            .unwrap();
        }
    }
    table
}

#[test]
fn charts_are_scored_in_the_order_that_a_reader_of_charts_expects() {
    let expected = "\
momentum uptrend    74.5 bullish 0.83 | 17.4 13.6 14.2 | 15.9 10.0 10.0 11.7
momentum breakout   68.3 bullish 0.81 | 13.1 18.4 17.0 | 11.8 10.0 10.0 13.7
momentum overheated 67.0 bullish 0.68 | 17.4 13.6 14.2 | 15.9  0.0  0.0 11.7
momentum flat       50.0 neutral 0.00 | 10.0 10.0 10.0 | 10.0 10.0 10.0 10.0
momentum exhausted  46.1 neutral 0.03 |  4.2 10.7 13.5 | 12.6 20.0 11.5  2.0
breakout breakout   87.2 bullish 0.92 | 20.0 18.4 17.0 | 16.0 10.0 10.0 13.7
breakout uptrend    50.0 neutral 0.00 | 10.0 10.0 10.0 | 10.0 10.0 10.0 10.0
breakout overheated 50.0 neutral 0.00 | 10.0 10.0 10.0 | 10.0 10.0 10.0 10.0
breakout flat       50.0 neutral 0.00 | 10.0 10.0 10.0 | 10.0 10.0 10.0 10.0
breakout exhausted  45.8 neutral 0.31 |  7.2 10.0 10.0 | 11.2 12.8 10.4  7.8
reversal exhausted  77.6 bullish 0.97 | 15.8 15.3 13.5 | 15.2 20.0 11.5 18.0
reversal flat       50.0 neutral 0.00 | 10.0 10.0 10.0 | 10.0 10.0 10.0 10.0
reversal uptrend    49.1 neutral 0.07 | 10.0 10.0 10.0 | 10.0 10.0 10.0  8.3
reversal breakout   42.7 bearish 0.40 |  6.4 10.0 10.0 | 10.0 10.0 10.0  6.3
reversal overheated 39.1 bearish 0.27 | 10.0 10.0 10.0 | 10.0  0.0  0.0  8.3
";
    assert_eq!(table(), expected, "found:\n{}", table());
}
