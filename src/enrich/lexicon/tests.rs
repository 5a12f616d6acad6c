//! Behaviour of the analyzer, feature by feature; its quality on labelled headlines is measured in `tests/it/lexicon.rs`.

use super::dictionary::{Dictionary, rows};
use super::inflect::forms;
use super::*;
use crate::model::{Direction, EventType, Horizon};
use std::collections::BTreeSet;
use std::sync::LazyLock;

static LEXICON: LazyLock<Lexicon> = LazyLock::new(Lexicon::new);

fn read(title: &str, text: &str) -> Reading {
    LEXICON.read(&Question { title, text })
}

fn check(title: &str, expected: Direction) {
    let reading = read(title, "");
    assert_eq!(reading.direction, expected, "{title}: {reading:?}");
}

#[test]
fn directions() {
    use Direction::{Bearish, Bullish, Neutral};
    for (title, expected) in [
        ("Bitcoin surges to all-time high", Bullish),
        ("Exchange hacked, $40 million stolen", Bearish),
        ("Developers schedule a call for Thursday", Neutral),
        // A movement takes its sign from what moves.
        ("Company profit falls in third quarter", Bearish),
        ("Company loss narrows in third quarter", Bullish),
        ("Net loss widens at miner", Bearish),
        ("Firm's debt falls sharply", Bullish),
        ("Inflation rises again", Bearish),
        ("Bitcoin ETF outflows slow", Bullish),
        ("Bitcoin erases gains", Bearish),
        ("Fund cuts losses", Bullish),
        // What undoes a bad thing is good.
        ("Judge dismisses lawsuit against exchange", Bullish),
        ("Country lifts ban on mining", Bullish),
        // Negation, concession and contrast.
        ("Exchange was not hacked, reserves are strong", Bullish),
        ("Bitcoin rallies despite lawsuit", Bullish),
        ("Token gains early but crashes on hack news", Bearish),
        ("Bitcoin fails to hold support", Bearish),
        // Neither Latin letters nor words: nothing is known.
        ("Биткоин вырос", Neutral),
        ("", Neutral),
    ] {
        check(title, expected);
    }
}

#[test]
fn degree_scales_and_doubt_lowers_confidence() {
    let plain = read("Bitcoin falls", "");
    assert!(read("Bitcoin falls sharply", "").sentiment < plain.sentiment);
    assert!(read("Bitcoin falls slightly", "").sentiment > plain.sentiment);
    assert!(read("Bitcoin could perhaps fall", "").confidence < plain.confidence);
    assert!(read("Will Bitcoin fall?", "").sentiment.abs() < plain.sentiment.abs());
}

#[test]
fn headline_outweighs_body() {
    let body = "The token lost ground in early trade. Later it recovered part of the decline.";
    assert_eq!(read("Solana soars on record inflows", body).direction, Direction::Bullish);
    let body = "Bitcoin plunged 12% on Monday. More than $1 billion in longs were liquidated. Fear gripped traders.";
    assert_eq!(read("What happened in crypto on Monday", body).direction, Direction::Bearish);
    assert_eq!(read("", body).direction, Direction::Bearish);
}

#[test]
fn assets() {
    let check = |title: &str, expected: &[&str]| assert_eq!(read(title, "").assets, expected, "{title}");
    check("Bitcoin and ether climb as $SOL lags", &["BTC", "ETH", "SOL"]);
    check("Bitcoin Cash forks again", &["BCH"]);
    check("Dollar trades near one-year low", &[]);
    check("Link to the one gas maker near you", &[]);
    check("NEAR token gains 12%", &["NEAR"]);
    check("Near Protocol upgrades consensus", &["NEAR"]);
    check("Chainlink (LINK) rallies", &["LINK"]);
    check("$ONE and $GAS jump", &["ONE", "GAS"]);
    check("Harmony (ONE) jumps on Binance", &["ONE"]);
    check("SUI rallies 10%", &["SUI"]);
    check("Avalanche price jumps", &["AVAX"]);
    check("Pepe coin soars", &["PEPE"]);
    check("Sui tops rivals as DeFi grows", &["SUI"]);
    check("Polygon suffers outage after validator bug", &["POL"]);
    check("Ripple effects of the rate decision", &[]);
    check("Skiers caught in avalanche", &[]);
    check("XRP, ADA and DOT prices fall", &["XRP", "ADA", "DOT"]);
    check("Maker (MKR) votes on rates", &["MKR"]);
    let many = "BTC ETH XRP SOL ADA DOGE AVAX LTC BCH XMR ATOM";
    assert_eq!(read(many, "").assets.len(), coins::ASSETS_MAX);
}

#[test]
fn events() {
    let check = |title: &str, expected: EventType| {
        assert_eq!(read(title, "").event_type, expected, "{title}");
    };
    check("Binance to list new token", EventType::Listing);
    check("Kraken to delist Monero", EventType::Delisting);
    check("Bridge exploited for $80 million", EventType::Hack);
    check("SEC sues exchange over securities", EventType::Lawsuit);
    check("Parliament passes crypto legislation", EventType::Regulation);
    check("Spot bitcoin ETF sees inflows", EventType::Etf);
    check("Ethereum hard fork goes live on mainnet", EventType::Upgrade);
    check("Fed holds interest rates", EventType::Macro);
    check("Solana network suffers outage", EventType::Outage);
    check("Bitcoin climbs above $60,000", EventType::MarketMove);
    check("Startup closes $20 million Series A funding round", EventType::Funding);
    check("Longs liquidated in flash move", EventType::Liquidation);
    check("A quiet afternoon", EventType::Other);
}

#[test]
fn novelty_and_horizon() {
    let news = read("Breaking: exchange announces first ever listing", "");
    let recap = read("Weekly recap: price prediction and analysis explained", "");
    assert!(news.novelty > recap.novelty + 0.3);
    assert_eq!(read("Bitcoin could double next year, long term outlook for 2028", "").horizon, Horizon::Months);
}

#[test]
fn points_and_rationale_are_bounded() {
    let long = "word ".repeat(200) + "surges and rallies to a record high. ";
    let text = format!(
        "{long}The exchange was hacked and 40 million dollars were stolen from it. Nothing else happened on that afternoon in town."
    );
    let reading = read("Exchange hacked", &text);
    assert!(reading.key_points.len() <= points::POINTS_MAX);
    assert!(!reading.key_points.is_empty());
    assert!(reading.key_points.iter().all(|p| p.chars().count() <= points::POINT_CHARS_MAX));
    assert!(reading.rationale.contains("hacked"), "{}", reading.rationale);
    assert!(reading.rationale.chars().count() <= points::RATIONALE_CHARS_MAX);
    assert!(read("", &"surge".repeat(5000)).rationale.chars().count() <= points::RATIONALE_CHARS_MAX);
}

#[test]
fn hostile_text_is_read_and_bounded() {
    let huge = [
        "a",
        ".",
        "$",
        "'",
        "’",
        "%",
        "?",
        "1.",
        "é",
        "\u{1F4A5}",
        "surge ",
        "not but hack ",
        "BTC ",
        "\n\n-",
        "\u{2014}",
    ];
    for piece in huge {
        let text = piece.repeat(200_000 / piece.len());
        let reading = read(&text, &text);
        assert!((-1.0..=1.0).contains(&reading.sentiment), "{piece}");
        assert!((0.0..=1.0).contains(&reading.confidence), "{piece}");
        assert!((0.0..=1.0).contains(&reading.strength), "{piece}");
        assert!((0.0..=1.0).contains(&reading.novelty), "{piece}");
        assert!(reading.assets.len() <= coins::ASSETS_MAX, "{piece}");
    }
}

#[test]
fn same_text_same_bits() {
    let one = read("Bitcoin falls despite strong ETF inflows", "Traders fear more losses. ETH holds.");
    let other = Lexicon::new().read(&Question {
        title: "Bitcoin falls despite strong ETF inflows",
        text: "Traders fear more losses. ETH holds.",
    });
    assert_eq!(one, other);
    assert_eq!(one.sentiment.to_bits(), other.sentiment.to_bits());
}

/// Guards the arithmetic: these bits must not depend on the machine.
#[test]
fn golden_bits() {
    let tally = evidence::Tally { polarity: 1.25, salience: 0.75, doubt: 0.5 };
    assert_eq!(decide(&tally).confidence.to_bits(), GOLDEN_CONFIDENCE, "{}", decide(&tally).confidence);
}

/// Bits of the confidence of a fixed tally; changes only with the constants of `decide`.
const GOLDEN_CONFIDENCE: u64 = 4_606_092_306_711_780_268;

#[test]
fn every_row_is_read() {
    let dictionary = Dictionary::load(&LISTS);
    assert_eq!(dictionary.terms.len(), rows(LISTS.terms).count());
    assert_eq!(dictionary.learned.len(), rows(LISTS.learned).count());
    // Two rows are marks, not cues.
    assert_eq!(dictionary.cues.len() + 2, rows(LISTS.cues).count());
    assert_eq!(dictionary.tickers.len(), rows(LISTS.coins).count());
    assert!(dictionary.tickers.len() >= 150);
    assert!(dictionary.load_share() < 0.5, "the table is too full: raise TABLE_BITS");
    assert!(["~less", "~more", "~void"].iter().all(|text| dictionary.term(text).is_some()));
}

#[test]
fn no_form_of_a_coin_is_given_twice() {
    let mut seen = BTreeSet::new();
    for row in rows(LISTS.coins) {
        for column in row.split('\t').skip(2).filter(|names| !names.is_empty()) {
            forms(column, |form| {
                assert!(seen.insert(form.to_owned()), "{form} twice");
            });
        }
    }
}
