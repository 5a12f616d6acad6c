//! One real Apache Kafka node on loopback, as a child process.
//!
//! A KRaft node, broker and controller in one, whose data folder is formatted on first use and reused
//! afterwards, so topics survive a stop, a kill and a new process. All calls block (a start takes one to
//! three seconds); from async code use `spawn_blocking`.
//!
//! Layout of the data folder: `logs/` (Kafka's own), `server.properties` and `log4j2.properties` (written
//! anew at each start), `kafka.log` (this start's output) and `kafka.previous.log`.
//!
//! Invariant: the node dies with the [`Kafka`] value and with this process (see [`super::child`]).

pub mod java;
pub mod probe;
pub mod properties;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use base64::Engine as _;

use self::java::Java;
use super::cache::Cache;
use super::child::{self, Child};
use super::port;

/// Longest time from the start of the process to the first good answer.
const READY_PATIENCE: Duration = Duration::from_secs(90);
/// Time between two probes of a broker that is starting.
const READY_POLL: Duration = Duration::from_millis(20);
/// Longest time for the tool that formats a data folder.
const FORMAT_PATIENCE: Duration = Duration::from_mins(1);
/// Time that an ordered stop may take before the node is killed.
const STOP_GRACE: Duration = Duration::from_secs(20);
/// Starts that are tried when somebody else takes a free port before we do.
const PORT_ATTEMPTS_MAX: u32 = 3;
/// Heap that is enough for tests and the demo, in MiB.
const HEAP_MB_DEFAULT: u32 = 256;
const PORT_TAKEN: &str = "Address already in use";
/// In the data folder.
const LOG_SETTINGS_FILE: &str = "log4j2.properties";
const LOG_SETTINGS: &str = include_str!("kafka/log4j2.properties");

/// How the node runs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Port on 127.0.0.1; a free one is chosen when `None`.
    pub port: Option<u16>,
    /// Folder of everything the node keeps; created when missing, reused when not.
    pub data: PathBuf,
    /// Largest heap of the JVM in MiB; the process needs about 150 MiB more.
    pub heap_mb: u32,
    /// Further lines of `server.properties`, which win over ours.
    pub properties: Vec<(String, String)>,
}

impl Settings {
    /// A node in the given folder on a free port, with defaults for the rest.
    #[must_use]
    pub fn in_folder(data: impl Into<PathBuf>) -> Self {
        Self { port: None, data: data.into(), heap_mb: HEAP_MB_DEFAULT, properties: Vec::new() }
    }
}

/// A running node; killed when dropped.
#[derive(Debug)]
pub struct Kafka {
    child: Child,
    port: u16,
    settings: Settings,
    java: Java,
}

impl Kafka {
    /// Starts a node and waits until it answers. Fetches Kafka into the user's cache first when needed.
    ///
    /// # Errors
    /// When Kafka or Java cannot be had, the port or the folder is in use, or the node does not come up; the
    /// text ends with what the node wrote.
    pub fn start(settings: &Settings) -> Result<Self> {
        let data = prepared(&settings.data)?;
        let cache = Cache::of_user()?;
        let jars = Java::with_kafka(&cache, &data.join("kafka.log"))?;
        let java = jars.with_archive(&cache, train).unwrap_or_else(|error| {
            tracing::warn!(error = format!("{error:#}"), "no quick starts of Kafka, going on without");
            jars
        });
        let settings = Settings { data, ..settings.clone() };
        Self::start_with(java, settings)
    }

    /// The address for `bootstrap.servers`.
    #[must_use]
    pub fn brokers(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// The names of all topics, asked from the broker.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn topics(&self) -> Result<Vec<String>> {
        let cluster = probe::cluster(self.port).context("asking Kafka for its topics")?;
        Ok(cluster.topics)
    }

    /// The command of one of Kafka's own tools, such as `kafka.admin.ConfigCommand`, to be completed and run by the caller.
    #[must_use]
    pub fn tool(&self, class: &str) -> Command {
        self.java.tool(class, &self.settings.data.join(LOG_SETTINGS_FILE))
    }

    /// Stops the node in order, by SIGTERM and after 20 s by SIGKILL, and waits. Fine when it is down.
    ///
    /// # Errors
    /// When the process can be neither signalled nor waited for.
    pub fn stop(&mut self) -> Result<()> {
        self.child.stop(STOP_GRACE)
    }

    /// Kills the node (SIGKILL) and waits until it is gone. Fine when it is down.
    ///
    /// # Errors
    /// When the process can be neither signalled nor waited for.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()
    }

    /// Starts the node again on the same port and data; stops it before when it is up.
    ///
    /// # Errors
    /// As [`Kafka::start`].
    pub fn restart(&mut self) -> Result<()> {
        self.stop()?;
        self.child = launch(&self.java, &self.settings, self.port)?;
        Ok(())
    }

    fn start_with(java: Java, settings: Settings) -> Result<Self> {
        let mut attempt = 1;
        loop {
            let port = match settings.port {
                Some(port) => port,
                None => port::free::<1>()?[0],
            };
            match launch(&java, &settings, port) {
                Ok(child) => {
                    return Ok(Self { child, port, settings, java });
                }
                Err(error)
                    if settings.port.is_none()
                        && attempt < PORT_ATTEMPTS_MAX
                        && format!("{error:#}").contains(PORT_TAKEN) =>
                {
                    tracing::info!(port, "port was taken meanwhile, trying another");
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// The data folder, created and absolute, since the node is told paths inside it.
fn prepared(data: &Path) -> Result<PathBuf> {
    let data = fs::create_dir_all(data)
        .and_then(|()| data.canonicalize())
        .with_context(|| format!("preparing Kafka's data folder {}", data.display()))?;
    // `log.dirs` is a list, and a properties file has escapes.
    if data.to_str().is_none_or(|path| path.contains([',', '\\', '\n'])) {
        bail!(
            "Kafka cannot use the data folder {}: its path has a comma or backslash, or is not UTF-8",
            data.display()
        );
    }
    Ok(data)
}

/// One start and ordered stop of a node whose classes are dumped at its end.
fn train(dumping: Java, folder: &Path) -> Result<()> {
    let settings = Settings::in_folder(prepared(folder)?);
    Kafka::start_with(dumping, settings)?.stop()
}

fn launch(java: &Java, settings: &Settings, port: u16) -> Result<Child> {
    let data = &settings.data;
    let logs = data.join("logs");
    let properties = data.join("server.properties");
    let log_settings = data.join(LOG_SETTINGS_FILE);
    let log = data.join("kafka.log");
    if log.exists() {
        fs::rename(&log, data.join("kafka.previous.log"))?;
    }
    let [controller] = port::free()?;
    let node = properties::Node { broker: port, controller, logs: &logs };
    fs::write(&properties, properties::render(node, &settings.properties))?;
    fs::write(&log_settings, LOG_SETTINGS)?;
    if !logs.join("meta.properties").exists() {
        let format = java.format(&cluster_id(), &properties, &log_settings);
        child::run("Kafka's storage tool", format, &log, FORMAT_PATIENCE)?;
    }
    port::check_free(port)?;
    let broker = java.broker(settings.heap_mb, &properties, &log_settings);
    let mut child = Child::spawn("Kafka", broker, &log)?;
    wait_until_ready(&mut child, port)?;
    tracing::info!(port, pid = child.pid(), data = %data.display(), "Kafka is up");
    Ok(child)
}

fn wait_until_ready(child: &mut Child, port: u16) -> Result<()> {
    let deadline = Instant::now() + READY_PATIENCE;
    loop {
        if let Some(status) = child.exited()? {
            bail!("Kafka ended while starting ({status}):\n{}", child.log_tail());
        }
        // Who answers is this child: it is alive, and the port was free before.
        if probe::cluster(port).is_ok_and(|cluster| cluster.brokers > 0) {
            return Ok(());
        }
        if Instant::now() >= deadline {
            bail!("Kafka did not answer on port {port} within {} s:\n{}", READY_PATIENCE.as_secs(), child.log_tail());
        }
        std::thread::sleep(READY_POLL);
    }
}

/// A new cluster id: 16 random bytes in URL-safe base64, as Kafka wants it.
fn cluster_id() -> String {
    use std::hash::{BuildHasher, RandomState};
    let random = || RandomState::new().hash_one("cluster id").to_be_bytes();
    let mut bytes = [random(), random()].concat();
    // Without the top bit the text cannot start with '-', which would read as an option.
    bytes[0] &= 0x7f;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folder_that_kafka_would_misread_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(prepared(&folder.path().join("plain folder")).is_ok());
        assert!(prepared(&folder.path().join("two,folders")).is_err());
    }

    #[test]
    fn cluster_ids_are_fresh_and_no_options() {
        let ids: Vec<_> = (0..64).map(|_| cluster_id()).collect();
        assert!(ids.iter().all(|id| id.len() == 22 && !id.starts_with('-')));
        assert_ne!(ids[0], ids[1]);
    }
}
