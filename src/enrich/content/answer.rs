//! A model's answer as a [`Reading`], or what is wrong with it.
//!
//! Whatever is outside its type, vocabulary, range or length is refused and named, for the model to mend; nothing is
//! clamped, since a number outside its range says that the question was not understood. A complaint quotes nothing of
//! the answer: it becomes part of the next question. Two things are mended without asking, as they cost no meaning:
//! invisible characters of sentences are removed, and a ticker that is named twice counts once.

use serde_json::{Map, Value};

use crate::model::{Direction, EventType, Horizon, Reading};
use crate::provider::untrusted::shown;

/// Tickers of an answer.
pub const ASSETS_MAX: usize = 8;
/// Key points of an answer.
pub const KEY_POINTS_MAX: usize = 3;
/// Characters of a key point.
pub const KEY_POINT_CHARS_MAX: usize = 300;
/// Characters of the rationale.
pub const RATIONALE_CHARS_MAX: usize = 500;
/// Bytes of an answer; one within the limits above has a tenth of them.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Letters of a ticker.
const TICKER_LETTERS: std::ops::RangeInclusive<usize> = 2..=10;

/// The properties of an answer, all of them and no others.
pub(super) const PROPERTIES: [&str; 10] = [
    "direction",
    "sentiment",
    "confidence",
    "strength",
    "horizon",
    "assets",
    "event_type",
    "key_points",
    "rationale",
    "novelty",
];

/// Reads an answer: JSON, without a code fence.
///
/// # Errors
/// What is wrong, as part of a sentence, for [`Question::repair`](super::Question::repair) and for the record.
pub fn read(answer: &str) -> Result<Reading, String> {
    if answer.len() > ANSWER_BYTES_MAX {
        return Err(format!("it has {} bytes, at most {ANSWER_BYTES_MAX} are read", answer.len()));
    }
    let value: Value = serde_json::from_str(answer)
        .map_err(|error| format!("it is no JSON at line {}, column {}", error.line(), error.column()))?;
    let Value::Object(properties) = value else {
        return Err("it is JSON but no object".to_owned());
    };
    if properties.keys().any(|name| !PROPERTIES.contains(&name.as_str())) {
        return Err("it has a property that is none of the ten".to_owned());
    }
    let properties = Properties(properties);
    let reading = Reading {
        direction: properties.word("direction", Direction::parse)?,
        sentiment: properties.number("sentiment", -1.0, 1.0)?,
        confidence: properties.number("confidence", 0.0, 1.0)?,
        strength: properties.number("strength", 0.0, 1.0)?,
        horizon: properties.word("horizon", Horizon::parse)?,
        assets: properties.assets()?,
        event_type: properties.word("event_type", EventType::parse)?,
        key_points: properties.key_points()?,
        rationale: properties.rationale()?,
        novelty: properties.number("novelty", 0.0, 1.0)?,
    };
    match reading.direction {
        Direction::Bullish if reading.sentiment < 0.0 => Err("sentiment is below 0, direction is bullish".to_owned()),
        Direction::Bearish if reading.sentiment > 0.0 => Err("sentiment is above 0, direction is bearish".to_owned()),
        _ => Ok(reading),
    }
}

struct Properties(Map<String, Value>);

impl Properties {
    fn get(&self, name: &str) -> Result<&Value, String> {
        self.0.get(name).ok_or_else(|| format!("{name} is missing"))
    }

    fn text(&self, name: &str) -> Result<&str, String> {
        self.get(name)?.as_str().ok_or_else(|| format!("{name} is no string"))
    }

    fn word<T>(&self, name: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, String> {
        parse(self.text(name)?).ok_or_else(|| format!("{name} is none of its words"))
    }

    fn number(&self, name: &str, least: f64, most: f64) -> Result<f64, String> {
        let number = self.get(name)?.as_f64().ok_or_else(|| format!("{name} is no number"))?;
        if (least..=most).contains(&number) {
            Ok(number)
        } else {
            Err(format!("{name} is not within {least} to {most}"))
        }
    }

    fn list(&self, name: &str, most: usize) -> Result<impl Iterator<Item = Result<&str, String>>, String> {
        let items = self.get(name)?.as_array().ok_or_else(|| format!("{name} is no list"))?;
        if items.len() > most {
            return Err(format!("{name} has {} items, at most {most} are allowed", items.len()));
        }
        let name = name.to_owned();
        Ok(items.iter().map(move |item| item.as_str().ok_or_else(|| format!("{name} has an item that is no string"))))
    }

    fn assets(&self) -> Result<Vec<String>, String> {
        let mut assets: Vec<String> = Vec::new();
        for ticker in self.list("assets", ASSETS_MAX)? {
            let ticker = ticker?;
            let is_ticker = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
            if !TICKER_LETTERS.contains(&ticker.len()) || !ticker.bytes().all(is_ticker) {
                return Err("assets has an item that is not 2 to 10 capital letters or digits".to_owned());
            }
            if assets.iter().all(|asset| asset != ticker) {
                assets.push(ticker.to_owned());
            }
        }
        Ok(assets)
    }

    fn key_points(&self) -> Result<Vec<String>, String> {
        self.list("key_points", KEY_POINTS_MAX)?.map(|point| shown("key_points", point?, KEY_POINT_CHARS_MAX)).collect()
    }

    fn rationale(&self) -> Result<String, String> {
        shown("rationale", self.text("rationale")?, RATIONALE_CHARS_MAX)
    }
}
