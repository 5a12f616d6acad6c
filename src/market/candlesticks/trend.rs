//! The trend before a pattern, by Caginalp and Laurent, "The predictive power of price patterns", Applied Mathematical
//! Finance 5 (1998): of seven means of three closes each, every one is above the one before (below, for a downtrend),
//! with one exception at most.
//!
//! A mean of three is above the one before exactly where its newest close is above the close that it drops, so closes
//! three bars apart are compared, and nothing is rounded.

/// Closes in a mean.
const MEAN: usize = 3;
/// Steps from one mean to the next.
const STEPS: usize = 6;
/// Steps that may go the other way, or nowhere.
const EXCEPTIONS_MAX: usize = 1;

/// Where closes have been going.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trend {
    /// Up.
    Up,
    /// Down.
    Down,
    /// Neither.
    Sideways,
}

/// The trend at the last of `closes`; `None` where there are fewer than nine.
pub(super) fn of(closes: &[f64]) -> Option<Trend> {
    let from = closes.len().checked_sub(STEPS + MEAN)?;
    let steps = || closes[from..].windows(MEAN + 1).map(|window| (window[0], window[MEAN]));
    let rising = steps().filter(|(dropped, newest)| newest > dropped).count();
    let falling = steps().filter(|(dropped, newest)| newest < dropped).count();
    Some(if rising + EXCEPTIONS_MAX >= STEPS {
        Trend::Up
    } else if falling + EXCEPTIONS_MAX >= STEPS {
        Trend::Down
    } else {
        Trend::Sideways
    })
}
