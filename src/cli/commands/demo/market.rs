//! Candles for the demo: coins that there are, at prices that there were not.
//!
//! A price walks at random by the hour, in regimes of drift and unrest, and is drawn back to where it began the further it
//! has gone; the longer intervals are made of the same hours. The seed decides everything but when the last hour was.
//! Some hourly charts are sent as they were at moments of the past week as well, in records of those times, so that there
//! are signals whose outcome is known, to be evaluated.
//! Prices are dollars, volumes coins, times UTC.

use anyhow::Context as _;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;

use crate::clickhouse::Store;
use crate::config;
use crate::evaluate::{self, Asked};
use crate::kafka::{MARKET_FILES, Numbered, Producer};
use crate::model::Timestamp;
use crate::wire::headers::Headers;

/// Who trades what, from which price.
const MARKETS: &[(&str, &[(&str, f64)])] = &[
    (
        "binance",
        &[
            ("BTCUSDT", 96_000.0),
            ("ETHUSDT", 3_400.0),
            ("SOLUSDT", 190.0),
            ("XRPUSDT", 2.3),
            ("BNBUSDT", 680.0),
            ("DOGEUSDT", 0.32),
            ("ADAUSDT", 0.9),
            ("TRXUSDT", 0.25),
            ("LINKUSDT", 22.0),
            ("AVAXUSDT", 37.0),
            ("SUIUSDT", 4.1),
            ("LTCUSDT", 105.0),
            ("BCHUSDT", 440.0),
            ("DOTUSDT", 7.1),
            ("UNIUSDT", 13.0),
            ("AAVEUSDT", 310.0),
        ],
    ),
    (
        "bybit",
        &[
            ("BTCUSDT", 96_050.0),
            ("ETHUSDT", 3_402.0),
            ("NEARUSDT", 5.3),
            ("APTUSDT", 9.2),
            ("ARBUSDT", 0.75),
            ("OPUSDT", 1.8),
            ("INJUSDT", 21.0),
            ("SEIUSDT", 0.42),
            ("TIAUSDT", 4.8),
            ("WLDUSDT", 2.1),
        ],
    ),
    (
        "okx",
        &[
            ("BTC-USDT-SWAP", 95_980.0),
            ("ETH-USDT-SWAP", 3_399.0),
            ("FIL-USDT-SWAP", 5.0),
            ("ATOM-USDT-SWAP", 6.4),
            ("ETC-USDT-SWAP", 26.0),
            ("XLM-USDT-SWAP", 0.36),
            ("HBAR-USDT-SWAP", 0.28),
        ],
    ),
    // Nobody is asked about this venue: what derivatives say of its coins comes from others.
    ("mexc", &[("BTCUSDT", 96_020.0), ("LDOUSDT", 1.9), ("CRVUSDT", 0.9), ("GALAUSDT", 0.034)]),
    ("gate", &[("JUP_USDT", 0.88), ("ENA_USDT", 0.95), ("PENDLE_USDT", 5.2)]),
];

/// An interval, its hours, and how many of its bars are made.
const INTERVALS: [(&str, usize, usize); 3] = [("1h", 1, 500), ("4h", 4, 500), ("1d", 24, 365)];
const HOUR_MS: i64 = 3_600_000;
/// Hours that are walked: those of the longest interval, and a day more, as its first one may be cut off.
const HOURS: usize = 24 * 366;
const SEED: u64 = 21;
/// Steps of an hour: its high and its low lie on them.
const STEPS: u32 = 6;
/// Hours of a regime, on average.
const REGIME_HOURS: f64 = 60.0;
/// The largest drift of an hour, and the usual unrest of one.
const DRIFT_MAX: f64 = 0.0015;
const UNREST: f64 = 0.005;
/// Share of the way back that an hour brings.
const PULL: f64 = 0.0004;
/// Dollars that are traded in a quiet hour.
const TURNOVER_USD: f64 = 4e6;

/// The exchange whose hourly charts are sent as they were, how often, and how many hours apart.
const PAST_EXCHANGE: &str = "binance";
const PAST_MOMENTS: i64 = 13;
const PAST_HOURS_APART: i64 = 12;

/// Whether every bar, and a signal of every chart at each of its moments, is in the tables.
pub(super) fn is_through() -> String {
    let bars: Vec<String> = INTERVALS.iter().map(|(interval, _, bars)| format!("'{interval}', {bars}")).collect();
    let past = MARKETS.iter().find(|(exchange, _)| *exchange == PAST_EXCHANGE).map_or(0, |(_, coins)| coins.len());
    format!(
        "SELECT (SELECT uniqExact(source_id) FROM signals_v WHERE kind = 'market') >= {series} \
         AND (SELECT uniqExact(source_id, event_time) FROM signal_history_v) >= {said} \
         AND (SELECT count() FROM (SELECT interval, uniqExact(open_time) AS bars FROM candles \
              GROUP BY exchange, symbol, interval) WHERE bars >= map({bars})[interval]) >= {series}",
        series = series(),
        said = series() + past * usize::try_from(PAST_MOMENTS).unwrap_or(0),
        bars = bars.join(", "),
    )
}

/// Evaluates the signals so far, and stores what came of them; says how many outcomes are known after an hour.
///
/// # Errors
/// ClickHouse does not answer.
pub(super) async fn evaluate(store: &Store, now: Timestamp) -> anyhow::Result<u64> {
    let evaluation = evaluate::evaluate(store, &Asked::default(), now, &mut |_, _| {}).await?;
    evaluate::stored::store(store, &evaluation).await?;
    Ok(evaluation.findings.first().map_or(0, |finding| finding.counts.measured))
}

/// Sends all of them, those of the past first; says how many records they are.
///
/// # Errors
/// Kafka does not take them.
pub(super) fn send(kafka: &config::Kafka, now: Timestamp) -> anyhow::Result<u64> {
    let producer = Producer::new(kafka)?;
    let topic = format!("{}{MARKET_FILES}", kafka.topic_prefix);
    let walks: Vec<(&str, &str, Vec<Bar>)> = (SEED..)
        .zip(instruments())
        .map(|(seed, (exchange, symbol, price))| (exchange, symbol, walk(seed, price, now)))
        .collect();
    for moment in (1..=PAST_MOMENTS).rev().map(|number| now.0 - number * PAST_HOURS_APART * HOUR_MS) {
        for (exchange, symbol, hours) in walks.iter().filter(|(exchange, ..)| *exchange == PAST_EXCHANGE) {
            let known = &hours[..hours.partition_point(|bar| bar.0 + HOUR_MS <= moment)];
            let (interval, span, bars) = INTERVALS[0];
            let (key, file) = file(exchange, symbol, interval, &gather(known, span, bars))?;
            let (headers, at) = (Headers::new(), Some(Timestamp(moment)));
            producer.send_numbered(
                &topic,
                &Numbered { number: None, key: Some(key.as_bytes()), value: &file, headers: &headers, at },
            )?;
        }
    }
    for (exchange, symbol, hours) in &walks {
        for (interval, span, bars) in INTERVALS {
            let (key, file) = file(exchange, symbol, interval, &gather(hours, span, bars))?;
            producer.send(&topic, Some(key.as_bytes()), &file)?;
        }
    }
    producer.finish()
}

/// A candle file, and the key of its record.
fn file(exchange: &str, symbol: &str, interval: &str, candles: &[Bar]) -> anyhow::Result<(String, Vec<u8>)> {
    let file = json!({ "symbol": symbol, "exchange": exchange, "interval": interval, "candles": candles });
    Ok((format!("{exchange}:{symbol}:{interval}"), serde_json::to_vec(&file).context("writing candles")?))
}

/// How many series [`send`] sends.
pub(super) fn series() -> usize {
    instruments().count() * INTERVALS.len()
}

fn instruments() -> impl Iterator<Item = (&'static str, &'static str, f64)> {
    MARKETS.iter().flat_map(|(exchange, coins)| coins.iter().map(|(symbol, price)| (*exchange, *symbol, *price)))
}

/// Open time, open, high, low, close, volume.
type Bar = (i64, f64, f64, f64, f64, f64);

/// The hours until `now`, the last one complete.
fn walk(seed: u64, start: f64, now: Timestamp) -> Vec<Bar> {
    let mut rng = StdRng::seed_from_u64(seed);
    let (mut price, mut drift, mut calm, mut unrest) = (start, 0.0, UNREST, UNREST);
    let last = now.0.div_euclid(HOUR_MS) - 1;
    let first = last + 1 - i64::try_from(HOURS).unwrap_or(i64::MAX);
    let mut hours = Vec::with_capacity(HOURS);
    for hour in first..=last {
        if rng.random_bool(1.0 / REGIME_HOURS) {
            drift = rng.random_range(-DRIFT_MAX..DRIFT_MAX);
            calm = UNREST * rng.random_range(-0.8..0.9_f64).exp();
        }
        let open = price;
        let (mut high, mut low) = (open, open);
        for _ in 0..STEPS {
            let pull = -PULL * (price / start).ln();
            let step = (drift + pull) / f64::from(STEPS) + unrest / f64::from(STEPS).sqrt() * normal(&mut rng);
            price *= step.exp();
            (high, low) = (high.max(price), low.min(price));
        }
        let moved = (price / open).ln().abs();
        // Unrest calls for unrest, and fades.
        unrest = 0.94 * unrest + 0.06 * (0.6 * calm + 0.8 * moved);
        let volume = TURNOVER_USD / price * (0.35 * normal(&mut rng)).exp() * (0.5 + 2.0 * moved / UNREST);
        hours.push((hour * HOUR_MS, open, high, low, price, volume));
    }
    hours
}

/// The last `bars` bars of so many hours, the one under way left out, rounded as venues do.
fn gather(hours: &[Bar], span: usize, bars: usize) -> Vec<Bar> {
    let span_ms = i64::try_from(span).unwrap_or(i64::MAX) * HOUR_MS;
    let whole: Vec<Bar> = hours
        .chunk_by(|(one, ..), (next, ..)| one.div_euclid(span_ms) == next.div_euclid(span_ms))
        .filter(|chunk| chunk.len() == span)
        .filter_map(|chunk| {
            let ((time, open, ..), (.., close, _)) = (chunk.first()?, chunk.last()?);
            let high = chunk.iter().fold(*open, |high, bar| high.max(bar.2));
            let low = chunk.iter().fold(*open, |low, bar| low.min(bar.3));
            let volume = chunk.iter().map(|bar| bar.5).sum();
            Some((*time, tick(*open), tick(high), tick(low), tick(*close), tick(volume)))
        })
        .collect();
    whole[whole.len().saturating_sub(bars)..].to_vec()
}

/// Six significant digits: rounding keeps the order of prices.
fn tick(number: f64) -> f64 {
    format!("{number:.5e}").parse().unwrap_or(number)
}

/// About a standard normal number: a sum of twelve even ones.
fn normal(rng: &mut StdRng) -> f64 {
    (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_walks_are_candles_of_every_interval() {
        let now = Timestamp(1_795_305_600_000 + 1_234_567);
        for (seed, (_, symbol, price)) in (SEED..).zip(instruments()) {
            let hours = walk(seed, price, now);
            assert_eq!(hours.len(), HOURS);
            for (interval, span, bars) in INTERVALS {
                let candles = gather(&hours, span, bars);
                assert_eq!(candles.len(), bars, "{symbol} {interval}");
                for (time, open, high, low, close, volume) in &candles {
                    assert!(*low > 0.0 && low <= open && low <= close && high >= open && high >= close, "{symbol}");
                    assert!(*volume > 0.0 && time % (i64::try_from(span).unwrap() * HOUR_MS) == 0);
                }
                let (lowest, highest) =
                    candles.iter().fold((f64::MAX, 0.0_f64), |(low, high), bar| (low.min(bar.3), high.max(bar.2)));
                assert!(highest / lowest > 1.05 && highest / lowest < 60.0, "{symbol} {interval} {lowest} {highest}");
            }
        }
        assert_eq!(series(), 120);
        assert_eq!(walk(SEED, 1.0, now), walk(SEED, 1.0, now));
    }
}
