//! A chart as pictures.

use std::sync::Arc;

use crate::flow::compute;
use crate::market::drawing::{Drawing, Theme};
use crate::model::{Chart, Charts, Series};

/// Draws a chart in both themes, off the threads that wait.
///
/// # Errors
/// When drawing panicked, or a picture cannot be packed.
pub(super) async fn draw(series: Arc<Series>, chart: Arc<Chart>) -> anyhow::Result<Charts> {
    compute(move || {
        let drawing = Drawing::of(&series, &chart);
        Ok(Charts {
            svg_light: drawing.svg(Theme::Light),
            svg_dark: drawing.svg(Theme::Dark),
            png_light: drawing.png(Theme::Light)?.into(),
            png_dark: drawing.png(Theme::Dark)?.into(),
        })
    })
    .await?
}
