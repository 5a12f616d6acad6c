//! A service, its clients and the time between them.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "simulated milliseconds and counts are small"
)]

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::model::Timestamp;
use crate::provider::call::CallError;
use crate::provider::gate::Turn;
use crate::provider::gate::limit::{Limit, Ticket};
use crate::provider::retry::{Decision, Policy};

const POLICY: Policy =
    Policy { attempts_max: 3, wait_min: Duration::from_millis(200), wait_max: Duration::from_secs(30) };

/// How a service behaves.
#[derive(Debug, Clone, Copy)]
pub(super) struct Service {
    /// Calls that it works on at one time; more are refused.
    pub(super) capacity: usize,
    /// The median, and the standard deviation of the logarithm.
    pub(super) latency_ms: i64,
    pub(super) noise: f64,
    /// How long a refusal takes, and what it asks for.
    pub(super) refusal_ms: i64,
    pub(super) retry_after: Option<Duration>,
    /// Calls beyond these are queued.
    pub(super) slots: Option<usize>,
    /// The share of calls that is refused whatever the load.
    pub(super) refused_by_chance: f64,
}

impl Default for Service {
    fn default() -> Self {
        Self {
            capacity: usize::MAX,
            latency_ms: 100,
            noise: 0.0,
            refusal_ms: 1,
            retry_after: None,
            slots: None,
            refused_by_chance: 0.0,
        }
    }
}

impl Service {
    /// Answers a millisecond with so many calls always worked on: the mean of a log-normal is `median · exp(σ²/2)`.
    pub(super) fn rate(&self, at_a_time: usize) -> f64 {
        at_a_time as f64 / (self.latency_ms as f64 * (self.noise * self.noise / 2.0).exp())
    }
}

/// What happens to a question: how often it was refused goes with it.
enum Event {
    Answer(Ticket),
    Refusal(Ticket, u32),
    AskAgain(u32),
    PauseOver,
}

pub(super) struct World {
    pub(super) limit: Limit,
    pub(super) now_ms: i64,
    pub(super) sent: usize,
    pub(super) answered: usize,
    pub(super) refused: usize,
    pub(super) given_up: usize,
    pub(super) refusals_max: u32,
    /// The limit that is waited for in a run, and when it was first reached.
    pub(super) wanted: usize,
    pub(super) reached_ms: Option<i64>,
    /// The smallest limit of the last run.
    pub(super) places_min: usize,
    /// The call that is waited for, and how many were sent at the same time as it.
    pub(super) wanted_sent: usize,
    pub(super) sent_together: usize,
    rng: StdRng,
    /// By time and order of making.
    events: BTreeMap<(i64, u64), Event>,
    made: u64,
    waiting: VecDeque<u32>,
    working: usize,
    /// Until when each slot is busy.
    slots: Vec<i64>,
}

impl World {
    pub(super) fn new(max: usize, clients: usize, seed: u64) -> Self {
        Self {
            limit: Limit::new(max),
            now_ms: 0,
            sent: 0,
            answered: 0,
            refused: 0,
            given_up: 0,
            refusals_max: 0,
            wanted: usize::MAX,
            reached_ms: None,
            places_min: max,
            wanted_sent: usize::MAX,
            sent_together: 0,
            rng: StdRng::seed_from_u64(seed),
            events: BTreeMap::new(),
            made: 0,
            waiting: std::iter::repeat_n(0, clients).collect(),
            working: 0,
            slots: Vec::new(),
        }
    }

    /// Lets so much time pass.
    pub(super) fn run(&mut self, span_ms: i64, service: &Service) {
        let end_ms = self.now_ms + span_ms;
        (self.reached_ms, self.places_min) = (None, self.limit.places());
        self.send_all(service);
        while let Some(((at_ms, _), event)) = self.events.pop_first() {
            if at_ms > end_ms {
                self.at(at_ms, event);
                break;
            }
            self.now_ms = at_ms;
            self.happen(event, service);
            self.send_all(service);
            let places = self.limit.places();
            self.places_min = self.places_min.min(places);
            if places >= self.wanted {
                self.reached_ms.get_or_insert(at_ms);
            }
        }
        self.now_ms = end_ms;
    }

    fn at(&mut self, at_ms: i64, event: Event) {
        self.events.insert((at_ms, self.made), event);
        self.made += 1;
    }

    fn send_all(&mut self, service: &Service) {
        let now = Timestamp(self.now_ms);
        let sent = self.sent;
        while !self.waiting.is_empty() {
            match self.limit.turn(now) {
                Turn::Now => self.send(service),
                Turn::At(moment) => return self.at(moment.0, Event::PauseOver),
                Turn::Later => break,
            }
        }
        if (sent..self.sent).contains(&(self.wanted_sent - 1)) {
            self.sent_together = self.sent - sent;
        }
    }

    fn send(&mut self, service: &Service) {
        let refusals = self.waiting.pop_front().unwrap();
        let ticket = self.limit.send(Timestamp(self.now_ms));
        self.sent += 1;
        if self.working >= service.capacity || self.rng.random_bool(service.refused_by_chance) {
            return self.at(self.now_ms + service.refusal_ms, Event::Refusal(ticket, refusals + 1));
        }
        self.working += 1;
        let latency_ms = self.latency_ms(service);
        let mut starts_ms = self.now_ms;
        if let Some(slots) = service.slots {
            self.slots.resize(slots, 0);
            let slot = self.slots.iter_mut().min().unwrap();
            starts_ms = starts_ms.max(*slot);
            *slot = starts_ms + latency_ms;
        }
        self.at(starts_ms + latency_ms, Event::Answer(ticket));
    }

    /// Log-normal, by Box and Muller.
    fn latency_ms(&mut self, service: &Service) -> i64 {
        let (radius, angle): (f64, f64) = (1.0 - self.rng.random::<f64>(), self.rng.random());
        let normal = (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos();
        (service.latency_ms as f64 * (service.noise * normal).exp()).round() as i64
    }

    fn happen(&mut self, event: Event, service: &Service) {
        let now = Timestamp(self.now_ms);
        match event {
            Event::Answer(ticket) => {
                self.working -= 1;
                self.answered += 1;
                self.limit.answered(&ticket, true, now);
                self.waiting.push_back(0);
            }
            Event::Refusal(ticket, refusals) => {
                self.refused += 1;
                self.refusals_max = self.refusals_max.max(refusals);
                self.limit.refused(&ticket, service.retry_after, self.rng.random(), now);
                let error = CallError::Limited { retry_after: service.retry_after, error: String::new() };
                match POLICY.next(refusals, &error, false, &mut self.rng) {
                    Decision::Again(wait) | Decision::Resume(wait) => {
                        self.at(now.plus(wait).0, Event::AskAgain(refusals));
                    }
                    Decision::GiveUp => self.given_up += 1,
                }
            }
            Event::AskAgain(refusals) => self.waiting.push_back(refusals),
            Event::PauseOver => {}
        }
    }
}
