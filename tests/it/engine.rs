//! A ClickHouse engine of a test's own: started on a free port, stopped when dropped.

use std::path::Path;

use signalmill::clickhouse::{Settings, Store};
use signalmill::clock::Clock;
use signalmill::embedded::clickhouse::{self, ClickHouse};
use tempfile::TempDir;

pub struct Engine {
    process: ClickHouse,
    asked: Store,
    _data: TempDir,
}

impl Engine {
    pub async fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let settings = clickhouse::Settings {
            program: Some(Path::new(env!("CARGO_BIN_EXE_signalmill")).to_owned()),
            ..clickhouse::Settings::in_folder(data.path())
        };
        let process = tokio::task::spawn_blocking(move || ClickHouse::start(&settings)).await.unwrap().unwrap();
        let asked = store(&process.url(), "default");
        Self { process, asked, _data: data }
    }

    /// Starts it again over the same data.
    pub fn resume(&mut self) {
        self.process.restart().unwrap();
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
    }

    /// Where it is.
    pub fn url(&self) -> String {
        self.process.url()
    }

    /// A store of its own, with connections of its own.
    pub fn store(&self, database: &str) -> Store {
        store(&self.process.url(), database)
    }

    /// A question of a test, answered as text with tabs.
    pub async fn ask(&self, sql: &str) -> String {
        let answer = self.asked.ask(sql).await;
        answer.unwrap_or_else(|failure| panic!("{sql}: {failure}"))
    }
}

fn store(url: &str, database: &str) -> Store {
    let settings = Settings { url: url.to_owned(), database: database.to_owned(), ..Settings::default() };
    Store::new(settings, Clock::system()).unwrap()
}
