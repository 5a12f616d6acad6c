//! The panes below the price: volume, relative strength, MACD.

use super::bars::{Bars, PRICE_MAX};
use super::figures;
use super::glyphs::width;
use super::price::crisp;
use super::scale::Scale;
use super::scene::{Anchor, Area, Block, Role, Scene, Shape, Spot, Style};
use super::tags::{self, Tag};
use super::{MACD, RSI, VOLUME};

/// Room above, for the pane's name.
const NAME_ROOM: f64 = 20.0;
/// Bars in the mean of volume.
const MEAN_BARS: usize = 20;
/// From one mark of an axis to the next.
const MARKS_APART: f64 = 24.0;
/// Above and below, the market is taken as overbought and oversold (Wilder, 1978).
const RSI_BOUNDS: (f64, f64) = (30.0, 70.0);

/// A pane's name and its last values, on a plate over what is drawn.
fn name(scene: &mut Scene, pane: &Area, parts: &[(Role, String)]) {
    let (x, y) = (pane.left + 8.0, pane.top + 15.0);
    let widths = parts.iter().map(|(_, text)| width(text, Style::Small) + 7.0).sum::<f64>();
    scene.block(Role::Plate, Area { left: x - 4.0, top: pane.top + 4.0, right: x + widths, bottom: y + 4.0 });
    let mut x = x;
    for (role, text) in parts {
        scene.text(*role, Style::Small, Anchor::Start, Spot { x, y }, text.clone());
        x += width(text, Style::Small) + 7.0;
    }
}

fn says(scene: &mut Scene, pane: &Area, text: &str) {
    let middle = Spot { x: f64::midpoint(pane.left, pane.right), y: pane.middle() + tags::TO_BASELINE };
    scene.text(Role::Muted, Style::Small, Anchor::Middle, middle, text);
}

fn level(pane: &Area, y: f64) -> Vec<Spot> {
    vec![Spot { x: pane.left, y: crisp(y) }, Spot { x: pane.right, y: crisp(y) }]
}

fn axis(scene: &mut Scene, pane: &Area, scale: &Scale, text: impl Fn(f64, f64) -> String) -> Vec<(f64, String)> {
    let step = scale.step(MARKS_APART);
    let marks = scale.marks(step, pane);
    scene.lines(Role::Grid, 1.0, marks.iter().map(|mark| level(pane, scale.y(*mark))).collect());
    marks.into_iter().map(|mark| (scale.y(mark), text(mark, step))).collect()
}

/// Volume by the direction of its bar, and its mean.
pub(super) fn volume(scene: &mut Scene, bars: &Bars<'_>) {
    let highest = bars.shown().iter().map(|candle| candle.volume).fold(0.0, f64::max);
    if highest <= 0.0 {
        name(scene, &VOLUME, &[(Role::Muted, "Volume".to_owned())]);
        return says(scene, &VOLUME, "no volume");
    }
    let scale = Scale::new(0.0, highest, &VOLUME, NAME_ROOM, 1.0);
    let marks = axis(scene, &VOLUME, &scale, |mark, _| figures::volume(mark));
    let block = |bar: usize, volume: f64| bars.block(bar, scale.y(volume), scale.y(0.0), false);
    let [rises, falls] =
        bars.split(|bar, candle| (candle.volume > 0.0).then(|| block(bar, candle.volume)));
    scene.blocks(Role::UpFaint, rises);
    scene.blocks(Role::DownFaint, falls);
    let mean = |bar: usize| -> Option<f64> {
        let window = &bars.all[(bar + 1).checked_sub(MEAN_BARS)?..=bar];
        Some(window.iter().map(|candle| candle.volume).sum::<f64>() / super::bars::number(MEAN_BARS))
    };
    let spots =
        (bars.first..bars.all.len()).map(|bar| mean(bar).map(|mean| Spot { x: bars.x(bar), y: scale.y(mean) }));
    scene.lines(Role::Mean, 1.2, super::bars::joined(&VOLUME, spots));
    let mut parts = vec![(Role::Muted, "Volume".to_owned())];
    parts.extend(bars.all.last().map(|last| (Role::Text, figures::volume(last.volume))));
    let newest = bars.all.len().checked_sub(1).and_then(mean);
    parts.extend(newest.map(|mean| (Role::Mean, format!("mean 20  {}", figures::volume(mean)))));
    name(scene, &VOLUME, &parts);
    tags::draw(scene, &VOLUME, &marks, Vec::new());
}

/// RSI 14 between 0 and 100, with its bounds.
pub(super) fn rsi(scene: &mut Scene, bars: &Bars<'_>) {
    let scale = Scale::new(0.0, 100.0, &RSI, 5.0, 5.0);
    let (low, high) = (scale.y(RSI_BOUNDS.0), scale.y(RSI_BOUNDS.1));
    scene.block(Role::RsiZone, Area { top: high, bottom: low, ..RSI });
    let lines = vec![level(&RSI, low), level(&RSI, high)];
    scene.add(Role::Border, Shape::Lines { lines, width: 1.0, dash: Some((4.0, 3.0)) });
    scene.lines(Role::Rsi, 1.3, bars.line(&RSI, |value| scale.y(value), |at| at.rsi14));
    let last = bars.indicators.last().and_then(|at| at.rsi14);
    let mut parts = vec![(Role::Muted, "RSI 14".to_owned())];
    parts.extend(last.map(|last| (Role::Rsi, format!("{last:.1}"))));
    name(scene, &RSI, &parts);
    if bars.indicators[bars.first..].iter().all(|at| at.rsi14.is_none()) {
        says(scene, &RSI, "no movement, or fewer than 15 bars");
    }
    let marks = [30.0, 50.0, 70.0].map(|mark| (scale.y(mark), format!("{mark}")));
    let tag = last.map(|last| Tag { y: scale.y(last), text: format!("{last:.1}"), role: Role::Rsi, is_filled: false });
    tags::draw(scene, &RSI, &marks, tag.into_iter().collect());
}

/// MACD 12, 26, its signal of 9, and their difference as bars.
pub(super) fn macd(scene: &mut Scene, bars: &Bars<'_>) {
    let shown = &bars.indicators[bars.first..];
    let values = shown.iter().flat_map(|at| [at.macd, at.macd_signal, at.macd_hist]).flatten();
    let bounds = values.filter(|value| value.abs() <= PRICE_MAX).fold(None, |bounds: Option<(f64, f64)>, value| {
        let (low, high) = bounds.unwrap_or((0.0, 0.0));
        Some((low.min(value), high.max(value)))
    });
    let Some((low, high)) = bounds else {
        name(scene, &MACD, &[(Role::Muted, "MACD 12, 26, 9".to_owned())]);
        return says(scene, &MACD, "fewer than 34 bars");
    };
    let scale = Scale::new(low, high, &MACD, NAME_ROOM, 6.0);
    let marks = axis(scene, &MACD, &scale, figures::on_axis);
    let zero = scale.y(0.0);
    let (mut above, mut below): (Vec<Block>, Vec<Block>) = (Vec::new(), Vec::new());
    for (bar, at) in (bars.first..).zip(shown) {
        let Some(value) = at.macd_hist.filter(|value| value.abs() <= PRICE_MAX) else { continue };
        let side = if value >= 0.0 { &mut above } else { &mut below };
        side.push(bars.block(bar, scale.y(value), zero, false));
    }
    scene.blocks(Role::UpFaint, above);
    scene.blocks(Role::DownFaint, below);
    scene.lines(Role::Border, 1.0, vec![level(&MACD, zero)]);
    let y = |value: f64| scale.y(value);
    scene.lines(Role::Signal, 1.2, bars.line(&MACD, y, |at| at.macd_signal));
    scene.lines(Role::Macd, 1.2, bars.line(&MACD, y, |at| at.macd));
    let step = scale.step(MARKS_APART);
    let last = bars.indicators.last().copied().unwrap_or_default();
    let mut parts = vec![(Role::Muted, "MACD 12, 26, 9".to_owned())];
    let tone = |value: f64| if value >= 0.0 { Role::Up } else { Role::Down };
    parts.extend(last.macd.map(|value| (Role::Macd, figures::price(value, step))));
    parts.extend(last.macd_signal.map(|value| (Role::Signal, figures::price(value, step))));
    parts.extend(last.macd_hist.map(|value| (tone(value), figures::price(value, step))));
    name(scene, &MACD, &parts);
    tags::draw(scene, &MACD, &marks, Vec::new());
}
