//! How a stand-in behaves and misbehaves, a set of knobs for each provider, to be turned at any time.
//!
//! Probabilities are from 0 to 1. Those of one group exclude each other and add up: what is refused before it is
//! worked on ([`Knobs::rate_limited`] to [`Knobs::broken`]), and what is wrong with an answer ([`Flaw`]). Everything
//! else comes on top of any of them. By default nothing is wrong and nothing takes time.

use std::time::Duration;

use super::chance::Chance;

/// What is wrong with an answer that was given, and billed. Tavily and Coinalyze have three of these only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Flaw {
    /// No JSON, broken JSON, or JSON of another schema. Tavily and Coinalyze: the body ends in the middle, as with
    /// `Truncated`.
    Malformed,
    /// JSON between Markdown fences.
    Fenced,
    /// Cut where the output reaches its cap (`MAX_TOKENS`, `length`).
    Truncated,
    /// Gemini: the prompt is blocked; `OpenAI`: `content_filter`.
    Blocked,
    /// Gemini: a candidate that ends with `SAFETY`; `OpenAI`: null content and a refusal.
    Refused,
    /// No content, or content without parts. Tavily: no results; Coinalyze: an empty list.
    Empty,
    /// Cut, and one token more was billed than the cap allows, as was once recorded of Gemini.
    OverCap,
}

/// When a provider is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outage {
    /// Nobody listens: connections are refused, and open ones are cut with whatever they wait for.
    Refused,
    /// Everything is answered with 503.
    Unavailable,
}

/// How long answers take, evenly spread.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Latency {
    /// At least.
    pub min: Duration,
    /// At most.
    pub max: Duration,
}

impl Latency {
    /// Always the same.
    #[must_use]
    pub const fn fixed(latency: Duration) -> Self {
        Self { min: latency, max: latency }
    }

    /// At `share` (0 to 1) of the way from the shortest to the longest.
    pub(super) fn at(self, share: f64) -> Duration {
        self.min + self.max.saturating_sub(self.min).mul_f64(share)
    }
}

/// All knobs of one provider.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Knobs {
    /// How long a paid answer takes.
    pub latency: Latency,
    /// How long it takes to count tokens.
    pub counting_latency: Duration,
    /// Paid requests that are worked on at a time; one more is refused with 429. `None`: no limit.
    pub requests_max: Option<usize>,
    /// Down altogether.
    pub outage: Option<Outage>,
    /// What a refusal asks to wait; seeded fractions of a second up to a hundredth are added.
    pub retry_after: Duration,
    /// Tavily: credits after which 432 is answered, the plan's limit.
    pub plan_credits_max: Option<u64>,
    /// Tavily: credits after which 433 is answered, the limit of pay-as-you-go.
    pub paygo_credits_max: Option<u64>,
    /// Coinalyze: a symbol that has data is left out of an answer.
    pub omitted: f64,
    /// 429: too many requests, try again soon.
    pub rate_limited: f64,
    /// Gemini: 429 of the daily quota; `OpenAI`: 429 `insufficient_quota`; Tavily: 432.
    pub out_of_quota: f64,
    /// 503, at once.
    pub unavailable: f64,
    /// 500, after the latency of an answer.
    pub broken: f64,
    /// Billed, and then the connection is cut without a word.
    pub lost: f64,
    /// [`Flaw::Malformed`].
    pub malformed: f64,
    /// [`Flaw::Fenced`].
    pub fenced: f64,
    /// [`Flaw::Truncated`].
    pub truncated: f64,
    /// [`Flaw::Blocked`].
    pub blocked: f64,
    /// [`Flaw::Refused`].
    pub refused: f64,
    /// [`Flaw::Empty`].
    pub empty: f64,
    /// [`Flaw::OverCap`].
    pub over_cap: f64,
    /// The answer does not say what it cost.
    pub usage_missing: f64,
    /// Another model answers than was asked, at its own price.
    pub rerouted: f64,
    /// Half of the question or more came from a cache that nobody asked for.
    pub cached: f64,
    /// The model thinks before it answers, inside the cap.
    pub thoughts: f64,
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            latency: Latency::default(),
            counting_latency: Duration::ZERO,
            requests_max: None,
            outage: None,
            retry_after: Duration::from_secs(1),
            plan_credits_max: None,
            paygo_credits_max: None,
            omitted: 0.0,
            rate_limited: 0.0,
            out_of_quota: 0.0,
            unavailable: 0.0,
            broken: 0.0,
            lost: 0.0,
            malformed: 0.0,
            fenced: 0.0,
            truncated: 0.0,
            blocked: 0.0,
            refused: 0.0,
            empty: 0.0,
            over_cap: 0.0,
            usage_missing: 0.0,
            rerouted: 0.0,
            cached: 0.0,
            thoughts: 0.0,
        }
    }
}

/// Why a request is refused before it is worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Setback {
    RateLimited,
    OutOfQuota,
    Unavailable,
    Broken,
}

/// What is in store for one request.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is drawn apart from the others")]
pub(super) struct Fate {
    pub setback: Option<Setback>,
    pub lost: bool,
    pub flaw: Option<Flaw>,
    pub usage_missing: bool,
    pub rerouted: bool,
    pub cached: bool,
    pub thoughts: bool,
    /// How far its latency is from the shortest to the longest.
    pub pace: f64,
    /// For what else is to be drawn.
    pub chance: Chance,
}

impl Fate {
    /// Draws in an order that no knob changes, so that turning one leaves the others' luck alone.
    pub fn draw(knobs: &Knobs, mut chance: Chance) -> Self {
        let setbacks = [
            (knobs.rate_limited, Setback::RateLimited),
            (knobs.out_of_quota, Setback::OutOfQuota),
            (knobs.unavailable, Setback::Unavailable),
            (knobs.broken, Setback::Broken),
        ];
        let flaws = [
            (knobs.malformed, Flaw::Malformed),
            (knobs.fenced, Flaw::Fenced),
            (knobs.truncated, Flaw::Truncated),
            (knobs.blocked, Flaw::Blocked),
            (knobs.refused, Flaw::Refused),
            (knobs.empty, Flaw::Empty),
            (knobs.over_cap, Flaw::OverCap),
        ];
        Self {
            setback: chance.one_of(&setbacks),
            lost: chance.happens(knobs.lost),
            flaw: chance.one_of(&flaws),
            usage_missing: chance.happens(knobs.usage_missing),
            rerouted: chance.happens(knobs.rerouted),
            cached: chance.happens(knobs.cached),
            thoughts: chance.happens(knobs.thoughts),
            pace: chance.share(),
            chance,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::bill::Question;
    use super::*;

    #[test]
    fn turning_one_knob_leaves_the_luck_of_the_others_alone() {
        let calm = Knobs { malformed: 0.3, ..Knobs::default() };
        let rough = Knobs { rate_limited: 0.5, lost: 0.5, thoughts: 0.5, ..calm };
        for question in 0..100 {
            let draw = |knobs| Fate::draw(knobs, Chance::new(3, Question(question), 0));
            assert_eq!((draw(&calm).flaw, draw(&calm).pace), (draw(&rough).flaw, draw(&rough).pace));
        }
    }

    #[test]
    fn latency_lies_in_its_range() {
        let millis = Duration::from_millis;
        let latency = Latency { min: millis(50), max: millis(150) };
        assert_eq!([0.0, 0.5, 1.0].map(|share| latency.at(share)), [millis(50), millis(100), millis(150)]);
        assert_eq!(Latency::fixed(millis(100)).at(0.7), millis(100));
    }
}
