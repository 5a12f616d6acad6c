//! Which hops ask a provider, and whether those that a process runs could: their keys, addresses and prices.
//!
//! # Why by hop
//! A key is a secret: it belongs where it is used and nowhere else. A process that serves the API or writes rows asks
//! nobody, so it starts without a key, though its configuration is that of all.

use super::Line;
use crate::analyze::summary;
use crate::config::Config;
use crate::enrich::{market, paid};
use crate::model::Timestamp;

/// Whether `hop` can ask whom it asks, as configured. So it is where it asks nobody.
///
/// # Errors
/// What a person has to mend.
pub(crate) fn check(hop: Line, config: &Config, now: Timestamp) -> anyhow::Result<()> {
    match hop.name {
        "enrich/articles" => paid::check(config, now),
        "enrich/market" => market::check(config),
        "analyze" => summary::check(config, now),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Provider, Secret};
    use crate::pipeline::HOPS;

    /// The hops that cannot ask whom they ask, and why.
    fn refused(change: impl FnOnce(&mut Config)) -> Vec<(&'static str, String)> {
        let mut config = Config::default();
        change(&mut config);
        let refusal = |hop: &Line| check(*hop, &config, Timestamp(1_795_305_600_000)).err();
        HOPS.iter().filter_map(|hop| Some((hop.name, format!("{:#}", refusal(hop)?)))).collect()
    }

    #[test]
    fn only_a_hop_that_asks_a_provider_needs_its_key() {
        let names = |refused: Vec<(&'static str, String)>| refused.into_iter().map(|(hop, _)| hop).collect::<Vec<_>>();
        assert!(refused(|_| {}).is_empty(), "the lexicon asks nobody");
        let of_model = refused(|config| config.llm.provider = Provider::Gemini);
        assert!(of_model.iter().all(|(_, why)| why.contains("GEMINI_API_KEY")), "{of_model:?}");
        assert_eq!(names(of_model), ["enrich/articles", "analyze"]);
        assert_eq!(names(refused(|config| config.coinalyze.enabled = true)), ["enrich/market"]);
        let priceless = refused(|config| {
            config.llm.provider = Provider::Gemini;
            config.llm.gemini_api_key = Some(Secret::new("key"));
            config.llm.model = Some("no-such-model".to_owned());
        });
        assert!(priceless.iter().all(|(_, why)| why.contains("no price today")), "{priceless:?}");
        assert_eq!(names(priceless), ["enrich/articles", "analyze"]);
        let researched = refused(|config| {
            config.llm.provider = Provider::Gemini;
            config.llm.gemini_api_key = Some(Secret::new("key"));
            config.tavily.enabled = true;
            config.tavily.api_key = Some(Secret::new("k\n"));
        });
        assert_eq!(names(researched), ["enrich/articles"], "summaries are not researched");
    }
}
