//! Finds what a movement moves, and gives the pair its sign.
//!
//! "Profit falls" is bad, "loss narrows", "fears ease" and "ban lifted" are good: the sign is that of the movement times
//! that of its object (Polanyi and Zaenen 2006, "Contextual valence shifters"; Moilanen and Pulman 2007, "Sentiment
//! composition"). The object is the nearest free quantity in the clause; a preposition or a comma ends the search.

use super::super::entry::Role;
use super::super::token::Sentence;
use super::{Composed, Scales};

/// Tokens that a movement looks ahead and back for its object.
const OBJECT_AHEAD: usize = 4;
const OBJECT_BEHIND: usize = 4;
/// Tokens between two movements of one object.
const SAME_OBJECT_REACH: usize = 5;

impl Scales {
    /// Finds the object of a movement and files the pair as one part.
    pub(super) fn settle(&mut self, index: usize, composed: Composed, sentence: &Sentence) {
        let hit = self.hits[index];
        if hit.taken {
            return;
        }
        let (forward_first, polar_too) = match hit.role {
            Role::Up | Role::Down => (false, false),
            Role::Less | Role::More | Role::Void | Role::Free => (true, true),
            _ => return,
        };
        let ahead = || self.object(index, sentence, true, polar_too);
        let behind = || self.object(index, sentence, false, polar_too);
        let found = if forward_first { ahead().or_else(behind) } else { behind().or_else(ahead) };
        let Some(other) = found else {
            self.inherit(index, sentence);
            return;
        };
        let object = self.hits[other];
        let good = match object.role {
            Role::Good => 1.0,
            Role::Bad => -1.0,
            _ => object.polarity.signum(),
        };
        let (id, sign) = match hit.role {
            Role::Less => (composed.less, -good),
            Role::More => (composed.more, good),
            Role::Void => (composed.void, -good),
            // A lifted ban is undone, lifted profits are raised.
            Role::Free if object.role == Role::Polar && good < 0.0 => (composed.void, 1.0),
            _ => (hit.id, good),
        };
        self.hits[other].taken = true;
        self.hits[index].taken = true;
        self.hits[index].bound = Some(good);
        self.take_epithet(other, good);
        let span = (hit.at.min(object.at), (hit.at + hit.len).max(object.at + object.len));
        self.part(sentence, (id, false), hit.at, span, self.turns[hit.at] * sign);
    }

    /// "Falls to a year low": the second movement, near the first, is about the same object.
    fn inherit(&mut self, index: usize, sentence: &Sentence) {
        let movement = |role| matches!(role, Role::Up | Role::Down);
        let hit = self.hits[index];
        if !movement(hit.role) {
            return;
        }
        for other in self.hits[..index].iter().rev().take(2) {
            let between = &sentence.tokens()[other.at + 1..=hit.at];
            if between.len() > SAME_OBJECT_REACH || between.iter().any(|t| t.breaks) {
                return;
            }
            if let Some(good) = other.bound.filter(|_| movement(other.role)) {
                self.turns[hit.at] *= good;
                self.hits[index].bound = Some(good);
                return;
            }
        }
    }

    /// "Hack losses fall": what stands right before the object and is as bad, or as good, belongs to it.
    fn take_epithet(&mut self, object: usize, good: f64) {
        let Some(before) = object.checked_sub(1) else {
            return;
        };
        let (epithet, start) = (self.hits[before], self.hits[object].at);
        let adjacent = epithet.at + epithet.len == start;
        if adjacent && epithet.role == Role::Polar && epithet.polarity * good > 0.0 {
            self.hits[before].taken = true;
        }
    }

    /// Index of the nearest free quantity (or, for verbs that act on anything, polar word) in the clause.
    fn object(&self, index: usize, sentence: &Sentence, ahead: bool, polar_too: bool) -> Option<usize> {
        let hit = self.hits[index];
        let tokens = sentence.tokens();
        let mut at = index;
        loop {
            at = if ahead { at + 1 } else { at.checked_sub(1)? };
            let other = self.hits.get(at).filter(|_| at < self.hits_len)?;
            let (left, right) = if ahead { (hit, *other) } else { (*other, hit) };
            let gap = right.at.saturating_sub(left.at + left.len);
            let reach = if ahead { OBJECT_AHEAD } else { OBJECT_BEHIND };
            if gap >= reach || tokens[left.at + left.len..=right.at].iter().any(|t| t.breaks) {
                return None;
            }
            match other.role {
                Role::Good | Role::Bad if !other.taken => return Some(at),
                Role::Polar | Role::Up | Role::Down if polar_too && !other.taken && other.polarity != 0.0 => {
                    return Some(at);
                }
                Role::Edge | Role::But | Role::Despite | Role::After => return None,
                Role::Up | Role::Down | Role::Less | Role::More | Role::Void | Role::Free if !polar_too => {
                    return None;
                }
                _ => {}
            }
        }
    }
}
