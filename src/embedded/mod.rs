//! Local services for the demo and the tests: Apache Kafka and the ClickHouse engine, which are real, and stand-ins
//! for those that cost money ([`providers`]).
//!
//! The real ones are fetched once by the ordinary package clients into a cache outside the tree ([`cache`], [`fetch`],
//! [`package`]), run as child processes on loopback that never outlive us ([`child`]), checked by talking to
//! them ([`kafka`], [`clickhouse`]). The engine is a library; [`front`] makes it a server.
//!
//! This is the only part of the crate with unsafe code: the engine's C interface and the parent-death signal.

pub mod cache;
pub mod child;
pub mod clickhouse;
pub mod fetch;
pub mod front;
pub mod kafka;
pub mod package;
pub mod port;
pub mod providers;

use std::path::Path;

use anyhow::{Result, anyhow};

use self::clickhouse::ClickHouse;
use self::kafka::Kafka;

/// Both services, running; killed when dropped.
#[derive(Debug)]
pub struct Services {
    /// The broker.
    pub kafka: Kafka,
    /// The engine.
    pub clickhouse: ClickHouse,
}

impl Services {
    /// Starts both at once on free ports with their data below `root`, which is reused when it has some.
    /// `program` is the `signalmill` program that serves the engine. Blocks until both answer.
    ///
    /// # Errors
    /// When one does not come up; the other is stopped then.
    pub fn start(root: &Path, program: &Path) -> Result<Self> {
        let kafka = kafka::Settings::in_folder(root.join("kafka"));
        let clickhouse = clickhouse::Settings {
            program: Some(program.to_owned()),
            ..clickhouse::Settings::in_folder(root.join("clickhouse"))
        };
        Self::start_with(&kafka, &clickhouse)
    }

    /// The same with all settings given.
    ///
    /// # Errors
    /// As [`Services::start`].
    pub fn start_with(kafka: &kafka::Settings, clickhouse: &clickhouse::Settings) -> Result<Self> {
        let (kafka, clickhouse) = std::thread::scope(|scope| {
            let kafka = scope.spawn(|| Kafka::start(kafka));
            let clickhouse = ClickHouse::start(clickhouse);
            let kafka = kafka.join().unwrap_or_else(|_panic| Err(anyhow!("starting Kafka panicked")));
            (kafka, clickhouse)
        });
        Ok(Self { kafka: kafka?, clickhouse: clickhouse? })
    }

    /// Stops both at once, in order, and waits.
    ///
    /// # Errors
    /// When one of them cannot be stopped; the other is stopped nevertheless.
    pub fn stop(&mut self) -> Result<()> {
        let Self { kafka, clickhouse } = self;
        let (kafka, clickhouse) = std::thread::scope(|scope| {
            let kafka = scope.spawn(|| kafka.stop());
            let clickhouse = clickhouse.stop();
            let kafka = kafka.join().unwrap_or_else(|_panic| Err(anyhow!("stopping Kafka panicked")));
            (kafka, clickhouse)
        });
        kafka.and(clickhouse)
    }
}
