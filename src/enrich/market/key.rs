//! One key: its quota, and what of it must be remembered.
//!
//! Pure. What is written down is what [`Quota::restore`] needs: the units of each request that may still count, with the
//! end where it is known. More than [`USES_MAX`] of them are put together under the later end, which counts them for
//! longer and never for less.

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::{KeyUsage, Timestamp, UsedUnits};
use crate::provider::quota::{Quota, Ticket, Until, Used};

/// Requests that are written down one by one.
const USES_MAX: usize = 1_000;

/// A key's account.
#[derive(Debug)]
pub(super) struct Key {
    quota: Quota,
    window: Duration,
    uses: VecDeque<Use>,
    next: u64,
}

#[derive(Debug)]
struct Use {
    number: u64,
    ended: Option<Timestamp>,
    units: u32,
}

/// Units that were taken.
#[derive(Debug)]
pub(super) struct Taken {
    ticket: Ticket,
    number: u64,
}

impl Key {
    /// A key as it was left: `usage` of an earlier owner.
    pub(super) fn new(units_max: u32, window: Duration, usage: Option<&KeyUsage>, now: Timestamp) -> Self {
        let mut quota = Quota::new(units_max, window);
        let mut key_uses = VecDeque::new();
        let mut next = 0;
        if let Some(KeyUsage { used, limited_until }) = usage {
            let units = |used: &UsedUnits| u32::try_from(used.units).unwrap_or(0);
            let entries = used.iter().map(|used| Used { ended: used.ended, units: units(used) });
            quota.restore(entries, *limited_until, now);
            for used in used {
                // What never ended counts from now on, for whoever comes next too.
                let ended = Some(used.ended.map_or(now, |ended| ended.min(now)));
                key_uses.push_back(Use { number: next, ended, units: units(used) });
                next += 1;
            }
        }
        Self { quota, window, uses: key_uses, next }
    }

    /// How many of the `wanted` units should be taken now.
    ///
    /// # Errors
    /// When to ask again.
    pub(super) fn grant(&self, wanted: u32, now: Timestamp) -> Result<u32, Until> {
        self.quota.grant(wanted, now)
    }

    /// Takes units for a request that starts now.
    ///
    /// # Errors
    /// They do not fit before then.
    pub(super) fn take(&mut self, units: u32, now: Timestamp) -> Result<Taken, Until> {
        let ticket = self.quota.take(units, now)?;
        let number = self.next;
        self.next += 1;
        self.uses.push_back(Use { number, ended: None, units });
        Ok(Taken { ticket, number })
    }

    /// A request has ended, whatever came of it.
    pub(super) fn ended(&mut self, taken: &Taken, now: Timestamp) {
        self.quota.ended(&taken.ticket, now);
        if let Some(used) = self.uses.iter_mut().find(|used| used.number == taken.number) {
            used.ended = Some(now);
        }
    }

    /// The service refused for its rate: the key pauses.
    pub(super) fn limited(&mut self, retry_after: Option<Duration>, now: Timestamp) {
        self.quota.limited(retry_after, now);
    }

    /// What counts, as it is written down.
    pub(super) fn usage(&mut self, now: Timestamp) -> KeyUsage {
        // Twice the window is past every margin of the quota's own.
        let counts = |used: &Use| used.ended.is_none_or(|ended| now.since(ended) <= 2 * self.window);
        self.uses.retain(counts);
        while self.uses.len() > USES_MAX {
            let Some(oldest) = self.uses.pop_front() else { break };
            let Some(next) = self.uses.front_mut() else { break };
            next.units = next.units.saturating_add(oldest.units);
            // One that has not ended makes both of them last.
            next.ended = oldest.ended.and_then(|ended| next.ended.map(|next| next.max(ended)));
        }
        let used = |used: &Use| UsedUnits { ended: used.ended, units: i32::try_from(used.units).unwrap_or(i32::MAX) };
        KeyUsage { used: self.uses.iter().map(used).collect(), limited_until: self.quota.limited_until() }
    }
}
