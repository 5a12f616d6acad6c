//! Drawn charts of every formation and near misses; laws on random and real charts.

use super::*;
use crate::market::drawn::{self, atr, path, time};
use crate::model::Timestamp;

const WICK: f64 = 0.5;

/// Corners of a chart that shows one formation, and points in a row that it rests on, and the bars that it may complete
/// at.
struct Case {
    name: &'static str,
    mirrored: &'static str,
    direction: Direction,
    corners: &'static [(usize, f64)],
    points: &'static [usize],
    completed: std::ops::RangeInclusive<usize>,
}

const CASES: &[Case] = &[
    Case {
        name: "double_top",
        mirrored: "double_bottom",
        direction: Direction::Bearish,
        corners: &[(0, 100.0), (25, 80.0), (55, 110.0), (67, 98.0), (79, 110.3), (100, 85.0)],
        points: &[55, 67, 79],
        completed: 89..=90,
    },
    Case {
        name: "head_and_shoulders",
        mirrored: "inverse_head_and_shoulders",
        direction: Direction::Bearish,
        corners: &[(0, 100.0), (25, 80.0), (45, 100.0), (55, 90.0), (70, 112.0), (85, 90.5), (97, 100.5), (120, 78.0)],
        points: &[45, 55, 70, 85, 97],
        completed: 107..=108,
    },
    Case {
        name: "ascending_triangle",
        mirrored: "descending_triangle",
        direction: Direction::Bullish,
        corners: &[
            (0, 100.0),
            (25, 80.0),
            (40, 110.0),
            (52, 90.0),
            (62, 110.0),
            (70, 96.0),
            (78, 110.0),
            (86, 102.5),
            (100, 125.0),
        ],
        points: &[40, 52, 62, 70, 78],
        completed: 91..=92,
    },
    Case {
        name: "symmetrical_triangle",
        mirrored: "symmetrical_triangle",
        direction: Direction::Bullish,
        corners: &[
            (0, 100.0),
            (25, 80.0),
            (40, 115.0),
            (52, 90.0),
            (63, 111.0),
            (73, 94.5),
            (82, 107.0),
            (89, 99.5),
            (100, 125.0),
        ],
        points: &[40, 52, 63, 73, 82],
        completed: 91..=92,
    },
    Case {
        name: "falling_wedge",
        mirrored: "rising_wedge",
        direction: Direction::Bullish,
        corners: &[
            (0, 100.0),
            (25, 90.0),
            (40, 120.0),
            (52, 97.0),
            (62, 110.0),
            (72, 93.0),
            (82, 101.2),
            (89, 94.5),
            (100, 115.0),
        ],
        points: &[40, 52, 62, 72, 82],
        completed: 91..=92,
    },
    Case {
        name: "rising_channel",
        mirrored: "falling_channel",
        direction: Direction::Bullish,
        corners: &[
            (0, 100.0),
            (22, 80.0),
            (40, 110.0),
            (50, 98.0),
            (60, 120.0),
            (70, 108.0),
            (80, 130.0),
            (90, 118.0),
            (100, 140.0),
        ],
        points: &[40, 50, 60, 70, 80, 90],
        completed: 93..=95,
    },
    Case {
        name: "horizontal_channel",
        mirrored: "horizontal_channel",
        direction: Direction::Neutral,
        corners: &[
            (0, 100.0),
            (22, 80.0),
            (40, 110.0),
            (50, 98.0),
            (60, 110.0),
            (70, 98.0),
            (80, 110.0),
            (90, 98.0),
            (99, 109.0),
        ],
        points: &[40, 50, 60, 70, 80, 90],
        completed: 93..=95,
    },
    Case {
        name: "bull_flag",
        mirrored: "bear_flag",
        direction: Direction::Bullish,
        corners: &[(0, 100.0), (30, 98.0), (38, 114.0), (50, 110.0), (56, 122.0)],
        points: &[30, 38, 50],
        completed: 51..=51,
    },
    Case {
        name: "bull_pennant",
        mirrored: "bear_pennant",
        direction: Direction::Bullish,
        corners: &[
            (0, 100.0),
            (30, 98.0),
            (38, 114.0),
            (40, 109.0),
            (42, 113.0),
            (44, 110.0),
            (46, 112.5),
            (48, 110.8),
            (50, 112.0),
            (52, 111.3),
            (58, 122.0),
        ],
        points: &[30, 38, 40],
        completed: 53..=53,
    },
];

fn read(candles: &[Candle]) -> Vec<Pattern> {
    find(candles, &swings::find(candles, REACH), &atr(candles), 0)
}

fn of_name(candles: &[Candle], name: &str) -> Vec<Pattern> {
    read(candles).into_iter().filter(|pattern| pattern.name == name).collect()
}

fn bars(points: &[Point]) -> Vec<usize> {
    points.iter().map(|point| usize::try_from(point.time.0).unwrap() / 3_600_000).collect()
}

fn opposite(direction: Direction) -> Direction {
    match direction {
        Direction::Bullish => Direction::Bearish,
        Direction::Bearish => Direction::Bullish,
        Direction::Neutral => Direction::Neutral,
    }
}

#[test]
fn every_formation_is_found_where_it_is_drawn_and_in_the_mirror() {
    for case in CASES {
        let candles = path(case.corners, WICK);
        let found = of_name(&candles, case.name);
        let pattern = found.first().unwrap_or_else(|| panic!("no {} in {:#?}", case.name, read(&candles)));
        assert_eq!(found.len(), 1, "{}: {found:#?}", case.name);
        let points = bars(&pattern.points);
        assert!(points.windows(case.points.len()).any(|run| run == case.points), "{}: {points:?}", case.name);
        assert_eq!(pattern.direction, case.direction, "{}", case.name);
        let completed = bars(&[Point { time: pattern.confirmed_at, price: 0.0 }])[0];
        assert!(case.completed.contains(&completed), "{} at {completed}", case.name);
        assert!(pattern.confidence > 0.4 && pattern.confidence <= 1.0, "{}: {}", case.name, pattern.confidence);

        let corners: Vec<_> = case.corners.iter().map(|(bar, price)| (*bar, 200.0 - price)).collect();
        let mirrored = of_name(&path(&corners, WICK), case.mirrored);
        assert_eq!(mirrored.len(), 1, "{}: {mirrored:#?}", case.mirrored);
        assert_eq!(mirrored[0].direction, opposite(case.direction));
        assert_eq!(mirrored[0].confirmed_at, pattern.confirmed_at);
        assert!((mirrored[0].confidence - pattern.confidence).abs() < 1e-9, "{}", case.name);
        for (there, here) in mirrored[0].points.iter().zip(&pattern.points) {
            assert_eq!(there.time, here.time);
            assert!((there.price + here.price - 200.0).abs() < 1e-9);
        }
    }
}

/// The corners of a case, some of them elsewhere.
fn moved(name: &str, elsewhere: &[(usize, f64)]) -> Vec<Candle> {
    let case = CASES.iter().find(|case| case.name == name).unwrap();
    let price = |(bar, price): (usize, f64)| elsewhere.iter().find(|to| to.0 == bar).map_or(price, |to| to.1);
    path(&case.corners.iter().map(|corner| (corner.0, price(*corner))).collect::<Vec<_>>(), WICK)
}

#[test]
fn near_misses_are_none() {
    for (name, why, elsewhere) in [
        ("double_top", "unequal tops", &[(79, 106.0)][..]),
        ("double_top", "held above the valley", &[(100, 99.0)]),
        ("double_top", "no rise before", &[(25, 99.0)]),
        ("double_top", "a shallow valley", &[(67, 108.5)]),
        ("head_and_shoulders", "shoulders above the head", &[(70, 99.0)]),
        ("head_and_shoulders", "unequal shoulders", &[(97, 107.0)]),
        ("head_and_shoulders", "a steep neckline", &[(85, 97.0)]),
        ("head_and_shoulders", "held above the neckline", &[(120, 93.0)]),
        ("head_and_shoulders", "no rise before", &[(25, 95.0), (0, 110.0)]),
        ("ascending_triangle", "tops that fall", &[(62, 104.0), (78, 102.5)]),
        ("ascending_triangle", "held below the tops", &[(100, 109.0)]),
        ("symmetrical_triangle", "lines that run apart", &[(63, 120.0), (82, 126.0)]),
        ("falling_wedge", "parallel lines", &[(72, 88.0)]),
        ("rising_channel", "a top off the line", &[(60, 125.0)]),
        ("rising_channel", "lines that run apart", &[(60, 124.0), (80, 138.0), (100, 150.0)]),
        ("horizontal_channel", "lines that rise", &[(60, 118.0), (70, 106.0), (80, 126.0), (90, 114.0)]),
        ("bull_flag", "most of the pole given back", &[(50, 102.0)]),
        ("bull_flag", "a rest that rises", &[(50, 117.0)]),
        ("bull_flag", "no pole", &[(38, 103.0), (50, 102.0)]),
        ("bull_flag", "the move does not go on", &[(56, 107.0)]),
        ("bull_pennant", "the move does not go on", &[(58, 105.0)]),
    ] {
        assert_eq!(of_name(&moved(name, elsewhere), name), [], "{name}: {why}");
    }
}

#[test]
fn other_prices_and_times_give_the_same_formations() {
    let charts = CASES.iter().map(|case| path(case.corners, WICK)).chain([drawn::walk(7, 1000)]);
    for candles in charts {
        let expected = read(&candles);
        for (scale, shift) in [(1e-6, 0), (1e6, 1_700_000_000_000)] {
            let moved = candles.iter().map(|candle| Candle {
                open_time: Timestamp(candle.open_time.0 + shift),
                open: candle.open * scale,
                high: candle.high * scale,
                low: candle.low * scale,
                close: candle.close * scale,
                volume: 0.0,
            });
            let found = read(&moved.collect::<Vec<_>>());
            assert_eq!(found.len(), expected.len(), "by {scale}: {found:#?} {expected:#?}");
            for (there, here) in found.iter().zip(&expected) {
                assert_eq!((&there.name, there.direction), (&here.name, here.direction));
                assert_eq!(there.confirmed_at.0, here.confirmed_at.0 + shift);
                assert!((there.confidence - here.confidence).abs() < 1e-6);
                assert_eq!(bars(&here.points).len(), there.points.len());
                for (there, here) in there.points.iter().zip(&here.points) {
                    assert_eq!(there.time.0, here.time.0 + shift);
                    assert!((there.price / (here.price * scale) - 1.0).abs() < 1e-12);
                }
            }
        }
    }
}

#[test]
fn later_bars_neither_change_nor_remove_a_formation() {
    let mut names = std::collections::BTreeSet::new();
    for (chart, candles) in drawn::charts() {
        let (all, later, atr) = (read(&candles), swings::find(&candles, REACH), atr(&candles));
        for bars in (0..=candles.len()).step_by(9) {
            let known: Vec<Pattern> = all.iter().filter(|pattern| pattern.confirmed_at < time(bars)).cloned().collect();
            let (past, swings) = (&candles[..bars], swings::find(&candles[..bars], REACH));
            assert_eq!(find(past, &swings, &atr[..bars], 0), known, "{chart}, {bars} bars");
            assert_eq!(find(past, &later, &atr[..bars], 0), known, "{chart}, {bars} bars, with later swings");
            let since = bars.saturating_sub(60);
            let recent: Vec<Pattern> =
                known.into_iter().filter(|pattern| pattern.confirmed_at >= time(since)).collect();
            assert_eq!(find(past, &swings, &atr[..bars], since), recent, "{chart}, {bars} bars, since {since}");
        }
        for pattern in &all {
            assert!((0.0..=1.0).contains(&pattern.confidence), "{pattern:?}");
            assert!(pattern.points.is_sorted_by(|a, b| a.time < b.time), "{pattern:?}");
            assert!(pattern.points.iter().all(|point| point.time < pattern.confirmed_at && point.price.is_finite()));
        }
        assert!(all.is_sorted_by(|a, b| (b.confirmed_at, &a.name) < (a.confirmed_at, &b.name)), "{chart}");
        names.extend(all.into_iter().map(|pattern| pattern.name));
    }
    assert!(names.len() >= 12, "the charts show nearly all of them: {names:?}");
}

#[test]
fn random_walks_show_few() {
    let found: usize = (100..120).map(|seed| read(&drawn::walk(seed, 1000)).len()).sum();
    // A definition that fits chance is none: about one in 60 bars for all fifteen names together.
    assert!((100..=400).contains(&found), "{found} in 20,000 bars");
}

#[test]
fn charts_without_turns_are_empty() {
    let flat = path(&[(0, 100.0), (300, 100.0)], 0.0);
    let rising = path(&[(0, 100.0), (300, 400.0)], 0.5);
    let short = drawn::walk(1, 50);
    assert_eq!(read(&flat), []);
    assert_eq!(read(&rising), []);
    assert!(read(&short).len() <= 2);
    assert_eq!(read(&[]), []);
    let walk = drawn::walk(2, 500);
    let swings = swings::find(&walk, REACH);
    for nothing in [None, Some(0.0), Some(f64::NAN)] {
        assert_eq!(find(&walk, &swings, &vec![nothing; walk.len()], 0), []);
    }
    assert_eq!(find(&walk, &swings, &[], 0), []);
    assert_eq!(find(&walk, &swings, &atr(&walk), 500), []);
}
