//! Words from which a stand-in guesses what an article says.
//!
//! Short on purpose: an answer has to look sensible and follow from the text, not to be right. The list is sorted,
//! since it is searched by halves, and written in lower case. A word is compared as one number, as this is done for
//! every word of every article.

use crate::model::EventType;

/// What a word hints at.
#[derive(Debug, Clone, Copy)]
pub enum Hint {
    /// Rising prices.
    Up,
    /// Falling prices.
    Down,
    /// A kind of event, without a side.
    Event(EventType),
    /// A kind of event that is good for prices.
    Good(EventType),
    /// A kind of event that is bad for prices.
    Bad(EventType),
    /// An asset, by its ticker.
    Asset(&'static str),
}

/// Bytes of the shortest and of the longest word of the list.
const WORD_BYTES_MIN: usize = 3;
const WORD_BYTES_MAX: usize = 12;

const WORDS: &[(&str, Hint)] = {
    use EventType::{
        Adoption, Airdrop, Bankruptcy, Delisting, Earnings, Etf, Funding, Hack, Lawsuit, Liquidation, Listing, Macro,
        MarketMove, Outage, Partnership, Personnel, Regulation, Supply, Upgrade,
    };
    use Hint::{Asset, Bad, Down, Event, Good, Up};
    &[
        ("acquires", Good(Funding)),
        ("adopts", Good(Adoption)),
        ("airdrop", Event(Airdrop)),
        ("appoints", Event(Personnel)),
        ("approval", Up),
        ("approved", Up),
        ("approves", Up),
        ("arrested", Bad(Lawsuit)),
        ("avalanche", Asset("AVAX")),
        ("avax", Asset("AVAX")),
        ("ban", Bad(Regulation)),
        ("bankruptcy", Bad(Bankruptcy)),
        ("banned", Bad(Regulation)),
        ("bans", Bad(Regulation)),
        ("bearish", Down),
        ("bitcoin", Asset("BTC")),
        ("bnb", Asset("BNB")),
        ("btc", Asset("BTC")),
        ("bullish", Up),
        ("burn", Event(Supply)),
        ("cardano", Asset("ADA")),
        ("chainlink", Asset("LINK")),
        ("climb", Good(MarketMove)),
        ("climbed", Good(MarketMove)),
        ("climbs", Good(MarketMove)),
        ("collapse", Down),
        ("collapsed", Down),
        ("crash", Bad(MarketMove)),
        ("crashed", Bad(MarketMove)),
        ("crashes", Bad(MarketMove)),
        ("decline", Down),
        ("declined", Down),
        ("delisting", Bad(Delisting)),
        ("delists", Bad(Delisting)),
        ("dogecoin", Asset("DOGE")),
        ("drop", Bad(MarketMove)),
        ("dropped", Bad(MarketMove)),
        ("drops", Bad(MarketMove)),
        ("earnings", Event(Earnings)),
        ("etf", Event(Etf)),
        ("eth", Asset("ETH")),
        ("ether", Asset("ETH")),
        ("ethereum", Asset("ETH")),
        ("exploit", Bad(Hack)),
        ("exploited", Bad(Hack)),
        ("fall", Bad(MarketMove)),
        ("falls", Bad(MarketMove)),
        ("fear", Down),
        ("fed", Event(Macro)),
        ("fell", Bad(MarketMove)),
        ("fork", Event(Upgrade)),
        ("fraud", Bad(Lawsuit)),
        ("funding", Event(Funding)),
        ("funds", Event(Etf)),
        ("gain", Up),
        ("gained", Up),
        ("gains", Up),
        ("growth", Up),
        ("hack", Bad(Hack)),
        ("hacked", Bad(Hack)),
        ("hacker", Bad(Hack)),
        ("halted", Bad(Outage)),
        ("halving", Good(Upgrade)),
        ("inflation", Event(Macro)),
        ("inflow", Good(Etf)),
        ("inflows", Good(Etf)),
        ("integrates", Good(Partnership)),
        ("jump", Good(MarketMove)),
        ("jumped", Good(MarketMove)),
        ("jumps", Good(MarketMove)),
        ("launch", Good(Upgrade)),
        ("launches", Good(Upgrade)),
        ("lawsuit", Bad(Lawsuit)),
        ("liquidated", Bad(Liquidation)),
        ("liquidation", Bad(Liquidation)),
        ("liquidations", Bad(Liquidation)),
        ("listed", Good(Listing)),
        ("listing", Good(Listing)),
        ("lists", Good(Listing)),
        ("litecoin", Asset("LTC")),
        ("losses", Down),
        ("mainnet", Good(Upgrade)),
        ("monero", Asset("XMR")),
        ("outage", Bad(Outage)),
        ("outflow", Bad(Etf)),
        ("outflows", Bad(Etf)),
        ("partners", Good(Partnership)),
        ("partnership", Good(Partnership)),
        ("plunge", Bad(MarketMove)),
        ("plunged", Bad(MarketMove)),
        ("plunges", Bad(MarketMove)),
        ("polkadot", Asset("DOT")),
        ("raised", Good(Funding)),
        ("raises", Good(Funding)),
        ("rallied", Good(MarketMove)),
        ("rallies", Good(MarketMove)),
        ("rally", Good(MarketMove)),
        ("record", Up),
        ("recovered", Up),
        ("regulation", Event(Regulation)),
        ("regulator", Event(Regulation)),
        ("regulators", Event(Regulation)),
        ("rejected", Down),
        ("rejects", Down),
        ("resigns", Bad(Personnel)),
        ("ripple", Asset("XRP")),
        ("rise", Good(MarketMove)),
        ("rises", Good(MarketMove)),
        ("rose", Good(MarketMove)),
        ("sec", Event(Regulation)),
        ("slump", Bad(MarketMove)),
        ("slumped", Bad(MarketMove)),
        ("slumps", Bad(MarketMove)),
        ("soared", Good(MarketMove)),
        ("soars", Good(MarketMove)),
        ("solana", Asset("SOL")),
        ("stolen", Bad(Hack)),
        ("strong", Up),
        ("sued", Bad(Lawsuit)),
        ("sues", Bad(Lawsuit)),
        ("surge", Good(MarketMove)),
        ("surged", Good(MarketMove)),
        ("surges", Good(MarketMove)),
        ("tether", Asset("USDT")),
        ("treasury", Good(Adoption)),
        ("tumbled", Bad(MarketMove)),
        ("tumbles", Bad(MarketMove)),
        ("unlock", Bad(Supply)),
        ("upgrade", Good(Upgrade)),
        ("usdc", Asset("USDC")),
        ("usdt", Asset("USDT")),
        ("weak", Down),
        ("withdrawals", Event(Outage)),
        ("xmr", Asset("XMR")),
        ("xrp", Asset("XRP")),
    ]
};

/// The words as numbers, in the same order.
static KEYS: [u128; WORDS.len()] = {
    let mut keys = [0; WORDS.len()];
    let mut at = 0;
    while at < WORDS.len() {
        keys[at] = key(WORDS[at].0.as_bytes());
        at += 1;
    }
    keys
};

/// The letters and digits of a word of at most sixteen as a number, the first one highest; capitals made small.
const fn key(word: &[u8]) -> u128 {
    let mut key = [0; 16];
    let mut at = 0;
    while at < word.len() {
        key[at] = word[at].to_ascii_lowercase();
        at += 1;
    }
    u128::from_be_bytes(key)
}

/// What a word hints at, in whatever case it is written.
pub fn hint(word: &[u8]) -> Option<Hint> {
    if !(WORD_BYTES_MIN..=WORD_BYTES_MAX).contains(&word.len()) {
        return None;
    }
    KEYS.binary_search(&key(word)).ok().map(|at| WORDS[at].1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_can_be_searched_by_halves() {
        assert!(KEYS.is_sorted_by(|left, right| left < right));
        assert!(WORDS.iter().all(|(word, _)| hint(word.to_ascii_uppercase().as_bytes()).is_some()));
        assert!(hint(b"the").is_none() && hint(b"").is_none());
    }
}
