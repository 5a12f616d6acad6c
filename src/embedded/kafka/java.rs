//! How Kafka's Java programs are run: class path, heap, and a class data archive for quick starts.
//!
//! # Why an archive
//! Most of a small broker's start is the loading and verifying of some 9,000 classes. The JVM can dump them
//! once and map them afterwards: a start takes 1.1 s instead of 1.8 s and 40 MB less memory (2 cores, JDK
//! 17). The dump costs one more start, right after the fetch. It is bound to this JVM and these jars; the
//! JVM checks that by itself and silently does without on a mismatch, so it can only ever be slower.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result};

use crate::embedded::cache::Cache;
use crate::embedded::{fetch, package};

/// The classes of a broker that has just become ready.
const ARCHIVE: &str = "classes.jsa";

/// Heap of tools, such as the one that formats a data folder, in MiB.
const FORMAT_HEAP_MB: u32 = 128;

/// A JVM and the jars to run in it.
#[derive(Debug, Clone)]
pub struct Java {
    program: PathBuf,
    class_path: String,
    classes: Classes,
}

/// Where the JVM gets its classes from.
#[derive(Debug, Clone)]
enum Classes {
    /// From the jars.
    Jars,
    /// From the jars, and the broker dumps them into this archive when it ends.
    Dumped(PathBuf),
    /// From this archive, as far as it has them.
    Archive(PathBuf),
}

impl Java {
    /// Finds or installs Java, and fetches Kafka's jars where they are not cached.
    ///
    /// # Errors
    /// When either is impossible.
    pub fn with_kafka(cache: &Cache, log: &Path) -> Result<Self> {
        let program = package::JAVA.ensure(log)?;
        let jars = fetch::kafka(cache)?;
        let class_path = std::env::join_paths(&jars)
            .context("a path of the cache holds a colon")?
            .into_string()
            .map_err(|path| anyhow::anyhow!("the cache path is not UTF-8: {}", path.display()))?;
        Ok(Self { program, class_path, classes: Classes::Jars })
    }

    /// The same with the class data archive. When that is not cached, `train` makes it: given a `Java` whose
    /// broker dumps its classes, and a folder for its data, it runs a broker and ends it in order.
    ///
    /// # Errors
    /// When there is no archive and none can be made; Kafka runs without, too.
    pub fn with_archive(&self, cache: &Cache, train: impl FnOnce(Self, &Path) -> Result<()>) -> Result<Self> {
        let program = self.program.canonicalize()?;
        let built = program.metadata()?.modified()?.duration_since(UNIX_EPOCH)?.as_secs();
        let entry = format!("kafka-{}-classes-{built:x}", fetch::KAFKA_VERSION);
        let folder = cache.entry(&entry, |folder| {
            tracing::info!("preparing quick starts of Kafka, a few seconds, once");
            let scratch = folder.join("training");
            let dumping = Self { classes: Classes::Dumped(folder.join(ARCHIVE)), ..self.clone() };
            train(dumping, &scratch)?;
            fs::remove_dir_all(&scratch)?;
            folder.join(ARCHIVE).metadata().context("the JVM wrote no archive")?;
            Ok(())
        })?;
        Ok(Self { classes: Classes::Archive(folder.join(ARCHIVE)), ..self.clone() })
    }

    /// The command of the broker with at most `heap_mb` MiB of heap.
    #[must_use]
    pub fn broker(&self, heap_mb: u32, properties: &Path, log_settings: &Path) -> Command {
        let mut command = self.command(heap_mb, log_settings);
        if let Classes::Dumped(archive) = &self.classes {
            command.arg(format!("-XX:ArchiveClassesAtExit={}", archive.display()));
        }
        command.arg("kafka.Kafka").arg(properties);
        command
    }

    /// The command that formats the data folder of a new cluster of one node.
    #[must_use]
    pub fn format(&self, cluster_id: &str, properties: &Path, log_settings: &Path) -> Command {
        let mut command = self.command(FORMAT_HEAP_MB, log_settings);
        command
            .args(["-XX:TieredStopAtLevel=1", "kafka.tools.StorageTool", "format"])
            .args(["--standalone", "--ignore-formatted", "--cluster-id", cluster_id, "--config"])
            .arg(properties);
        command
    }

    /// The command of one of Kafka's own tools, such as `kafka.admin.ConfigCommand`.
    #[must_use]
    pub fn tool(&self, class: &str, log_settings: &Path) -> Command {
        let mut command = self.command(FORMAT_HEAP_MB, log_settings);
        command.args(["-XX:TieredStopAtLevel=1", class]);
        command
    }

    fn command(&self, heap_mb: u32, log_settings: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg(format!("-Xmx{heap_mb}m"))
            .args(["-XX:+UseSerialGC", "-Djava.awt.headless=true"])
            .arg(format!("-Dlog4j2.configurationFile={}", log_settings.display()))
            .args(["-cp", &self.class_path])
            // Options in the caller's environment must not change a pinned service.
            .env_remove("JAVA_TOOL_OPTIONS")
            .env_remove("_JAVA_OPTIONS")
            .env_remove("JDK_JAVA_OPTIONS");
        if let Classes::Archive(archive) = &self.classes {
            command.arg(format!("-XX:SharedArchiveFile={}", archive.display()));
        }
        command
    }
}
