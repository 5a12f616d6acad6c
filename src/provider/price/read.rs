//! The catalog as a file: TOML, days for times, decimal texts for money.
//!
//! A file that names prices is as good as money: a key that is not known, two prices for one name at one time, or a
//! batch price on its own is an error and not a guess.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::{Catalog, Credit, Listed, Price, Rates, Terms};
use crate::model::{NanoUsd, Timestamp};

/// The largest file that is read.
const CATALOG_BYTES_MAX: usize = 4 << 20;
/// The most entries: they are looked through one by one.
const ENTRIES_MAX: usize = 4096;

/// Why a text is no catalog of prices.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the catalog of prices: {0}")]
pub struct Unreadable(String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    price: Vec<PriceEntry>,
    #[serde(default)]
    credit: Vec<CreditEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceEntry {
    provider: String,
    model: String,
    #[serde(default)]
    aliases: Vec<String>,
    effective_from: Date,
    effective_to: Option<Date>,
    standard: Option<RatesEntry>,
    standard_long: Option<LongEntry>,
    batch: Option<RatesEntry>,
    batch_long: Option<LongEntry>,
    routed_to: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RatesEntry {
    input: String,
    cached: Option<String>,
    output: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LongEntry {
    above: u64,
    input: String,
    cached: Option<String>,
    output: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CreditEntry {
    provider: String,
    effective_from: Date,
    effective_to: Option<Date>,
    plans: std::collections::BTreeMap<String, String>,
}

pub(super) fn catalog(text: &str) -> Result<Catalog, Unreadable> {
    if text.len() > CATALOG_BYTES_MAX {
        return Err(Unreadable(format!("{} bytes, at most {CATALOG_BYTES_MAX}", text.len())));
    }
    let file: File = toml::from_str(text).map_err(|error| Unreadable(error.to_string().trim_end().to_owned()))?;
    let entries = file.price.len() + file.credit.iter().map(|entry| entry.plans.len()).sum::<usize>();
    if entries > ENTRIES_MAX {
        return Err(Unreadable(format!("{entries} entries, at most {ENTRIES_MAX}")));
    }
    let mut catalog = Catalog::default();
    for entry in file.price {
        let named = |problem: String| {
            Unreadable(format!("{} {} from {}: {problem}", entry.provider, entry.model, entry.effective_from))
        };
        let listed = listed(&entry).map_err(named)?;
        if let Some(other) = catalog.listed.iter().find(|other| collide(&listed, other)) {
            return Err(named(format!("the entry of {} has the same name at the same time", other.model)));
        }
        catalog.listed.push(listed);
    }
    for entry in file.credit {
        credits(&entry, &mut catalog.credits)
            .map_err(|problem| Unreadable(format!("credits of {}: {problem}", entry.provider)))?;
    }
    check_routes(&catalog)?;
    Ok(catalog)
}

fn listed(entry: &PriceEntry) -> Result<Listed, String> {
    let (from, until) = stretch(entry.effective_from, entry.effective_to)?;
    let terms = match (&entry.routed_to, &entry.standard) {
        (None, Some(standard)) => {
            let batch =
                entry.batch.as_ref().map(|batch| price("batch", batch, entry.batch_long.as_ref())).transpose()?;
            if batch.is_none() && entry.batch_long.is_some() {
                return Err("batch_long without batch".to_owned());
            }
            Terms::Prices { standard: price("standard", standard, entry.standard_long.as_ref())?, batch }
        }
        (Some(successor), None)
            if entry.standard_long.is_none() && entry.batch.is_none() && entry.batch_long.is_none() =>
        {
            Terms::RoutedTo(successor.clone())
        }
        _ => return Err("either routed_to, or standard and what belongs to it".to_owned()),
    };
    let (provider, model) = (entry.provider.clone(), entry.model.clone());
    Ok(Listed { provider, model, aliases: entry.aliases.clone(), from, until, terms })
}

fn stretch(from: Date, until: Option<Date>) -> Result<(Timestamp, Timestamp), String> {
    let midnight = |date: Date| {
        let zoned = date.to_zoned(TimeZone::UTC).map_err(|error| error.to_string())?;
        Ok::<_, String>(Timestamp(zoned.timestamp().as_millisecond()))
    };
    let from = midnight(from)?;
    let until = until.map_or(Ok(Timestamp(i64::MAX)), midnight)?;
    if from < until { Ok((from, until)) } else { Err("effective_to is not after effective_from".to_owned()) }
}

fn price(name: &str, entry: &RatesEntry, long: Option<&LongEntry>) -> Result<Price, String> {
    let rates = rates(name, &entry.input, entry.cached.as_deref(), &entry.output)?;
    let long = long.map(|long| {
        let long_name = format!("{name}_long");
        Ok::<_, String>((long.above, self::rates(&long_name, &long.input, long.cached.as_deref(), &long.output)?))
    });
    Ok(Price { rates, long: long.transpose()? })
}

fn rates(name: &str, input: &str, cached: Option<&str>, output: &str) -> Result<Rates, String> {
    let amount = |key: &str, text: &str| text.parse().map_err(|error| format!("{name}.{key}: {error}"));
    let cached = cached.map_or_else(|| amount("input", input), |text| amount("cached", text))?;
    Ok(Rates { input: amount("input", input)?, cached, output: amount("output", output)? })
}

/// Whether both would be found under one name at one time.
fn collide(left: &Listed, right: &Listed) -> bool {
    let names = |listed: &Listed, name: &String| listed.model == *name || listed.aliases.contains(name);
    left.provider == right.provider
        && left.from < right.until
        && right.from < left.until
        && (names(right, &left.model) || left.aliases.iter().any(|alias| names(right, alias)))
}

fn credits(entry: &CreditEntry, credits: &mut Vec<Credit>) -> Result<(), String> {
    let (from, until) = stretch(entry.effective_from, entry.effective_to)?;
    for (plan, text) in &entry.plans {
        let usd: NanoUsd = text.parse().map_err(|error| format!("plan {plan}: {error}"))?;
        credits.push(Credit { provider: entry.provider.clone(), plan: plan.clone(), from, until, usd });
    }
    Ok(())
}

/// A route leads to a model that has a price of its own from the day on which it begins.
fn check_routes(catalog: &Catalog) -> Result<(), Unreadable> {
    for listed in &catalog.listed {
        let Terms::RoutedTo(successor) = &listed.terms else { continue };
        let found = catalog.own_terms(&listed.provider, successor, listed.from);
        if !matches!(found, Some(Terms::Prices { .. })) {
            let (provider, model) = (&listed.provider, &listed.model);
            return Err(Unreadable(format!("{provider} {model}: routed to {successor}, which has no price then")));
        }
    }
    Ok(())
}
