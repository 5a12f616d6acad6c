//! `run`: the pipeline, or some of its stages.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::{info, warn};

use super::{check_providers, stop_signal, surroundings};
use crate::api::{self, Api};
use crate::cli::args::Run;
use crate::cli::{SERVE, Usage};
use crate::clickhouse::Table;
use crate::config::Config;
use crate::enrich::paid;
use crate::kafka::{self, Found};
use crate::observe::{self, Component, Health, Kind, State};
use crate::pipeline::{self, HOPS, Line, Surroundings};
use crate::supervise;

/// Time between two looks whether Kafka or ClickHouse is up.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Looks until what stands in the way is said again.
const SAY_AGAIN_LOOKS: u32 = 10;

/// Where a process is asked.
pub(super) struct Listeners {
    /// Metrics and health.
    pub(super) metrics: TcpListener,
    /// The API and the page, where they are served.
    pub(super) api: Option<TcpListener>,
}

impl Listeners {
    /// As configured.
    ///
    /// # Errors
    /// An address is taken, or the API would be open to others.
    pub(super) async fn bind(config: &Config, serves: bool) -> anyhow::Result<Self> {
        let listen = config.metrics.listen;
        let metrics = TcpListener::bind(listen).await.with_context(|| format!("metrics.listen {listen}"))?;
        if !serves {
            return Ok(Self { metrics, api: None });
        }
        api::check(config).map_err(|exposed| Usage(exposed.to_string()))?;
        let listen = config.api.listen;
        let api = TcpListener::bind(listen).await.with_context(|| format!("api.listen {listen}"))?;
        Ok(Self { metrics, api: Some(api) })
    }
}

pub(super) async fn run(args: Run, config: Config) -> anyhow::Result<()> {
    let stop = stop_signal()?;
    let hops = pipeline::hops(|name| args.stages.has(name));
    let surroundings = surroundings(config)?;
    check_providers(&hops, &surroundings.config, &surroundings.clock)?;
    let listeners = Listeners::bind(&surroundings.config, args.stages.has(SERVE)).await?;
    operate(surroundings, hops, !args.no_create, listeners, stop).await
}

/// Prepares topics and tables, then runs hops until `stop`, and serves what there are listeners for.
pub(super) async fn operate(
    surroundings: Surroundings,
    hops: Vec<Line>,
    create: bool,
    listeners: Listeners,
    stop: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    let health = Health::new(surroundings.clock.clone());
    let table_names: Vec<&str> = Table::ALL.iter().map(|table| table.name()).collect();
    observe::sink(&table_names);
    let hops: Vec<(Line, Component)> =
        hops.into_iter().map(|hop| (hop, health.component(Kind::Hop, hop.name))).collect();
    let Listeners { metrics, api } = listeners;
    info!(listen = %metrics.local_addr().context("asking for our own address")?, "metrics and health are served");
    let (ended, served_until) = watch::channel(false);
    let serving = tokio::spawn(observe::serve(metrics, observe::router(health.clone()), stopped(served_until)));
    let served = api.map(|listener| serve(&surroundings, &health, listener, stop.clone())).transpose()?;
    let needs_tables = served.is_some() || hops.iter().any(|(hop, _)| hop.outputs.contains(&"ClickHouse"));
    let outcome = tokio::select! {
        prepared = prepare(&surroundings, &health, create, needs_tables) => prepared.map(|()| true),
        () = stopped(stop.clone()) => Ok(false),
    };
    let outcome = match outcome {
        Ok(true) => {
            if let Some(Served { component, .. }) = &served {
                component.ready();
            }
            // Without hops there would be nothing to wait for.
            let (ran, ()) = tokio::join!(supervise::run(surroundings, hops, stop.clone()), async {
                if served.is_some() {
                    stopped(stop).await;
                }
            });
            ran
        }
        Ok(false) => Ok(()),
        Err(error) => Err(error),
    };
    if let Some(Served { stop, running, .. }) = served {
        let _ = stop.send(true);
        running.await.context("serving the API")?.context("serving the API")?;
    }
    let _ = ended.send(true);
    serving.await.context("serving metrics")?.context("serving metrics")?;
    outcome
}

/// The API, running.
struct Served {
    component: Component,
    running: JoinHandle<io::Result<()>>,
    stop: watch::Sender<bool>,
}

/// Serves the API at once: what it is asked before everything is prepared, it answers by saying what is missing.
fn serve(
    surroundings: &Surroundings,
    health: &Health,
    listener: TcpListener,
    told: watch::Receiver<bool>,
) -> anyhow::Result<Served> {
    let component = health.component(Kind::Hop, SERVE);
    let (stop, stops) = watch::channel(false);
    let api = Api::new(api::Parts {
        config: Arc::clone(&surroundings.config),
        clock: surroundings.clock.clone(),
        store: surroundings.store.clone(),
        registry: surroundings.registry.clone(),
        estimator: paid::estimator(&surroundings.config).map_err(|error| Usage(format!("{error:#}")))?,
        health: health.clone(),
        hops: HOPS.iter().map(|hop| (hop.name, hop.inputs)).collect(),
        stop: stops.clone(),
    })?;
    info!(address = %listener.local_addr().context("asking for our own address")?, "the API and the page are served");
    let running = tokio::spawn(api::serve(listener, api, stops));
    // Streams end, and no connection is taken any more, while hops still finish what they have.
    let early = stop.clone();
    tokio::spawn(async move {
        stopped(told).await;
        let _ = early.send(true);
    });
    Ok(Served { component, running, stop })
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
