//! Gauges that owners of partitions show together, each a part, and that outlive their owners: partitions move to other
//! workers, and what was shown of them must not stay.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use metrics::Gauge;
use parking_lot::Mutex;

use super::registry::Registry;
use super::table::Metric;

/// The name of a metric and the value of its label, empty where it has none.
type Of = (&'static str, &'static str);

/// What each gauge shows, in billionths: whole numbers come back to zero, sums of floats need not.
static SUMS: LazyLock<Mutex<BTreeMap<Of, u128>>> = LazyLock::new(Mutex::default);

/// A part of what a gauge shows, which is the sum of its parts. A part that is dropped is taken out.
#[derive(Debug)]
pub(super) struct Share {
    of: Of,
    gauge: Gauge,
    said: u64,
}

impl Share {
    /// A part of the gauge of this label. The gauge exists from here on, at zero where nobody has said anything.
    pub(super) fn new(metric: &'static Metric, label: Option<&'static str>) -> Self {
        let gauge = Registry::process().gauge(metric, label.as_slice());
        Self { of: (metric.name, label.unwrap_or_default()), gauge, said: 0 }
    }

    /// The part is so large now, in billionths.
    #[expect(clippy::cast_precision_loss, reason = "a gauge is read by eye above 2⁵³")]
    pub(super) fn says(&mut self, billionths: u64) {
        let mut sums = SUMS.lock();
        let sum = sums.entry(self.of).or_default();
        *sum = *sum - u128::from(self.said) + u128::from(billionths);
        self.said = billionths;
        // Under the lock: otherwise an older sum could be the last that is set.
        self.gauge.set(*sum as f64 / 1e9);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.says(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::render;
    use crate::observe::table::IN_FLIGHT_BYTES;

    #[test]
    fn what_an_owner_showed_goes_with_it() {
        let share = || Share::new(&IN_FLIGHT_BYTES, Some("share"));
        let shown = || {
            let sample = "signalmill_in_flight_bytes{hop=\"share\"} ";
            render().lines().find_map(|line| line.strip_prefix(sample).map(str::to_owned)).unwrap()
        };
        let (mut first, mut second) = (share(), share());
        assert_eq!(shown(), "0");
        first.says(100_000_000);
        second.says(200_000_000);
        assert_eq!(shown(), "0.3");
        first.says(u64::MAX);
        drop(first);
        assert_eq!(shown(), "0.2");
        second.says(300_000_000);
        assert_eq!(shown(), "0.3");
        drop(second);
        assert_eq!(shown(), "0", "nobody owns anything");
    }
}
