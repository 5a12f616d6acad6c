//! An evaluation as the picture of its calibration: stated probabilities against what came, for each horizon.

use super::report::{Bin, By, Evaluation, Finding};
use super::resample::Range;
use crate::market::drawing::Drawing;
use crate::market::drawing::calibration::{Calibration, Dot, Panel};

/// Draws what is said of all signals together.
#[must_use]
pub fn draw(evaluation: &Evaluation) -> Drawing {
    let panels = evaluation.findings.iter().filter(|finding| finding.by == By::All).map(panel).collect();
    let all = if evaluation.filter.is_empty() { "all signals" } else { &evaluation.filter };
    let title = format!("Calibration of {all} ({}), {}", evaluation.run_id, evaluation.evaluated_at);
    Drawing::of_calibration(&Calibration { title, panels })
}

fn panel(finding: &Finding) -> Panel {
    let statistics = &finding.statistics;
    let dot = |bin: &Bin| Dot {
        stated: bin.stated,
        came: bin.came,
        range: bin.came_range.map(|range| (range.low, range.high)),
        count: bin.signals,
    };
    let calls = finding.counts.measured - finding.counts.neutral;
    let mut facts =
        vec![format!("{calls} calls, {} pending, {} no price", finding.counts.pending, finding.counts.no_price)];
    let rates = &statistics.rates;
    if let (Some(hit_rate), Some(by_chance)) = (rates.hit_rate, rates.by_chance) {
        facts.push(format!("hit rate {}, by chance {}", percent(hit_rate), percent(by_chance)));
        facts.extend(
            statistics
                .edge_range
                .map(|Range { low, high }| format!("edge {} to {} (95%)", percent(low), percent(high))),
        );
    }
    if let (Some(brier), Some(parts)) = (rates.brier, statistics.brier_parts) {
        facts.push(format!("Brier score {brier:.3}, of that uncertainty {:.3}", parts.uncertainty));
        facts.push(format!("reliability {:.3}, resolution {:.3}", parts.reliability, parts.resolution));
    }
    Panel {
        name: format!("after {}", finding.horizon),
        facts,
        came: rates.always_long,
        dots: statistics.bins.iter().map(dot).collect(),
    }
}

fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}
