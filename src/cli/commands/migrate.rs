//! `migrate`: the tables of ClickHouse brought up to date.

use std::io::{self, Write as _};

use super::store;
use crate::cli::output;
use crate::clock::Clock;
use crate::config::Config;

pub(super) async fn run(config: Config, as_json: bool) -> anyhow::Result<()> {
    let store = store(&config, &Clock::system())?;
    let applied = store.migrate().await?;
    let out = &mut io::stdout().lock();
    if as_json {
        output::write_json(out, &applied)?;
    } else if applied.is_empty() {
        writeln!(out, "database {} is up to date", store.database())?;
    } else {
        for migration in applied {
            writeln!(out, "applied {:03} {}", migration.version, migration.name)?;
        }
    }
    Ok(())
}
