//! Questions, answers, and what hostile articles can do to either.
//!
//! `tests/it/data/injections.jsonl` has one attempt a line: an article, and the answer of a model that obeys it to the
//! letter. So nothing here depends on how well a model resists.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::json;

use super::answer::PROPERTIES;
use super::*;
use crate::model::{Direction, EventType, Horizon, Reading};

const MODEL: &str = "gemini-2.5-flash-lite";

fn ask(title: &str, text: &str) -> Question {
    Question::new(title, text, MODEL, "max_output_tokens=1024 seed=7")
}

fn good_answer() -> Value {
    json!({
        "direction": "bearish", "sentiment": -0.4, "confidence": 0.7, "strength": 0.5, "horizon": "days",
        "assets": ["ETH", "SOL", "ETH"], "event_type": "hack", "key_points": ["Funds\nwere \u{200b}stolen."],
        "rationale": " A theft. ", "novelty": 1,
    })
}

#[derive(Deserialize)]
struct Attempt {
    name: String,
    title: String,
    text: String,
    obeyed: String,
    expect: String,
}

fn attempts() -> Vec<Attempt> {
    let lines = include_str!("../../../tests/it/data/injections.jsonl").lines();
    let attempts: Vec<Attempt> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(attempts.len() >= 25);
    attempts
}

/// What stands between the markers; fails unless there is one of each, on a line of its own, and our words around them.
fn inside(user: &str) -> &str {
    let id = user.strip_prefix("Analyse the article between the markers of ").unwrap().split('.').next().unwrap();
    let (begin, end) = (format!("\n<<<ARTICLE {id}>>>\n"), format!("\n<<<END ARTICLE {id}>>>\n"));
    let (before, rest) = user.split_once(&begin).unwrap();
    let (inside, after) = rest.split_once(&end).unwrap();
    assert_eq!(before, format!("Analyse the article between the markers of {id}.\n"));
    assert!(after.starts_with("\nThat was the article."), "{after}");
    assert!(!after.contains('<') && !after.contains(id));
    assert!(!inside.contains(['<', '>']) && !inside.contains(id), "{inside}");
    inside
}

fn assert_within_ranges(reading: &Reading) {
    let is_ticker = |ticker: &String| {
        (2..=10).contains(&ticker.len())
            && ticker.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    };
    let texts = reading.key_points.iter().chain([&reading.rationale]);
    assert!((-1.0..=1.0).contains(&reading.sentiment));
    for share in [reading.confidence, reading.strength, reading.novelty] {
        assert!((0.0..=1.0).contains(&share));
    }
    assert!(reading.assets.len() <= ASSETS_MAX && reading.assets.iter().all(is_ticker), "{:?}", reading.assets);
    assert!(reading.key_points.len() <= KEY_POINTS_MAX);
    assert!(reading.key_points.iter().all(|point| point.chars().count() <= KEY_POINT_CHARS_MAX));
    assert!(reading.rationale.chars().count() <= RATIONALE_CHARS_MAX);
    assert!(texts.flat_map(|text| text.chars()).all(|letter| !letter.is_control() && letter != '\u{202e}'));
}

#[test]
fn an_article_cannot_leave_its_place_whatever_a_model_makes_of_it() {
    let other = ask("Ether funds lose money", "Investors withdrew 261 million dollars.");
    for Attempt { name, title, text, obeyed, expect } in attempts() {
        let question = ask(&title, &text);
        inside(&question.user);
        assert_eq!((&question.system, &question.schema), (&other.system, &other.schema), "{name}");
        // Asked in between, the other article is the same question as before, and its words are its own.
        assert_eq!(ask("Ether funds lose money", "Investors withdrew 261 million dollars."), other, "{name}");
        match read(&obeyed) {
            Ok(reading) => {
                assert_eq!(expect, "read", "{name}: {reading:?}");
                assert_within_ranges(&reading);
            }
            Err(complaint) => {
                assert_eq!(expect, "refused", "{name}: {complaint}");
                // The repair is the same question and our own complaint: nothing of the refused answer.
                let repair = question.repair(&complaint);
                let added = repair.user.strip_prefix(&question.user).unwrap();
                assert!(
                    added.starts_with("\n\nThe last answer to this question could not be used: it")
                        || PROPERTIES.iter().any(|name| added.contains(&format!("could not be used: {name} "))),
                    "{name}: {added}"
                );
                assert!(!added.contains(['<', '>', '"', '\'']), "{name}: {added}");
            }
        }
    }
}

proptest! {
    #[test]
    fn no_text_closes_its_markers(title in "\\PC{0,60}", text in "[<>＜＞«»A-Z \\n\u{200b}a-f0-9]{0,300}") {
        inside(&ask(&title, &text).user);
    }

    #[test]
    fn whatever_is_read_is_within_its_ranges(
        numbers in prop::array::uniform4(-1.2..1.2_f64),
        words in prop::array::uniform3("(bullish|bearish|neutral|hours|other|hack|x)"),
        texts in prop::collection::vec("\\PC{0,4}|.{290,310}", 0..5),
        tickers in prop::collection::vec("[A-Z0-9a-z]{1,12}|BTC", 0..10),
    ) {
        let answer = json!({
            "direction": words[0], "sentiment": numbers[0], "confidence": numbers[1], "strength": numbers[2],
            "horizon": words[1], "assets": tickers, "event_type": words[2], "key_points": texts,
            "rationale": "A reason.", "novelty": numbers[3],
        });
        if let Ok(reading) = read(&answer.to_string()) {
            assert_within_ranges(&reading);
        }
    }
}

#[test]
fn a_question_is_named_by_what_is_sent_and_who_is_asked() {
    let question = ask("Title", "Text");
    assert_eq!(ask("Title", "Text").key, question.key);
    // Characters that are not sent make no other question.
    assert_eq!(ask(" Title\u{7}", "Text \n").key, question.key);
    let repaired = question.repair("novelty is missing");
    let others = [
        ask("Titl", "eText"),
        ask("Title", "Other text"),
        Question::new("Title", "Text", "gpt-4.1-nano", "max_output_tokens=1024 seed=7"),
        Question::new("Title", "Text", MODEL, "max_output_tokens=512 seed=7"),
        question.repair("horizon is missing"),
        repaired.clone(),
        question.clone(),
    ];
    let keys: BTreeSet<&Id> = others.iter().map(|question| &question.key).collect();
    assert_eq!(keys.len(), others.len());
    assert!(repaired.user.starts_with(&question.user) && repaired.user.contains("novelty is missing"));
}

#[test]
fn long_texts_are_cut_at_a_word_and_say_so() {
    let text = "word ".repeat(10_000);
    let question = ask(&"T".repeat(1000), &text);
    let inside = inside(&question.user);
    let (title, body) = inside.strip_prefix("Title: ").unwrap().split_once("\n\n").unwrap();
    assert_eq!(title.len(), TITLE_CHARS_MAX);
    assert!(body.ends_with(" word") && body.chars().count() > TEXT_CHARS_MAX - 10 && body.len() <= TEXT_CHARS_MAX);
    assert!(question.user.contains("its end was left out"));
    assert!(!ask("Title", "Text").user.contains("left out"));
    // Without spaces, between two characters.
    assert_eq!(cut("日本語", 2), ("日本", true));
    assert_eq!(cut("日本", 2), ("日本", false));
}

#[test]
fn answers_are_read_or_refused_by_name() {
    let reading = read(&good_answer().to_string()).unwrap();
    let expected = Reading {
        direction: Direction::Bearish,
        sentiment: -0.4,
        confidence: 0.7,
        strength: 0.5,
        horizon: Horizon::Days,
        assets: vec!["ETH".to_owned(), "SOL".to_owned()],
        event_type: EventType::Hack,
        key_points: vec!["Funds were stolen.".to_owned()],
        rationale: "A theft.".to_owned(),
        novelty: 1.0,
    };
    assert_eq!(reading, expected);
    for (name, value, complaint) in [
        ("direction", json!("up"), "direction is none of its words"),
        ("direction", json!(1), "direction is no string"),
        ("sentiment", json!(-1.001), "sentiment is not within -1 to 1"),
        ("sentiment", json!(0.1), "sentiment is above 0, direction is bearish"),
        ("confidence", json!("0.7"), "confidence is no number"),
        ("strength", json!(null), "strength is no number"),
        ("assets", json!("ETH"), "assets is no list"),
        ("assets", json!([1]), "assets has an item that is no string"),
        ("assets", json!(["$ETH"]), "assets has an item that is not 2 to 10 capital letters or digits"),
        (
            "assets",
            json!(["A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8", "A9"]),
            "assets has 9 items, at most 8 are allowed",
        ),
        ("key_points", json!(["x".repeat(301)]), "key_points has a text of 301 characters, at most 300"),
        ("key_points", json!(["\u{200b}"]), "key_points has an empty text"),
        ("rationale", json!("x".repeat(501)), "rationale has a text of 501 characters, at most 500"),
        ("other", json!(1), "it has a property that is none of the ten"),
    ] {
        let mut answer = good_answer();
        answer[name] = value;
        assert_eq!(read(&answer.to_string()), Err(complaint.to_owned()));
    }
    assert_eq!(read("{}"), Err("direction is missing".to_owned()));
    assert_eq!(read("{\"a\": "), Err("it is no JSON at line 1, column 6".to_owned()));
    assert!(read(&"x".repeat(70_000)).unwrap_err().contains("bytes, at most"));
}

/// What the schema promises to a model is what [`read()`] takes.
#[test]
fn the_schema_is_the_vocabulary() {
    let schema = &ask("Title", "Text").schema;
    let words =
        |name: &str| -> Vec<String> { serde_json::from_value(schema["properties"][name]["enum"].clone()).unwrap() };
    assert_eq!(words("direction"), Direction::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>());
    assert_eq!(words("horizon"), Horizon::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>());
    assert_eq!(words("event_type"), EventType::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>());
    assert_eq!(schema["required"], json!(PROPERTIES), "strict modes want every property");
    assert_eq!(schema["additionalProperties"], json!(false));
    let names: BTreeSet<&str> = schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, PROPERTIES.into_iter().collect());
    for (name, most) in [("assets", ASSETS_MAX), ("key_points", KEY_POINTS_MAX)] {
        assert_eq!(schema["properties"][name]["maxItems"], json!(most));
    }
    for event in EventType::ALL {
        assert!(SYSTEM.contains(event.as_str()), "{event} is explained");
    }
    let mut order: Vec<String> = serde_json::from_value(schema["propertyOrdering"].clone()).unwrap();
    order.sort_unstable();
    assert!(order.iter().map(String::as_str).eq(names), "the facts are asked for before the numbers made of them");
    // Both services take these keywords; the last one is Gemini's, and left out elsewhere.
    let taken = "type properties required additionalProperties enum items maxItems minimum maximum description \
                 propertyOrdering";
    for word in keywords(schema) {
        assert!(taken.split(' ').any(|taken| taken == word), "{word}");
    }
}

/// The keywords of a schema and of those in it.
fn keywords(schema: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (word, value) in schema.as_object().unwrap() {
        found.insert(word.clone());
        match word.as_str() {
            "properties" => value.as_object().unwrap().values().for_each(|inner| found.extend(keywords(inner))),
            "items" => found.extend(keywords(value)),
            _ => {}
        }
    }
    found
}

/// An answer is kept under the version, so a text of the prompts that changes without it would be answered from before.
#[test]
fn a_changed_prompt_has_a_new_version() {
    let pinned = identity(&[&SYSTEM, &SCHEMA.to_string(), REPAIR]);
    let versions = [PROMPT_VERSION, SCHEMA_VERSION, REPAIR_VERSION];
    assert_eq!(
        (pinned.0.as_str(), versions),
        ("90dd2f55ebc91d190473d579148bb5c3", ["analysis-1", "analysis-1", "repair-1"])
    );
}
