//! Who reads the samples: the provider that somebody gave a key for or configured; where nobody did, stand-ins on this
//! machine, so that the paid path is seen for nothing, and what derivatives say with it; or the lexicon, where that is asked for.
//!
//! Invariants: a real provider is asked only with its own key; what a stand-in answered is never sent to a real one; every
//! row that a stand-in's answer made names [`STAND_IN_MODEL`].

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use serde::Serialize;

use crate::clickhouse::dollars;
use crate::config::{Config, HttpUrl, Provider, Secret};
use crate::embedded::providers::bill::Outcome;
use crate::embedded::providers::knobs::{Knobs, Latency};
use crate::embedded::providers::price::Model;
use crate::embedded::providers::{Provider as Stood, Settings, StandIns};
use crate::provider::adapter;

/// The model that the stand-in for Gemini says it is.
pub(super) const STAND_IN_MODEL: &str = "stand-in-flash";
/// What the stand-ins charge as the program believes it.
const PRICES: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/local/samples/prices.toml"));
/// What they bill for a token of a question and of an answer: 4 and 5 dollars a million.
const INPUT_NANOS: u64 = 4_000;
const OUTPUT_NANOS: u64 = 5_000;
/// Their readings are weaker than a model's: at 0.6 hardly a claim would be researched.
const MIN_STRENGTH: f64 = 0.5;
/// A seed with which every sample is read in the end, whatever goes wrong before.
const SEED: u64 = 4;
/// Any key will do, as long as it stands in no answer: it would be struck out there.
const KEY: &str = "key-of-the-demo";
/// As the real ones take it.
const LATENCY: Latency = Latency { min: Duration::from_millis(300), max: Duration::from_millis(900) };
/// Units of Coinalyze in a minute: nobody waits for a quota to see what it is that they count.
const UNITS_MAX: u32 = 10_000;
/// What a stand-in that has too much to do asks to wait.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// Who reads.
#[derive(Debug)]
pub(super) enum Reader {
    /// The built-in one.
    Lexicon,
    /// Stand-ins for Gemini and Tavily.
    StandIns(StandIns),
    /// A real provider.
    Real {
        /// `gemini`, `openai`.
        provider: &'static str,
        /// The model that is asked.
        model: String,
    },
}

/// What the stand-ins charged, by their own books.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Billed {
    /// All of it, in nano-dollars.
    #[serde(rename = "usd", serialize_with = "dollars")]
    pub(super) cost: i64,
    /// Answers and searches.
    pub(super) calls: usize,
    /// 429.
    pub(super) limited: u64,
    /// 503.
    pub(super) unavailable: u64,
}

impl Reader {
    /// Chooses who reads, starts the stand-ins where they do, and says so in the configuration; their prices go into a
    /// file in `folder`.
    pub(super) fn choose(lexicon: bool, mut config: Config, folder: &Path) -> anyhow::Result<(Self, Config)> {
        let Config { llm, tavily, .. } = &mut config;
        if lexicon {
            (llm.provider, tavily.enabled) = (Provider::Lexicon, false);
            return Ok((Self::Lexicon, config));
        }
        if llm.provider == Provider::Lexicon {
            llm.provider = match (&llm.gemini_api_key, &llm.openai_api_key) {
                (Some(_), _) => Provider::Gemini,
                (None, Some(_)) => Provider::Openai,
                (None, None) => {
                    let stand_ins = StandIns::start(settings())?;
                    for steady in [Stood::Tavily, Stood::Coinalyze] {
                        stand_ins.set(steady, |knobs| *knobs = Knobs { latency: LATENCY, ..Knobs::default() });
                    }
                    let config = asking(&stand_ins, config, folder)?;
                    return Ok((Self::StandIns(stand_ins), config));
                }
            };
            tavily.enabled |= tavily.api_key.is_some();
        }
        let (provider, model) = (llm.provider.as_str(), adapter::model(llm).to_owned());
        Ok((Self::Real { provider, model }, config))
    }

    /// What is said before it begins.
    pub(super) fn announcement(&self, config: &Config) -> String {
        let limit = config.budget.session_usd;
        match self {
            Self::Lexicon => "the built-in lexicon reads the articles: it asks nobody and costs nothing".to_owned(),
            Self::StandIns(_) => format!(
                "no key was given: stand-ins for Gemini and Tavily on this machine read the articles, on a play budget \
                 of ${limit}"
            ),
            Self::Real { provider, model } => {
                format!("{model} of {provider} is asked, which costs money: ${limit} at most (--lexicon asks nobody)")
            }
        }
    }

    /// Who answered, and how to have somebody else do so.
    pub(super) fn signature(&self) -> String {
        match self {
            Self::Lexicon => "read by the built-in lexicon, which costs nothing".to_owned(),
            Self::StandIns(_) => format!(
                "answered by stand-ins for Gemini and Tavily on this machine (model {STAND_IN_MODEL}), no money was spent: no \
                 key was given;\nset GEMINI_API_KEY to ask the real one"
            ),
            Self::Real { provider, model } => format!("answered by {model} of {provider}, for real money"),
        }
    }

    /// `lexicon`, `gemini`, `openai`; and whether it was a stand-in.
    pub(super) fn name(&self) -> (&'static str, bool) {
        match self {
            Self::Lexicon => (Provider::Lexicon.as_str(), false),
            Self::StandIns(_) => (Provider::Gemini.as_str(), true),
            Self::Real { provider, .. } => (provider, false),
        }
    }

    /// Whether money is spent.
    pub(super) fn is_real(&self) -> bool {
        matches!(self, Self::Real { .. })
    }

    /// The stand-ins, where there are any.
    pub(super) fn stand_ins(&self) -> Option<&StandIns> {
        match self {
            Self::StandIns(stand_ins) => Some(stand_ins),
            Self::Lexicon | Self::Real { .. } => None,
        }
    }

    /// The stand-ins' own bill.
    pub(super) fn bill(&self) -> Option<Billed> {
        let bill = self.stand_ins()?.bill();
        let count = |outcome| Stood::ALL.into_iter().map(|provider| bill.requests(provider, outcome)).sum();
        Some(Billed {
            cost: bill.total().decimal(),
            calls: bill.entries.len(),
            limited: count(Outcome::RateLimited) + count(Outcome::OverCapacity),
            unavailable: count(Outcome::Unavailable),
        })
    }
}

/// A little goes wrong, as it does: some questions are asked again, some answers repaired. Nothing is billed that is not
/// answered, so that both books can agree to the last nano-dollar.
fn settings() -> Settings {
    let model = Model {
        provider: Stood::Gemini,
        name: STAND_IN_MODEL.to_owned(),
        version: STAND_IN_MODEL.to_owned(),
        input_nanos: INPUT_NANOS,
        cached_nanos: INPUT_NANOS,
        output_nanos: OUTPUT_NANOS,
        successor: None,
    };
    let knobs = Knobs {
        latency: LATENCY,
        retry_after: RETRY_AFTER,
        rate_limited: 0.03,
        unavailable: 0.03,
        malformed: 0.02,
        ..Knobs::default()
    };
    Settings { seed: SEED, models: vec![model], knobs, units_max: UNITS_MAX, ..Settings::default() }
}

/// The configuration, with the stand-ins for its providers.
fn asking(stand_ins: &StandIns, mut config: Config, folder: &Path) -> anyhow::Result<Config> {
    let url = |text: &str| HttpUrl::parse(text).context("the address of a stand-in is no URL");
    let prices = folder.join("prices.toml");
    fs::write(&prices, PRICES).context("writing the prices of the stand-ins")?;
    let Config { llm, tavily, coinalyze, .. } = &mut config;
    if !coinalyze.enabled {
        coinalyze.enabled = true;
        coinalyze.base_url = url(&stand_ins.coinalyze_url())?;
        coinalyze.units_per_minute = UNITS_MAX;
        coinalyze.api_keys = vec![Secret::new(KEY)];
    }
    llm.provider = Provider::Gemini;
    llm.base_url = Some(url(&stand_ins.gemini_url())?);
    llm.model = Some(STAND_IN_MODEL.to_owned());
    llm.prices_file = Some(prices);
    llm.gemini_api_key = Some(Secret::new(KEY));
    (tavily.enabled, tavily.min_strength) = (true, tavily.min_strength.min(MIN_STRENGTH));
    tavily.base_url = url(&stand_ins.tavily_url())?;
    tavily.api_key = Some(Secret::new(KEY));
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Environment;

    #[test]
    fn a_key_or_the_configuration_decides_who_is_asked() {
        let gemini = ("GEMINI_API_KEY", "g");
        let openai = ("OPENAI_API_KEY", "o");
        let tavily = ("TAVILY_API_KEY", "t");
        let named = ("SIGNALMILL__LLM__PROVIDER", "openai");
        let folder = tempfile::tempdir().unwrap();
        for (lexicon, variables, asked, stand_in, researches) in [
            (false, &[][..], "gemini", true, true),
            (false, &[tavily], "gemini", true, true),
            (false, &[gemini, openai], "gemini", false, false),
            (false, &[openai, tavily], "openai", false, true),
            (false, &[named, gemini, openai], "openai", false, false),
            (true, &[gemini, tavily], "lexicon", false, false),
        ] {
            let config = Config::load(None, &Environment::of(variables)).unwrap();
            let (reader, config) = Reader::choose(lexicon, config, folder.path()).unwrap();
            assert_eq!(reader.name(), (asked, stand_in), "{variables:?}");
            assert_eq!((config.llm.provider.as_str(), config.tavily.enabled), (asked, researches), "{variables:?}");
            // What a stand-in said goes to nobody else, a real key to no stand-in.
            let base = config.tavily.base_url.as_str();
            assert_eq!(base.starts_with("http://127.0.0.1:"), stand_in, "{variables:?}: {base}");
            let key = config.tavily.api_key.as_ref().map(Secret::expose);
            assert!(!stand_in || key == Some(KEY), "{variables:?}");
        }
    }
}
