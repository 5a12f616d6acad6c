//! What articles are expected to cost: by the very question that would be asked, and the bound and the prices that its hold
//! is made by.

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

/// What articles are expected to cost as configured; `None` where nothing is paid for.
///
/// # Errors
/// What a person has to mend: a price file that cannot be read.
pub fn estimator(config: &Config) -> anyhow::Result<Option<Estimator>> {
    if config.llm.provider == config::Provider::Lexicon {
        return Ok(None);
    }
    let catalog = Catalog::configured(&config.llm)?;
    let schema = content::schema().to_string();
    let fixed = bound::question_tokens_max(&[&Question::new("", "", "", "").system, &schema]);
    let (llm, researches) = (config.llm.clone(), config.tavily.enabled);
    Ok(Some(Estimator::new(move |article, now| expected(&catalog, &llm, researches, fixed, article, now))))
}

fn expected(
    catalog: &Catalog,
    llm: &config::Llm,
    researches: bool,
    fixed: u64,
    article: &Article,
    now: Timestamp,
) -> Option<Expected> {
    let (provider, model) = (llm.provider.as_str(), adapter::model(llm));
    let question = Question::new(&article.title, &article.text, model, "");
    let tokens = fixed.saturating_add(bound::question_tokens_max(&[&question.user]));
    let worst = catalog.worst(provider, model, now, tokens, adapter::max_output_tokens(llm).into())?;
    let usage = Usage {
        model: model.to_owned(),
        input_tokens: tokens.saturating_mul(100) / BOUND_PERCENT,
        output_tokens: ANSWER_TOKENS,
        ..Usage::default()
    };
    let typical = catalog.price(provider, model, now)?.cost(&usage)?;
    let search = if researches { catalog.credit(RESEARCHER, None, now)?.0.saturating_mul(SEARCH_CREDITS) } else { 0 };
    // Only strong claims are researched: fewer than half.
    Some(Expected { worst: worst.saturating_add(NanoUsd(search)), typical: typical.min(worst) })
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
        config.llm.model = Some("no-such-model".to_owned());
        assert_eq!(of(&config, 1_000), None, "what has no price is not estimated");
    }
}
