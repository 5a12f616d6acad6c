//! What became of signals, by what they have in common.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::outcome::Outcome;
use super::rank::centred;
use super::resample::{Range, Resampling, ranges};
use super::tally::{self, BINS, Brier, Call, Rates, WIDTH, add, partition, rates};
use crate::model::{Direction, Timestamp};

/// Groups of one kind that are told of: those of the most signals.
pub const GROUPS_MAX: usize = 200;

/// What many signals have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Labels {
    /// `article` or `market`.
    pub kind: String,
    /// `news`, `momentum`, `breakout`, `reversal`.
    pub strategy: String,
    /// Who analysed.
    pub analyzer: String,
    /// The model version that answered.
    pub model: String,
    /// Of the prompt, the lexicon or the formulas.
    pub prompt_version: String,
    /// Names of the components, ascending.
    pub components: Vec<String>,
}

/// A signal, and what became of it.
#[derive(Debug, Clone)]
pub struct Judged {
    /// What it has in common with others.
    pub labels: Arc<Labels>,
    /// What it is about.
    pub subject: Arc<str>,
    /// When it was available.
    pub at: Timestamp,
    /// Which way it says.
    pub direction: Direction,
    /// 0 to 100.
    pub score: f64,
    /// 0 to 1.
    pub confidence: f64,
    /// The values of [`Labels::components`].
    pub components: Box<[f32]>,
    /// One for each horizon.
    pub outcomes: Box<[Outcome]>,
}

/// What signals are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// All of them together.
    All,
    /// Articles and markets.
    Kind,
    /// The strategy.
    Strategy,
    /// Who analysed.
    Analyzer,
    /// The model version.
    Model,
    /// The version of the prompt, lexicon or formulas.
    PromptVersion,
    /// Each component of a strategy by itself: its value takes the place of the score, and it makes no calls.
    Component,
    /// The asset or symbol.
    Subject,
}

impl By {
    /// What is always reckoned and stored; a subject only where it is asked for, as there may be thousands.
    pub const USUAL: [Self; 7] =
        [Self::All, Self::Kind, Self::Strategy, Self::Analyzer, Self::Model, Self::PromptVersion, Self::Component];

    /// As the column `by` shows it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Kind => "kind",
            Self::Strategy => "strategy",
            Self::Analyzer => "analyzer",
            Self::Model => "model",
            Self::PromptVersion => "prompt_version",
            Self::Component => "component",
            Self::Subject => "subject",
        }
    }
}

/// How many signals of a group there are, and what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// All of them.
    pub signals: u64,
    /// With an outcome.
    pub measured: u64,
    /// Whose horizon is not over.
    pub pending: u64,
    /// Whose horizon is over, and of which there is no price.
    pub no_price: u64,
    /// With an outcome, saying no direction.
    pub neutral: u64,
}

/// Calls whose stated probability of a rise lies near one another.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Bin {
    /// Their mean stated probability.
    pub stated: f64,
    /// The share that a rise came after.
    pub came: f64,
    /// How sure that share is.
    pub came_range: Option<Range>,
    /// How many.
    pub signals: u64,
}

/// What is said of a group, with how sure it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Statistics {
    /// The rates.
    #[serde(flatten)]
    pub rates: Rates,
    /// Of the rate of that name.
    pub hit_rate_range: Option<Range>,
    /// Of the rate of that name.
    pub edge_range: Option<Range>,
    /// Of the rate of that name.
    pub mean_return_range: Option<Range>,
    /// Of the rate of that name.
    pub rank_ic_range: Option<Range>,
    /// Of the rate of that name.
    pub brier_range: Option<Range>,
    /// The Brier score in parts.
    pub brier_parts: Option<Brier>,
    /// What there is of [`BINS`] bins, ascending.
    pub bins: Vec<Bin>,
}

/// What is said of a group within a horizon.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// What it is a group by.
    pub by: By,
    /// Its name; empty where the signals name none.
    pub group: String,
    /// Such as `4h`.
    pub horizon: String,
    /// The same in seconds.
    pub horizon_s: u64,
    /// How many.
    #[serde(flatten)]
    pub counts: Counts,
    /// What is said.
    #[serde(flatten)]
    pub statistics: Statistics,
}

/// Everything that is said of some signals.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluation {
    /// Of this evaluation.
    pub evaluation_id: String,
    /// When it was made.
    #[serde(serialize_with = "moment")]
    pub evaluated_at: Timestamp,
    /// `live`, or the replay's id.
    pub run_id: String,
    /// What else the signals had to meet, such as `strategy=news`; empty: nothing.
    pub filter: String,
    /// When the first of them was available; null where there is none.
    #[serde(serialize_with = "moment_or_null")]
    pub first_at: Option<Timestamp>,
    /// When the last was.
    #[serde(serialize_with = "moment_or_null")]
    pub last_at: Option<Timestamp>,
    /// Of the intervals.
    pub resamples: u32,
    /// Of the intervals.
    pub seed: u64,
    /// By kind of group, group and horizon.
    pub findings: Vec<Finding>,
}

/// RFC 3339.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn moment<S: Serializer>(time: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(time)
}

/// RFC 3339, or null.
#[expect(clippy::ref_option, reason = "serde's signature")]
fn moment_or_null<S: Serializer>(time: &Option<Timestamp>, to: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => moment(time, to),
        None => to.serialize_none(),
    }
}

/// A horizon as people write it: `90m`, `4h`, `72h`.
#[must_use]
pub fn horizon_name(horizon: Duration) -> String {
    match horizon.as_secs() {
        seconds if seconds % 3_600 == 0 => format!("{}h", seconds / 3_600),
        seconds if seconds % 60 == 0 => format!("{}m", seconds / 60),
        seconds => format!("{seconds}s"),
    }
}

/// A signal of a group, and what it says there.
struct Member<'a> {
    of: &'a Judged,
    said: f64,
    makes_calls: bool,
}

/// The groups by `by`, the largest first, at most [`GROUPS_MAX`]; then in the order of their names.
fn groups(judged: &[Judged], by: By) -> BTreeMap<String, Vec<Member<'_>>> {
    let mut groups: BTreeMap<String, Vec<Member<'_>>> = BTreeMap::new();
    let mut put = |name: String, member| groups.entry(name).or_default().push(member);
    for of in judged {
        let labels = &of.labels;
        let name = match by {
            By::All => "all",
            By::Kind => &labels.kind,
            By::Strategy => &labels.strategy,
            By::Analyzer => &labels.analyzer,
            By::Model => &labels.model,
            By::PromptVersion => &labels.prompt_version,
            By::Subject => &of.subject,
            By::Component => {
                for (component, value) in labels.components.iter().zip(&of.components) {
                    let said = f64::from(*value);
                    put(format!("{}:{component}", labels.strategy), Member { of, said, makes_calls: false });
                }
                continue;
            }
        };
        put(name.to_owned(), Member { of, said: of.score, makes_calls: true });
    }
    let mut sizes: Vec<usize> = groups.values().map(Vec::len).collect();
    sizes.sort_unstable_by(|one, other| other.cmp(one));
    if let Some(least) = sizes.get(GROUPS_MAX) {
        groups.retain(|_, members| members.len() > *least);
    }
    groups
}

/// The findings by `by` within each horizon.
#[must_use]
pub fn findings(judged: &[Judged], by: By, horizons: &[Duration], how: Resampling) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, members) in groups(judged, by) {
        for (place, horizon) in horizons.iter().enumerate() {
            let (counts, statistics) = judge(&members, place, *horizon, how);
            findings.push(Finding {
                by,
                group: name.clone(),
                horizon: horizon_name(*horizon),
                horizon_s: horizon.as_secs(),
                counts,
                statistics,
            });
        }
    }
    findings
}

fn judge(members: &[Member<'_>], place: usize, horizon: Duration, how: Resampling) -> (Counts, Statistics) {
    let mut counts = Counts { signals: members.len() as u64, ..Counts::default() };
    let mut measured: Vec<(&Member<'_>, f64)> = Vec::new();
    for member in members {
        match member.of.outcomes[place] {
            Outcome::Finished(change) => measured.push((member, change)),
            Outcome::Pending => counts.pending += 1,
            Outcome::Missing => counts.no_price += 1,
        }
    }
    let is_neutral = |member: &Member<'_>| member.of.direction == Direction::Neutral;
    counts.measured = measured.len() as u64;
    counts.neutral = measured.iter().filter(|(member, _)| is_neutral(member)).count() as u64;
    let said = centred(&measured.iter().map(|(member, _)| member.said).collect::<Vec<_>>());
    let changes = centred(&measured.iter().map(|(_, change)| *change).collect::<Vec<_>>());
    let mut periods: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
    let width_ms = i64::try_from(horizon.as_millis()).unwrap_or(i64::MAX).max(1);
    for ((member, change), (said_rank, change_rank)) in measured.iter().zip(said.into_iter().zip(changes)) {
        let direction = if member.makes_calls { member.of.direction } else { Direction::Neutral };
        let sums = periods.entry(member.of.at.0.div_euclid(width_ms)).or_insert_with(|| vec![0.0; WIDTH]);
        let confidence = member.of.confidence;
        add(sums, &Call { direction, confidence, change: *change, said_rank, change_rank });
    }
    let periods: Vec<Vec<f64>> = periods.into_values().collect();
    (counts, statistics(&periods, how))
}

fn statistics(periods: &[Vec<f64>], how: Resampling) -> Statistics {
    let mut sums = vec![0.0; WIDTH];
    for period in periods {
        sums.iter_mut().zip(period).for_each(|(sum, part)| *sum += part);
    }
    let resampled = |sums: &[f64]| {
        let Rates { hit_rate, edge, mean_return, rank_ic, brier, .. } = rates(sums);
        let bins = (0..BINS).map(|number| tally::bin(sums, number).map(|(_, _, came)| came));
        [hit_rate, edge, mean_return, rank_ic, brier].into_iter().chain(bins).collect()
    };
    let ranges = if periods.is_empty() { vec![None; 5 + BINS] } else { ranges(periods, how, resampled) };
    let bins = (0..BINS).zip(&ranges[5..]).filter_map(|(number, range)| {
        let (count, stated, came) = tally::bin(&sums, number)?;
        Some(Bin { stated, came, came_range: *range, signals: whole(count) })
    });
    // A statistic that is not known has no range either.
    let rates = rates(&sums);
    let range = |place: usize, rate: Option<f64>| rate.and(ranges[place]);
    Statistics {
        rates,
        hit_rate_range: range(0, rates.hit_rate),
        edge_range: range(1, rates.edge),
        mean_return_range: range(2, rates.mean_return),
        rank_ic_range: range(3, rates.rank_ic),
        brier_range: range(4, rates.brier),
        brier_parts: partition(&sums),
        bins: bins.collect(),
    }
}

/// A count that was summed as a number.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count, far below 2^52")]
fn whole(count: f64) -> u64 {
    count.round() as u64
}

#[cfg(test)]
mod tests;
