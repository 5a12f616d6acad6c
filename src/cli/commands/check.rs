//! `check`: configuration, providers, topics, schemas, tables and versions, each with ok or failed and what to do.

use std::io;

use anyhow::bail;
use serde::Serialize;

use super::{registry, store};
use crate::cli::output::{self, Table};
use crate::clock::Clock;
use crate::config::{Config, Problems};
use crate::kafka::{self, Found};
use crate::pipeline::{HOPS, Line, providers};
use crate::wire;

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    subject: &'static str,
    name: String,
    ok: bool,
    detail: String,
}

impl Finding {
    fn ok(subject: &'static str, name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { subject, name: name.into(), ok: true, detail: detail.into() }
    }

    fn failed(subject: &'static str, name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { subject, name: name.into(), ok: false, detail: detail.into() }
    }
}

pub(super) async fn run(loaded: Result<Config, Problems>, as_json: bool) -> anyhow::Result<()> {
    let config = match loaded {
        Ok(config) => config,
        Err(problems) => return Err(problems.into()),
    };
    let mut findings = vec![
        Finding::ok("program", "signalmill", env!("CARGO_PKG_VERSION")),
        Finding::ok("configuration", "all keys", "read without an error"),
    ];
    findings.extend(who_is_asked(&config));
    findings.extend(topics(&config).await);
    findings.extend(schemas(&config).await);
    findings.extend(tables(&config).await);
    let failed = findings.iter().filter(|finding| !finding.ok).count();
    let out = &mut io::stdout().lock();
    if as_json {
        output::write_json(out, &findings)?;
    } else {
        let mut table = Table::new(&["", "what", "name", "detail"]).open_ended();
        for finding in findings {
            let mark = if finding.ok { "ok" } else { "failed" };
            table.row([mark.to_owned(), finding.subject.to_owned(), finding.name, finding.detail]);
        }
        table.write(out)?;
    }
    if failed > 0 {
        bail!("{failed} checks failed");
    }
    Ok(())
}

/// Of every hop, whichever of them this machine is to run: the configuration is that of all.
fn who_is_asked(config: &Config) -> Vec<Finding> {
    let now = Clock::system().now();
    let refused = |hop: &Line| {
        let error = providers::check(*hop, config, now).err()?;
        Some(Finding::failed("providers", hop.name, format!("{error:#}; workers without this stage do not need it")))
    };
    let failed: Vec<Finding> = HOPS.iter().filter_map(refused).collect();
    if failed.is_empty() {
        return vec![Finding::ok("providers", "all stages", "all that are configured can be asked")];
    }
    failed
}

async fn topics(config: &Config) -> Vec<Finding> {
    let found = match kafka::ensure(&config.kafka, kafka::TOPICS, false).await {
        Ok(found) => found,
        Err(error) => return vec![Finding::failed("kafka", &config.kafka.brokers, format!("{error:#}"))],
    };
    let mut findings = vec![Finding::ok("kafka", &config.kafka.brokers, "answers")];
    findings.extend(found.into_iter().map(|(name, state)| match state {
        Found::Good(partitions) => Finding::ok("topic", name, format!("{partitions} partitions")),
        Found::Created => Finding::ok("topic", name, "created"),
        Found::Missing => Finding::failed("topic", name, "missing: `signalmill run` creates it"),
        Found::Wrong(why) => Finding::failed("topic", name, why),
    }));
    findings
}

async fn schemas(config: &Config) -> Vec<Finding> {
    let registry = match registry(config, &Clock::system()) {
        Ok(None) => {
            let count = wire::CATALOG.len();
            return vec![Finding::ok("schemas", "built in", format!("{count} topics, single-object encoding"))];
        }
        Ok(Some(registry)) => registry,
        Err(error) => return vec![Finding::failed("schema registry", "schema_registry.url", format!("{error:#}"))],
    };
    let mut findings = Vec::new();
    for topic in wire::CATALOG {
        let subject = format!("{}{}-value", config.kafka.topic_prefix, topic.name);
        let newest = topic.versions.last().copied().unwrap_or_default();
        findings.push(match registry.register(&subject, newest).await {
            Ok(id) => Finding::ok("schema", subject, format!("registered as id {id}")),
            Err(error) => Finding::failed("schema", subject, error.to_string()),
        });
    }
    findings
}

async fn tables(config: &Config) -> Vec<Finding> {
    let report = async {
        let store = store(config, &Clock::system())?;
        anyhow::Ok(store.check().await?)
    };
    let url = config.clickhouse.url.as_str();
    match report.await {
        Err(error) => vec![Finding::failed("clickhouse", url, format!("{error:#}"))],
        Ok(report) => {
            let mut findings = vec![Finding::ok("clickhouse", url, format!("version {}", report.version))];
            if report.problems.is_empty() {
                let count = report.migrations.len();
                findings.push(Finding::ok(
                    "tables",
                    &config.clickhouse.database,
                    format!("{count} migrations applied"),
                ));
            }
            findings.extend(
                report
                    .problems
                    .into_iter()
                    .map(|problem| Finding::failed("tables", &config.clickhouse.database, problem)),
            );
            findings
        }
    }
}
