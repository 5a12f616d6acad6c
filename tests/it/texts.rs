//! Articles for load: made from their number, each unlike the others, long enough to be analysed.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};

/// Characters of a body at least.
const CHARS_MIN: usize = 1_100;

const PUBLISHERS: [&str; 5] = ["CoinDesk", "Decrypt", "NewsBTC", "The Block", "CryptoPotato"];
const COINS: [&str; 8] = ["Bitcoin", "Ethereum", "Solana", "Cardano", "Dogecoin", "Chainlink", "Avalanche", "Polkadot"];
const ACTORS: [&str; 10] = [
    "analysts",
    "exchanges",
    "miners",
    "regulators",
    "traders",
    "developers",
    "funds",
    "issuers",
    "banks",
    "validators",
];
const ACTS: [&str; 10] =
    ["surge after", "fall on", "watch", "doubt", "welcome", "reject", "expect", "delay", "approve", "question"];
const THINGS: [&str; 12] = [
    "the network upgrade",
    "a record inflow",
    "the exploit of a bridge",
    "the court ruling",
    "new listing rules",
    "the spot fund",
    "rising open interest",
    "a partnership with a retailer",
    "the halving",
    "stablecoin reserves",
    "a wave of liquidations",
    "the staking proposal",
];

/// The id of article `number`.
pub fn id(number: usize) -> String {
    format!("a{number:06}")
}

/// Headline and body of article `number`.
pub fn text(number: usize) -> (String, String) {
    let mut random = StdRng::seed_from_u64(number as u64);
    let mut pick = |words: &[&'static str]| *words.choose(&mut random).unwrap();
    let title = format!("{} {} {} {}", pick(&COINS), pick(&ACTORS), pick(&ACTS), pick(&THINGS));
    let mut body = format!("Report {number}.");
    while body.len() < CHARS_MIN {
        let sentence = format!(" {} {} {} {}", pick(&COINS), pick(&ACTORS), pick(&ACTS), pick(&THINGS));
        body.push_str(&sentence);
        body.push('.');
    }
    let figure: u32 = random.random();
    (title, format!("{body} The figure of the day is {figure}."))
}

/// Article `number` as an object that a test may change.
pub fn object(number: usize) -> Value {
    let (title, body) = text(number);
    json!({
        "id": id(number), "title": title, "body": body, "publisher": publisher(number),
        "url": format!("https://example.org/{number}"), "published_at": "2026-01-15T10:00:00Z",
    })
}

/// Who published article `number`.
pub fn publisher(number: usize) -> &'static str {
    PUBLISHERS[number % PUBLISHERS.len()]
}

/// Article `number` as producers send it.
pub fn json(number: usize) -> String {
    object(number).to_string()
}
