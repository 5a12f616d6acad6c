//! The limit against services in simulated time: what it promises about convergence, over many seeds and latencies.
//!
//! Clients always have work. A refused call is asked again by the retry policy; one that the policy gives up is counted
//! as an error that an article would see.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_wrap,
    reason = "simulated milliseconds and counts are small"
)]

mod world;

use std::time::Duration;

use super::limit::PLACES_FIRST;
use world::{Service, World};

const MAX: usize = 256;
const SEEDS: u64 = 10;
/// What a service bears, before and after, and in between.
const MUCH: usize = 250;
const LITTLE: usize = 25;
/// The share of a capacity that must be used, after [`GRACE_MS`] or so many round trips, whichever is longer.
const SHARE: f64 = 0.8;
const GRACE_MS: i64 = 20_000;
const GRACE_ROUNDS: i64 = 20;

/// The worst of all seeds.
#[derive(Debug)]
struct Worst {
    share: f64,
    /// Of all calls after the grace.
    refused: f64,
    /// Until the limit was at four fifths of what it had been.
    back_ms: i64,
    /// Refused while the limit found the small capacity.
    refused_at_drop: usize,
    /// How often one question was refused.
    refusals_max: u32,
}

/// The capacity falls to a tenth and comes back, in every seed.
fn drop_and_return(service: Service) -> Worst {
    let mut worst = Worst { share: f64::MAX, refused: 0.0, back_ms: 0, refused_at_drop: 0, refusals_max: 0 };
    let grace_ms = GRACE_MS.max(GRACE_ROUNDS * service.latency_ms);
    for seed in 0..SEEDS {
        let mut world = World::new(MAX, 600, seed);
        world.run(grace_ms, &Service { capacity: MUCH, ..service });
        for capacity in [LITTLE, MUCH] {
            let service = Service { capacity, ..service };
            let (changed_at, refused) = (world.now_ms, world.refused);
            world.wanted = capacity * 4 / 5;
            world.run(grace_ms, &service);
            if capacity == MUCH {
                worst.back_ms = worst.back_ms.max(world.reached_ms.unwrap() - changed_at);
            } else {
                worst.refused_at_drop = worst.refused_at_drop.max(world.refused - refused);
            }
            let (answered, refused) = (world.answered, world.refused);
            world.run(grace_ms, &service);
            let rate = service.rate(capacity) * grace_ms as f64;
            worst.share = worst.share.min((world.answered - answered) as f64 / rate);
            let refused = (world.refused - refused) as f64;
            worst.refused = worst.refused.max(refused / (refused + (world.answered - answered) as f64));
        }
        assert_eq!(world.given_up, 0);
        worst.refusals_max = worst.refusals_max.max(world.refusals_max);
    }
    worst
}

#[test]
fn a_capacity_that_falls_to_a_tenth_and_comes_back_is_found_both_ways() {
    let fixed = Service::default();
    let (noisy, wild) = (Service { noise: 0.3, ..fixed }, Service { noise: 0.6, ..fixed });
    for (service, retry_after_ms) in [
        (Service { latency_ms: 20, ..fixed }, None),
        (Service { latency_ms: 20, refusal_ms: 20, ..noisy }, None),
        (Service { latency_ms: 100, ..fixed }, None),
        (Service { latency_ms: 100, ..wild }, None),
        (Service { latency_ms: 100, refusal_ms: 100, ..noisy }, None),
        (Service { latency_ms: 100, ..noisy }, Some(500)),
        (Service { latency_ms: 1_000, ..noisy }, None),
        (Service { latency_ms: 1_000, refusal_ms: 1_000, ..noisy }, None),
        (Service { latency_ms: 10_000, ..noisy }, None),
        (Service { latency_ms: 10_000, refusal_ms: 10_000, ..noisy }, None),
        (Service { latency_ms: 60_000, ..noisy }, None),
    ] {
        let service = Service { retry_after: retry_after_ms.map(Duration::from_millis), ..service };
        let worst = drop_and_return(service);
        let rounds = worst.back_ms as f64 / service.latency_ms as f64;
        println!(
            "{:>6} ms ± {:.1}, refused after {:>5} ms, asks for {:>4} ms: used {:.0} %, refused {:.1} % (and {} at the \
             drop), back after {} ms = {rounds:.1} round trips, most refusals of one question {}",
            service.latency_ms,
            service.noise,
            service.refusal_ms,
            retry_after_ms.unwrap_or(0),
            worst.share * 100.0,
            worst.refused * 100.0,
            worst.refused_at_drop,
            worst.back_ms,
            worst.refusals_max,
        );
        assert!(worst.share >= SHARE, "{service:?}: {worst:?}");
        assert!(worst.refused <= 0.05, "{service:?}: {worst:?}");
        assert!(worst.back_ms <= GRACE_MS.max(GRACE_ROUNDS * service.latency_ms), "{service:?}: {worst:?}");
    }
}

#[test]
fn a_steady_latency_lets_the_limit_double_up_to_its_maximum_and_stay() {
    for (noise, rounds_max) in [(0.0, 7), (0.3, 8), (0.6, 10)] {
        for latency_ms in [1, 20, 100, 1_000, 60_000] {
            let service = Service { latency_ms, noise, ..Service::default() };
            for seed in 0..SEEDS {
                let mut world = World::new(MAX, 600, seed);
                world.wanted = MAX;
                world.run(latency_ms * 100, &service);
                let reached_ms = world.reached_ms.unwrap();
                assert!(reached_ms <= latency_ms * rounds_max, "{service:?}, seed {seed}: {reached_ms} ms");
                world.run(latency_ms * 400, &service);
                assert_eq!(world.places_min, MAX, "{service:?}, seed {seed}");
            }
        }
    }
}

#[test]
fn a_limit_that_is_not_used_does_not_grow() {
    let mut world = World::new(MAX, 10, 1);
    world.run(60_000, &Service::default());
    assert!((10..=20).contains(&world.limit.places()), "{}", world.limit.places());
}

#[test]
fn a_service_that_queues_is_kept_busy_and_not_flooded() {
    for (slots, latency_ms) in [(1, 1_000), (4, 1_000), (16, 100), (16, 1_000), (64, 100)] {
        let service = Service { latency_ms, slots: Some(slots), noise: 0.3, ..Service::default() };
        for seed in 0..SEEDS {
            let mut world = World::new(MAX, 600, seed);
            let span_ms = latency_ms * 3_000 / slots as i64;
            world.run(span_ms, &service);
            let answered = world.answered;
            world.run(span_ms, &service);
            let share = (world.answered - answered) as f64 / (service.rate(slots) * span_ms as f64);
            assert!(share > 0.9, "{service:?}, seed {seed}: {share}");
            let places = world.limit.places();
            assert!(places <= 4 * slots + 32, "{service:?}, seed {seed}: {places}");
        }
    }
}

#[test]
fn a_service_that_is_slower_for_its_own_reasons_keeps_its_places() {
    let service = Service { noise: 0.3, ..Service::default() };
    for seed in 0..SEEDS {
        let mut world = World::new(MAX, 600, seed);
        world.run(10_000, &service);
        world.run(60_000, &Service { latency_ms: 1_000, ..service });
        assert_eq!(world.limit.places(), MAX, "seed {seed}");
        world.run(30_000, &service);
        assert_eq!(world.limit.places(), MAX, "seed {seed}");
    }
}

#[test]
fn refusals_by_chance_leave_some_places() {
    for seed in 0..SEEDS {
        let mut world = World::new(MAX, 600, seed);
        world.run(60_000, &Service { refused_by_chance: 0.1, ..Service::default() });
        let in_flight = world.answered as f64 / 600.0;
        assert!(in_flight > 1.5 && world.given_up == 0, "seed {seed}: {in_flight}");
    }
}

#[test]
fn a_wait_that_the_service_asks_for_is_kept_and_then_few_calls_go_first() {
    for seed in 0..SEEDS {
        let mut world = World::new(MAX, 600, seed);
        world.run(10_000, &Service::default());
        let asked = Some(Duration::from_secs(38));
        world.run(1, &Service { capacity: 0, retry_after: asked, ..Service::default() });
        world.run(101, &Service { capacity: 0, retry_after: asked, ..Service::default() });
        let (sent, answered) = (world.sent, world.answered);
        world.run(37_500, &Service::default());
        assert!(world.answered - answered <= MAX, "what was in flight");
        assert_eq!(world.sent, sent, "nothing goes out for 38 s");
        world.wanted_sent = sent + 1;
        world.run(5_000, &Service::default());
        assert!(world.sent_together as f64 <= PLACES_FIRST, "{}", world.sent_together);
        world.run(30_000, &Service::default());
        assert!(world.limit.places() > MAX / 2, "{}", world.limit.places());
    }
}

#[test]
fn a_service_that_refuses_everything_is_left_alone() {
    for seed in 0..SEEDS {
        let mut world = World::new(MAX, 600, seed);
        world.run(10_000, &Service::default());
        world.run(1_000, &Service { capacity: 0, ..Service::default() });
        let refused = world.refused;
        world.run(600_000, &Service { capacity: 0, ..Service::default() });
        assert!(world.refused - refused < 25, "seed {seed}: {}", world.refused - refused);
        world.run(120_000, &Service::default());
        assert!(world.limit.places() > MAX / 2 && world.given_up == 0, "seed {seed}: {}", world.limit.places());
    }
}
