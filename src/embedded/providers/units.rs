//! Units of a quota in a sliding window, one account a key: what the stand-in for Coinalyze refuses by, and what its
//! bill says about them.
//!
//! A charge counts until a window has passed. Who asks while refused is refused a whole window longer, as one operator
//! reports of the real service. Refused requests are not charged. Times are those of the stand-in's clock.

use std::time::Duration;

use crate::model::Timestamp;

/// Charges that are kept for each key; later ones only count in the window.
const CHARGES_MAX: usize = 1_000_000;

/// One accepted request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charge {
    /// When it arrived.
    pub at: Timestamp,
    /// Its symbols.
    pub units: u32,
}

/// What one key was charged.
#[derive(Debug, Clone, Default)]
pub struct Units {
    /// Accepted requests in the order of their arrival.
    pub charges: Vec<Charge>,
    /// Requests that were refused with 429.
    pub refused: u64,
    limited_until: Option<Timestamp>,
}

impl Units {
    /// All units together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.charges.iter().map(|charge| u64::from(charge.units)).sum()
    }

    /// What was charged up to `moment`, and what later.
    #[must_use]
    pub fn split(&self, moment: Timestamp) -> (Self, Self) {
        let (before, after) = self.charges.split_at(self.charges.partition_point(|charge| charge.at <= moment));
        let of = |charges: &[Charge]| Self { charges: charges.to_vec(), ..Self::default() };
        (of(before), of(after))
    }

    /// The most units in any sliding window.
    #[must_use]
    pub fn most_within(&self, window: Duration) -> u64 {
        self.charges.iter().map(|last| self.between(last.at.0 - millis(window) + 1, last.at.0)).max().unwrap_or(0)
    }

    /// The fewest units in any sliding window between the first charge and the last; `None` where none is that long.
    #[must_use]
    pub fn fewest_within(&self, window: Duration) -> Option<u64> {
        let last = self.charges.last()?.at.0;
        // A window is poorest right behind a charge.
        let starts = self.charges.iter().map(|charge| charge.at.0 + 1).filter(|start| start + millis(window) <= last);
        starts.map(|start| self.between(start, start + millis(window) - 1)).min()
    }

    /// The mean over time, from the end of the first full window to the last charge, of the part of `units_max` that is
    /// used within a sliding window; `None` where there is no such time.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    pub fn share_used(&self, units_max: u32, window: Duration) -> Option<f64> {
        let (from, until) = (self.charges.first()?.at.0 + millis(window), self.charges.last()?.at.0);
        let overlap = |charge: &Charge| (charge.at.0 + millis(window)).min(until) - charge.at.0.max(from);
        let used: i64 = self.charges.iter().map(|charge| overlap(charge).max(0) * i64::from(charge.units)).sum();
        (from < until).then(|| used as f64 / ((until - from) as f64 * f64::from(units_max)))
    }

    /// Charges a request, if it fits.
    ///
    /// # Errors
    /// It does not, or asks while refused: how long to wait.
    pub(super) fn charge(
        &mut self,
        units: u32,
        units_max: u32,
        window: Duration,
        now: Timestamp,
    ) -> Result<(), Duration> {
        if let Some(until) = self.limited_until.filter(|until| now < *until) {
            let renewed = now.plus(window);
            self.limited_until = Some(until.max(renewed));
            self.refused += 1;
            return Err(until.max(renewed).since(now));
        }
        let mut room = u64::from(units_max).saturating_sub(self.between(now.0 - millis(window) + 1, now.0));
        if room >= u64::from(units) {
            if self.charges.len() < CHARGES_MAX {
                self.charges.push(Charge { at: now, units });
            }
            return Ok(());
        }
        let counted = self.charges.iter().filter(|charge| charge.at.plus(window) > now);
        let enough = counted.map(|charge| (charge.at.plus(window), charge.units)).find(|(_, units_back)| {
            room += u64::from(*units_back);
            room >= u64::from(units)
        });
        let until = enough.map_or(now.plus(window), |(at, _)| at);
        self.limited_until = Some(until);
        self.refused += 1;
        Err(until.since(now))
    }

    /// Units that arrived from `from` to `to`, both included.
    fn between(&self, from: i64, to: i64) -> u64 {
        let start = self.charges.partition_point(|charge| charge.at.0 < from);
        let end = self.charges.partition_point(|charge| charge.at.0 <= to);
        self.charges[start.min(end)..end].iter().map(|charge| u64::from(charge.units)).sum()
    }
}

fn millis(window: Duration) -> i64 {
    i64::try_from(window.as_millis()).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    #[test]
    fn a_window_slides_and_asking_while_refused_costs_another() {
        let mut units = Units::default();
        let mut charge = |amount, ms| units.charge(amount, 40, MINUTE, Timestamp(ms)).map_err(|wait| wait.as_millis());
        assert_eq!(charge(20, 0), Ok(()));
        assert_eq!(charge(20, 10_881), Ok(()));
        assert_eq!(charge(1, 20_000), Err(40_000));
        assert_eq!(charge(1, 59_999), Err(60_000), "renewed");
        assert_eq!(charge(1, 119_998), Err(60_000));
        assert_eq!(charge(40, 179_998), Ok(()));
        assert_eq!(charge(41, 300_000), Err(60_000));
        assert_eq!((units.total(), units.refused, units.charges.len()), (80, 4, 3));
    }

    #[test]
    fn the_bill_tells_the_fullest_and_the_emptiest_minute() {
        let charges: Vec<Charge> = (0..100).map(|number| Charge { at: Timestamp(number * 1_510), units: 1 }).collect();
        let units = Units { charges, ..Units::default() };
        assert_eq!((units.most_within(MINUTE), units.fewest_within(MINUTE)), (40, Some(39)));
        let share = units.share_used(40, MINUTE).unwrap();
        assert!((share - 60.0 / 1.51 / 40.0).abs() < 0.005, "{share}");
        assert_eq!(Units::default().fewest_within(MINUTE), None);
        assert_eq!(Units::default().share_used(40, MINUTE), None);
    }
}
