//! A benchmark as its own child process, so that the CPU seconds of a loop can be told from those around it.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use anyhow::Context as _;

/// A loop that runs; killed when dropped.
pub struct Child(std::process::Child);

impl Child {
    /// Starts this benchmark again with `arguments`, the hidden first one among them, and returns when it has said its first
    /// line, which is when its work begins.
    ///
    /// # Errors
    /// When it cannot start, or ends before.
    pub fn start(arguments: &[&str]) -> anyhow::Result<Self> {
        let process = Command::new(std::env::current_exe()?)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut child = Self(process);
        let out = child.0.stdout.take().context("no pipe")?;
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line)?;
        anyhow::ensure!(!line.is_empty(), "the loop {} ended before it began", arguments.join(" "));
        Ok(child)
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Both fail only where the process has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
