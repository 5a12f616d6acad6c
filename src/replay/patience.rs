//! How long a run waits for what its hops need.
//!
//! A hop goes on by itself once a service is there again, however long that takes. A run has somebody in front of it who
//! may be the one that has to act, and goes on where it was whenever it is asked for again: so it ends, and says why.

use std::time::Duration;

use crate::clock::Clock;
use crate::model::Timestamp;
use crate::observe::{Health, State};

/// The longest that a hop may wait without a break.
const WAITS_MAX: Duration = Duration::from_mins(5);
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Resolves once a hop has waited for longer than [`WAITS_MAX`]: for what.
pub(super) async fn exhausted(health: &Health, clock: &Clock) -> String {
    let mut since: Option<Timestamp> = None;
    loop {
        let now = clock.now();
        match waits_for(health) {
            Some(why) if now.since(*since.get_or_insert(now)) >= WAITS_MAX => return why,
            Some(_) => {}
            None => since = None,
        }
        clock.sleep_until(now.plus(LOOK_EVERY)).await;
    }
}

fn waits_for(health: &Health) -> Option<String> {
    health.reports().into_iter().find_map(|report| match report.state {
        State::Waiting(why) | State::Failed(why) => Some(format!("{}: {why}", report.name)),
        State::Starting | State::Ready => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::Kind;

    #[tokio::test]
    async fn a_hop_that_waits_without_a_break_ends_the_run() {
        let (clock, hand) = Clock::manual(Timestamp(0));
        let health = Health::new(clock.clone());
        let (enrich, sink) = (health.component(Kind::Hop, "enrich"), health.component(Kind::Hop, "sink"));
        let (watched, time) = (health.clone(), clock.clone());
        let ended = tokio::spawn(async move { exhausted(&watched, &time).await });
        let pass = async |seconds: u64| {
            for _ in 0..seconds {
                hand.advance(LOOK_EVERY);
                // On one thread: the other task has looked before this one goes on.
                tokio::task::yield_now().await;
            }
        };
        pass(1_000).await;
        enrich.waiting("openai: 503");
        pass(299).await;
        enrich.ready();
        pass(2).await;
        assert!(!ended.is_finished(), "it went on in time");
        sink.ready();
        enrich.waiting("openai: 401 until 10:00");
        pass(200).await;
        enrich.waiting("openai: 401 until 10:05");
        pass(99).await;
        assert!(!ended.is_finished(), "not yet");
        pass(3).await;
        assert_eq!(ended.await.unwrap(), "enrich: openai: 401 until 10:05");
    }
}
