//! What a language model answers and what it counts, before a provider puts it into its own words.
//!
//! Invariants: thoughts and visible tokens together stay within the cap of the request, except for
//! [`Flaw::OverCap`], which is one above it; what an answer counts is what its text comes to by [`tokens`].

use std::collections::BTreeMap;

use serde_json::json;

use super::chance::Chance;
use super::knobs::{Fate, Flaw};
use super::price::{self, Model, Sale};
use super::reading::read;
use super::schema::Schema;
use super::tokens;

/// The cap of a request that names none, in tokens.
pub const OUTPUT_TOKENS_DEFAULT: u64 = 8_192;
/// The cap of every answer, whatever the request says, in tokens.
const OUTPUT_TOKENS_MAX: u64 = 65_536;
/// Properties of an answer in JSON for which no schema was given.
const PROPERTIES: [&str; 10] = [
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

/// What was asked.
#[derive(Debug)]
pub struct Prompt<'a> {
    /// The model that was asked for.
    pub model: &'a Model,
    /// The part that holds the article.
    pub text: &'a str,
    /// Tokens of the whole question.
    pub input_tokens: u64,
    /// Cap of thoughts and visible answer together.
    pub output_tokens_max: u64,
    /// How the answer is to look.
    pub form: Form<'a>,
}

/// How an answer is to look.
#[derive(Debug, Clone, Copy)]
pub enum Form<'a> {
    /// A sentence.
    Prose,
    /// JSON of any kind.
    Json,
    /// JSON that fits.
    Fitting(&'a Schema),
}

/// How an answer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Said what there was to say.
    Stop,
    /// The cap was reached.
    Length,
    /// The question was not let through.
    Blocked,
    /// The answer was not let through, or the model declined.
    Refused,
}

/// An answer.
#[derive(Debug)]
pub struct Completion<'a> {
    /// Who answered.
    pub model: &'a Model,
    /// What is to be read; `None` where there is nothing.
    pub text: Option<String>,
    /// How it ends.
    pub end: End,
    /// Tokens of the question.
    pub input_tokens: u64,
    /// Those of them that came from a cache.
    pub cached_tokens: u64,
    /// Tokens of the text.
    pub visible_tokens: u64,
    /// Tokens of thoughts.
    pub thought_tokens: u64,
}

impl Completion<'_> {
    /// The bill for it.
    pub fn sale(&self) -> Sale {
        self.model.sale(self.input_tokens, self.cached_tokens, self.visible_tokens + self.thought_tokens)
    }

    /// Gets this text, or as much of it as the cap and the thoughts leave room for.
    fn say(&mut self, mut text: String, cap: u64) {
        let room = cap.saturating_sub(self.thought_tokens);
        self.visible_tokens = tokens::count(&text);
        if self.visible_tokens > room {
            text.truncate(tokens::prefix(&text, room).len());
            self.visible_tokens = tokens::count(&text);
            self.end = End::Length;
        }
        self.text = Some(text).filter(|text| !text.is_empty());
    }

    /// Gets the first half of this text; thoughts take the rest of `tokens`.
    fn break_off(&mut self, text: &str, tokens: u64) {
        let half = tokens::prefix(text, tokens.min(tokens::count(text) / 2));
        self.visible_tokens = tokens::count(half);
        self.thought_tokens = tokens - self.visible_tokens;
        self.text = Some(half.to_owned()).filter(|text| !text.is_empty());
        self.end = End::Length;
    }
}

/// Answers a prompt.
pub fn complete<'a>(prompt: &Prompt<'a>, fate: &Fate, models: &'a [Model]) -> Completion<'a> {
    let mut chance = fate.chance.clone();
    let successor = prompt.model.successor.as_deref().filter(|_| fate.rerouted);
    let model = successor.and_then(|name| price::find(models, prompt.model.provider, name)).unwrap_or(prompt.model);
    let cached_tokens = if fate.cached { prompt.input_tokens * chance.between(50, 90) / 100 } else { 0 };
    let cap = prompt.output_tokens_max.min(OUTPUT_TOKENS_MAX);
    let thought_tokens = if fate.thoughts { chance.between(cap / 16, cap / 4) } else { 0 };
    let mut answer = Completion {
        model,
        text: None,
        end: End::Stop,
        input_tokens: prompt.input_tokens,
        cached_tokens,
        visible_tokens: 0,
        thought_tokens,
    };
    match fate.flaw {
        Some(Flaw::Blocked) => {
            answer.end = End::Blocked;
            answer.thought_tokens = 0;
        }
        Some(Flaw::Empty) => {}
        Some(Flaw::Refused) => {
            answer.say("I'm sorry, but I can't help with that.".to_owned(), cap);
            answer.end = End::Refused;
        }
        Some(Flaw::Truncated) => answer.break_off(&written(prompt, &mut chance), cap),
        Some(Flaw::OverCap) => answer.break_off(&written(prompt, &mut chance), cap + 1),
        Some(Flaw::Malformed) => answer.say(malformed(&written(prompt, &mut chance), &mut chance), cap),
        Some(Flaw::Fenced) => answer.say(format!("```json\n{}\n```", written(prompt, &mut chance)), cap),
        None => answer.say(written(prompt, &mut chance), cap),
    }
    answer
}

/// The answer as it should be.
fn written(prompt: &Prompt<'_>, chance: &mut Chance) -> String {
    let reading = read(prompt.text);
    match prompt.form {
        Form::Prose => reading.rationale(),
        Form::Fitting(schema) => schema.fill("", &reading, chance).to_string(),
        Form::Json => {
            let known = PROPERTIES.iter().map(|property| (*property, reading.value(property)));
            json!(known.collect::<BTreeMap<_, _>>()).to_string()
        }
    }
}

/// An answer that cannot be used: torn, talkative, or of another form.
fn malformed(text: &str, chance: &mut Chance) -> String {
    match chance.between(0, 2) {
        0 => tokens::prefix(text, tokens::count(text) * 2 / 3).to_owned(),
        1 => format!("Here is my analysis of the article: {text}, and I hope that it helps!"),
        _ => json!({ "answer": { "direction": "sideways", "sentiment": 7 } }).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Provider;
    use super::super::bill::Question;
    use super::super::knobs::Knobs;
    use super::*;

    fn check(knobs: &Knobs, cap: u64, expected: impl Fn(&Completion<'_>) -> bool) {
        let models = price::list();
        for question in 0..50 {
            let fate = Fate::draw(knobs, Chance::new(1, Question(question), 0));
            let prompt = Prompt {
                model: price::find(&models, Provider::Gemini, "gemini-2.5-flash-lite").unwrap(),
                text: "Bitcoin surges to a record.",
                input_tokens: 1_000,
                output_tokens_max: cap,
                form: Form::Json,
            };
            let answer = complete(&prompt, &fate, &models);
            assert!(expected(&answer), "{knobs:?}, cap {cap}: {answer:?}");
            assert_eq!(answer.visible_tokens, answer.text.as_deref().map_or(0, tokens::count));
        }
    }

    fn output(answer: &Completion<'_>) -> u64 {
        answer.visible_tokens + answer.thought_tokens
    }

    fn reads(answer: &Completion<'_>) -> bool {
        answer.text.as_deref().is_some_and(|text| serde_json::from_str::<serde_json::Value>(text).is_ok())
    }

    #[test]
    fn every_flaw_counts_what_it_says() {
        let calm = Knobs::default();
        check(&calm, 512, |answer| answer.end == End::Stop && reads(answer) && answer.thought_tokens == 0);
        check(&Knobs { fenced: 1.0, ..calm }, 512, |answer| answer.text.as_ref().unwrap().starts_with("```json\n{"));
        check(&Knobs { truncated: 1.0, ..calm }, 512, |answer| {
            answer.end == End::Length && !reads(answer) && output(answer) == 512
        });
        check(&Knobs { over_cap: 1.0, ..calm }, 512, |answer| answer.end == End::Length && output(answer) == 513);
        check(&Knobs { blocked: 1.0, ..calm }, 512, |answer| answer.end == End::Blocked && output(answer) == 0);
        check(&Knobs { empty: 1.0, ..calm }, 512, |answer| answer.text.is_none() && answer.end == End::Stop);
        check(&Knobs { refused: 1.0, ..calm }, 512, |answer| answer.end == End::Refused && !reads(answer));
        check(&Knobs { malformed: 1.0, ..calm }, 512, |answer| {
            let fits = |text: &String| text.starts_with('{') && reads(answer) && text.contains("rationale");
            answer.end == End::Stop && !answer.text.as_ref().is_some_and(fits)
        });
        check(&Knobs { rerouted: 1.0, ..calm }, 512, |answer| answer.model.name == "gemini-3.1-flash-lite");
        check(&Knobs { cached: 1.0, ..calm }, 512, |answer| (500..=900).contains(&answer.cached_tokens));
    }

    #[test]
    fn thoughts_and_answer_stay_within_the_cap() {
        let thinking = Knobs { thoughts: 1.0, ..Knobs::default() };
        for cap in [0, 1, 7, 64, 80, 512] {
            check(&thinking, cap, |answer| output(answer) <= cap);
            check(&Knobs::default(), cap, |answer| output(answer) <= cap);
        }
        check(&thinking, 512, |answer| answer.thought_tokens >= 32 && answer.end == End::Stop);
    }
}
