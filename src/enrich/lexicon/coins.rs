//! Which coins an article is about.
//!
//! Names that are nothing else count at once ("bitcoin"), tickers in capitals, ordinary words only where something
//! confirms them: a cashtag (`$NEAR`), a word such as "token" beside them, name and ticker in the same article
//! ("Near (NEAR)"), or, for names like "Avalanche", a capital in an article about crypto.
//! Invariant: the order of the answer depends on the text alone (weight, then first place, then the list's order).

use super::dictionary::Dictionary;
use super::entry::{Mention, Naming};
use super::token::{Case, Token};

/// Assets named in a reading at most.
pub const ASSETS_MAX: usize = 8;
/// Weight of a mention in the headline, in mentions of the body.
const HEADLINE: u32 = 6;
/// Mentions of one coin that count, so that a long text cannot overrule the headline.
const MENTIONS_MAX: u32 = 40;
/// The first coin of the headline is its subject.
const SUBJECT: u32 = 3;
/// A coin named less than this share (one in so many) of the main one is passing mention.
const PASSING: u32 = 12;

/// What was seen of one coin.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    /// Weight of mentions that count at once.
    sure: u32,
    /// Weight of capitalised names that need an article about crypto.
    capital: u32,
    /// Weight of mentions that need confirmation.
    weak: u32,
    /// An ambiguous name, and an ambiguous ticker in capitals, were seen.
    name: bool,
    ticker: bool,
    /// Sentence of the first mention, counted from 1; 0 is none.
    first: u32,
}

/// Counts mentions over one article.
#[derive(Debug)]
pub struct Ledger {
    seen: Vec<Seen>,
    /// Cues that the article is about crypto.
    pub crypto: u32,
    /// Sentences passed.
    page: u32,
    subject_given: bool,
}

/// What stands around a mention.
#[derive(Debug, Clone, Copy)]
pub struct Around {
    /// In the headline.
    pub headline: bool,
    /// The sentence is in capitals throughout.
    pub shouted: bool,
    /// A word such as "token" stands beside it.
    pub confirmed: bool,
}

impl Ledger {
    /// For the coins of this dictionary.
    pub fn new(dictionary: &Dictionary) -> Self {
        Self { seen: vec![Seen::default(); dictionary.tickers.len()], crypto: 0, page: 1, subject_given: false }
    }

    /// Marks the end of a sentence.
    pub fn turn_page(&mut self) {
        self.page += 1;
    }

    /// Counts one mention; returns whether it names the coin without more.
    pub fn note(&mut self, mention: Mention, token: &Token, around: Around) -> bool {
        let Some(seen) = self.seen.get_mut(usize::from(mention.coin)) else {
            return false;
        };
        if seen.first == 0 {
            seen.first = self.page;
        }
        let weight = if around.headline { HEADLINE } else { 1 };
        let loud = token.case == Case::Shouted && !around.shouted;
        let shouted = token.case == Case::Shouted;
        let named = mention.name.is_some() && token.is_capital() && around.confirmed;
        let sure = token.cashtag
            || named
            || match mention.naming {
                Naming::Sure => true,
                Naming::Ticker => loud || (shouted && around.confirmed),
                Naming::Weak => mention.ticker && loud && around.confirmed,
                Naming::Capital => false,
            };
        if sure {
            let subject = around.headline && !self.subject_given;
            self.subject_given |= around.headline;
            self.crypto += weight;
            seen.sure = (seen.sure + weight + if subject { SUBJECT } else { 0 }).min(MENTIONS_MAX);
            return true;
        }
        if mention.name == Some(Naming::Capital) && token.is_capital() {
            seen.capital = (seen.capital + weight).min(MENTIONS_MAX);
        } else if token.is_capital() {
            seen.weak = (seen.weak + weight).min(MENTIONS_MAX);
            seen.name |= !mention.ticker;
            seen.ticker |= mention.ticker && loud;
        }
        false
    }

    /// The coins, the main one first.
    pub fn assets(&self, dictionary: &Dictionary) -> Vec<String> {
        let weigh = |seen: &Seen| {
            let capital = if self.crypto > 0 { seen.capital } else { 0 };
            let both = seen.name && seen.ticker;
            let weak = if seen.sure > 0 || capital > 0 || both { seen.weak } else { 0 };
            seen.sure + capital + weak
        };
        let mut ranked: Vec<(u32, u32, usize)> = self
            .seen
            .iter()
            .enumerate()
            .filter(|(_, seen)| seen.first > 0)
            .map(|(coin, seen)| (weigh(seen), seen.first, coin))
            .filter(|&(weight, ..)| weight > 0)
            .collect();
        ranked.sort_unstable_by_key(|&(weight, first, coin)| (std::cmp::Reverse(weight), first, coin));
        let main = ranked.first().map_or(0, |&(weight, ..)| weight);
        ranked
            .iter()
            .filter(|&&(weight, ..)| weight * PASSING > main)
            .take(ASSETS_MAX)
            .map(|&(.., coin)| dictionary.tickers[coin].to_owned())
            .collect()
    }
}
