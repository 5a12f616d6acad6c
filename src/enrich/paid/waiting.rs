//! Who waits, and who is next. Pure: an index over the records of one partition of `articles.deferred`; the articles
//! themselves stay in the topic and are read again when their turn comes, so that memory holds about a hundred bytes
//! for each, however long a budget stays exhausted.

use std::collections::{BTreeMap, HashMap};

use crate::model::{Deferral, Id, Timestamp, WaitsFor};

/// An article that waits, without the article.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    /// Where its record stands.
    pub offset: i64,
    /// The account that pays.
    pub account: String,
    /// The session that admitted it.
    pub session_id: String,
    /// What it waits for.
    pub waits_for: WaitsFor,
    /// Not before this.
    pub not_before: Timestamp,
    /// Place among the publishers, 0 for the first.
    rank: usize,
    /// When it was published: of one publisher the newest is worth most.
    published_at: Timestamp,
}

/// Everybody who waits in one partition.
#[derive(Debug, Default)]
pub struct WaitingRoom {
    seats: HashMap<Id, Seat>,
    /// In the order in which budgets are spent on them.
    line: BTreeMap<Turn, Id>,
}

/// Orders by publisher, then newest first; the offset makes it unique.
type Turn = (usize, i64, i64);

impl Seat {
    /// The seat of a record at `offset`; `rank` places its publisher.
    #[must_use]
    pub fn new(offset: i64, deferral: &Deferral, rank: usize) -> Self {
        Self {
            offset,
            account: deferral.account.clone(),
            session_id: deferral.session_id.clone(),
            waits_for: deferral.waits_for,
            not_before: deferral.not_before,
            rank,
            published_at: deferral.article.published_at,
        }
    }

    fn turn(&self) -> Turn {
        (self.rank, self.published_at.0.saturating_neg(), self.offset)
    }
}

impl WaitingRoom {
    /// A record with a value: the article waits, or waits differently.
    pub fn seat(&mut self, key: Id, seat: Seat) {
        self.leave(&key);
        self.line.insert(seat.turn(), key.clone());
        self.seats.insert(key, seat);
    }

    /// A record without a value: the article waits no more.
    pub fn leave(&mut self, key: &Id) {
        if let Some(seat) = self.seats.remove(key) {
            self.line.remove(&seat.turn());
        }
    }

    /// The article does not wait with this record any more.
    pub fn leave_seat(&mut self, key: &Id, offset: i64) {
        if self.seats.get(key).is_some_and(|seat| seat.offset == offset) {
            self.leave(key);
        }
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.seats.len()
    }

    /// The first `count` in line whose time has come and that `may` go now.
    pub fn next(&self, count: usize, now: Timestamp, may: impl Fn(&Id, &Seat) -> bool) -> Vec<(Id, Seat)> {
        let in_line = self.line.values().filter_map(|key| self.seats.get_key_value(key));
        in_line
            .filter(|(key, seat)| seat.waits_for != WaitsFor::Help && seat.not_before <= now && may(key, seat))
            .take(count)
            .map(|(key, seat)| (key.clone(), seat.clone()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seat(offset: i64, rank: usize, published_at: i64, waits_for: WaitsFor, not_before: i64) -> Seat {
        Seat {
            offset,
            account: "articles".to_owned(),
            session_id: "2026-11-22".to_owned(),
            waits_for,
            not_before: Timestamp(not_before),
            rank,
            published_at: Timestamp(published_at),
        }
    }

    #[test]
    fn those_first_in_line_go_first_and_nobody_before_their_time() {
        let mut room = WaitingRoom::default();
        let id = |name: &str| Id(name.to_owned());
        room.seat(id("old"), seat(1, 1, 100, WaitsFor::Budget, 0));
        room.seat(id("new"), seat(2, 1, 200, WaitsFor::Budget, 0));
        room.seat(id("first publisher"), seat(3, 0, 50, WaitsFor::Budget, 0));
        room.seat(id("later"), seat(4, 0, 60, WaitsFor::Retry, 1_000));
        room.seat(id("parked"), seat(5, 0, 70, WaitsFor::Help, 0));
        let names = |room: &WaitingRoom, now| {
            let next = room.next(9, Timestamp(now), |_, _| true);
            next.into_iter().map(|(key, _)| key.0).collect::<Vec<_>>().join(", ")
        };
        assert_eq!(names(&room, 0), "first publisher, new, old");
        assert_eq!(names(&room, 1_000), "later, first publisher, new, old");
        assert_eq!(room.next(1, Timestamp(0), |key, _| key.0 != "first publisher")[0].0, id("new"));
        room.seat(id("new"), seat(6, 1, 200, WaitsFor::Retry, 5_000));
        room.leave(&id("old"));
        assert_eq!(names(&room, 0), "first publisher");
        room.leave_seat(&id("first publisher"), 1);
        assert_eq!(names(&room, 0), "first publisher", "a newer record has taken the seat");
        room.leave_seat(&id("first publisher"), 3);
        assert_eq!(names(&room, 0), "");
    }
}
