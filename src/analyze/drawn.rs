//! A chart as pictures.

use std::sync::Arc;

use crate::flow::compute;
use crate::market::pictures;
use crate::model::{Chart, Charts, Series};

/// Draws a chart in both themes, off the threads that wait.
///
/// # Errors
/// When drawing panicked, or a picture could not be compressed.
pub(super) async fn draw(series: Arc<Series>, chart: Arc<Chart>) -> anyhow::Result<Charts> {
    Ok(compute(move || pictures::of(&series, &chart)).await??)
}
