//! Charts for tests: one in which nothing happens, its mirror, and any at all. Prices mirror about [`MIRROR`]; made-up
//! numbers are multiples of 1/64, so that mirroring them is exact.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Strategy as Generator, *};

use super::super::Parameters;
use crate::model::{
    Candle, Chart, Direction, Indicators, Level, MarketContext, OiStatus, Pattern, Point, Side, Timestamp, Trendline,
};

const MIRROR: f64 = 100.0;
pub(super) const BAR_MS: i64 = 3_600_000;
pub(super) const LAST_MS: i64 = 1_795_168_800_000;

pub(super) fn flat() -> Chart {
    let indicators = Indicators {
        rsi14: Some(50.0),
        macd: Some(0.0),
        macd_signal: Some(0.0),
        macd_hist: Some(0.0),
        atr14: Some(2.0),
        bb_upper: Some(104.0),
        bb_mid: Some(100.0),
        bb_lower: Some(96.0),
        adx14: Some(15.0),
        ema20: Some(100.0),
        ema50: Some(100.0),
        sma20: Some(100.0),
        sma200: Some(100.0),
        stoch_k: Some(50.0),
        stoch_d: Some(50.0),
        obv: Some(0.0),
    };
    Chart {
        bars: 300,
        last: candle([100.0, 101.0, 99.0, 100.0]),
        closed_at: Timestamp(LAST_MS + BAR_MS),
        indicators,
        before: indicators,
        volume_ratio: Some(1.0),
        volume_peak: Some(100.0),
        levels: vec![],
        trendlines: vec![],
        patterns: vec![],
    }
}

/// Nothing known: too young for any indicator.
pub(super) fn empty() -> Chart {
    Chart {
        bars: 0,
        indicators: Indicators::default(),
        before: Indicators::default(),
        volume_ratio: None,
        volume_peak: None,
        ..flat()
    }
}

pub(super) fn candle([open, high, low, close]: [f64; 4]) -> Candle {
    Candle { open_time: Timestamp(LAST_MS), open, high, low, close, volume: 1000.0 }
}

pub(super) fn context() -> MarketContext {
    MarketContext {
        exchange: "binance".to_owned(),
        symbol: "BTCUSDT".to_owned(),
        oi_status: OiStatus::Resolved,
        venue: "binance".to_owned(),
        open_interest_usd: Some(1e9),
        open_interest_change: Some(0.0),
        funding_rate: Some(0.01),
        long_short_ratio: Some(1.0),
        liquidations_long_usd: Some(2e6),
        liquidations_short_usd: Some(2e6),
        as_of: Some(Timestamp(LAST_MS)),
        fetched_at: Some(Timestamp(LAST_MS)),
        run_id: "live".to_owned(),
    }
}

/// A formation complete `age` bars ago, which took `span` bars.
pub(super) fn pattern(name: &str, direction: Direction, confidence: f64, age: i64, span: i64) -> Pattern {
    let confirmed_at = LAST_MS - age * BAR_MS;
    let point = |time| Point { time: Timestamp(time), price: 99.0 };
    Pattern {
        name: name.to_owned(),
        direction,
        confidence,
        points: vec![point(confirmed_at - span * BAR_MS), point(confirmed_at)],
        confirmed_at: Timestamp(confirmed_at),
    }
}

pub(super) fn level(side: Side, price: f64, confidence: f64) -> Level {
    Level { side, price, points: vec![Point { time: Timestamp(LAST_MS - 40 * BAR_MS), price }], confidence }
}

/// The chart upside down: what was a rise is a fall of the same size.
pub(super) fn mirrored(chart: &Chart) -> Chart {
    let price = |price: f64| 2.0 * MIRROR - price;
    let side = |side| if side == Side::Support { Side::Resistance } else { Side::Support };
    let last = &chart.last;
    let mut turned = chart.clone();
    turned.last = Candle {
        open: price(last.open),
        high: price(last.low),
        low: price(last.high),
        close: price(last.close),
        ..*last
    };
    turned.indicators = mirrored_indicators(&chart.indicators);
    turned.before = mirrored_indicators(&chart.before);
    turned.volume_peak = chart.volume_peak.map(price);
    for level in &mut turned.levels {
        (level.side, level.price) = (side(level.side), price(level.price));
    }
    for line in &mut turned.trendlines {
        (line.side, line.to.price) = (side(line.side), price(line.to.price));
    }
    for pattern in &mut turned.patterns {
        pattern.direction = opposite(pattern.direction);
    }
    turned
}

pub(super) fn opposite(direction: Direction) -> Direction {
    match direction {
        Direction::Bullish => Direction::Bearish,
        Direction::Bearish => Direction::Bullish,
        Direction::Neutral => Direction::Neutral,
    }
}

fn mirrored_indicators(indicators: &Indicators) -> Indicators {
    let price = |price: Option<f64>| price.map(|price| 2.0 * MIRROR - price);
    let percent = |percent: Option<f64>| percent.map(|percent| 100.0 - percent);
    let sign = |value: Option<f64>| value.map(|value| -value);
    Indicators {
        rsi14: percent(indicators.rsi14),
        macd: sign(indicators.macd),
        macd_signal: sign(indicators.macd_signal),
        macd_hist: sign(indicators.macd_hist),
        atr14: indicators.atr14,
        bb_upper: price(indicators.bb_lower),
        bb_mid: price(indicators.bb_mid),
        bb_lower: price(indicators.bb_upper),
        adx14: indicators.adx14,
        ema20: price(indicators.ema20),
        ema50: price(indicators.ema50),
        sma20: price(indicators.sma20),
        sma200: price(indicators.sma200),
        stoch_k: percent(indicators.stoch_k),
        stoch_d: percent(indicators.stoch_d),
        obv: sign(indicators.obv),
    }
}

/// Longs for shorts. Open interest and its change have no side.
pub(super) fn mirrored_context(context: &MarketContext) -> MarketContext {
    MarketContext {
        funding_rate: context.funding_rate.map(|rate| 2.0 * Parameters::default().funding_baseline - rate),
        long_short_ratio: context.long_short_ratio.map(|ratio| 1.0 / ratio),
        liquidations_long_usd: context.liquidations_short_usd,
        liquidations_short_usd: context.liquidations_long_usd,
        ..context.clone()
    }
}

/// Numbers of the size that charts have, missing here and there.
pub(super) fn plausible() -> impl Generator<Value = Chart> {
    let grid = (0..=200 * 64_i32).prop_map(|steps| f64::from(steps) / 64.0);
    any_of(grid).prop_map(|mut chart| {
        let last = chart.last;
        let mut prices = [last.open, last.high, last.low, last.close];
        let open_is_lower = prices[0] <= prices[3];
        prices.sort_by(f64::total_cmp);
        let (open, close) = if open_is_lower { (prices[1], prices[2]) } else { (prices[2], prices[1]) };
        chart.last = Candle { open, high: prices[3], low: prices[0], close, ..last };
        for indicators in [&mut chart.indicators, &mut chart.before] {
            let scaled = |value: &mut Option<f64>, share: f64, shift: f64| {
                *value = value.map(|value| value * share - shift);
            };
            scaled(&mut indicators.atr14, 0.125, 0.0);
            scaled(&mut indicators.macd_hist, 0.0625, 6.25);
            scaled(&mut indicators.rsi14, 0.5, 0.0);
            scaled(&mut indicators.stoch_k, 0.5, 0.0);
            scaled(&mut indicators.adx14, 0.5, 0.0);
        }
        chart.volume_ratio = chart.volume_ratio.map(|ratio| ratio / 32.0);
        chart
    })
}

/// Finite numbers of every size and sign, and no order among them.
pub(super) fn wild() -> impl Generator<Value = Chart> {
    any_of(finite())
}

fn finite() -> BoxedStrategy<f64> {
    use proptest::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    prop_oneof![POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO, Just(f64::MAX), Just(f64::MIN), -200.0..200.0].boxed()
}

pub(super) fn wild_context() -> impl Generator<Value = MarketContext> {
    context_of(&finite(), &finite(), &finite())
}

pub(super) fn plausible_context() -> impl Generator<Value = MarketContext> {
    context_of(&(0.0..5e7).boxed(), &(-0.2..0.2).boxed(), &(0.2..5.0).boxed())
}

fn context_of(
    usd: &BoxedStrategy<f64>,
    change: &BoxedStrategy<f64>,
    ratio: &BoxedStrategy<f64>,
) -> impl Generator<Value = MarketContext> + use<> {
    let maybe = |numbers: &BoxedStrategy<f64>| option::weighted(0.8, numbers.clone());
    (maybe(usd), maybe(usd), maybe(usd), maybe(change), maybe(change), maybe(ratio)).prop_map(
        |(open, long, short, change, funding, ratio)| MarketContext {
            open_interest_usd: open.map(|open| open * 20.0),
            open_interest_change: change,
            funding_rate: funding,
            long_short_ratio: ratio,
            liquidations_long_usd: long,
            liquidations_short_usd: short,
            ..context()
        },
    )
}

fn any_of(numbers: impl Generator<Value = f64> + Clone + 'static) -> impl Generator<Value = Chart> {
    let maybe = || option::weighted(0.9, numbers.clone());
    let side = || proptest::sample::select(Side::ALL);
    let name = proptest::sample::select(vec!["double_bottom", "bull_flag", "hammer", "rising_wedge"]);
    let pattern = (name, proptest::sample::select(Direction::ALL), 0.0..=1.0, -1..15_i64, 0..40_i64)
        .prop_map(|(name, direction, confidence, age, span)| pattern(name, direction, confidence, age, span));
    let barriers = || vec((side(), numbers.clone(), 0.0..=1.0), 0..4);
    (vec(numbers.clone(), 4), vec(maybe(), 32), (maybe(), maybe()), barriers(), barriers(), vec(pattern, 0..4))
        .prop_map(|(prices, values, (volume_ratio, volume_peak), levels, lines, patterns)| Chart {
            last: candle([prices[0], prices[1], prices[2], prices[3]]),
            indicators: indicators(&values[..16]),
            before: indicators(&values[16..]),
            volume_ratio,
            volume_peak,
            levels: levels.into_iter().map(|(side, price, confidence)| level(side, price, confidence)).collect(),
            trendlines: lines.into_iter().map(|(side, price, confidence)| line(side, price, confidence)).collect(),
            patterns,
            ..flat()
        })
}

fn line(side: Side, price: f64, confidence: f64) -> Trendline {
    let to = Point { time: Timestamp(LAST_MS), price };
    Trendline { side, from: to, to, points: vec![], confidence }
}

fn indicators(values: &[Option<f64>]) -> Indicators {
    Indicators {
        rsi14: values[0],
        macd: values[1],
        macd_signal: values[2],
        macd_hist: values[3],
        atr14: values[4],
        bb_upper: values[5],
        bb_mid: values[6],
        bb_lower: values[7],
        adx14: values[8],
        ema20: values[9],
        ema50: values[10],
        sma20: values[11],
        sma200: values[12],
        stoch_k: values[13],
        stoch_d: values[14],
        obv: values[15],
    }
}
