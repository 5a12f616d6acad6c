//! The gate as its callers see it, on a manual clock: futures are polled by hand, so that nothing depends on a scheduler.

use std::io::Write;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use parking_lot::Mutex;

use super::*;
use crate::clock::Hand;
use crate::observe;

const START: Timestamp = Timestamp(1_795_305_600_000);
const OPEN: Duration = Duration::from_mins(1);

fn gate(provider: &'static str, concurrency_max: usize) -> (Gate, Hand) {
    let (clock, hand) = Clock::manual(START);
    let breaker = BreakerSettings { failures: 5, open: OPEN };
    (Gate::new(&Settings { provider, operations: &["ask"], concurrency_max, breaker, seed: 7 }, clock), hand)
}

type Entering = Pin<Box<dyn Future<Output = Permit> + Send>>;

fn entering(gate: &Gate) -> Entering {
    let gate = gate.clone();
    Box::pin(async move { gate.enter("ask").await })
}

/// Polls once.
fn poll(entering: &mut Entering) -> Option<Permit> {
    entering.as_mut().now_or_never()
}

fn enter(gate: &Gate) -> Option<Permit> {
    poll(&mut entering(gate))
}

fn answer(permits: Vec<Permit>) {
    for permit in permits {
        permit.done(Ok(()));
    }
}

fn transient() -> CallError {
    CallError::Transient { retry_after: None, error: "connection refused".to_owned() }
}

/// The value of a series, as it is rendered.
fn metric(series: &str) -> String {
    let text = observe::render();
    let line = text.lines().find_map(|line| line.strip_prefix(series)).unwrap_or_else(|| panic!("{series}\n{text}"));
    line.trim().to_owned()
}

#[test]
fn places_are_given_in_the_order_of_arrival_and_a_waiter_may_leave() {
    let (gate, _hand) = gate("order", 2);
    let (first, second) = (enter(&gate).unwrap(), enter(&gate).unwrap());
    let mut waiting = [entering(&gate), entering(&gate), entering(&gate), entering(&gate)];
    assert!(waiting.iter_mut().all(|entering| poll(entering).is_none()));
    let [mut head, left, mut third, mut fourth] = waiting;
    drop(left);
    first.done(Ok(()));
    assert!(poll(&mut third).is_none(), "it is not its turn");
    let permit = poll(&mut head).unwrap();
    assert!(poll(&mut third).is_none(), "there is no place");
    second.done(Ok(()));
    // The head gives up just when a place became free: the next one has it.
    drop(third);
    let other = poll(&mut fourth).unwrap();
    assert_eq!(metric("signalmill_provider_in_flight{provider=\"order\"}"), "2");
    drop((permit, other));
    assert_eq!(metric("signalmill_provider_in_flight{provider=\"order\"}"), "0");
    let requests = "signalmill_provider_requests_total{provider=\"order\",operation=\"ask\",outcome=";
    assert_eq!(metric(&format!("{requests}\"ok\"}}")), "2");
    assert_eq!(metric(&format!("{requests}\"cancelled\"}}")), "2");
    assert_eq!(metric("signalmill_provider_request_seconds_count{provider=\"order\"}"), "4");
}

#[test]
fn an_outage_holds_everybody_back_and_ends_by_itself() {
    let (gate, hand) = gate("outage", 64);
    let watch = gate.watch();
    for places in [4, 8] {
        let permits: Vec<Permit> = std::iter::from_fn(|| enter(&gate)).collect();
        assert_eq!(permits.len(), places);
        answer(permits);
    }
    let mut permits: Vec<Permit> = std::iter::from_fn(|| enter(&gate)).collect();
    for permit in permits.drain(..4) {
        permit.done(Err(&transient()));
        assert_eq!(gate.state(), State::Closed);
    }
    permits.swap_remove(0).done(Err(&transient()));
    let state = gate.state();
    assert_eq!(state, State::Open { until: START.plus(OPEN), why: "connection refused".to_owned() });
    assert!(state.is_out() && watch.has_changed().unwrap());
    assert_eq!(metric("signalmill_breaker_state{provider=\"outage\"}"), "2");
    let mut waiting: Vec<Entering> = (0..10).map(|_| entering(&gate)).collect();
    assert!(waiting.iter_mut().all(|entering| poll(entering).is_none()));
    // What was under way before tells of the time before.
    answer(permits);
    hand.advance(OPEN.saturating_sub(Duration::from_millis(1)));
    assert!(poll(&mut waiting[0]).is_none());
    hand.advance(Duration::from_millis(1));
    let probe = poll(&mut waiting[0]).unwrap();
    assert_eq!(gate.state(), State::HalfOpen);
    assert_eq!(metric("signalmill_breaker_state{provider=\"outage\"}"), "1");
    assert!(poll(&mut waiting[1]).is_none(), "one probe at a time");
    drop(probe);
    poll(&mut waiting[1]).unwrap().done(Ok(()));
    let pair = (poll(&mut waiting[2]).unwrap(), poll(&mut waiting[3]).unwrap());
    assert!(poll(&mut waiting[4]).is_none());
    pair.0.done(Ok(()));
    pair.1.done(Ok(()));
    assert_eq!(gate.state(), State::Closed);
    assert_eq!(metric("signalmill_breaker_state{provider=\"outage\"}"), "0");
    assert!(poll(&mut waiting[4]).is_some());
}

/// What is logged, line by line.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_wrong_key_is_one_error_line_however_many_calls_meet_it() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    tracing::subscriber::with_default(subscriber, || {
        let (gate, hand) = gate("denied", 4);
        let denied = CallError::Denied { error: "API key not valid".to_owned() };
        let permits: Vec<Permit> = (0..4).map(|_| enter(&gate).unwrap()).collect();
        for permit in permits {
            permit.done(Err(&denied));
            assert_eq!(gate.state().to_string(), "stopped: API key not valid");
        }
        for _ in 0..3 {
            assert!(enter(&gate).is_none());
            hand.advance(Duration::from_mins(1));
            enter(&gate).unwrap().done(Err(&denied));
            assert_eq!(gate.state().to_string(), "stopped: API key not valid");
        }
        hand.advance(Duration::from_mins(1));
        for expected in [State::HalfOpen, State::HalfOpen, State::Closed] {
            enter(&gate).unwrap().done(Ok(()));
            assert_eq!(gate.state(), expected);
        }
    });
    let text = String::from_utf8(lines.0.lock().clone()).unwrap();
    let errors: Vec<&str> = text.lines().filter(|line| line.contains("ERROR")).collect();
    assert!(matches!(errors[..], [line] if line.contains("API key not valid")), "{text}");
    assert_eq!(text.matches("provider is back").count(), 1, "{text}");
}

#[test]
fn a_rate_that_is_refused_is_waited_for_and_opens_nothing() {
    let (gate, hand) = gate("rate", 64);
    let limited = CallError::Limited { retry_after: Some(Duration::from_secs(38)), error: "quota".to_owned() };
    let permits: Vec<Permit> = (0..4).map(|_| enter(&gate).unwrap()).collect();
    assert_eq!(metric("signalmill_provider_concurrency_limit{provider=\"rate\"}"), "4");
    for permit in permits {
        permit.done(Err(&limited));
        assert!(matches!(gate.state(), State::Paused { until, .. } if until >= START.plus(Duration::from_secs(38))));
        assert!(!gate.state().is_out());
    }
    assert_eq!(metric("signalmill_provider_concurrency_limit{provider=\"rate\"}"), "3");
    assert_eq!(metric("signalmill_breaker_state{provider=\"rate\"}"), "0");
    let mut waiting = entering(&gate);
    assert!(poll(&mut waiting).is_none());
    hand.advance(Duration::from_secs(37));
    assert!(poll(&mut waiting).is_none());
    hand.advance(Duration::from_secs(5));
    let permit = poll(&mut waiting).unwrap();
    assert_eq!(gate.state(), State::Closed);
    permit.done(Ok(()));
}

#[test]
fn every_end_of_a_call_has_its_word_in_the_table_of_metrics() {
    let (error, retry_after) = (String::new, None);
    let errors = [
        CallError::Transient { retry_after, error: error() },
        CallError::Limited { retry_after, error: error() },
        CallError::Permanent { error: error() },
        CallError::Exhausted { retry_after, error: error() },
        CallError::Denied { error: error() },
        CallError::Lost { error: error() },
    ];
    let words: Vec<&str> =
        ["ok"].into_iter().chain(errors.iter().map(CallError::as_str)).chain(["cancelled"]).collect();
    let metric = observe::TABLE.iter().find(|metric| metric.name.ends_with("provider_requests_total")).unwrap();
    let outcomes = metric.labels.iter().find(|label| label.name == "outcome").unwrap();
    assert!(matches!(outcomes.values, observe::Values::Closed(known) if known == words), "{words:?}");
}

#[test]
fn gates_of_two_keys_add_up_and_leave_nothing_behind() {
    let (one, _) = gate("keys", 64);
    let (other, _) = gate("keys", 3);
    let permits = (enter(&one), enter(&one), enter(&other));
    assert_eq!(metric("signalmill_provider_in_flight{provider=\"keys\"}"), "3");
    assert_eq!(metric("signalmill_provider_concurrency_limit{provider=\"keys\"}"), "7");
    drop((one, permits));
    assert_eq!(metric("signalmill_provider_in_flight{provider=\"keys\"}"), "0");
    assert_eq!(metric("signalmill_provider_concurrency_limit{provider=\"keys\"}"), "3");
}

#[test]
fn whatever_callers_do_no_place_is_lost() {
    for seed in 0..50 {
        let (gate, hand) = gate("any", 8);
        let mut rng = StdRng::seed_from_u64(seed);
        let (mut waiting, mut inside): (Vec<Entering>, Vec<Permit>) = (Vec::new(), Vec::new());
        for _ in 0..2_000 {
            match rng.random_range(0..10) {
                0..4 if waiting.len() < 20 => waiting.push(entering(&gate)),
                4 if !waiting.is_empty() => drop(waiting.swap_remove(rng.random_range(0..waiting.len()))),
                5 if !inside.is_empty() => drop(inside.swap_remove(0)),
                6..9 if !inside.is_empty() => {
                    let permit = inside.swap_remove(rng.random_range(0..inside.len()));
                    let error = String::new();
                    let error = match rng.random_range(0..8) {
                        0 => CallError::Limited { retry_after: None, error },
                        1 => CallError::Lost { error },
                        2 => CallError::Permanent { error },
                        3 => CallError::Transient { retry_after: Some(Duration::from_secs(1)), error },
                        _ => {
                            permit.done(Ok(()));
                            continue;
                        }
                    };
                    permit.done(Err(&error));
                }
                _ => hand.advance(Duration::from_millis(rng.random_range(0..20_000))),
            }
            waiting.retain_mut(|entering| match poll(entering) {
                Some(permit) => {
                    inside.push(permit);
                    false
                }
                None => true,
            });
            assert_eq!(gate.0.parts.lock().limit.in_flight(), inside.len());
            assert!(inside.len() <= 8);
        }
        drop((waiting, inside));
        hand.advance(Duration::from_hours(1));
        assert!(enter(&gate).is_some(), "seed {seed}: {:?}", gate.0.parts.lock());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_callers_on_many_threads_all_get_in() {
    let (gate, _hand) = gate("threads", 16);
    let callers: Vec<_> = (0..2_000)
        .map(|_| {
            let gate = gate.clone();
            tokio::spawn(async move {
                let permit = gate.enter("ask").await;
                tokio::task::yield_now().await;
                permit.done(Ok(()));
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    assert_eq!(gate.0.parts.lock().limit.in_flight(), 0);
}

#[test]
fn a_call_that_cannot_wait_is_told_when_there_is_no_sense_in_it() {
    let (gate, hand) = gate("impatient", 2);
    let soon = || gate.0.clock.now().plus(Duration::from_secs(5));
    assert!(gate.may_open_by(soon()));
    let full = (enter(&gate).unwrap(), enter(&gate).unwrap());
    assert!(gate.may_open_by(soon()), "a place may come");
    full.0.done(Ok(()));
    full.1.done(Ok(()));
    for _ in 0..5 {
        enter(&gate).unwrap().done(Err(&transient()));
        hand.advance(Duration::from_secs(1));
    }
    assert!(gate.state().is_out() && !gate.may_open_by(soon()), "it is away for a minute");
    hand.advance(OPEN);
    assert!(gate.may_open_by(soon()), "one call may try it");
    let trying = enter(&gate).unwrap();
    assert!(!gate.may_open_by(soon()), "and somebody does");
    trying.done(Ok(()));
    assert!(gate.may_open_by(soon()));
    // A wait that the service asks for, of which it is not away.
    let asks = CallError::Limited { retry_after: Some(Duration::from_secs(30)), error: "a minute's quota".to_owned() };
    enter(&gate).unwrap().done(Err(&asks));
    assert!(!gate.may_open_by(soon()) && gate.may_open_by(soon().plus(Duration::from_mins(1))));
}
