//! What calls cost: a dated catalog of prices, and the arithmetic of holds and bills.
//!
//! A price is looked up by the exact name of the model that answered and the time; a name that the catalog does not have
//! has no price, and what has no price is not bought. Guessing by a prefix would take `gpt-4.1-nano-2` for
//! `gpt-4.1-nano` one day. The catalog is part of the binary ([`Catalog::built_in`]); a file of the same form may take its
//! place (`llm.prices_file`).
//!
//! Units: [`NanoUsd`], for 1,000,000 tokens in the catalog and for a call in what is computed. Integers only; what is no
//! whole nano-dollar is rounded up, so that a sum of bills is never below what the service charges.
//!
//! Invariants: [`Price::worst`] is at least [`Price::cost`] of every call that stays within its two bounds; it grows with
//! both. Every overflow is `None`, never a smaller number.

mod read;
#[cfg(test)]
mod tests;

use std::fs;
use std::sync::LazyLock;
use std::time::Duration;

use anyhow::Context as _;

pub use read::Unreadable;

use super::call::Usage;
use crate::config;
use crate::model::{NanoUsd, Timestamp};

/// Tokens that a service was seen to go beyond `max_output_tokens` by, and then some: 1 in one of a hundred recorded
/// answers that were cut off there.
pub const OUTPUT_SLACK_TOKENS: u64 = 8;

/// Price lists name days, not time zones, and a call may begin under one list and be billed under the next: around a
/// change, a hold is made by the dearer one.
const CHANGE_MARGIN: Duration = Duration::from_hours(24);

/// Tokens that a listed price is for.
const TOKENS_PER_PRICE: u128 = 1_000_000;

/// A test reads it. Were it broken, there would be no prices, and nothing could be bought.
static BUILT_IN: LazyLock<Catalog> =
    LazyLock::new(|| Catalog::parse(include_str!("../../schemas/prices.toml")).unwrap_or_default());

/// Dollars for 1,000,000 tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rates {
    input: NanoUsd,
    /// Input that the service has read before.
    cached: NanoUsd,
    output: NanoUsd,
}

impl Rates {
    /// The dearer of each.
    fn or(self, other: Self) -> Self {
        Self {
            input: self.input.max(other.input),
            cached: self.cached.max(other.cached),
            output: self.output.max(other.output),
        }
    }

    fn of(self, input: u64, cached: u64, output: u64) -> Option<NanoUsd> {
        // Each product fits 128 bits, and so do three.
        let part = |tokens: u64, rate: NanoUsd| u128::from(tokens) * u128::from(rate.0);
        let sum = part(input, self.input).checked_add(part(cached, self.cached))?;
        let sum = sum.checked_add(part(output, self.output))?;
        u64::try_from(sum.div_ceil(TOKENS_PER_PRICE)).ok().map(NanoUsd)
    }
}

/// What a call to one model costs, at one time, by one way of asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    rates: Rates,
    /// Input tokens above which other rates hold for the whole call, and the rates.
    long: Option<(u64, Rates)>,
}

impl Price {
    /// The most that a call can cost whose question has at most `input_tokens_max` tokens and whose answer was limited to
    /// `output_tokens_max`; `None` above 18 billion dollars. [`OUTPUT_SLACK_TOKENS`] come on top of the limit.
    #[must_use]
    pub fn worst(&self, input_tokens_max: u64, output_tokens_max: u64) -> Option<NanoUsd> {
        let rates = match self.long {
            Some((above, long)) if input_tokens_max > above => self.rates.or(long),
            _ => self.rates,
        };
        let input = Rates { input: rates.input.max(rates.cached), ..rates };
        input.of(input_tokens_max, 0, output_tokens_max.checked_add(OUTPUT_SLACK_TOKENS)?)
    }

    /// What a call cost: what the service says itself, or else its tokens at this price. `None` where the numbers
    /// contradict each other (more cached than read) or do not fit.
    #[must_use]
    pub fn cost(&self, usage: &Usage) -> Option<NanoUsd> {
        if let Some(charged) = usage.charged {
            return Some(charged);
        }
        let rates = match self.long {
            Some((above, long)) if usage.input_tokens > above => long,
            _ => self.rates,
        };
        rates.of(usage.input_tokens.checked_sub(usage.cached_tokens)?, usage.cached_tokens, usage.output_tokens)
    }
}

/// What stands in the catalog for one model and one stretch of time.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Listed {
    provider: String,
    model: String,
    aliases: Vec<String>,
    from: Timestamp,
    /// The first moment that it does not hold any more.
    until: Timestamp,
    terms: Terms,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Terms {
    Prices {
        standard: Price,
        batch: Option<Price>,
    },
    /// Another model answers, at its price.
    RoutedTo(String),
}

/// A service that counts in credits, on one of its plans.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Credit {
    provider: String,
    plan: String,
    from: Timestamp,
    until: Timestamp,
    usd: NanoUsd,
}

/// All prices. [`Default`]: none, so nothing can be bought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalog {
    listed: Vec<Listed>,
    credits: Vec<Credit>,
}

impl Catalog {
    /// The catalog that is part of the binary.
    #[must_use]
    pub fn built_in() -> &'static Self {
        &BUILT_IN
    }

    /// Reads a catalog of the form of `schemas/prices.toml`.
    ///
    /// # Errors
    /// [`Unreadable`] names the entry and what is wrong with it: a price that is no amount, names or times that two
    /// entries share, a route to a model without a price.
    pub fn parse(text: &str) -> Result<Self, Unreadable> {
        read::catalog(text)
    }

    /// The configured one: that of `llm.prices_file`, or the one that is part of the binary.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn configured(config: &config::Llm) -> anyhow::Result<Self> {
        let Some(file) = &config.prices_file else { return Ok(Self::built_in().clone()) };
        let text = fs::read_to_string(file).with_context(|| format!("llm.prices_file {}", file.display()))?;
        Self::parse(&text).with_context(|| format!("llm.prices_file {}", file.display()))
    }

    /// The price of a model at a time; `None` where there is none.
    #[must_use]
    pub fn price(&self, provider: &str, model: &str, at: Timestamp) -> Option<&Price> {
        match self.terms(provider, model, at)? {
            Terms::Prices { standard, .. } => Some(standard),
            Terms::RoutedTo(_) => None,
        }
    }

    /// The price of a model in the service's own batch interface; `None` where there is none.
    #[must_use]
    pub fn batch_price(&self, provider: &str, model: &str, at: Timestamp) -> Option<&Price> {
        match self.terms(provider, model, at)? {
            Terms::Prices { batch, .. } => batch.as_ref(),
            Terms::RoutedTo(_) => None,
        }
    }

    /// The most that a call to `model` can cost that is made at `at`: by the dearest price that holds then or within a
    /// day of it ([`CHANGE_MARGIN`]). `None` where none holds at `at` itself: nothing is bought by a price that is over.
    #[must_use]
    pub fn worst(
        &self,
        provider: &str,
        model: &str,
        at: Timestamp,
        input_tokens_max: u64,
        output_tokens_max: u64,
    ) -> Option<NanoUsd> {
        let worst = |price: &Price| price.worst(input_tokens_max, output_tokens_max);
        let now = worst(self.price(provider, model, at)?)?;
        let margin_ms = i64::try_from(CHANGE_MARGIN.as_millis()).ok()?;
        let around = [at.0.saturating_sub(margin_ms), at.0.saturating_add(margin_ms)];
        around
            .into_iter()
            .filter_map(|ms| self.price(provider, model, Timestamp(ms)))
            .try_fold(now, |dearest, price| Some(dearest.max(worst(price)?)))
    }

    /// What a credit costs at a time on a plan, on the dearest one where `plan` is not said; `None` where there is none.
    #[must_use]
    pub fn credit(&self, provider: &str, plan: Option<&str>, at: Timestamp) -> Option<NanoUsd> {
        let holds = |credit: &&Credit| credit.provider == provider && (credit.from..credit.until).contains(&at);
        let asked = |credit: &&Credit| plan.is_none_or(|plan| credit.plan == plan);
        self.credits.iter().filter(holds).filter(asked).map(|credit| credit.usd).max()
    }

    /// What holds for a name, where it is routed to: the model's own entry first, then one that has it as an alias.
    fn terms(&self, provider: &str, model: &str, at: Timestamp) -> Option<&Terms> {
        let terms = self.own_terms(provider, model, at)?;
        match terms {
            Terms::Prices { .. } => Some(terms),
            // One step: a route to a route is refused when the catalog is read.
            Terms::RoutedTo(successor) => self.own_terms(provider, successor, at),
        }
    }

    fn own_terms(&self, provider: &str, model: &str, at: Timestamp) -> Option<&Terms> {
        let holds = |listed: &&Listed| listed.provider == provider && (listed.from..listed.until).contains(&at);
        let mut held = self.listed.iter().filter(holds);
        let by_name = held.clone().find(|listed| listed.model == model);
        let found = by_name.or_else(|| held.find(|listed| listed.aliases.iter().any(|alias| alias == model)))?;
        Some(&found.terms)
    }
}
