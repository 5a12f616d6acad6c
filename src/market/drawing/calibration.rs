//! The picture of stated probabilities against what came of them: a reliability diagram for each horizon (Wilks,
//! *Statistical Methods in the Atmospheric Sciences*, 4th ed., ch. 9).
//!
//! A dot is a bin of forecasts: to the right what they said, upwards how often it came, with the interval of that. On the
//! diagonal a forecaster is calibrated; on the dotted level, how often it came on the whole, forecasts say nothing. The
//! bars beside a diagram say how many forecasts are behind each dot.

use super::scene::{Anchor, Area, Role, Scene, Shape, Spot, Style};

/// Panels of a picture.
pub const PANELS_MAX: usize = 4;
/// Panels beside one another.
const COLUMNS: usize = 2;

/// Sizes in pixels: of a panel, its diagram, and what stands beside that.
const PANEL: (f64, f64) = (632.0, 366.0);
const FIRST: (f64, f64) = (56.0, 84.0);
const SIDE: f64 = 290.0;
const BESIDE: f64 = 330.0;
const BARS: (f64, f64) = (230.0, 110.0);
const DOT: f64 = 4.5;
const LINE_HEIGHT: f64 = 18.0;
/// From the middle of a line of letters to what they stand on.
const TO_BASELINE: f64 = 4.0;
/// Marks of an axis from 0 to 1.
const MARKS: [f64; 6] = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0];

/// What is drawn.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Calibration {
    /// In a sentence.
    pub title: String,
    /// At most [`PANELS_MAX`] are drawn.
    pub panels: Vec<Panel>,
}

/// A diagram.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Panel {
    /// Such as `after 4h`.
    pub name: String,
    /// What there is to say in words, a line each.
    pub facts: Vec<String>,
    /// How often it came on the whole, 0 to 1.
    pub came: Option<f64>,
    /// Ascending by what was stated.
    pub dots: Vec<Dot>,
}

/// A bin of forecasts; shares are 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dot {
    /// Their mean.
    pub stated: f64,
    /// How often it came.
    pub came: f64,
    /// Between which shares that is likely to lie.
    pub range: Option<(f64, f64)>,
    /// How many they are.
    pub count: u64,
}

pub(super) fn draw(calibration: &Calibration) -> Scene {
    let mut scene = Scene { title: super::scene::clean(&calibration.title, 160), ..Scene::default() };
    let title = scene.title.clone();
    scene.text(Role::Text, Style::Title, Anchor::Start, Spot { x: 20.0, y: 30.0 }, title);
    let about = "Across: the stated probability of a rise. Up: how often the price rose. On the diagonal both agree.";
    scene.text(Role::Muted, Style::Small, Anchor::Start, Spot { x: 20.0, y: 50.0 }, about);
    for (number, panel) in calibration.panels.iter().take(PANELS_MAX).enumerate() {
        let place = |number: usize| f64::from(u8::try_from(number).unwrap_or(0));
        let left = FIRST.0 + place(number % COLUMNS) * PANEL.0;
        let top = FIRST.1 + place(number / COLUMNS) * PANEL.1;
        // What is no number has no place.
        let is_somewhere = |dot: &&Dot| dot.stated.is_finite() && dot.came.is_finite();
        let dots: Vec<Dot> = panel.dots.iter().filter(is_somewhere).copied().collect();
        diagram(&mut scene, &Area { left, top, right: left + SIDE, bottom: top + SIDE }, panel.came, &dots);
        beside(&mut scene, Spot { x: left + BESIDE, y: top }, panel, &dots);
    }
    scene
}

fn place(area: &Area, across: f64, up: f64) -> Spot {
    let within = |share: f64| if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
    Spot { x: area.left + within(across) * area.width(), y: area.bottom - within(up) * (area.bottom - area.top) }
}

fn diagram(scene: &mut Scene, area: &Area, came: Option<f64>, dots: &[Dot]) {
    let line = |from: (f64, f64), to: (f64, f64)| vec![place(area, from.0, from.1), place(area, to.0, to.1)];
    let grid = MARKS.iter().flat_map(|mark| [line((*mark, 0.0), (*mark, 1.0)), line((0.0, *mark), (1.0, *mark))]);
    scene.lines(Role::Grid, 1.0, grid.collect());
    for mark in MARKS {
        let text = format!("{:.0}%", mark * 100.0);
        let (below, beside) = (place(area, mark, 0.0), place(area, 0.0, mark));
        let under = Spot { y: below.y + 15.0, ..below };
        scene.text(Role::Muted, Style::Small, Anchor::Middle, under, text.clone());
        let before = Spot { x: beside.x - 6.0, y: beside.y + TO_BASELINE };
        scene.text(Role::Muted, Style::Small, Anchor::End, before, text);
    }
    scene.lines(Role::Border, 1.0, vec![line((0.0, 1.0), (0.0, 0.0)), line((0.0, 0.0), (1.0, 0.0))]);
    let dashed = |lines, dash| Shape::Lines { lines, width: 1.2, dash: Some(dash) };
    scene.add(Role::Muted, dashed(vec![line((0.0, 0.0), (1.0, 1.0))], (6.0, 4.0)));
    if let Some(came) = came {
        scene.add(Role::Mean, dashed(vec![line((0.0, came), (1.0, came))], (2.0, 3.0)));
    }
    let ranges = dots.iter().filter_map(|dot| {
        let (low, high) = dot.range?;
        Some(line((dot.stated, low), (dot.stated, high)))
    });
    scene.lines(Role::Ema20, 1.6, ranges.collect());
    let centres: Vec<Spot> = dots.iter().map(|dot| place(area, dot.stated, dot.came)).collect();
    if centres.len() > 1 {
        scene.lines(Role::Ema20, 1.2, vec![centres.clone()]);
    }
    for (dot, centre) in dots.iter().zip(centres) {
        let about =
            format!("stated {:.1}%, came {:.1}%, of {} signals", dot.stated * 100.0, dot.came * 100.0, dot.count);
        scene.tell(Role::Ema20, Shape::Discs { centres: vec![centre], radius: DOT }, "bin", about);
    }
}

/// The name, what is said in words, and how many forecasts there are of each probability.
fn beside(scene: &mut Scene, at: Spot, panel: &Panel, dots: &[Dot]) {
    let text = |scene: &mut Scene, style, role, line: f64, text: &str| {
        let spot = Spot { x: at.x, y: at.y + 12.0 + line * LINE_HEIGHT };
        scene.text(role, style, Anchor::Start, spot, super::scene::clean(text, 64));
    };
    text(scene, Style::Title, Role::Text, 0.0, &panel.name);
    for (line, fact) in (1..8_u8).zip(&panel.facts) {
        text(scene, Style::Small, Role::Text, f64::from(line) + 0.3, fact);
    }
    let bottom = at.y + SIDE;
    let area = Area { left: at.x, top: bottom - BARS.1, right: at.x + BARS.0, bottom };
    let Some(most) = dots.iter().map(|dot| dot.count).max() else {
        let middle = Spot { x: area.left, y: area.middle() };
        return scene.text(Role::Muted, Style::Small, Anchor::Start, middle, "no signal is measured yet");
    };
    scene.text(
        Role::Muted,
        Style::Small,
        Anchor::Start,
        Spot { x: at.x, y: area.top - 10.0 },
        format!("signals, at most {most} in a bin"),
    );
    for dot in dots {
        let height = share(dot.count, most);
        let (foot, head) = (place(&area, dot.stated, 0.0), place(&area, dot.stated, height));
        scene.block(Role::Ema20, Area { left: foot.x - 5.0, top: head.y, right: foot.x + 5.0, bottom: foot.y });
    }
    scene.lines(Role::Border, 1.0, vec![vec![place(&area, 0.0, 0.0), place(&area, 1.0, 0.0)]]);
    for (mark, text) in [(0.0, "0%"), (0.5, "50%"), (1.0, "100%")] {
        let under = Spot { y: area.bottom + 15.0, ..place(&area, mark, 0.0) };
        scene.text(Role::Muted, Style::Small, Anchor::Middle, under, text);
    }
}

#[expect(clippy::cast_precision_loss, reason = "a height in pixels")]
fn share(count: u64, most: u64) -> f64 {
    count as f64 / most.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::drawing::{Drawing, Theme};

    #[test]
    fn every_bin_is_a_dot_at_its_place() {
        let dot = |stated, came, count| Dot { stated, came, range: Some((came - 0.1, came + 0.1)), count };
        let panel = Panel {
            name: "after <4h>".to_owned(),
            facts: vec!["60 calls".to_owned()],
            came: Some(0.5),
            dots: vec![dot(0.25, 0.0, 20), dot(0.75, 1.0, 40)],
        };
        let nothing = Panel { name: "after 72h".to_owned(), ..Panel::default() };
        let odd = Panel { dots: vec![dot(f64::NAN, f64::INFINITY, 0)], ..Panel::default() };
        let drawing = Drawing::of_calibration(&Calibration {
            title: "all signals".to_owned(),
            panels: vec![panel, nothing, odd],
        });
        let svg = drawing.svg(Theme::Light);
        let discs: Vec<&str> = svg.lines().filter(|line| line.contains("class=\"bin\"")).collect();
        assert_eq!(discs.len(), 2, "what is no number is left out");
        // A circle begins at its left end: 56 + 290/4 − 4.5, at the bottom of the diagram.
        assert!(discs[0].contains("M124 374"), "{}", discs[0]);
        assert!(discs[1].contains("M269 84"), "{}", discs[1]);
        assert!(discs[0].contains("stated 25.0%, came 0.0%, of 20 signals"), "{}", discs[0]);
        assert!(svg.contains("after &lt;4h&gt;") && svg.contains("no signal is measured yet"));
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
        assert!(drawing.png(Theme::Dark).unwrap().starts_with(b"\x89PNG"));
    }
}
