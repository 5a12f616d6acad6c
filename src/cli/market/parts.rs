//! A file above the largest record: read here and written as series (Avro, 48 bytes a bar), cut by time into records that
//! fit.
//!
//! The newest record is cut first and as long as a record may be, so that its chart is the one of the whole file; the
//! others bring their candles. The oldest reaches into the one behind it where it would be too short for a series. A
//! bar that two records hold has one row.

use crate::market::candles::BARS_MIN;
use crate::market::chart;
use crate::model::{Candle, Series};
use crate::wire::Codec;

use super::Skipped;

/// Bytes of a bar in Avro: at most 8 of its time and five numbers.
const BAR_BYTES: usize = 48;
/// Room for everything but the bars.
const FRAME_BYTES: usize = 1024;
/// The most bars of a record: what a decoder takes of one, with room for those of its batch.
const BARS_MAX: usize = 160_000;
/// The reason of a file whose chart does not fit into a record.
const TOO_LARGE: &str = "too_large";

/// The bars of each record, the oldest first.
///
/// # Errors
/// `bytes_max` is too small for a record that has the file's chart.
fn cut(candles: &[Candle], bytes_max: usize) -> Result<Vec<&[Candle]>, String> {
    let bars_max = (bytes_max.saturating_sub(FRAME_BYTES) / BAR_BYTES).min(BARS_MAX);
    if candles.len() > bars_max && bars_max < chart::BARS_MAX {
        return Err(format!(
            "a record of {bytes_max} bytes (limits.record_bytes_max) does not hold the {} bars of a chart",
            chart::BARS_MAX
        ));
    }
    let mut parts: Vec<&[Candle]> = candles.rchunks(bars_max.max(1)).collect();
    if let Some(oldest) = parts.last_mut()
        && oldest.len() < BARS_MIN
    {
        *oldest = &candles[..candles.len().min(BARS_MIN)];
    }
    parts.reverse();
    Ok(parts)
}

/// Shows `write` the value of each record, the oldest first, until it says no.
///
/// # Errors
/// The reason why the file is not sent.
pub(super) fn write(
    series: &Series,
    file: &str,
    bytes_max: usize,
    mut write: impl FnMut(Vec<u8>, bool) -> bool,
) -> Result<(), Skipped> {
    let refused = |error: String| Skipped { file: file.to_owned(), reason: TOO_LARGE.to_owned(), error };
    let codec = Codec::<Series>::new(bytes_max).map_err(|error| refused(error.to_string()))?;
    let parts = cut(&series.candles, bytes_max).map_err(refused)?;
    let count = parts.len();
    for (number, candles) in (1..).zip(parts) {
        let part = Series {
            exchange: series.exchange.clone(),
            symbol: series.symbol.clone(),
            interval: series.interval,
            candles: candles.to_vec(),
        };
        let mut value = Vec::with_capacity(FRAME_BYTES + candles.len() * BAR_BYTES);
        codec.encode(&part, &mut value).map_err(|error| refused(error.to_string()))?;
        if !write(value, number == count) {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Interval, Timestamp};

    fn series(bars: i64) -> Series {
        let bar = |number| Candle {
            open_time: Timestamp(1_795_132_800_000 + number * 900_000),
            open: 2.0,
            high: 3.0,
            low: 1.0,
            close: 2.5,
            volume: 7.0,
        };
        let candles = (0..bars).map(bar).collect();
        Series { exchange: "mexc".to_owned(), symbol: "BTCUSDT".to_owned(), interval: Interval::QUARTER_HOUR, candles }
    }

    #[test]
    fn every_bar_is_in_a_record_that_fits_and_the_newest_has_the_chart() {
        let bytes_max = FRAME_BYTES + 2_500 * BAR_BYTES;
        for (bars, parts) in [(60, 1), (2_500, 1), (2_501, 2), (5_000, 2), (7_520, 4), (12_345, 5)] {
            let whole = series(bars);
            let mut read: Vec<Series> = Vec::new();
            let mut lasts = Vec::new();
            let codec = Codec::<Series>::new(bytes_max).unwrap();
            let keep = |value: Vec<u8>, last| {
                assert!(value.len() <= bytes_max, "{bars}: {} bytes", value.len());
                read.push(codec.decode(&value).unwrap());
                lasts.push(last);
                true
            };
            write(&whole, "x.json", bytes_max, keep).unwrap();
            assert_eq!((read.len(), lasts.iter().position(|last| *last)), (parts, Some(parts - 1)), "{bars}");
            assert!(read.iter().all(|part| part.candles.len() >= BARS_MIN), "{bars}");
            assert_eq!(read.last().unwrap().candles.len(), whole.candles.len().min(2_500), "{bars}");
            let mut candles: Vec<Candle> = read.into_iter().flat_map(|part| part.candles).collect();
            candles.dedup_by_key(|candle| candle.open_time);
            candles.sort_by_key(|candle| candle.open_time);
            candles.dedup_by_key(|candle| candle.open_time);
            assert_eq!(candles, whole.candles, "{bars}");
        }
        let refused = write(&series(2_000), "x.json", 1_500 * BAR_BYTES, |_, _| true).unwrap_err();
        assert!(refused.reason == TOO_LARGE && refused.error.contains("limits.record_bytes_max"), "{refused:?}");
    }
}
