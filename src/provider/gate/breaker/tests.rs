//! The breaker as a table: what each call brings, and how it stands after it.

use super::*;

const SETTINGS: Settings = Settings { failures: 3, open: Duration::from_mins(1) };

fn error(word: &str) -> Result<(), CallError> {
    let error = word.to_owned();
    match word {
        "ok" => Ok(()),
        "limited" => Err(CallError::Limited { retry_after: None, error }),
        "transient" => Err(CallError::Transient { retry_after: None, error }),
        "permanent" => Err(CallError::Permanent { error }),
        "exhausted" => Err(CallError::Exhausted { retry_after: None, error }),
        "exhausted 100" => Err(CallError::Exhausted { retry_after: Some(Duration::from_secs(100)), error }),
        "denied" => Err(CallError::Denied { error }),
        _ => Err(CallError::Lost { error }),
    }
}

/// Each step is a second and what one call brought; `-` is a call that was not let through, `wait N` passes seconds.
fn check(steps: &[(&str, &str)]) {
    let mut breaker = Breaker::new(SETTINGS);
    let mut now = Timestamp(0);
    for (at, (step, expected)) in steps.iter().enumerate() {
        now = now.plus(Duration::from_secs(1));
        if let Some(seconds) = step.strip_prefix("wait ") {
            now = now.plus(Duration::from_secs(seconds.parse::<u64>().unwrap() - 1));
        } else if *step == "-" {
            assert_ne!(breaker.turn(now), Turn::Now, "step {at}: {breaker:?}");
        } else {
            assert_eq!(breaker.turn(now), Turn::Now, "step {at}: {breaker:?}");
            let pass = breaker.pass();
            breaker.heard(&pass, error(step).as_ref().copied(), now);
        }
        let state = breaker.state().to_string();
        assert!(state.starts_with(expected), "step {at} {step}: {state}, expected {expected}");
    }
}

#[test]
fn failures_in_a_row_open_it_and_probes_close_it() {
    check(&[
        ("transient", "closed"),
        ("lost", "closed"),
        ("permanent", "closed"),
        ("transient", "closed"),
        ("lost", "closed"),
        ("limited", "closed"),
        ("transient", "open until 1970-01-01T00:01:07Z: transient"),
        ("-", "open"),
        ("wait 57", "open"),
        ("-", "open"),
        ("lost", "open until 1970-01-01T00:02:07Z: lost"),
        ("-", "open"),
        ("wait 60", "open"),
        ("limited", "half-open"),
        ("ok", "half-open"),
        ("ok", "half-open"),
        ("transient", "open"),
        ("wait 60", "open"),
        ("ok", "half-open"),
        ("permanent", "half-open"),
        ("ok", "closed"),
        ("transient", "closed"),
    ]);
}

#[test]
fn a_denial_stops_it_until_a_probe_is_answered() {
    check(&[
        ("denied", "stopped: denied"),
        ("-", "stopped"),
        ("wait 59", "stopped"),
        ("denied", "stopped"),
        ("-", "stopped"),
        ("wait 60", "stopped"),
        ("limited", "stopped"),
        ("ok", "half-open"),
        ("ok", "half-open"),
        ("ok", "closed"),
    ]);
}

#[test]
fn used_up_credit_pauses_it_for_as_long_as_it_says() {
    check(&[
        ("exhausted", "open until 1970-01-01T00:15:01Z: exhausted"),
        ("wait 898", "open"),
        ("-", "open"),
        ("exhausted 100", "open until 1970-01-01T00:16:41Z: exhausted 100"),
        ("wait 100", "open"),
        ("ok", "half-open"),
    ]);
}

#[test]
fn probes_come_one_at_a_time_then_two_and_a_dropped_one_is_made_up_for() {
    let mut breaker = Breaker::new(SETTINGS);
    let now = Timestamp(0);
    let early = breaker.pass();
    for _ in 0..3 {
        let pass = breaker.pass();
        breaker.heard(&pass, error("transient").as_ref().copied(), now);
    }
    let later = now.plus(SETTINGS.open);
    assert_eq!(breaker.turn(now), Turn::At(later));
    let dropped = breaker.pass();
    assert_eq!(breaker.turn(later), Turn::Later);
    breaker.ended(&dropped);
    let first = breaker.pass();
    assert_eq!(breaker.turn(later), Turn::Later);
    breaker.heard(&early, Ok(()), later);
    assert_eq!(breaker.turn(later), Turn::Later, "a call from before the outage says nothing");
    breaker.heard(&first, Ok(()), later);
    let pair = [breaker.pass(), breaker.pass()];
    assert_eq!(breaker.turn(later), Turn::Later);
    for probe in &pair {
        assert_eq!(breaker.state(), State::HalfOpen);
        breaker.heard(probe, Ok(()), later);
    }
    assert_eq!(breaker.state(), State::Closed);
}
