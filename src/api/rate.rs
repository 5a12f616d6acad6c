//! How often somebody may do something: a bucket each, which a request takes from and time fills.
//!
//! Pure. Bounded: at most [`KEYS_MAX`] buckets that are not full; whoever comes beyond them shares one.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::model::Timestamp;

/// Most callers that are told apart at a time.
const KEYS_MAX: usize = 10_000;

/// How often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rate {
    /// At once.
    pub(super) burst: u32,
    /// Time until there is room for one more.
    pub(super) every: Duration,
}

/// A bucket for each key; `None` is the one that is shared.
#[derive(Debug)]
pub(super) struct Buckets<K> {
    rate: Rate,
    buckets: Mutex<HashMap<Option<K>, Bucket>>,
}

/// Full again at this moment. Where that is `burst × every` ahead, it is empty.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    /// Nanoseconds of the epoch.
    full_at: i128,
}

impl<K: Hash + Eq + Clone> Buckets<K> {
    pub(super) fn new(rate: Rate) -> Self {
        Self { rate, buckets: Mutex::default() }
    }

    /// Takes one; the wait until there is one where there is none.
    pub(super) fn take(&self, key: K, now: Timestamp) -> Result<(), Duration> {
        let now = nanos(now);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = buckets.contains_key(&Some(key.clone()));
        if !is_known && buckets.len() >= KEYS_MAX {
            buckets.retain(|_, bucket| bucket.full_at > now);
        }
        let key = (is_known || buckets.len() < KEYS_MAX).then_some(key);
        let bucket = buckets.entry(key).or_insert(Bucket { full_at: now });
        let full_at = bucket.full_at.max(now) + self.every();
        if let Some(wait) = self.wait(full_at, now) {
            return Err(wait);
        }
        bucket.full_at = full_at;
        Ok(())
    }

    /// The wait until there is one, where there is none. Takes nothing.
    pub(super) fn empty(&self, key: &K, now: Timestamp) -> Option<Duration> {
        let now = nanos(now);
        let buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket =
            buckets.get(&Some(key.clone())).or_else(|| buckets.get(&None).filter(|_| buckets.len() >= KEYS_MAX))?;
        self.wait(bucket.full_at.max(now) + self.every(), now)
    }

    fn every(&self) -> i128 {
        i128::try_from(self.rate.every.as_nanos()).unwrap_or(i128::MAX)
    }

    fn wait(&self, full_at: i128, now: i128) -> Option<Duration> {
        let over = full_at - now - self.every() * i128::from(self.rate.burst);
        u64::try_from(over).ok().filter(|over| *over > 0).map(Duration::from_nanos)
    }
}

fn nanos(at: Timestamp) -> i128 {
    i128::from(at.0) * 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_taken_from_and_filled_by_time() {
        let buckets = Buckets::new(Rate { burst: 3, every: Duration::from_millis(500) });
        let at = |ms: i64| Timestamp(1_000_000 + ms);
        for _ in 0..3 {
            assert_eq!(buckets.take("a", at(0)), Ok(()));
        }
        assert_eq!(buckets.take("a", at(0)), Err(Duration::from_millis(500)));
        assert_eq!(buckets.empty(&"a", at(100)), Some(Duration::from_millis(400)));
        assert_eq!(buckets.empty(&"b", at(100)), None);
        assert_eq!(buckets.take("b", at(100)), Ok(()), "others have their own");
        assert_eq!(buckets.take("a", at(500)), Ok(()));
        assert!(buckets.take("a", at(500)).is_err());
        assert_eq!((0..9).filter(|_| buckets.take("a", at(60_000)).is_ok()).count(), 3, "never more than full");
    }

    #[test]
    fn no_more_callers_are_told_apart_than_there_is_room_for() {
        let buckets = Buckets::new(Rate { burst: 2, every: Duration::from_secs(1) });
        let now = Timestamp(5_000);
        for key in 0..KEYS_MAX {
            assert!(buckets.take(key, now).is_ok());
        }
        let beyond = (KEYS_MAX..KEYS_MAX + 10).filter(|key| buckets.take(*key, now).is_ok()).count();
        assert_eq!(beyond, 2, "they share one");
        assert!(buckets.empty(&(KEYS_MAX + 1), now).is_some());
        assert!(buckets.take(KEYS_MAX + 20, now.plus(Duration::from_secs(9))).is_ok());
        assert_eq!(buckets.buckets.lock().unwrap().len(), 1, "full ones are forgotten");
    }
}
