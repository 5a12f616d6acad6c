//! Groups of planted signals, and what must be said of them.

use super::*;

const HOUR_MS: i64 = 3_600_000;
const HOW: Resampling = Resampling { resamples: 300, seed: 3 };

fn signal(strategy: &str, hour: i64, direction: Direction, outcome: Outcome) -> Judged {
    let labels = Labels {
        kind: "market".to_owned(),
        strategy: strategy.to_owned(),
        analyzer: "chart".to_owned(),
        model: String::new(),
        prompt_version: "chart.v1".to_owned(),
        components: vec!["trend".to_owned(), "volume".to_owned()],
    };
    let score = match direction {
        Direction::Bullish => 80.0,
        Direction::Bearish => 20.0,
        Direction::Neutral => 50.0,
    };
    let trend = if direction == Direction::Bullish { 20.0 } else { 0.0 };
    Judged {
        labels: Arc::new(labels),
        subject: "BTCUSDT".into(),
        at: Timestamp(hour * HOUR_MS),
        direction,
        score,
        confidence: 0.5,
        components: Box::new([trend, 10.0]),
        outcomes: Box::new([outcome]),
    }
}

/// Momentum is always right, reversal always wrong, in turns of rises and falls.
fn planted() -> Vec<Judged> {
    let mut all = Vec::new();
    for hour in 0..40 {
        let rises = hour % 4 < 2;
        let outcome = Outcome::Finished(if rises { 0.01 } else { -0.01 });
        let [right, wrong] =
            if rises { [Direction::Bullish, Direction::Bearish] } else { [Direction::Bearish, Direction::Bullish] };
        all.extend([signal("momentum", hour, right, outcome), signal("reversal", hour, wrong, outcome)]);
    }
    all.push(signal("momentum", 40, Direction::Neutral, Outcome::Finished(0.0)));
    all.push(signal("momentum", 41, Direction::Bullish, Outcome::Pending));
    all.push(signal("momentum", 42, Direction::Bullish, Outcome::Missing));
    all
}

fn found(by: By, group: &str) -> Finding {
    let horizons = [Duration::from_hours(1)];
    let all = findings(&planted(), by, &horizons, HOW);
    all.into_iter().find(|finding| finding.group == group).unwrap_or_else(|| panic!("no group {group}"))
}

#[test]
fn who_is_always_right_and_who_is_always_wrong_are_told_apart() {
    let right = found(By::Strategy, "momentum");
    assert_eq!(right.counts, Counts { signals: 43, measured: 41, pending: 1, no_price: 1, neutral: 1 });
    let rates = right.statistics.rates;
    assert_eq!((rates.hit_rate, rates.by_chance, rates.always_long), (Some(1.0), Some(0.5), Some(0.5)));
    assert_eq!((right.horizon.as_str(), right.horizon_s), ("1h", 3_600));
    assert!((rates.mean_return.unwrap() - 0.01).abs() < 1e-12 && rates.rank_ic.unwrap() > 0.99);
    // p is ¾ or ¼, always on the right side: (¼)².
    assert!((rates.brier.unwrap() - 0.0625).abs() < 1e-12);
    assert_eq!(right.statistics.hit_rate_range, Some(Range { low: 1.0, high: 1.0 }));
    let bins: Vec<_> = right.statistics.bins.iter().map(|bin| (bin.stated, bin.came, bin.signals)).collect();
    assert_eq!(bins, [(0.25, 0.0, 20), (0.75, 1.0, 20)]);
    let wrong = found(By::Strategy, "reversal").statistics;
    assert_eq!((wrong.rates.hit_rate, wrong.rates.edge), (Some(0.0), Some(-0.5)));
    assert!((wrong.rates.brier.unwrap() - 0.5625).abs() < 1e-12);
    let both = found(By::All, "all").statistics;
    assert_eq!(both.rates.hit_rate, Some(0.5));
    assert!(both.edge_range.is_some_and(|range| range.low <= 0.0 && range.high >= 0.0));
}

#[test]
fn a_component_is_ranked_and_makes_no_calls() {
    let trend = found(By::Component, "momentum:trend").statistics;
    assert!(trend.rates.rank_ic.unwrap() > 0.9 && trend.rank_ic_range.is_some());
    assert_eq!((trend.rates.hit_rate, trend.brier_parts, trend.bins.len()), (None, None, 0));
    assert_eq!(found(By::Component, "momentum:volume").statistics.rates.rank_ic, None, "it never moves");
}

#[test]
fn nothing_measured_is_nothing_said() {
    let pending = [signal("news", 0, Direction::Bullish, Outcome::Pending)];
    let all = findings(&pending, By::All, &[Duration::from_hours(1)], HOW);
    assert_eq!(all[0].counts, Counts { signals: 1, pending: 1, ..Counts::default() });
    assert_eq!((all[0].statistics.rates, all[0].statistics.bins.len()), (Rates::default(), 0));
    assert!(findings(&[], By::All, &[Duration::from_hours(1)], HOW).is_empty());
}

#[test]
fn horizons_have_names() {
    let names = [3_600, 86_400, 259_200, 5_400, 45].map(|seconds| horizon_name(Duration::from_secs(seconds)));
    assert_eq!(names, ["1h", "24h", "72h", "90m", "45s"]);
}
