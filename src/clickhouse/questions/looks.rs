//! Stretches of time in which the newest rows are looked for, a short one first.

use crate::model::Timestamp;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// How far back it is looked, one after another; then everywhere.
const WIDTHS_MS: [i64; 2] = [2 * DAY_MS, 60 * DAY_MS];

/// The beginnings of the stretches, the nearest first; `None` looks everywhere.
pub(super) fn looks(newest: Timestamp, since: Option<Timestamp>) -> impl Iterator<Item = Option<Timestamp>> {
    let near = WIDTHS_MS.into_iter().map(move |width| Timestamp(newest.0.saturating_sub(width)));
    let near = near.filter(move |from| since.is_none_or(|since| since < *from));
    near.map(Some).chain([since])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_look_goes_as_far_as_was_asked() {
        let at = |days: i64| Timestamp(days * DAY_MS);
        let all = |since| looks(at(100), since).collect::<Vec<_>>();
        assert_eq!(all(None), [Some(at(98)), Some(at(40)), None]);
        assert_eq!(all(Some(at(70))), [Some(at(98)), Some(at(70))]);
        assert_eq!(all(Some(at(99))), [Some(at(99))]);
    }
}
