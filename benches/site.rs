//! Real Kafka, the real engine, and stand-ins that bill. Every measurement has topics, a database and stand-ins of its
//! own.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use signalmill::clickhouse::{self, Store};
use signalmill::clock::Clock;
use signalmill::config;
use signalmill::embedded::Services;
use signalmill::embedded::providers::knobs::Latency;
use signalmill::embedded::providers::{Provider, Settings, StandIns};
use signalmill::model::NanoUsd;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::worker::{self, Worker};
use crate::{LATENCY, topics};

/// How long merges may take.
const MERGES_MAX: Duration = Duration::from_mins(2);
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// A budget that nothing here uses up.
pub const PLENTY: NanoUsd = NanoUsd(10_000_000_000_000);

/// The services.
pub struct Site {
    services: Services,
    // Below the services, so that it goes after them.
    folder: TempDir,
}

impl Site {
    /// Starts Kafka and the engine.
    ///
    /// # Errors
    /// When one does not come up.
    pub fn start() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let services = Services::start(folder.path(), env!("CARGO_BIN_EXE_signalmill").as_ref())?;
        Ok(Self { services, folder })
    }

    /// Room for the measurement `name`: letters, digits and `_`.
    ///
    /// # Errors
    /// What Kafka or the engine refuses.
    pub fn plot(&self, name: &str) -> anyhow::Result<Plot> {
        let kafka = topics::settings(&self.services.kafka.brokers(), &format!("{name}-"));
        topics::fill(&kafka, 0, 0)?;
        let url = self.services.clickhouse.url();
        let settings = clickhouse::Settings { url: url.clone(), database: name.to_owned(), ..Default::default() };
        let store = Store::new(settings, Clock::system())?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(store.migrate())?;
        let stand_ins = StandIns::start(Settings::default())?;
        stand_ins.set(Provider::OpenAi, |knobs| knobs.latency = Latency::fixed(LATENCY));
        let folder = self.folder.path().join(name);
        Ok(Plot { kafka, stand_ins, folder, url, database: name.to_owned(), store, runtime, started: 0 })
    }
}

/// What a measurement has of its own.
pub struct Plot {
    /// The brokers, and the prefix of its topics.
    pub kafka: config::Kafka,
    /// The providers.
    pub stand_ins: StandIns,
    folder: PathBuf,
    url: String,
    database: String,
    store: Store,
    runtime: Runtime,
    started: u32,
}

impl Plot {
    /// Starts `signalmill run` with these stages, a session's limit, and so many calls in flight at most. `more` are
    /// lines of its configuration.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn worker(&mut self, stages: &str, limit: NanoUsd, in_flight: usize, more: &str) -> anyhow::Result<Worker> {
        self.started += 1;
        fs::create_dir_all(self.run())?;
        let lines = [
            format!("kafka.brokers = \"{}\"", self.kafka.brokers),
            format!("kafka.topic_prefix = \"{}\"", self.kafka.topic_prefix),
            format!("clickhouse.url = \"{}\"", self.url),
            format!("clickhouse.database = \"{}\"", self.database),
            "llm.provider = \"openai\"".to_owned(),
            format!("llm.base_url = \"{}\"", self.stand_ins.openai_url()),
            format!("llm.concurrency_max = {in_flight}"),
            "articles.session = \"bench\"".to_owned(),
            format!("budget.session_usd = \"{limit}\""),
            more.to_owned(),
        ];
        Worker::start(&worker::Settings { folder: &self.run(), stages, config: lines.join("\n") })
    }

    /// Waits until the engine has merged what was inserted: that is work of what came before.
    ///
    /// # Errors
    /// When it does not end, or the engine does not answer.
    pub fn merged(&self) -> anyhow::Result<()> {
        let began = Instant::now();
        while self.runtime.block_on(self.store.ask("SELECT count() FROM system.merges"))? != "0" {
            anyhow::ensure!(began.elapsed() < MERGES_MAX, "merges take longer than {MERGES_MAX:?}");
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }

    /// What the worker that was started last has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.run().join("worker.log")).unwrap_or_default()
    }

    /// The folder of the worker that was started last, with its configuration `signalmill.toml`.
    pub fn run(&self) -> PathBuf {
        self.folder.join(format!("run-{}", self.started))
    }
}

/// For the report.
#[expect(clippy::cast_precision_loss, reason = "counts and nano-dollars here are far below 2⁵³")]
pub fn float(number: u64) -> f64 {
    number as f64
}
