//! Brings the tables to what this binary expects.
//!
//! # Why there is no lock
//! ClickHouse has no lock that a crashed holder would release, and it needs none: every statement may run twice, so
//! processes that race apply the same statements to the same end, and the note of a migration is a row with an identity.
//! The notes are read again before each migration, so that a late process leaves out what an early one has done.

use clickhouse::Row;
use serde::{Deserialize, Serialize};
use tracing::warn;

use super::backoff::PASSING;
use super::migrations::{SCRIPTS, Script, foundation};
use super::store::within;
use super::{Decision, Failure, Store};

/// Tries of one statement while the server is busy or another process creates the same table.
const TRIES_MAX: u32 = 8;

/// A migration that this call has applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Applied {
    /// Its number.
    pub version: u32,
    /// The file's name without `.sql`.
    pub name: String,
}

/// Why the tables are not what this binary expects.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unmigrated {
    /// A newer binary was here before.
    #[error("the database has migration {found} ({name}), this binary knows {known}: use the newer binary")]
    Newer {
        /// The database's.
        found: u32,
        /// The database's, by name.
        name: String,
        /// The binary's newest.
        known: u32,
    },
    /// The file was changed after it was applied.
    #[error(
        "migration {0} was applied with other contents than this binary has: use the binary that belongs to the database, or another database"
    )]
    Changed(String),
    /// ClickHouse does not do it.
    #[error("migration {name}: {failure}")]
    Failed {
        /// Which.
        name: String,
        /// Why.
        failure: Failure,
    },
}

/// A row of `schema_migrations`.
#[derive(Debug, Clone, Row, Deserialize)]
pub(super) struct Note {
    pub(super) version: u32,
    pub(super) name: String,
    pub(super) checksum: String,
}

impl Store {
    /// Creates the database and applies what is missing, in order. Safe to run again and to race.
    ///
    /// # Errors
    /// See [`Unmigrated`]; what was applied before the error stays applied.
    pub async fn migrate(&self) -> Result<Vec<Applied>, Unmigrated> {
        for statement in foundation(&self.settings) {
            self.define("schema_migrations", &statement).await?;
        }
        let mut applied = Vec::new();
        for script in SCRIPTS {
            let notes = self.notes().await.map_err(|failure| failed("schema_migrations", failure))?;
            judge(&notes)?;
            if notes.iter().any(|note| note.version == script.version) {
                continue;
            }
            self.apply(script).await?;
            applied.push(Applied { version: script.version, name: script.name.to_owned() });
        }
        // Columns may have changed under the cache of an earlier insert.
        self.client.clear_cached_metadata().await;
        Ok(applied)
    }

    pub(super) async fn notes(&self) -> Result<Vec<Note>, Failure> {
        let sql = "SELECT ?fields FROM schema_migrations FINAL ORDER BY version, checksum";
        self.all(self.client.query(sql)).await
    }

    async fn apply(&self, script: &Script) -> Result<(), Unmigrated> {
        for statement in script.statements(&self.settings) {
            self.define(script.name, &statement).await?;
        }
        // Names and checksums are ours: digits, letters and underscores.
        let (version, name, checksum) = (script.version, script.name, script.checksum());
        let note = format!(
            "INSERT INTO `{}`.schema_migrations (version, name, checksum) SELECT {version}, '{name}', '{checksum}'",
            self.settings.database
        );
        self.define(script.name, &note).await
    }

    /// Runs one statement, again while the reason to fail is passing.
    async fn define(&self, name: &str, statement: &str) -> Result<(), Unmigrated> {
        let mut backoff = self.backoff();
        let mut tries = 1;
        loop {
            let query = self.server.query_raw(statement).with_setting("async_insert", "0");
            let Err(failure) = within(&self.settings, self.settings.migrate_timeout, query.execute()).await else {
                return Ok(());
            };
            if failure.decision != Decision::Retry || tries == TRIES_MAX {
                return Err(failed(name, failure));
            }
            tries += 1;
            let wait = backoff.next(PASSING);
            warn!(name, wait_ms = wait.as_millis(), error = %failure, "migration statement failed, trying again");
            self.clock.sleep_until(self.clock.now().plus(wait)).await;
        }
    }
}

fn failed(name: &str, failure: Failure) -> Unmigrated {
    Unmigrated::Failed { name: name.to_owned(), failure }
}

/// Whether a database with these notes is one that this binary may touch.
pub(super) fn judge(notes: &[Note]) -> Result<(), Unmigrated> {
    let known = SCRIPTS.last().map_or(0, |script| script.version);
    for note in notes {
        let Some(script) = SCRIPTS.iter().find(|script| script.version == note.version) else {
            return Err(Unmigrated::Newer { found: note.version, name: note.name.clone(), known });
        };
        if script.checksum() != note.checksum {
            return Err(Unmigrated::Changed(note.name.clone()));
        }
    }
    Ok(())
}
