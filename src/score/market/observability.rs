//! What a score rests on, to be drawn and checked: trendlines, levels and patterns with their coordinates, and the
//! indicators at the last bar. Times are milliseconds since the epoch, UTC; prices are in the quote currency. Bounded:
//! it stands on every row and in every feed, three times for each series.

use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use crate::model::{Chart, Indicators, Level, Pattern, Point, Trendline};

/// The most trendlines, levels, and patterns each: the first of the chart's own order.
pub const SHAPES_MAX: usize = 8;
/// The most points of each: the newest. A head and shoulders has seven with its neckline.
pub const POINTS_MAX: usize = 8;

/// `{"trendlines":[…],"levels":[…],"patterns":[…],"indicators":{…}}`; a point is `{"time": ms, "price": …}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observability {
    /// The most certain first.
    pub trendlines: Vec<Trendline>,
    /// The nearest first.
    pub levels: Vec<Level>,
    /// The newest first.
    pub patterns: Vec<Pattern>,
    /// At the last bar; null while they warm up.
    pub indicators: Indicators,
}

impl Observability {
    /// What is to be seen on a chart, within the limits.
    #[must_use]
    pub fn of(chart: &Chart) -> Self {
        let mut all = Self {
            trendlines: first(&chart.trendlines),
            levels: first(&chart.levels),
            patterns: first(&chart.patterns),
            indicators: chart.indicators,
        };
        all.trendlines.iter_mut().for_each(|line| keep_newest(&mut line.points));
        all.levels.iter_mut().for_each(|level| keep_newest(&mut level.points));
        all.patterns.iter_mut().for_each(|pattern| keep_newest(&mut pattern.points));
        all
    }

    /// As JSON, made once for the row and the feed.
    ///
    /// # Errors
    /// None for what [`Observability::of`] made: it holds nothing but numbers and text.
    pub fn to_json(&self) -> serde_json::Result<Box<RawValue>> {
        to_raw_value(self)
    }
}

fn first<T: Clone>(shapes: &[T]) -> Vec<T> {
    shapes.iter().take(SHAPES_MAX).cloned().collect()
}

fn keep_newest(points: &mut Vec<Point>) {
    points.drain(..points.len().saturating_sub(POINTS_MAX));
}
