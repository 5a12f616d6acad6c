//! `run`: the pipeline, or some of its hops.

use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tracing::{info, warn};

use super::{stop_signal, surroundings};
use crate::cli::args::Run;
use crate::clickhouse::Table;
use crate::config::Config;
use crate::kafka::{self, Found};
use crate::observe::{self, Component, Health, Kind, State};
use crate::pipeline::{HOPS, Line, Surroundings};
use crate::supervise;

/// Time between two looks whether Kafka or ClickHouse is up.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Looks until what stands in the way is said again.
const SAY_AGAIN_LOOKS: u32 = 10;

pub(super) async fn run(args: Run, config: Config) -> anyhow::Result<()> {
    let stop = stop_signal()?;
    let hops = HOPS.iter().filter(|hop| args.stages.has(hop.name)).copied().collect();
    let surroundings = surroundings(config)?;
    let listen = surroundings.config.metrics.listen;
    let listener = TcpListener::bind(listen).await.with_context(|| format!("metrics.listen {listen}"))?;
    operate(surroundings, hops, !args.no_create, listener, stop).await
}

/// Prepares topics and tables, then runs hops until `stop`.
pub(super) async fn operate(
    surroundings: Surroundings,
    hops: Vec<Line>,
    create: bool,
    listener: TcpListener,
    stop: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    let health = Health::new(surroundings.clock.clone());
    let table_names: Vec<&str> = Table::ALL.iter().map(|table| table.name()).collect();
    observe::sink(&table_names);
    let hops: Vec<(Line, Component)> =
        hops.into_iter().map(|hop| (hop, health.component(Kind::Hop, hop.name))).collect();
    info!(listen = %listener.local_addr().context("asking for our own address")?, "metrics and health are served");
    let (ended, served_until) = watch::channel(false);
    let serving = tokio::spawn(observe::serve(listener, observe::router(health.clone()), stopped(served_until)));
    let needs_tables = hops.iter().any(|(hop, _)| hop.outputs.contains(&"ClickHouse"));
    let outcome = tokio::select! {
        prepared = prepare(&surroundings, &health, create, needs_tables) => prepared.map(|()| true),
        () = stopped(stop.clone()) => Ok(false),
    };
    let outcome = match outcome {
        Ok(true) => supervise::run(surroundings, hops, stop).await,
        Ok(false) => Ok(()),
        Err(error) => Err(error),
    };
    let _ = ended.send(true);
    serving.await.context("serving metrics")?.context("serving metrics")?;
    outcome
}

async fn stopped(mut stop: watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await.map(|_| ());
}

/// Topics and tables as they should be. Services that are not up yet are waited for.
async fn prepare(surroundings: &Surroundings, health: &Health, create: bool, needs_tables: bool) -> anyhow::Result<()> {
    let kafka = health.component(Kind::Service, "kafka");
    let topics = topics(surroundings, &kafka, create);
    if !needs_tables {
        return topics.await;
    }
    let clickhouse = health.component(Kind::Service, "clickhouse");
    tokio::try_join!(topics, tables(surroundings, &clickhouse)).map(|_| ())
}

async fn topics(surroundings: &Surroundings, kafka: &Component, create: bool) -> anyhow::Result<()> {
    let mut looks = 0;
    let found = loop {
        match kafka::ensure(&surroundings.config.kafka, kafka::TOPICS, create).await {
            Ok(found) => break found,
            Err(error) => wait(surroundings, kafka, &mut looks, &format!("{error:#}")).await,
        }
    };
    for (name, state) in found {
        match state {
            Found::Missing => bail!("topic {name} is missing: create it, or run without --no-create"),
            Found::Wrong(why) => warn!(topic = name, why, "a topic is not as it should be"),
            Found::Created => info!(topic = name, "topic created"),
            Found::Good(_) => {}
        }
    }
    kafka.is(State::Ready);
    Ok(())
}

async fn tables(surroundings: &Surroundings, clickhouse: &Component) -> anyhow::Result<()> {
    let mut looks = 0;
    while let Err(error) = surroundings.store.ping().await {
        wait(surroundings, clickhouse, &mut looks, &error.to_string()).await;
    }
    for applied in surroundings.store.migrate().await? {
        info!(migration = applied.name, "tables brought up to date");
    }
    clickhouse.is(State::Ready);
    Ok(())
}

/// Between two looks. Says what stands in the way at the first one, and at some of the others.
async fn wait(surroundings: &Surroundings, component: &Component, looks: &mut u32, why: &str) {
    component.waiting(why);
    if looks.is_multiple_of(SAY_AGAIN_LOOKS) {
        warn!(why, "a service is not there yet, waiting for it");
    }
    *looks += 1;
    let clock = &surroundings.clock;
    clock.sleep_until(clock.now().plus(LOOK_AGAIN)).await;
}
