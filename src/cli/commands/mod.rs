//! What each command does. One file a command; what several need stands here.

mod check;
mod demo;
mod dlq;
mod evaluate;
mod export;
mod health;
mod indicators;
mod ingest;
mod local;
mod migrate;
mod patterns;
mod post;
mod replay;
mod run;
mod scan;
mod serve;
mod sessions;
mod tap;
mod topology;

use std::io::{self, IsTerminal as _};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures_util::FutureExt as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::args::{Cli, Command, Export, Global, Ingest, Subject};
use super::reference::{self, TopicRow};
use super::{Usage, output};
use crate::clickhouse::{self, Store};
use crate::clock::Clock;
use crate::config::{Config, Environment};
use crate::embedded::front;
use crate::flow::circuit::Circuits;
use crate::kafka;
use crate::pipeline::{Line, Surroundings, providers};
use crate::wire::registry::{self, Registry};
use crate::wire::{self, Codec};

/// Carries a command out.
///
/// # Errors
/// What stood in the way; [`code`](super::code) says with which code to exit.
pub fn execute(cli: Cli) -> anyhow::Result<()> {
    let environment = Environment::process();
    cli.start_logs(&environment)?;
    let global = &cli.global;
    let load = || Config::load(global.config.as_deref(), &environment);
    match cli.command {
        Command::Demo(demo) => block_on(demo::run(demo, load()?, global.json)),
        Command::Run(run) => block_on(run::run(run, load()?)),
        Command::Serve(serve) => block_on(serve::run(serve, load()?, global.json)),
        Command::Ingest(Ingest::Articles(articles)) => ingest::articles(&articles, &load()?, global.json),
        Command::Ingest(Ingest::Market(market)) => ingest::market::run(&market, &load()?, global.json),
        Command::Scan(scan) => block_on(scan::run(scan, load()?, global.json)),
        Command::Export(Export::MasterFeed(feed)) => block_on(export::master_feed(feed, load()?, global.json)),
        Command::Evaluate(asked) => block_on(evaluate::run(asked, load()?, global.json)),
        Command::Indicators(asked) => indicators::run(&asked),
        Command::Patterns(asked) => patterns::run(&asked, global.json),
        Command::Check => block_on(check::run(load(), global.json)),
        Command::Health(asked) => block_on(health::run(&asked, &load()?, global.json)),
        Command::Migrate => block_on(migrate::run(load()?, global.json)),
        Command::Topology(topology) => Ok(topology::print(&topology, &mut io::stdout().lock())?),
        Command::Tap(tap) => tap::run(&tap, &load()?, global.json),
        Command::Replay(asked) => {
            let load = |environment: &Environment| Config::load(global.config.as_deref(), environment);
            block_on(replay::run(*asked, &environment, load, global.json))
        }
        Command::Sessions(asked) => block_on(sessions::run(asked, load()?, global.json)),
        Command::Dlq(asked) => block_on(dlq::run(asked, load()?, global.json)),
        Command::Reference(asked) => print_reference(asked.of, global, &load()?),
        Command::Completions(completions) => Ok(completions.write(&mut io::stdout().lock())?),
        Command::ClickhouseFront(asked) => front::run(&front::Settings {
            library: asked.lib,
            data: asked.data,
            port: asked.port,
            memory_bytes_max: asked.memory_max,
            password: environment.get(front::PASSWORD_VARIABLE).map(str::to_owned),
        }),
    }
}

fn block_on(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("starting the runtime")?;
    let ended = runtime.block_on(work);
    // Blocking look-ups that were given up must not hold the exit.
    runtime.shutdown_background();
    ended
}

/// Reads records of `T` that take at most so many bytes, by the schema registry where one is configured.
fn reading<T: wire::Record>(registry: Option<Arc<Registry>>, bytes_max: usize) -> Result<Codec<T>, wire::Unfit> {
    match registry {
        Some(registry) => Codec::reading(registry, bytes_max),
        None => Codec::new(bytes_max),
    }
}

fn print_reference(of: Subject, global: &Global, config: &Config) -> anyhow::Result<()> {
    let out = &mut io::stdout().lock();
    match of {
        Subject::Config => reference::config(out, global.json)?,
        Subject::Metrics => reference::metrics(out, global.json)?,
        Subject::Topics => {
            let rows: Vec<TopicRow> = kafka::TOPICS
                .iter()
                .map(|topic| TopicRow {
                    name: topic.name.to_owned(),
                    direction: topic.role.to_owned(),
                    key: topic.key.to_owned(),
                    schema: topic.value.to_owned(),
                    partitions: config.kafka.partitions,
                    retention: match topic.retention {
                        Some(kept) => format!("{} days", kept.as_secs() / 86_400),
                        None => "the newest of each key".to_owned(),
                    },
                    cleanup: topic.cleanup.to_owned(),
                })
                .collect();
            reference::topics(out, &rows, global.json)?;
        }
    }
    Ok(())
}

/// ClickHouse as the configuration has it.
fn store(config: &Config, clock: &Clock) -> anyhow::Result<Store> {
    let settings = clickhouse::Settings {
        url: config.clickhouse.url.as_str().to_owned(),
        database: config.clickhouse.database.clone(),
        user: config.clickhouse.user.clone(),
        password: config.clickhouse.password.clone(),
        cluster: config.clickhouse.cluster.clone(),
        ..clickhouse::Settings::default()
    };
    Ok(Store::new(settings, clock.clone())?)
}

/// The schema registry as the configuration has it.
fn registry(config: &Config, clock: &Clock) -> anyhow::Result<Option<Arc<Registry>>> {
    let Some(url) = &config.schema_registry.url else { return Ok(None) };
    let password = config.schema_registry.password.as_ref().map(|password| password.expose().to_owned());
    let user = config.schema_registry.user.clone();
    let settings = registry::Settings {
        credentials: user.map(|user| (user, password.unwrap_or_default())),
        ..registry::Settings::at(url.as_str())
    };
    Ok(Some(Arc::new(Registry::new(settings, clock.clone())?)))
}

/// Whether `hops` can ask the providers that they ask: nothing needs to be started for them where they cannot.
fn check_providers(hops: &[Line], config: &Config, clock: &Clock) -> Result<(), Usage> {
    for hop in hops {
        providers::check(*hop, config, clock.now()).map_err(|error| Usage(format!("{error:#}")))?;
    }
    Ok(())
}

/// What every hop is given.
fn surroundings(config: Config) -> anyhow::Result<Surroundings> {
    let clock = Clock::system();
    Ok(Surroundings {
        registry: registry(&config, &clock)?,
        store: store(&config, &clock)?,
        clock,
        config: Arc::new(config),
        circuits: Circuits::default(),
    })
}

/// Signals within this time of the first one are one and the same wish.
const ECHO: Duration = Duration::from_millis(500);

/// Becomes true at SIGTERM or SIGINT.
fn stop_signal() -> anyhow::Result<watch::Receiver<bool>> {
    let (told, stop) = watch::channel(false);
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping, what is under way is finished first");
        let _ = told.send(true);
        // Whoever presses Ctrl-C once more wants to leave at once. A second signal in the same moment is an echo: shells
        // and `timeout` signal the process and then its group.
        tokio::time::sleep(ECHO).await;
        while interrupt.recv().now_or_never().is_some() {}
        interrupt.recv().await;
        std::process::exit(1);
    });
    Ok(stop)
}

fn progress(what: &'static str, total: Option<u64>) -> output::Progress {
    output::Progress::new(what, total, io::stderr().is_terminal())
}
