//! The rules: from the terms of a sentence to evidence for and against.
//!
//! Each sentence becomes two sums in log-odds, `polarity` (bullish against bearish) and `salience` (a side
//! against none), and an amount of doubt. A term counts with a multiplier that the rules set:
//! * negation turns the polarity of the next `NEGATION_REACH` tokens round, weaker than a plain opposite;
//! * degree words scale their neighbours; "but" weighs its two sides; conceded and background clauses count less;
//! * a movement takes its sign from what moves: profit falls, losses narrow, inflation eases, a ban is lifted. The
//!   quantity is looked for around the verb inside its clause and then counts no more by itself.
//!
//! Everything is bounded by the tokens of a sentence; nothing is allocated.

mod objects;

use super::dictionary::{Dictionary, Matches};
use super::entry::{Role, Term};
use super::token::{Sentence, TOKENS_MAX};

/// Tokens that a negator reaches; longer than VADER's three, headlines leave out the verb.
const NEGATION_REACH: usize = 4;
/// A negated word is a weaker opposite (VADER's constant is -0.74; "not bad" is less than good).
const NEGATED: f64 = -0.65;
/// Weights of what stands before and after "but" (VADER: 0.5 and 1.5; milder here, since headlines
/// state the event before it).
const BEFORE_BUT: f64 = 0.6;
const AFTER_BUT: f64 = 1.25;
/// Weight of a conceded clause ("despite a lawsuit") and of a background clause ("after a rally").
const CONCEDED: f64 = 0.3;
const BACKGROUND: f64 = 0.6;
/// What a question leaves of its evidence: it asks, it does not tell.
const ASKED: f64 = 0.5;
/// Parts of one sentence at most: a term and a learned term at every token.
const PARTS_MAX: usize = 2 * TOKENS_MAX;

/// One term's share in a sentence.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// The weights that count; the learned list when `learned`.
    pub id: u16,
    /// Which list `id` points into.
    pub learned: bool,
    /// What the rules multiply the polarity by.
    pub polarity_times: f64,
    /// What the rules multiply the salience by.
    pub salience_times: f64,
    /// Byte range of the words, object included.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// Sums of a sentence.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    /// Bullish against bearish, log-odds.
    pub polarity: f64,
    /// A side against none, log-odds.
    pub salience: f64,
    /// Doubt words, weighted.
    pub doubt: f64,
}

/// A curated term found in the sentence.
#[derive(Debug, Clone, Copy)]
struct Hit {
    id: u16,
    at: usize,
    len: usize,
    role: Role,
    polarity: f64,
    /// The object of another term: counts no more by itself.
    taken: bool,
    /// For a movement: whether its object is good (1) or bad (-1).
    bound: Option<f64>,
}

const NO_HIT: Hit = Hit { id: 0, at: 0, len: 1, role: Role::Edge, polarity: 0.0, taken: false, bound: None };

/// The pseudo terms whose weights composed readings have, see `terms.tsv`.
#[derive(Debug, Clone, Copy)]
pub struct Composed {
    less: u16,
    more: u16,
    void: u16,
}

impl Composed {
    /// Looks the pseudo terms up.
    pub fn new(dictionary: &Dictionary) -> Self {
        let id = |text| dictionary.term(text).unwrap_or(0);
        Self { less: id("~less"), more: id("~more"), void: id("~void") }
    }
}

/// Work space for one sentence.
#[derive(Debug)]
pub struct Scales {
    hits: [Hit; TOKENS_MAX],
    hits_len: usize,
    learned: [(u16, usize, usize); TOKENS_MAX],
    learned_len: usize,
    /// Multiplier of the polarity at each token.
    turns: [f64; TOKENS_MAX],
    /// Weight of the clause at each token.
    scopes: [f64; TOKENS_MAX],
    parts: [Part; PARTS_MAX],
    parts_len: usize,
    /// A word that changes how others count was seen.
    modified: bool,
    /// The token behind the last curated and the last learned match.
    next: (usize, usize),
}

const NO_PART: Part = Part { id: 0, learned: false, polarity_times: 0.0, salience_times: 0.0, start: 0, end: 0 };

impl Scales {
    /// Empty.
    pub fn new() -> Self {
        Self {
            hits: [NO_HIT; TOKENS_MAX],
            hits_len: 0,
            learned: [(0, 0, 1); TOKENS_MAX],
            learned_len: 0,
            turns: [1.0; TOKENS_MAX],
            scopes: [1.0; TOKENS_MAX],
            parts: [NO_PART; PARTS_MAX],
            parts_len: 0,
            modified: false,
            next: (0, 0),
        }
    }

    /// Forgets the last sentence.
    pub fn clear(&mut self) {
        self.hits_len = 0;
        self.learned_len = 0;
        self.parts_len = 0;
        self.next = (0, 0);
        self.modified = false;
    }

    /// Takes in what was found at token `at`; tokens come in order.
    #[inline]
    pub fn note(&mut self, dictionary: &Dictionary, at: usize, found: &Matches) {
        if let Some((id, len)) = found.term
            && at >= self.next.0
        {
            let term = &dictionary.terms[usize::from(id)];
            self.hits[self.hits_len] =
                Hit { id, at, len, role: term.role, polarity: term.polarity, taken: false, bound: None };
            self.hits_len += 1;
            self.modified |= matches!(term.role, Role::But | Role::Despite | Role::After | Role::Not | Role::Degree);
            self.next.0 = at + len;
        }
        if let Some((id, len)) = found.plain
            && at >= self.next.1
        {
            self.learned[self.learned_len] = (id, at, len);
            self.learned_len += 1;
            self.next.1 = at + len;
        }
    }

    /// The parts of the sentence last weighed.
    pub fn parts(&self) -> &[Part] {
        &self.parts[..self.parts_len]
    }

    /// Applies the rules to what was noted and sums up.
    pub fn weigh(&mut self, dictionary: &Dictionary, composed: Composed, sentence: &Sentence) -> Tally {
        if self.hits_len == 0 && self.learned_len == 0 {
            return Tally::default();
        }
        let doubt = self.scope(dictionary, sentence);
        for index in 0..self.hits_len {
            self.settle(index, composed, sentence);
        }
        for index in 0..self.hits_len {
            let hit = self.hits[index];
            // "Fails to" negates and is bad news by itself; a plain "not" is neither.
            let counts = match hit.role {
                Role::Not => hit.polarity != 0.0,
                Role::Up | Role::Down | Role::Less | Role::More | Role::Void => true,
                role => matches!(role, Role::Free | Role::Good | Role::Bad | Role::Polar),
            };
            if counts && !hit.taken {
                self.part(sentence, (hit.id, false), hit.at, (hit.at, hit.at + hit.len), self.turns[hit.at]);
            }
        }
        for index in 0..self.learned_len {
            let (id, at, len) = self.learned[index];
            self.part(sentence, (id, true), at, (at, at + len), self.turns[at]);
        }
        let mut tally = Tally { doubt, ..Tally::default() };
        for part in self.parts() {
            let term = weights(dictionary, part);
            tally.polarity += term.polarity * part.polarity_times;
            tally.salience += term.salience * part.salience_times;
        }
        tally
    }

    /// First pass: what each token is multiplied by. Returns the doubt.
    fn scope(&mut self, dictionary: &Dictionary, sentence: &Sentence) -> f64 {
        let tokens = sentence.tokens();
        self.turns[..tokens.len()].fill(1.0);
        self.scopes[..tokens.len()].fill(1.0);
        if !self.modified && !sentence.asks() {
            let hedges = self.hits[..self.hits_len].iter().filter(|hit| hit.role == Role::Hedge);
            return hedges.map(|hit| hit.polarity).sum();
        }
        let mut doubt = 0.0;
        let asked = if sentence.asks() { ASKED } else { 1.0 };
        let (mut level, mut clause) = (asked, 1.0);
        let mut hit = 0;
        for (at, token) in tokens.iter().enumerate() {
            if token.breaks {
                clause = 1.0;
            }
            let here = (hit < self.hits_len && self.hits[hit].at == at).then(|| self.hits[hit]);
            if let Some(found) = here {
                hit += 1;
                match found.role {
                    Role::But => {
                        level = asked * AFTER_BUT;
                        clause = 1.0;
                        for before in &mut self.scopes[..at] {
                            *before *= BEFORE_BUT;
                        }
                    }
                    Role::Despite => clause = CONCEDED,
                    Role::After => clause = BACKGROUND,
                    Role::Not => self.turn(sentence, at + found.len, NEGATION_REACH, NEGATED),
                    Role::Degree => {
                        let factor = dictionary.terms[usize::from(found.id)].polarity;
                        self.turn(sentence, at + found.len, 2, factor);
                        if at > 0 && !token.breaks {
                            self.turns[at - 1] *= factor;
                        }
                    }
                    Role::Hedge => doubt += found.polarity,
                    _ => {}
                }
            }
            self.scopes[at] = level * clause;
        }
        for (turn, scope) in self.turns.iter_mut().zip(&self.scopes).take(tokens.len()) {
            *turn *= scope;
        }
        doubt
    }

    /// Multiplies up to `reach` tokens from `from` on, as far as the clause goes.
    fn turn(&mut self, sentence: &Sentence, from: usize, reach: usize, factor: f64) {
        for (at, token) in sentence.tokens().iter().enumerate().skip(from).take(reach) {
            if token.breaks {
                break;
            }
            self.turns[at] *= factor;
        }
    }

    fn part(&mut self, sentence: &Sentence, (id, learned): (u16, bool), at: usize, span: (usize, usize), times: f64) {
        let tokens = sentence.tokens();
        let Some(slot) = self.parts.get_mut(self.parts_len) else {
            return;
        };
        let last = tokens[span.1.min(tokens.len()) - 1];
        *slot = Part {
            id,
            learned,
            polarity_times: times,
            salience_times: self.scopes[at],
            start: tokens[span.0].start,
            end: last.end,
        };
        self.parts_len += 1;
    }
}

/// The weights behind a part.
pub fn weights<'a>(dictionary: &'a Dictionary, part: &Part) -> &'a Term {
    let list = if part.learned { &dictionary.learned } else { &dictionary.terms };
    &list[usize::from(part.id)]
}
