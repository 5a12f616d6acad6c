//! The two lines above the panes: which market this is and what it did, and which line is which.

use super::axis::zoned;
use super::bars::Bars;
use super::figures;
use super::glyphs::width;
use super::scene::{Anchor, Role, Scene, Spot, Style, clean};
use super::{LEFT, PRICE, WIDTH};
use crate::model::{Candle, Series};

/// Letters of a name at most.
const NAME_CHARS_MAX: usize = 40;
const TITLE_BASELINE: f64 = 27.0;
const LEGEND_BASELINE: f64 = 50.0;
const GAP: f64 = 14.0;

/// Exchange, symbol and interval, fit to be shown.
fn name(series: &Series) -> String {
    let clean = |text: &str| clean(text.trim(), NAME_CHARS_MAX);
    format!("{} · {} · {}", clean(&series.exchange), clean(&series.symbol), series.interval)
}

/// What the picture shows, for whoever cannot see it.
pub(super) fn sentence(series: &Series, bars: &Bars<'_>) -> String {
    let Some(last) = bars.shown().last() else {
        return format!("{}: no bars", name(series));
    };
    let change = change(bars.shown()).map(|(text, _)| format!(", {text}")).unwrap_or_default();
    let close = figures::price(last.close, last.close.abs());
    format!("{}: last {close}{change} over {}", name(series), span(series, bars))
}

/// From the open of the first bar to the close of the last; and whether that is up.
fn change(shown: &[Candle]) -> Option<(String, bool)> {
    let (first, last) = (shown.first()?, shown.last()?);
    let share = (last.close - first.open) / first.open.abs();
    Some((figures::change(share)?, share >= 0.0))
}

/// The first and the last bar, and how many they are. Days need no hours.
fn span(series: &Series, bars: &Bars<'_>) -> String {
    let shown = bars.shown();
    let (Some(first), Some(last)) = (shown.first(), shown.last()) else {
        return "no bars".to_owned();
    };
    let form = if series.interval.seconds().is_multiple_of(86_400) { "%Y-%m-%d" } else { "%Y-%m-%d %H:%M" };
    let [from, to] = [first, last].map(|candle| zoned(candle.open_time).strftime(form).to_string());
    let count = figures::grouped(&shown.len().to_string());
    format!("{from} – {to} UTC · {count} {}", if shown.len() == 1 { "bar" } else { "bars" })
}

/// Both lines.
pub(super) fn draw(scene: &mut Scene, series: &Series, bars: &Bars<'_>) {
    let right = super::bars::number(WIDTH) - LEFT;
    let span = span(series, bars);
    let room = right - width(&span, Style::Small) - 3.0 * GAP;
    scene.text(Role::Muted, Style::Small, Anchor::End, Spot { x: right, y: TITLE_BASELINE }, span);
    let Some(last) = bars.shown().last() else {
        let name = fitted(name(series), room - LEFT);
        scene.text(Role::Text, Style::Title, Anchor::Start, Spot { x: LEFT, y: TITLE_BASELINE }, name);
        let middle = Spot { x: f64::midpoint(PRICE.left, PRICE.right), y: PRICE.middle() };
        return scene.text(Role::Muted, Style::Title, Anchor::Middle, middle, "no bars");
    };
    let close = figures::price(last.close, last.close.abs());
    let change = change(bars.shown());
    let figures_width = width(&close, Style::Title)
        + change.as_ref().map_or(0.0, |(text, _)| GAP + width(text, Style::Title))
        + 1.5 * GAP;
    let name = fitted(name(series), room - LEFT - figures_width);
    let mut x = LEFT;
    let mut put = |role: Role, text: String, gap: f64| {
        let end = x + width(&text, Style::Title) + gap;
        scene.text(role, Style::Title, Anchor::Start, Spot { x, y: TITLE_BASELINE }, text);
        x = end;
    };
    put(Role::Text, name, 1.5 * GAP);
    let tone = |is_up: bool| if is_up { Role::Up } else { Role::Down };
    put(change.as_ref().map_or(Role::Text, |(_, is_up)| tone(*is_up)), close, GAP);
    if let Some((text, is_up)) = change {
        put(tone(is_up), text, GAP);
    }
    legend(scene, bars, last);
}

/// The last bar's prices, and the lines of the price pane with their last values.
fn legend(scene: &mut Scene, bars: &Bars<'_>, last: &Candle) {
    let (mut x, y) = (LEFT, LEGEND_BASELINE);
    let price = |value: f64| figures::price(value, value.abs());
    let up = if last.close >= last.open { Role::Up } else { Role::Down };
    let mut put = |scene: &mut Scene, role: Role, style: Style, text: String, gap: f64| {
        let end = x + width(&text, style) + gap;
        scene.text(role, style, Anchor::Start, Spot { x, y }, text);
        x = end;
        end
    };
    for (letter, value) in [("O", last.open), ("H", last.high), ("L", last.low), ("C", last.close)] {
        put(scene, Role::Muted, Style::Small, letter.to_owned(), 4.0);
        put(scene, up, Style::Small, price(value), 10.0);
    }
    let mut x = put(scene, Role::Muted, Style::Small, String::new(), 8.0);
    let now = bars.indicators.last().copied().unwrap_or_default();
    let lines: [(Role, &str, Vec<Option<f64>>); 4] = [
        (Role::Ema20, "EMA 20", vec![now.ema20]),
        (Role::Ema50, "EMA 50", vec![now.ema50]),
        (Role::Sma200, "SMA 200", vec![now.sma200]),
        (Role::Band, "Bollinger 20, 2", vec![now.bb_upper, now.bb_lower]),
    ];
    for (role, label, values) in lines {
        scene.block(role, super::scene::Area { left: x, top: y - 5.0, right: x + 12.0, bottom: y - 3.0 });
        let values: Option<Vec<String>> = values.into_iter().map(|value| value.map(price)).collect();
        let text = values.map_or("–".to_owned(), |values| values.join(" / "));
        scene.text(Role::Muted, Style::Small, Anchor::Start, Spot { x: x + 17.0, y }, label);
        let value = x + 17.0 + width(label, Style::Small) + 5.0;
        scene.text(role, Style::Small, Anchor::Start, Spot { x: value, y }, text.clone());
        x = value + width(&text, Style::Small) + GAP;
    }
}

/// The beginning of a text that fits, with an ellipsis where it is not all.
fn fitted(text: String, room: f64) -> String {
    if width(&text, Style::Title) <= room {
        return text;
    }
    let mut kept = text;
    while kept.pop().is_some() {
        let cut = format!("{}…", kept.trim_end());
        if width(&cut, Style::Title) <= room {
            return cut;
        }
    }
    kept
}
