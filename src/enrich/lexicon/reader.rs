//! One article on the desk: walks its sentences once and hands each to the rules, the votes and the ledger.
//!
//! Invariants: the headline is read before the body; a body that repeats the headline as its first sentence does not
//! count it twice; every sentence is weighed alone, and nothing of one article outlives the call.
//! Units: weights are shares of an average; evidence is in log-odds.

use super::Lexicon;
use super::coins::{Around, Ledger};
use super::decide::decide;
use super::entry::{Hint, Role};
use super::evidence::{Scales, Tally, weights};
use super::outcome::{LEAD_SENTENCES, Place, Votes};
use super::points::{Points, Reasons};
use super::token::{Cutter, Sentence, Token};

/// Weight of the first sentences of the body; the others have 1.
const LEAD_WEIGHT: f64 = 2.0;
/// A sentence without any evidence still counts this much in the body's average.
const SILENT_WEIGHT: f64 = 0.1;
/// Reasons from the body count less than those of the headline.
const BODY_REASON: f64 = 0.3;

/// What a coin and an event cue add to a sentence's worth as a key point, beside its sentiment (0 to 1).
const MENTION_INTEREST: f64 = 0.15;
const EVENT_INTEREST: f64 = 0.1;
/// Coins and cues of one sentence that count for that.
const CUES_MAX: u32 = 3;
/// What standing among the first sentences adds.
const LEAD_INTEREST: f64 = 0.2;
/// Smaller evidence is no reason worth naming.
const REASON_MIN: f64 = 0.1;

/// All that one call keeps while reading.
pub struct Desk<'a> {
    lexicon: &'a Lexicon,
    /// Mentions of coins.
    pub ledger: Ledger,
    /// Votes for the event, the horizon and the novelty.
    pub votes: Votes,
    /// Terms for the rationale.
    pub reasons: Reasons<'a>,
    /// Candidates for the key points.
    pub points: Points,
    /// Work space of the rules.
    pub scales: Scales,
    /// The sentence being read.
    pub current: Sentence,
}

/// What one sentence came to.
pub struct Seen {
    /// What it weighs.
    pub tally: Tally,
    /// Coins named and events told in it.
    mentions: u32,
    events: u32,
}

/// Running average over the body.
#[derive(Default)]
pub struct Body {
    /// Sum of the weights.
    pub weight: f64,
    /// Weighted sum of the sentences' sentiment.
    pub sentiment: f64,
    /// Weighted sum of the probability that a side is taken.
    pub sided: f64,
    /// Sum of the doubt.
    pub doubt: f64,
}

impl<'a> Desk<'a> {
    /// An empty desk.
    pub fn new(lexicon: &'a Lexicon) -> Self {
        Self {
            lexicon,
            ledger: Ledger::new(&lexicon.dictionary),
            votes: Votes::default(),
            reasons: Reasons::default(),
            points: Points::default(),
            scales: Scales::new(),
            current: Sentence::new(),
        }
    }

    /// Reads the headline, all its sentences as one; `None` when there is none.
    pub fn headline(&mut self, title: &'a str) -> Option<Tally> {
        let mut cutter = Cutter::new(title);
        let mut sum = None;
        while cutter.next(&mut self.current) {
            let seen = self.sentence(Place::Headline);
            let whole: &mut Tally = sum.get_or_insert_default();
            whole.polarity += seen.tally.polarity;
            whole.salience += seen.tally.salience;
            whole.doubt += seen.tally.doubt;
            self.reasons(title, 1.0);
        }
        sum
    }

    /// Reads the body; without a headline its first sentence becomes `head`.
    pub fn body(&mut self, text: &'a str, title: &str, head: &mut Option<Tally>) -> Body {
        let mut body = Body::default();
        let mut cutter = Cutter::new(text);
        let mut index = 0;
        while cutter.next(&mut self.current) {
            let (start, end) = (self.current.start, self.current.end);
            let repeated = index == 0 && text.get(start..end).is_some_and(|first| first.trim() == title);
            let first = head.is_none();
            let place = match index {
                _ if first => Place::Headline,
                0..LEAD_SENTENCES => Place::Lead,
                _ => Place::Rest,
            };
            index += 1;
            if repeated {
                continue;
            }
            let seen = self.sentence(place);
            let decision = decide(&seen.tally);
            let interest = decision.sentiment.abs()
                + MENTION_INTEREST * f64::from(seen.mentions.min(CUES_MAX))
                + EVENT_INTEREST * f64::from(seen.events.min(CUES_MAX));
            self.points.offer(interest + if place == Place::Rest { 0.0 } else { LEAD_INTEREST }, start, end);
            if first {
                *head = Some(seen.tally);
                self.reasons(text, 1.0);
                continue;
            }
            let lead = if place == Place::Lead { LEAD_WEIGHT } else { 1.0 };
            let weight = lead * decision.sided.max(SILENT_WEIGHT);
            body.weight += weight;
            body.sentiment += weight * decision.sentiment;
            body.sided += weight * decision.sided;
            body.doubt += seen.tally.doubt;
            self.reasons(text, BODY_REASON);
        }
        body
    }

    /// Looks every token of the sentence up and weighs what was found.
    pub fn sentence(&mut self, place: Place) -> Seen {
        self.scales.clear();
        let tokens = self.current.tokens();
        let shouted = self.current.is_shouted();
        let (mut cue_next, mut coin_next) = (0, 0);
        let (mut mentions, mut events) = (0, 0);
        let mut beside_before = false;
        let mut movement = false;
        for at in 0..tokens.len() {
            let Some(found) = self.lexicon.dictionary.longest(tokens, at) else {
                beside_before = false;
                continue;
            };
            self.scales.note(&self.lexicon.dictionary, at, &found);
            if let Some((id, _)) = found.term {
                movement |= matches!(self.lexicon.dictionary.terms[usize::from(id)].role, Role::Up | Role::Down);
            }
            if let Some((id, len)) = found.mention
                && at >= coin_next
            {
                coin_next = at + len;
                let around = Around {
                    headline: place == Place::Headline,
                    shouted,
                    confirmed: beside_before || self.is_beside(tokens, at + len),
                };
                let mention = self.lexicon.dictionary.mentions[usize::from(id)];
                mentions += u32::from(self.ledger.note(mention, &tokens[at], around));
            }
            beside_before = found.marks.beside;
            self.ledger.crypto += u32::from(found.marks.crypto);
            if let Some((id, len)) = found.cue
                && at >= cue_next
            {
                cue_next = at + len;
                let cue = &self.lexicon.dictionary.cues[usize::from(id)];
                events += u32::from(matches!(cue.hint, Hint::Event(_)));
                self.votes.note(cue, place);
            }
        }
        self.ledger.turn_page();
        if movement && place == Place::Headline {
            self.votes.note_movement();
        }
        Seen {
            tally: self.scales.weigh(&self.lexicon.dictionary, self.lexicon.composed, &self.current),
            mentions,
            events,
        }
    }

    /// Whether a word such as "token" stands at `at`.
    fn is_beside(&self, tokens: &[Token], at: usize) -> bool {
        tokens
            .get(..=at)
            .and_then(|upto| self.lexicon.dictionary.longest(upto, at))
            .is_some_and(|found| found.marks.beside)
    }

    /// Offers the parts of the sentence just weighed.
    fn reasons(&mut self, text: &'a str, scale: f64) {
        for part in self.scales.parts() {
            let weight = weights(&self.lexicon.dictionary, part).polarity * part.polarity_times * scale;
            if weight.abs() > REASON_MIN
                && let Some(words) = text.get(part.start as usize..part.end as usize)
            {
                self.reasons.offer(words, weight);
            }
        }
    }
}
