//! Coinalyze's lists and histories (`wire-formats.md`, section 1).
//!
//! Every key has a quota of its own: a unit for each symbol of a request, one for a list, `Settings::units_max` in a
//! sliding `Settings::minute`; what goes beyond is refused with a wait in fractions of a second, or without one. Symbols
//! without data are left out of an answer. Nothing costs money.

mod history;
pub mod markets;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;
use std::time::Duration;

use hyper::Method;
use hyper::header::RETRY_AFTER;
use hyper::http::request::Parts;
use serde_json::{Value, json};

use self::history::{Kind, Window, points};
use self::markets::{Listed, listed};
use super::Provider;
use super::chance::Chance;
use super::desk::{Ask, Offer, Refusal, Reply, Service};
use super::knobs::Flaw;
use super::price::Sale;

const BASE: &str = "/v1";
const SYMBOLS_MAX: usize = 20;
const INTERVALS: [(&str, i64); 10] = [
    ("1min", 60),
    ("5min", 300),
    ("15min", 900),
    ("30min", 1_800),
    ("1hour", 3_600),
    ("2hour", 7_200),
    ("4hour", 14_400),
    ("6hour", 21_600),
    ("12hour", 43_200),
    ("daily", 86_400),
];

static ROWS: LazyLock<Value> = LazyLock::new(|| listed().iter().map(Listed::row).collect());
static BY_SYMBOL: LazyLock<HashMap<&str, &Listed>> =
    LazyLock::new(|| listed().iter().map(|market| (market.symbol.as_str(), market)).collect());

pub struct Coinalyze;

impl Service for Coinalyze {
    fn provider(&self) -> Provider {
        Provider::Coinalyze
    }

    fn base(&self) -> &'static str {
        BASE
    }

    fn admits(&self, parts: &Parts, key: &str) -> Result<(), Refusal> {
        match key_of(parts) {
            Some(sent) if sent == key => Ok(()),
            Some(_) => Err(Refusal::KeyWrong(String::new())),
            None => Err(Refusal::KeyMissing),
        }
    }

    fn answer(&self, ask: &Ask<'_>) -> Result<Offer, Refusal> {
        // Without one there is no account to charge.
        let key = key_of(ask.parts).ok_or(Refusal::KeyMissing)?;
        let path = ask.parts.uri.path().strip_prefix(BASE).unwrap_or_default();
        if ask.parts.method != Method::GET {
            return Err(Refusal::UnknownPath);
        }
        let kind = match path {
            "/future-markets" => None,
            "/open-interest-history" => Some(Kind::OpenInterest),
            "/funding-rate-history" => Some(Kind::FundingRate),
            "/long-short-ratio-history" => Some(Kind::LongShortRatio),
            "/liquidation-history" => Some(Kind::Liquidations),
            _ => return Err(Refusal::UnknownPath),
        };
        let question = kind.map(|kind| Histories::read(kind, ask)).transpose()?;
        let units = question.as_ref().map_or(1, |question| question.symbols.len());
        let (units, settings) = (u32::try_from(units).unwrap_or(u32::MAX), ask.settings);
        let charged = ask.book.charge(&key, units, (settings.units_max, settings.minute), settings.clock.now());
        charged.map_err(Refusal::RateLimited)?;
        // What else can be wrong with an answer is a matter of language models.
        let flaw = ask.fate.flaw.filter(|flaw| matches!(flaw, Flaw::Malformed | Flaw::Truncated | Flaw::Empty));
        let body = match question {
            _ if flaw == Some(Flaw::Empty) => Cow::Owned(Value::Array(Vec::new())),
            Some(question) => Cow::Owned(question.answer(ask)),
            None => Cow::Borrowed(&*ROWS),
        };
        let mut reply = Reply::json(200, &body);
        if matches!(flaw, Some(Flaw::Malformed | Flaw::Truncated)) {
            reply.body.truncate(reply.body.len() * 2 / 3);
        }
        Ok(Offer { reply, sale: Some(Sale::default()), flaw })
    }

    fn refuse(&self, refusal: &Refusal, chance: &mut Chance) -> Reply {
        let (status, message) = match refusal {
            Refusal::KeyMissing | Refusal::KeyWrong(_) => (401, "Invalid/Missing API key"),
            Refusal::RateLimited(_) | Refusal::OverCapacity(_) | Refusal::OutOfQuota(_) => (429, "Too Many Requests"),
            Refusal::Unavailable => (503, "Service Unavailable"),
            Refusal::Broken | Refusal::OutOfMoney => (500, "Internal Server Error"),
            Refusal::UnknownModel { .. } | Refusal::UnknownPath => (404, "Not Found"),
            Refusal::Invalid(message) => (400, message.as_str()),
        };
        let mut reply = Reply::json(status, &json!({ "message": message }));
        let wait = match refusal {
            Refusal::RateLimited(wait) | Refusal::OverCapacity(wait) | Refusal::OutOfQuota(wait) => Some(*wait),
            _ => None,
        };
        // Once it was seen without.
        if let Some(wait) = wait.filter(|_| !chance.happens(0.1)) {
            reply.headers.push((RETRY_AFTER, seconds(wait)));
        }
        reply
    }
}

/// A wait as it was recorded: `49.119`, `59.0`.
fn seconds(wait: Duration) -> String {
    let millis = wait.as_micros().div_ceil(1_000);
    let text = format!("{}.{:03}", millis / 1_000, millis % 1_000);
    let short = text.trim_end_matches('0');
    if short.ends_with('.') { format!("{short}0") } else { short.to_owned() }
}

/// The key in the header, or in the query.
fn key_of(parts: &Parts) -> Option<String> {
    let header = parts.headers.get("api_key").and_then(|key| key.to_str().ok()).map(str::to_owned);
    header.or_else(|| pairs(parts).remove("api_key")).filter(|key| !key.is_empty())
}

fn pairs(parts: &Parts) -> HashMap<String, String> {
    form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect()
}

/// A question about histories.
struct Histories {
    symbols: Vec<String>,
    window: Window,
}

impl Histories {
    fn read(kind: Kind, ask: &Ask<'_>) -> Result<Self, Refusal> {
        let pairs = pairs(ask.parts);
        let bad = |name: &str| Refusal::Invalid(format!("Bad request: {name}"));
        let named = |name: &str| pairs.get(name).ok_or_else(|| bad(name));
        let number = |name: &str| named(name)?.parse::<i64>().map_err(|_| bad(name));
        let symbols: Vec<String> = named("symbols")?.split(',').map(str::to_owned).collect();
        if symbols.len() > SYMBOLS_MAX || symbols.iter().any(String::is_empty) {
            return Err(bad("symbols"));
        }
        let interval = named("interval")?;
        let (_, interval_s) =
            INTERVALS.into_iter().find(|(name, _)| name == interval).ok_or_else(|| bad("interval"))?;
        let in_dollars = match pairs.get("convert_to_usd").map(String::as_str) {
            Some("true") => true,
            None | Some("false") => false,
            Some(_) => return Err(bad("convert_to_usd")),
        };
        let range = number("from")?..=number("to")?;
        let now_s = ask.settings.clock.now().0.div_euclid(1_000);
        Ok(Self { symbols, window: Window { kind, interval_s, range, in_dollars, now_s } })
    }

    fn answer(&self, ask: &Ask<'_>) -> Value {
        let mut chance = ask.fate.chance.clone();
        let known = self.symbols.iter().filter_map(|symbol| BY_SYMBOL.get(symbol.as_str()));
        let rows = known.filter_map(|market| {
            let is_omitted = chance.happens(ask.knobs.omitted);
            let points = points(market, &self.window, ask.settings.seed);
            (!points.is_empty() && !is_omitted).then(|| json!({ "symbol": market.symbol, "history": points }))
        });
        rows.collect()
    }
}
