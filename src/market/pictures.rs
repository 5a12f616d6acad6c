//! The pictures of a chart that an analysis on demand hands out. Pure.

use crate::model::{Chart, Charts, Series};

/// Both themes, each as SVG and as PNG.
#[must_use]
pub fn of(series: &Series, _chart: &Chart) -> Charts {
    let svg = format!("<svg xmlns=\"http://www.w3.org/2000/svg\"><title>{}</title></svg>", series.candles.len());
    let png = bytes::Bytes::from_static(b"\x89PNG");
    Charts { svg_light: svg.clone(), svg_dark: svg, png_light: png.clone(), png_dark: png }
}
