//! What a chart shows, as the JSON that an analysis hands out: `analysis_data` of the API, `data` of `analysis_jobs`.
//!
//! Times of points and bars are milliseconds since the epoch, `from` and `to` RFC 3339; prices are in the quote currency.
//! Bounded by what a chart holds. What is missing is null.

use serde::Serialize;

use crate::model::{Chart, Indicators, Level, Pattern, Series, Timestamp, Trendline};

#[derive(Serialize)]
struct Findings<'a> {
    exchange: &'a str,
    symbol: &'a str,
    interval: String,
    candles: usize,
    from: Option<String>,
    to: Option<String>,
    last_close: f64,
    change: Option<f64>,
    indicators: &'a Indicators,
    levels: &'a [Level],
    trendlines: &'a [Trendline],
    patterns: &'a [Pattern],
    volume_ratio: Option<f64>,
    volume_peak: Option<f64>,
}

/// What `chart` shows of `series`. `from` is the open of the first bar, `to` the close of the last one, and `change` that
/// from the first open to the last close: 0.05 is 5 % more.
#[must_use]
pub fn json(series: &Series, chart: &Chart) -> String {
    let first = series.candles.first();
    let text = |time: Timestamp| time.to_string();
    let findings = Findings {
        exchange: &series.exchange,
        symbol: &series.symbol,
        interval: series.interval.to_string(),
        candles: series.candles.len(),
        from: first.map(|candle| text(candle.open_time)),
        to: first.map(|_| text(chart.closed_at)),
        last_close: chart.last.close,
        change: change(first.map_or(0.0, |candle| candle.open), chart.last.close),
        indicators: &chart.indicators,
        levels: &chart.levels,
        trendlines: &chart.trendlines,
        patterns: &chart.patterns,
        volume_ratio: chart.volume_ratio,
        volume_peak: chart.volume_peak,
    };
    // Names, numbers and lists of them: there is nothing that JSON has no form for.
    serde_json::to_string(&findings).unwrap_or_default()
}

fn change(from: f64, to: f64) -> Option<f64> {
    let change = to / from - 1.0;
    change.is_finite().then_some(change)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::{chart, samples};
    use crate::model::Interval;

    #[test]
    fn every_chart_has_its_findings() {
        for (name, candles) in samples::odd() {
            let interval = Interval::parse("1h").unwrap();
            let series = Series { exchange: "mexc".to_owned(), symbol: "A\"B".to_owned(), interval, candles };
            let Some(chart) = chart::read(&series) else { continue };
            let found: serde_json::Value = serde_json::from_str(&json(&series, &chart)).unwrap();
            assert_eq!(found["candles"], series.candles.len(), "{name}");
            assert_eq!((&found["symbol"], &found["interval"]), (&"A\"B".into(), &"1h".into()), "{name}");
            assert!(
                found["to"].as_str() > found["from"].as_str() && found["indicators"].is_object(),
                "{name}: {found}"
            );
        }
    }
}
