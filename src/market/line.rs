//! Straight lines over bars. A line is measured along bar numbers, not times, as charts are drawn.

/// A straight line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Line {
    bar: f64,
    price: f64,
    /// Per bar.
    slope: f64,
}

impl Line {
    /// Of this slope, through a place.
    pub(super) fn through(bar: usize, price: f64, slope: f64) -> Self {
        Self { bar: bars(bar), price, slope }
    }

    /// At one price.
    pub(super) fn flat(price: f64) -> Self {
        Self { bar: 0.0, price, slope: 0.0 }
    }

    /// Through two places; `None` where they stand on the same bar.
    pub(super) fn between(from: (usize, f64), to: (usize, f64)) -> Option<Self> {
        (from.0 != to.0).then(|| Self::through(from.0, from.1, (to.1 - from.1) / (bars(to.0) - bars(from.0))))
    }

    /// The line of least squares; `None` for fewer than two bars. Through both of two places.
    pub(super) fn fit(places: impl Iterator<Item = (usize, f64)> + Clone) -> Option<Self> {
        let (mut count, mut bar, mut price) = (0.0, 0.0, 0.0);
        for place in places.clone() {
            (count, bar, price) = (count + 1.0, bar + bars(place.0), price + place.1);
        }
        let (bar, price) = (bar / count, price / count);
        let (mut spread, mut together) = (0.0, 0.0);
        for place in places {
            let away = bars(place.0) - bar;
            (spread, together) = (spread + away * away, together + away * (place.1 - price));
        }
        (spread > 0.0).then(|| Self { bar, price, slope: together / spread })
    }

    /// The price at a bar.
    pub(super) fn at(&self, bar: usize) -> f64 {
        self.price + self.slope * (bars(bar) - self.bar)
    }

    /// The change of price with each bar.
    pub(super) fn slope(&self) -> f64 {
        self.slope
    }

    /// This line, moved by so much.
    pub(super) fn moved(self, by: f64) -> Self {
        Self { price: self.price + by, ..self }
    }
}

/// A number of bars, to reckon with.
#[expect(clippy::cast_precision_loss, reason = "no series has 2^52 bars")]
pub(super) fn bars(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_runs_through_what_it_is_made_from() {
        let line = Line::between((10, 5.0), (20, 7.0)).unwrap();
        assert_eq!((line.at(0), line.at(10), line.at(30)), (3.0, 5.0, 9.0));
        assert_eq!(Line::between((10, 5.0), (10, 7.0)), None);
        let fit = Line::fit([(10, 5.0), (20, 7.0)].into_iter()).unwrap();
        assert_eq!((fit.at(10), fit.at(20), fit.slope()), (5.0, 7.0, 0.2));
        // Of three, the residuals cancel.
        let fit = Line::fit([(0, 0.0), (1, 3.0), (2, 0.0)].into_iter()).unwrap();
        assert_eq!((fit.at(0), fit.at(2)), (1.0, 1.0));
        assert_eq!(Line::fit([(3, 1.0)].into_iter()), None);
        assert_eq!(Line::fit([].into_iter()), None);
        assert_eq!((line.moved(1.0).at(0), Line::flat(2.0).at(7)), (4.0, 2.0));
    }
}
