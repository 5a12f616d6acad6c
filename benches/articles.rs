//! Articles for load: varied prose about crypto markets, the same for the same number on every machine.
//!
//! Why not one text repeated: compression, the page cache and branch prediction would all flatter the program. Bodies
//! are put together from sentence patterns and word lists; of ten, five are plain text, three HTML and two markdown, as
//! feeds deliver them. Sizes are bytes of JSON.

use signalmill::model::RawArticle;

const COINS: &[&str] = &[
    "Bitcoin",
    "Ethereum",
    "Solana",
    "XRP",
    "Cardano",
    "Dogecoin",
    "Avalanche",
    "Polkadot",
    "Chainlink",
    "Litecoin",
    "Toncoin",
    "Arbitrum",
    "Optimism",
    "Uniswap",
    "Aave",
    "Cosmos",
    "Near",
    "Sui",
    "Aptos",
    "Monero",
];
const ACTORS: &[&str] = &[
    "the exchange",
    "a group of miners",
    "the foundation",
    "an asset manager",
    "the regulator",
    "a federal judge",
    "the core developers",
    "a market maker",
    "the central bank",
    "a pension fund",
    "the custodian",
    "an early investor",
    "the issuer of the stablecoin",
    "a decentralised lender",
    "the bridge's operator",
    "an on-chain analyst",
];
const VERBS: &[&str] = &[
    "approved",
    "rejected",
    "delayed",
    "announced",
    "suspended",
    "expanded",
    "halted",
    "acquired",
    "sold",
    "listed",
    "delisted",
    "audited",
    "questioned",
    "confirmed",
    "denied",
    "launched",
    "postponed",
    "settled",
    "reported",
];
const THINGS: &[&str] = &[
    "a spot fund",
    "the network upgrade",
    "withdrawals",
    "its lending programme",
    "a large block of tokens",
    "the merger",
    "staking rewards",
    "a proof of reserves",
    "the partnership",
    "a treasury purchase",
    "the airdrop",
    "a class action",
    "its mining fleet",
    "the quarterly results",
    "a licence in Europe",
    "the token burn",
];
const MOVES: &[&str] = &[
    "rallied",
    "slipped",
    "surged",
    "fell",
    "climbed",
    "plunged",
    "recovered",
    "drifted",
    "rose",
    "dropped",
    "soared",
    "stagnated",
    "rebounded",
    "slid",
];
const CAUSES: &[&str] = &[
    "as traders covered short positions",
    "after inflation came in below forecasts",
    "on thin weekend volume",
    "while open interest reached a record",
    "despite strong inflows into exchange-traded funds",
    "because a hacker drained a hot wallet",
    "ahead of the options expiry",
    "after a wave of liquidations",
    "as the dollar weakened against its peers",
    "following a report of outflows",
    "amid fears of tighter rules",
];
const ASIDES: &[&str] = &[
    "Analysts remain divided on what comes next.",
    "Nobody at the company was available for comment.",
    "Data from several venues confirm the trend.",
    "The move follows weeks of quiet trading.",
    "Derivatives desks expect volatility to stay high.",
    "Critics call the plan premature.",
    "Supporters say that it was overdue.",
    "Fees on the network remained close to their yearly low.",
    "Holders of more than a year hardly moved their coins.",
    "The vote closes at the end of the month.",
];
const PUBLISHERS: &[&str] = &["CoinDesk", "NewsBTC", "CryptoPotato", "Blockbeat", "The Ledger Post", "Chain Daily"];

/// A small generator of numbers: `SplitMix64` (Steele, Lea, Flood 2014).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.roll() % end
    }

    fn pick(&mut self, words: &[&'static str]) -> &'static str {
        let index = usize::try_from(self.below(words.len() as u64)).unwrap_or_default();
        words[index]
    }
}

/// Article number `number`, of about `bytes` bytes of JSON.
pub fn article(number: u64, bytes: usize) -> RawArticle {
    let mut dice = Dice(number.wrapping_mul(0x2545_F491_4F6C_DD1D));
    let title = format!("{} {} {}", dice.pick(COINS), dice.pick(MOVES), dice.pick(CAUSES));
    // What the JSON has beside the body: names, quotes and the short fields.
    let room = bytes.saturating_sub(200 + title.len());
    RawArticle {
        id: format!("news-{number}"),
        body: body(&mut dice, room),
        title,
        publisher: dice.pick(PUBLISHERS).to_owned(),
        url: format!("https://example.org/{}/{number}?utm_source=feed&id={}", dice.below(100), dice.below(1_000_000)),
        published_at: format!("2026-11-{:02}T{:02}:{:02}:00Z", 1 + dice.below(20), dice.below(24), dice.below(60)),
    }
}

/// The same as the bytes that a producer sends.
pub fn json(number: u64, bytes: usize) -> anyhow::Result<Vec<u8>> {
    Ok(serde_json::to_vec(&article(number, bytes))?)
}

fn body(dice: &mut Dice, bytes: usize) -> String {
    let form = dice.below(10);
    let (open, close) = match form {
        0..5 => ("", "\n\n"),
        5..8 => ("<p>", "</p>\n"),
        _ => ("", "\n\n* **Note:** see [the report](https://example.org/r?utm_medium=x).\n\n"),
    };
    let mut text = String::with_capacity(bytes + 256);
    while text.len() < bytes {
        text.push_str(open);
        for _ in 0..3 + dice.below(4) {
            sentence(dice, &mut text);
            text.push(' ');
        }
        text.push_str(close);
    }
    text
}

fn sentence(dice: &mut Dice, text: &mut String) {
    let (coin, actor, verb, thing) = (dice.pick(COINS), dice.pick(ACTORS), dice.pick(VERBS), dice.pick(THINGS));
    let (moved, cause, aside) = (dice.pick(MOVES), dice.pick(CAUSES), dice.pick(ASIDES));
    let (whole, part) = (dice.below(90), dice.below(10));
    let written = match dice.below(5) {
        0 => format!("{coin} {moved} {whole}.{part}% {cause}."),
        1 => format!("On Tuesday {actor} {verb} {thing}, according to a filing seen by {}.", dice.pick(PUBLISHERS)),
        2 => format!("{aside} Still, {coin} {moved} to ${whole},{:03} {cause}.", dice.below(1000)),
        3 => format!("\"We have {verb} {thing} and stand by it,\" said a person close to {actor}."),
        _ => format!("{aside} {coin}'s turnover reached ${whole}.{part} billion, and {actor} has not {verb} {thing}."),
    };
    text.push_str(&written);
}
