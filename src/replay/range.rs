//! Which offsets are read: from bounds as people give them to spans of partitions, and these as a row keeps them.

use std::fmt;
use std::sync::Arc;

use anyhow::Context as _;
use jiff::{SignedDuration, Span as Calendar, Zoned};

use super::order::{Order, Unfit};
use crate::kafka::{Look, Span};
use crate::model::Timestamp;

/// Where a range begins or ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bound {
    /// At this offset of every partition.
    Offset(i64),
    /// At the first record of this time or later.
    Time(Timestamp),
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Offset(offset) => write!(f, "{offset}"),
            Self::Time(time) => write!(f, "{time}"),
        }
    }
}

/// Reads an offset (`1200`), a time (`2026-11-22T04:00:00Z`, `2026-11-22`), or an ISO 8601 duration before `now` (`P7D`,
/// `PT36H`).
///
/// # Errors
/// What it could have been.
pub fn parse_bound(text: &str, now: Timestamp) -> Result<Bound, Unfit> {
    let unfit = || {
        Unfit(format!(
            "{text:?} is no offset (1200), no time (2026-11-22T04:00:00Z, 2026-11-22) and no duration before now (P7D, PT36H)"
        ))
    };
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().map(Bound::Offset).map_err(|_| unfit());
    }
    if text.starts_with(['P', 'p']) {
        let back: Calendar = text.parse().map_err(|_| unfit())?;
        // A day is 24 hours, as everything here is in UTC.
        let back: SignedDuration = back.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(|_| unfit())?;
        let millis = i64::try_from(back.as_millis()).ok().filter(|millis| *millis >= 0).ok_or_else(unfit)?;
        return Ok(Bound::Time(Timestamp(now.0.saturating_sub(millis))));
    }
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Ok(Bound::Time(Timestamp(time.as_millisecond())));
    }
    let day: jiff::civil::Date = text.parse().map_err(|_| unfit())?;
    let start: Zoned = day.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| unfit())?;
    Ok(Bound::Time(Timestamp(start.timestamp().as_millisecond())))
}

/// The spans of an order, as the topic is now.
///
/// # Errors
/// When Kafka does not answer.
pub(super) async fn ordered(look: Arc<Look>, order: &Order) -> anyhow::Result<Vec<Span>> {
    let (from, to) = (order.from.clone(), order.to.clone());
    let resolved = tokio::task::spawn_blocking(move || resolve(&look, from.as_ref(), to.as_ref()));
    resolved.await.context("looking at the topic panicked")?
}

/// Offsets between two.
pub(super) fn length(from: i64, to: i64) -> u64 {
    u64::try_from(to - from).unwrap_or(0)
}

/// Offsets of all spans.
pub(super) fn total(spans: &[Span]) -> u64 {
    spans.iter().map(|span| length(span.offsets.start, span.offsets.end)).sum()
}

/// The spans between two bounds. Blocks.
fn resolve(look: &Look, from: Option<&Bound>, to: Option<&Bound>) -> anyhow::Result<Vec<Span>> {
    let whole = look.whole()?;
    // Behind the last record of a time there is the end.
    let at = |bound: &Bound| -> anyhow::Result<Vec<Option<i64>>> {
        Ok(match bound {
            Bound::Offset(offset) => vec![Some(*offset); whole.len()],
            Bound::Time(time) => look.at(&whole, *time)?,
        })
    };
    let none = || vec![None; whole.len()];
    let starts = from.map_or_else(|| Ok(whole.iter().map(|span| Some(span.offsets.start)).collect()), at)?;
    let ends = to.map_or_else(|| Ok(none()), at)?;
    let spans = whole.iter().zip(starts.into_iter().zip(ends)).map(|(span, (start, end))| {
        let (low, high) = (span.offsets.start, span.offsets.end);
        let start = start.unwrap_or(high).clamp(low, high);
        Span { partition: span.partition, offsets: start..end.unwrap_or(high).clamp(start, high) }
    });
    Ok(spans.collect())
}

/// Spans as two texts: where each begins, and where it ends.
pub(super) fn write(spans: &[Span]) -> [String; 2] {
    let of = |offset: fn(&Span) -> i64| {
        let all: Vec<String> = spans.iter().map(|span| format!("{}:{}", span.partition, offset(span))).collect();
        all.join(",")
    };
    [of(|span| span.offsets.start), of(|span| span.offsets.end)]
}

/// What [`write()`] gave.
pub(super) fn read(from: &str, to: &str) -> anyhow::Result<Vec<Span>> {
    let of = |text: &str| -> anyhow::Result<Vec<(i32, i64)>> {
        let one = |part: &str| -> anyhow::Result<(i32, i64)> {
            let (partition, offset) = part.split_once(':').context("no partition")?;
            Ok((partition.parse()?, offset.parse()?))
        };
        text.split(',').filter(|part| !part.is_empty()).map(one).collect()
    };
    let (from, to) = (of(from)?, of(to)?);
    let span = |((partition, start), (other, end)): ((i32, i64), (i32, i64))| {
        (partition == other).then_some(Span { partition, offsets: start..end })
    };
    let spans: Option<Vec<Span>> = from.iter().copied().zip(to.iter().copied()).map(span).collect();
    spans.filter(|spans| spans.len() == from.len().max(to.len())).context("other partitions begin than end")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_offsets_times_or_durations() {
        let now = Timestamp(1_795_392_000_000);
        for (text, expected) in [
            ("0", Bound::Offset(0)),
            ("1200", Bound::Offset(1200)),
            ("2026-11-22T04:00:00Z", Bound::Time(Timestamp(1_795_320_000_000))),
            ("2026-11-22T05:00:00+01:00", Bound::Time(Timestamp(1_795_320_000_000))),
            ("2026-11-22", Bound::Time(Timestamp(1_795_305_600_000))),
            ("P1D", Bound::Time(Timestamp(now.0 - 86_400_000))),
            ("PT36H", Bound::Time(Timestamp(now.0 - 129_600_000))),
            ("P1W", Bound::Time(Timestamp(now.0 - 7 * 86_400_000))),
        ] {
            assert_eq!(parse_bound(text, now), Ok(expected), "{text}");
        }
        for text in ["", "-5", "yesterday", "P", "1.5", "2026-13-01", "99999999999999999999", "-P1D"] {
            assert!(parse_bound(text, now).is_err(), "{text}");
        }
    }

    #[test]
    fn spans_are_read_as_they_were_written() {
        let spans = vec![Span { partition: 0, offsets: 5..17 }, Span { partition: 3, offsets: 4..4 }];
        let [from, to] = write(&spans);
        assert_eq!((from.as_str(), to.as_str()), ("0:5,3:4", "0:17,3:4"));
        assert_eq!(read(&from, &to).unwrap(), spans);
        assert!(read("0:5", "1:6").is_err() && read("0:5", "").is_err() && read("x", "x").is_err());
        assert_eq!(read("", "").unwrap(), []);
    }
}
