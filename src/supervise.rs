//! Keeps hops running: a hop that stops starts again from its last commit, after a wait that grows with failures. One that
//! its circuit has stopped waits as long as `dead_letters.pause` says, and then tries the same records again.

use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context as _;
use rand::Rng as _;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::{error, info, warn};

use crate::flow::circuit::Open;
use crate::observe::Component;
use crate::pipeline::{Line, Started, Surroundings};

/// The first wait after a failure.
const WAIT_MIN: Duration = Duration::from_millis(200);
/// The longest wait.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// A hop that ran this long has recovered: its next failure waits as its first.
const RECOVERED_AFTER: Duration = Duration::from_secs(30);
/// What a hop may take beyond its drain, to let go of its connections.
const LEAVE_MAX: Duration = Duration::from_secs(1);

/// Runs hops until `stop` says so, then lets them drain.
///
/// # Errors
/// When a hop's task died, which is a defect.
pub async fn run(
    surroundings: Surroundings,
    hops: Vec<(Line, Component)>,
    stop: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    let mut tasks = JoinSet::new();
    for (hop, health) in hops {
        tasks.spawn(keep(surroundings.clone(), hop, health, stop.clone()));
    }
    while let Some(ended) = tasks.join_next().await {
        ended.context("a hop's task died")?;
    }
    Ok(())
}

async fn keep(surroundings: Surroundings, hop: Line, health: Component, mut stop: watch::Receiver<bool>) {
    let mut wait = WAIT_MIN;
    while !is_set(&stop) {
        let began = Instant::now();
        let started = tokio::select! {
            started = surroundings.start(hop, health.clone()) => started,
            () = told(&mut stop) => break,
        };
        let ended = match started {
            Ok(started) => attend(&surroundings, started, &mut stop).await,
            Err(error) => Err(error),
        };
        let Err(error) = ended else { continue };
        if began.elapsed() > RECOVERED_AFTER {
            wait = WAIT_MIN;
        }
        // It starts again by itself: a restart of the process, which `/live` would ask for, would mend nothing.
        health.waiting(format!("{error:#}"));
        if let Some(open) = error.downcast_ref::<Open>() {
            error!(hop = hop.name, error = format!("{error:#}"), "hop stopped before it made too many dead letters");
            let _ = tokio::time::timeout(open.pause, told(&mut stop)).await;
            continue;
        }
        // Full jitter: workers that lost the same broker do not come back in step.
        let pause = rand::rng().random_range(WAIT_MIN..=wait.max(WAIT_MIN + Duration::from_millis(1)));
        warn!(
            hop = hop.name,
            error = format!("{error:#}"),
            wait_ms = pause.as_millis(),
            "hop stopped, it starts again"
        );
        wait = (wait * 2).min(WAIT_MAX);
        let _ = tokio::time::timeout(pause, told(&mut stop)).await;
    }
    info!(hop = hop.name, "hop ended");
}

/// Waits until a hop ends by itself, or drains it when it is to stop.
async fn attend(surroundings: &Surroundings, started: Started, stop: &mut watch::Receiver<bool>) -> anyhow::Result<()> {
    let Started { mut running, source, closing } = started;
    let ended = tokio::select! {
        ended = &mut running => ended,
        () = told(stop) => {
            let drain = surroundings.config.flow.drain;
            let leave = async {
                if let Some(closing) = closing {
                    let _ = tokio::time::timeout(drain / 2, closing).await;
                }
                source.stop.store(true, Ordering::Release);
            };
            let drained = async { tokio::join!(leave, &mut running).1 };
            tokio::time::timeout(drain + LEAVE_MAX, drained).await.unwrap_or_else(|_| {
                // Nothing of what is left was committed: it is read again.
                Ok(())
            })
        }
    };
    source.stop.store(true, Ordering::Release);
    drop(running);
    let _ = tokio::time::timeout(LEAVE_MAX * 3, source.ended).await;
    match ended {
        Ok(()) if !is_set(stop) => anyhow::bail!("its consumer ended"),
        ended => ended,
    }
}

/// Read here, so that no guard of the channel lives across a wait.
fn is_set(stop: &watch::Receiver<bool>) -> bool {
    *stop.borrow()
}

/// Resolves when it is time to stop; a sender that is gone says so too.
async fn told(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await.map(|_| ());
}
