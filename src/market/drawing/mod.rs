//! The picture of a chart: candles with what was found in them, as SVG and PNG, in a light and a dark theme. Of the same
//! shapes [`calibration`] makes the picture of an evaluation.
//!
//! ```text
//! Series, Chart ─ bars, header, price, marks, patterns, tags, studies, axis ─► Scene ─┬─ svg ──────────► text
//!                 (what stands where)                                   (shapes) └─ paint, glyphs ─► PNG
//! ```
//! Panes from above: title and legend; price with its means, bands, levels, trendlines and patterns; volume; RSI; MACD;
//! time. A bar has its place by its number, not its time, as everywhere in this module's science: a gap bends no line.
//!
//! * Any series gives a picture, an empty one too. Bars that are no prices ([`bars::PRICE_MAX`]) are left out, and so is
//!   whatever rests on a bar that is not there.
//! * One scene makes every picture of a chart, so the themes differ in colours and in nothing else.
//! * Names in the picture come from outside: they are cut, cleaned and escaped.
//! * The same chart gives the same bytes: a worker that draws again after a crash changes nothing.
//!
//! # Why not a drawing library
//! What a chart needs is little: blocks, thin lines, letters; and every chart is needed in two themes. Painting numbers of
//! colours ([`mix`]) instead of colours lets both themes share one painting and one compression, which is most of the time
//! that a picture takes, and which no library offers.

mod axis;
mod bars;
pub mod calibration;
mod figures;
mod glyphs;
mod header;
mod marks;
mod mix;
mod paint;
mod palette;
mod patterns;
mod price;
mod scale;
mod scene;
mod studies;
mod svg;
mod tags;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::OnceLock;

use self::bars::Bars;
use self::calibration::Calibration;
use self::paint::Painted;
use self::scene::{Area, Scene};
use self::svg::Document;
use super::chart;
use crate::model::{Chart, Series};

/// Bars that a picture shows at most: its last.
pub const BARS_SHOWN_MAX: usize = 1_000;
/// Pixels from left to right.
pub const WIDTH: usize = 1_280;
/// Pixels from top to bottom.
pub const HEIGHT: usize = 800;

/// Where the panes begin and end; their scales stand to the right of them.
const LEFT: f64 = 12.0;
const RIGHT: f64 = 1_194.0;
const PRICE: Area = Area { left: LEFT, top: 62.0, right: RIGHT, bottom: 490.0 };
const VOLUME: Area = Area { left: LEFT, top: 498.0, right: RIGHT, bottom: 580.0 };
const RSI: Area = Area { left: LEFT, top: 588.0, right: RIGHT, bottom: 670.0 };
const MACD: Area = Area { left: LEFT, top: 678.0, right: RIGHT, bottom: 768.0 };
const PANES: [Area; 4] = [PRICE, VOLUME, RSI, MACD];

/// Whether a picture is for paper or for the night.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Theme {
    /// Dark on white.
    Light,
    /// Light on near-black.
    Dark,
}

impl Theme {
    /// Of its name, `light` or `dark`; `None` for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "light" => Some(Self::Light),
            "dark" => Some(Self::Dark),
            _ => None,
        }
    }
}

/// A chart, laid out: it gives its pictures when it is asked for them.
#[derive(Debug)]
pub struct Drawing {
    scene: Scene,
    /// For both themes, made with the first SVG.
    written: OnceLock<Document>,
    /// For both themes, made with the first PNG.
    painted: OnceLock<io::Result<Painted>>,
}

impl Drawing {
    /// The last [`BARS_SHOWN_MAX`] bars of `series` with what `chart` says of them. The indicators are reckoned from the
    /// bars that the chart was made from ([`chart::BARS_MAX`]), so they begin before the first bar that is shown.
    #[must_use]
    pub fn of(series: &Series, chart: &Chart) -> Self {
        let candles = bars::sound(&series.candles, chart::BARS_MAX);
        let bars = Bars::new(&candles, BARS_SHOWN_MAX, &PRICE);
        let mut scene = Scene { title: header::sentence(series, &bars), ..Scene::default() };
        axis::draw(&mut scene, &bars, series.interval);
        price::draw(&mut scene, &bars, chart);
        studies::volume(&mut scene, &bars);
        studies::rsi(&mut scene, &bars);
        studies::macd(&mut scene, &bars);
        header::draw(&mut scene, series, &bars);
        axis::zone(&mut scene);
        Self::from(scene)
    }

    /// What was stated of signals against what came of them.
    #[must_use]
    pub fn of_calibration(calibration: &Calibration) -> Self {
        Self::from(calibration::draw(calibration))
    }

    /// As an SVG document of [`WIDTH`] by [`HEIGHT`] that refers to nothing outside itself. The second theme costs a copy.
    #[must_use]
    pub fn svg(&self, theme: Theme) -> String {
        self.written.get_or_init(|| Document::of(&self.scene)).themed(theme)
    }

    /// As a PNG file of [`WIDTH`] by [`HEIGHT`]. The second theme costs a copy.
    ///
    /// # Errors
    /// None in practice: the encoder writes to memory, and its errors are handed on.
    pub fn png(&self, theme: Theme) -> io::Result<Vec<u8>> {
        match self.painted.get_or_init(|| Painted::of(&self.scene)) {
            Ok(painted) => painted.png(theme),
            Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
        }
    }
}

impl From<Scene> for Drawing {
    fn from(scene: Scene) -> Self {
        Self { scene, written: OnceLock::new(), painted: OnceLock::new() }
    }
}
