//! Whether a service got slower because of us.
//!
//! Pure. Latencies are judged by their median over an epoch: at least a round of answers, and enough of them that noise
//! does not move it. The service is slower when the median is clearly above the lowest it ever was, epoch after epoch,
//! while more calls in flight do not bring more answers a second. Then a few places are taken away as a trial: where
//! latency follows, we were its cause; where it does not, the service is slower by itself, the places are given back, and
//! the new latency is the measure from then on.
//!
//! # Why
//! A service that queues refuses nothing: its answers only come later, and calls in flight beyond what it works on bring
//! nothing but timeouts. TCP Vegas, Netflix's `Gradient2Limit` and Envoy's gradient controller shrink on the ratio of
//! latencies alone, and all need a way back from a service that is slower for another reason: Envoy measures anew by
//! emptying the service now and then, Gradient2 lets its measure drift upwards. The trial needs neither. Sources:
//! <https://github.com/Netflix/concurrency-limits>,
//! <https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/adaptive_concurrency_filter>, and
//! `HyStart` (RFC 9406) for holding slow start back when latency rises. Throughput comes from Little's law (calls in
//! flight ÷ latency), which also holds for answers that come in bursts.

use std::time::Duration;

use crate::model::Timestamp;

use super::limit::{float, whole};

/// Answers of an epoch while the limit grows beyond what is known, where time matters, and otherwise; then never less
/// than a round.
const ANSWERS_EXPLORING: usize = 16;
const ANSWERS_MIN: usize = 32;
/// Latencies kept of an epoch: the last ones.
const KEPT_MAX: usize = 256;
/// A rise is clear above this multiple of the lowest median.
const RISE: f64 = 2.5;
/// And above this: below it lie the clock's whole milliseconds and the scheduler's hiccups.
const RISE_MIN_MS: f64 = 10.0;
/// It lasts after so many epochs, and so much time.
const LASTING_EPOCHS: u32 = 3;
const LASTING: Duration = Duration::from_secs(2);
/// More calls in flight bring more when throughput is so much above its best.
const GAIN: f64 = 1.1;
/// A latency that falls to less than this share of what the trial explains fell for another reason: it has passed.
const PASSED: f64 = 0.75;
/// Latency that does not follow is believed at this share of the places: at two steps, not at one, as medians err.
const CONCLUSIVE: f64 = 0.6;

/// What to do about the limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Advice {
    /// Take places away, and see.
    Shrink,
    /// It was not us: back to this limit.
    Restore(f64),
}

/// How the limit stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stand {
    /// In places.
    pub(super) places: f64,
    /// Whether it grows beyond what is known to be borne.
    pub(super) exploring: bool,
}

/// The limit and the latency before places were taken away.
#[derive(Debug, Clone, Copy)]
struct Trial {
    places: f64,
    beside: f64,
    median_ms: f64,
}

/// What is known about a service's latency.
#[derive(Debug, Default)]
pub(super) struct Trend {
    latencies_ms: Vec<u32>,
    /// Answers that are passed over.
    skip: usize,
    answers: usize,
    /// Sum of the calls in flight beside each.
    beside: usize,
    /// The lowest median, in milliseconds, and the best throughput, in answers a millisecond.
    lowest_ms: Option<f64>,
    best: f64,
    /// Epochs that it has risen, and since when.
    risen: u32,
    risen_since: Timestamp,
    trial: Option<Trial>,
}

impl Trend {
    /// Whether the last epoch was clearly slower.
    pub(super) fn has_risen(&self) -> bool {
        self.risen > 0
    }

    /// An answer after `latency`, sent with so many calls in flight. Some advice at the end of some epochs.
    pub(super) fn push(&mut self, latency: Duration, beside: usize, limit: &Stand, now: Timestamp) -> Option<Advice> {
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        let latency_ms = u32::try_from(latency.as_millis()).unwrap_or(u32::MAX);
        match self.latencies_ms.get_mut(self.answers % KEPT_MAX) {
            Some(oldest) => *oldest = latency_ms,
            None => self.latencies_ms.push(latency_ms),
        }
        self.answers += 1;
        self.beside += beside;
        let enough = if limit.exploring { ANSWERS_EXPLORING } else { ANSWERS_MIN.max(whole(limit.places)) };
        if self.answers < enough {
            return None;
        }
        let middle = self.latencies_ms.len() / 2;
        let median_ms = f64::from(*self.latencies_ms.select_nth_unstable(middle).1).max(1.0);
        let beside = float(self.beside) / float(self.answers);
        self.latencies_ms.clear();
        (self.answers, self.beside) = (0, 0);
        self.judge(median_ms, beside, limit.places, now)
    }

    /// The limit changed for another reason.
    pub(super) fn forget_trial(&mut self) {
        self.trial = None;
        self.risen = 0;
    }

    /// The limit changed. What answers first was fast by chance: the next two rounds say nothing.
    fn pass_over(&mut self, beside: f64) {
        self.skip = 2 * whole(beside);
    }

    fn judge(&mut self, median_ms: f64, beside: f64, places: f64, now: Timestamp) -> Option<Advice> {
        if let Some(restore) = self.end_trial(median_ms, beside) {
            return Some(restore);
        }
        // Halfway down at a time: of many medians the lowest is low by chance.
        let lowest_ms = self.lowest_ms.map_or(median_ms, |lowest| lowest.min(f64::midpoint(lowest, median_ms)));
        self.lowest_ms = Some(lowest_ms);
        let throughput = beside / median_ms;
        let slower = median_ms > lowest_ms * RISE && median_ms > lowest_ms + RISE_MIN_MS;
        let gains = throughput > self.best * GAIN;
        if !slower || gains {
            self.best = self.best.max(throughput);
            self.forget_trial();
            return None;
        }
        if self.risen == 0 {
            self.risen_since = now;
        }
        self.risen = self.risen.saturating_add(1);
        let lasts = self.risen >= LASTING_EPOCHS && now.since(self.risen_since) >= LASTING;
        if !lasts || beside < 2.0 {
            return None;
        }
        self.pass_over(beside);
        self.trial.get_or_insert(Trial { places, beside, median_ms });
        Some(Advice::Shrink)
    }

    /// What came of the trial, where it says that we are not the cause.
    fn end_trial(&mut self, median_ms: f64, beside: f64) -> Option<Advice> {
        let trial = self.trial?;
        let share = beside / trial.beside;
        let explained = trial.median_ms * share;
        let unmoved = share <= CONCLUSIVE && median_ms > trial.median_ms * f64::midpoint(1.0, share);
        if !unmoved && median_ms >= explained * PASSED {
            return None;
        }
        if unmoved {
            self.lowest_ms = Some(median_ms);
            self.best = beside / median_ms;
        }
        self.forget_trial();
        self.pass_over(beside);
        Some(Advice::Restore(trial.places))
    }
}
