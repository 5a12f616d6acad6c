//! What a tally says must not depend on the order in which it hears of things.

use std::collections::BTreeMap;

use super::*;
use crate::model::{Direction, Id, NanoUsd, SignalKind, Timestamp};

const STRATEGIES: [Strategy; 2] = [Strategy::Momentum, Strategy::Reversal];

fn tally(files: &[&str]) -> Tally {
    Tally::new(STRATEGIES.to_vec(), files.iter().map(PathBuf::from).collect())
}

fn signal(source: &str, strategy: Strategy, version: i64, score: f64, status: OiStatus) -> Fate {
    Fate::Signal(Box::new(Signal {
        signal_id: Id(String::new()),
        run_id: "live".to_owned(),
        kind: SignalKind::Market,
        source_id: source.to_owned(),
        subject: source.to_owned(),
        exchange: String::new(),
        interval: String::new(),
        strategy: strategy.as_str().to_owned(),
        score,
        direction: Direction::Neutral,
        confidence: 0.0,
        strength: 0.0,
        components: BTreeMap::new(),
        oi_status: status,
        context_age_s: 0.0,
        oi_metadata: String::new(),
        observability: format!("{{\"of\":\"{source}\"}}"),
        analyzer: String::new(),
        model: String::new(),
        prompt_version: String::new(),
        cost: NanoUsd::ZERO,
        event_time: Timestamp(0),
        available_at: Timestamp(0),
        produced_at: Timestamp(0),
        origin: String::new(),
        version,
    }))
}

fn send(tally: &mut Tally, file: usize, last: bool) -> u32 {
    let number = tally.next_number();
    tally.sent(file, last);
    number
}

fn arrive(tally: &mut Tally, number: u32) {
    tally.arrived(Arrival { number, partition: 0, offset: i64::from(number) }).unwrap();
}

fn both(tally: &mut Tally, place: i64, source: &str, version: i64, status: OiStatus) {
    for strategy in STRATEGIES {
        #[expect(clippy::cast_precision_loss, reason = "a small number")]
        let fate = signal(source, strategy, version, version as f64, status);
        tally.became((0, place), fate).unwrap();
    }
}

#[test]
fn files_end_with_their_signals_or_their_dead_letter() {
    let mut tally = tally(&["good.json", "broken.json", "unread.json", "other.json"]);
    for file in [0, 1] {
        let number = send(&mut tally, file, true);
        arrive(&mut tally, number);
    }
    tally.skipped(2, "unreadable".to_owned(), "no right".to_owned());
    let other = send(&mut tally, 3, true);
    // Somebody else's, and a strategy that nobody asked for.
    both(&mut tally, 77, "x", 1, OiStatus::Resolved);
    tally.became((0, 0), signal("good", Strategy::Breakout, 1, 1.0, OiStatus::Neutral)).unwrap();
    tally.became((0, 0), signal("good", Strategy::Momentum, 1, 1.0, OiStatus::Neutral)).unwrap();
    // The same again is no second strategy.
    tally.became((0, 0), signal("good", Strategy::Momentum, 1, 1.0, OiStatus::Neutral)).unwrap();
    tally.became((0, 1), Fate::Letter("malformed".to_owned(), "at byte 1".to_owned())).unwrap();
    tally.became((0, 1), Fate::Letter("malformed".to_owned(), "again".to_owned())).unwrap();
    assert_eq!((tally.ended(), tally.is_complete()), (2, false));
    assert_eq!(tally.first_open(), Some(&PathBuf::from("good.json")));
    tally.became((0, 0), signal("good", Strategy::Reversal, 1, 1.0, OiStatus::Neutral)).unwrap();
    // Seen before its place was known.
    both(&mut tally, i64::from(other), "other", 1, OiStatus::Aggregated);
    assert!(tally.wants((0, i64::from(other))) && !tally.is_complete());
    arrive(&mut tally, other);
    assert!(tally.is_complete() && !tally.wants((0, 77)), "a place of nobody's is of no interest any more");
    let unread = Skipped { file: "link.json".to_owned(), reason: "unreadable".to_owned(), error: String::new() };
    let (counts, signals) = tally.into_counts(vec![unread]);
    let broken: Vec<_> = counts.broken.iter().map(|broken| (broken.file.as_str(), broken.error.as_str())).collect();
    assert_eq!(broken, [("link.json", ""), ("broken.json", "at byte 1"), ("unread.json", "no right")]);
    assert_eq!((counts.files, counts.good, counts.series, counts.signals), (5, 2, 2, 4));
    assert_eq!((counts.resolved, counts.aggregated, counts.neutral), (0, 1, 1));
    assert_eq!(signals.len(), 4);
}

#[test]
fn a_series_counts_once_with_its_newest_version() {
    // Two files of one series, the second cut in two parts, heard of in every order.
    let ends = [(0, 1), (1, 2), (2, 3)];
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1]] {
        let mut tally = tally(&["a.json", "b.json"]);
        for (file, last) in [(0, true), (1, false), (1, true)] {
            let number = send(&mut tally, file, last);
            arrive(&mut tally, number);
        }
        for (place, version) in order.map(|at| ends[at]) {
            let status = if version == 3 { OiStatus::Resolved } else { OiStatus::Neutral };
            assert!(!tally.is_complete());
            both(&mut tally, place, "series", version, status);
        }
        assert!(tally.is_complete());
        let (counts, signals) = tally.into_counts(Vec::new());
        assert_eq!((counts.good, counts.series, counts.resolved, counts.signals), (2, 1, 1, 2), "{order:?}");
        assert!(Arc::ptr_eq(&signals[0].observability, &signals[1].observability), "what is the same is kept once");
        for signal in signals.into_iter().map(|kept| kept.whole().unwrap()) {
            assert!((signal.score - 3.0).abs() < f64::EPSILON, "{order:?}");
            assert_eq!(signal.observability.get(), r#"{"of":"series"}"#);
        }
    }
}
