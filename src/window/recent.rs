//! The articles that a new one is compared with: the last [`RECENT_MAX`] that were admitted.
//!
//! # Why the halves of fingerprints stand in columns
//! Every article is compared with all of them. Side by side, and without a branch for each, several are compared at a time,
//! also by a processor that has no instruction for counting bits.

use std::ops::Range;

use super::text;

/// Some hours of news, compared in microseconds.
const RECENT_MAX: usize = 4096;
/// Fingerprints between two looks whether one was near.
const BLOCK: usize = 64;

/// Fingerprints and ids in a ring.
#[derive(Debug, Default)]
pub(super) struct Recent {
    low: Vec<u64>,
    high: Vec<u64>,
    ids: Vec<String>,
    /// Where the oldest one stands, once there are [`RECENT_MAX`].
    oldest: usize,
}

impl Recent {
    /// The newest one that is near `fingerprint` and is not `article_id` itself.
    pub(super) fn near(&self, fingerprint: u128, article_id: &str) -> Option<&str> {
        let is_near = |at: &usize| {
            let seen = u128::from(self.low[*at]) | u128::from(self.high[*at]) << 64;
            text::near(seen, fingerprint) && self.ids[*at] != article_id
        };
        let mut newest_first = blocks(0..self.oldest).chain(blocks(self.oldest..self.ids.len()));
        let at = newest_first.find_map(|block| {
            self.may_be_near(fingerprint, block.clone()).then(|| block.rev().find(is_near)).flatten()
        })?;
        Some(&self.ids[at])
    }

    fn may_be_near(&self, fingerprint: u128, block: Range<usize>) -> bool {
        let [low, high] = halves(fingerprint);
        let seen = self.low[block.clone()].iter().zip(&self.high[block]);
        seen.fold(false, |near, (a, b)| near | ((a ^ low).count_ones() + (b ^ high).count_ones() <= text::DISTANCE_MAX))
    }

    /// Remembers an article, in the place of the oldest one where there are [`RECENT_MAX`].
    pub(super) fn push(&mut self, fingerprint: u128, article_id: &str) {
        let [low, high] = halves(fingerprint);
        if self.ids.len() < RECENT_MAX {
            self.low.push(low);
            self.high.push(high);
            self.ids.push(article_id.to_owned());
        } else {
            let at = self.oldest;
            (self.low[at], self.high[at]) = (low, high);
            article_id.clone_into(&mut self.ids[at]);
            self.oldest = (at + 1) % RECENT_MAX;
        }
    }
}

/// The places from the end of a run of the ring to its beginning, in blocks.
fn blocks(run: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let Range { start, end } = run;
    (0..(end - start).div_ceil(BLOCK)).map(move |block| {
        let end = end - block * BLOCK;
        end.saturating_sub(BLOCK).max(start)..end
    })
}

#[expect(clippy::cast_possible_truncation, reason = "each half is cut out of the whole")]
fn halves(fingerprint: u128) -> [u64; 2] {
    [fingerprint as u64, (fingerprint >> 64) as u64]
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{Rng as _, SeedableRng as _};

    use super::*;

    #[test]
    fn the_newest_of_those_that_are_near_is_found_and_the_oldest_are_forgotten() {
        let mut random = StdRng::seed_from_u64(7);
        let mut recent = Recent::default();
        let mut plain: Vec<(u128, String)> = Vec::new();
        let mut found = 0;
        for number in 0..2 * RECENT_MAX + 100 {
            // Every other one is near one of the last 6,000, of which the older third is forgotten.
            let of = plain.len().saturating_sub(random.random_range(1..6_000));
            let fingerprint: u128 = match plain.get(of) {
                Some((seen, _)) if number % 2 == 0 => seen ^ (1 << random.random_range(0..128)),
                _ => random.random(),
            };
            let id = format!("{}", number % 5_000);
            let expected = plain.iter().rev().take(RECENT_MAX);
            let expected = expected.filter(|(seen, other)| text::near(*seen, fingerprint) && *other != id);
            let expected = expected.map(|(_, id)| id.as_str()).next();
            assert_eq!(recent.near(fingerprint, &id), expected, "article {number}");
            found += usize::from(expected.is_some());
            recent.push(fingerprint, &id);
            plain.push((fingerprint, id));
        }
        assert!(found > RECENT_MAX / 2, "{found} were near");
    }
}
