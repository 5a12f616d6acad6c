//! The programs that the local services need from the system, and the Debian packages that hold them.
//!
//! A missing one is installed by `apt-get` when we are root, as in a container or on a build machine;
//! otherwise the error says which command to run. Nothing else is ever installed.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::child;
use crate::config::Environment;

/// Longest time for `apt-get update` and for one installation.
const APT_PATIENCE: Duration = Duration::from_mins(15);

/// A program and the package that brings it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Package {
    /// The command looked for in `PATH`.
    pub command: &'static str,
    /// The Debian package.
    pub debian: &'static str,
    /// What it is needed for, for the message.
    pub purpose: &'static str,
}

/// Runs Kafka. Version 17 is the oldest that Kafka 4 accepts, and what this package brings on Debian 12.
pub const JAVA: Package = Package { command: "java", debian: "default-jre-headless", purpose: "runs Apache Kafka" };

/// Fetches Kafka's jars.
pub const MAVEN: Package = Package { command: "mvn", debian: "maven", purpose: "fetches Apache Kafka" };

/// Fetches the ClickHouse engine.
pub const NPM: Package = Package { command: "npm", debian: "npm", purpose: "fetches the ClickHouse engine" };

impl Package {
    /// The path of the command; installs the package first when it is missing and we are root.
    /// `log` takes the installer's output.
    ///
    /// # Errors
    /// When the command is missing and cannot be installed; the text names the package and what to run.
    pub fn ensure(self, log: &Path) -> Result<PathBuf> {
        let environment = Environment::process();
        let path = OsStr::new(environment.get("PATH").unwrap_or_default());
        if let Some(found) = find(self.command, path) {
            return Ok(found);
        }
        let apt = find("apt-get", path).filter(|_| rustix::process::geteuid().is_root());
        let Some(apt) = apt else {
            bail!("{}", self.missing());
        };
        tracing::info!(package = self.debian, "installing a missing package by apt-get");
        self.install(&apt, log).with_context(|| self.missing())?;
        find(self.command, path).with_context(|| self.missing())
    }

    fn install(self, apt: &Path, log: &Path) -> Result<()> {
        let apt_get = |arguments: &[&str]| {
            let mut command = Command::new(apt);
            command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
            command
        };
        child::run("apt-get update", apt_get(&["update"]), log, APT_PATIENCE)?;
        let install = apt_get(&["install", "-y", "--no-install-recommends", self.debian]);
        child::run("apt-get install", install, log, APT_PATIENCE)
    }

    fn missing(self) -> String {
        let Self { command, debian, purpose } = self;
        format!(
            "the command `{command}`, which {purpose}, is missing: \
             install the package {debian} (`sudo apt-get install -y {debian}`) and run again"
        )
    }
}

/// The first executable of that name in the folders of `path`.
fn find(command: &str, path: &OsStr) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    std::env::split_paths(path)
        .map(|folder| folder.join(command))
        .find(|file| file.metadata().is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_only_what_can_be_run() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("plain"), "").unwrap();
        assert_eq!(find("plain", folder.path().as_os_str()), None);
        assert_eq!(find("sh", OsStr::new("/nowhere:/bin")), Some(PathBuf::from("/bin/sh")));
    }

    #[test]
    fn message_names_command_and_package() {
        for package in [JAVA, MAVEN, NPM] {
            let text = package.missing();
            assert!(text.contains(package.command) && text.contains(package.debian), "{text}");
        }
    }
}
