//! The pictures of a chart that an analysis on demand hands out. Pure.

use std::io;

use super::drawing::{Drawing, Theme};
use crate::model::{Chart, Charts, Series};

/// Both themes, each as SVG and as PNG.
///
/// # Errors
/// A picture that cannot be compressed.
pub fn of(series: &Series, chart: &Chart) -> io::Result<Charts> {
    let drawing = Drawing::of(series, chart);
    Ok(Charts {
        svg_light: drawing.svg(Theme::Light),
        svg_dark: drawing.svg(Theme::Dark),
        png_light: drawing.png(Theme::Light)?.into(),
        png_dark: drawing.png(Theme::Dark)?.into(),
    })
}
