//! `patterns FILE`: the patterns of a candle file with the points they rest on, and the levels and trendlines at its last
//! bar. A table, or a JSON object each; times in JSON are epoch milliseconds.

use std::io;

use serde::Serialize;

use super::indicators::note;
use crate::cli::args::Patterns;
use crate::cli::market;
use crate::cli::output::{self, Table};
use crate::clock::Clock;
use crate::market::chart;
use crate::model::{Level, Pattern, Point, Series, Timestamp, Trendline};

/// A thing on a chart.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Shape {
    Pattern(Pattern),
    Level(Level),
    Trendline(Trendline),
}

pub(super) fn run(args: &Patterns, as_json: bool) -> anyhow::Result<()> {
    let read = market::read(&args.file, Clock::system().now())?;
    note(&read)?;
    let shapes: Vec<Shape> =
        shapes(&read.series, args).into_iter().filter(|shape| shape.confidence() >= args.min_confidence).collect();
    let out = &mut io::BufWriter::new(io::stdout().lock());
    if as_json {
        shapes.iter().try_for_each(|shape| output::write_json(out, shape))?;
    } else {
        table(&shapes).write(out)?;
    }
    Ok(io::Write::flush(out)?)
}

/// Patterns, the newest first, then levels and trendlines.
fn shapes(series: &Series, args: &Patterns) -> Vec<Shape> {
    let Some(chart) = chart::read(series) else { return Vec::new() };
    let patterns = if args.all {
        chart::every_pattern(series)
    } else if let Some(last) = args.last {
        // Counted in bars and not in time, as gaps are no bars.
        let first = series.candles.len().saturating_sub(last);
        let since = series.candles.get(first).map_or(Timestamp(i64::MAX), |candle| candle.open_time);
        chart::every_pattern(series).into_iter().filter(|pattern| pattern.confirmed_at >= since).collect()
    } else {
        chart.patterns
    };
    let levels = chart.levels.into_iter().map(Shape::Level);
    let trendlines = chart.trendlines.into_iter().map(Shape::Trendline);
    patterns.into_iter().map(Shape::Pattern).chain(levels).chain(trendlines).collect()
}

impl Shape {
    fn confidence(&self) -> f64 {
        match self {
            Self::Pattern(Pattern { confidence, .. })
            | Self::Level(Level { confidence, .. })
            | Self::Trendline(Trendline { confidence, .. }) => *confidence,
        }
    }
}

fn table(shapes: &[Shape]) -> Table {
    let mut table = Table::new(&["confirmed at", "what", "direction", "confidence", "points"]).open_ended();
    for shape in shapes {
        let (at, what, direction, points) = match shape {
            Shape::Pattern(pattern) => {
                let direction = pattern.direction.to_string();
                (pattern.confirmed_at.to_string(), pattern.name.clone(), direction, shown(&pattern.points))
            }
            Shape::Level(level) => {
                (String::new(), format!("{} level", level.side), String::new(), shown(&level.points))
            }
            Shape::Trendline(line) => {
                let points = format!("{} to {}", shown(&[line.from]), shown(&[line.to]));
                (String::new(), format!("{} line", line.side), String::new(), points)
            }
        };
        table.row([at, what, direction, format!("{:.2}", shape.confidence()), points]);
    }
    table
}

/// Each as time and price.
fn shown(points: &[Point]) -> String {
    let point = |Point { time, price }: &Point| format!("{time} {price}");
    points.iter().map(point).collect::<Vec<_>>().join(", ")
}
