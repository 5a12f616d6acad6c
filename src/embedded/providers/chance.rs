//! Luck that repeats itself: everything that is drawn for a request follows from the seed, the question and how often
//! this question was asked before.
//!
//! So a run with the same seed and the same questions meets the same faults, whatever order they arrive in, and a
//! question that failed once may do better when it is asked again. The generator is `SplitMix64` (Steele, Lea, Flood,
//! "Fast splittable pseudorandom number generators", 2014), for its speed and because it is the same on every machine.

use super::bill::Question;

/// 2³², the number of values of a draw.
const DRAWS: f64 = 4_294_967_296.0;

/// Draws for one request, in an order of their own.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// The luck of `question`, asked for the `nth` time (from 0).
    pub fn new(seed: u64, question: Question, nth: u32) -> Self {
        let (low, high) = ((question.0 & 0xffff_ffff_ffff_ffff) as u64, (question.0 >> 64) as u64);
        let mut chance = Self(seed);
        for part in [low, high, u64::from(nth)] {
            chance.0 = chance.next() ^ part;
        }
        chance
    }

    /// Any number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to less than 1.
    pub fn share(&mut self) -> f64 {
        f64::from((self.next() >> 32) as u32) / DRAWS
    }

    /// Whether something of this probability happens.
    pub fn happens(&mut self, probability: f64) -> bool {
        self.share() < probability
    }

    /// A number from `min` to `max`, both included.
    pub fn between(&mut self, min: u64, max: u64) -> u64 {
        assert!(min <= max, "a range starts before it ends");
        min + self.next() % (max - min).saturating_add(1)
    }

    /// One of several, all alike; there has to be one.
    pub fn among<'a, T>(&mut self, things: &'a [T]) -> &'a T {
        let draw = usize::try_from(self.next() >> 32).unwrap_or_default();
        &things[draw % things.len()]
    }

    /// At most one of several things that exclude each other; their probabilities add up.
    pub fn one_of<T: Copy>(&mut self, things: &[(f64, T)]) -> Option<T> {
        let mut left = self.share();
        for (probability, thing) in things {
            if left < *probability {
                return Some(*thing);
            }
            left -= probability;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_asking_has_the_same_luck_and_the_next_one_another() {
        let luck = |seed, question, nth| Chance::new(seed, Question(question), nth).next();
        assert_eq!(luck(7, 1, 0), luck(7, 1, 0));
        let others = [luck(8, 1, 0), luck(7, 2, 0), luck(7, 1 << 64, 0), luck(7, 1, 1)];
        assert!(others.iter().all(|other| *other != luck(7, 1, 0)));
    }

    #[test]
    fn probabilities_are_kept() {
        let odds = [(0.1, 'a'), (0.05, 'b'), (0.0, 'c')];
        let mut seen = [0_u32; 3];
        for question in 0..20_000 {
            if let Some(thing) = Chance::new(1, Question(question), 0).one_of(&odds) {
                seen[usize::from(thing as u8 - b'a')] += 1;
            }
        }
        assert!((1_850..2_150).contains(&seen[0]) && (900..1_100).contains(&seen[1]) && seen[2] == 0, "{seen:?}");
    }
}
