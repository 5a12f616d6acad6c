//! How many calls may be in flight at a service at one time, learned from what becomes of them.
//!
//! A pure state machine: it is told the time and what became of each call. The limit is between 1 and `max` places. It
//! starts at [`PLACES_FIRST`] and doubles each round trip until the service complains (429, 503, a server that fails).
//! A complaint takes a tenth of the places away, at most once a round trip: only a call that was sent after the last
//! decrease can cause another. The calls that were in flight with it are counted: each that is refused too takes its
//! place with it, so a service that shrinks to a tenth is found in one round trip, without a call more. What is left is
//! the level that the service is known to bear: the limit comes back to it fast, rests there, and then tries more, in
//! steps that grow as long as nothing is refused.
//!
//! A single refusal at a level that was borne until then is chance, and takes the tenth and no more; one above it ends the
//! search there. The level lies a little below the calls that were borne ([`BELOW`]): a service may count a call for a
//! moment after its answer has come, and at the very edge every such moment would cost a refusal, and its wait. A wait that the
//! service asks for is kept; a long one tells of a quota a minute, after which a few calls go first. Where even one call
//! at a time is refused, the limit pauses by itself, for longer each time. Latency is judged in [`super::trend`].
//!
//! # Why
//! Additive increase and multiplicative decrease alone (Netflix's `AIMDLimit`, TCP Reno) cannot do both things asked of
//! it: small steps take minutes to find a capacity that came back, halving wastes a quarter of one that stays. So the
//! increase follows TCP BIC and CUBIC (Xu, Harfoush, Rhee 2004; RFC 9438). With no level known, the distance to it is the
//! limit itself, and the same formula is slow start. That the decrease follows the number of refused calls is DCTCP's
//! (RFC 8257), that it happens once a round trip TCP's (RFC 6582), that only places that are used make it grow Netflix's
//! (<https://github.com/Netflix/concurrency-limits>) and RFC 7661's. Everything is counted in round trips and answers,
//! so that latencies from a millisecond to a minute need no settings of their own.
//!
//! Units: places are calls in flight; a round is as many answers as there are places.

#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::model::Timestamp;

use super::Turn;
use super::trend::{Advice, Stand, Trend};

/// Places at the start and after a pause. Few enough for a server of one slot, and four round trips from 64.
pub(super) const PLACES_FIRST: f64 = 4.0;
/// What is left of the limit after a complaint: `backoffRatio` of Netflix's `AIMDLimit`.
const DECREASE: f64 = 0.9;
/// What is left of it when latency rises: large enough a step that its effect stands out of the noise.
const DECREASE_BY_LATENCY: f64 = 0.7;
/// The safe level is this share of the calls that were borne, rounded up.
const BELOW: f64 = 0.98;
/// A single refusal at a level that so many answers have shown to be borne is chance.
const BORNE_MIN: usize = 8;
/// How long the limit rests at the safe level before more is tried. Bounds both the share of refused calls and the
/// time until a capacity that came back is noticed.
const REST_ROUNDS: f64 = 6.0;
/// A try that costs a pause is made only after so many times the pause, or where pauses are long, after [`REST_MAX`].
const REST_PER_PAUSE: u32 = 10;
const REST_MAX: Duration = Duration::from_mins(1);
/// A service that asks for this much tells of a quota, not of calls in flight.
pub(super) const QUOTA_WAIT_MIN: Duration = Duration::from_secs(5);
/// The longest pause that a service can ask for with a refusal. What asks for more is out of quota, or wrong.
const PAUSE_ASKED_MAX: Duration = Duration::from_hours(1);
/// Pauses of our own, when one call at a time is too many: doubling while nothing is answered.
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_mins(1);
/// A pause gets up to this share longer, so that workers do not come back in step.
const PAUSE_SPREAD: f64 = 0.1;

/// A call in flight.
#[derive(Debug)]
pub(super) struct Ticket {
    number: u64,
    sent: Timestamp,
    /// Calls in flight when it was sent, itself included.
    beside: usize,
}

impl Ticket {
    /// How long it is in flight.
    pub(super) fn age(&self, now: Timestamp) -> Duration {
        now.since(self.sent)
    }
}

/// The calls that were in flight at a decrease, how many of them were refused, and the limit before it.
#[derive(Debug)]
struct Complaint {
    in_flight: usize,
    refused: usize,
    limit: f64,
    /// Of a call at a level that was borne until then: counts for little while it is alone.
    chance: bool,
}

/// The limit of one service.
#[derive(Debug)]
pub(super) struct Limit {
    max: f64,
    places: f64,
    /// The level that the service is known to bear; 0 while it has never complained.
    safe: f64,
    in_flight: usize,
    /// Calls sent, ever.
    sent: u64,
    /// Calls with a lower number were sent before the last decrease.
    fresh_from: u64,
    complaint: Option<Complaint>,
    /// Answers to calls that were sent after it, and the most calls in flight beside one of them.
    borne: usize,
    borne_beside: usize,
    /// Rounds of rest at the safe level, and until when it lasts at least.
    rested: f64,
    rest_until: Timestamp,
    /// The most calls in flight in this round trip and in the one before; the round trip ends with the answer to a
    /// call that was sent after it began.
    peak: usize,
    peak_before: usize,
    peak_from: u64,
    paused_until: Timestamp,
    /// Pauses of our own since the last answer.
    pauses: u32,
    trend: Trend,
}

impl Limit {
    /// A limit that nothing is known about.
    pub(super) fn new(max: usize) -> Self {
        let max = float(max.max(1));
        Self {
            max,
            places: PLACES_FIRST.min(max),
            safe: 0.0,
            in_flight: 0,
            sent: 0,
            fresh_from: 0,
            complaint: None,
            borne: 0,
            borne_beside: 0,
            rested: 0.0,
            rest_until: Timestamp(i64::MIN),
            peak: 0,
            peak_before: 0,
            peak_from: 0,
            paused_until: Timestamp(i64::MIN),
            pauses: 0,
            trend: Trend::default(),
        }
    }

    /// The limit, in places.
    pub(super) fn places(&self) -> usize {
        whole(self.places)
    }

    /// Calls that were admitted and have not ended.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Until when nothing is sent, where that is later than now.
    pub(super) fn paused_until(&self, now: Timestamp) -> Option<Timestamp> {
        (now < self.paused_until).then_some(self.paused_until)
    }

    /// Whether one more call may be sent.
    pub(super) fn turn(&self, now: Timestamp) -> Turn {
        if let Some(moment) = self.paused_until(now) {
            Turn::At(moment)
        } else if self.in_flight >= self.places() {
            Turn::Later
        } else {
            Turn::Now
        }
    }

    /// A call is sent. Only where it is its [`Turn`].
    pub(super) fn send(&mut self, now: Timestamp) -> Ticket {
        let number = self.sent;
        self.sent += 1;
        self.in_flight += 1;
        self.peak = self.peak.max(self.in_flight);
        Ticket { number, sent: now, beside: self.in_flight }
    }

    /// The service answered. `timed` where the time that it took says something about the service.
    pub(super) fn answered(&mut self, ticket: &Ticket, timed: bool, now: Timestamp) {
        if ticket.number >= self.peak_from {
            self.peak_before = self.peak;
            self.peak = self.in_flight;
            self.peak_from = self.sent;
        }
        self.ended();
        self.pauses = 0;
        if ticket.number < self.fresh_from {
            return;
        }
        self.borne += 1;
        self.borne_beside = self.borne_beside.max(ticket.beside);
        let used = self.is_used();
        if timed && used {
            let stand = Stand { places: self.places, exploring: self.safe < self.places && self.places < self.max };
            if let Some(advice) = self.trend.push(ticket.age(now), ticket.beside, &stand, now) {
                self.follow(advice);
            }
        }
        if used && !self.trend.has_risen() {
            self.grow(now);
        }
    }

    /// The service complained: too much at a time. `spread` is a random number in 0..1.
    pub(super) fn refused(&mut self, ticket: &Ticket, asked: Option<Duration>, spread: f64, now: Timestamp) {
        let in_flight = self.in_flight;
        self.ended();
        if ticket.number >= self.fresh_from {
            self.complain(ticket, in_flight);
            if self.places() == 1 && asked.is_none() {
                let doubled = PAUSE_MIN.saturating_mul(1_u32.checked_shl(self.pauses).unwrap_or(u32::MAX));
                self.pause(doubled.min(PAUSE_MAX), spread, now);
                self.pauses = self.pauses.saturating_add(1);
            }
        }
        if let Some(asked) = asked {
            let asked = asked.min(PAUSE_ASKED_MAX);
            self.pause(asked, spread, now);
            self.rest_until = self.paused_until.plus(asked.saturating_mul(REST_PER_PAUSE).min(REST_MAX));
            if asked >= QUOTA_WAIT_MIN {
                // How many were refused tells how many were sent when the quota was used up, not how many it bears.
                if let Some(complaint) = self.complaint.take() {
                    self.safe = (complaint.limit * DECREASE).max(1.0);
                    self.places = PLACES_FIRST.min(self.safe);
                }
                return;
            }
        }
        if let Some(complaint) = &mut self.complaint {
            complaint.refused += 1;
            if complaint.chance && complaint.refused == 1 {
                self.safe = self.safe.max(complaint.limit);
            } else {
                let borne = float(complaint.in_flight.saturating_sub(complaint.refused));
                self.safe = (borne * BELOW).ceil().max(1.0);
                self.rested = 0.0;
            }
            self.places = self.places.min(complaint.limit * DECREASE).min(self.safe).max(1.0);
        }
    }

    /// The first refusal of a call that was sent after the last decrease.
    fn complain(&mut self, ticket: &Ticket, in_flight: usize) {
        let known = if self.safe > 0.0 { whole(self.safe) } else { self.borne_beside };
        let chance = self.borne >= BORNE_MIN && ticket.beside <= known;
        let in_flight = in_flight.min(self.places());
        self.complaint = Some(Complaint { in_flight, refused: 0, limit: self.places, chance });
        self.fresh_from = self.sent;
        (self.borne, self.borne_beside) = (0, 0);
        self.trend.forget_trial();
    }

    /// A call ended and nothing can be learned from it.
    pub(super) fn ended(&mut self) {
        assert!(self.in_flight > 0, "a call ends once");
        self.in_flight -= 1;
    }

    /// The service was away: begin anew, and quickly back to what it bore before.
    pub(super) fn restart(&mut self) {
        if self.places > PLACES_FIRST {
            self.safe = self.places;
            self.places = PLACES_FIRST;
        }
        self.pauses = 0;
        self.complaint = None;
        self.fresh_from = self.sent;
        self.trend.forget_trial();
    }

    /// What is doubled may reach double of what is used; later steps need all of it used.
    fn is_used(&self) -> bool {
        let peak = self.peak.max(self.peak_before);
        if self.safe == 0.0 || self.places < self.safe { 2 * peak > self.places() } else { peak >= self.places() }
    }

    /// One answer's share of the round's increase.
    fn grow(&mut self, now: Timestamp) {
        let share = 1.0 / self.places;
        if self.places < self.safe {
            // Halfway to the safe level each round, at most doubling.
            let step = ((self.safe - self.places) / 2.0).max(1.0).min(self.places);
            self.places = (self.places + step * share).min(self.safe);
        } else if self.safe > 0.0 && (self.rested < REST_ROUNDS || now < self.rest_until) {
            self.rested += share;
        } else {
            // Away from the safe level by as much as it is away already, at most doubling.
            let step = (self.places - self.safe).max(1.0).min(self.places);
            self.places += step * share;
        }
        self.places = self.places.min(self.max);
    }

    fn follow(&mut self, advice: Advice) {
        match advice {
            Advice::Shrink => {
                self.places = (self.places * DECREASE_BY_LATENCY).max(1.0);
                self.safe = self.places;
                self.rested = 0.0;
                self.complaint = None;
                self.fresh_from = self.sent;
            }
            Advice::Restore(places) => {
                self.places = places;
                self.safe = places;
            }
        }
    }

    /// Never shortens a pause.
    fn pause(&mut self, pause: Duration, spread: f64, now: Timestamp) {
        self.paused_until = self.paused_until.max(now.plus(pause.mul_f64(1.0 + PAUSE_SPREAD * spread)));
    }
}

#[expect(clippy::cast_precision_loss, reason = "places are far below 2⁵³")]
pub(super) fn float(places: usize) -> f64 {
    places as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and the maximum, which is one")]
pub(super) fn whole(places: f64) -> usize {
    places as usize
}
