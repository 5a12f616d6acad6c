//! Trendlines as they stand at the last bar: lines through turns that no close has crossed since.
//!
//! Source of the rule: Edwards & Magee, *Technical Analysis of Stock Trends* (1948), chapter 14: two points draw a
//! line, a third makes it valid, and it is broken by a close. Two points always lie on a line and say nothing, so ours
//! has three at least.
//!
//! # Why it is fast
//! Of the lines from one turn on, those that no later close crosses are the ones below one slope, the smallest that any
//! close allows. One pass over the bars for each of the latest turns finds that slope, and a line is then judged in one
//! comparison: `turns × bars + turns² × turns`, with at most 32 turns.

use crate::model::{Candle, Point, Side, Trendline};

use super::grade::grade;
use super::line::{Line, bars};
use super::swings::{Kind, Swing};

/// Lines at most for each side.
pub const LINES_MAX: usize = 3;
/// The latest turns of a side that are looked at.
const TURNS_MAX: usize = 32;
/// Turns on a line at least.
const TOUCHES_MIN: usize = 3;
/// So many turns are as good as more.
const TOUCHES_FULL: usize = 6;
/// A turn this near to a line is on it, in average true ranges.
const TOUCH_ATRS: f64 = 0.4;
/// A close this far beyond a line has crossed it, in average true ranges.
const CROSS_ATRS: f64 = 0.5;
/// From the first turn of a line to its last, in bars, at least; and what is as good as more.
const SPAN_MIN: usize = 15;
const SPAN_FULL: usize = 120;
/// So many turns of a line may be those of a better one; with more it is the same line drawn again.
const SHARED_MAX: usize = 1;

/// The lines of both sides, the most certain first; at most [`LINES_MAX`] a side.
///
/// `swings` are those of [`turns`](super::swings::turns); `atr` is that of the last bar, and without one above 0 there
/// are no lines. Swings that are not confirmed by the last bar are ignored.
///
/// A support line runs through two of the latest 32 lows `i < j`. It stands where
///
/// ```text
/// close[b] >= line(b) - 0.5 atr        for every bar b from i to the last
/// |low[k] - line(k)| <= 0.4 atr        for 3 lows k >= i at least: its points
/// last point - first point >= 15 bars,  0 < line(last bar)
/// ```
///
/// Resistance is the same of negated prices. With `n` points, `span` bars from the first to the last of them, `age`
/// bars since the last, and `off` the mean distance of the points from the line,
///
/// ```text
/// confidence = 0.4 (n - 2) / 4  +  0.2 (span - 15) / 105  +  0.2 (1 - age / span)  +  0.2 (1 - off / (0.4 atr))
/// ```
///
/// with each term cut to its range. A line that shares two points with a more certain one of its side is left out.
#[must_use]
pub fn find(candles: &[Candle], swings: &[Swing], atr: f64) -> Vec<Trendline> {
    if atr.is_nan() || atr <= 0.0 {
        return Vec::new();
    }
    let mut lines = side(candles, swings, atr, Kind::Low);
    lines.extend(side(candles, swings, atr, Kind::High));
    lines.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    lines
}

/// A turn with its price as a low: highs are negated.
struct Turn {
    bar: usize,
    price: f64,
    point: Point,
}

/// A line that stands, by the turns on it.
struct Drawn {
    line: Line,
    /// Which of the turns, ascending.
    on: Vec<usize>,
    confidence: f64,
}

fn side(candles: &[Candle], swings: &[Swing], atr: f64, kind: Kind) -> Vec<Trendline> {
    let sign = if kind == Kind::Low { 1.0 } else { -1.0 };
    let known = swings.iter().rev().filter(|swing| swing.kind == kind && swing.confirmed < candles.len());
    let latest = known.take(TURNS_MAX);
    let mut turns: Vec<Turn> =
        latest.map(|swing| Turn { bar: swing.index, price: sign * swing.point.price, point: swing.point }).collect();
    turns.reverse();
    let mut standing = Vec::new();
    for from in 0..turns.len() {
        let steepest = steepest(candles, &turns[from], sign, CROSS_ATRS * atr);
        let through = (from + 1..turns.len()).filter_map(|to| draw(&turns, from, to, steepest, atr, candles.len() - 1));
        standing.extend(through.filter(|drawn| sign * drawn.line.at(candles.len() - 1) > 0.0));
    }
    // Stable: of equals, the earlier and shorter one comes first.
    standing.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    let mut kept: Vec<Drawn> = Vec::new();
    for drawn in standing {
        let shares = |other: &Drawn| drawn.on.iter().filter(|turn| other.on.contains(turn)).count();
        if kept.iter().all(|other| shares(other) <= SHARED_MAX) {
            kept.push(drawn);
        }
        if kept.len() == LINES_MAX {
            break;
        }
    }
    kept.iter().filter_map(|drawn| trendline(drawn, &turns, candles, sign)).collect()
}

/// The largest slope of a line from a turn that no close since is below by more than `tolerance`.
fn steepest(candles: &[Candle], from: &Turn, sign: f64, tolerance: f64) -> f64 {
    let floor = from.price - tolerance;
    let later = candles.iter().enumerate().skip(from.bar + 1);
    let slopes = later.map(|(bar, candle)| (sign * candle.close - floor) / bars(bar - from.bar));
    slopes.fold(f64::INFINITY, f64::min)
}

fn draw(turns: &[Turn], from: usize, to: usize, steepest: f64, atr: f64, now: usize) -> Option<Drawn> {
    let line = Line::between((turns[from].bar, turns[from].price), (turns[to].bar, turns[to].price))?;
    if line.slope() > steepest {
        return None;
    }
    let off = |turn: &Turn| (turn.price - line.at(turn.bar)).abs();
    let on: Vec<usize> = (from..turns.len()).filter(|&turn| off(&turns[turn]) <= TOUCH_ATRS * atr).collect();
    let last = turns[*on.last()?].bar;
    let span = last - turns[from].bar;
    if on.len() < TOUCHES_MIN || span < SPAN_MIN {
        return None;
    }
    let off = on.iter().map(|&turn| off(&turns[turn])).sum::<f64>() / bars(on.len());
    let touches = grade(bars(on.len()), 2.0, bars(TOUCHES_FULL));
    let length = grade(bars(span), bars(SPAN_MIN), bars(SPAN_FULL));
    let recency = grade(bars(now - last), bars(span), 0.0);
    let tightness = grade(off, TOUCH_ATRS * atr, 0.0);
    Some(Drawn { line, on, confidence: 0.4 * touches + 0.2 * (length + recency + tightness) })
}

fn trendline(drawn: &Drawn, turns: &[Turn], candles: &[Candle], sign: f64) -> Option<Trendline> {
    let points: Vec<Point> = drawn.on.iter().map(|&turn| turns[turn].point).collect();
    let price = sign * drawn.line.at(candles.len() - 1);
    Some(Trendline {
        side: if sign > 0.0 { Side::Support } else { Side::Resistance },
        from: *points.first()?,
        to: Point { time: candles.last()?.open_time, price },
        points,
        confidence: drawn.confidence,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::drawn;
    use crate::market::swings::{self, REACH, TURN_ATRS};

    fn turns(candles: &[Candle]) -> Vec<Swing> {
        swings::turns(candles, REACH, TURN_ATRS, &drawn::atr(candles))
    }

    fn lines(corners: &[(usize, f64)]) -> Vec<Trendline> {
        let candles = drawn::path(corners, 0.3);
        find(&candles, &turns(&candles), drawn::atr(&candles).pop().flatten().unwrap())
    }

    #[test]
    fn three_lows_on_a_line_that_no_close_crosses_are_support() {
        // Lows at 100, 110, 120 every 20 bars; highs without any order.
        let corners = [(0, 115.0), (20, 100.0), (30, 118.0), (40, 110.0), (52, 131.0), (60, 120.0), (70, 129.0)];
        let found = lines(&corners);
        assert_eq!(found.len(), 1, "{found:?}");
        let line = &found[0];
        assert_eq!((line.side, line.points.len()), (Side::Support, 3));
        assert_eq!((line.from, line.from.time), (line.points[0], drawn::time(20)));
        assert_eq!(line.to.time, drawn::time(70));
        assert!((line.to.price - 124.7).abs() < 0.2, "{:?}", line.to);
        // Two points are no line, a third that is off it is none, and a close below it ends it.
        assert_eq!(lines(&corners[..5]), []);
        let off = [&corners[..5], &[(60, 124.0), (70, 133.0)]].concat();
        assert_eq!(lines(&off), []);
        let crossed = [&corners[..], &[(80, 120.0)]].concat();
        assert!(lines(&crossed).iter().all(|line| line.side != Side::Support));
    }

    #[test]
    fn a_mirrored_chart_has_the_mirrored_lines() {
        let corners = [(0, 115.0), (20, 100.0), (30, 118.0), (40, 110.0), (52, 131.0), (60, 120.0), (70, 129.0)];
        let mirrored = corners.map(|(bar, price)| (bar, 240.0 - price));
        let (lines, mirrored) = (lines(&corners), lines(&mirrored));
        assert_eq!(mirrored[0].side, Side::Resistance);
        assert!((lines[0].to.price + mirrored[0].to.price - 240.0).abs() < 1e-9);
        assert!((lines[0].confidence - mirrored[0].confidence).abs() < 1e-9);
    }

    #[test]
    fn lines_are_few_uncrossed_and_those_of_their_bar() {
        for (name, candles) in drawn::charts() {
            let (atr, all) = (drawn::atr(&candles), turns(&candles));
            for now in (50..candles.len()).step_by(31) {
                let (past, atr) = (&candles[..=now], atr[now].unwrap());
                let lines = find(past, &all, atr);
                assert_eq!(lines, find(past, &turns(past), atr), "{name}, bar {now}");
                assert!(lines.len() <= 2 * LINES_MAX && lines.is_sorted_by(|a, b| a.confidence >= b.confidence));
                for line in &lines {
                    assert!((0.0..=1.0).contains(&line.confidence) && line.to.price > 0.0, "{line:?}");
                    assert!(line.points.len() >= TOUCHES_MIN);
                    let start = past.iter().position(|candle| candle.open_time == line.from.time).unwrap();
                    let drawn = Line::between((start, line.from.price), (now, line.to.price)).unwrap();
                    let crossed = |bar: usize| match line.side {
                        Side::Support => past[bar].close < drawn.at(bar) - CROSS_ATRS * atr * 1.000_001,
                        Side::Resistance => past[bar].close > drawn.at(bar) + CROSS_ATRS * atr * 1.000_001,
                    };
                    assert!(!(start..=now).any(crossed), "{name}, bar {now}: {line:?}");
                }
            }
        }
    }
}
