//! Jobs that came before: a producer that sends again has the answer of the first time.
//!
//! Known are those that this worker took in since it started, the newest [`IDS_MAX`]. One that is read again from its own
//! place (its partition went and came back) is no repetition, and neither is one that was given up: its dead
//! letter, sent again, is to be done again.

use std::collections::{HashMap, VecDeque};

use parking_lot::Mutex;

/// Ids that are known.
const IDS_MAX: usize = 20_000;

/// Where a job was read: partition and offset.
type Place = (i32, i64);

#[derive(Debug, Default)]
pub(super) struct Seen(Mutex<Ids>);

#[derive(Debug, Default)]
struct Ids {
    places: HashMap<String, Place>,
    in_order: VecDeque<String>,
}

impl Seen {
    /// Whether the job of this id is new here.
    pub(super) fn is_new(&self, id: &str, place: Place) -> bool {
        let mut ids = self.0.lock();
        if let Some(known) = ids.places.get(id) {
            return *known == place;
        }
        ids.places.insert(id.to_owned(), place);
        ids.in_order.push_back(id.to_owned());
        if ids.in_order.len() > IDS_MAX
            && let Some(oldest) = ids.in_order.pop_front()
        {
            ids.places.remove(&oldest);
        }
        true
    }

    /// The job may come again.
    pub(super) fn forget(&self, id: &str) {
        let mut ids = self.0.lock();
        if ids.places.remove(id).is_some() {
            ids.in_order.retain(|known| known != id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_new_once_and_at_its_own_place() {
        let seen = Seen::default();
        assert!(seen.is_new("a", (0, 1)) && seen.is_new("a", (0, 1)));
        assert!(!seen.is_new("a", (0, 2)) && !seen.is_new("a", (1, 1)));
        seen.forget("a");
        assert!(seen.is_new("a", (0, 2)));
        for number in 0..IDS_MAX {
            assert!(seen.is_new(&number.to_string(), (0, 0)));
        }
        assert!(seen.is_new("a", (7, 7)), "forgotten by now");
    }
}
