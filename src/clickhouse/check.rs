//! What `check` shows of ClickHouse: version, migrations, tables. Changes nothing.

use serde::Serialize;

use super::migrations::SCRIPTS;
use super::{Failure, Store, Table};

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The server's version.
    pub version: String,
    /// Every migration of this binary, then those that only the database has.
    pub migrations: Vec<Migration>,
    /// Tables and views that should be there and are not.
    pub missing: Vec<String>,
    /// What is wrong, each with what to do; empty where all is well.
    pub problems: Vec<String>,
}

/// One migration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Migration {
    /// Its number.
    pub version: u32,
    /// Its name.
    pub name: String,
    /// How it stands.
    pub state: State,
}

/// How a migration stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Applied as this binary has it.
    Applied,
    /// Not applied yet.
    Pending,
    /// Applied with other contents.
    Changed,
    /// This binary does not know it.
    Newer,
}

impl Store {
    /// Looks at the server, the migrations and the tables.
    ///
    /// # Errors
    /// The server is not there, or does not let us in.
    pub async fn check(&self) -> Result<Report, Failure> {
        let version = self.version().await?;
        let sql = "SELECT name FROM system.tables WHERE database = ?";
        let present: Vec<String> = self.all(self.server.query(sql).bind(self.database())).await?;
        let notes =
            if present.iter().any(|name| name == "schema_migrations") { self.notes().await? } else { Vec::new() };
        let mut migrations: Vec<Migration> = SCRIPTS
            .iter()
            .map(|script| {
                let checksum = script.checksum();
                let same: Vec<bool> = notes
                    .iter()
                    .filter(|note| note.version == script.version)
                    .map(|note| note.checksum == checksum)
                    .collect();
                let state = match same.as_slice() {
                    [] => State::Pending,
                    all if all.iter().all(|same| *same) => State::Applied,
                    _ => State::Changed,
                };
                Migration { version: script.version, name: script.name.to_owned(), state }
            })
            .collect();
        let known = migrations.len();
        migrations.extend(
            notes
                .iter()
                .filter(|note| SCRIPTS.iter().all(|script| script.version != note.version))
                .map(|note| Migration { version: note.version, name: note.name.clone(), state: State::Newer }),
        );
        let missing: Vec<String> = Table::ALL
            .iter()
            .flat_map(|table| [table.name(), table.view()])
            .filter(|name| !present.iter().any(|found| found == name))
            .map(str::to_owned)
            .collect();
        let problems = problems(&migrations, known, &missing);
        Ok(Report { version, migrations, missing, problems })
    }
}

fn problems(migrations: &[Migration], known: usize, missing: &[String]) -> Vec<String> {
    let mut problems = Vec::new();
    let count = |state| migrations.iter().filter(|migration| migration.state == state).count();
    if count(State::Pending) > 0 {
        problems.push(format!("{} of {known} migrations are pending: run `signalmill migrate`", count(State::Pending)));
    } else if !missing.is_empty() {
        problems.push(format!("missing: {}: restore them, or use another database", missing.join(", ")));
    }
    if count(State::Changed) > 0 {
        problems
            .push("migrations were applied with other contents: use the binary that belongs to the database".into());
    }
    if count(State::Newer) > 0 {
        problems.push("the database is newer than this binary: use the newer binary".into());
    }
    problems
}
