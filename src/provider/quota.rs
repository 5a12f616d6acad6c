//! What a key may still ask for: units in a sliding window, counted here because the service tells nothing before it
//! refuses (`wire-formats.md` 1.1: 40 units a minute, a unit is one symbol of one history).
//!
//! Pure: the owner of the key asks before each request, says when it ended, and keeps what was [`Used`] where a restart
//! finds it. Times are those of one clock here; the service's own clock is never needed. Counted are requests that were
//! refused or got no answer as well: whether the service counts them is not known.
//!
//! # Why no sliding window at the service holds more than the limit
//! The service counts a request when it arrives, which is somewhere between its start `s` and its end `e` here. A unit is
//! counted here from `s` until `e` + window + margin, and `take` lets a request start only if it fits beside all that
//! are counted. Take any window of the service that ends at `t`, and the requests that arrived in it; let `k` be the one
//! of them that started last, at `s_k`. Each other one, `i`, had started by `s_k`, and had arrived later than
//! `t` − window, so `e_i` + window + margin > `t` ≥ `s_k`: it was counted when `k` started. So all of them together fitted
//! into the limit. That needs clocks of the same speed and no margin; the margin is for clocks that differ in speed,
//! for a service that counts in coarse steps, and for times that are whole milliseconds.
//!
//! # Why the quota is used nearly whole all the same
//! A unit comes back after the window, the margin and the time that its request took. With a margin of 1/240 of a
//! window (250 ms of a minute) and requests of 200 ms, it is used every 60.45 s: 99.3 % of what is allowed.
//! If more is wanted than is left, units are given out singly, [`SPREAD_PARTS`] of a window for a whole quota: otherwise
//! all would go at once, come back at once, and most sliding minutes would see either all of the quota or nothing. What
//! is used comes back in the order and at the pace at which it went, so that this lasts: a sliding minute misses only the
//! units between whose uses the margin and the request lie, one of 40, or two where requests take longer than a fourth
//! of a second. What fits as a whole goes at once.
//!
//! # Restart
//! A request whose end was never written down counts from the restart: what a dead process sent has arrived by then, or
//! arrives within the margin. The same holds for a request that is given up after a timeout.

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::Timestamp;

#[cfg(test)]
mod tests;

/// The margin is this part of the window, and a millisecond for rounding.
const MARGIN_PARTS: u32 = 240;
const ROUNDING: Duration = Duration::from_millis(1);
/// A crowded quota is given out over this part of a window: quicker than units come back, so that a pause is made up for,
/// and not at once.
const SPREAD_PARTS: (u32, u32) = (3, 4);
/// The longest wait that a refusal is believed.
const RETRY_AFTER_MAX: Duration = Duration::from_hours(1);

/// Nothing before this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Until(pub Timestamp);

/// A request under way; to be given back by [`Quota::ended`].
#[derive(Debug, PartialEq, Eq)]
#[must_use = "units without an end are counted for ever"]
pub struct Ticket(u64);

/// Units of one request, as they are kept for a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Used {
    /// When its last byte had come, or it was given up; `None` where that is not known.
    pub ended: Option<Timestamp>,
    /// How many.
    pub units: u32,
}

/// The quota of one key.
#[derive(Debug)]
pub struct Quota {
    units_max: u32,
    window: Duration,
    in_flight: Vec<InFlight>,
    /// Ascending by the moment of return.
    returning: VecDeque<Returning>,
    limited_until: Option<Timestamp>,
    /// When units were last given out.
    given_at: Option<Timestamp>,
    next_ticket: u64,
}

#[derive(Debug)]
struct InFlight {
    ticket: u64,
    taken_at: Timestamp,
    units: u32,
}

#[derive(Debug)]
struct Returning {
    at: Timestamp,
    units: u32,
}

impl Quota {
    /// A quota of which nothing is used: `units_max` in any `window`.
    #[must_use]
    pub fn new(units_max: u32, window: Duration) -> Self {
        Self {
            units_max,
            window,
            in_flight: Vec::new(),
            returning: VecDeque::new(),
            limited_until: None,
            given_at: None,
            next_ticket: 0,
        }
    }

    /// Counts what was used before a restart, and waits for what was refused before it ([`Self::limited_until`]). `now` is
    /// the moment of the restart; entries may come in any order.
    pub fn restore(
        &mut self,
        entries: impl IntoIterator<Item = Used>,
        limited_until: Option<Timestamp>,
        now: Timestamp,
    ) {
        let latest = now.plus(RETRY_AFTER_MAX + self.margin());
        self.limited_until = self.limited_until.max(limited_until.map(|until| until.min(latest)));
        for Used { ended, units } in entries {
            self.give_back(ended.map_or(now, |ended| ended.min(now)), units);
        }
        self.forget(now);
    }

    /// Units that could be taken now; none while limited.
    #[must_use]
    pub fn available(&self, now: Timestamp) -> u32 {
        if self.is_limited(now) { 0 } else { self.units_max.saturating_sub(self.counted(now)) }
    }

    /// How many of the `wanted` units should be taken now: all of them if they fit, otherwise one when its time has come.
    ///
    /// # Errors
    /// [`Until`] when to ask again, at the latest; the end of a request may make it sooner.
    pub fn grant(&self, wanted: u32, now: Timestamp) -> Result<u32, Until> {
        let available = self.available(now);
        if wanted <= available {
            return Ok(wanted);
        }
        let pace = self.window * SPREAD_PARTS.0 / SPREAD_PARTS.1 / self.units_max.max(1);
        let turn = self.given_at.map_or(now, |given| given.min(now).plus(pace));
        match available {
            0 => Err(Until(self.next_return(1, now).max(turn))),
            _ if now < turn => Err(Until(turn)),
            // Where units come back faster than a clock of milliseconds ticks, several are due at a time.
            _ => Ok(available.min(self.due_in_a_tick())),
        }
    }

    /// Takes the units of one request, which is to start now.
    ///
    /// # Errors
    /// They do not fit before then; for ever, if they are more than the whole quota.
    pub fn take(&mut self, units: u32, now: Timestamp) -> Result<Ticket, Until> {
        self.forget(now);
        if units > self.available(now) {
            return Err(Until(self.next_return(units, now)));
        }
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.in_flight.push(InFlight { ticket, taken_at: now, units });
        self.given_at = Some(now);
        Ok(Ticket(ticket))
    }

    /// A request ended, whatever came of it.
    pub fn ended(&mut self, ticket: &Ticket, now: Timestamp) {
        if let Some(units) = self.remove(ticket) {
            self.give_back(now, units);
        }
    }

    /// A request was certainly never sent: its units are there again.
    pub fn unsent(&mut self, ticket: &Ticket) {
        self.remove(ticket);
    }

    /// The service refused with 429, and asks to wait: nothing is given out before then, as asking meanwhile renews the
    /// penalty. It may not say how long, which means a window.
    pub fn limited(&mut self, retry_after: Option<Duration>, now: Timestamp) {
        let wait = retry_after.unwrap_or(self.window).min(RETRY_AFTER_MAX) + self.margin();
        self.limited_until = self.limited_until.max(Some(now.plus(wait)));
    }

    /// Nothing is given out before then; to be kept for a restart.
    #[must_use]
    pub fn limited_until(&self) -> Option<Timestamp> {
        self.limited_until
    }

    /// Units that are counted at this moment, those under way included.
    #[must_use]
    pub fn counted(&self, now: Timestamp) -> u32 {
        let under_way = self.in_flight.iter().map(|request| request.units);
        let counted = self.returning.iter().filter(|returning| returning.at > now).map(|returning| returning.units);
        under_way.chain(counted).fold(0, u32::saturating_add)
    }

    fn is_limited(&self, now: Timestamp) -> bool {
        self.limited_until.is_some_and(|until| now < until)
    }

    /// When `units` could be taken, as far as is known now.
    fn next_return(&self, units: u32, now: Timestamp) -> Timestamp {
        let limited = self.limited_until.unwrap_or(now).max(now);
        if units > self.units_max {
            return Timestamp(i64::MAX);
        }
        let mut missing = self.counted(now).saturating_add(units).saturating_sub(self.units_max);
        for returning in self.returning.iter().filter(|returning| returning.at > now) {
            if missing == 0 {
                break;
            }
            missing = missing.saturating_sub(returning.units);
            if missing == 0 {
                return returning.at.max(limited);
            }
        }
        if missing == 0 {
            return limited;
        }
        // What is under way cannot be back before a window from its start.
        let earliest = self.in_flight.iter().map(|request| request.taken_at).min().unwrap_or(now);
        earliest.plus(self.window).max(limited).max(now.plus(ROUNDING))
    }

    fn due_in_a_tick(&self) -> u32 {
        let ticks = u32::try_from(self.window.as_millis()).unwrap_or(u32::MAX).max(1);
        self.units_max.saturating_mul(SPREAD_PARTS.1).div_ceil(ticks.saturating_mul(SPREAD_PARTS.0))
    }

    fn margin(&self) -> Duration {
        self.window / MARGIN_PARTS + ROUNDING
    }

    fn remove(&mut self, ticket: &Ticket) -> Option<u32> {
        let at = self.in_flight.iter().position(|request| request.ticket == ticket.0)?;
        Some(self.in_flight.swap_remove(at).units)
    }

    fn give_back(&mut self, ended: Timestamp, units: u32) {
        let at = ended.plus(self.window + self.margin());
        let place = self.returning.partition_point(|known| known.at <= at);
        self.returning.insert(place, Returning { at, units });
    }

    /// Lets go of what has come back. Should the clock have been set back, nothing counts longer than from now on.
    fn forget(&mut self, now: Timestamp) {
        let latest = now.plus(self.window + self.margin());
        for returning in self.returning.iter_mut().rev().take_while(|returning| returning.at > latest) {
            returning.at = latest;
        }
        while self.returning.front().is_some_and(|returning| returning.at <= now) {
            self.returning.pop_front();
        }
        self.limited_until = self.limited_until.filter(|until| now < *until);
    }
}
