//! Who waits, and who is next. Pure: an index over the records of one partition of `articles.deferred`; the articles
//! themselves stay in the topic and are read again when their turn comes, so that memory holds about a hundred bytes
//! for each, however long a budget stays exhausted.

use std::collections::{BTreeMap, HashMap};

use crate::model::{Deferral, Id, SessionCommand, Timestamp, WaitsFor};
use crate::provider::book::Decisions;

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
    /// When it came to wait so.
    since: Timestamp,
    /// Place among the publishers, 0 for the first.
    rank: usize,
    /// When it was published: of one publisher the newest is worth most.
    published_at: Timestamp,
}

/// What is to be done for an article that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Its time has come.
    Work,
    /// Somebody asked at this time for its recovery: its attempts begin anew.
    Anew(Timestamp),
    /// Its session was cancelled.
    LetGo,
}

/// Everybody who waits in one partition.
#[derive(Debug, Default)]
pub struct WaitingRoom {
    seats: HashMap<Id, Seat>,
    /// In the order in which budgets are spent on them.
    line: BTreeMap<Turn, Id>,
    /// Those of them who wait for somebody's help.
    helpless: usize,
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
            since: deferral.since,
            rank,
            published_at: deferral.article.published_at,
        }
    }

    /// What is to be done for it by `now`; `None`: nothing yet.
    fn due(&self, decisions: &Decisions, now: Timestamp) -> Option<Due> {
        let decision = decisions.of(&self.account, &self.session_id);
        match decision.map(|decision| (decision.command, decision.at)) {
            Some((SessionCommand::Cancel, _)) => return Some(Due::LetGo),
            // Who failed since then waits for the next recovery.
            Some((SessionCommand::Recover, at)) if self.waits_for != WaitsFor::Budget && self.since <= at => {
                return Some(Due::Anew(at));
            }
            _ => {}
        }
        (self.waits_for != WaitsFor::Help && self.not_before <= now).then_some(Due::Work)
    }

    fn turn(&self) -> Turn {
        (self.rank, self.published_at.0.saturating_neg(), self.offset)
    }
}

impl WaitingRoom {
    /// A record with a value: the article waits, or waits differently.
    pub fn seat(&mut self, key: Id, seat: Seat) {
        self.leave(&key);
        self.helpless += usize::from(seat.waits_for == WaitsFor::Help);
        self.line.insert(seat.turn(), key.clone());
        self.seats.insert(key, seat);
    }

    /// A record without a value: the article waits no more.
    pub fn leave(&mut self, key: &Id) {
        if let Some(seat) = self.seats.remove(key) {
            self.helpless -= usize::from(seat.waits_for == WaitsFor::Help);
            self.line.remove(&seat.turn());
        }
    }

    /// The article does not wait with this record any more.
    pub fn leave_seat(&mut self, key: &Id, offset: i64) {
        if self.seats.get(key).is_some_and(|seat| seat.offset == offset) {
            self.leave(key);
        }
    }

    /// How many wait for nothing but money and time: neither helps those who failed for good.
    pub fn hopeful(&self) -> usize {
        self.seats.len() - self.helpless
    }

    /// The first `count` in line for whom something is to be done, as `decisions` say, and that `may` go now.
    pub fn next(
        &self,
        count: usize,
        now: Timestamp,
        decisions: &Decisions,
        may: impl Fn(&Id, &Seat, Due) -> bool,
    ) -> Vec<(Id, Seat, Due)> {
        let in_line = self.line.values().filter_map(|key| self.seats.get_key_value(key));
        in_line
            .filter_map(|(key, seat)| seat.due(decisions, now).map(|due| (key, seat, due)))
            .filter(|(key, seat, due)| may(key, seat, *due))
            .take(count)
            .map(|(key, seat, due)| (key.clone(), seat.clone(), due))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Decision;

    fn seat(offset: i64, rank: usize, published_at: i64, waits_for: WaitsFor, not_before: i64) -> Seat {
        Seat {
            offset,
            account: "articles".to_owned(),
            session_id: "2026-11-22".to_owned(),
            waits_for,
            not_before: Timestamp(not_before),
            since: Timestamp(0),
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
            let next = room.next(9, Timestamp(now), &Decisions::default(), |_, _, _| true);
            next.into_iter().map(|(key, ..)| key.0).collect::<Vec<_>>().join(", ")
        };
        assert_eq!(names(&room, 0), "first publisher, new, old");
        assert_eq!(room.hopeful(), 4, "the parked one needs more than money");
        assert_eq!(names(&room, 1_000), "later, first publisher, new, old");
        let next = room.next(1, Timestamp(0), &Decisions::default(), |key, _, _| key.0 != "first publisher");
        assert_eq!(next[0].0, id("new"));
        room.seat(id("new"), seat(6, 1, 200, WaitsFor::Retry, 5_000));
        room.leave(&id("old"));
        assert_eq!(names(&room, 0), "first publisher");
        room.leave_seat(&id("first publisher"), 1);
        assert_eq!(names(&room, 0), "first publisher", "a newer record has taken the seat");
        room.leave_seat(&id("first publisher"), 3);
        assert_eq!(names(&room, 0), "");
        room.seat(id("parked"), seat(7, 0, 70, WaitsFor::Retry, 0));
        assert_eq!(room.hopeful(), 3, "somebody has helped");
        room.seat(id("parked"), seat(8, 0, 70, WaitsFor::Help, 0));
        room.leave(&id("parked"));
        assert_eq!(room.hopeful(), 2);
    }

    #[test]
    fn a_command_moves_those_whom_it_means() {
        use SessionCommand::{Cancel, Recover};
        let decided = |command| {
            let mut decisions = Decisions::default();
            decisions.decide(&Decision {
                command_id: Id("1".to_owned()),
                account: "articles".to_owned(),
                session_id: "2026-11-22".to_owned(),
                command,
                at: Timestamp(100),
            });
            decisions
        };
        let none = Decisions::default();
        for (waits_for, not_before, since, decisions, due) in [
            (WaitsFor::Help, 0, 50, &none, None),
            (WaitsFor::Help, 0, 100, &decided(Recover), Some(Due::Anew(Timestamp(100)))),
            (WaitsFor::Help, 0, 101, &decided(Recover), None),
            (WaitsFor::Retry, 900, 50, &decided(Recover), Some(Due::Anew(Timestamp(100)))),
            (WaitsFor::Retry, 900, 101, &decided(Recover), None),
            (WaitsFor::Retry, 150, 101, &decided(Recover), Some(Due::Work)),
            (WaitsFor::Budget, 0, 50, &decided(Recover), Some(Due::Work)),
            (WaitsFor::Help, 0, 50, &decided(Cancel), Some(Due::LetGo)),
            (WaitsFor::Retry, 900, 150, &decided(Cancel), Some(Due::LetGo)),
            (WaitsFor::Budget, 0, 150, &decided(Cancel), Some(Due::LetGo)),
        ] {
            let seat = Seat { since: Timestamp(since), ..seat(1, 0, 0, waits_for, not_before) };
            assert_eq!(seat.due(decisions, Timestamp(200)), due, "{waits_for} {not_before} {since} {decisions:?}");
            let elsewhere = Seat { session_id: "2026-11-21".to_owned(), ..seat };
            assert_eq!(elsewhere.due(decisions, Timestamp(200)), elsewhere.due(&none, Timestamp(200)));
        }
    }
}
