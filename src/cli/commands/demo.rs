//! `demo`: everything on this machine, from nothing to scored signals, with the samples that come with the program.
//!
//! The samples cost more than their session may spend, so that the budget runs out before they do: what does not fit any
//! more waits. Once that is shown, and it is not to end, charts of made-up prices follow, for the page. Who is paid is chosen in [`reader`]. Progress is told on standard error, the result on standard output.

mod market;
mod reader;
mod result;
mod watch;

use std::io::{self, IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::watch as channel;
use tokio::task::JoinHandle;

use self::reader::Reader;
use self::result::{Addresses, Ingested, Outcome, invite};
use self::watch::{Standing, until_quiet};
use super::run::{Listeners, operate};
use super::{check_providers, local, progress, stop_signal, surroundings};
use crate::cli::args;
use crate::cli::feed::{self, Entry};
use crate::clickhouse::Store;
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::embedded::{Services, clickhouse, kafka as broker, port};
use crate::kafka::{self, ARTICLES_RAW, Producer};
use crate::model::NanoUsd;
use crate::pipeline::HOPS;

const SAMPLES: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/local/samples/articles.jsonl"));
/// Signals that the result shows.
const STRONGEST_SHOWN: u64 = 10;
/// How long the samples may take.
const PATIENCE: Duration = Duration::from_mins(2);
/// The same for the charts.
const MARKETS_PATIENCE: Duration = Duration::from_mins(1);
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// A window does not wait long when somebody watches.
const BATCH_AGE_MAX: Duration = Duration::from_millis(500);
/// What the session's limit is multiplied by when somebody raises it.
const RAISE: u64 = 2;
/// Ports that the services get where they are free, so that the commands of the README work as they are printed.
const KAFKA_PORT: u16 = 9092;
const CLICKHOUSE_PORT: u16 = 8123;

pub(super) async fn run(args: args::Demo, config: Config, as_json: bool) -> anyhow::Result<()> {
    let mut stop = stop_signal()?;
    let data = tempfile::Builder::new().prefix("signalmill-demo-").tempdir().context("making a folder for the data")?;
    let (reader, config) = Reader::choose(args.lexicon, config, data.path())?;
    check_providers(HOPS, &config, &Clock::system())?;
    say("starting Kafka and the ClickHouse engine (the first time they are fetched, which takes a minute)")?;
    let began = Instant::now();
    let services = tokio::select! {
        services = start_services(&data) => services?,
        // What was started ends with this process.
        () = stopped(&mut stop) => bail!("stopped before the services were up"),
    };
    say(&format!("both are up after {:.1} s", began.elapsed().as_secs_f64()))?;
    say(&reader.announcement(&config))?;
    let (once, quiet) = (args.once, args.quiet);
    let demo = Demo { config: on(&services, config)?, reader, stop, as_json, once, quiet };
    let shown = demo.run(&services).await;
    say("stopping")?;
    let ended = local::stop(services).await;
    shown.and(ended)
}

/// What is shown on running services.
struct Demo {
    config: Config,
    reader: Reader,
    stop: channel::Receiver<bool>,
    as_json: bool,
    once: bool,
    quiet: bool,
}

impl Demo {
    async fn run(mut self, services: &Services) -> anyhow::Result<()> {
        let listeners = self.listen().await?;
        let addresses = Addresses::new(services, &self.config, self.reader.stand_ins());
        let kafka = self.config.kafka.clone();
        kafka::ensure(&kafka, kafka::TOPICS, true).await?;
        let ingested = tokio::task::spawn_blocking(move || ingest(&kafka)).await.context("ingesting panicked")??;
        let (mut pipeline, store) = Pipeline::start(&self.config, listeners)?;
        let shown = self.show(&mut pipeline, &store, &ingested, &addresses).await;
        shown.and(pipeline.stop().await)
    }

    /// Shows what the samples come to, and stays up, unless once is enough.
    async fn show(
        &mut self,
        pipeline: &mut Pipeline,
        store: &Store,
        ingested: &Ingested,
        addresses: &Addresses,
    ) -> anyhow::Result<()> {
        let mut deferred =
            if self.quiet { 0 } else { self.result(pipeline, store, ingested, addresses, false).await? };
        if self.once {
            return Ok(());
        }
        self.markets(pipeline, store).await?;
        if !self.as_json {
            invite(&mut io::stdout(), addresses)?;
        }
        while self.is_raised(deferred).await? {
            let limit = NanoUsd(self.config.budget.session_usd.0.saturating_mul(RAISE));
            self.config.budget.session_usd = limit;
            say(&format!("the session may spend ${limit} now: the pipeline starts again with that limit"))?;
            pipeline.stop().await?;
            let listeners = Listeners::bind(&self.config, true).await?;
            *pipeline = Pipeline::start(&self.config, listeners)?.0;
            deferred = self.result(pipeline, store, ingested, addresses, true).await?;
        }
        Ok(())
    }

    /// Where the configuration says, or on any port where that one is taken.
    async fn listen(&mut self) -> anyhow::Result<Listeners> {
        for listen in [&mut self.config.metrics.listen, &mut self.config.api.listen] {
            if TcpListener::bind(*listen).await.is_err() {
                let free = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.context("listening")?;
                *listen = free.local_addr().context("asking for our own address")?;
            }
        }
        Listeners::bind(&self.config, true).await
    }

    /// Fills the page's board: sends candles, and waits until their signals are there.
    async fn markets(&mut self, pipeline: &mut Pipeline, store: &Store) -> anyhow::Result<()> {
        let kafka = self.config.kafka.clone();
        let send = move || market::send(&kafka, Clock::system().now());
        tokio::task::spawn_blocking(send).await.context("sending candles panicked")??;
        let (through, store) = (market::is_through(), store.clone());
        // It goes on where nobody waits for it any more: the page shows it once it is there.
        let all = tokio::spawn(async move {
            // A database that is only being made cannot be asked yet.
            while !store.ask(&through).await.is_ok_and(|answer| answer == "1") {
                tokio::time::sleep(LOOK_EVERY).await;
            }
            market::evaluate(&store, Clock::system().now()).await
        });
        tokio::select! {
            scored = tokio::time::timeout(MARKETS_PATIENCE, all) => match scored {
                Ok(measured) => say(&format!(
                    "{} charts of made-up prices are scored, and {} signals of the past week evaluated",
                    market::series(),
                    measured.context("evaluating panicked")??
                ))?,
                Err(_) => say("not all charts are scored yet: the page shows them as they come")?,
            },
            () = stopped(&mut self.stop) => {}
            error = pipeline.died() => return Err(error),
        }
        Ok(())
    }

    /// Waits for the result and shows it; with `resumed`, that of what had been deferred. Returns how many articles are
    /// deferred.
    async fn result(
        &mut self,
        pipeline: &mut Pipeline,
        store: &Store,
        ingested: &Ingested,
        addresses: &Addresses,
        resumed: bool,
    ) -> anyhow::Result<u64> {
        let began = Instant::now();
        let ended = tokio::select! {
            ended = tokio::time::timeout(PATIENCE, until_quiet(store, ingested.sent, resumed)) => ended,
            () = stopped(&mut self.stop) => bail!("stopped before the samples had come through"),
            error = pipeline.died() => return Err(error),
        };
        let took = began.elapsed().as_secs_f64();
        match ended {
            Ok(quiet) => {
                quiet?;
                say(&format!("all of them have gone through window, enrich, score and sink after {took:.1} s"))?;
            }
            // A real provider may be slow, and a raised limit still too low: what there is can be shown.
            Err(_) if resumed || self.reader.is_real() => say(&format!("not all are through after {took:.0} s"))?,
            Err(_) => {
                bail!("the samples did not come through within {PATIENCE:?}: run again with --log info to see why")
            }
        }
        let outcome = Outcome {
            ingested,
            summary: &store.summary(STRONGEST_SHOWN).await?,
            standing: &Standing::now(store).await?,
            limit: self.config.budget.session_usd,
            reader: &self.reader,
            bill: self.reader.bill(),
            addresses,
        };
        let out = &mut io::stdout();
        if self.as_json { outcome.write_json(out) } else { outcome.write(out) }?;
        Ok(outcome.standing.deferred)
    }

    /// Waits until somebody raises the budget (`true`) or stops the demo. Where nothing is deferred, or nobody sits at a
    /// terminal, only the latter can come.
    async fn is_raised(&mut self, deferred: u64) -> anyhow::Result<bool> {
        if deferred == 0 || self.as_json || !io::stdin().is_terminal() {
            stopped(&mut self.stop).await;
            return Ok(false);
        }
        let limit = NanoUsd(self.config.budget.session_usd.0.saturating_mul(RAISE));
        say(&format!("\npress Enter to raise the session's limit to ${limit} and see the deferred articles resume"))?;
        // A read that nobody waits for any more ends with the process.
        let line = tokio::task::spawn_blocking(|| io::stdin().read_line(&mut String::new()));
        tokio::select! {
            () = stopped(&mut self.stop) => Ok(false),
            read = line => match read.context("reading the terminal panicked")?? {
                // The terminal was closed.
                0 => {
                    stopped(&mut self.stop).await;
                    Ok(false)
                }
                _ => Ok(true),
            },
        }
    }
}

/// The hops, running.
struct Pipeline {
    /// `None` once it has ended.
    running: Option<JoinHandle<anyhow::Result<()>>>,
    end: channel::Sender<bool>,
}

impl Pipeline {
    fn start(config: &Config, listeners: Listeners) -> anyhow::Result<(Self, Store)> {
        let surroundings = surroundings(config.clone())?;
        let store = surroundings.store.clone();
        let (end, ended) = channel::channel(false);
        let running = tokio::spawn(operate(surroundings, HOPS.to_vec(), true, listeners, ended));
        Ok((Self { running: Some(running), end }, store))
    }

    /// Returns when it has ended by itself, and why.
    async fn died(&mut self) -> anyhow::Error {
        let Some(running) = &mut self.running else { return std::future::pending().await };
        let ended = running.await;
        self.running = None;
        match ended {
            Ok(Ok(())) => anyhow!("the pipeline ended early"),
            Ok(Err(error)) => error,
            Err(died) => anyhow!(died).context("the pipeline died"),
        }
    }

    /// Lets it finish what it has under way.
    async fn stop(&mut self) -> anyhow::Result<()> {
        let _ = self.end.send(true);
        match self.running.take() {
            Some(running) => running.await.context("the pipeline died")?,
            None => Ok(()),
        }
    }
}

/// The configuration, on these services.
fn on(services: &Services, config: Config) -> anyhow::Result<Config> {
    let config = local::on(services, config)?;
    let articles = config::Articles { batch_age_max: BATCH_AGE_MAX, ..config.articles };
    Ok(Config { articles, ..config })
}

async fn stopped(stop: &mut channel::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await.map(|_| ());
}

fn say(text: &str) -> io::Result<()> {
    writeln!(io::stderr(), "{text}")
}

async fn start_services(data: &TempDir) -> anyhow::Result<Services> {
    let root: &Path = data.path();
    let free = |service: &str, port| match port::check_free(port) {
        Ok(()) => Some(port),
        Err(error) => {
            let _ = say(&format!("{service} gets another port: {error:#}"));
            None
        }
    };
    let kafka = broker::Settings { port: free("Kafka", KAFKA_PORT), ..broker::Settings::in_folder(root.join("kafka")) };
    let engine = clickhouse::Settings {
        port: free("ClickHouse", CLICKHOUSE_PORT),
        ..clickhouse::Settings::in_folder(root.join("clickhouse"))
    };
    local::start(kafka, engine).await
}

fn ingest(kafka: &config::Kafka) -> anyhow::Result<Ingested> {
    let producer = Producer::new(kafka)?;
    let topic = format!("{}{ARTICLES_RAW}", kafka.topic_prefix);
    let mut bar = progress("sample articles sent", None);
    let mut bad = Vec::new();
    for entry in feed::read(SAMPLES).context("reading the samples")? {
        match entry.context("reading the samples")? {
            Entry::Article { json, id, .. } => producer.send(&topic, Some(id.as_bytes()), &json)?,
            Entry::Bad { line, why } => {
                // Sent all the same: what the pipeline makes of such a record is part of the show.
                bad.push(format!("line {line}: {why}"));
                let text = SAMPLES.split(|byte| *byte == b'\n').nth(usize::try_from(line).unwrap_or(1) - 1);
                producer.send(&topic, None, text.unwrap_or_default())?;
            }
        }
        bar.add(1);
    }
    bar.finish();
    Ok(Ingested { sent: producer.finish()?, bad })
}
