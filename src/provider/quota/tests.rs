//! The two promises of the quota, against a service in simulated time: never above the limit, and nearly all of it.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::*;

const MINUTE: Duration = Duration::from_mins(1);
const LIMIT: u32 = 40;
const RUN_MS: i64 = 20 * 60_000;

fn at(ms: i64) -> Timestamp {
    Timestamp(1_795_305_600_000 + ms)
}

#[test]
fn units_come_back_a_window_after_the_end_of_their_request() {
    let mut quota = Quota::new(LIMIT, MINUTE);
    let first = quota.take(20, at(0)).unwrap();
    let second = quota.take(20, at(10)).unwrap();
    assert_eq!(quota.take(1, at(20)), Err(Until(at(60_000))), "a window from its start at least");
    quota.ended(&first, at(500));
    quota.ended(&second, at(900));
    let back = 500 + 60_000 + 250 + 1;
    assert_eq!(quota.take(1, at(1_000)), Err(Until(at(back))));
    assert_eq!(quota.take(21, at(1_000)), Err(Until(at(back + 400))));
    assert_eq!(
        (quota.available(at(back - 1)), quota.available(at(back)), quota.available(at(back + 400))),
        (0, 20, 40)
    );
    let never_sent = quota.take(20, at(back)).unwrap();
    quota.unsent(&never_sent);
    assert_eq!(quota.available(at(back)), 20);
    assert_eq!(quota.take(LIMIT + 1, at(back)), Err(Until(Timestamp(i64::MAX))));
}

#[test]
fn what_fits_goes_at_once_and_what_does_not_goes_singly() {
    let mut quota = Quota::new(LIMIT, MINUTE);
    assert_eq!(quota.grant(40, at(0)), Ok(40));
    assert_eq!(quota.grant(41, at(0)), Ok(1));
    let _ticket = quota.take(1, at(0)).unwrap();
    assert_eq!(quota.grant(41, at(1)), Err(Until(at(1_125))));
    assert_eq!(quota.grant(39, at(1)), Ok(39));
    assert_eq!(quota.grant(41, at(1_125)), Ok(1));
    // As many units as milliseconds: two at a time.
    assert_eq!(Quota::new(60_000, MINUTE).grant(u32::MAX, at(0)), Ok(2));
    assert_eq!(Quota::new(0, MINUTE).grant(1, at(0)), Err(Until(Timestamp(i64::MAX))));
}

#[test]
fn nothing_is_given_out_while_limited() {
    let mut quota = Quota::new(LIMIT, MINUTE);
    quota.limited(Some(Duration::from_millis(49_119)), at(0));
    assert_eq!(quota.take(1, at(49_369)), Err(Until(at(49_370))));
    assert_eq!(quota.grant(1, at(10)), Err(Until(at(49_370))));
    quota.limited(Some(Duration::ZERO), at(10));
    assert_eq!(quota.available(at(49_369)), 0, "a shorter wait ends no longer one");
    assert_eq!(quota.available(at(49_370)), LIMIT);
    quota.limited(None, at(100_000));
    assert_eq!(quota.grant(1, at(100_000)), Err(Until(at(160_251))));
    quota.limited(Some(Duration::MAX), at(100_000));
    assert_eq!(quota.available(at(100_000 + 3_600_251)), LIMIT, "no refusal is believed for ever");
    let mut restarted = Quota::new(LIMIT, MINUTE);
    restarted.restore([], quota.limited_until(), at(200_000));
    assert_eq!((restarted.available(at(200_000)), restarted.limited_until()), (0, quota.limited_until()));
}

#[test]
fn a_restart_and_a_clock_that_is_set_back_forget_nothing() {
    let mut quota = Quota::new(LIMIT, MINUTE);
    let used = |ended: Option<i64>, units| Used { ended: ended.map(at), units };
    quota.restore(
        [used(None, 3), used(Some(1_000), 10), used(Some(-61_000), 30), used(Some(99_999), 5)],
        None,
        at(2_000),
    );
    assert_eq!(quota.counted(at(2_000)), 18);
    assert_eq!(quota.counted(at(1_000 + 60_251)), 8);
    assert_eq!(quota.counted(at(2_000 + 60_251)), 0);
    let ticket = quota.take(20, at(3_000)).unwrap();
    quota.ended(&ticket, at(3_000));
    let _other = quota.take(1, at(-3_600_000)).unwrap();
    assert_eq!(quota.counted(at(-3_600_000 + 60_250)), 39);
    assert_eq!(quota.counted(at(-3_600_000 + 60_251)), 1, "what the clock took back is not waited for");
}

/// A service and a client that always wants more.
struct World {
    rng: StdRng,
    latency_ms: (i64, i64),
    /// The service's minute against ours, in millionths.
    drift: i64,
    arrivals: Vec<(i64, u32)>,
}

impl World {
    /// When a request that starts now arrives and ends, in thousandths of a millisecond.
    fn travel(&mut self, now_ms: i64) -> (i64, i64) {
        // Our clock shows whole milliseconds.
        let start = now_ms * 1_000 + self.rng.random_range(0..1_000);
        let took = self.rng.random_range(self.latency_ms.0 * 1_000..=self.latency_ms.1 * 1_000);
        (start + self.rng.random_range(0..=took), start + took)
    }

    /// Asks for whatever it may until `end_ms`. Gives what was used, as a journal has it.
    fn run(&mut self, quota: &mut Quota, start_ms: i64, end_ms: i64, wanted: u32) -> Vec<Used> {
        let mut flying: BTreeMap<(i64, u64), (Ticket, u32)> = BTreeMap::new();
        let (mut now, mut journal) = (start_ms, Vec::new());
        while now < end_ms {
            while flying.first_key_value().is_some_and(|((end, _), _)| *end < (now + 1) * 1_000) {
                let ((end, _), (ticket, units)) = flying.pop_first().unwrap();
                quota.ended(&ticket, at(end / 1_000));
                journal.push(Used { ended: Some(at(end / 1_000)), units });
            }
            let sooner = flying.first_key_value().map_or(i64::MAX, |((end, _), _)| end / 1_000);
            match quota.grant(wanted, at(now)) {
                Ok(units) => {
                    let ticket = quota.take(units, at(now)).unwrap();
                    let (arrival, end) = self.travel(now);
                    self.arrivals.push((arrival + arrival / 1_000_000 * self.drift, units));
                    flying.insert((end, ticket.0), (ticket, units));
                }
                Err(Until(moment)) => now = (moment.0 - at(0).0).min(sooner).max(now + 1),
            }
        }
        journal.extend(flying.into_values().map(|(_, units)| Used { ended: None, units }));
        journal
    }

    /// The most units in any window of the service, both of its ends included.
    fn most(&self) -> u32 {
        let sorted = self.sorted();
        let mut window = VecDeque::new();
        let (mut sum, mut most) = (0, 0);
        for (arrival, units) in sorted {
            window.push_back((arrival, units));
            sum += units;
            while window.front().is_some_and(|(first, _)| *first < arrival - 60_000_000) {
                sum -= window.pop_front().unwrap().1;
            }
            most = most.max(sum);
        }
        most
    }

    /// The fewest units in any stretch of so many milliseconds within the run.
    fn fewest(&self, stretch_ms: i64) -> u32 {
        let sorted = self.sorted();
        // A stretch is poorest just after an arrival.
        let starts =
            sorted.iter().map(|(arrival, _)| *arrival).filter(|start| start + stretch_ms * 1_000 <= RUN_MS * 1_000);
        let within = |start: i64| {
            let inside = sorted.iter().filter(|(at, _)| *at > start && *at < start + stretch_ms * 1_000);
            inside.map(|(_, units)| units).sum()
        };
        starts.map(within).min().unwrap()
    }

    fn sorted(&self) -> Vec<(i64, u32)> {
        let mut sorted = self.arrivals.clone();
        sorted.sort_unstable();
        sorted
    }

    fn total(&self) -> u32 {
        self.arrivals.iter().map(|(_, units)| units).sum()
    }
}

fn world(seed: u64, latency_ms: (i64, i64), drift: i64) -> World {
    World { rng: StdRng::seed_from_u64(seed), latency_ms, drift, arrivals: Vec::new() }
}

/// Units in the run at the limit.
fn allowed() -> u32 {
    LIMIT * u32::try_from(RUN_MS / 60_000).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn no_minute_is_above_the_limit_and_none_is_wasted(seed: u64, least in 1_i64..200, spread in 0_i64..300, drift in -200_i64..200) {
        let mut world = world(seed, (least, least + spread), drift);
        world.run(&mut Quota::new(LIMIT, MINUTE), 0, RUN_MS, u32::MAX);
        prop_assert!(world.most() <= LIMIT, "{}", world.most());
        prop_assert!(f64::from(world.total()) >= 0.98 * f64::from(allowed()), "{} of {}", world.total(), allowed());
        // A minute holds all but one unit or two, and a stretch of a minute by 0.98 a whole quota.
        let missing = if least + spread <= 250 { 1 } else { 2 };
        prop_assert!(world.fewest(60_000) + missing >= LIMIT, "{}", world.fewest(60_000));
        prop_assert!(world.fewest(61_225) >= LIMIT, "{}", world.fewest(61_225));
    }

    #[test]
    fn no_minute_is_above_the_limit_however_slow_and_batched_it_is(
        seed: u64, least in 0_i64..500, spread in 0_i64..30_000, wanted in 1_u32..=LIMIT
    ) {
        let mut world = world(seed, (least, least + spread), 200);
        world.run(&mut Quota::new(LIMIT, MINUTE), 0, RUN_MS, wanted);
        prop_assert!(world.most() <= LIMIT, "{}", world.most());
        prop_assert!(world.total() > 0);
    }

    #[test]
    fn nor_through_restarts(seed: u64, stops in prop::collection::vec((1_000_i64..RUN_MS, 0_i64..400), 1..4)) {
        let mut stops = stops;
        stops.sort_unstable();
        let mut world = world(seed, (20, 220), 0);
        let (mut start, mut journal, mut down) = (0, Vec::new(), 0);
        for (stop, pause) in stops.into_iter().chain([(RUN_MS, 0)]) {
            let mut quota = Quota::new(LIMIT, MINUTE);
            quota.restore(journal.iter().copied(), None, at(start));
            journal.extend(world.run(&mut quota, start, stop, u32::MAX));
            // What never ended is known to have been under way at the stop, and counts from the restart for good.
            start = stop.max(start) + pause;
            for used in journal.iter_mut().filter(|used| used.ended.is_none()) {
                used.ended = Some(at(start));
            }
            down += pause;
        }
        prop_assert!(world.most() <= LIMIT, "{}", world.most());
        let up = f64::from(allowed()) * (1.0 - f64::from(i32::try_from(down).unwrap()) / f64::from(i32::try_from(RUN_MS).unwrap()));
        prop_assert!(f64::from(world.total()) >= 0.98 * up, "{} of {up}", world.total());
    }
}
