//! The word lists as one table: from the hashes of a few tokens to what they mean.
//!
//! Four lists live in it, each matched on its own by the longest phrase that starts at a token, so
//! that "bitcoin etf approval" is a coin, a kind of event and a good word at once:
//! `terms.tsv` (curated words with a role in the rules), `learned.tsv` (plain words with fitted weights),
//! `cues.tsv` (kinds of event, time, freshness), `coins.tsv` (names and tickers).
//! Invariants: a phrase has at most `PHRASE_MAX` tokens; the first definition of a form wins; the
//! lists are part of the binary, and a test proves that every row of them is read.

use super::entry::{Cue, Hint, Mention, Naming, Role, Term};
use super::inflect::forms;
use super::token::{Cutter, Sentence, Token};
use crate::model::{EventType, Horizon};

/// Longest phrase, in tokens.
const PHRASE_MAX: usize = 6;
/// The columns of names in `coins.tsv`, in order.
const NAMINGS: [Naming; 3] = [Naming::Sure, Naming::Capital, Naming::Weak];
/// No meaning in this list.
const NONE: u16 = u16::MAX;
/// Bits of the table index; the lists fill about a third of it.
const TABLE_BITS: u32 = 15;
/// Bits of the filter that turns unknown words away before the table is touched (8 KiB, stays in L1).
const FILTER_BITS: u32 = 16;

/// What a form tells besides, whatever else it means.
#[derive(Debug, Clone, Copy, Default)]
pub struct Marks {
    /// The article is about crypto ("blockchain").
    pub crypto: bool,
    /// Stands beside the name of a coin ("token", "price").
    pub beside: bool,
}

/// The meanings of one form, an index into each list.
#[derive(Debug, Clone, Copy)]
struct Sense {
    term: u16,
    plain: u16,
    cue: u16,
    mention: u16,
    marks: Marks,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    /// Key of the phrase; 0 marks a free slot.
    key: u64,
    sense: Sense,
    /// Some phrase goes on from here.
    longer: bool,
}

const FREE: Slot = Slot {
    key: 0,
    sense: Sense { term: NONE, plain: NONE, cue: NONE, mention: NONE, marks: Marks { crypto: false, beside: false } },
    longer: false,
};

/// A match of one list: index of the entry and number of tokens.
pub type Found = Option<(u16, usize)>;

/// The longest match of each list at one token.
#[derive(Debug, Clone, Copy, Default)]
pub struct Matches {
    /// In `terms`.
    pub term: Found,
    /// In `learned`.
    pub plain: Found,
    /// In `cues`.
    pub cue: Found,
    /// In `mentions`.
    pub mention: Found,
    /// Marks of the first token, or of a phrase that starts at it.
    pub marks: Marks,
}

/// All lists, ready for look-up.
#[derive(Debug)]
pub struct Dictionary {
    slots: Vec<Slot>,
    filter: Vec<u64>,
    /// Curated terms.
    pub terms: Vec<Term>,
    /// Learned terms.
    pub learned: Vec<Term>,
    /// Cues.
    pub cues: Vec<Cue>,
    /// Forms of coins.
    pub mentions: Vec<Mention>,
    /// Tickers, upper case.
    pub tickers: Vec<&'static str>,
}

impl Dictionary {
    /// Reads the lists; a row that cannot be read is passed over (a test counts them).
    pub fn load(lists: &Lists) -> Self {
        let mut new = Self {
            slots: vec![FREE; 1 << TABLE_BITS],
            filter: vec![0; 1 << (FILTER_BITS - 6)],
            terms: Vec::new(),
            learned: Vec::new(),
            cues: Vec::new(),
            mentions: Vec::new(),
            tickers: Vec::new(),
        };
        for row in rows(lists.terms) {
            new.add_term(row);
        }
        for row in rows(lists.learned) {
            new.add_learned(row);
        }
        for row in rows(lists.cues) {
            new.add_cue(row);
        }
        for row in rows(lists.coins) {
            new.add_coin(row);
        }
        new
    }

    /// The longest match of each list that starts at token `at`; `None` where nothing does.
    #[inline]
    pub fn longest(&self, tokens: &[Token], at: usize) -> Option<Matches> {
        let key = chain(0, tokens.get(at)?.hash);
        let (word, bit) = filter_place(key);
        if self.filter[word] & bit == 0 {
            return None;
        }
        self.follow(key, &tokens[at + 1..])
    }

    /// Goes on from the first token's key.
    fn follow(&self, mut key: u64, rest: &[Token]) -> Option<Matches> {
        let mut slot = self.slot(key)?;
        let mut found = Matches::default();
        for len in 1..=PHRASE_MAX {
            let sense = slot.sense;
            let keep = |old: Found, id: u16| if id == NONE { old } else { Some((id, len)) };
            found.term = keep(found.term, sense.term);
            found.plain = keep(found.plain, sense.plain);
            found.cue = keep(found.cue, sense.cue);
            found.mention = keep(found.mention, sense.mention);
            found.marks.crypto |= sense.marks.crypto;
            found.marks.beside |= sense.marks.beside && len == 1;
            if !slot.longer {
                break;
            }
            let Some(token) = rest.get(len - 1) else {
                break;
            };
            key = chain(key, token.hash);
            let Some(next) = self.slot(key) else { break };
            slot = next;
        }
        Some(found)
    }

    /// A term of `terms` by its first form.
    pub fn term(&self, text: &str) -> Option<u16> {
        self.terms.iter().position(|t| t.text == text).and_then(|at| u16::try_from(at).ok())
    }

    /// Share of the table in use.
    #[cfg(test)]
    pub fn load_share(&self) -> f64 {
        let used = self.slots.iter().filter(|slot| slot.key != 0).count();
        f64::from(u32::try_from(used).unwrap_or(u32::MAX)) / f64::from(1_u32 << TABLE_BITS)
    }

    #[inline]
    fn slot(&self, key: u64) -> Option<&Slot> {
        let (word, bit) = filter_place(key);
        if self.filter[word] & bit == 0 {
            return None;
        }
        let mut at = table_place(key);
        loop {
            let slot = &self.slots[at];
            if slot.key == key {
                return Some(slot);
            }
            if slot.key == 0 {
                return None;
            }
            at = (at + 1) & ((1 << TABLE_BITS) - 1);
        }
    }

    /// The slot of a key, made when missing.
    fn slot_for(&mut self, key: u64) -> &mut Slot {
        let (word, bit) = filter_place(key);
        self.filter[word] |= bit;
        let mut at = table_place(key);
        while self.slots[at].key != 0 && self.slots[at].key != key {
            at = (at + 1) & ((1 << TABLE_BITS) - 1);
        }
        let slot = &mut self.slots[at];
        slot.key = key;
        slot
    }

    /// Files every form of `entry`; `put` writes the meaning.
    fn file(&mut self, entry: &str, put: impl Fn(&mut Sense)) {
        let mut sentence = Sentence::new();
        forms(entry, |form| {
            if !Cutter::new(form).next(&mut sentence) {
                return;
            }
            let mut key = 0;
            let last = sentence.tokens().len().min(PHRASE_MAX) - 1;
            for (at, token) in sentence.tokens().iter().take(PHRASE_MAX).enumerate() {
                key = chain(key, token.hash);
                let slot = self.slot_for(key);
                if at == last {
                    put(&mut slot.sense);
                } else {
                    slot.longer = true;
                }
            }
        });
    }

    fn add_term(&mut self, row: &'static str) -> Option<()> {
        let mut columns = row.split('\t');
        let (entry, role) = (columns.next()?, Role::parse(columns.next()?)?);
        let (polarity, salience) = (number(columns.next()?)?, columns.next().and_then(number).unwrap_or(0.0));
        let id = u16::try_from(self.terms.len()).ok()?;
        let text = entry.split([',', '/']).next().unwrap_or(entry);
        self.terms.push(Term { text, role, polarity, salience });
        self.file(entry, |sense| set(&mut sense.term, id));
        Some(())
    }

    fn add_learned(&mut self, row: &'static str) -> Option<()> {
        let mut columns = row.split('\t');
        let text = columns.next()?;
        let (polarity, salience) = (number(columns.next()?)?, number(columns.next()?)?);
        let id = u16::try_from(self.learned.len()).ok()?;
        self.learned.push(Term { text, role: Role::Polar, polarity, salience });
        self.file(text, |sense| set(&mut sense.plain, id));
        Some(())
    }

    fn add_cue(&mut self, row: &'static str) -> Option<()> {
        let mut columns = row.split('\t');
        let (entry, kind, weight) = (columns.next()?, columns.next()?, number(columns.next()?)?);
        match kind {
            "crypto" => self.file(entry, |sense| sense.marks.crypto = true),
            "beside" => self.file(entry, |sense| sense.marks.beside = true),
            _ => return self.add_vote(entry, kind, weight),
        }
        Some(())
    }

    fn add_vote(&mut self, entry: &str, kind: &str, weight: f64) -> Option<()> {
        let hint = match kind {
            "fresh" => Hint::Fresh,
            _ => Horizon::parse(kind).map(Hint::Span).or_else(|| EventType::parse(kind).map(Hint::Event))?,
        };
        let id = u16::try_from(self.cues.len()).ok()?;
        self.cues.push(Cue { hint, weight });
        self.file(entry, |sense| set(&mut sense.cue, id));
        Some(())
    }

    /// `TICKER, how sure the ticker is, sure names, names with a capital, weak names`.
    fn add_coin(&mut self, row: &'static str) -> Option<()> {
        let mut columns = row.split('\t');
        let ticker = columns.next()?;
        let naming = match columns.next()? {
            "sure" => Naming::Sure,
            "ticker" => Naming::Ticker,
            "weak" => Naming::Weak,
            _ => return None,
        };
        let coin = u16::try_from(self.tickers.len()).ok()?;
        self.tickers.push(ticker);
        let named = columns.clone().zip(NAMINGS).find(|(names, _)| {
            let mut names = names.split(',');
            names.any(|name| name.eq_ignore_ascii_case(ticker))
        });
        let ticker_mention = Mention { coin, naming, ticker: true, name: named.map(|(_, naming)| naming) };
        self.add_mention(ticker, ticker_mention);
        for (names, naming) in columns.zip(NAMINGS) {
            let mention = Mention { coin, naming, ticker: false, name: Some(naming) };
            if !names.is_empty() {
                self.add_mention(names, mention);
            }
        }
        Some(())
    }

    fn add_mention(&mut self, forms: &str, mention: Mention) {
        if let Ok(id) = u16::try_from(self.mentions.len()) {
            self.mentions.push(mention);
            self.file(forms, |sense| set(&mut sense.mention, id));
        }
    }
}

/// The text of the lists.
pub struct Lists {
    /// `entry, role, polarity, salience`.
    pub terms: &'static str,
    /// `phrase, polarity, salience`.
    pub learned: &'static str,
    /// `entry, kind, weight`.
    pub cues: &'static str,
    /// `ticker, how sure, sure names, capital names, weak names`.
    pub coins: &'static str,
}

/// Rows of a list, comments and empty lines left out.
pub fn rows(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}

/// The first definition wins.
fn set(place: &mut u16, id: u16) {
    if *place == NONE {
        *place = id;
    }
}

/// Key of a phrase: its tokens' hashes, folded in order; never 0, which marks a free slot.
#[inline]
fn chain(key: u64, token: u64) -> u64 {
    // The multiplier is the golden ratio in 64 bits (Knuth, TAOCP 3, 6.4).
    ((key.rotate_left(23) ^ token).wrapping_mul(0x9e37_79b9_7f4a_7c15)) | 1
}

#[inline]
fn table_place(key: u64) -> usize {
    usize::try_from(key >> (64 - TABLE_BITS)).unwrap_or(0)
}

#[inline]
fn filter_place(key: u64) -> (usize, u64) {
    let bit = (key >> 20) & ((1 << FILTER_BITS) - 1);
    (usize::try_from(bit >> 6).unwrap_or(0), 1 << (bit & 63))
}
