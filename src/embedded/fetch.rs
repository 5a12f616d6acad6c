//! What the local services are made of, pinned, fetched once and verified.
//!
//! * Apache Kafka: its jars from Maven Central, each checked against the manifest in this folder, so a
//!   changed artifact or an unexpected dependency is an error and never runs.
//! * The ClickHouse engine: the shared library `libchdb.so` out of an npm package whose archive is checked.
//!
//! Both come through the ordinary clients, so a mirror or proxy configured for them is respected.
//! Calls block, for minutes at worst; everything is instant and offline once cached.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::cache::{self, Cache};
use super::{child, package};

/// The version of Apache Kafka.
pub const KAFKA_VERSION: &str = "4.3.1";
/// The npm package of the engine, with its version.
pub const ENGINE_PACKAGE: &str = "@chdb/lib-linux-x64-gnu@26.7.3-stable.1";

const KAFKA_ENTRY: &str = "kafka-4.3.1";
const KAFKA_POM: &str = include_str!("fetch/kafka-pom.xml");
/// `sha256sum` of every jar that Kafka runs with, sorted by name.
const KAFKA_MANIFEST: &str = include_str!("fetch/kafka-4.3.1.sha256");
const COPY_DEPENDENCIES: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";

const ENGINE_ENTRY: &str = "clickhouse-engine-26.7.3-stable.1";
const ENGINE_ARCHIVE: &str = "chdb-lib-linux-x64-gnu-26.7.3-stable.1.tgz";
const ENGINE_SHA256: &str = "c0d32b129e988f2b9a9a31c9141aecf5e1e2453f9a079efc4d36ab8e3f92b2ad";
const ENGINE_LIBRARY: &str = "libchdb.so";

/// Longest time for one fetch: 178 MB on a slow line.
const FETCH_PATIENCE: Duration = Duration::from_mins(30);
/// Longest time to unpack 570 MB.
const UNPACK_PATIENCE: Duration = Duration::from_mins(5);

/// Kafka's jars, in the order of the class path.
///
/// # Errors
/// When Maven is missing or fails, or a jar is not what the manifest says.
pub fn kafka(cache: &Cache) -> Result<Vec<PathBuf>> {
    let folder = cache.entry(KAFKA_ENTRY, fetch_kafka)?;
    Ok(manifest().into_keys().map(|jar| folder.join(jar)).collect())
}

/// The engine's shared library.
///
/// # Errors
/// On another platform than 64-bit Linux on Intel, when npm is missing or fails, or when the archive is not
/// the pinned one.
pub fn engine(cache: &Cache) -> Result<PathBuf> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        bail!("the ClickHouse engine is fetched for 64-bit Linux on Intel only: use a server instead");
    }
    let folder = cache.entry(ENGINE_ENTRY, fetch_engine)?;
    Ok(folder.join(ENGINE_LIBRARY))
}

fn fetch_kafka(folder: &Path) -> Result<()> {
    tracing::info!(version = KAFKA_VERSION, "fetching Apache Kafka by Maven, 44 MB");
    let log = folder.join("fetch.log");
    let mvn = package::MAVEN.ensure(&log)?;
    fs::write(folder.join("pom.xml"), KAFKA_POM)?;
    let mut command = Command::new(mvn);
    command.current_dir(folder).args([
        "--batch-mode",
        "--quiet",
        "-Dstyle.color=never",
        COPY_DEPENDENCIES,
        "-DincludeScope=runtime",
        "-DoutputDirectory=.",
    ]);
    child::run("Maven", command, &log, FETCH_PATIENCE)?;
    verify_jars(folder)
}

fn verify_jars(folder: &Path) -> Result<()> {
    let mut expected = manifest();
    for file in fs::read_dir(folder)? {
        let path = file?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if Path::new(name).extension().is_none_or(|end| end != "jar") {
            continue;
        }
        let sum =
            expected.remove(name).with_context(|| format!("Maven brought {name}, which the manifest does not list"))?;
        cache::verify(&path, sum, folder)
            .context("the copy in Maven's own cache, ~/.m2/repository, may be damaged too")?;
    }
    match expected.keys().next() {
        Some(missing) => bail!("Maven did not bring {missing}, which the manifest lists"),
        None => Ok(()),
    }
}

/// File name → SHA-256.
fn manifest() -> BTreeMap<&'static str, &'static str> {
    KAFKA_MANIFEST.lines().filter_map(|line| line.split_once("  ")).map(|(sum, name)| (name, sum)).collect()
}

fn fetch_engine(folder: &Path) -> Result<()> {
    tracing::info!(package = ENGINE_PACKAGE, "fetching the ClickHouse engine by npm, 178 MB");
    let log = folder.join("fetch.log");
    let npm = package::NPM.ensure(&log)?;
    let mut pack = Command::new(npm);
    pack.current_dir(folder).args(["pack", ENGINE_PACKAGE, "--ignore-scripts", "--no-progress"]);
    child::run("npm pack", pack, &log, FETCH_PATIENCE)?;
    let archive = folder.join(ENGINE_ARCHIVE);
    cache::verify(&archive, ENGINE_SHA256, folder)?;
    let mut unpack = Command::new("tar");
    unpack
        .current_dir(folder)
        .args(["-xzf", ENGINE_ARCHIVE, "--no-same-owner", "--strip-components=1"])
        .arg(format!("package/{ENGINE_LIBRARY}"));
    child::run("tar", unpack, &log, UNPACK_PATIENCE)?;
    fs::remove_file(archive)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifest_is_well_formed_and_pinned() {
        let manifest = manifest();
        assert_eq!(manifest.len(), KAFKA_MANIFEST.lines().count());
        assert!(manifest.contains_key(format!("kafka_2.13-{KAFKA_VERSION}.jar").as_str()));
        for (name, sum) in manifest {
            assert!(sum.len() == 64 && sum.bytes().all(|b| b.is_ascii_hexdigit()), "{name}");
        }
        assert!(KAFKA_POM.contains(&format!("<version>{KAFKA_VERSION}</version>")));
        assert!(KAFKA_ENTRY.ends_with(KAFKA_VERSION));
        let (_, engine) = ENGINE_PACKAGE.rsplit_once('@').unwrap();
        assert!(ENGINE_ENTRY.ends_with(engine) && ENGINE_ARCHIVE.contains(engine));
    }

    #[test]
    fn foreign_missing_and_damaged_jars_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let text = |folder: &Path| format!("{:#}", verify_jars(folder).unwrap_err());
        assert!(text(folder.path()).contains("did not bring"));
        let jar = folder.path().join("re2j-1.8.jar");
        fs::write(&jar, "damaged").unwrap();
        assert!(text(folder.path()).contains("checksum mismatch"));
        fs::rename(&jar, folder.path().join("stranger.jar")).unwrap();
        assert!(text(folder.path()).contains("does not list"));
    }
}
