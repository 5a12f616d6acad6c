//! The ClickHouse engine behind our HTTP front, as a child process.
//!
//! The child is this program itself, run with a hidden subcommand (see [`super::front`]). A test must name the
//! real `signalmill` program, since its own executable has no such subcommand. All calls block; from async
//! code use `spawn_blocking`.
//!
//! Layout of the folder: the engine's tables, `config.xml` (written anew at each start), `front.log` (this
//! start's output) and `front.previous.log`.

use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::cache::Cache;
use super::child::Child;
use super::{fetch, front, port};

/// The hidden subcommand.
pub const SUBCOMMAND: &str = "clickhouse-front";

/// Longest time from the start of the process to the first good answer; most of it is reading 570 MB of
/// library from a cold disk.
const READY_PATIENCE: Duration = Duration::from_secs(90);
/// Time between two probes of a front that is starting.
const READY_POLL: Duration = Duration::from_millis(10);
/// Longest time to connect, to write and to read when probing.
const PROBE_PATIENCE: Duration = Duration::from_secs(2);
/// Time that an ordered stop may take before the process is killed.
const STOP_GRACE: Duration = Duration::from_secs(20);
/// Starts that are tried when somebody else takes a free port before we do.
const PORT_ATTEMPTS_MAX: u32 = 3;
const PORT_TAKEN: &str = "Address already in use";

/// How the engine runs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Port on 127.0.0.1; a free one is chosen when `None`.
    pub port: Option<u16>,
    /// Folder of the tables; created when missing, reused when not.
    pub data: PathBuf,
    /// The `signalmill` program; this program itself when `None`.
    pub program: Option<PathBuf>,
    /// Memory that the engine may use for statements and caches, in bytes.
    pub memory_bytes_max: u64,
    /// The password that requests must bring; none is asked for when `None`.
    pub password: Option<String>,
}

impl Settings {
    /// An engine in the given folder on a free port, with defaults for the rest.
    #[must_use]
    pub fn in_folder(data: impl Into<PathBuf>) -> Self {
        Self {
            port: None,
            data: data.into(),
            program: None,
            memory_bytes_max: front::MEMORY_BYTES_MAX_DEFAULT,
            password: None,
        }
    }
}

/// A running engine; killed when dropped.
#[derive(Debug)]
pub struct ClickHouse {
    child: Child,
    port: u16,
    settings: Settings,
    library: PathBuf,
}

impl ClickHouse {
    /// Starts the engine and waits until it answers. Fetches it into the user's cache first when needed.
    ///
    /// # Errors
    /// When the engine cannot be had, the port or the folder is in use, or it does not come up; the text ends
    /// with what it wrote.
    pub fn start(settings: &Settings) -> Result<Self> {
        let library = fetch::engine(&Cache::of_user()?)?;
        let mut attempt = 1;
        loop {
            let port = match settings.port {
                Some(port) => port,
                None => port::free::<1>()?[0],
            };
            match launch(&library, settings, port) {
                Ok(child) => {
                    return Ok(Self { child, port, settings: settings.clone(), library });
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

    /// The address of the HTTP interface, without a slash at its end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// Stops the engine in order, by SIGTERM and after 20 s by SIGKILL, and waits. Fine when it is down.
    ///
    /// # Errors
    /// When the process can be neither signalled nor waited for.
    pub fn stop(&mut self) -> Result<()> {
        self.child.stop(STOP_GRACE)
    }

    /// Kills the engine (SIGKILL) and waits until it is gone. Fine when it is down.
    ///
    /// # Errors
    /// When the process can be neither signalled nor waited for.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()
    }

    /// Starts the engine again on the same port and data; stops it before when it is up.
    ///
    /// # Errors
    /// As [`ClickHouse::start`].
    pub fn restart(&mut self) -> Result<()> {
        self.stop()?;
        self.child = launch(&self.library, &self.settings, self.port)?;
        Ok(())
    }
}

fn launch(library: &Path, settings: &Settings, port: u16) -> Result<Child> {
    let data = &settings.data;
    fs::create_dir_all(data).with_context(|| format!("preparing the engine's data folder {}", data.display()))?;
    let log = data.join("front.log");
    if log.exists() {
        fs::rename(&log, data.join("front.previous.log"))?;
    }
    port::check_free(port)?;
    let program = match &settings.program {
        Some(program) => program.clone(),
        None => std::env::current_exe().context("finding this program")?,
    };
    let mut command = Command::new(program);
    command.arg(SUBCOMMAND);
    let numbers = [port.to_string(), settings.memory_bytes_max.to_string()];
    let options: [(&str, &OsStr); 4] = [
        ("--lib", library.as_os_str()),
        ("--data", data.as_os_str()),
        ("--port", numbers[0].as_ref()),
        ("--memory-max", numbers[1].as_ref()),
    ];
    for (name, value) in options {
        command.arg(name).arg(value);
    }
    match &settings.password {
        Some(password) => command.env(front::PASSWORD_VARIABLE, password),
        None => command.env_remove(front::PASSWORD_VARIABLE),
    };
    let mut child = Child::spawn("the ClickHouse engine", command, &log)?;
    wait_until_ready(&mut child, port)?;
    tracing::info!(port, pid = child.pid(), data = %data.display(), "the ClickHouse engine is up");
    Ok(child)
}

fn wait_until_ready(child: &mut Child, port: u16) -> Result<()> {
    let deadline = Instant::now() + READY_PATIENCE;
    loop {
        if let Some(status) = child.exited()? {
            bail!("the ClickHouse engine ended while starting ({status}):\n{}", child.log_tail());
        }
        // Who answers is this child: it is alive, and the port was free before.
        if answers(port) {
            return Ok(());
        }
        if Instant::now() >= deadline {
            bail!(
                "the ClickHouse engine did not answer on port {port} within {} s:\n{}",
                READY_PATIENCE.as_secs(),
                child.log_tail()
            );
        }
        std::thread::sleep(READY_POLL);
    }
}

/// Whether `/ping` is answered well.
fn answers(port: u16) -> bool {
    let probe = || -> std::io::Result<[u8; 12]> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut stream = TcpStream::connect_timeout(&address, PROBE_PATIENCE)?;
        stream.set_read_timeout(Some(PROBE_PATIENCE))?;
        stream.set_write_timeout(Some(PROBE_PATIENCE))?;
        stream.write_all(b"GET /ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut status = [0; 12];
        stream.read_exact(&mut status)?;
        Ok(status)
    };
    probe().is_ok_and(|status| status == *b"HTTP/1.1 200")
}
