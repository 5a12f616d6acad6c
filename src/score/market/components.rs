//! The seven components of a market score, by name. Views are −1…1, points 0…20.

/// Points of a component that says nothing, and of one that is missing.
pub const COMPONENT_NEUTRAL: f64 = 10.0;

/// One value for each component.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Components<T> {
    /// What the price does.
    pub trend: T,
    /// What was traded.
    pub volume: T,
    /// Formations of turning points and of candles.
    pub pattern: T,
    /// Open interest.
    pub open_interest: T,
    /// What longs pay to shorts.
    pub funding: T,
    /// Accounts that are long for each that is short.
    pub long_short: T,
    /// Positions that were closed by force.
    pub liquidations: T,
}

impl<T: Copy> Components<T> {
    /// The values with their public names, which are those of the column `components` and of the feed.
    #[must_use]
    pub fn named(&self) -> [(&'static str, T); 7] {
        [
            ("trend", self.trend),
            ("volume", self.volume),
            ("pattern", self.pattern),
            ("open_interest", self.open_interest),
            ("funding", self.funding),
            ("long_short", self.long_short),
            ("liquidations", self.liquidations),
        ]
    }
}

/// A view as points.
pub(super) fn points(view: Option<f64>) -> f64 {
    COMPONENT_NEUTRAL + COMPONENT_NEUTRAL * view.unwrap_or(0.0)
}
