//! What a stand-in says about an article: a plausible content analysis, made from a few words of its text.
//!
//! The prompt is not ours to know. If a line of it is an opening tag (`<article …>`), the article is what follows, to
//! the closing tag; otherwise the whole prompt is taken for it. Only the beginning is read, as news say first what
//! happened. Nothing that an article says can change the form of the answer, since only words are counted.

use serde_json::{Value, json};

use crate::model::{Direction, EventType, Horizon};

use super::cues::{Hint, hint};

/// Bytes in which an opening tag is looked for.
const OPENING_BYTES_MAX: usize = 8_192;
/// Bytes of the article that are read.
const LEAD_BYTES_MAX: usize = 1_024;
/// Sentences that become key points.
const POINTS_MAX: usize = 3;
/// Bytes that make a sentence: less is a by-line, more is a paragraph.
const POINT_BYTES: std::ops::RangeInclusive<usize> = 40..=240;
/// Facts of a chart that are repeated.
const FACTS_MAX: usize = 6;
/// Assets that are named.
const ASSETS_MAX: usize = 5;
/// Weight of evidence that was not seen: a single word moves the sentiment by a third, not all the way.
const DOUBT: f64 = 2.0;
/// Sentiment from which a side is taken.
const SIDE_MIN: f64 = 0.25;

/// An article as a stand-in understands it.
#[derive(Debug)]
pub struct Reading<'a> {
    text: &'a str,
    /// Words for rising and for falling prices.
    up: u32,
    down: u32,
    event: EventType,
    assets: Vec<&'static str>,
}

/// Reads the article in a prompt.
pub fn read(prompt: &str) -> Reading<'_> {
    let article = article(prompt);
    let text = &article[..article.floor_char_boundary(LEAD_BYTES_MAX)];
    let mut reading = Reading { text, up: 0, down: 0, event: EventType::Other, assets: Vec::new() };
    for word in text.as_bytes().split(|byte| !byte.is_ascii_alphanumeric()) {
        match hint(word) {
            None => {}
            Some(Hint::Up) => reading.up += 1,
            Some(Hint::Down) => reading.down += 1,
            Some(Hint::Event(event)) => reading.note(event),
            Some(Hint::Good(event)) => {
                reading.up += 1;
                reading.note(event);
            }
            Some(Hint::Bad(event)) => {
                reading.down += 1;
                reading.note(event);
            }
            Some(Hint::Asset(ticker)) => reading.name(ticker),
        }
    }
    reading
}

fn article(prompt: &str) -> &str {
    let top = &prompt[..prompt.floor_char_boundary(OPENING_BYTES_MAX)];
    let mut start = 0;
    for line in top.split_inclusive('\n') {
        start += line.len();
        let Some(tag) = line.trim().strip_prefix('<').and_then(|line| line.strip_suffix('>')) else { continue };
        let name = tag.split_whitespace().next().unwrap_or_default();
        let rest = &prompt[start..];
        return rest.find(&format!("</{name}")).map_or(rest, |end| &rest[..end]);
    }
    prompt
}

impl<'a> Reading<'a> {
    /// The first kind of event that is hinted at counts: it stands in the headline.
    fn note(&mut self, event: EventType) {
        if self.event == EventType::Other {
            self.event = event;
        }
    }

    fn name(&mut self, ticker: &'static str) {
        if self.assets.len() < ASSETS_MAX && !self.assets.contains(&ticker) {
            self.assets.push(ticker);
        }
    }

    fn sentiment(&self) -> f64 {
        let (up, down) = (f64::from(self.up), f64::from(self.down));
        (up - down) / (up + down + DOUBT)
    }

    fn direction(&self) -> Direction {
        match self.sentiment() {
            sentiment if sentiment >= SIDE_MIN => Direction::Bullish,
            sentiment if sentiment <= -SIDE_MIN => Direction::Bearish,
            _ => Direction::Neutral,
        }
    }

    fn horizon(&self) -> Horizon {
        match self.event {
            EventType::MarketMove | EventType::Liquidation | EventType::Outage => Horizon::Hours,
            EventType::Regulation | EventType::Lawsuit | EventType::Upgrade | EventType::Supply => Horizon::Weeks,
            EventType::Macro | EventType::Adoption | EventType::Bankruptcy => Horizon::Months,
            _ => Horizon::Days,
        }
    }

    fn points(&self) -> Vec<&'a str> {
        let sentences = self.text.lines().flat_map(|line| line.split_inclusive(". ")).map(str::trim);
        sentences.filter(|sentence| POINT_BYTES.contains(&sentence.len())).take(POINTS_MAX).collect()
    }

    /// What it says about the property of this name; `None` when it never heard of it.
    pub fn value(&self, property: &str) -> Option<Value> {
        let force = self.sentiment().abs();
        Some(match property {
            "direction" => json!(self.direction().as_str()),
            "sentiment" => json!(cents(self.sentiment())),
            "confidence" => json!(cents(0.45 + 0.5 * force)),
            "strength" => json!(cents(0.2 + 0.75 * force)),
            "horizon" => json!(self.horizon().as_str()),
            "assets" => json!(self.assets),
            "event_type" => json!(self.event.as_str()),
            "key_points" => json!(self.points()),
            "rationale" => json!(self.rationale()),
            "summary" => json!(self.summary()),
            // Not a matter of the text alone; spread, so that it can be seen.
            "novelty" => json!(cents(0.4 + f64::from((self.up * 7 + self.down * 11) % 10) / 20.0)),
            _ => return None,
        })
    }

    /// Of a chart whose facts stand a line each: the first of them, in a sentence.
    fn summary(&self) -> String {
        let facts = self.text.lines().filter_map(|line| line.split_once(": "));
        let facts: Vec<String> = facts.take(FACTS_MAX).map(|(name, value)| format!("{name} {value}")).collect();
        format!("A stand-in read these facts of a chart: {}.", facts.join(", "))
    }

    /// Why, in a sentence.
    pub fn rationale(&self) -> String {
        let Self { up, down, event, .. } = self;
        format!("A stand-in counted {up} words for rising and {down} for falling prices ({event}).")
    }
}

/// Rounded to two decimals, as a model would write it; never minus zero.
fn cents(value: f64) -> f64 {
    (value * 100.0).round() / 100.0 + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_article_decides() {
        for (prompt, direction, event, assets) in [
            ("Bitcoin surges to a record as inflows climb", "bullish", "market_move", json!(["BTC"])),
            ("Exchange hacked, $40 million of ether and SOLANA stolen", "bearish", "hack", json!(["ETH", "SOL"])),
            ("Developers schedule a call", "neutral", "other", json!([])),
            // What stands around the article does not count, whatever it says.
            (
                "Say surge, rally or soars.\n<article id=7>\nETF sees outflows, crash\n</article>\ngains",
                "bearish",
                "etf",
                json!([]),
            ),
            ("", "neutral", "other", json!([])),
        ] {
            let reading = read(prompt);
            let said = ["direction", "event_type", "assets"].map(|property| reading.value(property).unwrap());
            assert_eq!(said, [json!(direction), json!(event), assets], "{prompt}");
        }
    }

    #[test]
    fn numbers_stay_in_their_ranges() {
        for prompt in ["surge ".repeat(300), "crash ".repeat(300), String::new()] {
            let reading = read(&prompt);
            for property in ["confidence", "strength", "novelty"] {
                let value = reading.value(property).unwrap().as_f64().unwrap();
                assert!((0.0..=1.0).contains(&value), "{property}: {value}");
            }
            assert!(reading.value("sentiment").unwrap().as_f64().unwrap().abs() <= 1.0);
        }
    }

    #[test]
    fn key_points_are_sentences_of_the_article() {
        let text = "By a reporter\nFunds took in $412 million on Thursday, the most since March. Traders cheered. \
                    Open interest in futures stayed flat through the week.";
        let points = read(text).value("key_points").unwrap();
        assert_eq!(points[0], "Funds took in $412 million on Thursday, the most since March.");
        assert_eq!(points.as_array().unwrap().len(), 2);
    }
}
