//! What articles are expected to cost: by the very question that would be asked, and the bound and the prices that its hold
//! is made by.

use std::sync::LazyLock;

use super::purchase::SEARCH_CREDITS;
use crate::config::{self, Config};
use crate::enrich::content::{self, Question};
use crate::model::{Article, NanoUsd, Timestamp};
use crate::provider::adapter;
use crate::provider::bound;
use crate::provider::call::Usage;
use crate::provider::estimate::{Estimator, Expected};
use crate::provider::price::Catalog;

/// The bound of a question's tokens over what a service counts, in percent: the median of what was measured for crypto
/// news (see [`bound`]).
const BOUND_PERCENT: u64 = 130;
/// Tokens of an answer that half of all stay below: ten properties, of which the points and the reason are long.
const ANSWER_TOKENS: u64 = 350;
/// As [`crate::provider::adapter`] names the service that researches.
const RESEARCHER: &str = "tavily";
/// By how much more than expected something costs in one of twenty runs, as a share, where no answer is known: answers
/// twice as long as usual (assumption, to be evaluated).
const UNKNOWN_SURPLUS: f64 = 0.8;
/// Answers that are known, below which the usual figures are trusted more.
const KNOWN_MIN: u64 = 20;

/// What is known of questions that were answered before: what the expectation for others is made by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Calibration {
    /// Answers that are known.
    pub answers: u64,
    /// Bound of the tokens of their questions, instructions included.
    pub bound_tokens: u64,
    /// What the service counted of them.
    pub input_tokens: u64,
    /// What it answered.
    pub output_tokens: u64,
    /// The sum of their squares.
    pub output_squares: u64,
    /// Readings that were worth research.
    pub researched: u64,
}

impl Calibration {
    /// The bound of the tokens of a question about an article, as the estimate is made by it.
    #[must_use]
    pub fn bound_of(title: &str, text: &str) -> u64 {
        fixed_tokens().saturating_add(bound::question_tokens_max(&[&Question::new(title, text, "", "").user]))
    }

    /// One more answer.
    pub fn add(&mut self, bound_tokens: u64, [input_tokens, output_tokens]: [i64; 2], is_researched: bool) {
        self.answers += 1;
        self.bound_tokens += bound_tokens;
        self.input_tokens += u64::try_from(input_tokens).unwrap_or(0);
        let output_tokens = u64::try_from(output_tokens).unwrap_or(0);
        self.output_tokens += output_tokens;
        self.output_squares = self.output_squares.saturating_add(output_tokens.saturating_mul(output_tokens));
        self.researched += u64::from(is_researched);
    }

    fn is_known(&self) -> bool {
        self.answers >= KNOWN_MIN && self.bound_tokens > 0
    }

    /// What is counted of a question with this bound.
    fn input_tokens(&self, bound: u64) -> u64 {
        if self.is_known() {
            let counted = u128::from(bound) * u128::from(self.input_tokens) / u128::from(self.bound_tokens);
            return u64::try_from(counted).unwrap_or(u64::MAX);
        }
        bound.saturating_mul(100) / BOUND_PERCENT
    }

    fn output_tokens(&self) -> u64 {
        if self.is_known() { self.output_tokens / self.answers } else { ANSWER_TOKENS }
    }

    /// By how much more than expected `articles` cost in one of twenty runs, as a share of that: what their answers vary
    /// by, of which chance evens out the more the more there are, and what the expectation itself may be wrong by.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share need not be exact")]
    pub fn surplus(&self, articles: u64) -> f64 {
        /// One of twenty lies beyond so many standard deviations.
        const ONE_OF_TWENTY: f64 = 1.645;
        /// Questions that are asked again, and others than those that are known.
        const WRONG_BY: f64 = 0.08;
        if !self.is_known() {
            return UNKNOWN_SURPLUS;
        }
        let count = self.answers as f64;
        let mean = self.output_tokens as f64 / count;
        let variance = (self.output_squares as f64 / count - mean * mean).max(0.0);
        let relative = if mean > 0.0 { variance.sqrt() / mean } else { 0.0 };
        WRONG_BY + ONE_OF_TWENTY * relative * (1.0 / count + 1.0 / articles.max(1) as f64).sqrt()
    }

    /// What research adds where a search costs `credit`. Nothing where little is known: fewer than half of all readings
    /// are claims that are worth it.
    fn research(&self, credit: u64) -> u64 {
        if self.is_known() { credit.saturating_mul(self.researched) / self.answers } else { 0 }
    }
}

/// Tokens at most of what all questions have in common.
fn fixed_tokens() -> u64 {
    static FIXED: LazyLock<u64> = LazyLock::new(|| {
        let schema = content::schema().to_string();
        bound::question_tokens_max(&[&Question::new("", "", "", "").system, &schema])
    });
    *FIXED
}

/// What questions cost as configured.
#[derive(Debug)]
pub struct Costs {
    catalog: Catalog,
    llm: config::Llm,
    researches: bool,
}

impl Costs {
    /// `None` where nothing is paid for.
    ///
    /// # Errors
    /// What a person has to mend: a price file that cannot be read.
    pub fn new(config: &Config) -> anyhow::Result<Option<Self>> {
        if config.llm.provider == config::Provider::Lexicon {
            return Ok(None);
        }
        let catalog = Catalog::configured(&config.llm)?;
        Ok(Some(Self { catalog, llm: config.llm.clone(), researches: config.tavily.enabled }))
    }

    /// What an article is expected to cost whose question has `bound` tokens at most ([`Calibration::bound_of`]), by what
    /// is known of others; `None` where its model has no price.
    #[must_use]
    pub fn of(&self, bound: u64, known: &Calibration, now: Timestamp) -> Option<Expected> {
        let Self { catalog, llm, researches } = self;
        let (provider, model) = (llm.provider.as_str(), adapter::model(llm));
        let worst = catalog.worst(provider, model, now, bound, adapter::max_output_tokens(llm).into())?;
        let usage = Usage {
            model: model.to_owned(),
            input_tokens: known.input_tokens(bound),
            output_tokens: known.output_tokens(),
            ..Usage::default()
        };
        let typical = catalog.price(provider, model, now)?.cost(&usage)?.min(worst);
        let search =
            if *researches { catalog.credit(RESEARCHER, None, now)?.0.saturating_mul(SEARCH_CREDITS) } else { 0 };
        Some(Expected {
            worst: worst.saturating_add(NanoUsd(search)),
            typical: typical.saturating_add(NanoUsd(known.research(search))),
        })
    }
}

/// What articles are expected to cost as configured; `None` where nothing is paid for.
///
/// # Errors
/// As [`Costs::new`].
pub fn estimator(config: &Config) -> anyhow::Result<Option<Estimator>> {
    let Some(costs) = Costs::new(config)? else { return Ok(None) };
    let known = Calibration::default();
    let of = move |article: &Article, now| costs.of(Calibration::bound_of(&article.title, &article.text), &known, now);
    Ok(Some(Estimator::new(of)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Screen;

    #[test]
    fn an_estimate_is_made_of_the_question_and_the_prices() {
        let now = Timestamp(1_795_305_600_000);
        let article = |chars: usize| Article {
            article_id: "1".to_owned(),
            title: "Bitcoin".to_owned(),
            text: "word ".repeat(chars / 5),
            publisher: String::new(),
            url: String::new(),
            published_at: now,
            date_inferred: false,
            received_at: now,
            language: String::new(),
            text_chars: 0,
            content_hash: String::new(),
            screen: Screen::None,
            near_duplicate_of: String::new(),
            origin: String::new(),
            version: 0,
        };
        let mut config = Config::default();
        assert!(estimator(&config).unwrap().is_none(), "the lexicon costs nothing");
        config.llm.provider = config::Provider::Gemini;
        let of = |config: &Config, chars| estimator(config).unwrap().unwrap().of(&article(chars), now);
        let (short, long) = (of(&config, 1_000).unwrap(), of(&config, 20_000).unwrap());
        assert!(short.typical < short.worst && short.worst < long.worst && short.typical < long.typical);
        assert_eq!(of(&config, 30_000), of(&config, 300_000), "a question is cut");
        config.tavily.enabled = true;
        assert!(of(&config, 1_000).unwrap().worst > short.worst);
        let mut known = Calibration::default();
        assert!((known.surplus(10) - UNKNOWN_SURPLUS).abs() < f64::EPSILON);
        for tokens in [100, 200].into_iter().cycle().take(20) {
            known.add(1_000, [500, tokens], true);
        }
        assert!(known.surplus(10) > known.surplus(1_000) && known.surplus(1_000) > 0.08);
        let bound = Calibration::bound_of("Bitcoin", &"word ".repeat(200));
        let calibrated = Costs::new(&config).unwrap().unwrap().of(bound, &known, now).unwrap();
        assert_eq!(calibrated.worst, of(&config, 1_000).unwrap().worst, "what is known changes no limit");
        assert_ne!(calibrated.typical, of(&config, 1_000).unwrap().typical);
        config.llm.model = Some("no-such-model".to_owned());
        assert_eq!(of(&config, 1_000), None, "what has no price is not estimated");
    }
}
