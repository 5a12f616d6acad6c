//! Queries, voices and agreement by tables; what may not happen by laws.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::model::Horizon;

static LEXICON: LazyLock<Lexicon> = LazyLock::new(Lexicon::new);

const TITLE: &str = "Bitcoin surges as ETF inflows hit a record";
const TEXT: &str = "Bitcoin surged 9% on Tuesday after spot funds took in a record 1.2 billion dollars in one day, more \
                    than ever before, and open interest on regulated venues grew as well.";

fn reading(direction: Direction, assets: &[&str], event_type: EventType) -> Reading {
    Reading {
        direction,
        sentiment: 0.6,
        confidence: 0.6,
        strength: 0.8,
        horizon: Horizon::Days,
        assets: assets.iter().map(|asset| (*asset).to_owned()).collect(),
        event_type,
        key_points: Vec::new(),
        rationale: String::new(),
        novelty: 0.5,
    }
}

fn claim<'a>(title: &'a str, reading: &'a Reading) -> Claim<'a> {
    Claim { title, text: TEXT, url: "https://www.coin.example/bitcoin-surges", reading }
}

fn page<'a>(url: &'a str, title: &'a str, content: &'a str, score: f64) -> Finding<'a> {
    Finding { title, url, content, score, published: Some(Timestamp(1_795_000_000_000)) }
}

/// Agreement with a bullish claim.
fn agreement_of(findings: &[Finding<'_>]) -> Option<f64> {
    let reading = reading(Direction::Bullish, &["BTC"], EventType::Etf);
    validate(&claim(TITLE, &reading), findings, &LEXICON).agreement
}

const AGREES: (&str, &str) = ("Bitcoin rallies to a new high", "The price soared on strong demand, traders said.");
const DISAGREES: (&str, &str) =
    ("Bitcoin crashes on fund outflows", "The price plunged as investors fled, analysts warned.");
const NO_SIDE: (&str, &str) =
    ("What is a fund?", "A fund holds assets for its owners. It has a manager and a custodian.");

#[test]
fn a_query_names_the_claim_and_nothing_else() {
    let long = "word ".repeat(200);
    for (title, direction, assets, event, expected) in [
        (
            TITLE,
            Direction::Bullish,
            &["BTC"][..],
            EventType::Etf,
            Some("Bitcoin surges as ETF inflows hit a record BTC ETF price rises"),
        ),
        (
            "Funds stolen",
            Direction::Bearish,
            &["ETH", "BTC"],
            EventType::Hack,
            Some("Funds stolen ETH hack exploit price falls"),
        ),
        ("", Direction::Bearish, &[], EventType::Other, Some("crypto market price falls")),
        // Commands of search engines are words like others.
        (
            "\"Bitcoin\" -crash site:evil.example OR (buy)",
            Direction::Bullish,
            &["BTC"],
            EventType::MarketMove,
            Some("Bitcoin crash site evil.example OR buy BTC price rises"),
        ),
        ("Nothing happened", Direction::Neutral, &["BTC"], EventType::Other, None),
    ] {
        let reading = reading(direction, assets, event);
        assert_eq!(query(&claim(title, &reading)).as_deref(), expected);
    }
    let reading = reading(Direction::Bullish, &["BTC"], EventType::Etf);
    let query = query(&claim(&long, &reading)).unwrap();
    assert!(query.chars().count() <= QUERY_CHARS_MAX && query.ends_with("word BTC ETF price rises"), "{query}");
    assert_eq!(search_key(&query, "news 5"), search_key(&query, "news 5"));
    assert_ne!(search_key(&query, "news 5"), search_key(&query, "news 6"));
}

#[test]
fn agreement_follows_what_the_findings_say() {
    let of = |(title, content), score| agreement_of(&[page("https://a.example/1", title, content, score)]);
    let (agrees, disagrees, no_side) =
        (of(AGREES, 0.9).unwrap(), of(DISAGREES, 0.9).unwrap(), of(NO_SIDE, 0.9).unwrap());
    assert!(agrees > 0.6 && disagrees < 0.4 && (0.45..0.55).contains(&no_side), "{agrees} {disagrees} {no_side}");
    // What is less relevant weighs less; what is not relevant says nothing.
    assert!((0.5..agrees).contains(&of(AGREES, 0.2).unwrap()));
    for score in [0.0, -1.0, f64::NAN] {
        assert_eq!(of(AGREES, score), None);
    }
    assert_eq!(agreement_of(&[]), None);
    let neutral = reading(Direction::Neutral, &[], EventType::Other);
    let findings = [page("https://a.example/1", AGREES.0, AGREES.1, 0.9)];
    assert_eq!(validate(&claim(TITLE, &neutral), &findings, &LEXICON).agreement, None);
    let bearish = reading(Direction::Bearish, &["BTC"], EventType::Etf);
    let against = validate(&claim(TITLE, &bearish), &findings, &LEXICON).agreement.unwrap();
    assert!((against - (1.0 - agrees)).abs() < 1e-9, "the two directions mirror each other");
}

#[test]
fn copies_are_one_voice() {
    let one = [page("https://a.example/1", AGREES.0, AGREES.1, 0.9)];
    let two_voices = [
        one[0],
        page("https://b.example/1", "Bulls win", "Record inflows lifted bitcoin far above its old peak.", 0.9),
    ];
    assert!(agreement_of(&two_voices) > agreement_of(&one));
    let longer = format!("{} More below. Advertisement.", AGREES.1);
    for (name, copy) in [
        ("the same text elsewhere", page("https://b.example/1", AGREES.0, AGREES.1, 0.9)),
        ("a longer copy", page("https://b.example/1", AGREES.0, &longer, 0.5)),
        (
            "another page of the site",
            page("https://www.a.example/2", "Bulls win", "Record inflows lifted bitcoin far.", 0.5),
        ),
    ] {
        assert_eq!(agreement_of(&[one[0], copy]), agreement_of(&one), "{name}");
    }
    // Copies of the article and pages of its site are one voice together, however many.
    let own = page("https://c.example/1", TITLE, TEXT, 0.9);
    let excerpt = page("https://d.example/1", TITLE, &TEXT[..100], 0.8);
    let site = page("https://coin.example/other", "Bitcoin soars", "The rally goes on.", 0.7);
    assert_eq!(agreement_of(&[own, excerpt, site]), agreement_of(&[own]));
    assert!(agreement_of(&[own]).unwrap() < 0.75, "a copy alone confirms little");
}

#[test]
fn sources_are_addresses_the_most_relevant_first() {
    let long = format!("https://f.example/{}", "x".repeat(3000));
    let findings = [
        page("https://a.example/1", "", "", 0.1),
        page("https://b.example/1", "", "", 0.9),
        page("javascript:alert(1)", "", "", 1.0),
        page("https://c.example/a b", "", "", 1.0),
        page(&long, "", "", 1.0),
        page("http://g.example/1", "", "", 0.5),
        page("https://h.example/1", "", "", f64::NAN),
        page("https://i.example/1", "", "", 0.4),
        page("https://j.example/1", "", "", 0.3),
    ];
    let reading = reading(Direction::Bullish, &["BTC"], EventType::Etf);
    let sources = validate(&claim(TITLE, &reading), &findings, &LEXICON).sources;
    let urls: Vec<&str> = sources.iter().map(|source| source.url.as_str()).collect();
    let expected = [
        "https://b.example/1",
        "http://g.example/1",
        "https://i.example/1",
        "https://j.example/1",
        "https://a.example/1",
    ];
    assert_eq!(urls, expected);
    assert!(sources.iter().all(|source| source.published == Some(Timestamp(1_795_000_000_000))));
}

proptest! {
    #[test]
    fn confidence_stays_in_bounds_and_grows_with_agreement(c in 0.0..=1.0_f64, low in 0.0..=1.0_f64, high in 0.0..=1.0_f64) {
        let (low, high) = (low.min(high), low.max(high));
        let (below, above) = (adjusted(c, Some(low)), adjusted(c, Some(high)));
        prop_assert!(below <= above);
        prop_assert!(0.0 <= below && above <= 1.0);
        prop_assert!(below >= c * (1.0 - FALL) - 1e-12 && above <= c + RISE * (1.0 - c) + 1e-12);
        prop_assert_eq!(adjusted(c, None).to_bits(), c.to_bits());
        prop_assert!((adjusted(c, Some(0.5)) - c).abs() < 1e-12);
    }

    #[test]
    fn agreement_is_a_share_whatever_is_found(
        pages in prop::collection::vec(("\\PC{0,40}", "\\PC{0,80}", prop::num::f64::ANY, 0..4_u8), 0..8),
    ) {
        let urls: Vec<String> = pages.iter().map(|page| format!("https://{}.example/", page.3)).collect();
        let findings: Vec<Finding<'_>> =
            pages.iter().zip(&urls).map(|((title, content, score, _), url)| page(url, title, content, *score)).collect();
        let agreement = agreement_of(&findings);
        prop_assert!(agreement.is_none_or(|agreement| (0.0..=1.0).contains(&agreement)), "{agreement:?}");
    }
}
