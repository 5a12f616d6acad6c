//! The interval of a series: what is said about it, held against the distances between its bars.
//!
//! # The rule
//! Bars are facts and labels are claims. The most common distance is the interval where at least half of the distances
//! are it ([`SHARE_COMMON`]); a label that says something else is noted and not followed. Where the distances scatter, a
//! label stands if all of them are its multiples, as in a market that trades now and then; otherwise the file is refused.
//! A bare number (`BTCUSDT3600.csv`, `"interval":"60"`) is a claim only where it is that distance in minutes, seconds or
//! milliseconds: it may as well be a year.

use crate::model::{Candle, Interval};

use super::broken::{Broken, Reason};

/// Where so many distances are the same, they are the interval.
const SHARE_COMMON: f64 = 0.5;
const MINUTE_SECONDS: u32 = 60;

/// What a label says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claim {
    Interval(Interval),
    /// A number without a unit.
    Number(u64),
}

impl Claim {
    /// What a text says: `15m`, `Min15`, `M15`, `1 hour`, `PT4H`, `3600`. Months (`1M`) are no interval.
    pub fn parse(text: &str) -> Option<Self> {
        let text: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
        if let Ok(number) = text.parse() {
            return Some(Self::Number(number));
        }
        if let Some(minutes) = text.strip_prefix('M').and_then(|minutes| minutes.parse().ok()) {
            return Interval::of_seconds(MINUTE_SECONDS.checked_mul(minutes)?).map(Self::Interval);
        }
        let iso = text.strip_prefix("PT").or_else(|| text.strip_prefix('P').filter(|rest| rest.ends_with('D')));
        Interval::parse(iso.unwrap_or(&text)).map(Self::Interval)
    }

    /// Its interval; of a number, the reading that is `observed`.
    fn interval(self, observed: Option<Interval>) -> Option<Interval> {
        match self {
            Self::Interval(interval) => Some(interval),
            Self::Number(number) => observed.filter(|observed| {
                let seconds = u64::from(observed.seconds());
                [number.saturating_mul(MINUTE_SECONDS.into()), number].contains(&seconds) || number == seconds * 1000
            }),
        }
    }
}

/// An interval, and the label that the bars contradict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spacing {
    pub interval: Interval,
    pub contradicted: Option<Interval>,
}

/// The interval of candles in ascending order. Of several claims the first that says something counts.
pub(super) fn spacing(candles: &[Candle], claims: &[Option<Claim>]) -> Result<Spacing, Broken> {
    let (distance, share) = common_distance(candles);
    let observed = u32::try_from(distance / 1000).ok().filter(|_| distance % 1000 == 0).and_then(Interval::of_seconds);
    let claimed = claims.iter().flatten().find_map(|claim| claim.interval(observed));
    let is_common = share >= SHARE_COMMON;
    match (claimed, observed) {
        (Some(claimed), observed) if observed == Some(claimed) => Ok(Spacing { interval: claimed, contradicted: None }),
        (contradicted, Some(interval)) if is_common => Ok(Spacing { interval, contradicted }),
        (Some(interval), _) if are_multiples(candles, interval) => Ok(Spacing { interval, contradicted: None }),
        (Some(claimed), _) => Err(Broken::new(
            Reason::Inconsistent,
            format!(
                "said to be of {claimed}, but the bars are not that far apart: correct the label, or fetch it again"
            ),
        )),
        (None, _) => Err(Broken::new(
            Reason::NoInterval,
            "no interval is said, and the bars have no common distance: say it in the file or in its name (`_15m`)",
        )),
    }
}

fn distances(candles: &[Candle]) -> impl Iterator<Item = i64> {
    candles.windows(2).map(|pair| pair[1].open_time.0 - pair[0].open_time.0)
}

fn are_multiples(candles: &[Candle], interval: Interval) -> bool {
    distances(candles).all(|distance| distance % (i64::from(interval.seconds()) * 1000) == 0)
}

/// The most common distance in milliseconds, the shorter one of equals, and its share. One pass where more than half are
/// the same (Boyer and Moore's majority vote), otherwise by sorting.
#[expect(clippy::cast_precision_loss, reason = "counts of at most a million bars")]
fn common_distance(candles: &[Candle]) -> (i64, f64) {
    let total = candles.len().saturating_sub(1).max(1) as f64;
    let (mut candidate, mut votes) = (0, 0_usize);
    for distance in distances(candles) {
        if votes == 0 {
            (candidate, votes) = (distance, 1);
        } else if distance == candidate {
            votes += 1;
        } else {
            votes -= 1;
        }
    }
    let share = distances(candles).filter(|distance| *distance == candidate).count() as f64 / total;
    if share > SHARE_COMMON {
        return (candidate, share);
    }
    let mut sorted: Vec<i64> = distances(candles).collect();
    sorted.sort_unstable();
    let runs = sorted.chunk_by(|one, two| one == two).map(|run| (run.len(), run[0]));
    let most = runs.max_by_key(|(length, distance)| (*length, -distance));
    most.map_or((0, 0.0), |(length, distance)| (distance, length as f64 / total))
}
