//! A child process that never outlives this one.
//!
//! A broker left behind by a test that panicked, or by a demo killed with `kill -9`, holds memory and
//! ports until somebody finds it. Three things prevent that: [`Child::stop`] for the ordered way, `Drop`
//! for a panic, and the kernel's parent-death signal (`PR_SET_PDEATHSIG`) for our own sudden death.
//!
//! # Why a keeper thread
//! The parent-death signal is bound to the *thread* that spawned the child, not to the process: a child
//! spawned by a short-lived worker thread would be killed as soon as that worker ends. So every child is
//! spawned by one thread that lives as long as the process.
//!
//! Invariant: a child's output goes to a file, never to a pipe that nobody reads.
#![expect(unsafe_code, reason = "pre_exec, to ask for the parent-death signal")]

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, getpid, getppid, kill_process, set_parent_process_death_signal};

/// Spawn orders that may wait for the keeper thread.
const ORDERS_WAITING_MAX: usize = 16;
/// Time between two looks at a process that was asked to end.
const EXIT_POLL: Duration = Duration::from_millis(5);
/// Bytes of a log that an error text quotes, counted from its end.
const LOG_TAIL_BYTES_MAX: u64 = 4096;

/// A running process, its name in messages and the file that its output goes to.
#[derive(Debug)]
pub struct Child {
    name: &'static str,
    process: std::process::Child,
    log: PathBuf,
}

impl Child {
    /// Starts `command` with standard output and error appended to `log`, no standard input and a process
    /// group of its own, so that Ctrl-C in a terminal reaches only us and we stop our services in order.
    ///
    /// # Errors
    /// When the log cannot be opened or the program cannot be started.
    pub fn spawn(name: &'static str, mut command: Command, log: &Path) -> Result<Self> {
        let output = OpenOptions::new()
            .create(true)
            .append(true)
            .open(log)
            .with_context(|| format!("opening {}", log.display()))?;
        command
            .stdin(Stdio::null())
            .stdout(output.try_clone().context("sharing the log of a child")?)
            .stderr(output)
            .process_group(0);
        die_with_parent(&mut command);
        let program = command.get_program().to_owned();
        let process =
            spawn_from_keeper(command).with_context(|| format!("starting {name} by {}", program.display()))?;
        Ok(Self { name, process, log: log.to_owned() })
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// The exit status once the process has ended, without waiting.
    ///
    /// # Errors
    /// When the kernel does not answer for this process.
    pub fn exited(&mut self) -> Result<Option<ExitStatus>> {
        self.process.try_wait().with_context(|| format!("asking for the state of {}", self.name))
    }

    /// Waits until the process ends by itself; when it has not by `patience`, kills it and fails.
    ///
    /// # Errors
    /// When the time is up.
    pub fn wait(&mut self, patience: Duration) -> Result<ExitStatus> {
        if let Some(status) = self.ends_within(patience)? {
            return Ok(status);
        }
        self.kill()?;
        bail!(
            "{} took longer than {} s and was killed; its output ends:\n{}",
            self.name,
            patience.as_secs(),
            self.log_tail()
        )
    }

    /// Asks the process to end (SIGTERM) and waits; after `grace` it is killed.
    ///
    /// # Errors
    /// When the process can be neither signalled nor waited for.
    pub fn stop(&mut self, grace: Duration) -> Result<()> {
        if self.exited()?.is_some() {
            return Ok(());
        }
        if let Some(pid) = i32::try_from(self.pid()).ok().and_then(Pid::from_raw) {
            kill_process(pid, Signal::TERM).with_context(|| format!("asking {} to end", self.name))?;
        }
        if self.ends_within(grace)?.is_none() {
            tracing::warn!(name = self.name, grace_s = grace.as_secs(), "service did not end in time, killing");
            self.kill()?;
        }
        Ok(())
    }

    /// Kills the process (SIGKILL) and waits until it is gone. Fine when it is gone already.
    ///
    /// # Errors
    /// When the process can be neither signalled nor waited for.
    pub fn kill(&mut self) -> Result<()> {
        self.process.kill().and_then(|()| self.process.wait()).with_context(|| format!("killing {}", self.name))?;
        Ok(())
    }

    /// The last lines of the process's output, for an error text.
    #[must_use]
    pub fn log_tail(&self) -> String {
        tail(&self.log).unwrap_or_else(|error| format!("({}: {error})", self.log.display()))
    }

    fn ends_within(&mut self, patience: Duration) -> Result<Option<ExitStatus>> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(status) = self.exited()? {
                return Ok(Some(status));
            }
            if Instant::now() >= deadline {
                return Ok(None);
            }
            std::thread::sleep(EXIT_POLL);
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if let Err(error) = self.kill() {
            tracing::warn!(name = self.name, %error, "child process may be left behind");
        }
    }
}

/// Runs `command` to its end and returns nothing but success; the output is quoted when it fails.
///
/// # Errors
/// When the program cannot be started, fails, or runs longer than `patience`.
pub fn run(name: &'static str, command: Command, log: &Path, patience: Duration) -> Result<()> {
    let mut child = Child::spawn(name, command, log)?;
    let status = child.wait(patience)?;
    if !status.success() {
        bail!("{name} failed ({status}):\n{}", child.log_tail());
    }
    Ok(())
}

fn tail(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let start = file.metadata()?.len().saturating_sub(LOG_TAIL_BYTES_MAX);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(LOG_TAIL_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).trim_end().to_owned())
}

fn die_with_parent(command: &mut Command) {
    let parent = getpid();
    let ask = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // The parent may have died between fork and the line above; nobody would tell us any more.
        if getppid() == Some(parent) { Ok(()) } else { Err(io::Error::from(io::ErrorKind::Interrupted)) }
    };
    // SAFETY: between fork and exec only async-signal-safe code may run: the closure makes two system
    // calls (prctl, getppid), allocates nothing and takes no lock.
    unsafe {
        command.pre_exec(ask);
    }
}

/// A command to spawn, and where the result goes.
struct Order {
    command: Command,
    reply: mpsc::SyncSender<io::Result<std::process::Child>>,
}

/// The way to the keeper thread; the sender stays here, so the thread never ends.
static KEEPER: Mutex<Option<mpsc::SyncSender<Order>>> = Mutex::new(None);

fn spawn_from_keeper(command: Command) -> io::Result<std::process::Child> {
    let gone = || io::Error::other("the thread that starts child processes is gone");
    let (reply, answer) = mpsc::sync_channel(1);
    let orders = keeper()?;
    orders.send(Order { command, reply }).map_err(|_order| gone())?;
    answer.recv().map_err(|_closed| gone())?
}

fn keeper() -> io::Result<mpsc::SyncSender<Order>> {
    let mut keeper = KEEPER.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(orders) = keeper.as_ref() {
        return Ok(orders.clone());
    }
    let (orders, inbox) = mpsc::sync_channel::<Order>(ORDERS_WAITING_MAX);
    std::thread::Builder::new().name("child-keeper".to_owned()).spawn(move || {
        for Order { mut command, reply } in inbox {
            if let Err(mpsc::SendError(Ok(mut unwanted))) = reply.send(command.spawn()) {
                // Nobody waits for it any more: it must not stay behind.
                let _ = unwanted.kill().and_then(|()| unwanted.wait());
            }
        }
    })?;
    *keeper = Some(orders.clone());
    Ok(orders)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Environment;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn failure_quotes_the_output() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let patience = Duration::from_secs(10);
        let error = run("a shell", shell("echo no such luck; exit 3"), &log, patience).unwrap_err();
        let text = format!("{error:#}");
        assert!(text.contains("no such luck") && text.contains("exit status: 3"), "{text}");
    }

    #[test]
    fn late_process_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let mut child = Child::spawn("a sleeper", shell("exec sleep 600"), &log).unwrap();
        let error = child.wait(Duration::ZERO).unwrap_err();
        assert!(error.to_string().contains("took longer"), "{error}");
        assert!(child.exited().unwrap().is_some());
    }

    #[test]
    fn stop_falls_back_to_kill() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let script = "trap '' TERM; echo ready; while :; do sleep 600; done";
        let mut child = Child::spawn("a stubborn shell", shell(script), &log).unwrap();
        while !child.log_tail().contains("ready") {
            std::thread::yield_now();
        }
        child.stop(Duration::from_millis(50)).unwrap();
        assert!(child.exited().unwrap().is_some());
        child.stop(Duration::ZERO).unwrap();
    }

    /// Runs this very test in another process, which starts a child and then hangs; kills that process and
    /// waits until the child is gone as well.
    #[test]
    fn child_dies_with_this_process() {
        const ROLE: &str = "SIGNALMILL_TEST_PARENT";
        let name = "embedded::child::tests::child_dies_with_this_process";
        if let Some(log) = Environment::process().get(ROLE) {
            let _child = Child::spawn("a child", shell("echo $$; exec sleep 600"), Path::new(log));
            loop {
                std::thread::park();
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let mut parent = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name])
            .env(ROLE, &log)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let pid = loop {
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            if let Some(pid) = text.strip_suffix('\n') {
                break Pid::from_raw(pid.parse().unwrap()).unwrap();
            }
            std::thread::yield_now();
        };
        rustix::process::test_kill_process(pid).unwrap();
        parent.kill().unwrap();
        parent.wait().unwrap();
        let state = || std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
        // Gone, or a zombie that whoever inherited it has not collected yet.
        while state().is_ok_and(|state| !state.contains(") Z ")) {
            std::thread::yield_now();
        }
    }

    #[test]
    fn child_outlives_the_thread_that_asked_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let mut child = std::thread::spawn(move || {
            Child::spawn("a sleeper", shell("read line < /dev/zero; exec sleep 600"), &log).unwrap()
        })
        .join()
        .unwrap();
        assert!(child.exited().unwrap().is_none());
        child.kill().unwrap();
    }
}
