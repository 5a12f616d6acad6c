//! The connection: one HTTP client, its settings, and questions with a time limit.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clickhouse::query::Query;
use clickhouse::{Client, RowOwned, RowRead};
use tokio::time::timeout;

use super::backoff::Backoff;
use super::{Failure, Settings, Unusable};
use crate::clock::Clock;

/// A ClickHouse database. Clones share connections.
#[derive(Debug, Clone)]
pub struct Store {
    pub(super) client: Client,
    /// Without a database: for questions before there is one.
    pub(super) server: Client,
    pub(super) settings: Arc<Settings>,
    pub(super) clock: Clock,
    seed: Arc<AtomicU64>,
}

impl Store {
    /// Prepares a connection; nothing is sent yet.
    ///
    /// # Errors
    /// Settings that cannot work.
    pub fn new(settings: Settings, clock: Clock) -> Result<Self, Unusable> {
        settings.validate()?;
        let mut server = Client::default().with_url(&settings.url).with_user(&settings.user);
        if let Some(password) = &settings.password {
            server = server.with_password(password.expose());
        }
        // Each hash map of the standard library is seeded by the system: so are our waits, and no two processes agree.
        let seed = RandomState::new().hash_one(0_u8);
        Ok(Self {
            client: server.clone().with_database(&settings.database),
            server,
            settings: Arc::new(settings),
            clock,
            seed: Arc::new(AtomicU64::new(seed)),
        })
    }

    /// The database's name.
    #[must_use]
    pub fn database(&self) -> &str {
        &self.settings.database
    }

    /// Asks whether the server is there and lets us in.
    ///
    /// # Errors
    /// Whatever stands in the way.
    pub async fn ping(&self) -> Result<(), Failure> {
        self.version().await.map(drop)
    }

    /// The server's version, such as `26.7.2.1`.
    ///
    /// # Errors
    /// Whatever stands in the way.
    pub async fn version(&self) -> Result<String, Failure> {
        self.one(self.server.query_raw("SELECT version()")).await
    }

    /// The answer to any question, as text: columns parted by tabs, rows by line ends, none at the end. For people and
    /// tests; the program asks by the functions that have a name for what they ask.
    ///
    /// # Errors
    /// Whatever stands in the way.
    pub async fn ask(&self, sql: &str) -> Result<String, Failure> {
        let mut answer = self.client.query_raw(sql).fetch_bytes("TabSeparated")?;
        let bytes = within(&self.settings, self.settings.query_timeout, answer.collect()).await?;
        Ok(String::from_utf8_lossy(&bytes).trim_end_matches('\n').to_owned())
    }

    pub(super) async fn one<T: RowOwned + RowRead>(&self, query: Query) -> Result<T, Failure> {
        within(&self.settings, self.settings.query_timeout, query.fetch_one()).await
    }

    pub(super) async fn all<T: RowOwned + RowRead>(&self, query: Query) -> Result<Vec<T>, Failure> {
        within(&self.settings, self.settings.query_timeout, query.fetch_all()).await
    }

    pub(super) fn backoff(&self) -> Backoff {
        Backoff::new(self.seed.fetch_add(1, Ordering::Relaxed))
    }
}

/// The crate's questions have no time limit of their own.
pub(super) async fn within<T>(
    settings: &Settings,
    limit: Duration,
    answer: impl Future<Output = clickhouse::error::Result<T>>,
) -> Result<T, Failure> {
    match timeout(limit, answer).await {
        Ok(answer) => answer.map_err(|error| settings.failure(error)),
        Err(_) => Err(Failure::timed_out()),
    }
}
