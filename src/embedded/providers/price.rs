//! What the stand-ins charge: a price list of their own, so that a mistake in ours does not hide itself.
//!
//! Prices are whole nano-dollars a token (0.10 dollars a million tokens is 100), from `wire-formats.md`, 22 Nov 2026.

use crate::model::NanoUsd;

use super::Provider;

/// A model that can be asked.
#[derive(Debug, Clone)]
pub struct Model {
    /// Who has it.
    pub provider: Provider,
    /// What requests call it.
    pub name: String,
    /// What answers call it; requests may, too.
    pub version: String,
    /// A token of the question, in nano-dollars.
    pub input_nanos: u64,
    /// The same when it was read from a cache.
    pub cached_nanos: u64,
    /// A token of the answer, thoughts included.
    pub output_nanos: u64,
    /// The model that answers in its place when a request is re-routed; itself when there is none.
    pub successor: Option<String>,
}

/// What one call is billed for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sale {
    /// The model that answered; empty for a service without models.
    pub model: String,
    /// Tokens of the question, cached ones included.
    pub input_tokens: u64,
    /// Those of them that came from a cache.
    pub cached_tokens: u64,
    /// Tokens of the answer, thoughts included.
    pub output_tokens: u64,
    /// Credits, where the service counts in them.
    pub credits: u64,
    /// What it costs.
    pub cost: NanoUsd,
}

impl Model {
    /// The bill for a call that this model answered.
    pub(super) fn sale(&self, input_tokens: u64, cached_tokens: u64, output_tokens: u64) -> Sale {
        assert!(cached_tokens <= input_tokens, "what was cached is part of the question");
        let input = (input_tokens - cached_tokens) * self.input_nanos + cached_tokens * self.cached_nanos;
        Sale {
            model: self.version.clone(),
            input_tokens,
            cached_tokens,
            output_tokens,
            credits: 0,
            cost: NanoUsd(input + output_tokens * self.output_nanos),
        }
    }
}

/// A credit of Tavily, pay as you go: 0.008 dollars.
pub(super) const CREDIT: NanoUsd = NanoUsd(8_000_000);

/// The models when nothing else is said, with what they charge for input, cached input and output in nano-dollars.
pub(super) fn list() -> Vec<Model> {
    let model =
        |provider, name: &str, version: &str, [input_nanos, cached_nanos, output_nanos]: [u64; 3], successor: &str| {
            Model {
                provider,
                name: name.into(),
                version: version.into(),
                input_nanos,
                cached_nanos,
                output_nanos,
                successor: (!successor.is_empty()).then(|| successor.into()),
            }
        };
    let gemini = |name, nanos, successor| model(Provider::Gemini, name, name, nanos, successor);
    let openai = |name, version, nanos, successor| model(Provider::OpenAi, name, version, nanos, successor);
    vec![
        gemini("gemini-2.5-flash-lite", [100, 10, 400], "gemini-3.1-flash-lite"),
        gemini("gemini-2.5-flash", [300, 30, 2_500], "gemini-3.5-flash-lite"),
        gemini("gemini-3.1-flash-lite", [250, 25, 1_500], ""),
        gemini("gemini-3.5-flash-lite", [300, 30, 2_500], ""),
        openai("gpt-4.1-nano", "gpt-4.1-nano-2025-04-14", [100, 25, 400], "gpt-4.1-mini"),
        openai("gpt-4.1-mini", "gpt-4.1-mini-2025-04-14", [400, 100, 1_600], ""),
    ]
}

/// The model that a provider has under this name or version.
pub(super) fn find<'a>(models: &'a [Model], provider: Provider, name: &str) -> Option<&'a Model> {
    models.iter().find(|model| model.provider == provider && (model.name == name || model.version == name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_costs_what_the_list_says() {
        let models = list();
        for (name, tokens, nanos) in [
            // 1,000 tokens in at 0.10 and 100 out at 0.40 dollars a million.
            ("gemini-2.5-flash-lite", [1_000, 0, 100], 140_000),
            // 600 of them from the cache at 0.01.
            ("gemini-2.5-flash-lite", [1_000, 600, 100], 86_000),
        ] {
            let [input, cached, output] = tokens;
            let model = find(&models, Provider::Gemini, name).unwrap();
            assert_eq!(model.sale(input, cached, output).cost, NanoUsd(nanos), "{name} {tokens:?}");
        }
        assert_eq!(find(&models, Provider::OpenAi, "gpt-4.1-nano-2025-04-14").unwrap().name, "gpt-4.1-nano");
        assert!(find(&models, Provider::OpenAi, "gemini-2.5-flash").is_none());
        let successors = models.iter().filter_map(|model| Some((model.provider, model.successor.as_ref()?)));
        assert!(successors.into_iter().all(|(provider, name)| find(&models, provider, name).is_some()));
    }
}
