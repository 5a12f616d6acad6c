//! The rows of a scan: its files go into `market.files`, and it ends when they stand in ClickHouse, whoever brings them
//! there.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};
use futures_util::future::try_join_all;
use tokio::sync::watch;

use super::stopped;
use crate::cli::commands::post::Post;
use crate::cli::commands::progress;
use crate::cli::market::{Content, Readers};
use crate::config::{self, Bytes};
use crate::kafka::{self, Behind, DLQ_SUFFIX, MARKET_BATCHES, MARKET_CONTEXTS, MARKET_FILES, SIGNALS};
use crate::observe::{Component, Health, Kind};
use crate::pipeline::{self, Line, Surroundings};
use crate::supervise;

/// The stages between a file and its rows, in their order.
const STAGES: [&str; 4] = ["window/market", "enrich/market", "score/market", "sink"];
/// Bytes of records in flight in a stage (`flow.in_flight_bytes_max`) at most: all stages share this process, and more
/// makes nothing faster.
const IN_FLIGHT_MAX: Bytes = Bytes::mebi(8);
/// How long a stage may take without a record getting through it.
const QUIET_MAX: Duration = Duration::from_secs(30);
/// Between two looks whether somebody else runs a stage.
const MEMBERS_LOOK_EVERY: Duration = Duration::from_secs(1);

/// Sends `files`, which stand below `root`, and waits for their rows.
///
/// # Errors
/// Kafka or ClickHouse does not answer, nothing gets through a stage any more, or it was stopped.
pub(super) async fn make(
    root: &Path,
    mut surroundings: Surroundings,
    files: Arc<[PathBuf]>,
    stop: &mut watch::Receiver<bool>,
) -> anyhow::Result<()> {
    let config = Arc::make_mut(&mut surroundings.config);
    config.flow.in_flight_bytes_max = config.flow.in_flight_bytes_max.min(IN_FLIGHT_MAX);
    let (end, ended) = watch::channel(false);
    let mut stages = tokio::spawn(stages(surroundings.clone(), ended));
    let given_up = Arc::new(AtomicBool::new(false));
    let (root, theirs) = (root.to_owned(), Arc::clone(&given_up));
    let mut work = tokio::task::spawn_blocking(move || {
        send(&root, &surroundings, files, &theirs)?;
        landed(&surroundings.config.kafka, &theirs)
    });
    let through = tokio::select! {
        through = &mut work => through.context("waiting for rows panicked")?,
        () = stopped(stop) => {
            given_up.store(true, Ordering::Release);
            work.await.context("waiting for rows panicked")?
        }
        died = &mut stages => return Err(lost(died)),
    };
    let _ = end.send(true);
    stages.await.context("the stages died")??;
    through
}

fn lost(died: Result<anyhow::Result<()>, tokio::task::JoinError>) -> anyhow::Error {
    match died {
        Ok(Ok(())) => anyhow!("the stages ended early"),
        Ok(Err(error)) => error,
        Err(died) => anyhow!(died).context("the stages died"),
    }
}

/// The stages that a scan runs where nobody else does.
pub(super) fn hops() -> Vec<Line> {
    pipeline::hops(|name| STAGES.contains(&name))
}

/// Runs the stages that nobody else runs, until `ended`.
async fn stages(surroundings: Surroundings, ended: watch::Receiver<bool>) -> anyhow::Result<()> {
    let health = Health::new(surroundings.clock.clone());
    let running = hops().into_iter().map(|hop| {
        let health = health.component(Kind::Hop, hop.name);
        alone(surroundings.clone(), hop, health, ended.clone())
    });
    try_join_all(running).await.map(|_| ())
}

/// Runs a stage once nobody else does.
async fn alone(
    surroundings: Surroundings,
    hop: Line,
    health: Component,
    mut ended: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    while kafka::has_members(&surroundings.config.kafka, hop.name).await? {
        tokio::select! {
            () = tokio::time::sleep(MEMBERS_LOOK_EVERY) => {}
            () = stopped(&mut ended) => return Ok(()),
        }
    }
    supervise::run(surroundings, vec![(hop, health)], ended).await
}

/// Sends the files.
fn send(root: &Path, surroundings: &Surroundings, files: Arc<[PathBuf]>, given_up: &AtomicBool) -> anyhow::Result<()> {
    let Surroundings { config, clock, .. } = surroundings;
    let all = files.len();
    let mut bar = progress("files sent", u64::try_from(all).ok());
    let mut post = Post::new(&config.kafka, clock.clone())?;
    let mut readers = Readers::start(root, files, config.limits.record_bytes_max.in_memory(), clock.clone())?;
    while let Some(piece) = readers.next()? {
        if given_up.load(Ordering::Acquire) {
            bail!("stopped: the feed is written, but of {all} files only those before {} were sent", piece.name);
        }
        post.send(&piece)?;
        bar.add(u64::from(!matches!(piece.content, Content::Part(_, false))));
    }
    post.finish()?;
    bar.finish();
    Ok(())
}

/// Waits until what was sent, and what comes of it, has got through one stage after the other.
fn landed(kafka: &config::Kafka, given_up: &AtomicBool) -> anyhow::Result<()> {
    let topic = |name: &str| format!("{}{name}", kafka.topic_prefix);
    for stage in STAGES {
        let topics = match stage {
            "window/market" => vec![topic(MARKET_FILES)],
            "enrich/market" => vec![topic(MARKET_BATCHES)],
            "score/market" => vec![topic(MARKET_CONTEXTS)],
            _ => {
                let letters = format!("{MARKET_FILES}{DLQ_SUFFIX}");
                [MARKET_BATCHES, MARKET_CONTEXTS, SIGNALS, &letters].map(topic).to_vec()
            }
        };
        let behind = Behind::of(kafka, &kafka::group_name(kafka, stage), &topics)?;
        let (mut least, mut moved) = (u64::MAX, Instant::now());
        behind.until_landed(|left| {
            if left < least {
                (least, moved) = (left, Instant::now());
            }
            let why = if given_up.load(Ordering::Acquire) {
                "stopped".to_owned()
            } else if moved.elapsed() > QUIET_MAX {
                format!("nothing has got through the stage {stage} for {QUIET_MAX:?}")
            } else {
                return Ok(());
            };
            bail!(
                "{why}: the feed is written and the files are sent, but {left} records are still to get through \
                 {stage}: a worker (signalmill run) goes on with them"
            );
        })?;
    }
    Ok(())
}
