//! The limit step by step. What it promises about convergence is in [`super::super::simulation`].

use super::*;

const NOW: Timestamp = Timestamp(0);

/// Sends as many calls as there are places.
fn fill(limit: &mut Limit) -> Vec<Ticket> {
    std::iter::from_fn(|| (limit.turn(NOW) == Turn::Now).then(|| limit.send(NOW))).collect()
}

fn answer(limit: &mut Limit, tickets: &[Ticket]) {
    for ticket in tickets {
        limit.answered(ticket, false, NOW);
    }
}

#[test]
fn it_doubles_each_round_and_shrinks_once_a_round_trip_to_what_was_not_refused() {
    let mut limit = Limit::new(100);
    for places in [4, 8, 16, 32, 64, 100] {
        assert_eq!(limit.places(), places);
        let tickets = fill(&mut limit);
        answer(&mut limit, &tickets);
    }
    let mut tickets = fill(&mut limit);
    assert_eq!(tickets.len(), 100);
    for (refused, places) in [(1, 90), (9, 89), (5, 84), (45, 40)] {
        for ticket in tickets.drain(..refused) {
            limit.refused(&ticket, None, 0.0, NOW);
        }
        assert_eq!(limit.places(), places);
        assert_eq!(limit.turn(NOW), Turn::Later, "no place is free before the others have ended");
    }
    answer(&mut limit, &tickets);
    assert_eq!(limit.places(), 40, "answers to calls from before the decrease say nothing");
    let tickets = fill(&mut limit);
    answer(&mut limit, &tickets);
    assert_eq!(limit.places(), 40, "it rests at the level that was borne");
}

#[test]
fn a_refusal_by_chance_costs_a_tenth_and_no_more() {
    let mut limit = Limit::new(100);
    for _ in 0..6 {
        let tickets = fill(&mut limit);
        answer(&mut limit, &tickets);
    }
    let alone = limit.send(NOW);
    limit.refused(&alone, None, 0.0, NOW);
    assert_eq!(limit.places(), 90);
    for _ in 0..8 {
        let tickets = fill(&mut limit);
        answer(&mut limit, &tickets);
    }
    assert_eq!(limit.places(), 100);
}

#[test]
fn calls_that_teach_nothing_change_nothing() {
    let mut limit = Limit::new(100);
    for _ in 0..10 {
        for _ in fill(&mut limit) {
            limit.ended();
        }
    }
    assert_eq!((limit.places(), limit.in_flight()), (4, 0));
}
