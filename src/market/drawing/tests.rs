//! Pictures, read back: what the chart says must stand in them, where it says.

use proptest::prelude::*;

use super::scene::{Role, Shape};
use super::*;
use crate::market::{drawn, samples};
use crate::model::{Candle, Interval, Point, Timestamp, Trendline};

fn series(candles: Vec<Candle>) -> Series {
    let (exchange, symbol) = ("binance".to_owned(), "BTCUSDT".to_owned());
    Series { exchange, symbol, interval: Interval::parse("1h").unwrap(), candles }
}

fn drawing(candles: Vec<Candle>) -> Option<(Chart, Drawing, Series)> {
    let series = series(candles);
    let chart = chart::read(&series)?;
    let drawing = Drawing::of(&series, &chart);
    Some((chart, drawing, series))
}

/// A path of an SVG: its letters, each with the numbers that follow it.
fn commands(path: &str) -> Vec<(char, Vec<f64>)> {
    let mut commands: Vec<(char, Vec<f64>)> = Vec::new();
    let mut rest = path;
    while let Some(next) = rest.chars().next() {
        if next.is_ascii_alphabetic() {
            commands.push((next, Vec::new()));
            rest = &rest[1..];
        } else if next == ' ' {
            rest = &rest[1..];
        } else {
            let end = rest[1..].find(|letter: char| letter == '-' || letter == ' ' || letter.is_ascii_alphabetic());
            let (number, after) = rest.split_at(end.map_or(rest.len(), |end| end + 1));
            commands.last_mut().unwrap().1.push(number.parse().unwrap());
            rest = after;
        }
    }
    commands
}

/// The paths of a class: their attribute `d`.
fn paths<'a>(svg: &'a str, class: &str) -> Vec<&'a str> {
    let start = format!("<path class=\"{class}");
    let of_class = svg.lines().filter(|line| line.starts_with(&start));
    of_class.map(|line| line.split_once(" d=\"").unwrap().1.split_once('"').unwrap().0).collect()
}

/// The places of lines.
fn places(path: &str) -> Vec<(f64, f64)> {
    let mut places = Vec::new();
    let mut at = (0.0, 0.0);
    for (letter, numbers) in commands(path) {
        for two in numbers.chunks(2) {
            at = if letter == 'M' { (two[0], two[1]) } else { (at.0 + two[0], at.1 + two[1]) };
            places.push(at);
        }
    }
    places
}

/// Pixels to bars and prices, found from the candles of the picture alone.
struct Ruler {
    left: f64,
    slot: f64,
    top: f64,
    high: f64,
    price_of_pixel: f64,
}

impl Ruler {
    fn of(svg: &str, shown: &[Candle]) -> Self {
        let (mut left, mut right, mut top, mut bottom) = (f64::MAX, f64::MIN, f64::MAX, f64::MIN);
        for wick in paths(svg, "wick").into_iter().flat_map(commands).collect::<Vec<_>>().chunks(5) {
            let (x, y, height) = (wick[0].1[0], wick[0].1[1], wick[2].1[0]);
            (left, right) = (left.min(x), right.max(x));
            (top, bottom) = (top.min(y), bottom.max(y + height));
        }
        let high = shown.iter().map(|candle| candle.high).fold(f64::MIN, f64::max);
        let low = shown.iter().map(|candle| candle.low).fold(f64::MAX, f64::min);
        let slot = (right - left) / bars::number(shown.len() - 1);
        Self { left: left + 0.5, slot, top, high, price_of_pixel: (high - low) / (bottom - top) }
    }

    /// Whether a place is that of a point, but for what rounding to pixels does.
    fn is_at(&self, place: (f64, f64), shown: &[Candle], point: &Point) -> bool {
        let bar = shown.iter().position(|candle| candle.open_time == point.time).unwrap();
        let x = self.left + bars::number(bar) * self.slot;
        (place.0 - x).abs() < 1.3 && (place.1 - self.y(point.price)).abs() < 1.6
    }

    fn y(&self, price: f64) -> f64 {
        self.top + (self.high - price) / self.price_of_pixel
    }

    /// Whether a price is within the pane, surely.
    fn holds(&self, price: f64) -> bool {
        (PRICE.top + 2.0..PRICE.bottom - 2.0).contains(&self.y(price))
    }
}

#[test]
fn every_finding_stands_where_its_bars_and_prices_are() {
    let (mut levels, mut lines, mut patterns) = (0, 0, 0);
    for (name, candles) in drawn::charts() {
        let (chart, drawing, series) = drawing(candles).unwrap();
        let svg = drawing.svg(Theme::Light);
        let shown = &series.candles;
        let ruler = Ruler::of(&svg, shown);
        let drawn: Vec<_> = paths(&svg, "level").into_iter().map(places).collect();
        for level in chart.levels.iter().filter(|level| ruler.holds(level.price)) {
            let from = Point { price: level.price, ..level.points[0] };
            let is_it = |line: &Vec<(f64, f64)>| ruler.is_at(line[0], shown, &from) && (line[1].0 - RIGHT).abs() < 0.1;
            assert!(drawn.iter().any(is_it), "{name}: {level:?} is not in {drawn:?}");
            levels += 1;
        }
        let tags = drawing.scene.items.iter().filter(|item| item.kind == "tag" && item.role != Role::OnFill);
        let of_levels = |role: Role| matches!(role, Role::Support | Role::Resistance);
        assert_eq!(tags.filter(|tag| of_levels(tag.role)).count(), chart.levels.len(), "{name}: every level has a tag");
        let drawn: Vec<_> = paths(&svg, "trendline").into_iter().map(places).collect();
        let both = |line: &&Trendline| ruler.holds(line.from.price) && ruler.holds(line.to.price);
        for line in chart.trendlines.iter().filter(both) {
            let is_it = |ends: &Vec<(f64, f64)>| {
                ruler.is_at(ends[0], shown, &line.from) && ruler.is_at(ends[1], shown, &line.to)
            };
            assert!(drawn.iter().any(is_it), "{name}: {line:?} is not in {drawn:?}");
            assert_eq!(line.to.time, shown.last().unwrap().open_time);
            lines += 1;
        }
        patterns += check_patterns(&name, &chart, &svg, shown, &ruler);
    }
    assert!(levels > 20 && lines > 10 && patterns > 40, "{levels} levels, {lines} lines, {patterns} patterns");
}

/// Patterns are drawn in the chart's order: those with two points or more as lines through them.
fn check_patterns(name: &str, chart: &Chart, svg: &str, shown: &[Candle], ruler: &Ruler) -> usize {
    let joined = |path: &&str| path.contains('l');
    let drawn: Vec<_> = paths(svg, "pattern").into_iter().filter(joined).map(places).collect();
    let several: Vec<_> = chart.patterns.iter().filter(|pattern| pattern.points.len() > 1).collect();
    assert_eq!(drawn.len(), several.len(), "{name}: every pattern is drawn");
    for (pattern, places) in several.iter().zip(drawn) {
        assert_eq!(places.len(), pattern.points.len(), "{name}: {pattern:?}");
        for (point, place) in pattern.points.iter().zip(places) {
            assert!(ruler.is_at(place, shown, point), "{name}: {place:?} for {point:?}");
        }
    }
    let marked = paths(svg, "pattern").into_iter().filter(|path| !joined(path)).count();
    assert_eq!(marked, chart.patterns.len(), "{name}: every pattern has its points marked");
    several.len()
}

#[test]
fn no_label_runs_over_another() {
    for (name, candles) in drawn::charts() {
        let (chart, drawing, _) = drawing(candles).unwrap();
        let items = &drawing.scene.items;
        let plates = items.windows(2).filter(|two| two[1].kind == "label").map(|two| match &two[0].shape {
            Shape::Blocks(blocks) => blocks[0],
            other => panic!("{name}: {other:?} lies below a label"),
        });
        let plates: Vec<_> = plates.collect();
        let apart = |a: &scene::Block, b: &scene::Block| {
            a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y
        };
        for (at, plate) in plates.iter().enumerate() {
            assert!(plates[..at].iter().all(|other| apart(plate, other)), "{name}: {plates:?}");
        }
        assert!(chart.patterns.is_empty() || !plates.is_empty(), "{name}: there are labels");
    }
}

#[test]
fn themes_differ_in_colours_and_in_nothing_else() {
    let (_, drawing, _) = drawing(drawn::walk(1, 300)).unwrap();
    let [light, dark] = [Theme::Light, Theme::Dark].map(|theme| drawing.svg(theme));
    let colourless = |svg: &str| -> String {
        svg.split("=\"#").map(|part| part.split_at_checked(6).map_or(part, |(_, rest)| rest)).collect()
    };
    assert_ne!(light, dark);
    assert_eq!(colourless(&light), colourless(&dark));
    assert_eq!(["light", "dark", "Dark"].map(Theme::parse), [Some(Theme::Light), Some(Theme::Dark), None]);
}

#[test]
fn a_png_has_its_size_and_the_same_bytes_every_time() {
    let (_, drawing_of, series) = drawing(drawn::walk(2, 1_500)).unwrap();
    let again = drawing(series.candles.clone()).unwrap().1;
    for theme in [Theme::Light, Theme::Dark] {
        let png = drawing_of.png(theme).unwrap();
        assert_eq!(png, again.png(theme).unwrap());
        assert_eq!(drawing_of.svg(theme), again.svg(theme));
        assert!(png.len() < 80 * 1024, "{} bytes", png.len());
        assert!(drawing_of.svg(theme).len() < 200 * 1024, "{} bytes", drawing_of.svg(theme).len());
        let mut decoder = png::Decoder::new(io::Cursor::new(png));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let frame = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((frame.width as usize, frame.height as usize), (WIDTH, HEIGHT));
        assert_eq!(pixels.len(), WIDTH * HEIGHT * 3);
        let count = |role: Role| pixels.chunks(3).filter(|pixel| **pixel == theme.colour(role)).count();
        assert!(count(Role::Surface) > WIDTH * HEIGHT / 3 && count(Role::Up) > 500 && count(Role::Down) > 500);
    }
}

#[test]
fn names_from_outside_are_cut_and_escaped() {
    let candles = drawn::walk(3, 60);
    let chart = chart::read(&series(candles.clone())).unwrap();
    let hostile = "</title><script>alert('\"&')</script>\u{0}\u{202e}\u{fffe}\n".repeat(50);
    let series = Series { exchange: hostile.clone(), symbol: hostile, ..series(candles) };
    let svg = Drawing::of(&series, &chart).svg(Theme::Dark);
    assert!(!svg.contains("<script") && svg.contains("&lt;script&gt;"), "{}", &svg[..600]);
    assert_eq!(svg.matches("</title>").count(), svg.matches("<title>").count());
    assert!(!svg.contains(['\u{0}', '\u{202e}', '\u{fffe}']));
    assert!(svg.starts_with("<svg xmlns=") && svg.contains("role=\"img\"") && svg.contains("<title>"));
}

/// Draws, and looks for what no picture may hold.
fn check(series: &Series, chart: &Chart) -> Result<(), TestCaseError> {
    let drawing = Drawing::of(series, chart);
    let svg = drawing.svg(Theme::Light);
    prop_assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    prop_assert!(svg.len() < 250 * 1024);
    for line in svg.lines().filter(|line| line.starts_with("<path")) {
        let path = line.split_once(" d=\"").unwrap().1.split_once('"').unwrap().0;
        let first = commands(path)[0].1[0];
        prop_assert!((0.0..=1_280.0).contains(&first), "{line}");
    }
    let png = drawing.png(Theme::Dark).unwrap();
    prop_assert!(png.starts_with(b"\x89PNG"));
    Ok(())
}

#[test]
fn odd_charts_have_a_picture() {
    for (name, candles) in samples::odd() {
        let series = series(candles);
        // A series without bars has no chart: it is drawn with that of another.
        let chart = chart::read(&series).or_else(|| chart::read(&self::series(drawn::walk(4, 60)))).unwrap();
        check(&series, &chart).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

fn price() -> impl Strategy<Value = f64> {
    prop_oneof![any::<f64>(), -10.0..10.0, Just(f64::NAN), Just(f64::INFINITY), Just(1e18), Just(-1e18), Just(0.0)]
}

fn hostile() -> impl Strategy<Value = Candle> {
    let time = prop_oneof![any::<i64>(), 0..100_i64];
    (time, price(), price(), price(), price(), price()).prop_map(|(time, open, high, low, close, volume)| Candle {
        open_time: Timestamp(time),
        open,
        high,
        low,
        close,
        volume,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn hostile_candles_have_a_picture(
        mut candles in prop::collection::vec(hostile(), 0..80),
        prices in prop::collection::vec(price(), 40),
        is_sorted in any::<bool>(),
    ) {
        if is_sorted {
            candles.sort_by_key(|candle| candle.open_time);
        }
        let mut chart = chart::read(&series(drawn::walk(5, 300))).unwrap();
        let mut prices = prices.into_iter().cycle();
        let times: Vec<Timestamp> = candles.iter().map(|candle| candle.open_time).collect();
        let mut times = times.into_iter().chain([Timestamp(0)]).cycle();
        let mut point = |point: &mut Point| {
            *point = Point { time: times.next().unwrap(), price: prices.next().unwrap() };
        };
        chart.levels.iter_mut().flat_map(|level| &mut level.points).for_each(&mut point);
        for line in &mut chart.trendlines {
            [&mut line.from, &mut line.to].into_iter().chain(&mut line.points).for_each(&mut point);
        }
        chart.patterns.iter_mut().flat_map(|pattern| &mut pattern.points).for_each(&mut point);
        let mut other = chart.patterns.iter().flat_map(|pattern| &pattern.points).map(|point| point.price);
        for level in &mut chart.levels {
            level.price = other.next().unwrap_or(f64::NAN);
            level.confidence = f64::NAN;
        }
        check(&series(candles), &chart)?;
    }

    #[test]
    fn walks_of_any_size_have_a_picture(candles in samples::walks(0..120)) {
        if let Some((chart, _, series)) = drawing(candles) {
            check(&series, &chart)?;
        }
    }
}
