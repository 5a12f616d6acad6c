//! The ClickHouse engine behind our front, as its clients see it: the official crate, clickhouse-connect of
//! Python, curl; and what a `kill -9` leaves.

mod clients;
mod crash;

use std::path::Path;

use signalmill::embedded::clickhouse::{ClickHouse, Settings};
use tempfile::TempDir;

/// An engine of its own for one test; gone with its folder at the end.
struct Engine {
    clickhouse: ClickHouse,
    _folder: TempDir,
}

impl Engine {
    fn start() -> Self {
        Self::start_with(|_settings| {})
    }

    fn start_with(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Settings {
            program: Some(Path::new(env!("CARGO_BIN_EXE_signalmill")).to_owned()),
            ..Settings::in_folder(folder.path().join("data"))
        };
        change(&mut settings);
        Self { clickhouse: ClickHouse::start(&settings).unwrap(), _folder: folder }
    }

    fn client(&self) -> clickhouse::Client {
        clickhouse::Client::default().with_url(self.clickhouse.url()).with_compression(clickhouse::Compression::Lz4)
    }
}
