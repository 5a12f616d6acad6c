//! Kafka and the ClickHouse engine on this machine, for the time of one command.

use anyhow::Context as _;

use crate::config::{self, Config, HttpUrl};
use crate::embedded::{Services, clickhouse, kafka};

/// Starts both.
///
/// # Errors
/// As [`Services::start_with`].
pub(super) async fn start(kafka: kafka::Settings, engine: clickhouse::Settings) -> anyhow::Result<Services> {
    tokio::task::spawn_blocking(move || Services::start_with(&kafka, &engine)).await.context("starting panicked")?
}

/// Stops both.
///
/// # Errors
/// As [`Services::stop`].
pub(super) async fn stop(mut services: Services) -> anyhow::Result<()> {
    tokio::task::spawn_blocking(move || services.stop()).await.context("stopping panicked")?
}

/// The configuration, with these services instead of those that it names: they have no users and no encryption.
///
/// # Errors
/// The engine's address is no URL, which is a defect.
pub(super) fn on(services: &Services, config: Config) -> anyhow::Result<Config> {
    let url = HttpUrl::parse(&services.clickhouse.url()).context("the engine's address is no URL")?;
    Ok(Config {
        kafka: config::Kafka { brokers: services.kafka.brokers(), ..config::Kafka::default() },
        clickhouse: config::ClickHouse { url, ..config::ClickHouse::default() },
        schema_registry: config::SchemaRegistry::default(),
        ..config
    })
}
