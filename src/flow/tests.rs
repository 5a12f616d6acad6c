//! The laws of the engine, under any window, fault and revocation.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;

use super::circuit::{Circuit, Limits, Open};
use super::memory::{self, Kept, MemorySink};
use super::{Hop, Pushed, Record, Stage, Together, Verdict, Window};
use crate::clock::Clock;
use crate::model::{CloseReason, Timestamp};

const AT_ONCE: Together = Together { tick: Duration::ZERO, entries_max: 64 };

/// Keeps a record's number, but drops and rejects some.
struct Sort;

impl Stage for Sort {
    type In = Arc<Record>;
    type Out = String;

    fn name(&self) -> &'static str {
        "test/sort"
    }

    fn concurrency(&self) -> usize {
        3
    }

    async fn apply(self: Arc<Self>, items: Vec<Arc<Record>>) -> anyhow::Result<Vec<Verdict<String>>> {
        // Later batches overtake earlier ones wherever the runtime lets them.
        tokio::task::yield_now().await;
        Ok(items
            .into_iter()
            .map(|record| match record.offset % 7 {
                3 => Verdict::Reject("malformed", format!("number {}", record.offset)),
                5 => Verdict::Drop("duplicate"),
                _ => Verdict::Keep(record.origin().to_string()),
            })
            .collect())
    }
}

/// Gathers `count_max` names, or what came within 100 ms.
struct Gather {
    count_max: usize,
    names: Vec<String>,
    opened_at: Option<Timestamp>,
}

impl Gather {
    fn of(count_max: usize) -> Self {
        Self { count_max, names: Vec::new(), opened_at: None }
    }
}

impl Window for Gather {
    type In = String;
    type Out = Vec<String>;

    fn name(&self) -> &'static str {
        "test/gather"
    }

    fn refuses(&self, item: &String) -> Option<CloseReason> {
        (!self.names.is_empty() && item.ends_with("/13")).then_some(CloseReason::Session)
    }

    fn push(&mut self, item: String, now: Timestamp) -> Pushed {
        self.opened_at.get_or_insert(now);
        self.names.push(item);
        Pushed { outcome: "ok", full: (self.names.len() >= self.count_max).then_some(CloseReason::Count) }
    }

    fn deadline(&self) -> Option<Timestamp> {
        Some(self.opened_at?.plus(Duration::from_millis(100)))
    }

    fn close(&mut self, _reason: CloseReason, _now: Timestamp) -> Option<Vec<String>> {
        self.opened_at.take()?;
        Some(std::mem::take(&mut self.names))
    }
}

/// Runs a hop from its last commits until it ends or fails; says whether everything was delivered.
async fn run_once(
    lengths: &[i64],
    chunk: usize,
    window: usize,
    barrier_every: usize,
    fail_at: Option<usize>,
    kept: &Arc<Mutex<Kept<Vec<String>>>>,
) -> bool {
    let (clock, hand) = Clock::manual(Timestamp(0));
    let (feed, source) = memory::source();
    let sink = MemorySink::new(Arc::clone(kept), fail_at);
    let hop = Hop::from("test", source, clock).stage(Sort).window(Gather::of(window));
    let running = tokio::spawn(hop.land(sink, AT_ONCE));
    let starts: Vec<i64> = {
        let kept = kept.lock().unwrap();
        let next = |partition: usize| kept.offsets.get(&("t".to_owned(), i32::try_from(partition).unwrap()));
        (0..lengths.len()).map(|partition| next(partition).copied().unwrap_or(0)).collect()
    };
    let mut records = Vec::new();
    for (partition, (start, end)) in starts.iter().zip(lengths).enumerate() {
        let partition = i32::try_from(partition).unwrap();
        records.extend((*start..*end).map(|offset| memory::record("t", partition, offset, Timestamp(0), b"")));
    }
    // Partitions take turns, as they do on a broker.
    records.sort_by_key(|record| (record.offset / 4, record.partition));
    let mut whole = true;
    for (number, chunk) in records.chunks(chunk).enumerate() {
        whole = feed.records(chunk.to_vec()).await;
        if whole && number % barrier_every == barrier_every - 1 {
            whole = feed.barrier(CloseReason::Revoked).await;
            let landed: i64 = kept.lock().unwrap().offsets.values().sum();
            let delivered = starts.iter().sum::<i64>()
                + i64::try_from(chunk.len().min(records.len()) + number * chunk.len()).unwrap_or(0);
            assert!(!whole || landed >= delivered.min(landed), "a barrier is answered when everything landed");
        }
        if !whole {
            break;
        }
    }
    hand.advance(Duration::from_millis(100));
    whole = whole && feed.barrier(CloseReason::Shutdown).await;
    drop(feed);
    assert_eq!(running.await.unwrap().is_ok(), whole, "a hop ends well exactly when everything landed");
    whole
}

fn exactly_once(lengths: &[i64], kept: &Kept<Vec<String>>) {
    let mut items: Vec<String> = kept.items.iter().flatten().cloned().collect();
    let mut rejects: Vec<String> = kept.rejects.iter().map(|(origin, ..)| origin.clone()).collect();
    let all = |wanted: fn(i64) -> bool| {
        let mut all: Vec<String> = lengths
            .iter()
            .enumerate()
            .flat_map(|(partition, end)| {
                (0..*end).filter(|offset| wanted(*offset)).map(move |offset| format!("t/{partition}/{offset}"))
            })
            .collect();
        all.sort();
        all
    };
    items.sort();
    rejects.sort();
    assert_eq!(items, all(|offset| !matches!(offset % 7, 3 | 5)));
    assert_eq!(rejects, all(|offset| offset % 7 == 3));
    for (partition, end) in lengths.iter().enumerate().filter(|(_, end)| **end > 0) {
        let key = ("t".to_owned(), i32::try_from(partition).unwrap());
        assert_eq!(kept.offsets.get(&key), Some(end));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn nothing_is_lost_and_nothing_lands_twice(
        lengths in prop::collection::vec(0_i64..60, 1..4),
        chunk in 1_usize..20,
        window in 1_usize..12,
        barrier_every in 1_usize..9,
        failures in prop::collection::vec(1_usize..6, 0..5),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let kept = Arc::new(Mutex::new(Kept::default()));
            for failure in failures {
                let fail_at = kept.lock().unwrap().commits + failure;
                run_once(&lengths, chunk, window, barrier_every, Some(fail_at), &kept).await;
            }
            assert!(run_once(&lengths, chunk, window, barrier_every, None, &kept).await);
            exactly_once(&lengths, &kept.lock().unwrap());
        });
    }
}

#[tokio::test]
async fn a_window_closes_by_the_clock_and_takes_its_drops_along() {
    let kept = Arc::new(Mutex::new(Kept::default()));
    let (clock, hand) = Clock::manual(Timestamp(0));
    let (feed, source) = memory::source();
    let hop = Hop::from("test", source, clock).stage(Sort).window(Gather::of(100));
    let running = tokio::spawn(hop.land(MemorySink::new(Arc::clone(&kept), None), AT_ONCE));
    let offsets = [1, 2, 3, 5];
    feed.records(offsets.iter().map(|offset| memory::record("t", 0, *offset, Timestamp(0), b"")).collect()).await;
    // The hand only counts once the window has opened, so it is moved until something lands.
    while kept.lock().unwrap().items.is_empty() {
        hand.advance(Duration::from_millis(10));
        tokio::task::yield_now().await;
    }
    drop(feed);
    running.await.unwrap().unwrap();
    let kept = kept.lock().unwrap();
    assert_eq!(kept.items, [["t/0/1", "t/0/2"]]);
    assert_eq!(kept.rejects, [("t/0/3".to_owned(), "malformed", "number 3".to_owned())]);
    assert_eq!(kept.offsets.get(&("t".to_owned(), 0)), Some(&6));
}

struct Broken;

impl Stage for Broken {
    type In = Arc<Record>;
    type Out = String;

    fn name(&self) -> &'static str {
        "test/broken"
    }

    async fn apply(self: Arc<Self>, _items: Vec<Arc<Record>>) -> anyhow::Result<Vec<Verdict<String>>> {
        anyhow::bail!("the provider's key is wrong")
    }
}

#[tokio::test]
async fn a_stage_that_fails_stops_the_hop_and_commits_nothing() {
    let kept = Arc::new(Mutex::new(Kept::default()));
    let (feed, source) = memory::source();
    let hop = Hop::from("test", source, Clock::system()).stage(Broken);
    let running = tokio::spawn(hop.land(MemorySink::new(Arc::clone(&kept), None), AT_ONCE));
    feed.records(vec![memory::record("t", 0, 0, Timestamp(0), b"")]).await;
    let error = running.await.unwrap().unwrap_err();
    assert!(format!("{error:#}").contains("the provider's key is wrong"), "{error:#}");
    assert!(kept.lock().unwrap().offsets.is_empty());
}

#[tokio::test]
async fn a_circuit_stops_a_hop_before_it_commits_the_rejects_that_are_too_many() {
    let kept = Arc::new(Mutex::new(Kept::default()));
    let limits = Limits { consecutive_max: 2, ratio_max: 1.0, window: 100, pause: Duration::from_secs(1) };
    let circuit = Circuit::new("test/circuit", limits);
    // By `Sort`: two that are kept, two that are rejected, one that is kept, three that are rejected, one that is kept.
    for (offsets, stops) in [(&[0, 1, 3, 10, 11, 17, 24, 31, 32][..], true), (&[17, 24, 32][..], false)] {
        let (feed, source) = memory::source();
        let hop = Hop::from("test", source, Clock::system()).guarded(circuit.clone()).stage(Sort);
        let running = tokio::spawn(hop.land(MemorySink::new(Arc::clone(&kept), None), AT_ONCE));
        feed.records(offsets.iter().map(|offset| memory::record("t", 0, *offset, Timestamp(0), b"")).collect()).await;
        drop(feed);
        let ended = running.await.unwrap();
        assert_eq!(ended.is_err(), stops, "{ended:?}");
        if let Err(error) = ended {
            let open = error.downcast_ref::<Open>().unwrap().to_string();
            assert!(open.contains("t/0/17") || open.contains("t/0/31"), "{open}");
            let kept = kept.lock().unwrap();
            assert_eq!(kept.offsets.get(&("t".to_owned(), 0)), Some(&12), "the three in a row are not committed");
            assert_eq!((kept.items.len(), kept.rejects.len()), (3, 2));
        }
    }
    let kept = kept.lock().unwrap();
    assert_eq!((kept.items.len(), kept.rejects.len()), (4, 4), "{kept:?}");
    assert_eq!(kept.offsets.get(&("t".to_owned(), 0)), Some(&33));
}

#[tokio::test]
async fn a_circuit_in_front_of_a_window_lets_nothing_from_behind_its_cut_be_committed() {
    let kept = Arc::new(Mutex::new(Kept::default()));
    let limits = Limits { consecutive_max: 2, ratio_max: 1.0, window: 100, pause: Duration::from_secs(1) };
    let (feed, source) = memory::source();
    let hop = Hop::from("test", source, Clock::system()).guarded(Circuit::new("test/window", limits));
    let hop = hop.stage(Sort).window(Gather::of(100));
    let running = tokio::spawn(hop.land(MemorySink::new(Arc::clone(&kept), None), AT_ONCE));
    let records = [0, 1, 3, 11, 17, 24, 31, 32].map(|offset| memory::record("t", 0, offset, Timestamp(0), b""));
    feed.records(records.to_vec()).await;
    let error = running.await.unwrap().unwrap_err();
    assert!(error.downcast_ref::<Open>().is_some(), "{error:#}");
    let kept = kept.lock().unwrap();
    assert_eq!(kept.items, [["t/0/0", "t/0/1", "t/0/11"]]);
    assert_eq!((kept.rejects.len(), kept.offsets.get(&("t".to_owned(), 0))), (1, Some(&12)));
}
